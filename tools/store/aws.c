#ifdef HAVE_CURL
#include "aws.h"
#include "fail.h"

#include <curl/curl.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "aws_config.h"
#include "cli.h"
#include "nbase.h"

static const char unreserved[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

char *aws_encode(const char *text, bool keep_slash)
{
    char *out = malloc(3 * strlen(text) + 1), *p = out;
    if (!out) return NULL;
    for (; *text; text++) {
        if (strchr(unreserved, *text) || (keep_slash && *text == '/'))
            *p++ = *text;
        else
            p += sprintf(p, "%%%02X", (unsigned char)*text);
    }
    *p = 0;
    return out;
}

void aws_response_free(aws_response *r)
{
    free(r->body);
    *r = (aws_response){0};
}

enum { MAX_IDLE = 64 };

struct aws {
    aws_config config;
    char service[32];
    char signer[160]; /* CURLOPT_AWS_SIGV4: "aws:amz:REGION:SERVICE" */
    pthread_mutex_t lock;
    CURL *idle[MAX_IDLE]; /* connections are kept open between requests */
    size_t idle_count;
    nbase_rng rng; /* of the pauses between tries */
};

static void digest(gnutls_digest_algorithm_t algorithm, const void *data, size_t size, char *hex)
{
    unsigned char raw[64];
    size_t n = gnutls_hash_get_len(algorithm);
    gnutls_hash_fast(algorithm, size ? data : "", size, raw);
    for (size_t i = 0; i < n; i++) sprintf(hex + 2 * i, "%02x", raw[i]);
}
void aws_sha256(const void *data, size_t size, char hex[65])
{
    digest(GNUTLS_DIG_SHA256, data, size, hex);
}
void aws_md5(const void *data, size_t size, char hex[33])
{
    digest(GNUTLS_DIG_MD5, data, size, hex);
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void start_curl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

aws *aws_open(const char *service, nbase_error *err)
{
    pthread_once(&curl_once, start_curl);
    aws *a = calloc(1, sizeof *a);
    if (!a) {
        tool_no_memory(err);
        return NULL;
    }
    if (!aws_config_load(service, &a->config, err)) {
        free(a);
        return NULL;
    }
    snprintf(a->service, sizeof a->service, "%s", service);
    snprintf(a->signer, sizeof a->signer, "aws:amz:%s:%s", a->config.region, service);
    pthread_mutex_init(&a->lock, NULL);
    nbase_rng_seed(&a->rng, (uint64_t)getpid() ^ (uint64_t)time(NULL), 1);
    return a;
}

void aws_close(aws *a)
{
    if (!a) return;
    for (size_t i = 0; i < a->idle_count; i++) curl_easy_cleanup(a->idle[i]);
    pthread_mutex_destroy(&a->lock);
    aws_config_free(&a->config);
    free(a);
}

const char *aws_endpoint(const aws *a) { return a->config.endpoint; }

static CURL *take_connection(aws *a)
{
    pthread_mutex_lock(&a->lock);
    CURL *c = a->idle_count ? a->idle[--a->idle_count] : NULL;
    pthread_mutex_unlock(&a->lock);
    return c ? c : curl_easy_init();
}

static void give_connection(aws *a, CURL *c)
{
    curl_easy_reset(c); /* keeps the connection, resets every option */
    pthread_mutex_lock(&a->lock);
    bool kept = a->idle_count < MAX_IDLE;
    if (kept) a->idle[a->idle_count++] = c;
    pthread_mutex_unlock(&a->lock);
    if (!kept) curl_easy_cleanup(c);
}

/* ---- one try ---- */

typedef struct exchange {
    aws_response *response;
    size_t capacity, limit;
    bool too_long;
    double retry_after;
} exchange;

static size_t on_body(char *data, size_t unit, size_t n, void *ctx)
{
    exchange *x = ctx;
    aws_response *r = x->response;
    size_t bytes = unit * n;
    if (bytes > x->limit || r->size > x->limit - bytes) {
        x->too_long = true;
        return 0;
    }
    if (r->size + bytes + 1 > x->capacity) {
        size_t capacity = 2 * (r->size + bytes) + 4096;
        char *grown = realloc(r->body, capacity);
        if (!grown) return 0;
        r->body = grown;
        x->capacity = capacity;
    }
    memcpy(r->body + r->size, data, bytes);
    r->size += bytes;
    r->body[r->size] = 0;
    return bytes;
}

static size_t on_header(char *line, size_t unit, size_t n, void *ctx)
{
    exchange *x = ctx;
    size_t bytes = unit * n;
    char text[200];
    snprintf(text, sizeof text, "%.*s", (int)(bytes < sizeof text ? bytes : sizeof text - 1), line);
    text[strcspn(text, "\r\n")] = 0;
    const char *value = strchr(text, ':');
    if (!value) return bytes;
    value += 1 + strspn(value + 1, " ");
    if (!strncasecmp(text, "etag:", 5))
        snprintf(x->response->etag, sizeof x->response->etag, "%.79s", value);
    if (!strncasecmp(text, "x-amz-meta-sha256:", 18))
        snprintf(x->response->sha256, sizeof x->response->sha256, "%.71s", value);
    if (!strncasecmp(text, "retry-after:", 12)) x->retry_after = atof(value);
    return bytes;
}

static struct curl_slist *add_header(struct curl_slist *list, bool *ok, const char *name,
                                     const char *value)
{
    char line[8192];
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = n < (int)sizeof line ? curl_slist_append(list, line) : NULL;
    if (!longer) *ok = false;
    return longer ? longer : list;
}

static struct curl_slist *request_headers(const aws *a, const aws_request *q, bool *ok)
{
    char hash[65];
    aws_sha256(q->body, q->body ? q->body_size : 0, hash);
    /* libcurl signs this header but does not compute it */
    struct curl_slist *list = add_header(NULL, ok, "x-amz-content-sha256", hash);
    if (a->config.session_token)
        list = add_header(list, ok, "x-amz-security-token", a->config.session_token);
    for (const aws_header *h = q->headers; h && h->name; h++)
        list = add_header(list, ok, h->name, h->value);
    return list;
}

static void set_options(CURL *c, const aws *a, const aws_request *q, const char *url,
                        struct curl_slist *headers, exchange *x)
{
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_AWS_SIGV4, a->signer);
    curl_easy_setopt(c, CURLOPT_USERNAME, a->config.access_key);
    curl_easy_setopt(c, CURLOPT_PASSWORD, a->config.secret_key);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 100L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)a->config.stall_seconds);
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

/* Copies the text of <Code>...</Code> from an error answer of S3, or of "__type": "...#Name" from
 * one of Comprehend. */
static void find_code(aws_response *r)
{
    const char *from = r->body ? strstr(r->body, "<Code>") : NULL;
    if (from) {
        from += 6;
        snprintf(r->code, sizeof r->code, "%.*s", (int)strcspn(from, "<"), from);
    } else if (r->body && (from = strstr(r->body, "\"__type\""))) {
        from = strchr(from + 8, '"');
        if (!from) return;
        const char *hash = strchr(from, '#'), *end = strchr(from + 1, '"');
        if (hash && end && hash < end) from = hash;
        snprintf(r->code, sizeof r->code, "%.*s", (int)strcspn(from + 1, "\""), from + 1);
    }
}

static CURLcode try_once(aws *a, const aws_request *q, const char *url, aws_response *r,
                         exchange *x)
{
    CURL *c = take_connection(a);
    bool ok = c != NULL;
    struct curl_slist *headers = request_headers(a, q, &ok);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (ok) {
        set_options(c, a, q, url, headers, x);
        code = curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r->status);
    }
    if (c) give_connection(a, c);
    curl_slist_free_all(headers);
    return code;
}

/* ---- all tries ---- */

static bool worth_again(CURLcode code, const aws_response *r)
{
    if (code == CURLE_OK) {
        bool throttled = strstr(r->code, "Throttl") || strstr(r->code, "TooManyRequests") ||
                         !strcmp(r->code, "SlowDown") || !strcmp(r->code, "RequestTimeout");
        return throttled || r->status == 429 || r->status == 500 || r->status == 502 ||
               r->status == 503 || r->status == 504;
    }
    return code != CURLE_OUT_OF_MEMORY && code != CURLE_URL_MALFORMAT &&
           code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_PEER_FAILED_VERIFICATION &&
           code != CURLE_WRITE_ERROR;
}

/* Waits before the next try: 0.1 s, doubled with each try, at most 10 s. Half of it is random, so
 * that many clients don't come back at the same moment. Ctrl-C ends the wait. */
static void pause_before_next(aws *a, int tries, double retry_after)
{
    pthread_mutex_lock(&a->lock);
    double random = nbase_rng_uniform(&a->rng);
    pthread_mutex_unlock(&a->lock);
    double seconds = 0.1 * (double)(1 << (tries < 8 ? tries : 8)) * (0.5 + 0.5 * random);
    if (retry_after > seconds) seconds = retry_after;
    if (seconds > 10) seconds = 10;
    for (double slept = 0; slept < seconds && !cli_interrupted(); slept += 0.05) usleep(50000);
}

bool aws_send(aws *a, const aws_request *q, aws_response *r, nbase_error *err)
{
    size_t length =
        strlen(a->config.endpoint) + strlen(q->path) + (q->query ? strlen(q->query) : 0) + 2;
    char *url = malloc(length);
    *r = (aws_response){0};
    if (!url) {
        tool_no_memory(err);
        return false;
    }
    snprintf(url, length, "%s%s%s%s", a->config.endpoint, q->path, q->query ? "?" : "",
             q->query ? q->query : "");
    CURLcode code = CURLE_OK;
    bool too_long = false;
    int tries = 0;
    for (;;) {
        aws_response_free(r);
        exchange x = {.response = r, .limit = q->max_response};
        code = try_once(a, q, url, r, &x);
        too_long = x.too_long;
        if (code == CURLE_OK && r->status >= 300) find_code(r);
        if (++tries >= a->config.max_attempts || too_long || cli_interrupted() ||
            !worth_again(code, r))
            break;
        pause_before_next(a, tries, x.retry_after);
    }
    free(url);
    if (code == CURLE_OK && !worth_again(code, r)) return true;
    if (too_long)
        tool_fail(err, NBASE_ERR_IO, "the answer is over the limit of %zu bytes", q->max_response);
    else if (cli_interrupted())
        tool_fail(err, NBASE_ERR_IO, "interrupted");
    else
        tool_fail(err, NBASE_ERR_IO, "%s at %s after %d tries%s%s",
                  code == CURLE_OK ? "the server is busy or broken" : curl_easy_strerror(code),
                  a->config.endpoint, tries, *r->code ? ": " : "", r->code);
    aws_response_free(r);
    return false;
}

#endif
