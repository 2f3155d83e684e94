/* arrivals.h - people's face crops as they are read when a source is opened: by this process alone,
 * or by all ranks of a job, each its share. A part of source.c. */
#ifndef SKIN_FEED_ARRIVALS_H
#define SKIN_FEED_ARRIVALS_H

#include "source.h"

enum { TAKEN = 1, LEFT_OUT = 0, FAILED = -1 };

/* A person who was read. */
typedef struct arrival {
    sample p; /* with the crops, unless another rank has them */
    int taken;
    char digest[SHA256_HEX]; /* if it was asked for */
    nbase_error err;         /* why not */
} arrival;

void arrival_free(arrival *a);

/* Gathers what the ranks have read, and calls take() for each of the `count` users, in order, on
 * every rank.
 *
 * own: of the users of this rank's share, ranks_first(count, rank, ranks) and on.
 * prints: of all people's photos, of which the rows from `before` on are of this rank's share;
 *         they become those of all ranks. May be null. */
bool arrivals_gather(ranks *r, data_user *const *users, size_t count, arrival *own,
                     fingerprints *prints, size_t before,
                     bool (*take)(void *ctx, arrival *a, nbase_error *err), void *ctx,
                     nbase_error *err);

#endif
