/* bytes_avx2.h - two rows at a time. What it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_AVX2_H
#define MTCNN_BYTES_AVX2_H

#include "bytes_x86.h"

static inline void b_spread(const uint8_t *const *rows, size_t n, float *to)
{
    for (size_t i = 0; i < n; i += 4, to += 32) {
        __m128i a = b_four(rows[0] + 3 * i), b = b_four(rows[1] + 3 * i),
                low = _mm_unpacklo_epi32(a, b), high = _mm_unpackhi_epi32(a, b);
        _mm256_store_ps(to, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low)));
        _mm256_store_ps(to + 8, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(low, 8))));
        _mm256_store_ps(to + 16, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high)));
        _mm256_store_ps(to + 24, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(high, 8))));
    }
}

#endif
