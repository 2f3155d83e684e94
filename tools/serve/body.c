#include "body.h"

#include <string.h>
#include <strings.h>

enum {
    /* A body of up to OVERRUN times the limit is read to its end and thrown away, so that its
     * client gets to see the answer. */
    OVERRUN = 8,
    /* Unpacked bytes that all requests of one address may read in a turn, and one of them at least.
     * It takes some 2 ms. */
    TURN = 256 << 10,
    LEAST_TURN = 4 << 10,
    /* A packed body is fed in pieces of so many bytes, each of which unpacks to 32 KiB at most. */
    PACKED_PIECE = 16
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

/* Unpacked bytes for this request's turn. */
static size_t turn_of(const request *r)
{
    size_t others = r->peer ? atomic_load(&r->peer->memory.claimants) : 1,
           turn = TURN / (others > 0 ? others : 1);
    return turn > LEAST_TURN ? turn : LEAST_TURN;
}

/* Returns how many bytes were taken. */
static size_t take_packed(request *r, const char *bytes, size_t size, size_t turn)
{
    size_t until = r->unpacked + turn, taken = 0;
    while (taken < size && r->unpacked < until && !r->problem.status) {
        size_t piece = size - taken < PACKED_PIECE ? size - taken : PACKED_PIECE;
        if (unpacker_feed(r->unpacker, bytes + taken, piece, pass_on, r) == UNPACK_BROKEN)
            problem_set(&r->problem, 400, "BAD_ENCODING",
                        "the body is damaged, or not packed as its Content-Encoding says");
        taken += piece;
    }
    return taken;
}

bool body_take(request *r, const char *bytes, size_t *size)
{
    size_t taken = *size, turn = turn_of(r);
    if (!r->problem.status && r->unpacker) {
        taken = take_packed(r, bytes, *size, turn);
    } else if (!r->problem.status) {
        if (taken > turn) taken = turn;
        pass_on(r, bytes, taken);
    }
    *size -= taken;
    r->received += taken;
    return r->received / OVERRUN <= r->server->options->max_body;
}

void body_end(request *r)
{
    if (!r->problem.status && r->unpacker && r->received && !unpacker_whole(r->unpacker))
        problem_set(&r->problem, 400, "BAD_ENCODING", "the packed body is cut off");
}
