/* vec_ref.h - the vectors of the kernels in plain C: what every vec_*.h offers, and what it means.
 * Templates include vec.h.
 *
 *   LANES                     floats per vector: a power of two, at most 16. A template may ask for
 *                             16 of plain C (-DLANES=16), where others have as many
 *   GEMM_ROWS, GEMM_VECTORS   rows by vectors of a block of accumulators that fits the registers
 *   FORWARD_VECTORS           if defined, the vectors of a block of a ConvLSTM's step forward
 *   GEMM_BROADCASTS           defined where a multiply-add can broadcast a float from memory
 *   V_PLAIN                   defined where vectors are loops
 *   ISA_VALUE                 the instruction set, of nbase.h
 *
 *   v_load, v_store           aligned to the vector's size
 *   v_loadu, v_storeu         at any float's address
 *   v_stream, v_stream_end    v_store past the caches where the machine can, for what is not read
 *                             soon; call v_stream_end before another thread reads it
 *   v_pack16                  2*LANES values rounded to 0..65535, ties to even, past the caches
 *                             like v_stream; aligned to twice their size. The order in memory is
 *                             the instruction set's own
 *   v_unpack16                the a and b of v_pack16 again
 *   v_pair_bf16(a, b)         both rounded to bfloat16, to nearest, ties to even: a's in the lower
 *                             half of each lane's 32 bits. This and the next four exist here, and
 *                             where the machine has such products
 *   v_store_bf16(p, a)        LANES values rounded so, side by side; p aligned to their size
 *   v_interleave(a, b, out)   of LANES pairs a and as many b: out[0] and out[1] are the 2*LANES
 *                             pairs of a value of a and the same of b
 *   v_dot_bf16(x, y, sum)     sum plus the two products of each lane's pairs
 *   v_dot_bf16_at(p, y, sum)  the same with the pair at p in every lane of x
 *   v_fma, v_fnma             a*b + c, c - a*b; rounded once where the machine can
 *   v_min, v_max              the second operand if either is NaN, so that v_min(limit, x) lets NaN
 *                             through
 *   v_div                     a/b to within 1 ulp, for normal b with a normal 1/b and finite a
 *   v_mask(bits)              bit i is for lane i
 *   v_keep(a, m)              zero where the mask is clear
 *   v_loadu_keep(p, m)        the same of a load
 *   v_add_if(a, b, m)         a + v_keep(b, m)
 *   v_keep_inside(a, x)       a where 0 < x < 1, else zero
 *   v_round                   to the nearest integer, ties to even
 *   v_scale(a, n)             a * 2^n for whole n in -126..127
 *   v_sum                     of all lanes, in a fixed order
 *   v_least, v_most           of all lanes
 *   vrow                      GEMM_ROWS floats, with v_row_load, v_row_store (aligned to their
 *                             size), v_row_set and v_row_fma as above
 *   v_transpose               LANES x LANES floats, rows aligned; strides in floats
 *   V_PIN(a)                  holds a value in a register */
#ifndef NBASE_VEC_REF_H
#define NBASE_VEC_REF_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ISA_VALUE NBASE_ISA_REF /* of nbase.h */
#ifndef LANES
#define LANES 4
#endif
#define GEMM_ROWS 4
#define GEMM_VECTORS 1
#define GEMM_BROADCASTS
#define V_PLAIN

typedef struct vec {
    float lane[LANES];
} vec;
typedef unsigned vmask;

#define V_EACH(result, expression)                                                                 \
    vec result;                                                                                    \
    for (int i = 0; i < LANES; i++) result.lane[i] = (expression);                                 \
    return result

static inline vec v_loadu(const float *p) { V_EACH(r, p[i]); }
static inline vec v_load(const float *p) { return v_loadu(p); }
static inline void v_storeu(float *p, vec a)
{
    for (int i = 0; i < LANES; i++) p[i] = a.lane[i];
}
static inline void v_store(float *p, vec a) { v_storeu(p, a); }
static inline void v_stream(float *p, vec a) { v_storeu(p, a); }
static inline void v_stream_end(void) {}
static inline void v_pack16(uint16_t *p, vec a, vec b)
{
    for (int i = 0; i < 2 * LANES; i++) {
        float x = rintf(i < LANES ? a.lane[i] : b.lane[i - LANES]);
        p[i] = x > 0 ? x < 65535 ? (uint16_t)x : 65535 : 0;
    }
}
static inline void v_unpack16(const uint16_t *p, vec *a, vec *b)
{
    for (int i = 0; i < LANES; i++) a->lane[i] = p[i], b->lane[i] = p[LANES + i];
}
static inline vec v_set(float x) { V_EACH(r, x); }
static inline vec v_add(vec a, vec b) { V_EACH(r, a.lane[i] + b.lane[i]); }
static inline vec v_sub(vec a, vec b) { V_EACH(r, a.lane[i] - b.lane[i]); }
static inline vec v_mul(vec a, vec b) { V_EACH(r, a.lane[i] * b.lane[i]); }
static inline vec v_fma(vec a, vec b, vec c) { V_EACH(r, a.lane[i] * b.lane[i] + c.lane[i]); }
static inline vec v_fnma(vec a, vec b, vec c) { V_EACH(r, c.lane[i] - a.lane[i] * b.lane[i]); }
static inline uint32_t v_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float v_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline uint32_t v_bf16(float x)
{
    uint32_t bits = v_bits(x);
    return isnan(x) ? (bits >> 16) | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
static inline vec v_pair_bf16(vec a, vec b)
{
    V_EACH(r, v_of_bits(v_bf16(a.lane[i]) | v_bf16(b.lane[i]) << 16));
}
static inline void v_store_bf16(uint16_t *p, vec a)
{
    for (int i = 0; i < LANES; i++) p[i] = (uint16_t)v_bf16(a.lane[i]);
}
static inline void v_interleave(vec a, vec b, vec out[2])
{
    for (int i = 0; i < LANES; i++) {
        uint32_t x = v_bits(a.lane[i]), y = v_bits(b.lane[i]);
        out[2 * i / LANES].lane[2 * i % LANES] = v_of_bits((x & 0xffff) | y << 16);
        out[2 * i / LANES].lane[2 * i % LANES + 1] = v_of_bits(x >> 16 | (y & 0xffff0000u));
    }
}
static inline float v_dot_lane(float x, float y, float sum)
{
    uint32_t p = v_bits(x), q = v_bits(y);
    return sum + v_of_bits(p << 16) * v_of_bits(q << 16) +
           v_of_bits(p & 0xffff0000u) * v_of_bits(q & 0xffff0000u);
}
static inline vec v_dot_bf16_at(const float *x, vec y, vec sum)
{
    V_EACH(r, v_dot_lane(*x, y.lane[i], sum.lane[i]));
}
static inline vec v_dot_bf16(vec x, vec y, vec sum)
{
    V_EACH(r, v_dot_lane(x.lane[i], y.lane[i], sum.lane[i]));
}
static inline vec v_min(vec a, vec b) { V_EACH(r, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline vec v_max(vec a, vec b) { V_EACH(r, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline vec v_div(vec a, vec b) { V_EACH(r, a.lane[i] / b.lane[i]); }

static inline vmask v_mask(unsigned bits) { return bits; }
static inline vec v_keep(vec a, vmask m) { V_EACH(r, m >> i & 1 ? a.lane[i] : 0.0f); }
static inline vec v_loadu_keep(const float *p, vmask m) { return v_keep(v_loadu(p), m); }
static inline vec v_add_if(vec a, vec b, vmask m) { return v_add(a, v_keep(b, m)); }
static inline vec v_keep_inside(vec a, vec x)
{
    V_EACH(r, x.lane[i] > 0 && x.lane[i] < 1 ? a.lane[i] : 0.0f);
}

/* As many rows as lanes, where these are used. */
typedef vec vrow;
#define v_row_load v_load
#define v_row_store v_store
#define v_row_set v_set
#define v_row_fma v_fma

static inline vec v_round(vec a) { V_EACH(r, rintf(a.lane[i])); }
static inline vec v_scale(vec a, vec n) { V_EACH(r, ldexpf(a.lane[i], (int)n.lane[i])); }

static inline float v_sum(vec a)
{
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += a.lane[i];
    return sum;
}

static inline float v_least(vec a)
{
    float least = a.lane[0];
    for (int i = 1; i < LANES; i++) least = a.lane[i] < least ? a.lane[i] : least;
    return least;
}
static inline float v_most(vec a)
{
    float most = a.lane[0];
    for (int i = 1; i < LANES; i++) most = a.lane[i] > most ? a.lane[i] : most;
    return most;
}

static inline void v_transpose(const float *src, size_t src_stride, float *dst, size_t dst_stride)
{
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) dst[j * dst_stride + i] = src[i * src_stride + j];
}

#define V_PIN(a) ((void)(a))

#endif
