#ifdef HAVE_CURL
#include "aws_key_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_keys_remote.h"
#include "aws_profile.h"
#include "fail.h"

enum { MAX_OUTPUT = 64 << 10, MAX_CHAIN = 5 };

/* Keys that are known; out of memory shows as a missing one. */
static keys_result take_keys(const char *key, const char *secret, const char *token, aws_keys *out)
{
    const aws_keys given = {(char *)key, (char *)secret, (char *)token, 0};
    aws_keys_copy(&given, out);
    return KEYS_FOUND;
}

static keys_result of_environment(aws_keys *out)
{
    const char *key = aws_variable("AWS_ACCESS_KEY_ID"),
               *secret = aws_variable("AWS_SECRET_ACCESS_KEY");
    if (!key || !secret) return KEYS_ABSENT;
    return take_keys(key, secret, aws_variable("AWS_SESSION_TOKEN"), out);
}

/* ---- a profile ---- */

/* What a profile says about keys; each null if it does not. */
typedef struct profile_keys {
    const char *name;
    char *access_key, *secret_key, *session_token, *process;
    char *role, *source_profile, *source, *token_file, *session_name, *external_id, *mfa, *sso;
} profile_keys;

static profile_keys read_profile(const char *name)
{
    char *session = aws_profile_value(name, "sso_session"),
         *account = session ? NULL : aws_profile_value(name, "sso_start_url");
    return (profile_keys){.name = name,
                          .access_key = aws_profile_value(name, "aws_access_key_id"),
                          .secret_key = aws_profile_value(name, "aws_secret_access_key"),
                          .session_token = aws_profile_value(name, "aws_session_token"),
                          .process = aws_profile_value(name, "credential_process"),
                          .role = aws_profile_value(name, "role_arn"),
                          .source_profile = aws_profile_value(name, "source_profile"),
                          .source = aws_profile_value(name, "credential_source"),
                          .token_file = aws_profile_value(name, "web_identity_token_file"),
                          .session_name = aws_profile_value(name, "role_session_name"),
                          .external_id = aws_profile_value(name, "external_id"),
                          .mfa = aws_profile_value(name, "mfa_serial"),
                          .sso = session ? session : account};
}

static void free_profile(profile_keys *p)
{
    aws_keys secrets = {p->access_key, p->secret_key, p->session_token, 0};
    char *const others[] = {p->process,     p->role,       p->source_profile,
                            p->source,      p->token_file, p->session_name,
                            p->external_id, p->mfa,        p->sso};
    aws_keys_free(&secrets);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) free(others[i]);
}

/* Keys that a program prints as JSON. */
static keys_result of_process(const char *command, aws_keys *out, nbase_error *err)
{
    char what[200], *text = calloc(1, MAX_OUTPUT + 1);
    snprintf(what, sizeof what, "credential_process '%.100s'", command);
    FILE *f = text ? popen(command, "re") : NULL;
    size_t size = f ? fread(text, 1, MAX_OUTPUT, f) : 0;
    int status = f ? pclose(f) : -1;
    keys_result result = KEYS_FAILED;
    if (status != 0)
        tool_fail(err, NBASE_ERR_IO, "%s failed", what);
    else
        result = aws_keys_from_json(text, size, "SessionToken", what, out, err);
    if (text) explicit_bzero(text, MAX_OUTPUT);
    free(text);
    return result;
}

static keys_result of_profile(web *w, const aws_config *c, const char *name, int depth,
                              aws_keys *out, nbase_error *err);

/* The keys with which a role is asked for: those of another profile, or of a place by its name. */
static keys_result source_of_role(web *w, const aws_config *c, const profile_keys *p, int depth,
                                  aws_keys *out, nbase_error *err)
{
    if (p->source_profile) {
        bool itself = strcmp(p->source_profile, p->name) == 0 && p->access_key && p->secret_key;
        if (!itself) return of_profile(w, c, p->source_profile, depth + 1, out, err);
        return take_keys(p->access_key, p->secret_key, p->session_token, out);
    }
    if (p->source && !strcmp(p->source, "Environment")) return of_environment(out);
    if (p->source && !strcmp(p->source, "EcsContainer")) return aws_keys_of_container(w, out, err);
    if (p->source && !strcmp(p->source, "Ec2InstanceMetadata"))
        return aws_keys_of_machine(w, out, err);
    return KEYS_ABSENT;
}

static keys_result of_role(web *w, const aws_config *c, const profile_keys *p, int depth,
                           aws_keys *out, nbase_error *err)
{
    aws_role role = {p->role, p->session_name, p->external_id, p->token_file, NULL};
    if (p->token_file) return aws_keys_of_role(w, c, &role, out, err);
    if (p->mfa) {
        tool_fail(err, NBASE_ERR_UNSUPPORTED,
                  "the profile '%s' asks for a code of %s: log in by AWS's own tool, and set "
                  "credential_process = aws configure export-credentials --format process",
                  p->name, p->mfa);
        return KEYS_FAILED;
    }
    aws_keys source = {0};
    keys_result result = source_of_role(w, c, p, depth, &source, err);
    if (result == KEYS_ABSENT) {
        tool_fail(err, NBASE_ERR_IO,
                  "the profile '%s' has role_arn, but no credentials to ask for the role with: set "
                  "source_profile, credential_source or web_identity_token_file",
                  p->name);
        return KEYS_FAILED;
    }
    role.source = &source;
    if (result == KEYS_FOUND) result = aws_keys_of_role(w, c, &role, out, err);
    aws_keys_free(&source);
    return result;
}

static keys_result of_profile(web *w, const aws_config *c, const char *name, int depth,
                              aws_keys *out, nbase_error *err)
{
    if (depth == MAX_CHAIN) {
        tool_fail(err, NBASE_ERR_FORMAT, "the profile '%s': its source_profile goes in a circle",
                  name);
        return KEYS_FAILED;
    }
    profile_keys p = read_profile(name);
    keys_result result = KEYS_ABSENT;
    if (p.role) {
        result = of_role(w, c, &p, depth, out, err);
    } else if (p.access_key && p.secret_key) {
        result = take_keys(p.access_key, p.secret_key, p.session_token, out);
    } else if (p.process) {
        result = of_process(p.process, out, err);
    } else if (p.sso) {
        tool_fail(err, NBASE_ERR_UNSUPPORTED,
                  "the profile '%s' logs in by SSO: use AWS's own tool for that, and set "
                  "credential_process = aws configure export-credentials --format process",
                  name);
        result = KEYS_FAILED;
    }
    free_profile(&p);
    return result;
}

/* ---- the chain ---- */

static keys_result of_web_identity(web *w, const aws_config *c, aws_keys *out, nbase_error *err)
{
    aws_role role = {.arn = aws_variable("AWS_ROLE_ARN"),
                     .session_name = aws_variable("AWS_ROLE_SESSION_NAME"),
                     .token_file = aws_variable("AWS_WEB_IDENTITY_TOKEN_FILE")};
    return role.arn && role.token_file ? aws_keys_of_role(w, c, &role, out, err) : KEYS_ABSENT;
}

bool aws_keys_find(web *w, const aws_config *c, aws_keys *out, nbase_error *err)
{
    const char *profile = aws_profile_name();
    *out = (aws_keys){0};
    keys_result result = of_environment(out);
    if (result == KEYS_ABSENT) result = of_web_identity(w, c, out, err);
    if (result == KEYS_ABSENT) result = of_profile(w, c, profile, 0, out, err);
    if (result == KEYS_ABSENT) result = aws_keys_of_container(w, out, err);
    if (result == KEYS_ABSENT) result = aws_keys_of_machine(w, out, err);
    if (result == KEYS_ABSENT)
        tool_fail(err, NBASE_ERR_IO,
                  "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write a "
                  "profile '%s' in ~/.aws/credentials; a public bucket is read with "
                  "--no-sign-request",
                  profile);
    if (result == KEYS_FOUND && (!out->access_key || !out->secret_key)) {
        aws_keys_free(out);
        return tool_no_memory(err);
    }
    return result == KEYS_FOUND;
}
#endif
