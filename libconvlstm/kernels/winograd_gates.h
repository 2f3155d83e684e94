/* winograd_gates.h - from what goes into the gates of a filter to its state and output, and how the
 * gates are kept. For templates. */
#ifndef CONVLSTM_WINOGRAD_GATES_H
#define CONVLSTM_WINOGRAD_GATES_H

#include "vec.h"
#include "vec_math.h"
#include "winograd_sums.h"

/* Zeros to read in place of a state that is not there, with a stride of 0. */
static const float no_state[16] __attribute__((aligned(64)));

/* The recurrent activation; its slope is in the weights if hard. */
INLINE vec recurrent(const bool hard, vec z)
{
    return hard ? v_min(v_set(1.0f), v_max(v_set(0.0f), z)) : v_sigmoid(z);
}

/* Pixels that pass through the gates together, and are stored together. */
#define PIXELS 2

/* The activation of g and of c: relu or tanh. */
INLINE void activate(const bool rectified, const vec *in, vec *out)
{
    if (!rectified)
        v_tanh_each(PIXELS, in, out);
    else
        UNROLL
    for (int e = 0; e < PIXELS; e++) out[e] = v_max(v_set(0.0f), in[e]);
}

/* How the gates are kept for the way back: GATES_AGAIN are not, but computed again there. */
enum { NO_GATES, GATES_FP32, GATES_FIXED, GATES_AGAIN };

/* 16-bit fixed point. i, f, o: 0 and 65535 stand for exactly 0 and 1, where a hard sigmoid has no
 * slope; what is between them is stored as 1..65534. g: -1..1. */
#define FIXED_UNIT 65534.02f
#define FIXED_ZERO 0.49f
#define FIXED_TANH 32767.0f
#define FIXED_TANH_ZERO 32768.0f

INLINE void save_gates(const int form, float *gates, const vec y[4][PIXELS])
{
    if (form == GATES_FP32) UNROLL
    for (int g = 0; g < 4; g++) UNROLL
    for (int e = 0; e < PIXELS; e++) v_stream(gates + (g * PIXELS + e) * LANES, y[g][e]);
    if (form == GATES_FIXED) UNROLL
    for (int g = 0; g < 4; g++) {
        vec unit = v_set(g == 2 ? FIXED_TANH : FIXED_UNIT),
            zero = v_set(g == 2 ? FIXED_TANH_ZERO : FIXED_ZERO);
        v_pack16((uint16_t *)gates + g * PIXELS * LANES, v_fma(y[g][0], unit, zero),
                 v_fma(y[g][1], unit, zero));
    }
}

/* Gate g of two pixels. */
INLINE void load_gate(const int form, const float *gates, const int g, vec y[PIXELS])
{
    if (form == GATES_FP32) UNROLL
    for (int e = 0; e < PIXELS; e++) y[e] = v_load(gates + (g * PIXELS + e) * LANES);
    if (form != GATES_FIXED) return;
    v_unpack16((const uint16_t *)gates + g * PIXELS * LANES, &y[0], &y[1]);
    UNROLL
    for (int e = 0; e < PIXELS; e++) {
        if (g == 2)
            y[e] = v_mul(v_sub(y[e], v_set(FIXED_TANH_ZERO)), v_set(1 / FIXED_TANH));
        else
            y[e] = v_min(v_set(1.0f), v_max(v_set(0.0f), v_fma(y[e], v_set(1 / FIXED_UNIT),
                                                               v_set(-FIXED_ZERO / FIXED_UNIT))));
    }
}

INLINE void load_gates(const int form, const float *gates, vec y[4][PIXELS])
{
    UNROLL
    for (int g = 0; g < 4; g++) load_gate(form, gates, g, y[g]);
}

/* c beside gates in fixed point, for the way back: 16 bits between the least and the largest of the
 * filter's pixels in the vector. */
typedef struct kept_state {
    uint16_t *codes;
    float *range; /* the least, and what a step of the codes is worth */
} kept_state;

#define FIXED_STATE 65535.0f
#define FIXED_STATE_LEAST 1e-30f /* a smaller range has one code */

INLINE void save_state(const float *c, kept_state to)
{
    vec least = v_load(c), most = least;
    UNROLL
    for (int p = 1; p < 16; p++) {
        vec x = v_load(c + p * LANES);
        least = v_min(least, x);
        most = v_max(most, x);
    }
    to.range[0] = v_least(least);
    float range = v_most(most) - to.range[0];
    vec from = v_set(to.range[0]),
        unit = v_set(range > FIXED_STATE_LEAST ? FIXED_STATE / range : 0);
    UNROLL
    for (int p = 0; p < 16; p += 2)
        v_pack16(to.codes + p * LANES, v_mul(v_sub(v_load(c + p * LANES), from), unit),
                 v_mul(v_sub(v_load(c + (p + 1) * LANES), from), unit));
    to.range[1] = range * (1 / FIXED_STATE);
}

/* Pixels p and p+1. */
INLINE void load_state(kept_state from, int p, vec c[2])
{
    v_unpack16(from.codes + p * LANES, &c[0], &c[1]);
    UNROLL
    for (int e = 0; e < 2; e++) c[e] = v_fma(c[e], v_set(from.range[1]), v_set(from.range[0]));
}

/* Where the output goes: pixel p's to h + p*row, and scale times it plus shift to affine + p*row,
 * if that is not null. */
typedef struct output {
    float *h, *affine;
    float scale, shift;
    size_t row;
    const uint16_t *keep; /* lanes that are inside the frame */
} output;

/* The map is rounded one by one, as BatchNormalization by itself would be (tiles_body.c). Returns
 * what h is inside the frame. */
INLINE vec put(output to, int p, vec h)
{
    vmask keep = v_mask(to.keep[p]);
    vec inside = v_keep(h, keep);
    v_store(to.h + p * to.row, inside);
    if (to.affine)
        v_store(to.affine + p * to.row,
                v_keep(v_add(v_mul(v_set(to.scale), h), v_set(to.shift)), keep));
    return inside;
}

/* The gates that go with float `at` of c. */
INLINE float *gates_of(const convlstm__winograd *w, const float *gates, size_t at)
{
    return gates ? (float *)gates + (w->again ? 0 : w->fixed_gates ? 2 : 4) * at : NULL;
}

/* Whether c is kept in fixed point, beside the gates. */
INLINE bool keeps_state(const convlstm__winograd *w) { return w->fixed_gates || w->again; }

/* Whether c is kept of the steps with an odd number, or of those with an even one. Where it is not,
 * it follows from the step's gates and c of the step before. */
INLINE bool keeps_state_of(const convlstm__winograd *w, bool odd)
{
    return w->again || (w->fixed_gates && (odd || !w->odd_states));
}

/* What is kept of c from float `at` on, the first of a filter of a vector: behind all gates. */
INLINE kept_state state_kept(const convlstm__winograd *w, const float *gates, size_t at)
{
    const size_t all = w->tiles.vectors * w->filters * 16 * LANES;
    uint16_t *codes = (uint16_t *)gates + (w->again ? 0 : 4 * all);
    return (kept_state){codes + at, (float *)(codes + all) + at / (16 * LANES) * 2};
}

/* What a step forward reads and writes of one filter, for one vector of tiles. */
typedef struct filter_state {
    const float *c_prev;
    size_t c_prev_stride; /* floats from pixel to pixel */
    float *c, *gates;
    kept_state kept; /* c for the way back; without codes: not wanted */
    output to;
    double *moments; /* lane_sums of the filter; null: not wanted */
} filter_state;

INLINE filter_state state_of(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                             size_t filter, size_t vector)
{
    const convlstm__tiles *t = &w->tiles;
    size_t at = (vector * w->filters + filter) * 16 * LANES,
           plane = filter * t->plane + t->lead + vector * LANES;
    filter_state f = {.c_prev = s->c_prev ? s->c_prev + at : no_state,
                      .c_prev_stride = s->c_prev ? LANES : 0,
                      .c = s->c + at,
                      .gates = gates_of(w, s->gates, at),
                      .to = {.h = s->h + plane, .row = t->row, .keep = w->edges[vector].pixel}};
    if (s->gates && keeps_state_of(w, s->odd)) f.kept = state_kept(w, s->gates, at);
    if (s->moments) f.moments = lane_sums(w, s->scratch) + filter * 2 * LANES;
    if (s->affine)
        f.to.affine = s->affine + plane, f.to.scale = s->scale[filter],
        f.to.shift = s->shift[filter];
    return f;
}

/* Computes state and output of pixels p..p+PIXELS-1 from what goes into their gates, z, and saves
 * the gates in the form asked for. In training, which keeps gates, h and h * h are added to
 * sums. */
INLINE void update_state(const bool hard, const bool rectified, const int form, const int p,
                         const vec z[4][PIXELS], filter_state f, pixel_sums *sums)
{
    vec y[4][PIXELS], state[PIXELS], out[PIXELS];
    activate(rectified, z[2], y[2]);
    UNROLL
    for (int e = 0; e < PIXELS; e++) {
        y[0][e] = recurrent(hard, z[0][e]), y[1][e] = recurrent(hard, z[1][e]),
        y[3][e] = recurrent(hard, z[3][e]);
        state[e] =
            v_fma(y[1][e], v_load(f.c_prev + (p + e) * f.c_prev_stride), v_mul(y[0][e], y[2][e]));
        v_store(f.c + (p + e) * LANES, state[e]);
    }
    activate(rectified, state, out);
    UNROLL
    for (int e = 0; e < PIXELS; e++) {
        vec h = put(f.to, p + e, v_mul(y[3][e], out[e]));
        if (form != NO_GATES) add_pixel(sums, h, h);
    }
    save_gates(form, f.gates + p / (form == GATES_FIXED ? 2 : 1) * 4 * LANES, y);
}

/* After the last pixel of a filter. */
INLINE void finish_state(const int form, filter_state f, pixel_sums sums)
{
    if ((form == GATES_FIXED || form == GATES_AGAIN) && f.kept.codes) save_state(f.c, f.kept);
    if (form != NO_GATES && f.moments) add_lanes(f.moments, sums);
}

/* The kinds of a filter's arithmetic, each compiled with constants: DO(hard, rectified, form). relu
 * has no gates in fixed point, as its g has no upper limit. */
#define KINDS_WITH_GATES(DO)                                                                       \
    DO(true, false, GATES_FIXED)                                                                   \
    DO(true, false, GATES_AGAIN)                                                                   \
    DO(false, false, GATES_AGAIN)                                                                  \
    DO(true, false, GATES_FP32)                                                                    \
    DO(true, true, GATES_FP32)                                                                     \
    DO(false, false, GATES_FIXED)                                                                  \
    DO(false, false, GATES_FP32)                                                                   \
    DO(false, true, GATES_FP32)
#define KINDS_WITHOUT_GATES(DO)                                                                    \
    DO(true, false, NO_GATES)                                                                      \
    DO(true, true, NO_GATES)                                                                       \
    DO(false, false, NO_GATES)                                                                     \
    DO(false, true, NO_GATES)

/* A kind's number. */
#define KIND(hard, rectified, form) (((hard)*2 + (rectified)) * 4 + (form))

INLINE int kind_of(const convlstm__winograd *w, bool gates)
{
    int form = !gates           ? NO_GATES
               : w->again       ? GATES_AGAIN
               : w->fixed_gates ? GATES_FIXED
                                : GATES_FP32;
    return KIND(w->hard, w->rectified, form);
}

#endif
