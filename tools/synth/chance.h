/* chance.h - draws from nbase's generator without a logarithm, so that they are the same bits
 * everywhere. */
#ifndef SYNTH_CHANCE_H
#define SYNTH_CHANCE_H

#include <stdbool.h>

#include "nbase.h"

static inline float chance_range(nbase_rng *rng, float lo, float hi)
{
    return lo + (hi - lo) * (float)nbase_rng_uniform(rng);
}
static inline bool chance_of(nbase_rng *rng, double probability)
{
    return nbase_rng_uniform(rng) < probability;
}

/* A whole number in lo..hi. */
static inline int chance_int(nbase_rng *rng, int lo, int hi)
{
    return lo + (int)nbase_rng_below(rng, (uint32_t)(hi - lo + 1));
}

/* Bell-shaped with mean 0 and deviation 1, within -3.5..3.5: the sum of four uniforms (Irwin-Hall),
 * scaled. */
static inline float chance_bell(nbase_rng *rng)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += nbase_rng_uniform(rng);
    return (float)((sum - 2) * 1.7320508075688772);
}

#endif
