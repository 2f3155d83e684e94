/* winograd_backward.h - a step back through time: from dh and dc to the gradients of x, h, c and,
 * in the Winograd domain, of the weights. Include after winograd_forward.h. */
#ifndef CONVLSTM_WINOGRAD_BACKWARD_H
#define CONVLSTM_WINOGRAD_BACKWARD_H

#include "winograd_forward.h"

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

/* dz of the four gates of one filter of one vector, their sums over the pixels added to dbias, and
 * dc for step t-1. */
INLINE void gate_gradients(const bool hard, const bool rectified, const int form, float slope,
                           pixels dh, pixels dh_next, pixels c_prev, const float *c,
                           const float *gates, float *dc, float *dbias, vec dz[4][16])
{
    const vec k = v_set(slope);
    vec sum[4];
    UNROLL
    for (int g = 0; g < 4; g++) sum[g] = v_load(dbias + g * LANES);
    NO_UNROLL
    for (int p = 0; p < 16; p += PIXELS) {
        vec y[4][PIXELS], tc[PIXELS];
        load_gates(form, gates + p / (form == GATES_FIXED ? 2 : 1) * 4 * LANES, y);
        UNROLL
        for (int e = 0; e < PIXELS; e++) tc[e] = v_load(c + (p + e) * LANES);
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
            dz[1][p + e] = recurrent_gradient(
                hard, k, v_mul(d_c, v_load(c_prev.at + (p + e) * c_prev.stride)), f);
            dz[2][p + e] = activation_gradient(rectified, v_mul(d_c, i), g);
            dz[3][p + e] = recurrent_gradient(hard, k, v_mul(d_h, tc[e]), o);
            UNROLL
            for (int q = 0; q < 4; q++) sum[q] = v_add(sum[q], dz[q][p + e]);
        }
    }
    UNROLL
    for (int g = 0; g < 4; g++) v_store(dbias + g * LANES, sum[g]);
}

/* The same, then D: d[f*d_stride + (4*filter + gate)*block]. */
OUT_OF_LINE void start_filter(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                              size_t filter, size_t vector, float *dbias, float *d, size_t block,
                              size_t d_stride)
{
    const convlstm__tiles *t = &w->tiles;
    size_t at = (vector * w->filters + filter) * 16 * LANES,
           plane = filter * t->plane + t->lead + vector * LANES;
    pixels dh = pixels_of(s->dh, plane, t->row), dh_next = pixels_of(s->dh_next, plane, t->row),
           c_prev = pixels_of(s->c_prev, at, LANES);
    const float *gates = gates_of(w, s->gates, at);
    vec dz[4][16];
#define GRADIENTS(hard, rectified, form, slope)                                                    \
    gate_gradients(hard, rectified, form, slope, dh, dh_next, c_prev, s->c + at, gates,            \
                   s->dc + at, dbias + 4 * filter * LANES, dz)
    if (w->hard && w->rectified)
        GRADIENTS(true, true, GATES_FP32, (float)w->slope);
    else if (w->hard && w->fixed_gates)
        GRADIENTS(true, false, GATES_FIXED, (float)w->slope);
    else if (w->hard)
        GRADIENTS(true, false, GATES_FP32, (float)w->slope);
    else if (w->rectified)
        GRADIENTS(false, true, GATES_FP32, 0);
    else if (w->fixed_gates)
        GRADIENTS(false, false, GATES_FIXED, 0);
    else
        GRADIENTS(false, false, GATES_FP32, 0);
#undef GRADIENTS
    NO_UNROLL
    for (int g = 0; g < 4; g++)
        output_transform_transposed(dz[g], d + (4 * filter + g) * block, d_stride);
}

/* Transposes `columns` rows (a multiple of LANES) of nv*LANES tiles into out
 * [nv*LANES][columns]. */
INLINE void transpose_rows(const float *rows, size_t columns, const int nv, float *out)
{
    for (size_t j = 0; j < columns; j += LANES)
        for (int n = 0; n < nv; n++)
            v_transpose(rows + (j * nv + n) * LANES, (size_t)nv * LANES,
                        out + n * LANES * columns + j, columns);
}

/* Adds the gradient to `channels` planes of a frame from E. */
INLINE void scatter_frame(const convlstm__winograd *w, const float *e, size_t e_row, float *frame,
                          size_t channels, size_t vector0, const int nv)
{
    for (int n = 0; n < nv; n++) {
        place where = place_of(w, vector0 + n);
        float *at = frame + w->tiles.lead + (vector0 + n) * LANES;
        for (size_t c = 0; c < channels; c++)
            input_transform_transposed(e + c * e_row + n * LANES, (size_t)nv * LANES,
                                       at + c * w->tiles.plane, &where);
    }
}

INLINE void backward_block(const convlstm__winograd *w, const convlstm__winograd_backward *s,
                           size_t vector0, const int nv)
{
    const size_t block = (size_t)nv * LANES, outputs = 4 * w->filters,
                 all = w->channels + w->filters;
    const size_t used = s->h_prev ? all : w->channels, columns = w->wgrad_columns;
    const size_t d_rows = w->lanes_over_outputs ? columns : outputs,
                 v_rows = w->lanes_over_outputs ? all : columns;
    const size_t d_stride = convlstm__winograd_stride(d_rows * block),
                 v_stride = convlstm__winograd_stride(v_rows * block);
    const size_t e_row = convlstm__winograd_stride(FREQUENCIES * block);
    const size_t to = s->dx ? all : w->filters, row_blocks = (all + GEMM_ROWS - 1) / GEMM_ROWS;
    float *v = s->scratch, *d = v + w->v_floats, *e = d + w->d_floats,
          *transposed = e + w->e_floats;
    float *dbias = s->wgrad + w->weight_sets * w->wgrad_rows * columns;

    for (size_t j = 0; j < w->filters; j++)
        for (int n = 0; n < nv; n++)
            start_filter(w, s, j, vector0 + n, dbias, d + n * LANES, block, d_stride);
    transform_frame(w, s->x, w->channels, vector0, nv, v, v_stride);
    if (s->h_prev)
        transform_frame(w, s->h_prev, w->filters, vector0, nv, v + w->channels * block, v_stride);

    for (size_t f = 0; f < FREQUENCIES; f++) {
        float *df = d + f * d_stride, *vf = v + f * v_stride,
              *dweights = s->wgrad + WEIGHTS_OF(f) * w->wgrad_rows * columns;
        multiply(to, nv, outputs, outputs,
                 s->weights + WEIGHTS_OF(f) * row_blocks * outputs * GEMM_ROWS, df, e + f * block,
                 e_row);
        if (w->lanes_over_outputs) {
            memset(df + outputs * block, 0, (columns - outputs) * block * sizeof *df);
            transpose_rows(df, columns, nv, transposed);
            accumulate_outer(used, columns, nv, vf, transposed, dweights);
        } else {
            memset(vf + used * block, 0, (columns - used) * block * sizeof *vf);
            transpose_rows(vf, columns, nv, transposed);
            accumulate_outer(outputs, columns, nv, df, transposed, dweights);
        }
    }
    scatter_frame(w, e, e_row, s->dh_prev, w->filters, vector0, nv);
    if (s->dx) scatter_frame(w, e + w->filters * e_row, e_row, s->dx, w->channels, vector0, nv);
}

#define BACKWARD_BLOCK(nv)                                                                         \
    OUT_OF_LINE void backward_##nv(const convlstm__winograd *w,                                    \
                                   const convlstm__winograd_backward *s, size_t vector0)           \
    {                                                                                              \
        backward_block(w, s, vector0, nv);                                                         \
    }
BACKWARD_BLOCK(1)
#if GEMM_VECTORS > 1
BACKWARD_BLOCK(2)
BACKWARD_BLOCK(3)
#else
#define backward_2(w, s, vector0) ((void)0)
#define backward_3(w, s, vector0) ((void)0)
#endif

/* Blocks overlap in dx and dh_prev, so a step back is not divided. */
static void winograd_backward(const convlstm__winograd *w, const convlstm__winograd_backward *s)
{
    const convlstm__tiles *t = &w->tiles;
    memset(s->dh_prev, 0, w->filters * t->plane * sizeof *s->dh_prev);
    if (s->dx) memset(s->dx, 0, w->channels * t->plane * sizeof *s->dx);
    for (size_t v = 0, n; v < t->vectors; v += n) {
        n = next_block(t->vectors - v, w->backward_block);
        if (n == 3)
            backward_3(w, s, v);
        else if (n == 2)
            backward_2(w, s, v);
        else
            backward_1(w, s, v);
    }
    convlstm__tiles_clear_outside(t, w->filters, s->dh_prev);
    if (s->dx) convlstm__tiles_clear_outside(t, w->channels, s->dx);
}

#endif
