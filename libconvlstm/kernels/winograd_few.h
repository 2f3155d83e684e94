/* winograd_few.h - products for the few tiles of a frame's last vector. There lanes are rows of the
 * weights, which lie side by side as they are packed, and a tile's value is broadcast: a tile costs
 * a sixteenth of a vector of tiles, and has the same bits. 26x26 pixels are 49 tiles, which are
 * three vectors of 16 and one tile. For templates; parameters TAPS, FINE and BF16. */
#ifndef CONVLSTM_WINOGRAD_FEW_H
#define CONVLSTM_WINOGRAD_FEW_H

#include "vec.h"
#include "winograd_transform.h"

/* A vector that has more tiles than this is a vector like others. None are few where it would be
 * code for little: in narrow vectors, with few lanes, and in products that are seldom used. */
#define FEW_TILES (TAPS == 3 && !FINE && !BF16 && LANES >= 16 ? LANES / 4 : 0)

/* Sums that are made at the same time, so that none waits for its last product. */
#define CHAINS 8

/* Tiles of the last of some vectors, if they are few, else 0. */
INLINE size_t few_tiles(const convlstm__winograd *w, size_t last)
{
    const size_t tiles = w->tiles.count % LANES;
    return last + 1 == w->tiles.vectors && tiles <= FEW_TILES ? tiles : 0;
}

/* Factors of several products, called sets: their weights, packed in blocks of rows, and the values
 * that they are multiplied by, of which those of a tile are `row` floats apart. */
typedef struct few_factors {
    const float *weights;
    size_t weights_set, weights_block; /* floats from set to set, and from block to block */
    const float *b;
    size_t b_set, row;
} few_factors;

/* The sums of `sets` times `blocks` row blocks for a tile; both are constants once inlined. Of
 * blocks from `last` on the last one is taken again. */
INLINE void few_sums(const size_t sets, const size_t blocks, size_t last, size_t depth,
                     const few_factors *f, float *values)
{
    vrow sum[CHAINS];
    const float *a[CHAINS];
    UNROLL
    for (size_t i = 0; i < CHAINS; i++) {
        const size_t block = i % blocks < last ? i % blocks : last;
        a[i] = f->weights + i / blocks * f->weights_set + block * f->weights_block;
        sum[i] = v_row_set(0.0f);
    }
    NO_UNROLL
    for (size_t k = 0; k < depth; k++) UNROLL
    for (size_t s = 0; s < sets; s++) {
        const vrow y = v_row_set(f->b[s * f->b_set + k * f->row]);
        UNROLL
        for (size_t i = s * blocks; i < (s + 1) * blocks; i++)
            sum[i] = v_row_fma(v_row_load(a[i] + k * GEMM_ROWS), y, sum[i]);
    }
    UNROLL
    for (size_t i = 0; i < CHAINS; i++) v_row_store(values + i * GEMM_ROWS, sum[i]);
}

/* Row r of set s goes to out[s*out_set + r*out_row], tile by tile, with zeros in the other lanes:
 * `rows` rows of `sets` sets. */
INLINE void few_products(const size_t sets, size_t rows, size_t tiles, size_t depth,
                         const few_factors *f, float *out, size_t out_set, size_t out_row)
{
    const size_t blocks = CHAINS / sets;
    float values[CHAINS * GEMM_ROWS] __attribute__((aligned(64)));
    for (size_t r0 = 0; r0 < rows; r0 += blocks * GEMM_ROWS) {
        const size_t some = rows - r0 < blocks * GEMM_ROWS ? rows - r0 : blocks * GEMM_ROWS;
        few_factors part = *f;
        part.weights += r0 / GEMM_ROWS * f->weights_block;
        for (size_t t = 0; t < tiles; t++, part.b++) {
            few_sums(sets, blocks, (some - 1) / GEMM_ROWS, depth, &part, values);
            for (size_t s = 0; s < sets; s++)
                for (size_t r = 0; r < some; r++) {
                    float *at = out + s * out_set + (r0 + r) * out_row;
                    if (t == 0) v_store(at, v_set(0.0f));
                    at[t] = values[s * blocks * GEMM_ROWS + r];
                }
        }
    }
}

/* The gates of some filters at all frequencies. */
OUT_OF_LINE void few_gates(size_t rows, size_t tiles, size_t depth, const few_factors *f, float *m,
                           size_t m_frequency, size_t m_row)
{
    enum { SETS = 4 }; /* a group has few row blocks */
    _Static_assert(FREQUENCIES % SETS == 0, "frequencies are taken in whole sets");
    few_factors some = *f;
    for (size_t s = 0; s < FREQUENCIES; s += SETS) {
        few_products(SETS, rows, tiles, depth, &some, m + s * m_frequency, m_frequency, m_row);
        some.weights += SETS * f->weights_set;
        some.b += SETS * f->b_set;
    }
}

#if !FINE && !defined(NBASE_NO_TRAINING)
/* Any rows at one frequency. */
OUT_OF_LINE void few_rows(size_t rows, size_t tiles, size_t depth, const few_factors *f, float *out,
                          size_t out_row)
{
    few_products(1, rows, tiles, depth, f, out, 0, out_row);
}
#endif

#endif
