/* bytes_x86.h - what bytes_avx2.h and bytes_avx512.h share. What it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_X86_H
#define MTCNN_BYTES_X86_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "resize_kernels.h"

/* Four packed pixels as four numbers of 32 bits, red lowest. */
static inline __m128i b_four(const uint8_t *p)
{
    const __m128i apart = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p), apart);
}

static inline void b_pixel(const uint8_t *p, mtcnn__pixel *v)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    *v = (mtcnn__pixel)_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128((int)bytes)));
}

/* The first n of four packed pixels added up by colour. */
static inline __m128i b_few(const uint8_t *p, size_t n)
{
    static const int8_t by_colour[5][16] = {
        {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
        {0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, -1, -1, -1, -1},
        {0, 3, -1, -1, 1, 4, -1, -1, 2, 5, -1, -1, -1, -1, -1, -1},
        {0, 3, 6, -1, 1, 4, 7, -1, 2, 5, 8, -1, -1, -1, -1, -1},
        {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1}};
    __m128i pixels = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p),
                                      _mm_loadu_si128((const __m128i *)by_colour[n]));
    return _mm_madd_epi16(_mm_maddubs_epi16(pixels, _mm_set1_epi8(1)), _mm_set1_epi16(1));
}

static inline void b_sum_few(const uint8_t *p, size_t n, mtcnn__pixel *v)
{
    *v = (mtcnn__pixel)_mm256_cvtepi32_pd(b_few(p, n));
}

static inline void b_sum(const uint8_t *p, size_t n, mtcnn__pixel *v)
{
    __m128i total = _mm_setzero_si128();
    for (; n > 4; n -= 4, p += 12) total = _mm_add_epi32(total, b_few(p, 4));
    *v = (mtcnn__pixel)_mm256_cvtepi32_pd(_mm_add_epi32(total, b_few(p, n)));
}

#endif
