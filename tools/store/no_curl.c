/* A build without libcurl: opening a bucket or an AWS service fails with a message that says what
 * to install. */
#ifndef HAVE_CURL
#include <stdio.h>

#include "aws.h"
#include "aws_digest.h"
#include "backend.h"
#include "fail.h"

aws *aws_open(const char *service, nbase_error *err)
{
    tool_fail(err, NBASE_ERR_IO,
              "this build has no libcurl and so no %s: install libcurl4-openssl-dev and "
              "libgnutls28-dev, then build again",
              service);
    return NULL;
}

void *store_s3_open(const char *url, nbase_error *err)
{
    (void)url;
    return aws_open("s3", err);
}

const store_backend store_s3 = {0}; /* never used: nothing can be opened */

void aws_close(aws *a) { (void)a; }

bool aws_send(aws *a, const aws_request *request, aws_response *response, nbase_error *err)
{
    (void)request;
    *response = (aws_response){0};
    return a == aws_open("AWS", err) && a; /* there is no handle to call this with */
}

/* Reached only through a handle, and there is none. */
const char *aws_endpoint(const aws *a)
{
    (void)a;
    return "";
}

void aws_sha256(const void *data, size_t size, char hex[65])
{
    (void)data, (void)size;
    hex[0] = 0;
}

void aws_response_free(aws_response *r) { *r = (aws_response){0}; }
#endif
