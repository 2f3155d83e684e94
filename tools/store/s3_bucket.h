/* s3_bucket.h - a bucket that is open, for the files that read, list and write it. */
#ifndef SKIN_S3_BUCKET_H
#define SKIN_S3_BUCKET_H

#include "aws.h"

typedef struct bucket {
    aws *aws;
    char *name;   /* of the bucket */
    char *prefix; /* "" or "a/b/" */
} bucket;

enum { SMALL_ANSWER = 1 << 20 }; /* most bytes of an answer that is no object */

/* The path of an object in requests, "/bucket/prefix/name", percent-encoded; the caller frees it
 * with free(). Null: out of memory. */
char *bucket_path(const bucket *b, const char *name);

/* Sends a request for an object, and puts the object's name before any error. */
bool bucket_send(const bucket *b, const char *name, const aws_request *q, aws_response *r,
                 nbase_error *err);

/* s3_explain for an object. Returns false. */
bool bucket_explain(const bucket *b, const char *name, const char *verb, const aws_response *r,
                    nbase_error *err);

/* Writes an object (s3_write.c). `path` is that of bucket_path. */
bool bucket_write(const bucket *b, const char *name, const char *path, const void *data,
                  size_t size, nbase_error *err);

#endif
