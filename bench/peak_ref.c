/* Plain C for any processor: four floats that the compiler may put into a vector; a multiplication
 * and an addition. */
#include "peak.h"

typedef struct quad {
    float v[4];
} quad;

static inline quad splat(float x) { return (quad){{x, x, x, x}}; }

static inline quad multiply_add(quad a, quad b, quad c)
{
    for (int i = 0; i < 4; i++) a.v[i] = a.v[i] * b.v[i] + c.v[i];
    return a;
}

float bench_peak_ref(size_t rounds) { PEAK_BODY(quad, 4, multiply_add, splat) }
