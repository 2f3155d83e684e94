/* direct.h - internal: a ConvLSTM step by direct convolution with products of bfloat16, on the tile
 * unit of the processor (Intel AMX) or in plain C with the same bits.
 *
 * A product of tiles is C += A B: A has 16 rows of 16 pairs of weights, B 16 rows of pairs of
 * channels by 16 pixels, C 16 outputs by 16 pixels in fp32. The outputs of A are 4 filters' gates,
 * filter*4 + gate, so that the four gates of a filter are rows of one tile; they are called a
 * block. The rows of B are the rows of pairs that follow one another in a frame (rows.h): for one
 * column of the kernel, all its rows and channels. So the depth of an output is, for x and then for
 * h, for each column of the kernel, taps * pairs rows, in tiles of 16; what is beyond them has
 * weights of zero.
 *
 * A unit of work is a row of pixels, up to 6 vectors of them, and a block: its products go to C,
 * one tile per vector. While they run, the gates, c' and h' of the unit before are computed, two
 * filters and a vector at a time, which the processor overlaps. Layers in a pair take turns, row by
 * row.
 *
 * Sums of tiles: in fp32, for each product of tiles the even and the odd channels of the pairs
 * apart, in order; then both together to C. Subnormal numbers count as zero. Every output has this
 * one order of sums, so any division of a step over rows gives the same bits, and so does plain C.
 *
 * tanh is a table of short polynomials (direct_gates.h), sigmoid is (tanh(z/2) + 1)/2.
 * docs/kernels.md explains the design. */
#ifndef CONVLSTM_DIRECT_H
#define CONVLSTM_DIRECT_H

#include "core.h"
#include "kernels.h"
#include "rows.h"

#define DIRECT_VECTORS 6 /* whose sums are in tiles at the same time, at most */
#define DIRECT_TILE 256  /* floats of a tile */
#define DIRECT_BLOCK 4   /* filters of a block */

/* The largest frame side and channel count: small enough that sizes cannot overflow. */
#define DIRECT_MAX_SIDE 65536
#define DIRECT_MAX_CHANNELS 16384

/* What sums begin with: where it is, in floats into `packed`, and floats from a vector of pixels to
 * the next, and from a kind of row (convlstm__direct_edge) to the next: 0 where all begin alike. */
typedef struct convlstm__direct_starts {
    size_t at, vector, edge;
} convlstm__direct_starts;

/* A layer at one image size: what its kernels read. */
typedef struct convlstm__direct {
    convlstm__rows x, h; /* the frames */
    size_t filters;
    size_t blocks;           /* of 4 filters */
    size_t depth_x, depth_h; /* tiles of an output's products with x and with h */
    bool rectified;          /* the activation is relu, else tanh */
    bool hard;               /* the gates i, f and o are clip(z, 0, 1); else (tanh(z) + 1)/2 */
    convlstm__direct_starts starts[2]; /* of sums without h_prev, and with it */
    size_t centre_at;                  /* floats into `packed` */
    size_t packed_floats;
    size_t c_row; /* floats of c from a row to the next */
} convlstm__direct;

/* Packed weights:
 *
 *     weights   [block][tile of x's depth, then of h's][16 outputs][16 pairs] of bfloat16
 *     starts    [kind of row][vector][block][16 outputs][16 lanes] floats; perhaps twice
 *     centre    [filter] floats, an even number of them
 *
 * The slope of a gate (0.2, 1/6, or 1/2 for sigmoid) is in its weights and bias, and so is the 0.5
 * of a hard sigmoid. A map of x (cell_ops.pack_map) is in the weights of x by its scale and in the
 * sums by its shift; those depend on which taps are outside the frame, hence on the row and the
 * pixel.
 *
 * A frame h holds h - centre for each filter, inside the frame. What a map of h scales up is h's
 * distance from a value that may be far from 0, and bfloat16 has few digits: so they are spent on
 * that distance. Sums with h_prev begin with what the centre adds, in the same way as a shift. */

/* c: [row][pair of filters][vector][2 filters][16 lanes]. */
static inline size_t convlstm__direct_c_at(const convlstm__direct *d, size_t y, size_t pair,
                                           size_t vector)
{
    return y * d->c_row + (pair * d->h.vectors + vector) * 2 * ROWS_LANES;
}

/* Rows of the kernel that are above and below the frame for row y, as a number: 0 for inside. */
static inline size_t convlstm__direct_edge(const convlstm__direct *d, size_t y)
{
    const size_t reach = d->h.reach, left = d->h.height - 1 - y;
    return (y < reach ? reach - y : 0) * (reach + 1) + (left < reach ? reach - left : 0);
}

/* How many kinds of row there are. */
static inline size_t convlstm__direct_edges(const convlstm__direct *d)
{
    return (d->h.reach + 1) * (d->h.reach + 1);
}

/* A step forward. */
typedef struct convlstm__direct_step {
    const float *packed;
    float *scratch;      /* DIRECT_SCRATCH floats */
    const float *x;      /* a frame of d->x */
    const float *h_prev; /* a frame of d->h; null: zero */
    const float *c_prev; /* null: zero */
    float *h, *c;        /* c may be c_prev */
    /* scale * h + shift, a frame like h; null: not wanted. Not of a layer with a centre. */
    float *mapped;
    const float *scale, *shift; /* one value per filter */
} convlstm__direct_step;

#define DIRECT_SCRATCH (DIRECT_VECTORS * DIRECT_TILE)

#endif
