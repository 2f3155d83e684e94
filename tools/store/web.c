#ifdef HAVE_CURL
#include "web.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fail.h"

enum { MAX_IDLE = 64, MAX_HEAD = 64 << 10, CONNECT_SECONDS = 10 };

struct web {
    pthread_mutex_t lock;
    CURL *idle[MAX_IDLE]; /* connections are kept open between requests */
    size_t idle_count;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void start_curl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

web *web_open(void)
{
    pthread_once(&curl_once, start_curl);
    web *w = calloc(1, sizeof *w);
    if (w) pthread_mutex_init(&w->lock, NULL);
    return w;
}

void web_close(web *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->idle_count; i++) curl_easy_cleanup(w->idle[i]);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static CURL *take_connection(web *w)
{
    pthread_mutex_lock(&w->lock);
    CURL *c = w->idle_count ? w->idle[--w->idle_count] : NULL;
    pthread_mutex_unlock(&w->lock);
    return c ? c : curl_easy_init();
}

static void give_connection(web *w, CURL *c)
{
    curl_easy_reset(c); /* keeps the connection, resets every option */
    pthread_mutex_lock(&w->lock);
    bool kept = w->idle_count < MAX_IDLE;
    if (kept) w->idle[w->idle_count++] = c;
    pthread_mutex_unlock(&w->lock);
    if (!kept) curl_easy_cleanup(c);
}

/* ---- the answer ---- */

typedef struct exchange {
    web_answer *answer;
    size_t capacity, limit, head_size;
    bool too_long;
} exchange;

static size_t on_body(char *data, size_t unit, size_t n, void *ctx)
{
    exchange *x = ctx;
    web_answer *a = x->answer;
    size_t bytes = unit * n;
    if (bytes > x->limit || a->size > x->limit - bytes) {
        x->too_long = true;
        return 0;
    }
    if (a->size + bytes + 1 > x->capacity) {
        size_t capacity = 2 * (a->size + bytes) + 4096;
        char *grown = realloc(a->body, capacity);
        if (!grown) return 0;
        a->body = grown;
        x->capacity = capacity;
    }
    memcpy(a->body + a->size, data, bytes);
    a->size += bytes;
    a->body[a->size] = 0;
    return bytes;
}

/* Keeps the lines of the last head: an answer "100 Continue" has one, too. */
static size_t on_header(char *line, size_t unit, size_t n, void *ctx)
{
    exchange *x = ctx;
    size_t bytes = unit * n;
    if (bytes >= 5 && memcmp(line, "HTTP/", 5) == 0) x->head_size = 0;
    if (bytes > MAX_HEAD - x->head_size) return 0;
    char *grown = realloc(x->answer->head, x->head_size + bytes + 1);
    if (!grown) return 0;
    x->answer->head = grown;
    memcpy(grown + x->head_size, line, bytes);
    x->head_size += bytes;
    grown[x->head_size] = 0;
    return bytes;
}

const char *web_field(const web_answer *a, const char *name, char *out, size_t room)
{
    size_t size = strlen(name);
    *out = 0;
    for (const char *line = a->head; line && *line; line += strcspn(line, "\n")) {
        line += *line == '\n';
        if (strncasecmp(line, name, size) != 0 || line[size] != ':') continue;
        const char *value = line + size + 1;
        value += strspn(value, " \t");
        snprintf(out, room, "%.*s", (int)strcspn(value, "\r\n"), value);
    }
    return out;
}

void web_answer_free(web_answer *a)
{
    free(a->body);
    free(a->head);
    *a = (web_answer){0};
}

/* ---- the request ---- */

static struct curl_slist *header_list(const web_request *q, bool *ok)
{
    struct curl_slist *list = NULL;
    char line[8192];
    for (const web_header *h = q->headers; *ok && h && h->name; h++) {
        int n = snprintf(line, sizeof line, "%s: %s", h->name, h->value);
        struct curl_slist *longer = n < (int)sizeof line ? curl_slist_append(list, line) : NULL;
        *ok = longer != NULL;
        if (longer) list = longer;
    }
    return list;
}

static void set_options(CURL *c, const web_request *q, struct curl_slist *headers, exchange *x)
{
    curl_easy_setopt(c, CURLOPT_URL, q->url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    if (q->signer) {
        curl_easy_setopt(c, CURLOPT_AWS_SIGV4, q->signer);
        curl_easy_setopt(c, CURLOPT_USERNAME, q->user);
        curl_easy_setopt(c, CURLOPT_PASSWORD, q->secret);
    }
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
                     q->connect_seconds ? q->connect_seconds : (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 100L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, q->stall_seconds);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    if (!strcmp(q->method, "HEAD")) curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    if (q->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_size);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
    }
}

static web_result result_of(CURLcode code, const exchange *x, nbase_error *err)
{
    if (code == CURLE_OK) return WEB_OK;
    if (x->too_long) {
        tool_fail(err, NBASE_ERR_IO, "the answer is over the limit of %zu bytes", x->limit);
        return WEB_TOO_LONG;
    }
    tool_fail(err, NBASE_ERR_IO, "%s", curl_easy_strerror(code));
    bool hopeless = code == CURLE_OUT_OF_MEMORY || code == CURLE_URL_MALFORMAT ||
                    code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_PEER_FAILED_VERIFICATION ||
                    code == CURLE_WRITE_ERROR;
    return hopeless ? WEB_HOPELESS : WEB_BROKEN;
}

web_result web_send(web *w, const web_request *q, web_answer *out, nbase_error *err)
{
    *out = (web_answer){0};
    exchange x = {.answer = out, .limit = q->max_response};
    CURL *c = take_connection(w);
    bool ok = c != NULL;
    struct curl_slist *headers = header_list(q, &ok);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (ok) {
        set_options(c, q, headers, &x);
        code = curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
    }
    if (c) give_connection(w, c);
    curl_slist_free_all(headers);
    return result_of(code, &x, err);
}
#endif
