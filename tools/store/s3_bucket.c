#ifdef HAVE_CURL
#include "s3_bucket.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws_digest.h"
#include "fail.h"
#include "s3_answer.h"

char *bucket_path(const bucket *b, const char *name)
{
    char *key = aws_encode(b->prefix, true), *tail = aws_encode(name, true), *path = NULL;
    if (key && tail && asprintf(&path, "/%s/%s%s", b->name, key, tail) < 0) path = NULL;
    free(key);
    free(tail);
    return path;
}

bool bucket_explain(const bucket *b, const char *name, const char *verb, const aws_response *r,
                    nbase_error *err)
{
    char where[300];
    snprintf(where, sizeof where, "s3://%s/%s%s", b->name, b->prefix, name);
    return s3_explain(r, where, verb, err);
}

bool bucket_send(const bucket *b, const char *name, const aws_request *q, aws_response *r,
                 nbase_error *err)
{
    nbase_error inner;
    return aws_send(b->aws, q, r, &inner) ||
           tool_fail(err, inner.status, "s3://%s/%s%s: %s", b->name, b->prefix, name, inner.text);
}
#endif
