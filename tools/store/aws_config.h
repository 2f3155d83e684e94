/* aws_config.h - where credentials, region and endpoint come from (see aws.h). */
#ifndef SKIN_AWS_CONFIG_H
#define SKIN_AWS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

typedef struct aws_config {
    char *access_key, *secret_key, *session_token; /* session_token may be null */
    char *region, *endpoint;
    int max_attempts, stall_seconds;
} aws_config;

bool aws_config_load(const char *service, aws_config *out, nbase_error *err);

/* Overwrites the secrets. */
void aws_config_free(aws_config *c);

#endif
