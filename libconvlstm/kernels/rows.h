/* rows.h - internal: frames as rows of pairs of bfloat16, the layout of the direct backend.
 *
 * A frame (H,W,C) is cut into rows of pixels, and a row into its pairs of channels (2i, 2i+1). A
 * pair is a number of vectors of 16 words; a word is a pixel, the even channel in its lower half:
 *
 *     frame   [reach rows of zeros][H rows][reach rows of zeros][slack]
 *     row     [pair][vector -halo .. vectors-1+halo][16 lanes]
 *
 * Lane l of vector v is pixel x = l * vectors + v: neighbours are in the same lane of the next
 * vector, so that a convolution loads aligned vectors only. The vectors of the halo repeat what is
 * left of the first vector and right of the last one, shifted by a lane: vector -1 is the left
 * neighbours of vector 0. Words outside the frame are zero, those of an odd last channel's partner
 * too. Slack is what the product of a kernel of 2*reach+1 rows reads beyond the last row, times
 * zero.
 *
 * A frame of few channels may be `spread`: a pixel then has those of its 2*reach+1 neighbours in
 * the row as well, from left to right, and no halo. A photo's convolution is so shallow otherwise
 * that most of its products would be of zeros. */
#ifndef CONVLSTM_ROWS_H
#define CONVLSTM_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Lanes of a vector; also the depth, in pairs, of one product of tiles (direct.h). */
#define ROWS_LANES 16

typedef struct convlstm__rows {
    size_t height, width, channels; /* of the frame */
    size_t reach;                   /* of a kernel: its width is 2*reach + 1 */
    bool spread;
    size_t vectors; /* width / 16, rounded up */
    size_t halo;    /* vectors on either side */
    size_t inner;   /* vectors halo .. halo+inner-1 are not repeated in it */
    /* Bit l: lane l is a pixel of the frame, in vectors before `longer` and in the others. */
    size_t longer;
    unsigned inside[2];
    size_t pairs; /* of channels, in a pixel */
    size_t pitch; /* words from a pair to the next */
    size_t row;   /* words from a row to the next */
    size_t words; /* of the whole frame */
} convlstm__rows;

/* For frames of that size. */
convlstm__rows convlstm__rows_of(size_t height, size_t width, size_t channels, size_t reach,
                                 bool spread);

/* The word of vector 0, lane 0 of a row and pair. */
static inline size_t convlstm__rows_at(const convlstm__rows *r, size_t y, size_t pair)
{
    return (y + r->reach) * r->row + pair * r->pitch + r->halo * ROWS_LANES;
}

/* Pixel x's distance from there. */
static inline size_t convlstm__rows_lane(const convlstm__rows *r, size_t x)
{
    return x % r->vectors * ROWS_LANES + x / r->vectors;
}

/* The lanes of vector v that are inside the frame. */
static inline unsigned convlstm__rows_inside(const convlstm__rows *r, size_t v)
{
    return r->inside[v < r->longer ? 0 : 1];
}

/* Products of tiles that a kernel over such frames needs in each of its columns (1 if spread). */
static inline size_t convlstm__rows_tiles(const convlstm__rows *r)
{
    return ((2 * r->reach + 1) * r->pairs + ROWS_LANES - 1) / ROWS_LANES;
}

/* Clears the rows before the first and behind the last, and the slack; each if asked for. */
void convlstm__rows_clear_around(const convlstm__rows *r, bool before, bool behind, float *frame);

/* ---- bfloat16: the upper half of a float ---- */

/* To nearest, ties to even. */
static inline uint16_t convlstm__to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float convlstm__of_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
