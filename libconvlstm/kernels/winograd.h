/* winograd.h - internal: a ConvLSTM step by Winograd's minimal filtering F(4x4,3x3) (Winograd 1980;
 * Lavin & Gray 2016), all in one pass over the tiles; kernels of 5x5 by F(4x4,5x5), of 1x1 with the
 * same code and no transform.
 *
 * A 3x3 convolution of a 4x4 tile takes the 6x6 pixels around it: Y = A^T [ (G g G^T) . (B^T d B) ]
 * A, with 36 products in place of 144. The points of interpolation are 0, +-a, +-b, infinity with a
 * = 1/sqrt(2), b = sqrt(2): half the rounding error of 0, +-1, +-2, infinity.
 *
 *            | 1   0   -5/2   0   1  0 |            | 1   1   1   1    1   0 |
 *              |  1     0     0   |
 *            | 0  -2a   -2    a   1  0 |      A^T = | 0   a  -a   b   -b   0 |
 *              | -2/3 -2a/3  -1/3 |
 *      B^T = | 0   2a   -2   -a   1  0 |            | 0  1/2 1/2  2    2   0 |              G =
 *        | -2/3  2a/3  -1/3 |
 *            | 0  -b/2 -1/2   b   1  0 |            | 0  a/2-a/2  2b  -2b  1 |
 *              |  1/6   b/6   1/3 |
 *            | 0   b/2 -1/2  -b   1  0 |
 *              |  1/6  -b/6   1/3 |
 *            | 0   1     0  -5/2  0  1 |
 *              |  0     0     1   |
 *
 * A 5x5 kernel takes the 8x8 pixels around a tile, 64 products in place of 400, at the points 0,
 * +-1/2, +-1, +-2, infinity: some four times the rounding error (winograd_points5.h). What follows
 * is written for 3x3.
 *
 * x and h are stacked, channels + filters, into one product; its 4F outputs are ordered filter*4 +
 * gate, so that the four gates of a filter end together and c' and h' follow at once.
 * docs/kernels.md tells the whole story.
 *
 * A block of vectors passes through these arrays (f: one of the 36 frequencies, nv: vectors of
 * tiles in the block):
 *      V [f][channel][nv*lanes]     transformed input; the channels of x, then of h
 *      M [output][f][3*lanes]       products of the forward pass; nv*lanes are used, or 3 is 1
 *                                   where blocks are of one vector
 *      D [f][output][nv*lanes]      A dz A^T, the transformed gradient of the gates
 *      E [channel][f][nv*lanes]     products of the backward pass; the channels of h, then of x
 * What belongs to a tile alone is kept as [vector][filter][16 pixels][lanes] (c, dc) and
 *      [vector][filter][pair of pixels][gate][2][lanes] (gates; fp32 or 16-bit fixed point, of
 *        which the two pixels' lanes lie as v_pack16 puts them).
 *
 * Bits: an output is a sum over channels in order, whatever the block; so any division of a step
 * into vectors gives the same. */
#ifndef CONVLSTM_WINOGRAD_H
#define CONVLSTM_WINOGRAD_H

#include <stdint.h>

#include "core.h"
#include "kernels.h"
#include "tiles.h"

#define WINOGRAD_A 0.70710678118654752440 /* b = 2a = 1/a */
/* The pixels on a side that a tile's outputs depend on, for a kernel `taps` wide. */
#define WINOGRAD_SIDE(taps) ((taps) + 3)
#define WINOGRAD_MOST_TAPS 5
#define WINOGRAD_POINTS5                                                                           \
    {                                                                                              \
        0.5, 1, 2                                                                                  \
    }
/* The last row and column of A^T are scaled by 1/(2b), and the weights by 2b: see output_1d in
 * winograd_points3.h. */
#define WINOGRAD_LAST 2.82842712474619009760
/* The largest frame side and channel count: beyond any use, and sizes can't overflow. */
#define WINOGRAD_MAX_SIDE 65536
#define WINOGRAD_MAX_CHANNELS 16384
/* Filters that winograd_columns.h takes together: so many that a column of V stays in the
 * first-level cache beside what is half transformed of them. */
#define WINOGRAD_COLUMN_FILTERS 4

/* Bit l is for lane l of a vector of tiles. */
typedef struct convlstm__winograd_edges {
    uint16_t left, right; /* tiles that have a neighbour to the left, to the right */
    uint16_t pixel[16];   /* tiles whose pixel is inside the frame */
} convlstm__winograd_edges;

typedef struct convlstm__winograd {
    const convlstm__winograd_kernels *kernels;
    convlstm__tiles tiles;
    size_t channels, filters;       /* of x, of h */
    size_t taps, side, frequencies; /* of the kernel; of the transformed tile: taps + 3, squared */
    size_t weight_sets;             /* frequencies; 1 for a 1x1 kernel */
    size_t depth; /* of the forward products: channels + filters, or pairs of them */
    bool columns; /* the forward step is that of winograd_columns.h */
    size_t forward_block, backward_block; /* vectors of tiles in a block, at most */
    bool rectified;                       /* the activation is relu, else tanh */
    /* the recurrent activation is clip(z, 0, 1): slope and 0.5 are in the weights and the bias;
     * else sigmoid */
    bool hard;
    bool fixed_gates;        /* kept in 16-bit fixed point */
    double slope;            /* its slope, for the gradient */
    bool lanes_over_outputs; /* form of the weight gradient, see below */
    size_t wgrad_rows, wgrad_columns;
    size_t bias_at, backward_at;                   /* floats into `packed` */
    size_t v_floats, m_floats, d_floats, e_floats; /* of the scratch arrays */
    const convlstm__winograd_edges *edges;         /* one per vector of tiles */
} convlstm__winograd;

/* Packed, floats:
 *   weights   [f of weight_sets][4F/rows rounded up][depth][rows]   outputs in blocks, the last
 *     filled with zeros; with `columns`: [filter][q][depth][r][gate]
 *   bias      [4F rounded up to rows]
 *   backward  [f][(filters + channels)/rows rounded up][4F][rows] transposed; the channels of h
 *             first
 * Weight gradient, floats, in the Winograd domain: [f][wgrad_rows][wgrad_columns], rows and columns
 * being channels and outputs or, where that fills the vectors better, outputs and channels; then of
 * the bias [4F][lanes]. */
typedef struct convlstm__winograd_forward {
    const float *weights, *bias;
    float *scratch;
    const float *x, *h_prev, *c_prev; /* h_prev, c_prev may be null */
    float *h, *c, *gates;             /* gates may be null */
    const float *scale, *shift;       /* a filter */
    float *affine;                    /* scale h + shift, as h; null: not wanted */
} convlstm__winograd_forward;

typedef struct convlstm__winograd_backward {
    const float *weights;
    float *scratch;
    /* h_prev, c_prev, dh, dh_next may be null */
    const float *x, *h_prev, *c_prev, *c, *gates, *dh, *dh_next;
    float *dc, *dx, *dh_prev, *wgrad; /* dx may be null */
} convlstm__winograd_backward;

/* Floats from one frequency, or one output, of a scratch array to the next: an odd number of cache
 * lines, so that the 36 fall into different sets. */
static inline size_t convlstm__winograd_stride(size_t floats)
{
    return nbase__round_up(floats, 16) + (nbase__round_up(floats, 16) / 16 % 2 ? 0 : 16);
}

/* Floats of V of so many channels: 36 frequencies, or 6 columns of them (winograd_columns.h). */
static inline size_t convlstm__winograd_v_floats(const convlstm__winograd *w, size_t channels)
{
    if (w->columns)
        return w->side * convlstm__winograd_stride(channels * w->side * w->kernels->lanes);
    return w->frequencies *
           convlstm__winograd_stride(channels * w->forward_block * w->kernels->lanes);
}

/* The same of two layers' steps together (kernels.h, forward_pair). */
static inline size_t convlstm__winograd_pair_v(const convlstm__winograd *a,
                                               const convlstm__winograd *b)
{
    return convlstm__winograd_v_floats(a, a->channels + b->channels + b->filters);
}

#endif
