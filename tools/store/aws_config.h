/* aws_config.h - region, endpoint and limits of requests to AWS. docs/s3.md lists the variables. */
#ifndef SKIN_AWS_CONFIG_H
#define SKIN_AWS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

enum { AWS_REGION_SIZE = 64, AWS_ENDPOINT_SIZE = 512 };

typedef struct aws_config {
    char region[AWS_REGION_SIZE];
    char endpoint[AWS_ENDPOINT_SIZE]; /* without a slash at the end */
    bool endpoint_is_set;             /* by the user: it stays, whatever the region */
    bool unsigned_requests;           /* AWS_NO_SIGN_REQUEST: no credentials are wanted */
    int max_attempts, stall_seconds;
} aws_config;

bool aws_config_load(const char *service, aws_config *out, nbase_error *err);

/* Whether the endpoint is an address of HTTP. */
bool aws_config_check(const aws_config *config, nbase_error *err);

/* Amazon's address of a service in a region. */
void aws_default_endpoint(const char *service, const char *region, char out[AWS_ENDPOINT_SIZE]);

#endif
