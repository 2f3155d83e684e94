/* grid.h - internal: convolutions with strides, and their transposes, by Winograd's method.
 *
 * A convolution with stride s whose kernel has up to about 3s taps is one with stride 1 and 3x3
 * taps, if its input is seen as a grid of places of s x s pixels: all pixels and channels of a
 * place are the channels of the grid,
 *
 *     value (i, j, (ry*step_w + rx)*channels + c) of the grid =
 *         pixel (first_h + i*step_h + ry, first_w + j*step_w + rx, c) of the frame, zero outside.
 *
 * The taps that the kernel lacks are zero. A transposed convolution is one whose output is such a
 * grid. So all of them, the gradients to their inputs too, are convolutions of 3x3 taps from one
 * grid to another, without padding, which F(4x4,3x3) does with 36 products for 16 x 9 (winograd.h
 * has the formulas): 5x5 with stride 2 needs 2.8 times fewer multiplications, 11x11 with stride 4
 * 3.4 times fewer. A plain 3x3 convolution is the case of steps of 1.
 *
 * Where the kernel lacks the first or the last of three taps for some pixels of a place, the
 * weights of one frequency are zero for them, and no products are made: an axis of 5 taps with
 * stride 2 takes 11 products in place of 12.
 *
 * Frames are NHWC. Lanes of a vector are channels, of the input as tiles are transformed and of the
 * output in the products, so that pixels are read and written as they lie. Tiles of 4x4 places of
 * the output are taken in blocks, which pass through
 *
 *     V [f][tile][slice]      the transformed input, f being one of the 36 frequencies
 *     M [f][tile][panel]      the products for some columns, the output's channels
 *     D [f][tile][columns]    for the gradient of the weights: the transformed gradient
 *
 * Frames beyond -1..1 have fine transforms (docs/kernels.md, "Fine transforms"), F(2x2,3x3) four
 * times for a tile: 64 frequencies in place of 36.
 *
 * Bits: a value is a sum over channels in one order, whatever the tiles beside it. So every
 * division into units gives the same. */
#ifndef CONVLSTM_GRID_H
#define CONVLSTM_GRID_H

#include "core.h"
#include "kernels.h"

#define GRID_TILE 4 /* places of the output along each side of a tile */
#define GRID_SPAN 6 /* and of the input */

/* A frame (height, width, channels) as a grid. */
typedef struct convlstm__grid {
    size_t height, width, channels;
    size_t step_h, step_w; /* pixels of a place */
    /* The pixel in which the grid begins; it may lie before the frame. */
    ptrdiff_t first_h, first_w;
} convlstm__grid;

/* Channels of a place. */
static inline size_t convlstm__grid_depth(const convlstm__grid *g)
{
    return g->step_h * g->step_w * g->channels;
}

/* A convolution from one grid to another: place (i, j) of `to` is the sum over taps (y, x) of place
 * (i + y, j + x) of `from`. */
typedef struct convlstm__grid_conv {
    convlstm__grid from, to;
    bool fine;           /* the transforms are the fine ones */
    size_t down, across; /* tiles of `to` */
    size_t block;        /* tiles that are taken at once, at most */
    /* Channels of `from` whose V is in memory at once: all, or so many that they divide the
     * channels of a pixel. */
    size_t slice;
    /* Which taps the kernel lacks. Of the pixels of a place of the wide grid, which is `from`,
     * those before lead_h and lead_w have no first tap, and those from end_h and end_w on no last
     * one. For the way back the taps are turned: there `to` is the wide grid, and the first tap and
     * the last one change places. */
    bool turned;
    size_t lead_h, lead_w, end_h, end_w;
} convlstm__grid_conv;

/* What is done to a convolution's sums: the bias is added, one value per channel of `to` (null:
 * zero), and then a function applied. */
typedef enum convlstm__grid_function {
    CONVLSTM__GRID_LINEAR,
    CONVLSTM__GRID_RELU,
    CONVLSTM__GRID_TANH
} convlstm__grid_function;

typedef struct convlstm__grid_end {
    const float *bias;
    convlstm__grid_function function;
} convlstm__grid_end;

/* Frequencies along an axis, and of a tile. */
static inline size_t convlstm__grid_side(const convlstm__grid_conv *c)
{
    return c->fine ? 2 * GRID_TILE : GRID_SPAN;
}
static inline size_t convlstm__grid_frequencies(const convlstm__grid_conv *c)
{
    return convlstm__grid_side(c) * convlstm__grid_side(c);
}

/* Along an axis: the pixels of a place that have weights at frequency r. step: pixels of a place;
 * lead and end: as above, for this axis. */
static inline convlstm__units convlstm__grid_pixels(const convlstm__grid_conv *c, size_t r,
                                                    size_t step, size_t lead, size_t end)
{
    const size_t points = c->fine ? GRID_TILE : GRID_SPAN, point = r % points;
    const bool low = point == 0, high = point == points - 1;
    return (convlstm__units){(c->turned ? high : low) ? lead : 0,
                             (c->turned ? low : high) ? end : step};
}

/* Units of work: tiles, row by row. */
static inline size_t convlstm__grid_tiles(const convlstm__grid_conv *c)
{
    return c->down * c->across;
}

/* Floats of a row of M or of packed weights. */
static inline size_t convlstm__grid_row(size_t depth) { return nbase__round_up(depth, 16); }

/* Of a row of V or D, of so many channels: the same place of many rows is read in turn, which at a
 * multiple of 512 bytes would lie in a few sets of the cache. */
static inline size_t convlstm__grid_tile_row(size_t depth)
{
    const size_t row = convlstm__grid_row(depth);
    return row % 128 ? row : row + 16;
}

/* Floats from a frequency to the next where a block has rows of `row` floats: an odd number of
 * cache lines. */
static inline size_t convlstm__grid_plane(size_t block, size_t row)
{
    const size_t floats = block * row;
    return floats / 16 % 2 ? floats : floats + 16;
}

/* Packed weights: [f][panel][depth][columns of the panel], all panels but the last one being of
 * `panel` columns, and the last one filled with zeros to a multiple of 16. Those of the last row
 * and the last column of frequencies are multiplied by WINOGRAD_LAST, if they are not fine. */
static inline size_t convlstm__grid_weights(const convlstm__grid_conv *c)
{
    return convlstm__grid_frequencies(c) * convlstm__grid_depth(&c->from) *
           convlstm__grid_row(convlstm__grid_depth(&c->to));
}

/* The gradient of the weights in the Winograd domain: [f][depth of from][row of to's depth]. */
static inline size_t convlstm__grid_gradient(const convlstm__grid_conv *c)
{
    return convlstm__grid_weights(c);
}

/* Floats of scratch, of `forward` and of `weight_gradient`. */
static inline size_t convlstm__grid_forward_scratch(const convlstm__grid_conv *c, size_t panel)
{
    const size_t row = convlstm__grid_tile_row(c->slice);
    return convlstm__grid_frequencies(c) *
           (convlstm__grid_plane(c->block, row) +
            convlstm__grid_plane(c->block, convlstm__grid_row(panel)) + row);
}
static inline size_t convlstm__grid_gradient_scratch(const convlstm__grid_conv *c)
{
    const size_t from = convlstm__grid_tile_row(c->slice),
                 to = convlstm__grid_tile_row(convlstm__grid_depth(&c->to));
    return convlstm__grid_frequencies(c) *
           (convlstm__grid_plane(c->block, from) + convlstm__grid_plane(c->block, to) +
            (from > to ? from : to));
}

#endif
