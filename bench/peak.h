/* peak.h - the loops that peak.c times, one a family; each does `rounds` times PEAK_CHAINS
 * independent FMAs on full registers. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>

enum { PEAK_CHAINS = 12 }; /* two units of latency 4 need 8; more chains hide uneven scheduling */

/* Returns a value that depends on every chain. */
typedef float peak_loop(size_t rounds);
peak_loop bench_peak_ref;
#if defined(__x86_64__)
peak_loop bench_peak_avx2, bench_peak_avx512;
#endif
#if defined(__aarch64__)
peak_loop bench_peak_neon;
#endif

/* The loop for a vector type V of `lanes` floats; `fma` is its fused multiply-add. */
#define PEAK_BODY(V, lanes, fma, splat)                                                            \
    V chain[PEAK_CHAINS], by = splat(0.999f), plus = splat(0.001f);                                \
    for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = splat((float)i);                              \
    for (size_t r = 0; r < rounds; r++)                                                            \
        for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = fma(chain[i], by, plus);                  \
    float sum = 0;                                                                                 \
    for (int i = 0; i < PEAK_CHAINS; i++)                                                          \
        for (int l = 0; l < lanes; l++) sum += ((const float *)&chain[i])[l];                      \
    return sum;

#endif
