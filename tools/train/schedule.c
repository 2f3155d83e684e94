#include "schedule.h"

#include "nbase.h"

void schedule_order(size_t *items, size_t n, uint64_t seed, size_t epoch)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, (uint64_t)epoch);
    for (size_t i = 0; i < n; i++) items[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = nbase_rng_below(&rng, (uint32_t)i), keep = items[i - 1];
        items[i - 1] = items[j];
        items[j] = keep;
    }
}

void schedule_pairs(size_t *items, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        size_t item = items[i];
        items[2 * i] = 2 * item;
        items[2 * i + 1] = 2 * item + 1;
    }
}
