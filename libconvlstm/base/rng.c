/* PCG-XSH-RR 64/32: M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation", 2014. */
#include <math.h>

#include "nbase.h"

uint32_t nbase_rng_u32(nbase_rng *rng)
{
    uint64_t old = rng->state;
    rng->state = old * 6364136223846793005u + rng->inc;
    uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27), rotate = (uint32_t)(old >> 59);
    return mixed >> rotate | mixed << (-rotate & 31);
}

void nbase_rng_seed(nbase_rng *rng, uint64_t seed, uint64_t stream)
{
    rng->state = 0;
    rng->inc = stream << 1 | 1;
    nbase_rng_u32(rng);
    rng->state += seed;
    nbase_rng_u32(rng);
}

uint32_t nbase_rng_below(nbase_rng *rng, uint32_t n)
{
    if (n <= 1) return 0;
    uint32_t reject = -n % n; /* 2^32 mod n: draws below it would favour small results */
    uint32_t x;
    do x = nbase_rng_u32(rng);
    while (x < reject);
    return x % n;
}

double nbase_rng_uniform(nbase_rng *rng)
{
    uint64_t high = nbase_rng_u32(rng) >> 5, low = nbase_rng_u32(rng) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

double nbase_rng_normal(nbase_rng *rng)
{
    double u, v, s;
    do {
        u = 2 * nbase_rng_uniform(rng) - 1;
        v = 2 * nbase_rng_uniform(rng) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}
