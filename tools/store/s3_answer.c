#ifdef HAVE_CURL
#include "s3_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "aws_digest.h"
#include "checksum.h"
#include "fail.h"
#include "s3_list.h"
#include "shown.h"

/* ---- are these the bytes? ---- */

/* What all the checksums that the service sent say together. */
static checksum_result by_checksums(const aws_response *r, const void *data, size_t size)
{
    char name[40], value[120];
    checksum_result result = CHECKSUM_SILENT;
    for (const char *const *algorithm = checksum_algorithms; *algorithm; algorithm++) {
        snprintf(name, sizeof name, "x-amz-checksum-%s", *algorithm);
        if (!*web_field(&r->web, name, value, sizeof value)) continue;
        checksum_result one = checksum_of(*algorithm, value, data, size);
        if (one == CHECKSUM_BROKEN) return one;
        if (one == CHECKSUM_HOLDS) result = one;
    }
    return result;
}

static bool is_hex(const char *text, size_t digits)
{
    return strspn(text, "0123456789abcdef") == digits && strlen(text) == digits;
}

/* Whether the object is encrypted with a key of its own. */
static bool has_own_key(const aws_response *r)
{
    char field[120];
    return *web_field(&r->web, "x-amz-server-side-encryption-customer-algorithm", field,
                      sizeof field) ||
           strncmp(web_field(&r->web, "x-amz-server-side-encryption", field, sizeof field),
                   "aws:", 4) == 0;
}

bool s3_intact(const aws_response *r, const void *data, size_t size)
{
    char field[120], own[65];
    checksum_result sent = by_checksums(r, data, size);
    if (sent != CHECKSUM_SILENT) return sent == CHECKSUM_HOLDS;
    if (is_hex(web_field(&r->web, S3_MARK, field, sizeof field), 64)) {
        aws_sha256(data, size, own);
        return strcmp(own, field) == 0;
    }
    if (has_own_key(r)) return true;
    char *tag = field, *end;
    web_field(&r->web, "ETag", field, sizeof field);
    if (*tag == '"' && (end = strchr(++tag, '"'))) *end = 0;
    if (!is_hex(tag, 32)) return true;
    aws_md5(data, size, own);
    return strcmp(own, tag) == 0;
}

/* ---- what is wrong? ---- */

static bool begins(const char *text, const char *word)
{
    return strncasecmp(text, word, strlen(word)) == 0;
}

bool s3_is_html(const aws_response *r)
{
    char field[200];
    if (*r->code || *web_field(&r->web, "ETag", field, sizeof field) ||
        *web_field(&r->web, "x-amz-request-id", field, sizeof field))
        return false;
    bool called_html = begins(web_field(&r->web, "Content-Type", field, sizeof field), "text/html");
    const char *text = r->web.body ? r->web.body + strspn(r->web.body, " \t\r\n") : "";
    if (begins(text, "<html") || begins(text, "<!doctype html")) return true;
    /* some services call their XML HTML, and the answer to HEAD has nothing but that name */
    return called_html &&
           (*text ? !begins(text, "<?xml") && !begins(text, "<Error") : r->web.status == 200);
}

/* Whether the clock of this machine and that of the service are too far apart for signatures. */
static bool skewed(const aws_response *r)
{
    enum { ALLOWED = 15 * 60 };
    char field[60];
    struct tm parts = {0};
    if (!strcmp(r->code, "RequestTimeTooSkewed") || !strcmp(r->code, "RequestInTheFuture"))
        return true;
    if (r->web.status != 403 ||
        !strptime(web_field(&r->web, "Date", field, sizeof field), "%a, %d %b %Y %T GMT", &parts))
        return false;
    return llabs((long long)timegm(&parts) - (long long)time(NULL)) > ALLOWED;
}

static const char *advice_for(const aws_response *r)
{
    long status = r->web.status;
    if (skewed(r)) return "the clock of this machine is wrong: set it";
    if (!strcmp(r->code, "InvalidObjectState"))
        return "the object is archived (Glacier): it must be restored before it can be read";
    if (!strncmp(r->code, "ExpiredToken", 12) || !strcmp(r->code, "TokenRefreshRequired"))
        return "the credentials have expired: get new ones";
    if (status == 403)
        return "check the credentials (AWS_ACCESS_KEY_ID ...), the region and the bucket's policy";
    if (status == 404) return "it is not there";
    if (status == 301 || status == 307 || !strcmp(r->code, "AuthorizationHeaderMalformed"))
        return "the bucket is in another region: set AWS_REGION";
    return NULL;
}

bool s3_explain(const aws_response *r, const char *where, const char *verb, nbase_error *err)
{
    if (s3_is_html(r))
        return tool_fail(err, NBASE_ERR_IO,
                         "%s: cannot %s: HTTP %ld with an HTML page came instead of an answer of "
                         "S3, as of a proxy that wants a login; check the proxy and the endpoint",
                         where, verb, r->web.status);
    const char *advice = advice_for(r);
    char *message =
             advice || !r->web.body ? NULL : s3_xml_text(r->web.body, r->web.size, "Message"),
         safe[SHOWN_SIZE];
    if (message) advice = shown(message, strlen(message), safe);
    tool_fail(err, NBASE_ERR_IO, "%s: cannot %s: HTTP %ld%s%s%s%s", where, verb, r->web.status,
              *r->code ? " " : "", r->code, advice ? "; " : "", advice ? advice : "");
    free(message);
    return false;
}
#endif
