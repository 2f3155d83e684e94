/* bytes_avx512.h - four rows at a time. What it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_AVX512_H
#define MTCNN_BYTES_AVX512_H

#include "bytes_x86.h"

static inline void b_spread(const uint8_t *const *rows, size_t n, float *to)
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
        for (int j = 0; j < 4; j++)
            _mm512_store_ps(to + 16 * j, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(pixel[j])));
    }
}

#endif
