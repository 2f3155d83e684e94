/* grid_product.h - matrix products in register blocks, for grid.h: lanes are columns, and each
 * value of the other factor is broadcast. For templates. */
#ifndef CONVLSTM_GRID_PRODUCT_H
#define CONVLSTM_GRID_PRODUCT_H

#include <stdbool.h>

#include "vec.h"

/* Rows by vectors of a register block. */
#define BLOCK_ROWS 6
#if GEMM_ROWS * GEMM_VECTORS >= 24
#define BLOCK_VECTORS 4
#else
#define BLOCK_VECTORS 2
#endif
#define PANEL (BLOCK_VECTORS * LANES)

/* The factors: value (r, k) at a[r*row + k*step], row k of columns at b[k*b_row]. */
typedef struct factors {
    const float *a;
    size_t row, step;
    const float *b;
    size_t b_row;
} factors;

/* out[r*out_row + n*LANES] (+)= sum over k < depth of a(r, k) * b(k, n), for r < rows, n < nv, both
 * constants once inlined. */
INLINE void grid_block(const int rows, const int nv, bool accumulate, size_t depth, factors f,
                       float *out, size_t out_row)
{
    vec sum[BLOCK_ROWS][BLOCK_VECTORS];
    const float *a[BLOCK_ROWS];
    UNROLL
    for (int r = 0; r < rows; r++) {
        a[r] = f.a + r * f.row;
        UNROLL
        for (int n = 0; n < nv; n++)
            sum[r][n] = accumulate ? v_load(out + r * out_row + n * LANES) : v_set(0.0f);
    }
    NO_UNROLL
    for (size_t k = 0; k < depth; k++, f.b += f.b_row) {
        vec x[BLOCK_VECTORS];
        UNROLL
        for (int n = 0; n < nv; n++) {
            x[n] = v_load(f.b + n * LANES);
            V_PIN(x[n]);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec y = v_set(a[r][k * f.step]);
            if (nv > 1) V_PIN(y); /* one use may have the load to itself */
            UNROLL
            for (int n = 0; n < nv; n++) sum[r][n] = v_fma(y, x[n], sum[r][n]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) UNROLL
    for (int n = 0; n < nv; n++) v_store(out + r * out_row + n * LANES, sum[r][n]);
}

INLINE void grid_rows(size_t rows, const int nv, bool accumulate, size_t depth, factors f,
                      float *out, size_t out_row)
{
#define ROWS(r)                                                                                    \
    case r: grid_block(r, nv, accumulate, depth, f, out, out_row); break
    switch (rows) {
        ROWS(1);
        ROWS(2);
        ROWS(3);
        ROWS(4);
        ROWS(5);
        ROWS(6);
    }
#undef ROWS
}

/* All rows of nv vectors of columns, in blocks of about the same number of rows. */
INLINE void grid_panel(size_t rows, const int nv, bool accumulate, size_t depth, factors f,
                       float *out, size_t out_row)
{
    const size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    for (size_t i = 0; i < blocks; i++) {
        const size_t first = rows * i / blocks, end = rows * (i + 1) / blocks;
        factors some = f;
        some.a += first * f.row;
        grid_rows(end - first, nv, accumulate, depth, some, out + first * out_row, out_row);
    }
}

/* The register blocks are most of the code: for each number of vectors one copy for the products of
 * tiles and one for those that are summed over tiles. Both have constants for what differs. */
#define TILES_PANEL(nv)                                                                            \
    OUT_OF_LINE void tiles_by_weights_##nv(size_t tiles, bool accumulate, size_t depth, factors f, \
                                           float *out, size_t out_row)                             \
    {                                                                                              \
        f.step = 1;                                                                                \
        grid_panel(tiles, nv, accumulate, depth, f, out, out_row);                                 \
    }
#ifdef NBASE_NO_TRAINING
#define GRADIENT_PANEL(nv)
#else
#define GRADIENT_PANEL(nv)                                                                         \
    OUT_OF_LINE void over_tiles_##nv(size_t rows, bool accumulate, size_t tiles, factors f,        \
                                     float *out, size_t out_row)                                   \
    {                                                                                              \
        f.row = 1;                                                                                 \
        grid_panel(rows, nv, accumulate, tiles, f, out, out_row);                                  \
    }
#endif
TILES_PANEL(1)
TILES_PANEL(2)
GRADIENT_PANEL(1)
GRADIENT_PANEL(2)
#if BLOCK_VECTORS == 4
TILES_PANEL(4)
GRADIENT_PANEL(3)
GRADIENT_PANEL(4)
#define BY_VECTORS(nv, DO)                                                                         \
    switch (nv) {                                                                                  \
    case 1: DO(1); break;                                                                          \
    case 2: DO(2); break;                                                                          \
    case 3: DO(3); break;                                                                          \
    default: DO(4); break;                                                                         \
    }
#else
#define BY_VECTORS(nv, DO)                                                                         \
    switch (nv) {                                                                                  \
    case 1: DO(1); break;                                                                          \
    default: DO(2); break;                                                                         \
    }
#endif

/* out[t*out_row + j] (+)= sum over k < depth of v[t*v_row + k] * weights[k*columns + j], for all
 * columns, at most PANEL. */
INLINE void multiply_tiles(size_t tiles, bool accumulate, size_t depth, size_t columns,
                           const float *v, size_t v_row, const float *weights, float *out,
                           size_t out_row)
{
    factors f = {.a = v, .row = v_row, .b = weights, .b_row = columns};
    for (size_t left = columns / LANES, n; left; left -= n) {
        n = left == BLOCK_VECTORS ? left : left > 1 ? 2 : 1; /* three at once are rare */
        switch (n) {
        case 1: tiles_by_weights_1(tiles, accumulate, depth, f, out, out_row); break;
        case 2: tiles_by_weights_2(tiles, accumulate, depth, f, out, out_row); break;
#if BLOCK_VECTORS == 4
        default: tiles_by_weights_4(tiles, accumulate, depth, f, out, out_row); break;
#endif
        }
        f.b += n * LANES;
        out += n * LANES;
    }
}

#ifndef NBASE_NO_TRAINING
/* out[k*out_row + j] (+)= sum over t of v[t*v_row + k] * d[t*d_row + j], for k < depth and all
 * columns. */
INLINE void multiply_over_tiles(size_t tiles, bool accumulate, size_t depth, size_t columns,
                                const float *v, size_t v_row, const float *d, size_t d_row,
                                float *out, size_t out_row)
{
    for (size_t j = 0; j < columns; j += PANEL) {
        const size_t left = columns - j < PANEL ? columns - j : PANEL;
        const factors f = {.a = v, .step = v_row, .b = d + j, .b_row = d_row};
#define DO(nv) over_tiles_##nv(depth, accumulate, tiles, f, out + j, out_row)
        BY_VECTORS(left / LANES, DO)
#undef DO
    }
}
#endif

#endif
