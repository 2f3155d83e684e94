#include <immintrin.h>

#include "peak.h"

float bench_peak_avx2(size_t rounds) { PEAK_BODY(__m256, 8, _mm256_fmadd_ps, _mm256_set1_ps) }
