#ifdef HAVE_CURL
#include "aws_keys_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws_digest.h"
#include "aws_profile.h"
#include "fail.h"
#include "fileio.h"
#include "s3_list.h"

enum { MAX_ANSWER = 1 << 20, MAX_TOKEN = 64 << 10, SECONDS = 10 };

/* Sends a request for keys. False if there is no answer 200, with an error that begins with
 * `what`. */
static bool ask_web(web *w, const char *what, web_request q, web_answer *a, nbase_error *err)
{
    nbase_error why;
    q.max_response = MAX_ANSWER;
    q.stall_seconds = SECONDS;
    if (web_send(w, &q, a, &why) != WEB_OK) {
        web_answer_free(a);
        return tool_fail(err, NBASE_ERR_IO, "%s: %s", what, why.text);
    }
    if (a->status == 200 && a->body) return true;
    char *code = a->body ? s3_xml_text(a->body, a->size, "Code") : NULL;
    tool_fail(err, NBASE_ERR_IO, "%s: HTTP %ld%s%.60s", what, a->status, code ? " " : "",
              code ? code : "");
    free(code);
    web_answer_free(a);
    return false;
}

/* The first line of a small file. */
static char *read_token(const char *path, nbase_error *err)
{
    char *text = file_read(path, MAX_TOKEN, NULL, err);
    if (text) text[strcspn(text, "\r\n")] = 0;
    return text;
}

/* ---- roles ---- */

/* Appends "&name=value", encoded, to a form. */
static bool add_field(char **form, const char *name, const char *value)
{
    if (!value) return true;
    char *encoded = aws_encode(value, false), *longer = NULL;
    if (encoded && asprintf(&longer, "%s&%s=%s", *form, name, encoded) < 0) longer = NULL;
    free(encoded);
    if (!longer) return false;
    free(*form);
    *form = longer;
    return true;
}

static char *role_form(const aws_role *role, const char *token)
{
    char *form = strdup(token ? "Version=2011-06-15&Action=AssumeRoleWithWebIdentity"
                              : "Version=2011-06-15&Action=AssumeRole");
    bool ok = form && add_field(&form, "RoleArn", role->arn) &&
              add_field(&form, "RoleSessionName",
                        role->session_name ? role->session_name : "skincredible") &&
              add_field(&form, "ExternalId", role->external_id) &&
              add_field(&form, "WebIdentityToken", token);
    if (ok) return form;
    free(form);
    return NULL;
}

static char *text_of(const web_answer *a, const char *element)
{
    return s3_xml_text(a->body, a->size, element);
}

static keys_result read_role(const web_answer *a, const char *arn, aws_keys *out, nbase_error *err)
{
    char *expires = text_of(a, "Expiration");
    *out = (aws_keys){text_of(a, "AccessKeyId"), text_of(a, "SecretAccessKey"),
                      text_of(a, "SessionToken"), aws_keys_expiry(expires)};
    free(expires);
    if (out->access_key && out->secret_key) return KEYS_FOUND;
    aws_keys_free(out);
    tool_fail(err, NBASE_ERR_FORMAT, "the role %s: STS gave no keys", arn);
    return KEYS_FAILED;
}

static bool send_form(web *w, const aws_config *config, const aws_role *role, const char *form,
                      const char *what, web_answer *a, nbase_error *err)
{
    aws_config sts;
    char signer[AWS_REGION_SIZE + 20], url[AWS_ENDPOINT_SIZE + 2], hash[65];
    const char *session = role->source ? role->source->session_token : NULL;
    if (!aws_config_load("sts", &sts, err) || !aws_config_check(&sts, err)) return false;
    snprintf(url, sizeof url, "%s/", sts.endpoint);
    snprintf(signer, sizeof signer, "aws:amz:%s:sts", config->region);
    aws_sha256(form, strlen(form), hash);
    const web_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                  {"x-amz-content-sha256", hash},
                                  {session ? "x-amz-security-token" : NULL, session},
                                  {0}};
    web_request q = {
        .method = "POST", .url = url, .headers = headers, .body = form, .body_size = strlen(form)};
    if (role->source) {
        q.signer = signer;
        q.user = role->source->access_key;
        q.secret = role->source->secret_key;
    }
    return ask_web(w, what, q, a, err);
}

keys_result aws_keys_of_role(web *w, const aws_config *config, const aws_role *role, aws_keys *out,
                             nbase_error *err)
{
    char what[200], *token = NULL;
    web_answer a;
    snprintf(what, sizeof what, "the role %.150s", role->arn);
    if (role->token_file && !(token = read_token(role->token_file, err))) return KEYS_FAILED;
    char *form = role_form(role, token);
    keys_result result = KEYS_FAILED;
    if (!form) {
        tool_no_memory(err);
    } else if (send_form(w, config, role, form, what, &a, err)) {
        result = read_role(&a, role->arn, out, err);
        web_answer_free(&a);
    }
    free(form);
    free(token);
    return result;
}

/* ---- containers ---- */

/* Keys must not go over a network in the clear: only to this machine and to the agents of ECS and
 * EKS. */
static bool trusted(const char *uri)
{
    static const char *const hosts[] = {"localhost",     "127.0.0.1",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    if (strncasecmp(uri, "https://", 8) == 0) return true;
    if (strncasecmp(uri, "http://", 7) != 0) return false;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t n = strlen(hosts[i]);
        if (strncasecmp(uri + 7, hosts[i], n) == 0 && strchr(":/", uri[7 + n])) return true;
    }
    return false;
}

keys_result aws_keys_of_container(web *w, aws_keys *out, nbase_error *err)
{
    static const char what[] = "the container's credentials";
    const char *relative = aws_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
               *full = aws_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
               *token = aws_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
               *file = aws_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    char url[2048], *of_file = NULL;
    if (!relative && !full) return KEYS_ABSENT;
    snprintf(url, sizeof url, "%s%s", relative ? "http://169.254.170.2" : "",
             relative ? relative : full);
    if (!trusted(url)) {
        tool_fail(err, NBASE_ERR_IO,
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI '%.200s': expected https, or an address of "
                  "this machine",
                  url);
        return KEYS_FAILED;
    }
    if (file && !(of_file = read_token(file, err))) return KEYS_FAILED;
    if (of_file) token = of_file;
    const web_header headers[] = {{token ? "Authorization" : NULL, token}, {0}};
    web_answer a;
    bool ok =
        ask_web(w, what, (web_request){.method = "GET", .url = url, .headers = headers}, &a, err);
    free(of_file);
    if (!ok) return KEYS_FAILED;
    keys_result result = aws_keys_from_json(a.body, a.size, "Token", what, out, err);
    web_answer_free(&a);
    return result;
}

/* ---- machines ---- */

/* Asks the metadata for a path; null if there is no such machine. */
static char *metadata(web *w, const char *method, const char *path, const web_header *headers)
{
    const char *set = aws_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    char url[1024];
    nbase_error ignored;
    web_answer a;
    int slash = set && *set && set[strlen(set) - 1] == '/';
    snprintf(url, sizeof url, "%s%s", set ? set : "http://169.254.169.254", path + slash);
    web_request q = {
        .method = method, .url = url, .headers = headers, .body = "", .connect_seconds = 1};
    if (!strcmp(method, "GET")) q.body = NULL;
    if (!ask_web(w, "", q, &a, &ignored)) return NULL;
    free(a.head);
    return a.body;
}

keys_result aws_keys_of_machine(web *w, aws_keys *out, nbase_error *err)
{
    static const char roles[] = "/latest/meta-data/iam/security-credentials/";
    if (aws_variable_on("AWS_EC2_METADATA_DISABLED")) return KEYS_ABSENT;
    const web_header hours[] = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}, {0}};
    char *token = metadata(w, "PUT", "/latest/api/token", hours), *name = NULL, *keys = NULL;
    const web_header pass[] = {{"X-aws-ec2-metadata-token", token}, {0}};
    if (token) name = metadata(w, "GET", roles, pass);
    char path[400];
    if (name) {
        name[strcspn(name, "\r\n")] = 0;
        snprintf(path, sizeof path, "%s%.200s", roles, name);
        keys = metadata(w, "GET", path, pass);
    }
    keys_result result =
        keys ? aws_keys_from_json(keys, strlen(keys), "Token", "this machine's metadata", out, err)
             : KEYS_ABSENT;
    free(token);
    free(name);
    free(keys);
    return result;
}
#endif
