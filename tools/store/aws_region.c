#ifdef HAVE_CURL
#include "aws_region.h"

#include <stdlib.h>
#include <string.h>

#include "s3_list.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

/* Takes a region of which nothing is odd: it becomes part of addresses. */
static bool take_region(const char *text, size_t size, char region[AWS_REGION_SIZE])
{
    if (size < 2 || size >= AWS_REGION_SIZE || strspn(text, letters) < size) return false;
    memcpy(region, text, size);
    region[size] = 0;
    return true;
}

/* "bucket.s3-eu-west-1.amazonaws.com" or "https://bucket.s3.eu-west-1.amazonaws.com/key". */
static bool take_from_host(const char *host, char region[AWS_REGION_SIZE])
{
    const char *end = strstr(host, ".amazonaws.com"), *from = NULL;
    for (const char *p = host; end && (p = strstr(p, "s3")) && p < end; p += 2)
        if ((p == host || p[-1] == '.' || p[-1] == '/') && (p[2] == '.' || p[2] == '-'))
            from = p + 3;
    return from && from < end && take_region(from, (size_t)(end - from), region);
}

static bool take_from_body(const web_answer *a, char region[AWS_REGION_SIZE])
{
    char *named = a->body ? s3_xml_text(a->body, a->size, "Region") : NULL,
         *endpoint = a->body && !named ? s3_xml_text(a->body, a->size, "Endpoint") : NULL;
    bool found = (named && take_region(named, strlen(named), region)) ||
                 (endpoint && take_from_host(endpoint, region));
    free(named);
    free(endpoint);
    return found;
}

bool aws_region_moved(const web_answer *a, const char *used, char region[AWS_REGION_SIZE])
{
    char field[1024];
    if (a->status != 301 && a->status != 307 && a->status != 308 && a->status != 400) return false;
    web_field(a, "x-amz-bucket-region", field, sizeof field);
    bool found =
        take_region(field, strlen(field), region) || take_from_body(a, region) ||
        (a->status != 400 && take_from_host(web_field(a, "Location", field, sizeof field), region));
    return found && strcmp(region, used) != 0;
}
#endif
