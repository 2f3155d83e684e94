/* grid_body.c - convolutions from grid to grid: a template (see vec.h). Parameter:
 *   FINE      1: fine transforms (winograd_points_fine.h), and `forward` alone; 0, the default: all
 *             else */
#ifndef FINE
#define FINE 0
#endif
#define TAPS 3

#include "grid.h"
#include "grid_frames.h"
#include "grid_product.h"
#include "vec.h"
#include "vec_math.h"
#include "winograd.h"
#if FINE
#include "winograd_points_fine.h"
#else
#include "winograd_points3.h"
#endif

#define SIDE (FINE ? 2 * GRID_TILE : GRID_SPAN)
#define FREQUENCIES (SIDE * SIDE)

/* The transforms of rows and columns are loops, with what is between them in the first-level cache:
 * it would not fit the registers anyway, and every program that predicts has this code. */

/* B^T d B of 6x6 places, `row` and `column` floats apart: LANES of their channels, frequency f to
 * out[f*plane]. */
INLINE void input_transform(const float *at, size_t row, size_t column, float *out, size_t plane)
{
    vec half[SIDE][GRID_SPAN];
    NO_UNROLL
    for (int q = 0; q < GRID_SPAN; q++) {
        vec d[GRID_SPAN], t[SIDE];
        UNROLL
        for (int r = 0; r < GRID_SPAN; r++) d[r] = v_loadu(at + r * row + q * column);
        input_1d(d, t);
        UNROLL
        for (int r = 0; r < SIDE; r++) half[r][q] = t[r];
    }
    NO_UNROLL
    for (int r = 0; r < SIDE; r++) {
        vec t[SIDE];
        input_1d(half[r], t);
        UNROLL
        for (int q = 0; q < SIDE; q++) v_store(out + (r * SIDE + q) * plane, t[q]);
    }
}

/* The transform of some places: what is read of a place, and written of a frequency, is `count`
 * floats, rounded up to vectors. */
#define TRANSFORM_ALL(name)                                                                        \
    OUT_OF_LINE void name##s(const float *at, size_t row, size_t column, size_t count, float *out, \
                             size_t plane)                                                         \
    {                                                                                              \
        NO_UNROLL                                                                                  \
        for (size_t k = 0; k < count; k += LANES) name(at + k, row, column, out + k, plane);       \
    }
TRANSFORM_ALL(input_transform)

#if !FINE && !defined(NBASE_NO_TRAINING)
/* A y A^T of 4x4 places, likewise. */
INLINE void gradient_transform(const float *at, size_t row, size_t column, float *out, size_t plane)
{
    vec half[GRID_SPAN][GRID_TILE];
    UNROLL
    for (int q = 0; q < GRID_TILE; q++) {
        vec y[GRID_TILE], t[GRID_SPAN];
        UNROLL
        for (int r = 0; r < GRID_TILE; r++) y[r] = v_loadu(at + r * row + q * column);
        output_1d_transposed(y, t);
        UNROLL
        for (int r = 0; r < GRID_SPAN; r++) half[r][q] = t[r];
    }
    UNROLL
    for (int r = 0; r < GRID_SPAN; r++) {
        vec t[GRID_SPAN];
        output_1d_transposed(half[r], t);
        UNROLL
        for (int q = 0; q < GRID_SPAN; q++) v_store(out + (r * GRID_SPAN + q) * plane, t[q]);
    }
}
TRANSFORM_ALL(gradient_transform)
#endif

typedef void transform(const float *at, size_t row, size_t column, size_t count, float *out,
                       size_t plane);

/* Some channels of a grid, or all of them. */
typedef struct slice {
    size_t first, count;
} slice;

/* Transforms a slice of tiles of a grid, side x side places each: `row` floats from tile to tile,
 * `plane` from frequency to frequency. places: scratch. */
INLINE void transform_tiles(const convlstm__grid_conv *c, const convlstm__grid *g, size_t side,
                            transform *by, const float *frame, convlstm__units tiles, slice of,
                            float *out, size_t plane, float *places)
{
    const size_t row = convlstm__grid_tile_row(of.count), lanes = convlstm__grid_row(of.count),
                 run = g->step_w * g->channels, line = g->width * g->channels,
                 first_row = of.first / run, rows = (of.count + run - 1) / run;
    for (size_t t = tiles.first; t < tiles.last; t++, out += row) {
        const size_t i = t / c->across * GRID_TILE, j = t % c->across * GRID_TILE;
        if (lies_in_place(g, i, j, side)) {
            const float *at = frame + first_pixel(g, i, j) + first_row * line + of.first % run;
            for (size_t ry = 0; ry < rows; ry++)
                by(at + ry * line, g->step_h * line, run, rows > 1 ? run : of.count, out + ry * run,
                   plane);
        } else {
            take_places(g, frame, i, j, side, of.first, places, lanes);
            by(places, side * lanes, lanes, of.count, out, plane);
        }
    }
}

/* A^T m A of a tile, m being LANES columns of M, to 4x4 places `row` floats apart. */
INLINE void output_transform(const float *m, size_t plane, vec bias, float *out, size_t row)
{
    static const float scale[GRID_TILE] = OUTPUT_SCALE;
    vec half[GRID_TILE][SIDE];
    NO_UNROLL
    for (int q = 0; q < SIDE; q++) {
        vec d[SIDE], t[GRID_TILE];
        UNROLL
        for (int r = 0; r < SIDE; r++) d[r] = v_load(m + (r * SIDE + q) * plane);
        output_1d(d, t);
        UNROLL
        for (int r = 0; r < GRID_TILE; r++) half[r][q] = t[r];
    }
    NO_UNROLL
    for (int r = 0; r < GRID_TILE; r++) {
        vec t[GRID_TILE];
        output_1d(half[r], t);
        UNROLL
        for (int q = 0; q < GRID_TILE; q++)
            v_store(out + (r * GRID_TILE + q) * row, v_fma(v_set(scale[r] * scale[q]), t[q], bias));
    }
}

/* The bias of channels k0 up to k0 + PANEL of a grid, whose frame's channels repeat in it. */
INLINE void bias_of(const convlstm__grid *g, const float *bias, size_t k0, float *out)
{
    for (size_t k = 0; k < PANEL; k++) out[k] = bias ? bias[(k0 + k) % g->channels] : 0.0f;
}

/* The function of the 16 places of a tile, PANEL floats apart. */
OUT_OF_LINE void apply_function(convlstm__grid_function function, size_t columns, float *places)
{
    for (int r = 0; r < GRID_TILE * GRID_TILE; r += 4)
        for (size_t k = 0; k < columns; k += LANES) {
            vec x[4];
            float *at = places + r * PANEL + k;
            UNROLL
            for (int i = 0; i < 4; i++) x[i] = v_load(at + i * PANEL);
            if (function == CONVLSTM__GRID_TANH)
                v_tanh_each(4, x, x);
            else
                UNROLL
            for (int i = 0; i < 4; i++) x[i] = v_max(v_set(0.0f), x[i]); /* NaN stays */
            UNROLL
            for (int i = 0; i < 4; i++) v_store(at + i * PANEL, x[i]);
        }
}

/* Some columns of a block of tiles from their products to the frame. */
OUT_OF_LINE void finish_panel(const convlstm__grid_conv *c, const convlstm__grid_end *end,
                              const float *m, convlstm__units tiles, size_t k0, size_t columns,
                              float *out)
{
    float places[GRID_TILE * GRID_TILE * PANEL] __attribute__((aligned(64))),
        start[PANEL] __attribute__((aligned(64)));
    const size_t row = convlstm__grid_row(PANEL), plane = convlstm__grid_plane(c->block, row),
                 all = convlstm__grid_depth(&c->to),
                 count = all - k0 < columns ? all - k0 : columns;
    bias_of(&c->to, end->bias, k0, start);
    for (size_t t = tiles.first; t < tiles.last; t++, m += row) {
        NO_UNROLL
        for (size_t k = 0; k < columns; k += LANES)
            output_transform(m + k, plane, v_load(start + k), places + k, PANEL);
        if (end->function != CONVLSTM__GRID_LINEAR) apply_function(end->function, columns, places);
        put_places(&c->to, out, t / c->across * GRID_TILE, t % c->across * GRID_TILE, k0, count,
                   places, PANEL);
    }
}

/* Whether any of channels k..k+count-1 of the wide grid has weights at frequency f. */
static bool has_weights(const convlstm__grid_conv *c, size_t f, size_t k, size_t count)
{
    const convlstm__grid *g = c->turned ? &c->to : &c->from;
    const convlstm__units rows = convlstm__grid_pixels(c, f / SIDE, g->step_h, c->lead_h, c->end_h),
                          columns =
                              convlstm__grid_pixels(c, f % SIDE, g->step_w, c->lead_w, c->end_w);
    const size_t first = k / g->channels, last = (k + count - 1) / g->channels;
    for (size_t pixel = first; pixel <= last; pixel++) {
        const size_t y = pixel / g->step_w, x = pixel % g->step_w;
        if (y >= rows.first && y < rows.last && x >= columns.first && x < columns.last) return true;
    }
    return false;
}

/* Products of a slice of V for `some` columns of the output from k on, added to those of the slices
 * before. What has no weights is left out. */
static void multiply_slice(const convlstm__grid_conv *c, slice of, size_t tiles, const float *v,
                           const float *weights, size_t k, size_t some, float *m)
{
    const size_t depth = convlstm__grid_depth(&c->from), to = convlstm__grid_depth(&c->to),
                 columns = convlstm__grid_row(to), used = to - k < some ? to - k : some,
                 row = convlstm__grid_tile_row(c->slice),
                 plane = convlstm__grid_plane(c->block, row), m_row = convlstm__grid_row(PANEL),
                 m_plane = convlstm__grid_plane(c->block, m_row);
    for (size_t f = 0; f < FREQUENCIES; f++) {
        const bool any =
            c->turned ? has_weights(c, f, k, used) : has_weights(c, f, of.first, of.count);
        if (!any && of.first > 0) continue;
        multiply_tiles(tiles, of.first > 0, any ? of.count : 0, some, v + f * plane, row,
                       weights + depth * (f * columns + k) + of.first * some, m + f * m_plane,
                       m_row);
    }
}

/* If V is in slices, all columns are in one panel, whose products wait for the last slice. */
static void forward_block(const convlstm__grid_conv *c, const float *in, const float *weights,
                          const convlstm__grid_end *end, float *out, float *scratch,
                          convlstm__units tiles)
{
    const size_t depth = convlstm__grid_depth(&c->from), row = convlstm__grid_tile_row(c->slice),
                 plane = convlstm__grid_plane(c->block, row),
                 m_plane = convlstm__grid_plane(c->block, convlstm__grid_row(PANEL)),
                 to = convlstm__grid_depth(&c->to), columns = convlstm__grid_row(to);
    float *v = scratch, *m = v + FREQUENCIES * plane, *places = m + FREQUENCIES * m_plane;
    for (slice of = {0, c->slice}; of.first < depth; of.first += of.count) {
        transform_tiles(c, &c->from, GRID_SPAN, input_transforms, in, tiles, of, v, plane, places);
        for (size_t k = 0; k < to; k += PANEL) {
            const size_t some = columns - k < PANEL ? columns - k : PANEL;
            multiply_slice(c, of, tiles.last - tiles.first, v, weights, k, some, m);
            if (of.first + of.count == depth) finish_panel(c, end, m, tiles, k, some, out);
        }
    }
}

/* Blocks of about the same number of tiles. */
static size_t blocks_of(const convlstm__grid_conv *c, size_t tiles)
{
    return (tiles + c->block - 1) / c->block;
}

static convlstm__units block_of(convlstm__units tiles, size_t i, size_t blocks)
{
    const size_t count = tiles.last - tiles.first;
    return (convlstm__units){tiles.first + count * i / blocks,
                             tiles.first + count * (i + 1) / blocks};
}

static void forward(const convlstm__grid_conv *c, const float *in, const float *weights,
                    const convlstm__grid_end *end, float *out, float *scratch,
                    convlstm__units tiles)
{
    const size_t blocks = blocks_of(c, tiles.last - tiles.first);
    for (size_t i = 0; i < blocks; i++)
        forward_block(c, in, weights, end, out, scratch, block_of(tiles, i, blocks));
}

#if !FINE && !defined(NBASE_NO_TRAINING)
static void weight_gradient(const convlstm__grid_conv *c, const float *in, const float *out,
                            bool accumulate, float *dweights, float *scratch)
{
    const size_t depth = convlstm__grid_depth(&c->from), row = convlstm__grid_tile_row(c->slice),
                 plane = convlstm__grid_plane(c->block, row), to = convlstm__grid_depth(&c->to),
                 columns = convlstm__grid_row(to), d_row = convlstm__grid_tile_row(to),
                 d_plane = convlstm__grid_plane(c->block, d_row),
                 blocks = blocks_of(c, convlstm__grid_tiles(c));
    float *v = scratch, *d = v + FREQUENCIES * plane, *places = d + FREQUENCIES * d_plane;
    for (size_t i = 0; i < blocks; i++) {
        const convlstm__units tiles =
            block_of((convlstm__units){0, convlstm__grid_tiles(c)}, i, blocks);
        transform_tiles(c, &c->to, GRID_TILE, gradient_transforms, out, tiles, (slice){0, to}, d,
                        d_plane, places);
        for (slice of = {0, c->slice}; of.first < depth; of.first += of.count) {
            transform_tiles(c, &c->from, GRID_SPAN, input_transforms, in, tiles, of, v, plane,
                            places);
            for (size_t f = 0; f < FREQUENCIES; f++) {
                float *some = dweights + (f * depth + of.first) * columns;
                if (has_weights(c, f, of.first, of.count))
                    multiply_over_tiles(tiles.last - tiles.first, accumulate || i > 0, of.count,
                                        columns, v + f * plane, row, d + f * d_plane, d_row, some,
                                        columns);
                else if (!accumulate && i == 0)
                    memset(some, 0, of.count * columns * sizeof *some);
            }
        }
    }
}
#endif

const convlstm__grid_kernels TABLE_NAME(convlstm__) = {
    .panel = PANEL,
    .forward = forward,
};

#if !FINE && !defined(NBASE_NO_TRAINING)
const convlstm__grid_training TRAINING_TABLE_NAME(convlstm__) = {
    .weight_gradient = weight_gradient,
};
#endif
