/* vec_avx2.h - 8 floats at a time, with FMA. What each operation means: vec_ref.h. */
#ifndef NBASE_VEC_AVX2_H
#define NBASE_VEC_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define ISA_VALUE NBASE_ISA_AVX2 /* of nbase.h */
#define LANES 8
#define GEMM_ROWS 4 /* rows by vectors of the register block: 12 accumulators of 16 registers */
#define GEMM_VECTORS 3

typedef __m256 vec;
typedef __m256i vmask;

static inline vec v_load(const float *p) { return _mm256_load_ps(p); }
static inline vec v_loadu(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vec a) { _mm256_store_ps(p, a); }
static inline void v_stream(float *p, vec a) { _mm256_stream_ps(p, a); }
static inline void v_stream_end(void) { _mm_sfence(); }
static inline void v_storeu(float *p, vec a) { _mm256_storeu_ps(p, a); }
static inline void v_pack16(uint16_t *p, vec a, vec b)
{
    _mm256_stream_si256((__m256i *)p,
                        _mm256_packus_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b)));
}
static inline void v_unpack16(const uint16_t *p, vec *a, vec *b)
{
    __m256i both = _mm256_load_si256((const __m256i *)p), zero = _mm256_setzero_si256();
    *a = _mm256_cvtepi32_ps(_mm256_unpacklo_epi16(both, zero));
    *b = _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(both, zero));
}
static inline vec v_set(float x) { return _mm256_set1_ps(x); }
static inline vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vec v_min(vec a, vec b) { return _mm256_min_ps(a, b); }
static inline vec v_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }

static inline vmask v_mask(unsigned bits)
{
    __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), bit), bit);
}
static inline vec v_keep(vec a, vmask m) { return _mm256_and_ps(a, _mm256_castsi256_ps(m)); }
static inline vec v_loadu_keep(const float *p, vmask m) { return v_keep(_mm256_loadu_ps(p), m); }
static inline vec v_add_if(vec a, vec b, vmask m) { return _mm256_add_ps(a, v_keep(b, m)); }
static inline vec v_keep_inside(vec a, vec x)
{
    __m256 above = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ),
           below = _mm256_cmp_ps(x, _mm256_set1_ps(1.0f), _CMP_LT_OQ);
    return _mm256_and_ps(a, _mm256_and_ps(above, below));
}

typedef __m128 vrow;
static inline vrow v_row_load(const float *p) { return _mm_load_ps(p); }
static inline void v_row_store(float *p, vrow a) { _mm_store_ps(p, a); }
static inline vrow v_row_set(float x) { return _mm_set1_ps(x); }
static inline vrow v_row_fma(vrow a, vrow b, vrow c) { return _mm_fmadd_ps(a, b, c); }

static inline vec v_round(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vec v_scale(vec a, vec n)
{
    __m256i exponent =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(a, _mm256_castsi256_ps(exponent));
}

static inline float v_sum(vec a)
{
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

static inline float v_least(vec a)
{
    __m128 b = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_min_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_min_ss(b, _mm_movehdup_ps(b)));
}
static inline float v_most(vec a)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

static inline void v_transpose(const float *src, size_t src_stride, float *dst, size_t dst_stride)
{
    for (int q = 0; q < 2; q++) {
        __m256 row[4], half[4];
        for (int i = 0; i < 4; i++) {
            const float *p = src + i * src_stride + 4 * q;
            row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(p)),
                                          _mm_load_ps(p + 4 * src_stride), 1);
        }
        half[0] = _mm256_unpacklo_ps(row[0], row[1]);
        half[1] = _mm256_unpackhi_ps(row[0], row[1]);
        half[2] = _mm256_unpacklo_ps(row[2], row[3]);
        half[3] = _mm256_unpackhi_ps(row[2], row[3]);
        float *out = dst + 4 * q * dst_stride;
        _mm256_store_ps(out, _mm256_shuffle_ps(half[0], half[2], 0x44));
        _mm256_store_ps(out + dst_stride, _mm256_shuffle_ps(half[0], half[2], 0xee));
        _mm256_store_ps(out + 2 * dst_stride, _mm256_shuffle_ps(half[1], half[3], 0x44));
        _mm256_store_ps(out + 3 * dst_stride, _mm256_shuffle_ps(half[1], half[3], 0xee));
    }
}

/* See vec_avx512.h. */
#define V_PIN(a) __asm__("" : "+x"(a))

#endif
