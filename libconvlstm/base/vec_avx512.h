/* vec_avx512.h - 16 floats at a time. What each operation means: vec_ref.h. */
#ifndef NBASE_VEC_AVX512_H
#define NBASE_VEC_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define ISA_VALUE NBASE_ISA_AVX512 /* of nbase.h */
#define LANES 16
#define GEMM_ROWS 8 /* rows by vectors of the register block: 24 accumulators of 32 registers */
#define GEMM_VECTORS 3
/* a multiply-add can broadcast a float from memory, and 32 registers hold 6 x 4 sums */
#define GEMM_BROADCASTS

typedef __m512 vec;
typedef __mmask16 vmask;

static inline vec v_load(const float *p) { return _mm512_load_ps(p); }
static inline vec v_loadu(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vec a) { _mm512_store_ps(p, a); }
static inline void v_stream(float *p, vec a) { _mm512_stream_ps(p, a); }
static inline void v_stream_end(void) { _mm_sfence(); }
static inline void v_storeu(float *p, vec a) { _mm512_storeu_ps(p, a); }
static inline void v_pack16(uint16_t *p, vec a, vec b)
{
    _mm512_stream_si512((__m512i *)p,
                        _mm512_packus_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b)));
}
static inline void v_unpack16(const uint16_t *p, vec *a, vec *b)
{
    __m512i both = _mm512_load_si512(p), zero = _mm512_setzero_si512();
    *a = _mm512_cvtepi32_ps(_mm512_unpacklo_epi16(both, zero));
    *b = _mm512_cvtepi32_ps(_mm512_unpackhi_epi16(both, zero));
}
static inline vec v_set(float x) { return _mm512_set1_ps(x); }
static inline vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }
static inline vec v_min(vec a, vec b) { return _mm512_min_ps(a, b); }
static inline vec v_max(vec a, vec b) { return _mm512_max_ps(a, b); }

#ifdef __AVX512BF16__
static inline vec v_pair_bf16(vec a, vec b)
{
    static const uint16_t order[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                       21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                       11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_castsi512_ps(
        _mm512_permutexvar_epi16(_mm512_loadu_si512(order), (__m512i)_mm512_cvtne2ps_pbh(b, a)));
}
static inline void v_store_bf16(uint16_t *p, vec a)
{
    _mm256_store_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(a));
}
static inline void v_interleave(vec a, vec b, vec out[2])
{
    static const uint16_t first[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                       37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                       11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
    __m512i low = _mm512_loadu_si512(first), high = _mm512_add_epi16(low, _mm512_set1_epi16(16)),
            x = _mm512_castps_si512(a), y = _mm512_castps_si512(b);
    out[0] = _mm512_castsi512_ps(_mm512_permutex2var_epi16(x, low, y));
    out[1] = _mm512_castsi512_ps(_mm512_permutex2var_epi16(x, high, y));
}
static inline vec v_dot_bf16(vec x, vec y, vec sum)
{
#if defined(__clang__) && (__clang_major__ == 16 || __clang_major__ == 17)
    __asm__("" : "+v"(x)); /* else their vector-combine never ends where x is broadcast */
#endif
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)y);
}
/* gcc 12 does not let the instruction broadcast by itself. */
static inline vec v_dot_bf16_at(const float *x, vec y, vec sum)
{
    __asm__("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(y), "m"(*x));
    return sum;
}
#endif

/* The hardware's division occupies its unit for 16 cycles; an estimate of 14 bits and one
 * correction of the quotient for 5. The correction would turn an infinite quotient into NaN: see
 * vec_ref.h for the domain. */
static inline vec v_div(vec a, vec b)
{
    vec r = _mm512_rcp14_ps(b), q = _mm512_mul_ps(a, r);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(b, q, a), r, q);
}

static inline vmask v_mask(unsigned bits) { return (vmask)bits; }
static inline vec v_keep(vec a, vmask m) { return _mm512_maskz_mov_ps(m, a); }
static inline vec v_loadu_keep(const float *p, vmask m) { return _mm512_maskz_loadu_ps(m, p); }
static inline vec v_add_if(vec a, vec b, vmask m) { return _mm512_mask_add_ps(a, m, a, b); }
static inline vec v_keep_inside(vec a, vec x)
{
    vmask above = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_maskz_mov_ps(_mm512_mask_cmp_ps_mask(above, x, _mm512_set1_ps(1.0f), _CMP_LT_OQ),
                               a);
}

typedef __m256 vrow;
static inline vrow v_row_load(const float *p) { return _mm256_load_ps(p); }
static inline void v_row_store(float *p, vrow a) { _mm256_store_ps(p, a); }
static inline vrow v_row_set(float x) { return _mm256_set1_ps(x); }
static inline vrow v_row_fma(vrow a, vrow b, vrow c) { return _mm256_fmadd_ps(a, b, c); }

static inline vec v_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vec v_scale(vec a, vec n) { return _mm512_scalef_ps(a, n); }

static inline float v_sum(vec a)
{
    __m512 b = _mm512_add_ps(a, _mm512_shuffle_f32x4(a, a, 0x4e));
    b = _mm512_add_ps(b, _mm512_shuffle_f32x4(b, b, 0xb1));
    b = _mm512_add_ps(b, _mm512_permute_ps(b, 0x4e));
    return _mm512_cvtss_f32(_mm512_add_ps(b, _mm512_permute_ps(b, 0xb1)));
}

static inline float v_least(vec a) { return _mm512_reduce_min_ps(a); }
static inline float v_most(vec a) { return _mm512_reduce_max_ps(a); }

/* Four rows of a column of 4x4 blocks are put together from memory, so that only two of the four
 * stages shuffle. */
static inline void v_transpose(const float *src, size_t src_stride, float *dst, size_t dst_stride)
{
    for (size_t q = 0; q < 4; q++) {
        __m512 row[4], half[4];
        for (size_t i = 0; i < 4; i++) {
            const float *p = src + i * src_stride + 4 * q;
            row[i] = _mm512_castps128_ps512(_mm_load_ps(p));
            row[i] = _mm512_insertf32x4(row[i], _mm_load_ps(p + 4 * src_stride), 1);
            row[i] = _mm512_insertf32x4(row[i], _mm_load_ps(p + 8 * src_stride), 2);
            row[i] = _mm512_insertf32x4(row[i], _mm_load_ps(p + 12 * src_stride), 3);
        }
        half[0] = _mm512_unpacklo_ps(row[0], row[1]);
        half[1] = _mm512_unpackhi_ps(row[0], row[1]);
        half[2] = _mm512_unpacklo_ps(row[2], row[3]);
        half[3] = _mm512_unpackhi_ps(row[2], row[3]);
        float *out = dst + 4 * q * dst_stride;
        _mm512_store_ps(out, _mm512_shuffle_ps(half[0], half[2], 0x44));
        _mm512_store_ps(out + dst_stride, _mm512_shuffle_ps(half[0], half[2], 0xee));
        _mm512_store_ps(out + 2 * dst_stride, _mm512_shuffle_ps(half[1], half[3], 0x44));
        _mm512_store_ps(out + 3 * dst_stride, _mm512_shuffle_ps(half[1], half[3], 0xee));
    }
}

/* Keeps a value in a register: otherwise gcc folds the load into each of its uses, and the loads
 * become the bottleneck. */
#define V_PIN(a) __asm__("" : "+v"(a))

#endif
