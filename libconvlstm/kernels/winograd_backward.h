/* winograd_backward.h - a step back through time: from dh and dc to the gradients of x, h, c and,
 * in the Winograd domain, of the weights. For templates; parameter TAPS. */
#ifndef CONVLSTM_WINOGRAD_BACKWARD_H
#define CONVLSTM_WINOGRAD_BACKWARD_H

#include <string.h>

#include "vec.h"
#include "winograd_forward.h"
#include "winograd_gates.h"

/* Vectors of a frame or of zeros: pixel p at at[p*stride]. */
typedef struct pixels {
    const float *at;
    size_t stride;
} pixels;

INLINE pixels pixels_of(const float *base, size_t offset, size_t stride)
{
    return base ? (pixels){base + offset, stride} : (pixels){no_state, 0};
}

/* d * r'(z), from y = r(z). */
INLINE vec recurrent_gradient(const bool hard, vec slope, vec d, vec y)
{
    return hard ? v_keep_inside(v_mul(d, slope), y) : v_mul(d, v_mul(y, v_sub(v_set(1.0f), y)));
}

/* d * activation'(z), from y = activation(z). */
INLINE vec activation_gradient(const bool rectified, vec d, vec y)
{
    return rectified ? v_keep_inside(d, v_min(v_set(0.5f), y))
                     : v_mul(d, v_fnma(y, y, v_set(1.0f)));
}

/* Where c of one filter before a step comes from, for one vector of tiles: as it was kept of the
 * step before, or in fp32; or, if it was kept only of the step before that, from there and the
 * gates of the step between. */
typedef struct state_source {
    kept_state kept;    /* without codes: `plain` */
    pixels plain;       /* in fp32 */
    const float *gates; /* of the step between; null: there is none */
} state_source;

/* Pixels p..p+PIXELS-1. */
INLINE void load_source(const int form, const state_source *from, const int p, vec c[PIXELS])
{
    if (form != GATES_FP32 && from->kept.codes)
        load_state(from->kept, p, c);
    else
        UNROLL
    for (int e = 0; e < PIXELS; e++) c[e] = v_load(from->plain.at + (p + e) * from->plain.stride);
    if (form != GATES_FIXED || !from->gates) return;
    vec y[3][PIXELS];
    UNROLL
    for (int g = 0; g < 3; g++) load_gate(form, from->gates + p / 2 * 4 * LANES, g, y[g]);
    UNROLL
    for (int e = 0; e < PIXELS; e++) c[e] = v_fma(y[1][e], c[e], v_mul(y[0][e], y[2][e]));
}

/* What a step back reads and writes of one filter, for one vector of tiles. */
typedef struct filter_back {
    float slope; /* of a hard recurrent activation */
    pixels dh, dh_next;
    state_source before; /* c before the step */
    const float *c;      /* c after the step in fp32; null: see `kept` */
    kept_state kept; /* c after the step in 16 bits; without codes: from `before` and the gates */
    const float *gates;
    float *dc;    /* in: from step t+1; out: for step t-1 */
    float *dbias; /* [4][LANES], added to */
} filter_back;

/* The gates of pixels p..p+PIXELS-1 from what goes into them. */
INLINE void compute_gates(const bool hard, const bool rectified, const int p, const vec z[4][16],
                          vec y[4][PIXELS])
{
    activate(rectified, &z[2][p], y[2]);
    UNROLL
    for (int e = 0; e < PIXELS; e++) {
        y[0][e] = recurrent(hard, z[0][p + e]);
        y[1][e] = recurrent(hard, z[1][p + e]);
        y[3][e] = recurrent(hard, z[3][p + e]);
    }
}

/* Asks memory for what gate_gradients will read of pixels p..p+PIXELS-1 of the next filter, whose
 * gates and c lie behind this one's. The processor fetches ahead by itself what is read quickly,
 * but here 1500 cycles of arithmetic lie between. */
INLINE void fetch_next(const int form, const filter_back *b, const int p)
{
    const size_t pixel = form == GATES_FIXED  ? 2 * LANES
                         : form == GATES_FP32 ? 4 * LANES
                                              : 0,
                 line = 16, next = 16 + (size_t)p;
    for (size_t i = 0; i < PIXELS * pixel; i += line)
        __builtin_prefetch(b->gates + next * pixel + i);
    for (size_t i = 0; b->before.gates && form == GATES_FIXED && i < 3 * LANES; i += line)
        __builtin_prefetch(b->before.gates + next * pixel + i);
    if (form == GATES_FP32) return;
    if (b->kept.codes) __builtin_prefetch(b->kept.codes + next * LANES);
    if (b->before.kept.codes) __builtin_prefetch(b->before.kept.codes + next * LANES);
}

/* Computes dz, the gradients to what goes into the four gates; their sums over the pixels are added
 * to dbias. With GATES_AGAIN dz comes in with what went into them, from which they are computed. */
INLINE void gate_gradients(const bool hard, const bool rectified, const int form,
                           const filter_back *b, vec dz[4][16])
{
    const pixels dh = b->dh, dh_next = b->dh_next;
    const float *c = b->c, *gates = b->gates;
    float *dc = b->dc;
    const vec k = v_set(hard ? b->slope : 0);
    vec sum[4];
    UNROLL
    for (int g = 0; g < 4; g++) sum[g] = v_load(b->dbias + g * LANES);
    NO_UNROLL
    for (int p = 0; p < 16; p += PIXELS) {
        vec y[4][PIXELS], tc[PIXELS], before[PIXELS];
        fetch_next(form, b, p);
        if (form == GATES_AGAIN)
            compute_gates(hard, rectified, p, dz, y);
        else
            load_gates(form, gates + p / (form == GATES_FIXED ? 2 : 1) * 4 * LANES, y);
        load_source(form, &b->before, p, before);
        if (form == GATES_FIXED && b->kept.codes)
            load_state(b->kept, p, tc);
        else
            UNROLL
        for (int e = 0; e < PIXELS; e++)
            tc[e] = form == GATES_FP32 ? v_load(c + (p + e) * LANES)
                                       : v_fma(y[1][e], before[e], v_mul(y[0][e], y[2][e]));
        activate(rectified, tc, tc);
        UNROLL
        for (int e = 0; e < PIXELS; e++) {
            vec i = y[0][e], f = y[1][e], g = y[2][e], o = y[3][e];
            vec d_h = v_add(v_load(dh.at + (p + e) * dh.stride),
                            v_load(dh_next.at + (p + e) * dh_next.stride));
            vec d_c = v_add(activation_gradient(rectified, v_mul(d_h, o), tc[e]),
                            v_load(dc + (p + e) * LANES));
            v_store(dc + (p + e) * LANES, v_mul(d_c, f));
            dz[0][p + e] = recurrent_gradient(hard, k, v_mul(d_c, g), i);
            dz[1][p + e] = recurrent_gradient(hard, k, v_mul(d_c, before[e]), f);
            dz[2][p + e] = activation_gradient(rectified, v_mul(d_c, i), g);
            dz[3][p + e] = recurrent_gradient(hard, k, v_mul(d_h, tc[e]), o);
            UNROLL
            for (int q = 0; q < 4; q++) sum[q] = v_add(sum[q], dz[q][p + e]);
        }
    }
    UNROLL
    for (int g = 0; g < 4; g++) v_store(b->dbias + g * LANES, sum[g]);
}

/* c before a step, from float `at` on. */
INLINE state_source source_before(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                                  size_t at)
{
    const float *gates = s->gates_prev;
    state_source from = {.plain = pixels_of(s->c_prev, at, LANES)};
    if (!keeps_state(w)) return from;
    if (gates && !keeps_state_of(w, !s->odd)) {
        from.gates = gates_of(w, gates, at);
        gates = s->gates_before;
    }
    if (gates) from.kept = state_kept(w, gates, at);
    return from;
}

/* D of a filter from the gradients of its gates: a gate, or a pair of them, `block` floats behind
 * the one before. */
INLINE void transform_gates_as(const bool adders, const vec dz[4][16], float *d, size_t block,
                               size_t d_stride)
{
#if BF16
    float first[FREQUENCIES * LANES] __attribute__((aligned(64)));
    NO_UNROLL
    for (int g = 0; g < 4; g += 2) {
        output_transform_transposed(adders, NULL, dz[g], first, LANES);
        output_transform_transposed(adders, first, dz[g + 1], d + g / 2 * block, d_stride);
    }
#else
    NO_UNROLL
    for (int g = 0; g < 4; g++)
        output_transform_transposed(adders, NULL, dz[g], d + g * block, d_stride);
#endif
}

OUT_OF_LINE void transform_gates_by_adders(const vec dz[4][16], float *d, size_t block,
                                           size_t d_stride)
{
    transform_gates_as(true, dz, d, block, d_stride);
}

OUT_OF_LINE void transform_gates(const vec dz[4][16], float *d, size_t block, size_t d_stride)
{
    transform_gates_as(false, dz, d, block, d_stride);
}

/* The gradients of a filter's gates, then D: d[f*d_stride + (4*filter + gate)*block], or pairs of
 * gates, d[f*d_stride + (2*filter + gate/2)*block]. m: the products of the step forward, m_row
 * floats from gate to gate, if the gates are to be computed again, else null. */
OUT_OF_LINE void start_filter(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                              size_t filter, size_t vector, const float *m, size_t m_row,
                              float *dbias, float *d, size_t block, size_t d_stride)
{
    const convlstm__tiles *t = &w->tiles;
    size_t at = (vector * w->filters + filter) * 16 * LANES,
           plane = filter * t->plane + t->lead + vector * LANES;
    filter_back f = {.slope = (float)w->slope,
                     .dh = pixels_of(s->dh, plane, t->row),
                     .dh_next = pixels_of(s->dh_next, plane, t->row),
                     .before = source_before(w, s, at),
                     .c = keeps_state(w) ? NULL : s->c + at,
                     .gates = gates_of(w, s->gates, at),
                     .dc = s->dc + at,
                     .dbias = dbias + 4 * filter * LANES};
    if (keeps_state_of(w, s->odd)) f.kept = state_kept(w, s->gates, at);
    vec dz[4][16];
    if (m) NO_UNROLL
    for (int g = 0; g < 4; g++)
        output_transform(m + g * m_row, M_STRIDE, s->bias[4 * filter + g], dz[g]);
#define CASE(hard, rectified, form)                                                                \
    case KIND(hard, rectified, form): gate_gradients(hard, rectified, form, &f, dz); break;
    switch (kind_of(w, true)) {
        KINDS_WITH_GATES(CASE)
    }
#undef CASE
    d += (BF16 ? 2 : 4) * filter * block;
    if (BF16 || ADDERS(w))
        transform_gates_by_adders(dz, d, block, d_stride);
    else
        transform_gates(dz, d, block, d_stride);
}

#if BF16
/* Transposes columns/2 rows of pairs, of outputs 2k and 2k+1, of nv*LANES tiles into out
 * [nv*LANES/2][columns], rows of out_row floats: pairs of tiles. columns is a multiple of LANES;
 * rows up to a multiple of LANES are read. */
OUT_OF_LINE void transpose_rows(const float *rows, size_t columns, size_t nv, float *out,
                                size_t out_row)
{
    float turned[LANES * LANES] __attribute__((aligned(64)));
    for (size_t j = 0; j < columns; j += 2 * LANES)
        for (size_t n = 0; n < nv; n++) {
            v_transpose(rows + (j / 2 * nv + n) * LANES, nv * LANES, turned, LANES);
            UNROLL
            for (int t = 0; t < LANES; t += 2) {
                float *to = out + (n * LANES + t) / 2 * out_row + j;
                vec both[2];
                v_interleave(v_load(turned + t * LANES), v_load(turned + (t + 1) * LANES), both);
                v_store(to, both[0]);
                if (j + LANES < columns) v_store(to + LANES, both[1]);
            }
        }
}
#else
/* Transposes `columns` rows (a multiple of LANES) of nv*LANES tiles into out [nv*LANES][columns],
 * rows of out_row floats. */
OUT_OF_LINE void transpose_rows(const float *rows, size_t columns, size_t nv, float *out,
                                size_t out_row)
{
    for (size_t j = 0; j < columns; j += LANES)
        for (size_t n = 0; n < nv; n++)
            v_transpose(rows + (j * nv + n) * LANES, nv * LANES, out + n * LANES * out_row + j,
                        out_row);
}
#endif

/* Adds the gradient to `channels` planes of a frame from E. */
OUT_OF_LINE void scatter_frame(const convlstm__winograd *w, const float *e, size_t e_row,
                               float *frame, size_t channels, size_t vector0, size_t nv)
{
    for (size_t n = 0; n < nv; n++) {
        place where = place_of(w, vector0 + n);
        float *at = frame + w->tiles.lead + (vector0 + n) * LANES;
        for (size_t c = 0; c < channels; c++)
            input_transform_transposed(e + c * e_row + n * LANES, nv * LANES,
                                       at + c * w->tiles.plane, &where);
    }
}

/* What a step back multiplies the gradients by: V once more, of pairs of tiles with BF16. */
OUT_OF_LINE void transform_again(const convlstm__winograd *w, const float *frame, size_t channels,
                                 size_t vector0, size_t nv, float *v, size_t stride)
{
    const manner by_adders = {true, BF16 ? AS_SHORT : AS_FLOATS, NULL};
#if !BF16
    if (!ADDERS(w)) {
        transform_frame(w, frame, channels, vector0, nv, v, stride);
        return;
    }
#endif
    transform_planes(by_adders, w, frame, channels, vector0, nv, v, stride);
}

/* D of all filters of a block, in the order in which their gates lie in memory. */
INLINE void start_filters(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                          size_t vector0, size_t nv, float *dbias, float *d, size_t d_stride)
{
    for (size_t n = 0; n < nv; n++)
        for (size_t j = 0; j < w->filters; j++)
            start_filter(w, s, j, vector0 + n, NULL, 0, dbias, d + n * LANES, nv * LANES, d_stride);
}

#if !BF16
/* The same from V, with the products of the step forward. */
INLINE void start_filters_again(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                                size_t vector0, size_t nv, const float *v, size_t v_stride,
                                float *m, float *dbias, float *d, size_t d_stride)
{
    const size_t outputs = 4 * w->filters, row_blocks = (outputs + GEMM_ROWS - 1) / GEMM_ROWS,
                 m_row = convlstm__winograd_stride(FREQUENCIES * M_STRIDE),
                 used = w->channels + (s->h_prev ? w->filters : 0);
    for (size_t k = 0; k < outputs; k += GROUP) {
        size_t rows = smaller(outputs - k, GROUP);
        multiply_group(w, rows, used, s->weights_forward + k * w->depth,
                       row_blocks * w->depth * GEMM_ROWS, v, v_stride, m, m_row, vector0, nv);
        for (size_t j = 0; j < rows / 4; j++)
            for (size_t n = 0; n < nv; n++)
                start_filter(w, s, k / 4 + j, vector0 + n, m + 4 * j * m_row + n * LANES, m_row,
                             dbias, d + n * LANES, nv * LANES, d_stride);
    }
}
#endif

/* E = weights * D for one frequency: products for `rows` channels, sums over the outputs. */
INLINE void multiply_back(const convlstm__winograd *w, size_t rows, size_t depth,
                          const float *weights, const float *d, float *e, size_t e_row,
                          size_t vector0, size_t nv)
{
    const size_t block = nv * LANES, few = few_tiles(w, vector0 + nv - 1), whole = nv - (few > 0);
    for (size_t n = 0, some; n < whole; n += some) {
        some = next_block(whole - n, GEMM_VECTORS);
        multiply_any(rows, some, depth, depth, weights, d + n * LANES, block, e + n * LANES, e_row);
    }
    const few_factors factors = {.weights = weights,
                                 .weights_block = depth * GEMM_ROWS,
                                 .b = d + whole * LANES,
                                 .row = block};
    if (few) few_rows(rows, few, depth, &factors, e + whole * LANES, e_row);
}

/* A step back of a block of nv vectors, from dh and dc:
 *
 *   D          from the gradients of the gates, of all filters
 *   V          the transformed input once more
 *   E          = weights * D at each frequency; through the transform back it is added to dx and
 *              dh_prev
 *   dweights  += V * D^T at each frequency, a sum over the block's tiles
 *
 * For the last product one operand is transposed, so that its columns lie in vectors: D with
 * lanes_over_outputs, else V. */
static void backward_block(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                           size_t vector0, size_t nv)
{
    const size_t block = nv * LANES, outputs = 4 * w->filters, all = w->channels + w->filters;
    const size_t used = s->h_prev ? all : w->channels, columns = w->wgrad_columns;
    const size_t depth = BF16 ? outputs / 2 : outputs, wide = BF16 ? columns / 2 : columns;
    const size_t d_rows = w->lanes_over_outputs ? nbase__round_up(wide, LANES) : outputs,
                 v_rows = w->lanes_over_outputs ? all : columns;
    const size_t d_stride = convlstm__winograd_stride(d_rows * block),
                 v_stride = convlstm__winograd_stride(v_rows * TILES_OF(nv));
    const size_t e_row = convlstm__winograd_stride(FREQUENCIES * block);
    const size_t to = s->dx ? all : w->filters, row_blocks = (all + GEMM_ROWS - 1) / GEMM_ROWS;
    const size_t tiles = TERMS_OF(smaller(block, w->tiles.count - vector0 * LANES)),
                 turned_row = convlstm__winograd_turned_row(columns);
    float *v = s->scratch, *d = v + w->v_floats, *e = d + w->d_floats,
          *transposed = e + w->e_floats;
    float *dbias = s->wgrad + w->weight_sets * w->wgrad_rows * columns;

    if (!w->again) start_filters(w, s, vector0, nv, dbias, d, d_stride);
    transform_again(w, s->x, w->channels, vector0, nv, v, v_stride);
    if (s->h_prev)
        transform_again(w, s->h_prev, w->filters, vector0, nv, v + w->channels * TILES_OF(nv),
                        v_stride);
#if !BF16
    if (w->again)
        start_filters_again(w, s, vector0, nv, v, v_stride, s->scratch + w->again_m_at, dbias, d,
                            d_stride);
#endif

    for (size_t f = 0; f < FREQUENCIES; f++) {
        float *df = d + f * d_stride, *vf = v + f * v_stride,
              *dweights = s->wgrad + WEIGHTS_OF(f) * w->wgrad_rows * columns;
        multiply_back(w, to, depth, s->weights + WEIGHTS_OF(f) * row_blocks * depth * GEMM_ROWS, df,
                      e + f * block, e_row, vector0, nv);
        /* with one tap the sum runs over the frequencies, too */
        const bool adds = !s->first || vector0 > 0 || (TAPS == 1 && f > 0);
        if (w->lanes_over_outputs) {
            memset(df + depth * block, 0, (wide - depth) * block * sizeof *df);
            transpose_rows(df, columns, nv, transposed, turned_row);
            multiply_outer(used, columns, adds, tiles, vf, TILES_OF(nv), transposed, turned_row,
                           dweights);
        } else if (!BF16) {
            memset(vf + used * block, 0, (columns - used) * block * sizeof *vf);
            transpose_rows(vf, columns, nv, transposed, turned_row);
            multiply_outer(outputs, columns, adds, tiles, df, TILES_OF(nv), transposed, turned_row,
                           dweights);
        }
    }
    scatter_frame(w, e, e_row, s->dh_prev, w->filters, vector0, nv);
    if (s->dx) scatter_frame(w, e + w->filters * e_row, e_row, s->dx, w->channels, vector0, nv);
}

/* h of a step from its gates and c, in fixed point. */
static void output_again(const convlstm__winograd *w, const float *gates, float *h)
{
    const convlstm__tiles *t = &w->tiles;
    for (size_t v = 0; v < t->vectors; v++)
        for (size_t j = 0; j < w->filters; j++) {
            const size_t at = (v * w->filters + j) * 16 * LANES;
            const float *own = gates_of(w, gates, at);
            const kept_state kept = state_kept(w, gates, at);
            float *pixel = h + j * t->plane + t->lead + v * LANES;
            NO_UNROLL
            for (int p = 0; p < 16; p += PIXELS) {
                vec o[PIXELS], c[PIXELS];
                load_gate(GATES_FIXED, own + p / 2 * 4 * LANES, 3, o);
                load_state(kept, p, c);
                activate(false, c, c);
                UNROLL
                for (int e = 0; e < PIXELS; e++)
                    v_store(pixel + (p + e) * t->row,
                            v_keep(v_mul(o[e], c[e]), v_mask(w->edges[v].pixel[p + e])));
            }
        }
    clear_around(w, h, (filter_range){0, w->filters}, (filter_range){0, w->filters});
}

/* Vectors by which a tile and the neighbours that its gradient reaches are apart, at most. */
INLINE size_t reach_of(const convlstm__tiles *t)
{
    return AROUND ? (t->across + LANES) / LANES : 0;
}

/* Whether a vector has pixels that are outside the frame. */
static bool is_ragged(const convlstm__winograd_edges *e)
{
    for (int p = 0; p < 16; p++)
        if (e->pixel[p] != (uint16_t)((1u << LANES) - 1)) return true;
    return false;
}

/* A gradient that a step back adds up. */
typedef struct gradient_frame {
    float *at; /* null: not wanted */
    size_t channels;
    double *sums;      /* lane_sums; null: not wanted */
    const float *with; /* a frame of the same size, for the sums of products */
    bool cleared;      /* outside of the frame it is zero already */
} gradient_frame;

/* What is outside the frame becomes zero; the rest goes into the sums. */
INLINE void finish_vector(const convlstm__winograd *w, const gradient_frame *g, size_t vector)
{
    const convlstm__tiles *t = &w->tiles;
    const uint16_t *keep = w->edges[vector].pixel;
    size_t at = t->lead + vector * LANES;
    for (size_t c = 0; c < g->channels; c++, at += t->plane) {
        pixel_sums sums = no_pixels();
        UNROLL
        for (int p = 0; p < 16; p++) {
            float *pixel = g->at + at + p * t->row;
            vec inside = v_load(pixel);
            if (!g->cleared) {
                inside = v_keep(inside, v_mask(keep[p]));
                v_store(pixel, inside);
            }
            if (g->sums) add_pixel(&sums, inside, v_load(g->with + at + p * t->row));
        }
        if (g->sums) add_lanes(g->sums + c * 2 * LANES, sums);
    }
}

/* Vectors first..last-1 have been added to for the last time. */
static void finish_vectors(const convlstm__winograd *w, const gradient_frame *g, size_t first,
                           size_t last)
{
    for (size_t v = first; v < last; v++)
        if (g->sums || is_ragged(&w->edges[v])) finish_vector(w, g, v);
}

/* Frames up to this size fit into the cache that the cores share, beside what else a step reads. */
#define READ_AHEAD_FLOATS ((size_t)1 << 20)

/* Reads a frame once, in the order of memory, which the processor fetches ahead by itself. A block
 * reads three cache lines of each of hundreds of rows, and would wait for memory at every one.
 * `largest` is where something of it must go, so that the compiler keeps the loads. */
static void read_ahead(const convlstm__tiles *t, const float *frame, size_t channels,
                       float *largest)
{
    const size_t floats = channels * t->plane;
    vec most = v_set(0.0f);
    if (floats > READ_AHEAD_FLOATS) return;
    for (size_t i = 0; i < floats; i += 16) most = v_max(most, v_load(frame + i));
    v_store(largest, most);
}

/* The blocks overlap in dx and dh_prev, so a step back is not divided. A vector of these frames is
 * finished as soon as no block is left that adds to it, while it is in the cache. */
static void backward(const convlstm__winograd *w, const convlstm__winograd_backward *s)
{
    const convlstm__tiles *t = &w->tiles;
    const size_t reach = reach_of(t);
    const bool inset = w->out.inset > 0; /* the edges are those of h: dx is finished at the end */
    const gradient_frame out[2] = {
        {.at = s->dh_prev, .channels = w->filters},
        {.at = s->dx,
         .channels = s->dx ? w->channels : 0,
         .sums = s->dx_sums ? lane_sums(w, s->scratch) : NULL,
         .with = s->dx_with,
         .cleared = inset},
    };
    if (s->h_prev) read_ahead(t, s->h_prev, w->filters, s->scratch);
    if (s->dx_sums) clear_lane_sums(lane_sums(w, s->scratch), w->channels);
    for (int i = 0; i < 2; i++)
        if (out[i].at)
            memset(out[i].at, 0, convlstm__tiles_frame(t, out[i].channels) * sizeof *out[i].at);
    for (size_t v = 0, n, finished = 0; v < t->vectors; v += n) {
        n = next_block(t->vectors - v, w->backward_block);
        size_t behind = v + n == t->vectors ? v + n : v + n > reach ? v + n - reach : 0;
        backward_block(w, s, v, n);
        for (int i = 0; i < (inset ? 1 : 2); i++) finish_vectors(w, &out[i], finished, behind);
        finished = behind;
    }
    clear_around(w, s->dh_prev, (filter_range){0, w->filters}, (filter_range){0, w->filters});
    if (s->dx) convlstm__tiles_clear_outside(t, w->channels, true, s->dx);
    if (inset && s->dx_sums) finish_vectors(w, &out[1], 0, t->vectors);
    if (s->dx_sums) sum_lanes(lane_sums(w, s->scratch), w->channels, s->dx_sums);
}

#endif
