#ifdef HAVE_CURL
#include "aws_keys.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"

static void wipe(char *text)
{
    if (!text) return;
    explicit_bzero(text, strlen(text));
    free(text);
}

void aws_keys_free(aws_keys *k)
{
    wipe(k->access_key);
    wipe(k->secret_key);
    wipe(k->session_token);
    *k = (aws_keys){0};
}

static char *copy(const char *text) { return text ? strdup(text) : NULL; }

bool aws_keys_copy(const aws_keys *k, aws_keys *out)
{
    *out = (aws_keys){copy(k->access_key), copy(k->secret_key), copy(k->session_token), k->expires};
    if (!out->access_key == !k->access_key && !out->secret_key == !k->secret_key &&
        !out->session_token == !k->session_token)
        return true;
    aws_keys_free(out);
    return false;
}

int64_t aws_keys_expiry(const char *text)
{
    struct tm parts = {0};
    return text && strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) ? (int64_t)timegm(&parts) : 0;
}

keys_result aws_keys_from_json(const char *text, size_t size, const char *token, const char *what,
                               aws_keys *out, nbase_error *err)
{
    json_t *o = json_loadb(text, size, 0, NULL);
    *out = (aws_keys){copy(json_string_value(json_object_get(o, "AccessKeyId"))),
                      copy(json_string_value(json_object_get(o, "SecretAccessKey"))),
                      copy(json_string_value(json_object_get(o, token))),
                      aws_keys_expiry(json_string_value(json_object_get(o, "Expiration")))};
    json_decref(o);
    if (out->access_key && out->secret_key) return KEYS_FOUND;
    aws_keys_free(out);
    tool_fail(err, NBASE_ERR_FORMAT,
              "%s: expected JSON with AccessKeyId and SecretAccessKey in the answer", what);
    return KEYS_FAILED;
}
#endif
