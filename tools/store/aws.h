/* aws.h - signed requests to AWS and to services that speak its protocol (Signature Version 4), by
 * libcurl; shared by the S3 store and Comprehend.
 *
 * Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; else the section
 * AWS_PROFILE ("default") of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). Region: AWS_REGION,
 * AWS_DEFAULT_REGION, else the profile's in AWS_CONFIG_FILE (~/.aws/config), else us-east-1.
 * Endpoint: AWS_ENDPOINT_URL_S3 / _COMPREHEND, AWS_ENDPOINT_URL, else Amazon's. AWS_MAX_ATTEMPTS
 * (5) is the number of tries per request. A transfer that moves less than 100 bytes a second for
 * AWS_STALL_SECONDS (30) counts as broken. */
#ifndef SKIN_AWS_H
#define SKIN_AWS_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

typedef struct aws aws; /* configuration and idle connections; usable by several threads at once */

/* `service`: "s3", "comprehend". Null with an error that says which variable to set, or that this
 * build has no libcurl. */
aws *aws_open(const char *service, nbase_error *err);

/* Null is allowed. */
void aws_close(aws *a);

/* "http://127.0.0.1:9000", without a slash at the end. */
const char *aws_endpoint(const aws *a);

typedef struct aws_header {
    const char *name, *value;
} aws_header;

typedef struct aws_request {
    const char *method;        /* "GET", "PUT", "POST", "HEAD", "DELETE" */
    const char *path;          /* percent-encoded, begins with '/' */
    const char *query;         /* percent-encoded, sorted by name, "a=1&b=" ; or null */
    const aws_header *headers; /* ends with a null name; or null */
    const void *body;          /* or null */
    size_t body_size;
    size_t max_response; /* a longer answer is an error */
} aws_request;

typedef struct aws_response {
    long status; /* of HTTP; 0: no answer */
    char *body;  /* a zero byte after it; freed with aws_response_free */
    size_t size;
    char etag[80]; /* with its quotes; "" if none */
    /* the SHA-256 that the writer stored with the object (x-amz-meta-sha256); "" if none */
    char sha256[72];
    char code[64]; /* of an error answer: "NoSuchKey", "SignatureDoesNotMatch"; "" if none */
} aws_response;

/* Sends the request, and tries again after a broken connection, a timeout, 429, 500, 502, 503 and
 * 504, with growing random pauses or as Retry-After says. True when any other answer came, good or
 * bad (see status). False when no answer came, with an error that says what failed and how often it
 * was tried. */
bool aws_send(aws *a, const aws_request *request, aws_response *response, nbase_error *err);
void aws_response_free(aws_response *r);

/* Percent-encodes all but letters, digits, "-._~" (and '/' if keep_slash): as Signature Version 4
 * requires. The caller frees it with free(); null without memory. */
char *aws_encode(const char *text, bool keep_slash);

/* Lower-case hex SHA-256 (65 bytes with the zero) and MD5 (33 bytes). */
void aws_sha256(const void *data, size_t size, char hex[65]);
void aws_md5(const void *data, size_t size, char hex[33]);

#endif
