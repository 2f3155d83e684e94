#ifdef HAVE_CURL
/* A bucket as a store: GET, PUT, HEAD, ListObjectsV2 and multipart upload of the S3 API, path style
 * (endpoint/bucket/key). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_digest.h"
#include "backend.h"
#include "cache.h"
#include "fail.h"
#include "s3_answer.h"
#include "s3_bucket.h"
#include "s3_list.h"

enum { LIST_ANSWER = 16 << 20 };

static void s3_close(void *self)
{
    bucket *b = self;
    if (b) {
        aws_close(b->aws);
        free(b->name);
        free(b->prefix);
    }
    free(b);
}

void *store_s3_open(const char *url, nbase_error *err)
{
    const char *name = url + strlen("s3://"), *slash = strchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : strlen(name);
    if (length < 3 || length > 63 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") < length) {
        tool_fail(err, NBASE_ERR_IO,
                  "'%s': expected s3://BUCKET/PREFIX with a bucket of 3 to 63 lower-case letters, "
                  "digits, dots and dashes",
                  url);
        return NULL;
    }
    bucket *b = calloc(1, sizeof *b);
    const char *rest = slash ? slash + 1 : "";
    size_t tail = strlen(rest);
    while (tail && rest[tail - 1] == '/') tail--;
    if (b) {
        b->name = strndup(name, length);
        b->prefix = malloc(tail + 2);
    }
    if (!b || !b->name || !b->prefix) {
        tool_no_memory(err);
        s3_close(b);
        return NULL;
    }
    memcpy(b->prefix, rest, tail);
    memcpy(b->prefix + tail, tail ? "/" : "", 2 - !tail);
    b->aws = aws_open("s3", err);
    if (b->aws) return b;
    s3_close(b);
    return NULL;
}

/* ---- reading ---- */

/* Takes the bytes of an answer 200; null with an error. */
static char *take_object(const bucket *b, const char *name, aws_response *r, nbase_error *err)
{
    char etag[120], *data = r->web.body ? r->web.body : calloc(1, 1);
    r->web.body = NULL;
    if (!data) {
        tool_no_memory(err);
    } else if (!s3_intact(r, data, r->web.size)) {
        tool_fail(err, NBASE_ERR_IO,
                  "s3://%s/%s%s: the bytes received do not match their checksum (ETag %s)", b->name,
                  b->prefix, name, web_field(&r->web, "ETag", etag, sizeof etag));
        free(data);
        data = NULL;
    }
    return data;
}

static char *s3_read(void *self, const char *name, size_t max_bytes, size_t *size, bool *missing,
                     nbase_error *err)
{
    bucket *b = self;
    char *path = bucket_path(b, name), *url = NULL, *data = NULL, *copy = NULL, etag[80] = "";
    const char *cache = cache_folder();
    size_t copy_size = 0;
    if (path && cache && asprintf(&url, "%s%s", aws_endpoint(b->aws), path) < 0) url = NULL;
    if (url) copy = cache_read(cache, url, max_bytes, &copy_size, etag);
    web_header headers[] = {
        {"x-amz-checksum-mode", "ENABLED"}, {copy ? "If-None-Match" : NULL, etag}, {0}};
    aws_request q = {.method = "GET", .path = path, .headers = headers, .max_response = max_bytes};
    aws_response r = {0};
    if (!path) {
        tool_no_memory(err);
    } else if (bucket_send(b, name, &q, &r, err)) {
        if (r.web.status == 304 && copy) {
            data = copy;
            *size = copy_size;
            copy = NULL;
        } else if (r.web.status != 200 || s3_is_html(&r)) {
            *missing = r.web.status == 404 && strcmp(r.code, "NoSuchBucket") && !s3_is_html(&r);
            bucket_explain(b, name, "read", &r, err);
        } else if ((data = take_object(b, name, &r, err))) {
            *size = r.web.size;
            if (url)
                cache_write(cache, url, web_field(&r.web, "ETag", etag, sizeof etag), data, *size);
        }
    }
    aws_response_free(&r);
    free(copy);
    free(path);
    free(url);
    return data;
}

static int s3_exists(void *self, const char *name, nbase_error *err)
{
    bucket *b = self;
    char *path = bucket_path(b, name);
    aws_request q = {.method = "HEAD", .path = path, .max_response = SMALL_ANSWER};
    aws_response r = {0};
    int there = -1;
    if (!path) {
        tool_no_memory(err);
    } else if (bucket_send(b, name, &q, &r, err)) {
        there = s3_is_html(&r) ? -1 : r.web.status == 200 ? 1 : r.web.status == 404 ? 0 : -1;
        if (there < 0) bucket_explain(b, name, "look up", &r, err);
    }
    aws_response_free(&r);
    free(path);
    return there;
}

/* ---- listing ---- */

static char *list_query(const char *prefix, const char *token)
{
    char *p = aws_encode(prefix, false), *t = token ? aws_encode(token, false) : NULL,
         *query = NULL;
    int n = -1;
    if (p && (t || !token))
        n = token ? asprintf(&query,
                             "continuation-token=%s&encoding-type=url&list-type=2&prefix=%s", t, p)
                  : asprintf(&query, "encoding-type=url&list-type=2&prefix=%s", p);
    free(p);
    free(t);
    return n < 0 ? NULL : query;
}

typedef struct listing {
    bucket *b;
    char *path, *below; /* "/bucket", and the prefix of the keys */
    bool (*each)(void *ctx, const char *name, size_t size);
    void *ctx;
} listing;

/* Gives the objects of a page to each(). */
static bool give_page(const listing *l, const s3_page *page, nbase_error *err)
{
    const char *prefix = l->b->prefix;
    size_t skip = strlen(prefix);
    for (size_t i = 0; i < page->count; i++) {
        const char *key = page->entries[i].key;
        /* a folder's marker */
        if (strncmp(key, prefix, skip) || !key[skip] || key[strlen(key) - 1] == '/') continue;
        if (!l->each(l->ctx, key + skip, page->entries[i].size))
            return tool_fail(err, NBASE_ERR_CANCELLED, "stopped");
    }
    return true;
}

/* Gives one page to each(). *next is its token, and gets that of the next page, or null. */
static bool list_page(const listing *l, char **next, nbase_error *err)
{
    char *query = list_query(l->below, *next);
    free(*next);
    *next = NULL;
    aws_request q = {.method = "GET", .path = l->path, .query = query, .max_response = LIST_ANSWER};
    aws_response r = {0};
    s3_page page = {0};
    bool ok = query ? bucket_send(l->b, "", &q, &r, err) : tool_no_memory(err);
    if (ok && (r.web.status != 200 || s3_is_html(&r)))
        ok = bucket_explain(l->b, "", "list", &r, err);
    else if (ok && (!r.web.body || !s3_page_parse(r.web.body, r.web.size, &page)))
        ok = tool_fail(err, NBASE_ERR_FORMAT, "s3://%s/%s: the list of objects is malformed",
                       l->b->name, l->b->prefix);
    ok = ok && give_page(l, &page, err);
    if (ok) {
        *next = page.next;
        page.next = NULL;
    }
    s3_page_free(&page);
    aws_response_free(&r);
    free(query);
    return ok;
}

static bool s3_list(void *self, const char *folder,
                    bool (*each)(void *ctx, const char *name, size_t size), void *ctx,
                    nbase_error *err)
{
    bucket *b = self;
    listing l = {.b = b, .each = each, .ctx = ctx};
    char *next = NULL;
    if (asprintf(&l.path, "/%s", b->name) < 0) l.path = NULL;
    if (asprintf(&l.below, "%s%s%s", b->prefix, folder, *folder ? "/" : "") < 0) l.below = NULL;
    bool ok = (l.path && l.below) || tool_no_memory(err);
    while (ok) {
        ok = list_page(&l, &next, err);
        if (!next) break;
    }
    free(l.path);
    free(l.below);
    free(next);
    return ok;
}

/* ---- writing ---- */

static bool s3_write(void *self, const char *name, const void *data, size_t size, nbase_error *err)
{
    bucket *b = self;
    char *path = bucket_path(b, name);
    if (!path) return tool_no_memory(err);
    bool ok = bucket_write(b, name, path, data, size, err);
    free(path);
    return ok;
}

const store_backend store_s3 = {8, s3_close, s3_read, s3_write, s3_exists, s3_list};
#endif
