/* direct_vec_avx512.h - what the direct kernels need beyond vec.h, with AVX-512 and AMX. What each
 * operation means: direct_vec_ref.h. */
#ifndef CONVLSTM_DIRECT_VEC_AVX512_H
#define CONVLSTM_DIRECT_VEC_AVX512_H

#include <stdbool.h>

#include "vec.h"

static inline vec v_fused(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec v_least_abs(vec a, float limit)
{
    enum { LEAST_ABS = 2, SIGN_CLEAR = 2 << 2 };
    return _mm512_range_ps(a, _mm512_set1_ps(limit), LEAST_ABS | SIGN_CLEAR);
}
static inline vec v_with_sign(vec a, vec s)
{
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(_mm512_castps_si512(a), _mm512_castps_si512(s), sign, 0xf8));
}
static inline vec v_pick(const float *table, vec i)
{
    return _mm512_permutex2var_ps(_mm512_load_ps(table), _mm512_castps_si512(i),
                                  _mm512_load_ps(table + 16));
}
static inline vec v_even(vec a)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 16));
}
static inline vec v_odd(vec a)
{
    const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), upper));
}
static inline vec v_up(vec a)
{
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(a), _mm512_setzero_si512(), 15));
}
static inline vec v_down(vec a)
{
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_setzero_si512(), _mm512_castps_si512(a), 1));
}
static inline vmask v_first(size_t n) { return (vmask)(n < LANES ? (1u << n) - 1 : 0xffff); }
static inline vec v_load_first(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(v_first(n), p);
}
static inline void v_store_first(float *p, size_t n, vec a)
{
    _mm512_mask_storeu_ps(p, v_first(n), a);
}
static inline void v_store_half(float *p, bool odd, vec a)
{
    __m512i halves = _mm512_castps_si512(a);
    if (odd)
        _mm512_mask_storeu_epi16(p, 0xaaaaaaaa, _mm512_slli_epi32(halves, 16));
    else
        _mm512_mask_storeu_epi16(p, 0x55555555, halves);
}

/* Registers tmm0 to tmm5 are the sums, 6 the weights and 7 what they multiply; all have 16 rows of
 * 64 bytes. The instructions are written out because gcc 12's own for loads and stores say nothing
 * about memory, and move across other accesses. A compiler uses no tile register on its own, so
 * none is named as changed. */
typedef struct tiles {
    char none;
} tiles;

typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

static inline void tiles_begin(void)
{
    static const tile_config config
        __attribute__((aligned(64))) = {.palette = 1,
                                        .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                        .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
}

#define TILES_BEGIN() tiles_begin()
#define TILES_END() __asm__ volatile("tilerelease" ::)
#define TILE_LOAD(n, p, stride)                                                                    \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #n ::"r"(p), "r"((size_t)(stride)) : "memory")
#define TILE_START(t, n, p) TILE_LOAD(n, p, 64)
#define TILE_WEIGHTS(t, p) TILE_LOAD(6, p, 64)
#define TILE_MULTIPLY(t, n, p, stride)                                                             \
    do {                                                                                           \
        TILE_LOAD(7, p, stride);                                                                   \
        __asm__ volatile("tdpbf16ps %%tmm7, %%tmm6, %%tmm" #n ::);                                 \
    } while (0)
#define TILE_FINISH(t, n, p)                                                                       \
    __asm__ volatile("tilestored %%tmm" #n ", (%0,%1,1)" ::"r"(p), "r"((size_t)64) : "memory")

#endif
