/* schedule.h - the order of an epoch: a function of numbers alone, so that a restored run takes the
 * same. */
#ifndef SKIN_SCHEDULE_H
#define SKIN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/* A permutation of 0..n-1 for an epoch (Fisher and Yates). */
void schedule_order(size_t *items, size_t n, uint64_t seed, size_t epoch);

/* Makes n items the entries 2 * item, 2 * item + 1 of the loader: `items` has room for 2 * n. */
void schedule_pairs(size_t *items, size_t n);

#endif
