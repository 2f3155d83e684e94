#ifdef HAVE_CURL
#include "aws.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aws_config.h"
#include "aws_digest.h"
#include "aws_key_chain.h"
#include "aws_region.h"
#include "cli.h"
#include "fail.h"

void aws_response_free(aws_response *r)
{
    web_answer_free(&r->web);
    *r = (aws_response){0};
}

/* ---- what all requests share ---- */

/* Keys that were lent are renewed so many seconds before they expire. */
enum { RENEW_BEFORE = 300 };

struct aws {
    aws_config config;
    char service[32];
    web *web;
    pthread_mutex_t lock;
    /* Under the lock: what can change between two requests. */
    char region[AWS_REGION_SIZE], endpoint[AWS_ENDPOINT_SIZE];
    aws_keys keys;
    nbase_rng rng; /* of the pauses between tries */
};

aws *aws_open(const char *service, nbase_error *err)
{
    aws *a = calloc(1, sizeof *a);
    if (a) pthread_mutex_init(&a->lock, NULL);
    if (!a || !(a->web = web_open())) {
        tool_no_memory(err);
        aws_close(a);
        return NULL;
    }
    snprintf(a->service, sizeof a->service, "%s", service);
    if (!aws_config_load(service, &a->config, err) ||
        (!a->config.unsigned_requests && !aws_keys_find(a->web, &a->config, &a->keys, err)) ||
        !aws_config_check(&a->config, err)) {
        aws_close(a);
        return NULL;
    }
    memcpy(a->region, a->config.region, sizeof a->region);
    memcpy(a->endpoint, a->config.endpoint, sizeof a->endpoint);
    nbase_rng_seed(&a->rng, (uint64_t)getpid() ^ (uint64_t)time(NULL), 1);
    return a;
}

void aws_close(aws *a)
{
    if (!a) return;
    web_close(a->web);
    aws_keys_free(&a->keys);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

const char *aws_endpoint(const aws *a) { return a->config.endpoint; }

/* With what one try is sent. */
typedef struct aim {
    char region[AWS_REGION_SIZE], endpoint[AWS_ENDPOINT_SIZE];
    aws_keys keys; /* a copy: another thread may renew them */
} aim;

/* Finds the keys again if they expire soon, or are those that the service has just refused. */
static bool renew_keys(aws *a, const char *refused, nbase_error *err)
{
    bool soon = a->keys.expires && a->keys.expires - (int64_t)time(NULL) < RENEW_BEFORE,
         same = refused && a->keys.access_key && !strcmp(refused, a->keys.access_key);
    aws_keys fresh;
    if (!soon && !same) return true;
    if (!aws_keys_find(a->web, &a->config, &fresh, err)) return false;
    aws_keys_free(&a->keys);
    a->keys = fresh;
    return true;
}

static bool take_aim(aws *a, aim *out, nbase_error *err)
{
    pthread_mutex_lock(&a->lock);
    *out = (aim){0};
    memcpy(out->region, a->region, sizeof out->region);
    memcpy(out->endpoint, a->endpoint, sizeof out->endpoint);
    bool ok =
        renew_keys(a, NULL, err) && (aws_keys_copy(&a->keys, &out->keys) || tool_no_memory(err));
    pthread_mutex_unlock(&a->lock);
    return ok;
}

/* All later requests go to the region. */
static void move_to(aws *a, const char *region)
{
    pthread_mutex_lock(&a->lock);
    snprintf(a->region, sizeof a->region, "%s", region);
    if (!a->config.endpoint_is_set) aws_default_endpoint(a->service, region, a->endpoint);
    pthread_mutex_unlock(&a->lock);
}

/* ---- one try ---- */

enum { MOST_HEADERS = 16 };

static web_result try_once(aws *a, const aws_request *q, const aim *to, aws_response *r,
                           nbase_error *err)
{
    char hash[65], signer[AWS_REGION_SIZE + 48], *url = NULL;
    web_header headers[MOST_HEADERS] = {{0}};
    size_t n = 0;
    bool sign = !a->config.unsigned_requests;
    if (sign) {
        aws_sha256(q->body, q->body ? q->body_size : 0, hash);
        /* libcurl signs this header but does not compute it */
        headers[n++] = (web_header){"x-amz-content-sha256", hash};
        if (to->keys.session_token)
            headers[n++] = (web_header){"x-amz-security-token", to->keys.session_token};
    }
    for (const web_header *h = q->headers; h && h->name && n < MOST_HEADERS - 1; h++)
        headers[n++] = *h;
    snprintf(signer, sizeof signer, "aws:amz:%s:%s", to->region, a->service);
    if (asprintf(&url, "%s%s%s%s", to->endpoint, q->path, q->query ? "?" : "",
                 q->query ? q->query : "") < 0) {
        tool_no_memory(err);
        return WEB_HOPELESS;
    }
    web_request send = {.method = q->method,
                        .url = url,
                        .headers = headers,
                        .body = q->body,
                        .body_size = q->body_size,
                        .max_response = q->max_response,
                        .signer = sign ? signer : NULL,
                        .user = to->keys.access_key,
                        .secret = to->keys.secret_key,
                        .stall_seconds = a->config.stall_seconds};
    web_result result = web_send(a->web, &send, &r->web, err);
    free(url);
    return result;
}

/* Copies the text of <Code>...</Code> from an error answer of S3, or of "__type": "...#Name" from
 * one of Comprehend. */
static void find_code(aws_response *r)
{
    const char *from = r->web.body ? strstr(r->web.body, "<Code>") : NULL;
    if (from) {
        from += 6;
        snprintf(r->code, sizeof r->code, "%.*s", (int)strcspn(from, "<"), from);
    } else if (r->web.body && (from = strstr(r->web.body, "\"__type\""))) {
        from = strchr(from + 8, '"');
        if (!from) return;
        const char *hash = strchr(from, '#'), *end = strchr(from + 1, '"');
        if (hash && end && hash < end) from = hash;
        snprintf(r->code, sizeof r->code, "%.*s", (int)strcspn(from + 1, "\""), from + 1);
    }
}

/* ---- all tries ---- */

static bool busy(const aws_response *r)
{
    long status = r->web.status;
    bool throttled = strstr(r->code, "Throttl") || strstr(r->code, "TooManyRequests") ||
                     !strcmp(r->code, "SlowDown") || !strcmp(r->code, "RequestTimeout");
    return throttled || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

/* Waits before the next try: 0.1 s, doubled with each try, at most 10 s. Half of it is random, so
 * that many clients don't come back at the same moment. Ctrl-C ends the wait. */
static void pause_before_next(aws *a, int tries, const web_answer *answer)
{
    char text[40];
    double retry_after = atof(web_field(answer, "Retry-After", text, sizeof text));
    pthread_mutex_lock(&a->lock);
    double random = nbase_rng_uniform(&a->rng);
    pthread_mutex_unlock(&a->lock);
    double seconds = 0.1 * (double)(1 << (tries < 8 ? tries : 8)) * (0.5 + 0.5 * random);
    if (retry_after > seconds) seconds = retry_after;
    if (seconds > 10) seconds = 10;
    for (double slept = 0; slept < seconds && !cli_interrupted(); slept += 0.05) usleep(50000);
}

/* What another try without a pause may mend, each once per request. */
typedef struct remedies {
    bool moved, renewed;
} remedies;

static bool find_remedy(aws *a, const aim *to, const aws_response *r, remedies *done)
{
    char region[AWS_REGION_SIZE];
    if (!done->moved && aws_region_moved(&r->web, to->region, region)) {
        done->moved = true;
        move_to(a, region);
        return true;
    }
    if (done->renewed || !to->keys.expires ||
        (strcmp(r->code, "ExpiredToken") && strcmp(r->code, "ExpiredTokenException")))
        return false;
    done->renewed = true;
    nbase_error ignored; /* the answer says what is wrong */
    pthread_mutex_lock(&a->lock);
    bool ok = renew_keys(a, to->keys.access_key, &ignored);
    pthread_mutex_unlock(&a->lock);
    return ok;
}

/* Describes why no answer came. Returns false. */
static bool give_up(const aws *a, web_result result, const aws_response *r, const char *why,
                    int tries, nbase_error *err)
{
    if (cli_interrupted()) return tool_fail(err, NBASE_ERR_IO, "interrupted");
    if (result == WEB_TOO_LONG) return tool_fail(err, NBASE_ERR_IO, "%s", why);
    return tool_fail(err, NBASE_ERR_IO, "%s at %s after %d tries%s%s",
                     result == WEB_OK ? "the server is busy or broken" : why, a->config.endpoint,
                     tries, *r->code ? ": " : "", r->code);
}

bool aws_send(aws *a, const aws_request *q, aws_response *r, nbase_error *err)
{
    nbase_error why = {0};
    remedies done = {0};
    *r = (aws_response){0};
    for (int tries = 0;;) {
        aim to;
        aws_response_free(r);
        if (!take_aim(a, &to, err)) return false;
        web_result result = try_once(a, q, &to, r, &why);
        if (result == WEB_OK && r->web.status >= 300) find_code(r);
        bool again = result == WEB_OK && find_remedy(a, &to, r, &done);
        aws_keys_free(&to.keys);
        if (again && !cli_interrupted()) continue;
        if (result == WEB_OK && !busy(r)) return true;
        if (++tries >= a->config.max_attempts || result == WEB_HOPELESS || result == WEB_TOO_LONG ||
            cli_interrupted()) {
            give_up(a, result, r, why.text, tries, err);
            aws_response_free(r);
            return false;
        }
        pause_before_next(a, tries, &r->web);
    }
}

#endif
