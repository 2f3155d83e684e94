/* schedule.h - the order of an epoch's items. It follows from numbers alone, so that a restored run
 * has the same. */
#ifndef SKIN_SCHEDULE_H
#define SKIN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/* Writes the permutation of 0..n-1 for an epoch (Fisher and Yates). */
void schedule_order(size_t *items, size_t n, uint64_t seed, size_t epoch);

/* Replaces n items by the loader's 2 * n entries 2 * item and 2 * item + 1; `items` has room for
 * them. */
void schedule_pairs(size_t *items, size_t n);

#endif
