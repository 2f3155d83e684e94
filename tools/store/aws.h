/* aws.h - signed requests to AWS and to services that speak its protocol (Signature Version 4);
 * shared by the S3 store and Comprehend.
 *
 * Credentials: aws_key_chain.h. Region and endpoint: aws_config.h. AWS_MAX_ATTEMPTS (5) is the
 * number of tries per request. A transfer that moves less than 100 bytes a second for
 * AWS_STALL_SECONDS (30) counts as broken. */
#ifndef SKIN_AWS_H
#define SKIN_AWS_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"
#include "web.h"

typedef struct aws aws; /* configuration, keys and connections; usable by several threads at once */

/* `service`: "s3", "comprehend". Null with an error that says which variable to set, or that this
 * build has no libcurl. */
aws *aws_open(const char *service, nbase_error *err);

/* Null is allowed. */
void aws_close(aws *a);

/* The address as configured, whatever region the service turned out to be in:
 * "http://127.0.0.1:9000", without a slash at the end. */
const char *aws_endpoint(const aws *a);

typedef struct aws_request {
    const char *method;        /* "GET", "PUT", "POST", "HEAD", "DELETE" */
    const char *path;          /* percent-encoded, begins with '/' */
    const char *query;         /* percent-encoded, sorted by name, "a=1&b=" ; or null */
    const web_header *headers; /* ends with a null name; or null */
    const void *body;          /* or null */
    size_t body_size;
    size_t max_response; /* a longer answer is an error */
} aws_request;

typedef struct aws_response {
    web_answer web; /* status, body, head */
    char code[64];  /* of an error answer: "NoSuchKey", "SignatureDoesNotMatch"; "" if none */
} aws_response;

/* Sends the request, and tries again
 *
 *   - after a broken connection, a timeout, 429, 500, 502, 503 and 504, with growing random pauses
 *     or as Retry-After says
 *   - once, where the answer names another region (301, 307, AuthorizationHeaderMalformed): all
 *     later requests go there too
 *   - once with new keys, where those that were lent have expired
 *
 * True when any other answer came, good or bad (see its status). False when no answer came, with an
 * error that says what failed and how often it was tried. */
bool aws_send(aws *a, const aws_request *request, aws_response *response, nbase_error *err);
void aws_response_free(aws_response *r);

#endif
