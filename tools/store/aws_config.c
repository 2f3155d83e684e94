#ifdef HAVE_CURL
#include "aws_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws_profile.h"
#include "fail.h"

static void load_region(aws_config *c, const char *profile)
{
    const char *region = aws_variable("AWS_REGION");
    if (!region) region = aws_variable("AWS_DEFAULT_REGION");
    char *of_profile = region ? NULL : aws_profile_value(profile, "region");
    if (of_profile) region = of_profile;
    snprintf(c->region, sizeof c->region, "%s", region ? region : "us-east-1");
    free(of_profile);
}

void aws_default_endpoint(const char *service, const char *region, char out[AWS_ENDPOINT_SIZE])
{
    snprintf(out, AWS_ENDPOINT_SIZE, "https://%s.%s.amazonaws.com%s", service, region,
             strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* The address that the user set, by the rules of AWS's tools; null if there is none. */
static char *configured_endpoint(const char *profile, const char *service)
{
    char name[64];
    if (aws_variable_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) return NULL;
    snprintf(name, sizeof name, "AWS_ENDPOINT_URL_%s", service);
    for (char *p = name; *p; p++) *p = (char)toupper((unsigned char)*p);
    const char *endpoint = aws_variable(name);
    if (!endpoint) endpoint = aws_variable("AWS_ENDPOINT_URL");
    if (endpoint) return strdup(endpoint);
    char *of_profile = aws_profile_service_value(profile, service, "endpoint_url");
    return of_profile ? of_profile : aws_profile_value(profile, "endpoint_url");
}

static bool load_endpoint(aws_config *c, const char *profile, const char *service, nbase_error *err)
{
    char *endpoint = configured_endpoint(profile, service);
    c->endpoint_is_set = endpoint != NULL;
    bool fits = !endpoint || strlen(endpoint) < sizeof c->endpoint;
    if (!fits)
        tool_fail(err, NBASE_ERR_LIMIT, "AWS_ENDPOINT_URL '%.100s...' is too long", endpoint);
    else if (endpoint)
        snprintf(c->endpoint, sizeof c->endpoint, "%s", endpoint);
    else
        aws_default_endpoint(service, c->region, c->endpoint);
    for (size_t n = strlen(c->endpoint); n && c->endpoint[n - 1] == '/';) c->endpoint[--n] = 0;
    free(endpoint);
    return fits;
}

bool aws_config_check(const aws_config *c, nbase_error *err)
{
    return !strncasecmp(c->endpoint, "http://", 7) || !strncasecmp(c->endpoint, "https://", 8) ||
           tool_fail(err, NBASE_ERR_IO,
                     "AWS_ENDPOINT_URL or endpoint_url '%.100s': expected http://HOST:PORT or "
                     "https://HOST",
                     c->endpoint);
}

static bool whole_variable(const char *name, int otherwise, int max, int *out, nbase_error *err)
{
    const char *text = aws_variable(name);
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : otherwise;
    if (text && (end == text || *end || value < 1 || value > max)) {
        tool_fail(err, NBASE_ERR_IO, "%s='%s': expected a whole number from 1 to %d", name, text,
                  max);
        return false;
    }
    *out = (int)value;
    return true;
}

bool aws_config_load(const char *service, aws_config *out, nbase_error *err)
{
    const char *profile = aws_profile_name();
    *out = (aws_config){.unsigned_requests = aws_variable_on("AWS_NO_SIGN_REQUEST")};
    load_region(out, profile);
    return whole_variable("AWS_MAX_ATTEMPTS", 5, 100, &out->max_attempts, err) &&
           whole_variable("AWS_STALL_SECONDS", 30, 3600, &out->stall_seconds, err) &&
           load_endpoint(out, profile, service, err);
}
#endif
