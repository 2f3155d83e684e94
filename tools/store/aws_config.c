#include "aws_config.h"
#include "fail.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) *--end = 0;
    return text;
}

/* The value of `key` in section `section` of an ini file; null if the file or the key is not there.
 * The caller frees it with free(). */
static char *ini_value(const char *path, const char *section, const char *key)
{
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    char line[2048], *found = NULL;
    bool inside = false;
    while (!found && fgets(line, sizeof line, f)) {
        char *text = trim(line);
        if (*text == '#' || *text == ';') continue;
        char *close = strchr(text, ']'), *equals = strchr(text, '=');
        if (*text == '[' && close) {
            *close = 0;
            inside = strcmp(trim(text + 1), section) == 0;
        } else if (inside && equals) {
            *equals = 0;
            if (strcmp(trim(text), key) == 0) found = strdup(trim(equals + 1));
        }
    }
    fclose(f);
    return found;
}

/* The file named by the variable, or ~/.aws/NAME. */
static char *profile_value(const char *file_variable, const char *file_name, const char *section,
                           const char *key)
{
    char path[4096];
    const char *named = variable(file_variable), *home = variable("HOME");
    if (named)
        snprintf(path, sizeof path, "%s", named);
    else
        snprintf(path, sizeof path, "%s/.aws/%s", home ? home : "", file_name);
    return ini_value(path, section, key);
}

static char *copy(const char *text) { return text ? strdup(text) : NULL; }

static void load_credentials(aws_config *c, const char *profile)
{
    const char *key = variable("AWS_ACCESS_KEY_ID"), *secret = variable("AWS_SECRET_ACCESS_KEY");
    if (key && secret) {
        c->access_key = copy(key);
        c->secret_key = copy(secret);
        c->session_token = copy(variable("AWS_SESSION_TOKEN"));
        return;
    }
    c->access_key =
        profile_value("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile, "aws_access_key_id");
    c->secret_key = profile_value("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile,
                                  "aws_secret_access_key");
    c->session_token =
        profile_value("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile, "aws_session_token");
}

static void load_region(aws_config *c, const char *profile)
{
    const char *region = variable("AWS_REGION");
    if (!region) region = variable("AWS_DEFAULT_REGION");
    c->region = copy(region);
    if (c->region) return;
    char section[256]; /* the config file has [profile NAME], but plain [default] */
    snprintf(section, sizeof section, "%s%s", strcmp(profile, "default") ? "profile " : "",
             profile);
    c->region = profile_value("AWS_CONFIG_FILE", "config", section, "region");
    if (!c->region) c->region = strdup("us-east-1");
}

static void load_endpoint(aws_config *c, const char *service)
{
    char name[64];
    snprintf(name, sizeof name, "AWS_ENDPOINT_URL_%s", service);
    for (char *p = name; *p; p++) *p = (char)toupper((unsigned char)*p);
    const char *endpoint = variable(name);
    if (!endpoint) endpoint = variable("AWS_ENDPOINT_URL");
    char amazon[256];
    snprintf(amazon, sizeof amazon, "https://%s.%s.amazonaws.com", service,
             c->region ? c->region : "");
    c->endpoint = strdup(endpoint ? endpoint : amazon);
    if (!c->endpoint) return;
    for (size_t n = strlen(c->endpoint); n && c->endpoint[n - 1] == '/';) c->endpoint[--n] = 0;
}

static bool whole_variable(const char *name, int otherwise, int max, int *out, nbase_error *err)
{
    const char *text = variable(name);
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
    *out = (aws_config){0};
    const char *profile = variable("AWS_PROFILE");
    if (!profile) profile = "default";
    load_credentials(out, profile);
    load_region(out, profile);
    load_endpoint(out, service);
    bool ok = whole_variable("AWS_MAX_ATTEMPTS", 5, 100, &out->max_attempts, err) &&
              whole_variable("AWS_STALL_SECONDS", 30, 3600, &out->stall_seconds, err);
    if (ok && (!out->access_key || !out->secret_key)) {
        tool_fail(err, NBASE_ERR_IO,
                  "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write a "
                  "profile '%s' in ~/.aws/credentials",
                  profile);
        ok = false;
    }
    if (ok &&
        (!out->region || !out->endpoint ||
         (strncasecmp(out->endpoint, "http://", 7) && strncasecmp(out->endpoint, "https://", 8)))) {
        tool_fail(err, NBASE_ERR_IO,
                  "AWS_ENDPOINT_URL='%s': expected http://HOST:PORT or https://HOST",
                  out->endpoint ? out->endpoint : "");
        ok = false;
    }
    if (!ok) aws_config_free(out);
    return ok;
}

static void wipe(char *text)
{
    if (!text) return;
    explicit_bzero(text, strlen(text));
    free(text);
}

void aws_config_free(aws_config *c)
{
    wipe(c->access_key);
    wipe(c->secret_key);
    wipe(c->session_token);
    free(c->region);
    free(c->endpoint);
    *c = (aws_config){0};
}
