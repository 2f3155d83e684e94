/* ranks_gather.h - work divided into shares, and what every rank has on all ranks: a part of
 * ranks.h, whose rules hold. */
#ifndef SKIN_RANKS_GATHER_H
#define SKIN_RANKS_GATHER_H

#include "ranks.h"

/* The place of the first of `count` items that rank `rank` of `size` takes; of rank + 1: the end of
 * its share. */
size_t ranks_first(size_t count, size_t rank, size_t size);

/* Only for a job of several ranks.
 *
 * bytes: how much each rank has; the same numbers on all of them.
 * all:   gets it, in the order of the ranks. */
bool ranks_gather(ranks *r, const void *mine, void *all, const size_t *bytes, nbase_error *err);

/* Likewise, parcels of any size. *all, which must be empty, gets what was put into them, one behind
 * the other. */
bool ranks_gather_parcels(ranks *r, const parcel *mine, parcel *all, nbase_error *err);

#endif
