#include "http.h"

#include "fail.h"

#ifdef HAVE_MICROHTTPD
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "monotonic.h"
#include "request.h"
#include "retry.h"
#include "serve_limits.h"

enum {
    CONNECTION_BUFFER = 64 << 10,
    /* Bodies are read on these threads, so that a large one does not hold up the other
     * connections. */
    CONNECTION_THREADS = 4,
    /* A client that announces a body of so many times the limit is answered before it sends it. */
    ENDLESS = 8,
    /* Seconds of patience that the library has beyond ours: it does not know whether the client is
     * slow, or we are. */
    LIBRARY_PATIENCE = 60,
    /* Connections that the library may hold: never reached, since the acceptor counts them. */
    LIBRARY_LIMIT = 1 << 20
};

typedef struct argument_search {
    const char *name, *value;
    size_t count;
} argument_search;

static enum MHD_Result find_argument(void *ctx, enum MHD_ValueKind kind, const char *key,
                                     const char *value)
{
    argument_search *a = ctx;
    (void)kind;
    if (strcasecmp(key, a->name) != 0) return MHD_YES;
    if (a->count++ == 0) a->value = value ? value : "";
    return MHD_YES;
}

const char *request_argument(request *r, const char *name, size_t *count)
{
    argument_search a = {.name = name};
    MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, find_argument, &a);
    *count = a.count;
    return a.value;
}

const char *request_header(request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* ---- the answer ---- */

/* What OPTIONS asks for. */
static void add_options(struct MHD_Response *out, const request *r)
{
    char methods[60];
    if (!r->asks_options) return;
    snprintf(methods, sizeof methods, "%s, OPTIONS", r->allow);
    MHD_add_response_header(out, "Allow", methods);
}

/* Lets pages of other web sites read the answer, where the user wants that (CORS). With OPTIONS a
 * browser asks before it sends the request itself. */
static void add_sharing(struct MHD_Response *out, request *r)
{
    const origin_rules *rules = &r->server->origins;
    const char *origin = request_header(r, "Origin");
    if (!rules->shared_with) return;
    MHD_add_response_header(out, "Vary", "Origin");
    if (!origin_is_shared(rules, origin)) return;
    MHD_add_response_header(out, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(out, "Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
    if (!r->asks_options) return;
    MHD_add_response_header(out, "Access-Control-Allow-Methods", r->allow);
    MHD_add_response_header(out, "Access-Control-Allow-Headers",
                            "Authorization, Content-Type, Content-Encoding");
    MHD_add_response_header(out, "Access-Control-Max-Age", "600");
    if (request_header(r, "Access-Control-Request-Private-Network"))
        MHD_add_response_header(out, "Access-Control-Allow-Private-Network", "true");
}

static void add_headers(struct MHD_Response *out, request *r)
{
    static const char page_policy[] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    const answer *a = &r->answer;
    char number[24];
    if (a->type) MHD_add_response_header(out, "Content-Type", a->type);
    MHD_add_response_header(out, "X-Request-Id", r->id);
    MHD_add_response_header(out, "Cache-Control", a->cache ? a->cache : "no-store");
    MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(out, "Referrer-Policy", "no-referrer");
    if (a->type && strncmp(a->type, "text/html", 9) == 0)
        MHD_add_response_header(out, "Content-Security-Policy",
                                a->policy ? a->policy : page_policy);
    if (a->alone) {
        MHD_add_response_header(out, "Cross-Origin-Opener-Policy", "same-origin");
        MHD_add_response_header(out, "Cross-Origin-Embedder-Policy", "require-corp");
    }
    if (r->problem.retry_after != RETRY_NEVER) {
        snprintf(number, sizeof number, "%d", retry_after(r->server, r->problem.retry_after));
        MHD_add_response_header(out, "Retry-After", number);
    }
    if (a->status == 401) MHD_add_response_header(out, "WWW-Authenticate", "Bearer");
    if (a->status == 405 && r->allow) MHD_add_response_header(out, "Allow", r->allow);
    if (r->accept_encoding) MHD_add_response_header(out, "Accept-Encoding", "gzip, deflate");
    if (r->untrusted || atomic_load(&r->server->draining))
        MHD_add_response_header(out, "Connection", "close");
    add_options(out, r);
    add_sharing(out, r);
}

/* The problem becomes the answer. */
static void answer_problem(request *r)
{
    if (r->answer.owned) free((char *)r->answer.body);
    char *text = problem_json(&r->problem, r->id, r->extension);
    r->answer = (answer){.status = r->problem.status,
                         .type = "application/problem+json",
                         .body = text ? text : "",
                         .size = text ? strlen(text) : 0,
                         .owned = text != NULL};
}

static enum MHD_Result send_answer(request *r)
{
    server *s = r->server;
    answer *a = &r->answer;
    /* What the request holds is freed before its client can send another. */
    request_release(r);
    if (r->problem.status) answer_problem(r);
    struct MHD_Response *out = MHD_create_response_from_buffer(
        a->size, (void *)a->body, a->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!out) return MHD_NO;
    a->owned = false; /* the response frees it now */
    a->body = "";
    add_headers(out, r);
    enum MHD_Result ok = MHD_queue_response(r->connection, (unsigned)a->status, out);
    MHD_destroy_response(out);
    r->answered = true;
    server_metrics_answer(&s->metrics, r->route_number, a->status,
                          monotonic_seconds() - r->started);
    watch_phase(&s->watch, r->watched, WATCH_ANSWERING);
    return ok;
}

/* ---- the head ---- */

/* How a head says where its body ends. */
typedef struct framing {
    request *request;
    size_t lengths, codings; /* headers Content-Length and Transfer-Encoding */
    size_t hosts;
} framing;

/* RFC 9112, 5.1: blanks before the colon are refused, since one program takes "Content-Length : 5"
 * for the length of a body, and another, as libmicrohttpd, for a header that it does not know. */
static bool ends_in_blank(const char *name)
{
    size_t length = strlen(name);
    return length && (name[length - 1] == ' ' || name[length - 1] == '\t');
}

/* libmicrohttpd takes a body of a transfer encoding that it does not know for one without end, and
 * of several lengths the first. A proxy in front may take another: what it holds for the body of
 * one client would be the next request of another. */
static enum MHD_Result check_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    framing *f = ctx;
    problem *p = &f->request->problem;
    (void)kind;
    bool coding = strcasecmp(name, "Transfer-Encoding") == 0;
    f->codings += coding;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    f->hosts += strcasecmp(name, "Host") == 0;
    if (ends_in_blank(name))
        problem_set(p, 400, "BAD_REQUEST", "the head has a blank between '%.60s' and its colon",
                    name);
    else if (f->hosts > 1)
        problem_set(p, 400, "BAD_REQUEST", "the head has two lines Host; send one");
    else if (coding && value && strcasecmp(value, "chunked") != 0)
        problem_set(p, 400, "BAD_REQUEST",
                    "the only transfer encoding that this server knows is chunked");
    else if (f->codings + f->lengths > 1)
        problem_set(p, 400, "BAD_REQUEST",
                    "the head says more than once where the body ends; send one Content-Length, "
                    "or one Transfer-Encoding");
    return p->status ? MHD_NO : MHD_YES;
}

/* Length that the head announces; 0 if none. */
static unsigned long long announced_length(request *r)
{
    const char *length = request_header(r, "Content-Length");
    return length ? strtoull(length, NULL, 10) : 0;
}

static void check_route(request *r)
{
    if (r->route || r->asks_options) return;
    if (r->allow)
        problem_set(&r->problem, 405, "METHOD_NOT_ALLOWED", "this address accepts %s", r->allow);
    else
        problem_set(&r->problem, 404, "NOT_FOUND",
                    "there is nothing at this address; GET /openapi.json lists what there is");
}

/* host: the name by which the server was asked. */
static void check_origin(request *r, const char *host)
{
    if (!origin_allowed(&r->server->origins, host, request_header(r, "Origin"),
                        request_header(r, "Sec-Fetch-Site")))
        problem_set(&r->problem, 403, "FORBIDDEN",
                    "a page of another web site may not use this server; if it has a name of its "
                    "own, give that with --host, and let a proxy pass on the header Host; --cors "
                    "admits other web sites");
}

/* On a connection of the reserve only vital routes are answered, and nobody may stay there. */
static void check_place(request *r)
{
    if (r->route->handlers->vital || watch_has_place(&r->server->watch, r->watched)) return;
    if (!r->problem.status) r->problem.retry_after = RETRY_ROOM;
    problem_set(&r->problem, 429, "BUSY",
                "there are too many open connections, or too many of this address; try again");
    r->untrusted = true;
}

/* Finds everything wrong that the head alone shows, and lets the route begin. */
static void check_head(request *r, const char *host)
{
    const serve_options *o = r->server->options;
    framing f = {.request = r};
    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, check_header, &f);
    r->untrusted = r->problem.status != 0;
    check_route(r);
    if (r->asks_options) check_origin(r, host);
    if (!r->route) return;
    if (!r->route->open &&
        !credential_slot_accepts(&r->server->credentials, request_header(r, "Authorization")))
        problem_set(&r->problem, 401, "UNAUTHORIZED",
                    "this server asks for a token: Authorization: Bearer TOKEN");
    check_origin(r, host);
    check_place(r);
    body_begin(r, request_header(r, "Content-Encoding"));
    if (announced_length(r) > o->max_body)
        problem_set(&r->problem, 413, "TOO_LARGE", "the body has %.20s bytes; the limit is %zu",
                    request_header(r, "Content-Length"), o->max_body);
    if (!r->problem.status && r->route->handlers->begin) r->route->handlers->begin(r);
}

/* All values of X-Forwarded-For, the last first. */
typedef struct forwarded_values {
    const char *values[PROXY_MOST];
    size_t count;
} forwarded_values;

static enum MHD_Result collect_forwarded(void *ctx, enum MHD_ValueKind kind, const char *name,
                                         const char *value)
{
    forwarded_values *v = ctx;
    (void)kind;
    if (strcasecmp(name, "X-Forwarded-For") != 0 || !value) return MHD_YES;
    size_t keep = v->count < PROXY_MOST - 1 ? v->count : PROXY_MOST - 1;
    memmove(v->values + 1, v->values, keep * sizeof *v->values);
    v->values[0] = value;
    v->count = keep + 1;
    return MHD_YES;
}

/* The address of the client: that of the connection, or what its proxies say. Null: unknown. */
static const net_address *find_client(server *s, struct MHD_Connection *connection, watched *w,
                                      net_address *out)
{
    const peer *p = watch_peer(w);
    forwarded_values v = {.count = 0};
    if (!p) return NULL;
    *out = p->address;
    if (!p->proxy) return out;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_forwarded, &v);
    for (size_t i = 0; i < v.count; i++)
        if (!proxy_list_search(&s->proxies, v.values[i], out)) break;
    return out;
}

/* While a body is read, the library itself sends an interim answer where one is expected, and TLS
 * must not be written to by two threads. */
static watch_state probe_from(request *r, const char *version)
{
    if (strcmp(version, MHD_HTTP_VERSION_1_1) != 0) return WATCH_IDLE;
    bool alone = !r->server->options->certificate && !request_header(r, "Expect");
    return alone ? WATCH_READING : WATCH_WORKING;
}

static request *begin_request(server *s, struct MHD_Connection *connection, const char *address,
                              const char *method, const char *version)
{
    const char *allow;
    char host[HOST_SIZE] = "";
    const char *path = address_path(address, host);
    const route *found = route_find(s->routes, method, path, &allow);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    watched *w = info ? info->socket_context : NULL;
    net_address client;
    request *r = request_create(s, found, find_client(s, connection, w, &client));
    if (!r) return NULL;
    r->connection = connection;
    r->watched = w;
    r->allow = allow;
    r->asks_options = !found && allow && strcmp(method, "OPTIONS") == 0;
    atomic_fetch_add(&s->metrics.in_flight, 1);
    watch_phase(&s->watch, r->watched, WATCH_READING);
    const char *after = request_header(r, "Connection");
    bool last = after ? strcasestr(after, "close") != NULL : strcmp(version, "HTTP/1.0") == 0;
    if (last) watch_last_request(&s->watch, r->watched);
    watch_may_probe(&s->watch, r->watched, probe_from(r, version));
    check_head(r, *host ? host : request_header(r, "Host"));
    return r;
}

/* Whether to answer before the body comes: the client waits for leave to send it, or would send far
 * too much. */
static bool refuse_at_once(request *r)
{
    bool endless = announced_length(r) / ENDLESS > r->server->options->max_body;
    return r->problem.status && (request_header(r, "Expect") || endless || r->untrusted);
}

/* ---- the body and the job ---- */

static enum MHD_Result take_body(request *r, const char *bytes, size_t *size)
{
    size_t came = *size;
    if (!body_take(r, bytes, size)) return MHD_NO; /* it never ends: cut */
    if (!watch_received(&r->server->watch, r->watched, came - *size)) return MHD_NO;
    if (r->problem.status) request_release(r);
    if (*size) { /* the library calls again only after this, when the others have had their turn */
        MHD_suspend_connection(r->connection);
        MHD_resume_connection(r->connection);
    }
    return MHD_YES;
}

/* Called by a worker or the ticker: wakes the connection, so that take_request is called again. */
static void job_done(job *j)
{
    request *r = j->owner;
    struct MHD_Connection *connection = r->connection;
    atomic_store(&r->waiting, false);
    MHD_resume_connection(connection);
}

static job_need job_need_of(const job *j)
{
    const request *r = j->owner;
    if (atomic_load(&r->server->given_up)) return JOB_SERVER_STOPS;
    return watch_gone(&r->server->watch, r->watched) ? JOB_CLIENT_GONE : JOB_NEEDED;
}

static void submit_job(request *r)
{
    server *s = r->server;
    job *j = r->job;
    j->owner = r;
    j->done = job_done;
    j->need = job_need_of;
    j->deadline = monotonic_seconds() + s->options->deadline;
    j->lane = r->peer ? &r->peer->lane : NULL;
    atomic_store(&r->waiting, true);
    watch_phase(&s->watch, r->watched, WATCH_WORKING);
    MHD_suspend_connection(r->connection);
    if (job_queue_push(&s->queue, j)) return;
    job_refuse(j);
    atomic_store(&r->waiting, false);
    MHD_resume_connection(r->connection);
}

/* True if the answer is ready; false if a worker has the job now. */
static bool finish_request(request *r)
{
    r->finished = true;
    body_end(r);
    if (r->asks_options) r->answer.status = 204;
    if (!r->problem.status && r->route && r->route->handlers->finish) r->route->handlers->finish(r);
    if (r->problem.status || !r->job) return true;
    submit_job(r);
    return false;
}

static void take_result(request *r)
{
    if (r->job->problem.status && !r->problem.status) r->problem = r->job->problem;
    if (r->route->handlers->reply) r->route->handlers->reply(r);
}

/* ---- what libmicrohttpd calls ---- */

/* Once for the head, once for each piece of the body, once when it is whole, and once more when a
 * job is done. */
static enum MHD_Result take_request(void *ctx, struct MHD_Connection *connection,
                                    const char *address, const char *method, const char *version,
                                    const char *bytes, size_t *size, void **state)
{
    request *r = *state;
    if (!r) {
        *state = r = begin_request(ctx, connection, address, method, version);
        if (!r) return MHD_NO;
        return refuse_at_once(r) ? send_answer(r) : MHD_YES;
    }
    if (r->answered) return MHD_YES;
    if (*size) return take_body(r, bytes, size);
    if (!r->finished) {
        if (!finish_request(r)) return MHD_YES;
    } else if (atomic_load(&r->waiting)) {
        return MHD_YES;
    } else if (r->job) {
        take_result(r);
    }
    return send_answer(r);
}

static void request_over(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    server *s = ctx;
    request *r = *state;
    (void)connection, (void)why;
    if (!r) return;
    watch_phase(&s->watch, r->watched, WATCH_IDLE);
    request_free(r);
    *state = NULL;
    atomic_fetch_sub(&s->metrics.in_flight, 1);
}

static void connection_changed(void *ctx, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode what)
{
    server *s = ctx;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info ? watch_begin(&s->watch, info->connect_fd, connection) : NULL;
        atomic_fetch_add(&s->metrics.connections, 1);
    } else {
        peer_release(&s->peers, watch_drop(&s->watch, *socket_context));
        *socket_context = NULL;
        atomic_fetch_sub(&s->metrics.connections, 1);
        acceptor_closed(&s->acceptor);
    }
}

/* An address with an escaped zero byte stays escaped: the byte would hide what stands after it. */
static size_t unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx, (void)connection;
    return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* ---- start and stop ---- */

/* Called in rounds of the watch. The library sends nothing at that time (watch_may_probe). */
static void send_interim(void *connection, int fd)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info && info->tls_session)
        tls_send(info->tls_session, text, sizeof text - 1);
    else if (send(fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return; /* the next round sees why */
}

static bool take_connection(void *ctx, int fd, const struct sockaddr *peer_address, socklen_t size)
{
    server *s = ctx;
    peer *p = peer_get(&s->peers, net_address_of(peer_address));
    watched *w = p ? watch_admit(&s->watch, fd, p) : NULL;
    if (!w) close(fd);
    if (w && MHD_add_connection(s->daemon, fd, peer_address, size) == MHD_YES) return true;
    watch_drop(&s->watch, w);
    peer_release(&s->peers, p);
    return false;
}

bool http_start(server *s, nbase_error *err)
{
    const serve_options *o = s->options;
    s->watch.send_interim = send_interim;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET; /* see acceptor.h */
    if (o->certificate) flags |= MHD_USE_TLS;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_identity_callback()},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_VERSIONS},
                                   {MHD_OPTION_END, 0, NULL}};
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, take_request, s, MHD_OPTION_NOTIFY_COMPLETED, request_over, s,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, s, MHD_OPTION_CONNECTION_LIMIT,
        LIBRARY_LIMIT, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BUFFER,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->patience + LIBRARY_PATIENCE,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)CONNECTION_THREADS, MHD_OPTION_ARRAY,
        o->certificate ? tls : tls + 2, MHD_OPTION_END);
    if (!s->daemon)
        return tool_fail(err, NBASE_ERR_IO, "%s: the HTTP server cannot start",
                         s->listener.address);
    s->acceptor = (acceptor){.take = take_connection,
                             .ctx = s,
                             .listener = &s->listener,
                             .limit = o->connections + 2 * (size_t)SERVE_RESERVE};
    return acceptor_start(&s->acceptor, err);
}

void http_quiesce(server *s) { acceptor_stop(&s->acceptor); }

void http_stop(server *s)
{
    acceptor_stop(&s->acceptor);
    if (s->daemon) MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
    acceptor_free(&s->acceptor);
}

#else
#include "request.h"

const char *request_argument(request *r, const char *name, size_t *count)
{
    (void)r, (void)name;
    *count = 0;
    return NULL;
}

const char *request_header(request *r, const char *name)
{
    (void)r, (void)name;
    return NULL;
}

bool http_start(server *s, nbase_error *err)
{
    (void)s;
    return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                     "this build has no HTTP server; install libmicrohttpd-dev and build again");
}

void http_quiesce(server *s) { (void)s; }

void http_stop(server *s) { (void)s; }
#endif
