#ifdef HAVE_CURL
/* A bucket as a store: GET, PUT, HEAD, ListObjectsV2 and multipart upload of the S3 API, path style
 * (endpoint/bucket/key). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws.h"
#include "backend.h"
#include "cache.h"
#include "fail.h"
#include "s3_list.h"

enum { SMALL_ANSWER = 1 << 20, LIST_ANSWER = 16 << 20 };
#define PART_BYTES ((size_t)8 << 20)       /* of a multipart upload; S3 wants at least 5 MiB */
#define MULTIPART_ABOVE ((size_t)16 << 20) /* a smaller object goes in one PUT */

typedef struct bucket {
    aws *aws;
    char *name;   /* of the bucket */
    char *prefix; /* "" or "a/b/" */
} bucket;

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

/* "/bucket/prefix/name", percent-encoded. */
static char *object_path(const bucket *b, const char *name)
{
    char *key = aws_encode(b->prefix, true), *tail = aws_encode(name, true), *path = NULL;
    if (key && tail && asprintf(&path, "/%s/%s%s", b->name, key, tail) < 0) path = NULL;
    free(key);
    free(tail);
    return path;
}

/* Describes an answer that is no success. Returns false. */
static bool explain(const bucket *b, const char *name, const char *verb, const aws_response *r,
                    nbase_error *err)
{
    const char *advice =
        r->status == 403
            ? "; check the credentials (AWS_ACCESS_KEY_ID ...), the region and the bucket's policy"
        : r->status == 404 ? "; it is not there"
        : r->status == 301 ? "; the bucket is in another region: set AWS_REGION"
                           : "";
    return tool_fail(err, NBASE_ERR_IO, "s3://%s/%s%s: cannot %s: HTTP %ld%s%s%s", b->name,
                     b->prefix, name, verb, r->status, *r->code ? " " : "", r->code, advice);
}

/* Sends a request for an object, and puts the object's name before any error. */
static bool send_for(const bucket *b, const char *name, const aws_request *q, aws_response *r,
                     nbase_error *err)
{
    nbase_error inner;
    return aws_send(b->aws, q, r, &inner) ||
           tool_fail(err, inner.status, "s3://%s/%s%s: %s", b->name, b->prefix, name, inner.text);
}

/* ---- reading ---- */

/* this program stores it with every object that it writes */
#define SHA_HEADER "x-amz-meta-sha256"

/* By the writer's SHA-256 if there is one. A plain ETag is the MD5 of the bytes; one of a multipart
 * upload ("...-3") or an encrypted object is not, and proves nothing. */
static bool intact(const aws_response *r, const void *data, size_t size)
{
    const char *etag = r->etag;
    if (*r->sha256) {
        char sha[65];
        aws_sha256(data, size, sha);
        return strcmp(sha, r->sha256) == 0;
    }
    const char *tag = etag + (etag[0] == '"');
    if (strspn(tag, "0123456789abcdef") != 32 || (tag[32] && tag[32] != '"')) return true;
    char md5[33];
    aws_md5(data, size, md5);
    return strncmp(md5, tag, 32) == 0;
}

static char *s3_read(void *self, const char *name, size_t max_bytes, size_t *size, bool *missing,
                     nbase_error *err)
{
    bucket *b = self;
    char *path = object_path(b, name), *url = NULL, *data = NULL, *copy = NULL, etag[80] = "";
    const char *cache = cache_folder();
    size_t copy_size = 0;
    if (path && cache && asprintf(&url, "%s%s", aws_endpoint(b->aws), path) < 0) url = NULL;
    if (url) copy = cache_read(cache, url, max_bytes, &copy_size, etag);
    aws_header headers[] = {{copy ? "If-None-Match" : NULL, etag}, {0}};
    aws_request q = {.method = "GET", .path = path, .headers = headers, .max_response = max_bytes};
    aws_response r = {0};
    if (!path) {
        tool_no_memory(err);
    } else if (send_for(b, name, &q, &r, err)) {
        if (r.status == 304 && copy) {
            data = copy;
            *size = copy_size;
            copy = NULL;
        } else if (r.status != 200) {
            *missing = r.status == 404;
            explain(b, name, "read", &r, err);
        } else if (!r.body && !(r.body = calloc(1, 1))) {
            tool_no_memory(err);
        } else if (!intact(&r, r.body, r.size)) {
            tool_fail(err, NBASE_ERR_IO,
                      "s3://%s/%s%s: the bytes received do not match their checksum (ETag %s)",
                      b->name, b->prefix, name, r.etag);
        } else {
            data = r.body;
            *size = r.size;
            r.body = NULL;
            if (url) cache_write(cache, url, r.etag, data, *size);
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
    char *path = object_path(b, name);
    aws_request q = {.method = "HEAD", .path = path, .max_response = SMALL_ANSWER};
    aws_response r = {0};
    int there = -1;
    if (!path) {
        tool_no_memory(err);
    } else if (send_for(b, name, &q, &r, err)) {
        there = r.status == 200 ? 1 : r.status == 404 ? 0 : -1;
        if (there < 0) explain(b, name, "look up", &r, err);
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
        n = token ? asprintf(&query, "continuation-token=%s&list-type=2&prefix=%s", t, p)
                  : asprintf(&query, "list-type=2&prefix=%s", p);
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
    bool ok = query ? send_for(l->b, "", &q, &r, err) : tool_no_memory(err);
    if (ok && r.status != 200)
        ok = explain(l->b, "", "list", &r, err);
    else if (ok && (!r.body || !s3_page_parse(r.body, r.size, &page)))
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

typedef struct written {
    char sha[65];
    aws_header headers[3];
} written;

/* The headers of an object that is to hold these bytes. A part of an upload is not described, but
 * has a type all the same: libcurl would call it a form. */
static void describe(written *w, bool part, const void *data, size_t size)
{
    *w = (written){.headers = {{"Content-Type", "application/octet-stream"}}};
    if (part) return;
    aws_sha256(data, size, w->sha);
    w->headers[1] = (aws_header){SHA_HEADER, w->sha};
}

static bool put(bucket *b, const char *name, const char *path, const char *query, const void *data,
                size_t size, aws_response *r, nbase_error *err)
{
    written w;
    describe(&w, query != NULL, data, size);
    aws_request q = {.method = "PUT",
                     .path = path,
                     .query = query,
                     .headers = w.headers,
                     .body = size ? data : "",
                     .body_size = size,
                     .max_response = SMALL_ANSWER};
    if (!send_for(b, name, &q, r, err)) return false;
    if (r->status != 200)
        explain(b, name, "write", r, err);
    else if (!intact(r, data, size))
        tool_fail(err, NBASE_ERR_IO, "s3://%s/%s%s: the server stored different bytes (ETag %s)",
                  b->name, b->prefix, name, r->etag);
    else
        return true;
    return false;
}

/* Uploads the parts one after the other. The object appears when the last call succeeds; an upload
 * that fails is aborted on the server too. */
static bool put_parts(bucket *b, const char *name, const char *path, const char *id,
                      const char *data, size_t size, nbase_error *err)
{
    size_t parts = (size + PART_BYTES - 1) / PART_BYTES;
    char *list = malloc(parts * 160 + 128), *query = NULL, *to = list;
    bool ok = list != NULL;
    if (ok) to += sprintf(to, "<CompleteMultipartUpload>");
    for (size_t i = 0; ok && i < parts; i++) {
        size_t begin = i * PART_BYTES,
               bytes = size - begin < PART_BYTES ? size - begin : PART_BYTES;
        aws_response r = {0};
        free(query);
        query = NULL;
        ok = asprintf(&query, "partNumber=%zu&uploadId=%s", i + 1, id) >= 0 &&
             put(b, name, path, query, data + begin, bytes, &r, err);
        if (ok)
            to += sprintf(to, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
                          r.etag);
        aws_response_free(&r);
    }
    free(query);
    query = NULL;
    if (ok) {
        sprintf(to, "</CompleteMultipartUpload>");
        aws_response r = {0};
        ok = asprintf(&query, "uploadId=%s", id) >= 0;
        const aws_header headers[] = {{"Content-Type", "application/xml"}, {0}};
        aws_request q = {.method = "POST",
                         .path = path,
                         .query = query,
                         .headers = headers,
                         .body = list,
                         .body_size = strlen(list),
                         .max_response = SMALL_ANSWER};
        ok = ok && send_for(b, name, &q, &r, err);
        /* S3 may answer 200 with an error inside */
        if (ok && (r.status != 200 || (r.body && strstr(r.body, "<Error>")))) {
            ok = explain(b, name, "complete the upload", &r, err);
        }
        aws_response_free(&r);
        free(query);
    }
    free(list);
    return ok;
}

static bool put_multipart(bucket *b, const char *name, const char *path, const void *data,
                          size_t size, nbase_error *err)
{
    written w;
    describe(&w, false, data, size);
    aws_request start = {.method = "POST",
                         .path = path,
                         .query = "uploads=",
                         .headers = w.headers,
                         .body = "",
                         .max_response = SMALL_ANSWER};
    aws_response r = {0};
    char *id = NULL, *encoded = NULL, *query = NULL;
    bool ok = send_for(b, name, &start, &r, err);
    if (ok && (r.status != 200 || !r.body || !(id = s3_xml_text(r.body, r.size, "UploadId")))) {
        ok = explain(b, name, "begin the upload", &r, err);
    }
    aws_response_free(&r);
    if (ok &&
        (!(encoded = aws_encode(id, false)) || asprintf(&query, "uploadId=%s", encoded) < 0)) {
        tool_no_memory(err);
        query = NULL;
        ok = false;
    }
    if (ok && !put_parts(b, name, path, encoded, data, size, err)) {
        aws_request give_up = {
            .method = "DELETE", .path = path, .query = query, .max_response = SMALL_ANSWER};
        if (aws_send(b->aws, &give_up, &r, NULL)) aws_response_free(&r);
        ok = false;
    }
    free(id);
    free(encoded);
    free(query);
    return ok;
}

static bool s3_write(void *self, const char *name, const void *data, size_t size, nbase_error *err)
{
    bucket *b = self;
    char *path = object_path(b, name);
    if (!path) return tool_no_memory(err);
    bool ok;
    if (size > MULTIPART_ABOVE) {
        ok = put_multipart(b, name, path, data, size, err);
    } else {
        aws_response r = {0};
        ok = put(b, name, path, NULL, data, size, &r, err);
        aws_response_free(&r);
    }
    free(path);
    return ok;
}

const store_backend store_s3 = {8, s3_close, s3_read, s3_write, s3_exists, s3_list};
#endif
