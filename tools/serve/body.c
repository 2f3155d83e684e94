#include "body.h"

#include <string.h>
#include <strings.h>

enum {
    /* A body of up to OVERRUN times the limit is read to its end and thrown away, so that its
     * client gets to see the answer. */
    OVERRUN = 8
};

void body_begin(request *r, const char *packed)
{
    static const char *const known[] = {"gzip", "x-gzip", "deflate"};
    if (!packed || !*packed || strcasecmp(packed, "identity") == 0) return;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(packed, known[i]) == 0) {
            if (!(r->unpacker = unpacker_create())) problem_memory(&r->problem);
            return;
        }
    r->accept_encoding = true;
    problem_set(&r->problem, 415, "UNSUPPORTED_MEDIA_TYPE",
                "the body is packed as '%.40s'; this server unpacks gzip and deflate", packed);
}

/* Passes bytes of the unpacked body on. */
static bool pass_on(void *ctx, const char *bytes, size_t size)
{
    request *r = ctx;
    size_t limit = r->server->options->max_body;
    r->unpacked += size;
    if (r->unpacked > limit)
        problem_set(&r->problem, 413, "TOO_LARGE", "the body %s the limit of %zu bytes",
                    r->unpacker ? "unpacks to more than" : "is larger than", limit);
    if (!r->problem.status && r->route && r->route->handlers->feed)
        r->route->handlers->feed(r, bytes, size);
    return r->problem.status == 0;
}

bool body_take(request *r, const char *bytes, size_t size)
{
    r->received += size;
    if (r->received / OVERRUN > r->server->options->max_body) return false;
    if (r->problem.status) return true;
    if (!r->unpacker)
        pass_on(r, bytes, size);
    else if (unpacker_feed(r->unpacker, bytes, size, pass_on, r) == UNPACK_BROKEN)
        problem_set(&r->problem, 400, "BAD_ENCODING",
                    "the body is damaged, or not packed as its Content-Encoding says");
    return true;
}

void body_end(request *r)
{
    if (!r->problem.status && r->unpacker && r->received && !unpacker_whole(r->unpacker))
        problem_set(&r->problem, 400, "BAD_ENCODING", "the packed body is cut off");
}
