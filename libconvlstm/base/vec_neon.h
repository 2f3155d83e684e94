/* vec_neon.h - 4 floats at a time on 64-bit ARM. What each operation means: vec_ref.h. */
#ifndef NBASE_VEC_NEON_H
#define NBASE_VEC_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define ISA_VALUE NBASE_ISA_NEON /* of nbase.h */
#define LANES 4
#define GEMM_ROWS 8 /* rows by vectors of the register block: 24 accumulators of 32 registers */
#define GEMM_VECTORS 3

typedef float32x4_t vec;
typedef uint32x4_t vmask;

static inline vec v_load(const float *p) { return vld1q_f32(p); }
static inline vec v_loadu(const float *p) { return vld1q_f32(p); }
static inline void v_store(float *p, vec a) { vst1q_f32(p, a); }
static inline void v_stream(float *p, vec a) { vst1q_f32(p, a); }
static inline void v_stream_end(void) {}
static inline void v_storeu(float *p, vec a) { vst1q_f32(p, a); }
static inline void v_pack16(uint16_t *p, vec a, vec b)
{
    vst1q_u16(p, vcombine_u16(vqmovn_u32(vcvtnq_u32_f32(a)), vqmovn_u32(vcvtnq_u32_f32(b))));
}
static inline void v_unpack16(const uint16_t *p, vec *a, vec *b)
{
    uint16x8_t both = vld1q_u16(p);
    *a = vcvtq_f32_u32(vmovl_u16(vget_low_u16(both)));
    *b = vcvtq_f32_u32(vmovl_u16(vget_high_u16(both)));
}
static inline vec v_set(float x) { return vdupq_n_f32(x); }
static inline vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec v_fnma(vec a, vec b, vec c) { return vfmsq_f32(c, a, b); }
static inline vec v_min(vec a, vec b) { return vminq_f32(a, b); }
static inline vec v_max(vec a, vec b) { return vmaxq_f32(a, b); }
static inline vec v_div(vec a, vec b) { return vdivq_f32(a, b); }

static inline vmask v_mask(unsigned bits)
{
    static const uint32_t bit[4] = {1, 2, 4, 8};
    return vtstq_u32(vdupq_n_u32(bits), vld1q_u32(bit));
}
static inline vec v_keep(vec a, vmask m)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), m));
}
static inline vec v_loadu_keep(const float *p, vmask m) { return v_keep(vld1q_f32(p), m); }
static inline vec v_add_if(vec a, vec b, vmask m) { return vaddq_f32(a, v_keep(b, m)); }
static inline vec v_keep_inside(vec a, vec x)
{
    return v_keep(a, vandq_u32(vcgtzq_f32(x), vcltq_f32(x, vdupq_n_f32(1.0f))));
}

typedef float32x4x2_t vrow;
static inline vrow v_row_load(const float *p) { return vld1q_f32_x2(p); }
static inline void v_row_store(float *p, vrow a) { vst1q_f32_x2(p, a); }
static inline vrow v_row_set(float x) { return (vrow){{vdupq_n_f32(x), vdupq_n_f32(x)}}; }
static inline vrow v_row_fma(vrow a, vrow b, vrow c)
{
    return (vrow){{v_fma(a.val[0], b.val[0], c.val[0]), v_fma(a.val[1], b.val[1], c.val[1])}};
}

static inline vec v_round(vec a) { return vrndnq_f32(a); }
static inline vec v_scale(vec a, vec n)
{
    int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
    return vmulq_f32(a, vreinterpretq_f32_s32(exponent));
}

static inline float v_sum(vec a) { return vaddvq_f32(a); }

static inline float v_least(vec a) { return vminvq_f32(a); }
static inline float v_most(vec a) { return vmaxvq_f32(a); }

static inline void v_transpose(const float *src, size_t src_stride, float *dst, size_t dst_stride)
{
    float32x4x2_t low = vtrnq_f32(vld1q_f32(src), vld1q_f32(src + src_stride));
    float32x4x2_t high =
        vtrnq_f32(vld1q_f32(src + 2 * src_stride), vld1q_f32(src + 3 * src_stride));
    vst1q_f32(dst, vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0])));
    vst1q_f32(dst + dst_stride, vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1])));
    vst1q_f32(dst + 2 * dst_stride,
              vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0])));
    vst1q_f32(dst + 3 * dst_stride,
              vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1])));
}

/* See vec_avx512.h. */
#define V_PIN(a) __asm__("" : "+w"(a))

#endif
