/* vec_wasm.h - 4 floats at a time in WebAssembly (simd128). What each operation means: vec_ref.h.
 *
 * simd128 has no fused multiply-add; relaxed-simd has one, whose result depends on the machine. */
#ifndef NBASE_VEC_WASM_H
#define NBASE_VEC_WASM_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#define ISA_VALUE NBASE_ISA_WASM /* of nbase.h */
#define LANES 4
#define GEMM_ROWS 4 /* 12 accumulators: an engine on x86-64 has 16 registers */
#define GEMM_VECTORS 3
#define FORWARD_VECTORS 2 /* with 3, V8 takes 18 % longer for the presets */

typedef v128_t vec;
typedef v128_t vmask;

static inline vec v_load(const float *p) { return wasm_v128_load(p); }
static inline vec v_loadu(const float *p) { return wasm_v128_load(p); }
static inline void v_store(float *p, vec a) { wasm_v128_store(p, a); }
static inline void v_storeu(float *p, vec a) { wasm_v128_store(p, a); }
static inline void v_stream(float *p, vec a) { wasm_v128_store(p, a); }
static inline void v_stream_end(void) {}
static inline v128_t v_whole(vec a) { return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(a)); }
static inline void v_pack16(uint16_t *p, vec a, vec b)
{
    wasm_v128_store(p, wasm_u16x8_narrow_i32x4(v_whole(a), v_whole(b)));
}
static inline void v_unpack16(const uint16_t *p, vec *a, vec *b)
{
    v128_t both = wasm_v128_load(p);
    *a = wasm_f32x4_convert_u32x4(wasm_u32x4_extend_low_u16x8(both));
    *b = wasm_f32x4_convert_u32x4(wasm_u32x4_extend_high_u16x8(both));
}
static inline vec v_set(float x) { return wasm_f32x4_splat(x); }
static inline vec v_add(vec a, vec b) { return wasm_f32x4_add(a, b); }
static inline vec v_sub(vec a, vec b) { return wasm_f32x4_sub(a, b); }
static inline vec v_mul(vec a, vec b) { return wasm_f32x4_mul(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return v_add(v_mul(a, b), c); }
static inline vec v_fnma(vec a, vec b, vec c) { return v_sub(c, v_mul(a, b)); }
/* pmin(b, a) is a < b ? a : b, pmax(b, a) is b < a ? a : b: b where either is NaN. */
static inline vec v_min(vec a, vec b) { return wasm_f32x4_pmin(b, a); }
static inline vec v_max(vec a, vec b) { return wasm_f32x4_pmax(b, a); }
static inline vec v_div(vec a, vec b) { return wasm_f32x4_div(a, b); }

static inline vmask v_mask(unsigned bits)
{
    const v128_t bit = wasm_i32x4_const(1, 2, 4, 8);
    return wasm_i32x4_eq(wasm_v128_and(wasm_i32x4_splat((int32_t)bits), bit), bit);
}
static inline vec v_keep(vec a, vmask m) { return wasm_v128_and(a, m); }
static inline vec v_loadu_keep(const float *p, vmask m) { return v_keep(v_loadu(p), m); }
static inline vec v_add_if(vec a, vec b, vmask m) { return v_add(a, v_keep(b, m)); }
static inline vec v_keep_inside(vec a, vec x)
{
    return v_keep(a, wasm_v128_and(wasm_f32x4_gt(x, v_set(0)), wasm_f32x4_lt(x, v_set(1))));
}

/* As many rows as lanes. */
typedef vec vrow;
#define v_row_load v_load
#define v_row_store v_store
#define v_row_set v_set
#define v_row_fma v_fma

static inline vec v_round(vec a) { return wasm_f32x4_nearest(a); }
static inline vec v_scale(vec a, vec n)
{
    v128_t exponent = wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127));
    return v_mul(a, wasm_i32x4_shl(exponent, 23));
}

static inline float v_sum(vec a)
{
    return (wasm_f32x4_extract_lane(a, 0) + wasm_f32x4_extract_lane(a, 1)) +
           (wasm_f32x4_extract_lane(a, 2) + wasm_f32x4_extract_lane(a, 3));
}

static inline float v_least(vec a)
{
    vec b = wasm_f32x4_min(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(wasm_f32x4_min(b, wasm_i32x4_shuffle(b, b, 1, 0, 3, 2)), 0);
}
static inline float v_most(vec a)
{
    vec b = wasm_f32x4_max(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(wasm_f32x4_max(b, wasm_i32x4_shuffle(b, b, 1, 0, 3, 2)), 0);
}

static inline void v_transpose(const float *src, size_t src_stride, float *dst, size_t dst_stride)
{
    v128_t r0 = v_loadu(src), r1 = v_loadu(src + src_stride);
    v128_t r2 = v_loadu(src + 2 * src_stride), r3 = v_loadu(src + 3 * src_stride);
    v128_t a = wasm_i32x4_shuffle(r0, r1, 0, 4, 1, 5), b = wasm_i32x4_shuffle(r2, r3, 0, 4, 1, 5);
    v128_t c = wasm_i32x4_shuffle(r0, r1, 2, 6, 3, 7), d = wasm_i32x4_shuffle(r2, r3, 2, 6, 3, 7);
    v_store(dst, wasm_i32x4_shuffle(a, b, 0, 1, 4, 5));
    v_store(dst + dst_stride, wasm_i32x4_shuffle(a, b, 2, 3, 6, 7));
    v_store(dst + 2 * dst_stride, wasm_i32x4_shuffle(c, d, 0, 1, 4, 5));
    v_store(dst + 3 * dst_stride, wasm_i32x4_shuffle(c, d, 2, 3, 6, 7));
}

/* Registers are the engine's to give. */
#define V_PIN(a) ((void)(a))

#endif
