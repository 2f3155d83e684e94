/* bytes_avx512.h - four rows at a time. What it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_AVX512_H
#define MTCNN_BYTES_AVX512_H

#include "bytes_x86.h"

static inline void b_interleave(const uint8_t *const *rows, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i += 4, to += 64) {
        __m128i row[4], pixel[4];
        for (int r = 0; r < 4; r++) row[r] = b_four(rows[r] + 3 * i);
        __m128i upper = _mm_unpacklo_epi32(row[0], row[1]),
                lower = _mm_unpacklo_epi32(row[2], row[3]);
        pixel[0] = _mm_unpacklo_epi64(upper, lower);
        pixel[1] = _mm_unpackhi_epi64(upper, lower);
        upper = _mm_unpackhi_epi32(row[0], row[1]);
        lower = _mm_unpackhi_epi32(row[2], row[3]);
        pixel[2] = _mm_unpacklo_epi64(upper, lower);
        pixel[3] = _mm_unpackhi_epi64(upper, lower);
        for (int j = 0; j < 4; j++) _mm_storeu_si128((__m128i *)(to + 16 * j), pixel[j]);
    }
}

static inline __m512i b_ints(const uint8_t *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

static inline void b_parts(const mtcnn__parts *part, const uint8_t *p, double *out, size_t row)
{
    __m512i sums[3] = {b_ints(p), _mm512_setzero_si512(), b_ints(p + 16 * part->last)};
    for (size_t k = 1; k <= part->between; k++)
        sums[1] = _mm512_add_epi32(sums[1], b_ints(p + 16 * k));
    const double weights[3] = {part->lead, part->middle, part->trail};
    __m512d low = _mm512_setzero_pd(), high = low;
    for (int i = 0; i < 3; i++) {
        __m512d w = _mm512_set1_pd(weights[i]);
        low = _mm512_fmadd_pd(_mm512_cvtepi32_pd(_mm512_castsi512_si256(sums[i])), w, low);
        high = _mm512_fmadd_pd(_mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(sums[i], 1)), w, high);
    }
    _mm256_storeu_pd(out, _mm512_castpd512_pd256(low));
    _mm256_storeu_pd(out + row, _mm512_extractf64x4_pd(low, 1));
    _mm256_storeu_pd(out + 2 * row, _mm512_castpd512_pd256(high));
    _mm256_storeu_pd(out + 3 * row, _mm512_extractf64x4_pd(high, 1));
}

static inline vec b_load(const uint8_t *p) { return _mm512_cvtepi32_ps(b_ints(p)); }

#endif
