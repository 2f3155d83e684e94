/* aws_keys.h - the keys by which requests to AWS are signed. */
#ifndef SKIN_AWS_KEYS_H
#define SKIN_AWS_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "nbase.h"

typedef struct aws_keys {
    char *access_key, *secret_key, *session_token; /* session_token may be null */
    int64_t expires;                               /* seconds since 1970; 0: never */
} aws_keys;

/* Copies keys. False: out of memory, and *out is empty. */
bool aws_keys_copy(const aws_keys *keys, aws_keys *out);

/* Overwrites the secrets. */
void aws_keys_free(aws_keys *keys);

/* ---- for the places where keys are found ---- */

typedef enum keys_result {
    KEYS_ABSENT, /* nothing is set up there */
    KEYS_FOUND,
    KEYS_FAILED /* something is, and *err says what is wrong with it */
} keys_result;

/* Keys from a JSON object with AccessKeyId, SecretAccessKey, Expiration and the token under that
 * name. `what` names the place in messages. */
keys_result aws_keys_from_json(const char *text, size_t size, const char *token, const char *what,
                               aws_keys *out, nbase_error *err);

/* Seconds since 1970 of "2024-01-31T10:30:00Z"; 0 if it is null or none. */
int64_t aws_keys_expiry(const char *text);

#endif
