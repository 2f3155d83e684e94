/* direct_vec_ref.h - what the direct kernels need beyond vec.h, in plain C: what
 * direct_vec_avx512.h offers, and what it means.
 *
 *   v_fused(a, b, c)          a*b + c, rounded once
 *   v_least_abs(a, limit)     the lesser of |a| and limit; limit if a is NaN
 *   v_with_sign(a, s)         a, which is not negative, with the sign of s
 *   v_pick(table, i)          in each lane the value of a table of 32 floats whose number is in the
 *                             lowest five bits of i's lane
 *   v_even, v_odd(words)      of pairs of bfloat16, the lower and the upper halves as floats
 *   v_up, v_down(a)           lane l takes the value of lane l-1, or l+1; the last one zero
 *   v_load_first(p, n)        n floats at p, zeros behind them; more are not read. n may be 16 or
 *                             more
 *   v_store_first(p, n, a)    the first n lanes to p
 *   v_store_half(p, odd, a)   the lower halves of a's words to the words at p: to their upper
 *                             halves if `odd`, else to the lower ones
 *
 *   tiles                     what the tile unit holds: 6 sums of 16x16 floats and two factors
 *   TILES_BEGIN, TILES_END    around the other TILE words, in each thread
 *   TILE_START(t, n, p)       sum n (a literal number) from 16x16 floats at p
 *   TILE_WEIGHTS(t, p)        the first factor from 16x16 pairs at p
 *   TILE_MULTIPLY(t, n, p, s) sum n plus the first factor times 16x16 pairs, rows s bytes apart
 *   TILE_FINISH(t, n, p)      sum n to p */
#ifndef CONVLSTM_DIRECT_VEC_REF_H
#define CONVLSTM_DIRECT_VEC_REF_H

#include <stdbool.h>

#include "vec.h"

static inline vec v_fused(vec a, vec b, vec c) { V_EACH(r, fmaf(a.lane[i], b.lane[i], c.lane[i])); }
static inline vec v_least_abs(vec a, float limit)
{
    V_EACH(r, fabsf(a.lane[i]) < limit ? fabsf(a.lane[i]) : limit);
}
static inline vec v_with_sign(vec a, vec s) { V_EACH(r, copysignf(a.lane[i], s.lane[i])); }
static inline vec v_pick(const float *table, vec i_) { V_EACH(r, table[v_bits(i_.lane[i]) & 31]); }
static inline vec v_even(vec a) { V_EACH(r, v_of_bits(v_bits(a.lane[i]) << 16)); }
static inline vec v_odd(vec a) { V_EACH(r, v_of_bits(v_bits(a.lane[i]) & 0xffff0000u)); }
static inline vec v_up(vec a) { V_EACH(r, i ? a.lane[i - 1] : 0.0f); }
static inline vec v_down(vec a) { V_EACH(r, i + 1 < LANES ? a.lane[i + 1] : 0.0f); }
static inline vec v_load_first(const float *p, size_t n) { V_EACH(r, (size_t)i < n ? p[i] : 0.0f); }
static inline void v_store_first(float *p, size_t n, vec a)
{
    memcpy(p, a.lane, (n < LANES ? n : LANES) * sizeof *p);
}
static inline void v_store_half(float *p, bool odd, vec a)
{
    for (int i = 0; i < LANES; i++) {
        uint16_t half = (uint16_t)v_bits(a.lane[i]);
        memcpy((char *)(p + i) + (odd ? sizeof half : 0), &half, sizeof half);
    }
}

enum { TILE_SIDE = 16 };
typedef struct tiles {
    float sum[6][TILE_SIDE][TILE_SIDE];
    const float *weights;
} tiles;

/* What of a float, or of half a pair, the tile unit sees: subnormal numbers are zero. */
static inline float tile_value(float x) { return fabsf(x) < 0x1p-126f ? 0.0f : x; }
static inline float tile_even(float pair) { return tile_value(v_of_bits(v_bits(pair) << 16)); }
static inline float tile_odd(float pair)
{
    return tile_value(v_of_bits(v_bits(pair) & 0xffff0000u));
}

static inline void tile_multiply(tiles *t, int n, const float *p, size_t stride)
{
    float b[2][TILE_SIDE][TILE_SIDE];
    for (int k = 0; k < TILE_SIDE; k++)
        for (int i = 0; i < TILE_SIDE; i++) {
            float pair = p[(size_t)k * stride / sizeof(float) + (size_t)i];
            b[0][k][i] = tile_even(pair), b[1][k][i] = tile_odd(pair);
        }
    for (int m = 0; m < TILE_SIDE; m++) {
        float even[TILE_SIDE] = {0}, odd[TILE_SIDE] = {0};
        for (int k = 0; k < TILE_SIDE; k++) {
            float x = tile_even(t->weights[m * TILE_SIDE + k]),
                  y = tile_odd(t->weights[m * TILE_SIDE + k]);
            for (int i = 0; i < TILE_SIDE; i++) {
                even[i] = tile_value(even[i] + x * b[0][k][i]);
                odd[i] = tile_value(odd[i] + y * b[1][k][i]);
            }
        }
        for (int i = 0; i < TILE_SIDE; i++)
            t->sum[n][m][i] = tile_value(t->sum[n][m][i] + tile_value(even[i] + odd[i]));
    }
}

#define TILES_BEGIN() ((void)0)
#define TILES_END() ((void)0)
#define TILE_START(t, n, p) memcpy((t)->sum[n], p, sizeof(t)->sum[n])
#define TILE_WEIGHTS(t, p) ((t)->weights = (p))
#define TILE_MULTIPLY(t, n, p, stride) tile_multiply(t, n, p, stride)
#define TILE_FINISH(t, n, p) memcpy(p, (t)->sum[n], sizeof(t)->sum[n])

#endif
