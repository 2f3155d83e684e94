/* winograd_product.h - the small matrix products of the Winograd domain, one register block for all
 * of them. For templates; parameters TAPS and BF16. */
#ifndef CONVLSTM_WINOGRAD_PRODUCT_H
#define CONVLSTM_WINOGRAD_PRODUCT_H

#include "vec.h"
#include "winograd_pairs.h"

/* DO(nv) for every number of vectors that a block may have. */
#if GEMM_VECTORS == 1
#define EACH_BLOCK(DO) DO(1)
#elif GEMM_VECTORS == 3
#define EACH_BLOCK(DO) DO(1) DO(2) DO(3)
#else
#error "blocks have 1 or 3 vectors, at most"
#endif

/* Row blocks of a factor that is broadcast value by value: value (r, k) at a[r*row + k*step]. */
typedef struct broadcast {
    const float *a;
    size_t row, step;
} broadcast;

/* out[r*out_row + n*LANES] (+)= sum over k < depth of a(r, k) * b[k*b_row + n*LANES], for r < rows,
 * n < nv. rows and nv are constants once inlined; the accumulators have a constant size, else gcc
 * makes a variable-length array of them, in memory. */
INLINE void register_block(const int rows, const int nv, const bool accumulate, size_t depth,
                           broadcast a, const float *b, size_t b_row, float *out, size_t out_row)
{
    vec sum[GEMM_ROWS][GEMM_VECTORS];
    UNROLL
    for (int r = 0; r < rows; r++) UNROLL
    for (int n = 0; n < nv; n++)
        sum[r][n] = accumulate ? v_load(out + r * out_row + n * LANES) : v_set(0.0f);
    NO_UNROLL
    for (size_t k = 0; k < depth; k++) {
        vec x[GEMM_VECTORS];
        UNROLL
        for (int n = 0; n < nv; n++) {
            x[n] = v_load(b + k * b_row + n * LANES);
            V_PIN(x[n]);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec y = v_set(a.a[r * a.row + k * a.step]);
            if (nv > 1) V_PIN(y); /* one use may have the load to itself */
            UNROLL
            for (int n = 0; n < nv; n++) sum[r][n] = PRODUCT(y, x[n], sum[r][n]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) UNROLL
    for (int n = 0; n < nv; n++) v_store(out + r * out_row + n * LANES, sum[r][n]);
}

/* The same for rows 1..GEMM_ROWS, known only at run time; they are a multiple of `step`. */
INLINE void register_rows(size_t rows, const size_t step, const int nv, const bool accumulate,
                          size_t depth, broadcast a, const float *b, size_t b_row, float *out,
                          size_t out_row)
{
#define ROWS(r)                                                                                    \
    case r:                                                                                        \
        if (r <= GEMM_ROWS && r % step == 0)                                                       \
            register_block(r, nv, accumulate, depth, a, b, b_row, out, out_row);                   \
        break
    switch (rows) {
        ROWS(1);
        ROWS(2);
        ROWS(3);
        ROWS(4);
        ROWS(5);
        ROWS(6);
        ROWS(7);
        ROWS(8);
    }
#undef ROWS
}

/* out = weights * b: `rows` rows of weights packed in blocks [block][full_depth][GEMM_ROWS], of
 * which the first `depth` values of the sum are used. */
INLINE void multiply_by(size_t rows, const size_t step, const int nv, size_t depth,
                        size_t full_depth, const float *weights, const float *b, size_t b_row,
                        float *out, size_t out_row)
{
    for (size_t r = 0; r < rows;
         r += GEMM_ROWS, weights += full_depth * GEMM_ROWS, out += GEMM_ROWS * out_row) {
        size_t left = rows - r < GEMM_ROWS ? rows - r : GEMM_ROWS;
        register_rows(left, step, nv, false, depth, (broadcast){weights, 1, GEMM_ROWS}, b, b_row,
                      out, out_row);
    }
}

/* The register blocks are a lot of code, so that there is one copy for each number of vectors. Rows
 * of b are b_row floats apart. */

/* Of rows that are the gates of filters, four each: other numbers of rows are left out. */
#define MULTIPLY_GATES(nv)                                                                         \
    OUT_OF_LINE void multiply_gates_##nv(size_t rows, size_t depth, size_t full_depth,             \
                                         const float *weights, const float *b, size_t b_row,       \
                                         float *out, size_t out_row)                               \
    {                                                                                              \
        multiply_by(rows, 4, nv, depth, full_depth, weights, b, b_row, out, out_row);              \
    }
EACH_BLOCK(MULTIPLY_GATES)

INLINE void multiply_gates(size_t rows, size_t nv, size_t depth, size_t full_depth,
                           const float *weights, const float *b, size_t b_row, float *out,
                           size_t out_row)
{
#define CASE(nv)                                                                                   \
    case nv: multiply_gates_##nv(rows, depth, full_depth, weights, b, b_row, out, out_row); break;
    switch (nv) {
        EACH_BLOCK(CASE)
    }
#undef CASE
}

#if !FINE && !defined(NBASE_NO_TRAINING)
/* Of any number of rows. */
#define MULTIPLY_ANY(nv)                                                                           \
    OUT_OF_LINE void multiply_any_##nv(size_t rows, size_t depth, size_t full_depth,               \
                                       const float *weights, const float *b, size_t b_row,         \
                                       float *out, size_t out_row)                                 \
    {                                                                                              \
        multiply_by(rows, 1, nv, depth, full_depth, weights, b, b_row, out, out_row);              \
    }
EACH_BLOCK(MULTIPLY_ANY)

INLINE void multiply_any(size_t rows, size_t nv, size_t depth, size_t full_depth,
                         const float *weights, const float *b, size_t b_row, float *out,
                         size_t out_row)
{
#define CASE(nv)                                                                                   \
    case nv: multiply_any_##nv(rows, depth, full_depth, weights, b, b_row, out, out_row); break;
    switch (nv) {
        EACH_BLOCK(CASE)
    }
#undef CASE
}

/* Floats that the tiles of nv vectors take for a channel, where products sum over tiles: two of
 * them share one with BF16. */
#define TILES_OF(nv) ((size_t)(nv)*LANES / (BF16 ? 2 : 1))

/* Terms of such a sum over some tiles. */
#define TERMS_OF(tiles) (BF16 ? ((tiles) + 1) / 2 : (tiles))

/* Asks memory for what the next block of an outer product adds to, while this one is computed: the
 * rows are too far apart for the processor to foresee them. */
INLINE void fetch_rows(size_t rows, size_t columns, const float *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < GEMM_VECTORS * LANES; j += 16)
            __builtin_prefetch(out + r * columns + j, 1);
}

/* out[r*columns + j] (+)= sum over t < `tiles` of a[r*a_row + t] * b[t*b_row + j], for r < rows,
 * j < columns (a multiple of LANES); with BF16 t counts pairs of tiles. */
OUT_OF_LINE void multiply_outer(size_t rows, size_t columns, bool accumulate, size_t tiles,
                                const float *a, size_t a_row, const float *b, size_t b_row,
                                float *out)
{
    for (size_t j = 0; j < columns; j += GEMM_VECTORS * LANES)
        for (size_t r = 0; r < rows; r += GEMM_ROWS) {
            size_t left = rows - r < GEMM_ROWS ? rows - r : GEMM_ROWS;
            broadcast ar = {a + r * a_row, a_row, 1};
            float *at = out + r * columns + j;
            if (left == GEMM_ROWS)
                fetch_rows(rows - r - left < GEMM_ROWS ? rows - r - left : GEMM_ROWS, columns,
                           at + GEMM_ROWS * columns);
            switch ((columns - j) / LANES) {
            case 1:
                register_rows(left, 1, 1, accumulate, tiles, ar, b + j, b_row, at, columns);
                break;
            case 2:
                register_rows(left, 1, GEMM_VECTORS < 2 ? GEMM_VECTORS : 2, accumulate, tiles, ar,
                              b + j, b_row, at, columns);
                break;
            default:
                register_rows(left, 1, GEMM_VECTORS, accumulate, tiles, ar, b + j, b_row, at,
                              columns);
                break;
            }
        }
}
#endif

#endif
