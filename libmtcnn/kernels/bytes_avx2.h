/* bytes_avx2.h - two rows at a time. What it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_AVX2_H
#define MTCNN_BYTES_AVX2_H

#include "bytes_x86.h"

static inline void b_interleave(const uint8_t *const *rows, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i += 4, to += 32) {
        __m128i a = b_four(rows[0] + 3 * i), b = b_four(rows[1] + 3 * i);
        _mm_storeu_si128((__m128i *)to, _mm_unpacklo_epi32(a, b));
        _mm_storeu_si128((__m128i *)(to + 16), _mm_unpackhi_epi32(a, b));
    }
}

static inline __m256i b_ints(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

static inline void b_parts(const mtcnn__parts *part, const uint8_t *p, double *out, size_t row)
{
    __m256i sums[3] = {b_ints(p), _mm256_setzero_si256(), b_ints(p + 8 * part->last)};
    for (size_t k = 1; k <= part->between; k++)
        sums[1] = _mm256_add_epi32(sums[1], b_ints(p + 8 * k));
    const double weights[3] = {part->lead, part->middle, part->trail};
    __m256d low = _mm256_setzero_pd(), high = low;
    for (int i = 0; i < 3; i++) {
        __m256d w = _mm256_set1_pd(weights[i]);
        low = _mm256_fmadd_pd(_mm256_cvtepi32_pd(_mm256_castsi256_si128(sums[i])), w, low);
        high = _mm256_fmadd_pd(_mm256_cvtepi32_pd(_mm256_extracti128_si256(sums[i], 1)), w, high);
    }
    _mm256_storeu_pd(out, low);
    _mm256_storeu_pd(out + row, high);
}

static inline vec b_load(const uint8_t *p) { return _mm256_cvtepi32_ps(b_ints(p)); }

#endif
