#include <immintrin.h>

#include "peak.h"

float bench_peak_avx512(size_t rounds) { PEAK_BODY(__m512, 16, _mm512_fmadd_ps, _mm512_set1_ps) }
