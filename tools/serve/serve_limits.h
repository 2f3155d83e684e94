/* serve_limits.h - the limits of skin-serve that are fixed when it is built, each in one place.
 * What a user can set is in serve_options (server.h). */
#ifndef SERVE_SERVE_LIMITS_H
#define SERVE_SERVE_LIMITS_H

#include <stddef.h>

enum {
    /* Sequences that the model judges in one call: the most that --batch can ask for, and how many
     * variants of a sequence an explanation judges at a time. */
    SERVE_MAX_BATCH = 16,
    SERVE_EXPLAIN_BATCH = 8,
    /* The most photos that --max-photos can allow in one request. */
    SERVE_MAX_PHOTOS = 100,
    /* The most inputs for files in a form, those that were left empty included. */
    SERVE_MAX_INPUTS = 200,
    /* Bytes of a body per second that count as progress: a client that sends as many never runs out
     * of patience. */
    SERVE_MIN_RATE = 32 << 10,
    /* Connections beyond --connections, all together and of one address, that may only ask whether
     * the server lives and for its counters. */
    SERVE_RESERVE = 32,
    SERVE_RESERVE_ADDRESS = 8,
    /* Seconds for which a client that announced its last request and closed its sending side is
     * believed to wait for the answer. */
    SERVE_BELIEVED = 2,
    /* Seconds after which a client is advised to try again (Retry-After) when the server is about
     * to stop. Elsewhere they are estimated. */
    SERVE_RETRY_STOPPING = 5
};

/* The largest model file in bytes. */
#define SERVE_MAX_MODEL ((size_t)4 << 30)

#endif
