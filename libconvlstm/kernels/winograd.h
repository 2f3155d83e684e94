/* winograd.h - internal: a ConvLSTM step by Winograd's minimal filtering F(4x4,3x3) (Winograd 1980;
 * Lavin & Gray 2016), all in one pass over the tiles. Kernels of 5x5 go by F(4x4,5x5); those of 1x1
 * use the same code without a transform.
 *
 * F(4x4,3x3). A tile of 4x4 outputs of a 3x3 convolution depends on the 6x6 pixels around it:
 *
 *     Y = A^T [ (G g G^T) . (B^T d B) ] A
 *
 * with 36 products in place of 144; the matrices are in base/vec_f43.h. The points of
 * interpolation are 0, +-a, +-b and infinity with a = 1/sqrt(2) and b = sqrt(2), which halve the
 * rounding error of 0, +-1, +-2 and infinity.
 *
 * F(4x4,5x5). A tile depends on the 8x8 pixels around it: 64 products in place of 400, at the
 * points 0, +-1/2, +-1, +-2 and infinity, with some four times the rounding error
 * (winograd_points5.h). What follows is written for 3x3.
 *
 * x and h are stacked, channels + filters, into one product. Its 4F outputs are in the order
 * filter*4 + gate, so that the four gates of a filter end together, and c' and h' follow at once.
 * docs/kernels.md explains the whole design.
 *
 * A block of nv vectors of tiles passes through these arrays, where f is one of the 36 frequencies:
 *
 *     V [f][channel][nv*lanes]    the transformed input: the channels of x, then those of h
 *     M [output][f][3*lanes]      products of a step forward, of which nv*lanes are used (where
 *                                 blocks have one vector: [lanes])
 *     D [f][output][nv*lanes]     A dz A^T, the transformed gradient of the gates
 *     E [channel][f][nv*lanes]    products of a step back: the channels of h, then those of x
 *
 * With products of bfloat16 an element is a pair, of what a product sums over: channels 2k and 2k+1
 * in V of a step forward, outputs 2k and 2k+1 in D, and in V of a step back tiles 2t and 2t+1.
 *
 * What belongs to one tile alone is kept in these forms:
 *
 *     c, dc   [vector][filter][16 pixels][lanes]
 *     gates   [vector][filter][pair of pixels][gate][2][lanes] in fp32; or in 16-bit fixed point,
 *             where the lanes of the two pixels lie as v_pack16 puts them, followed by c,
 *             [vector][filter][pair][2][lanes], and by the ranges of c, [vector][filter][2]
 *             floats; with odd_states steps with an even number have no c
 *
 * Bits: an output is a sum over channels in one order, whatever the block, so every division of a
 * step into units gives the same. */
#ifndef CONVLSTM_WINOGRAD_H
#define CONVLSTM_WINOGRAD_H

#include <stdint.h>

#include "core.h"
#include "kernels.h"
#include "tiles.h"

/* The side of the square of pixels on which a tile's outputs depend, for a kernel `taps` wide; and
 * that of the transformed tile, which is larger with the fine transforms. */
#define WINOGRAD_SPAN(taps) ((taps) + 3)
#define WINOGRAD_SIDE(taps, fine) ((fine) ? 3 * (taps)-1 : WINOGRAD_SPAN(taps))
#define WINOGRAD_MOST_TAPS 5
#define WINOGRAD_MOST_SIDE WINOGRAD_SIDE(WINOGRAD_MOST_TAPS, 1)

/* The positive points of F(4,5), other than 0 and infinity. */
#define WINOGRAD_POINTS5                                                                           \
    {                                                                                              \
        0.5, 1, 2                                                                                  \
    }

/* The last row and column of A^T are scaled by 1/(2b), and the weights by 2b: see output_1d in
 * winograd_points3.h. */
#define WINOGRAD_LAST 2.82842712474619009760

/* The largest frame side and channel count: beyond any use, and small enough that sizes cannot
 * overflow. */
#define WINOGRAD_MAX_SIDE 65536
#define WINOGRAD_MAX_CHANNELS 16384

/* Filters that winograd_columns.h takes together: so many that a column of V stays in the
 * first-level cache beside the half-transformed values of these filters. */
#define WINOGRAD_COLUMN_FILTERS 4

/* Bit l is for lane l of a vector of tiles. */
typedef struct convlstm__winograd_edges {
    uint16_t left, right; /* tiles that have a neighbour to the left, to the right */
    uint16_t pixel[16];   /* tiles whose pixel p is inside the frame */
} convlstm__winograd_edges;

/* A layer at one image size: what its kernels read. */
typedef struct convlstm__winograd {
    const convlstm__winograd_kernels *kernels;
    const convlstm__weights_kernels *transforms;
    convlstm__tiles tiles; /* of x, c and what is computed */
    /* Of h. With 'valid' padding it is inset in the same tiles: what its pixels see of x is all
     * inside x, and of h zeros beyond it, as in Keras. */
    convlstm__tiles out;
    size_t channels;       /* of x */
    size_t filters;        /* of h */
    size_t taps;           /* of the kernel */
    bool fine;             /* the transforms are those of winograd_points_fine.h */
    size_t side;           /* of the transformed tile */
    size_t frequencies;    /* side squared */
    size_t weight_sets;    /* frequencies; 1 for a 1x1 kernel */
    size_t depth;          /* of the forward products: channels + filters, or pairs of them */
    size_t backward_depth; /* of those of the data gradient: 4F outputs, or pairs of them */
    bool columns;          /* the step forward is that of winograd_columns.h */
    bool adders;           /* the processor has spare ones: f43_add_times */
    size_t forward_block, backward_block; /* vectors of tiles in a block, at most */

    bool rectified; /* the activation is relu, else tanh */
    /* The recurrent activation is clip(z, 0, 1), with its slope and 0.5 in the weights and the
     * bias; else it is sigmoid. */
    bool hard;
    double slope;     /* of the former, for the gradient */
    bool fixed_gates; /* gates and c are kept in 16-bit fixed point */
    bool again;       /* c alone is, and the gates are computed again on the way back */
    bool odd_states;  /* with fixed_gates and not `again`: c of steps with an odd number alone is */

    bool lanes_over_outputs; /* the form of the weight gradient, see below */
    size_t wgrad_rows, wgrad_columns;
    size_t bias_at, backward_at, again_at;         /* floats into `packed` */
    size_t v_floats, m_floats, d_floats, e_floats; /* of the scratch arrays */
    size_t sums_at, again_m_at; /* floats into the scratch: winograd_sums.h, and M of `again` */
    const convlstm__winograd_edges *edges; /* one per vector of tiles */

    /* The same layer with the fine transforms, for vectors of tiles that need them
     * (winograd_fine.h): `fineness` and `fine_weights` of a step are there then. Null: none. */
    const struct convlstm__winograd *finer;
    size_t fineness_at, fine_at; /* floats into `packed` */
} convlstm__winograd;

/* When a vector of tiles takes the fine transforms: if too much is lost to rounding with the
 * others. That is, as squares, which add up, `always`, and of_x and of_h times the mean squares of
 * x and of h; 1 is what is allowed. */
typedef struct convlstm__winograd_fineness {
    float always, of_x, of_h;
} convlstm__winograd_fineness;

/* Packed weights, in floats:
 *
 *     weights   [f of weight_sets][4F/rows rounded up][depth][rows]: outputs in blocks, the last
 *               one filled with zeros; with `columns`: [filter][q][depth][r][gate]
 *     bias      [4F rounded up to rows]
 *     backward  [f][(filters + channels)/rows rounded up][backward_depth][rows], transposed: the
 *               channels of h first
 *     fineness, and the weights of `finer`, if there is one: the channels of h first
 *
 *     again     with `again` and `columns`: the weights once more, in blocks of outputs. Without
 *               `columns` they are so anyway, at 0
 *
 * Weight gradient, in floats, in the Winograd domain:
 *
 *     weights   [f][wgrad_rows][wgrad_columns]: rows and columns are channels and outputs or, where
 *               that fills the vectors better, outputs and channels
 *     bias      [4F][lanes] */

/* A step forward. */
typedef struct convlstm__winograd_forward {
    const float *weights, *bias;
    /* Of the kernels for steps without gates, or of those for training; the second with
     * `columns`. */
    convlstm__finish *finish, *finish_columns;
    float *scratch;      /* V, then M; at sums_at sums */
    const float *x;      /* a frame of tiles */
    const float *h_prev; /* as x; null: zero */
    const float *c_prev; /* null: zero */
    float *h, *c;
    float *gates;               /* null: not wanted */
    bool odd;                   /* with gates: so is the step's number */
    float *affine;              /* scale * h + shift, a frame like h; null: not wanted */
    const float *scale, *shift; /* one value per filter */
    bool fine;                  /* all vectors take the fine transforms */
    const convlstm__winograd_fineness *fineness;
    const float *fine_weights;
    /* With gates, all units in one call: 2F sums over the frame, of h and then of its square; null:
     * not wanted. */
    double *moments;
} convlstm__winograd_forward;

/* A step back; the fields are those of convlstm__cell_step_back. */
typedef struct convlstm__winograd_backward {
    const float *weights;
    const float *weights_forward, *bias; /* with `again`: at again_at, bias_at */
    float *scratch; /* V, D, E, then a transposed part of V or D; at sums_at sums */
    const float *x, *c, *gates;
    const float *h_prev, *c_prev; /* null: zero */
    /* With gates in fixed point, of the step before and of that before it: c_prev is before the
     * first of those that are not null. */
    const float *gates_prev, *gates_before;
    bool odd;                  /* so is the step's number */
    const float *dh, *dh_next; /* null: zero */
    float *dc, *dh_prev, *wgrad;
    bool first; /* of wgrad the gradient of the weights is written, not added to; with h_prev, and
                   not with products of bfloat16 */
    float *dx;  /* null: not wanted */
    /* 2C sums over the frame, of dx and then of dx * dx_with; null: not wanted. */
    double *dx_sums;
    const float *dx_with; /* a frame like x */
} convlstm__winograd_backward;

/* Floats from one frequency, or one output, of a scratch array to the next: an odd number of cache
 * lines, so that the 36 fall into different sets. */
static inline size_t convlstm__winograd_stride(size_t floats)
{
    return nbase__round_up(floats, 16) + (nbase__round_up(floats, 16) / 16 % 2 ? 0 : 16);
}

/* Floats of a row of a scratch array of which the same place of many rows is read in turn: at a
 * multiple of 512 bytes these would lie in a few sets of the cache. */
static inline size_t convlstm__winograd_turned_row(size_t floats)
{
    return floats % 128 ? floats : floats + 16;
}

/* Floats of V for so many channels: 36 frequencies or, with `columns`, 6 columns of them. */
static inline size_t convlstm__winograd_v_floats(const convlstm__winograd *w, size_t channels)
{
    if (w->columns)
        return w->side * convlstm__winograd_stride(channels * w->side * w->kernels->lanes);
    return w->frequencies *
           convlstm__winograd_stride(channels * w->forward_block * w->kernels->lanes);
}

/* The same for the steps of two layers together (forward_pair in kernels.h). */
static inline size_t convlstm__winograd_pair_v(const convlstm__winograd *a,
                                               const convlstm__winograd *b)
{
    return convlstm__winograd_v_floats(a, a->channels + b->channels + b->filters);
}

#endif
