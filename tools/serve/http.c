#include "http.h"

#ifdef HAVE_MICROHTTPD
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "fileio.h"
#include "request.h"

enum {
    CONNECTION_BUFFER = 64 << 10,
    /* bodies are read on them, so that a large one does not hold up the other connections */
    CONNECTION_THREADS = 4,
    /* a body up to OVERRUN times the limit is read away, so that the client gets to see the
     * answer */
    OVERRUN = 8
};

/* ---- small helpers for routes ---- */

const char *request_argument(request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

void request_text(request *r, const char *type, char *text)
{
    if (!text) {
        problem_set(&r->problem, 503, "OUT_OF_MEMORY", "the server is out of memory");
        return;
    }
    if (!r->status) r->status = 200;
    r->type = type;
    r->body = text;
    r->body_size = strlen(text);
    r->owned = true;
}

void request_static(request *r, const char *type, const void *data, size_t size)
{
    if (!r->status) r->status = 200;
    r->type = type;
    r->body = data;
    r->body_size = size;
}

/* ---- the answer ---- */

static void add_headers(struct MHD_Response *out, request *r)
{
    char number[24];
    MHD_add_response_header(out, "Content-Type", r->type);
    MHD_add_response_header(out, "X-Request-Id", r->id);
    MHD_add_response_header(out, "Cache-Control", r->cache ? r->cache : "no-store");
    MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(out, "Referrer-Policy", "no-referrer");
    if (strncmp(r->type, "text/html", 9) == 0)
        MHD_add_response_header(
            out, "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'");
    if (r->problem.retry_after) {
        snprintf(number, sizeof number, "%d", r->problem.retry_after);
        MHD_add_response_header(out, "Retry-After", number);
    }
    if (r->status == 401) MHD_add_response_header(out, "WWW-Authenticate", "Bearer");
    if (r->allow) MHD_add_response_header(out, "Allow", r->allow);
    if (r->odd || atomic_load(&r->server->draining))
        MHD_add_response_header(out, "Connection", "close");
}

/* What a request holds is given back before its client can send another. */
static void let_go(request *r)
{
    if (r->route && r->route->end) r->route->end(r);
}

static enum MHD_Result answer(request *r)
{
    server *s = r->server;
    let_go(r);
    if (r->problem.status) {
        if (r->owned) free((char *)r->body);
        char *text = problem_json(&r->problem, r->id, r->extension);
        r->status = r->problem.status;
        r->type = "application/problem+json";
        r->cache = NULL;
        r->owned = text != NULL;
        r->body = text ? text : "";
        r->body_size = strlen(r->body);
    }
    struct MHD_Response *out = MHD_create_response_from_buffer(
        r->body_size, (void *)r->body, r->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!out) return MHD_NO;
    r->owned = false; /* now the response's */
    r->body = "";
    add_headers(out, r);
    enum MHD_Result ok = MHD_queue_response(r->connection, (unsigned)r->status, out);
    MHD_destroy_response(out);
    r->answered = true;
    metrics_answer(&s->metrics, r->route_number, r->status, monotonic_seconds() - r->started);
    watch_phase(&s->watch, r->watched, false);
    return ok;
}

/* ---- the way in ---- */

/* Takes the same time for every wrong token of one length. */
static bool token_matches(const server *s, const char *header)
{
    if (!s->token) return true;
    if (!header || strncmp(header, "Bearer ", 7) != 0) return false;
    const char *given = header + 7;
    size_t n = strlen(s->token), m = strlen(given);
    unsigned difference = n != m;
    for (size_t i = 0; i < m; i++)
        difference |= (unsigned char)given[i] ^ (unsigned char)s->token[n ? i % n : 0];
    return difference == 0;
}

static void name_request(char id[17])
{
    unsigned char random[8];
    if (getrandom(random, sizeof random, 0) != sizeof random) memset(random, 0, sizeof random);
    for (int i = 0; i < 8; i++) snprintf(id + 2 * i, 3, "%02x", random[i]);
}

/* libmicrohttpd takes a body of an encoding that it does not know for one without end. */
static enum MHD_Result look_at_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    request *r = ctx;
    (void)kind;
    if (strcasecmp(name, "Transfer-Encoding") == 0 && value && strcasecmp(value, "chunked") != 0)
        problem_set(&r->problem, 400, "BAD_REQUEST", "a transfer encoding other than chunked");
    return r->problem.status ? MHD_NO : MHD_YES;
}

static request *begin(server *s, struct MHD_Connection *connection, const char *path,
                      const char *method)
{
    request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    r->server = s;
    r->connection = connection;
    r->watched = info ? info->socket_context : NULL;
    r->started = monotonic_seconds();
    name_request(r->id);
    atomic_fetch_add(&s->metrics.in_flight, 1);
    watch_phase(&s->watch, r->watched, false);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_header, r);
    r->odd = r->problem.status != 0;
    r->route = route_find(r, method, path);
    r->route_number = r->route ? (size_t)(r->route - routes) : route_count;
    if (!r->route) return r;
    if (!r->route->open && !token_matches(s, request_header(r, "Authorization")))
        problem_set(&r->problem, 401, "UNAUTHORIZED",
                    "this server asks for a token: Authorization: Bearer TOKEN");
    const char *length = request_header(r, "Content-Length");
    if (length && strtoull(length, NULL, 10) > s->o->max_body)
        problem_set(&r->problem, 413, "TOO_LARGE", "the body has %.20s bytes; the limit is %zu",
                    length, s->o->max_body);
    if (!r->problem.status && r->route->begin) r->route->begin(r);
    return r;
}

/* An answer before the body comes: where the client waits for leave to send it, or would send far
 * too much. */
static bool refuse_at_once(request *r)
{
    const char *length = request_header(r, "Content-Length"), *expect = request_header(r, "Expect");
    bool endless = length && strtoull(length, NULL, 10) / OVERRUN > r->server->o->max_body;
    return r->problem.status && (expect || endless || r->odd);
}

static enum MHD_Result take_body(request *r, const char *bytes, size_t *size)
{
    const server *s = r->server;
    r->received += *size;
    if (r->received > s->o->max_body)
        problem_set(&r->problem, 413, "TOO_LARGE", "the body is larger than the limit of %zu bytes",
                    s->o->max_body);
    if (r->received / OVERRUN > s->o->max_body) return MHD_NO; /* it never ends: cut */
    if (!r->problem.status && r->route->feed) r->route->feed(r, bytes, *size);
    if (r->problem.status) let_go(r);
    *size = 0;
    return MHD_YES;
}

/* Called by a worker: the connection wakes and take_request is called once more. */
static void job_done(job *j)
{
    request *r = j->owner;
    struct MHD_Connection *connection = r->connection;
    atomic_store(&r->waiting, false);
    MHD_resume_connection(connection);
}

static bool job_gone(const job *j)
{
    request *r = j->owner;
    return watch_gone(&r->server->watch, r->watched);
}

static void submit(request *r)
{
    server *s = r->server;
    r->job.owner = r;
    r->job.done = job_done;
    r->job.gone = job_gone;
    r->job.deadline = monotonic_seconds() + s->o->deadline;
    atomic_store(&r->waiting, true);
    watch_phase(&s->watch, r->watched, true);
    MHD_suspend_connection(r->connection);
    if (job_queue_push(&s->queue, &r->job)) return;
    r->problem.retry_after = 1;
    problem_set(&r->problem, 429, "BUSY", "%zu requests are waiting already; try again",
                s->o->queue);
    atomic_store(&r->waiting, false);
    MHD_resume_connection(r->connection);
}

static enum MHD_Result take_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                    const char *method, const char *version, const char *bytes,
                                    size_t *size, void **state)
{
    (void)version;
    request *r = *state;
    if (!r) {
        *state = r = begin(ctx, connection, path, method);
        if (!r) return MHD_NO;
        return refuse_at_once(r) ? answer(r) : MHD_YES;
    }
    if (r->answered) return MHD_YES;
    if (*size) return take_body(r, bytes, size);
    if (!r->finished) {
        r->finished = true;
        if (!r->problem.status && r->route->finish) r->route->finish(r);
        if (!r->problem.status && r->submit) {
            submit(r);
            return MHD_YES;
        }
    } else if (atomic_load(&r->waiting)) {
        return MHD_YES;
    } else if (r->submit) {
        if (r->job.problem.status && !r->problem.status) r->problem = r->job.problem;
        if (r->route->reply) r->route->reply(r);
    }
    return answer(r);
}

static void request_over(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)ctx, (void)connection, (void)why;
    request *r = *state;
    if (!r) return;
    let_go(r);
    if (r->owned) free((char *)r->body);
    free(r->extension);
    watch_phase(&r->server->watch, r->watched, false);
    atomic_fetch_sub(&r->server->metrics.in_flight, 1);
    free(r);
    *state = NULL;
}

static void connection_changed(void *ctx, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode what)
{
    server *s = ctx;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info ? watch_add(&s->watch, info->connect_fd) : NULL;
        atomic_fetch_add(&s->metrics.connections, 1);
    } else {
        watch_drop(&s->watch, *socket_context);
        *socket_context = NULL;
        atomic_fetch_sub(&s->metrics.connections, 1);
    }
}

/* A zero byte would hide what stands behind it. */
static size_t unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx, (void)connection;
    return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* ---- listening ---- */

/* "127.0.0.1:5000", "[::1]:5000", "localhost:0", ":80" for all addresses. */
static bool split_address(const char *text, char *host, size_t host_size, char *port,
                          size_t port_size)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1]) return false;
    size_t n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') text++, n -= 2;
    if (n >= host_size || strlen(colon + 1) >= port_size ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    snprintf(host, host_size, "%.*s", (int)n, text);
    snprintf(port, port_size, "%s", colon + 1);
    return true;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static int listen_on(const struct addrinfo *a)
{
    int on = 1,
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 511) == 0) return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static void note_address(server *s, int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[50] = "?", port[8] = "?";
    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0)
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(s->address, sizeof s->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static bool open_listener(server *s)
{
    const char *text = s->o->listen;
    char host[200], port[8];
    if (!split_address(text, host, sizeof host, port, sizeof port)) {
        cli_error("--listen %s: expected HOST:PORT, as 127.0.0.1:5000", text);
        return false;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE},
                    *found = NULL;
    int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (code) {
        cli_error("--listen %s: %s", text, gai_strerror(code));
        return false;
    }
    bool public = !is_loopback(found->ai_addr);
    if (public && !s->token && !s->o->allow_public) {
        cli_error("--listen %s can be reached from outside: give --token-file FILE, or "
                  "--allow-public if something in front keeps strangers out",
                  text);
        freeaddrinfo(found);
        return false;
    }
    s->listener = listen_on(found);
    freeaddrinfo(found);
    if (s->listener < 0) {
        cli_error("--listen %s: %s", text, strerror(errno));
        return false;
    }
    note_address(s, s->listener);
    return true;
}

static char *read_secret(const char *path)
{
    nbase_error err;
    char *text = path ? file_read(path, 1 << 20, NULL, &err) : NULL;
    if (path && !text) cli_report(&err);
    return text;
}

bool http_start(server *s)
{
    const serve_options *o = s->o;
    char *certificate = read_secret(o->certificate), *key = read_secret(o->key);
    if ((o->certificate && !certificate) || (o->key && !key) || !open_listener(s)) {
        free(certificate);
        free(key);
        return false;
    }
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (certificate ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
                                   {MHD_OPTION_END, 0, NULL}};
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, take_request, s, MHD_OPTION_LISTEN_SOCKET, s->listener,
        MHD_OPTION_NOTIFY_COMPLETED, request_over, s, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)o->per_address,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BUFFER,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(o->patience < 1 ? 1 : o->patience),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)CONNECTION_THREADS, MHD_OPTION_ARRAY,
        certificate ? tls : tls + 2, MHD_OPTION_END);
    free(certificate);
    if (key) explicit_bzero(key, strlen(key));
    free(key);
    if (s->daemon) return true;
    close(s->listener);
    s->listener = -1;
    cli_error("%s: the HTTP server cannot start%s", o->listen,
              o->certificate ? "; is the certificate in order?" : "");
    return false;
}

void http_quiesce(server *s)
{
    int fd = MHD_quiesce_daemon(s->daemon);
    if (fd < 0) return;
    /* those that the system accepted already and that nobody has greeted yet */
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        int client = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) break;
        if (MHD_add_connection(s->daemon, client, (struct sockaddr *)&peer, size) != MHD_YES) break;
    }
    close(fd);
    s->listener = -1;
}

void http_stop(server *s)
{
    if (s->daemon) MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
}

#else
#include "cli.h"

bool http_start(server *s)
{
    (void)s;
    cli_error("this build has no HTTP server; install libmicrohttpd-dev and build again");
    return false;
}

void http_quiesce(server *s) { (void)s; }

void http_stop(server *s) { (void)s; }
#endif
