#include <arm_neon.h>

#include "peak.h"

static float32x4_t multiply_add(float32x4_t a, float32x4_t b, float32x4_t c)
{
    return vfmaq_f32(c, a, b);
}

float bench_peak_neon(size_t rounds) { PEAK_BODY(float32x4_t, 4, multiply_add, vdupq_n_f32) }
