/* winograd_gates_body.c - the end of a step forward for a filter of a vector of tiles, for all
 * families of the recurrent step: a template (see vec.h) without further parameters. The step with
 * gates has a table of its own, so that a program which only predicts is linked without it. */
#include "kernels.h"
#include "vec.h"
#include "winograd_gates.h"
#include "winograd_points3.h"

/* All pixels of a filter, from z [gate][16 pixels][lanes]. */
INLINE void update_filter(const bool hard, const bool rectified, const int form, const float *in,
                          filter_state f)
{
    pixel_sums sums = no_pixels();
    NO_UNROLL
    for (int p = 0; p < 16; p += PIXELS) {
        vec z[4][PIXELS];
        UNROLL
        for (int g = 0; g < 4; g++) UNROLL
        for (int e = 0; e < PIXELS; e++) z[g][e] = v_load(in + (g * 16 + p + e) * LANES);
        update_state(hard, rectified, form, p, z, f, &sums);
    }
    finish_state(form, f, sums);
}

#define CASE(hard, rectified, form)                                                                \
    case KIND(hard, rectified, form): update_filter(hard, rectified, form, z, f); break;

static void finish(const convlstm__winograd *w, const convlstm__winograd_forward *s, const float *z,
                   size_t filter, size_t vector)
{
    filter_state f = state_of(w, s, filter, vector);
    switch (kind_of(w, false)) {
        KINDS_WITHOUT_GATES(CASE)
    }
}

#ifndef NBASE_NO_TRAINING
static void finish_training(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                            const float *z, size_t filter, size_t vector)
{
    filter_state f = state_of(w, s, filter, vector);
    switch (kind_of(w, true)) {
        KINDS_WITH_GATES(CASE)
    }
}
#endif

/* ---- after columns of products (winograd_columns.h) ---- */

#ifdef GEMM_BROADCASTS
enum { SIDE = WINOGRAD_SIDE(3, 0) };

/* What goes into gate g of the four pixels of a row of the tile. */
INLINE void transform_row(const float *half, float bias, int g, int r, vec z[4])
{
    static const float scale[4] = OUTPUT_SCALE;
    vec m[SIDE], t[4], b = v_set(bias);
    UNROLL
    for (int q = 0; q < SIDE; q++) m[q] = v_load(half + ((g * 4 + r) * SIDE + q) * LANES);
    output_1d_by(true, m, t);
    UNROLL
    for (int q = 0; q < 4; q++) z[q] = v_fma(v_set(scale[r] * scale[q]), t[q], b);
}

/* All pixels of a filter of a step without gates, with tanh: row by row, so that z stays in
 * registers. */
INLINE void update_rows(const bool hard, const convlstm__winograd *w,
                        const convlstm__winograd_forward *s, const float *half, size_t filter,
                        size_t vector)
{
    const float *bias = s->bias + 4 * filter;
    filter_state f = state_of(w, s, filter, vector);
    pixel_sums sums = no_pixels();
    UNROLL
    for (int r = 0; r < 4; r++) {
        vec z[4][4];
        UNROLL
        for (int g = 0; g < 4; g++) transform_row(half, bias[g], g, r, z[g]);
        UNROLL
        for (int q = 0; q < 4; q += PIXELS) {
            vec some[4][PIXELS];
            UNROLL
            for (int g = 0; g < 4; g++) UNROLL
            for (int e = 0; e < PIXELS; e++) some[g][e] = z[g][q + e];
            update_state(hard, false, NO_GATES, 4 * r + q, some, f, &sums);
        }
    }
}

/* Of any kind, with z in memory. */
OUT_OF_LINE void finish_any(convlstm__finish *from_z, const convlstm__winograd *w,
                            const convlstm__winograd_forward *s, const float *half, size_t filter,
                            size_t vector)
{
    vec z[4][16];
    NO_UNROLL
    for (int g = 0; g < 4; g++) UNROLL
    for (int r = 0; r < 4; r++) transform_row(half, s->bias[4 * filter + g], g, r, &z[g][4 * r]);
    from_z(w, s, (const float *)z, filter, vector);
}

static void finish_columns(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                           const float *half, size_t filter, size_t vector)
{
    /* With z in memory an inference takes 1 to 2 % more time. Training gains nothing, and the
     * lesser instruction sets are not worth the code. */
    if (LANES < 16 || w->rectified)
        finish_any(finish, w, s, half, filter, vector);
    else if (w->hard)
        update_rows(true, w, s, half, filter, vector);
    else
        update_rows(false, w, s, half, filter, vector);
}

#ifndef NBASE_NO_TRAINING
static void finish_columns_training(const convlstm__winograd *w,
                                    const convlstm__winograd_forward *s, const float *half,
                                    size_t filter, size_t vector)
{
    finish_any(finish_training, w, s, half, filter, vector);
}
#endif
#endif

const convlstm__gates_kernels TABLE_NAME(convlstm__) = {.finish = finish,
#ifdef GEMM_BROADCASTS
                                                        .finish_columns = finish_columns
#endif
};

#ifndef NBASE_NO_TRAINING
const convlstm__gates_training TRAINING_TABLE_NAME(convlstm__) = {
    .finish = finish_training,
#ifdef GEMM_BROADCASTS
    .finish_columns = finish_columns_training
#endif
};
#endif
