#ifdef HAVE_CURL
/* Objects into a bucket: small ones by one PUT, large ones by a multipart upload whose parts go up
 * side by side. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_digest.h"
#include "fail.h"
#include "s3_answer.h"
#include "s3_bucket.h"
#include "s3_list.h"

#define PART_BYTES ((size_t)8 << 20)       /* S3 wants at least 5 MiB */
#define MULTIPART_ABOVE ((size_t)16 << 20) /* a smaller object goes in one PUT */
enum { MOST_LANES = 4, ETAG_SIZE = 120 };

typedef struct description {
    char sha[65];
    web_header headers[3];
} description;

/* The headers of an object that is to hold these bytes. A part of an upload is not described, but
 * has a type all the same: libcurl would call it a form. */
static void describe(description *d, bool part, const void *data, size_t size)
{
    *d = (description){.headers = {{"Content-Type", "application/octet-stream"}}};
    if (part) return;
    aws_sha256(data, size, d->sha);
    d->headers[1] = (web_header){S3_MARK, d->sha};
}

static bool put(const bucket *b, const char *name, const char *path, const char *query,
                const void *data, size_t size, aws_response *r, nbase_error *err)
{
    description d;
    describe(&d, query != NULL, data, size);
    aws_request q = {.method = "PUT",
                     .path = path,
                     .query = query,
                     .headers = d.headers,
                     .body = size ? data : "",
                     .body_size = size,
                     .max_response = SMALL_ANSWER};
    if (!bucket_send(b, name, &q, r, err)) return false;
    if (r->web.status != 200 || s3_is_html(r)) return bucket_explain(b, name, "write", r, err);
    if (s3_intact(r, data, size)) return true;
    char etag[ETAG_SIZE];
    return tool_fail(err, NBASE_ERR_IO, "s3://%s/%s%s: the server stored different bytes (ETag %s)",
                     b->name, b->prefix, name, web_field(&r->web, "ETag", etag, sizeof etag));
}

/* ---- in parts ---- */

typedef struct upload {
    const bucket *b;
    const char *name, *path;
    char *id; /* percent-encoded */
    const char *data;
    size_t size, parts;
    char (*etags)[ETAG_SIZE];
    pthread_mutex_t lock;
    size_t next; /* part to begin */
    bool failed;
    nbase_error err; /* of the first part that failed */
} upload;

static bool put_part(upload *u, size_t i, nbase_error *err)
{
    size_t begin = i * PART_BYTES,
           bytes = u->size - begin < PART_BYTES ? u->size - begin : PART_BYTES;
    char *query = NULL;
    aws_response r = {0};
    bool ok = asprintf(&query, "partNumber=%zu&uploadId=%s", i + 1, u->id) >= 0
                  ? put(u->b, u->name, u->path, query, u->data + begin, bytes, &r, err)
                  : tool_no_memory(err);
    if (ok) web_field(&r.web, "ETag", u->etags[i], ETAG_SIZE);
    aws_response_free(&r);
    free(query);
    return ok;
}

/* A thread's work: parts, until there are none left or one has failed. */
static void *put_lane(void *ctx)
{
    upload *u = ctx;
    pthread_mutex_lock(&u->lock);
    while (!u->failed && u->next < u->parts) {
        size_t i = u->next++;
        nbase_error err;
        pthread_mutex_unlock(&u->lock);
        bool ok = put_part(u, i, &err);
        pthread_mutex_lock(&u->lock);
        if (!ok && !u->failed) u->failed = true, u->err = err;
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

/* All parts, on this thread and helpers. */
static bool put_parts(upload *u, nbase_error *err)
{
    pthread_t helpers[MOST_LANES - 1];
    size_t count = 0, wanted = u->parts < MOST_LANES ? u->parts : MOST_LANES;
    while (count + 1 < wanted && pthread_create(&helpers[count], NULL, put_lane, u) == 0) count++;
    put_lane(u);
    for (size_t i = 0; i < count; i++) pthread_join(helpers[i], NULL);
    if (u->failed) *err = u->err;
    return !u->failed;
}

/* The list of the parts, for CompleteMultipartUpload; null without memory. */
static char *parts_list(const upload *u)
{
    char *list = malloc(u->parts * (ETAG_SIZE + 80) + 128), *to = list;
    if (!list) return NULL;
    to += sprintf(to, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < u->parts; i++)
        to += sprintf(to, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
                      u->etags[i]);
    sprintf(to, "</CompleteMultipartUpload>");
    return list;
}

/* The object appears when this succeeds. */
static bool complete(const upload *u, const char *query, nbase_error *err)
{
    static const web_header headers[] = {{"Content-Type", "application/xml"}, {0}};
    char *list = parts_list(u);
    aws_request q = {.method = "POST",
                     .path = u->path,
                     .query = query,
                     .headers = headers,
                     .body = list,
                     .body_size = list ? strlen(list) : 0,
                     .max_response = SMALL_ANSWER};
    aws_response r = {0};
    bool ok = list ? bucket_send(u->b, u->name, &q, &r, err) : tool_no_memory(err);
    /* S3 may answer 200 with an error inside */
    if (ok && (r.web.status != 200 || (r.web.body && strstr(r.web.body, "<Error>"))))
        ok = bucket_explain(u->b, u->name, "complete the upload", &r, err);
    aws_response_free(&r);
    free(list);
    return ok;
}

/* Begins an upload; its id, percent-encoded, or null with an error. */
static char *begin_parts(const upload *u, nbase_error *err)
{
    description d;
    describe(&d, false, u->data, u->size);
    aws_request q = {.method = "POST",
                     .path = u->path,
                     .query = "uploads=",
                     .headers = d.headers,
                     .body = "",
                     .max_response = SMALL_ANSWER};
    aws_response r = {0};
    char *id = NULL, *encoded = NULL;
    bool ok = bucket_send(u->b, u->name, &q, &r, err);
    if (ok && r.web.status == 200 && r.web.body)
        id = s3_xml_text(r.web.body, r.web.size, "UploadId");
    if (ok && !id)
        bucket_explain(u->b, u->name, "begin the upload", &r, err);
    else if (ok && !(encoded = aws_encode(id, false)))
        tool_no_memory(err);
    aws_response_free(&r);
    free(id);
    return encoded;
}

/* An upload that fails is aborted on the server too. */
static void abort_upload(const upload *u, const char *query)
{
    aws_request q = {
        .method = "DELETE", .path = u->path, .query = query, .max_response = SMALL_ANSWER};
    aws_response r = {0};
    nbase_error ignored;
    if (aws_send(u->b->aws, &q, &r, &ignored)) aws_response_free(&r);
}

static bool put_multipart(upload *u, nbase_error *err)
{
    char *query = NULL;
    u->parts = (u->size + PART_BYTES - 1) / PART_BYTES;
    if (!(u->etags = calloc(u->parts, sizeof *u->etags))) return tool_no_memory(err);
    bool ok = (u->id = begin_parts(u, err)) != NULL;
    if (ok && asprintf(&query, "uploadId=%s", u->id) < 0) {
        query = NULL;
        ok = tool_no_memory(err);
    }
    if (ok && !(put_parts(u, err) && complete(u, query, err))) {
        abort_upload(u, query);
        ok = false;
    }
    free(query);
    free(u->id);
    free(u->etags);
    return ok;
}

bool bucket_write(const bucket *b, const char *name, const char *path, const void *data,
                  size_t size, nbase_error *err)
{
    if (size <= MULTIPART_ABOVE) {
        aws_response r = {0};
        bool ok = put(b, name, path, NULL, data, size, &r, err);
        aws_response_free(&r);
        return ok;
    }
    upload u = {.b = b, .name = name, .path = path, .data = data, .size = size};
    pthread_mutex_init(&u.lock, NULL);
    bool ok = put_multipart(&u, err);
    pthread_mutex_destroy(&u.lock);
    return ok;
}
#endif
