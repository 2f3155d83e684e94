/* winograd_transform.h - the transforms of winograd.h on vectors of tiles, and their transposes for
 * the gradients. For templates; parameters TAPS, the width of the square kernels: 1, 3 or 5, and
 * FINE (0 or 1), which of the two transforms for this width; FINE has no transposes. */
#ifndef CONVLSTM_WINOGRAD_TRANSFORM_H
#define CONVLSTM_WINOGRAD_TRANSFORM_H

#include "vec.h"
#include "winograd.h"

#if FINE
#include "winograd_points_fine.h"
#elif TAPS == 1
#include "winograd_points1.h"
#elif TAPS == 3
#include "winograd_points3.h"
#elif TAPS == 5
#include "winograd_points5.h"
#else
#error "TAPS must be 1, 3 or 5"
#endif

#if FINE || TAPS != 3 /* they have no other way */
#define input_1d_by(adders, in, out) ((void)(adders), input_1d(in, out))
#define output_1d_transposed_by(adders, in, out) ((void)(adders), output_1d_transposed(in, out))
#endif

#define SPAN WINOGRAD_SPAN(TAPS)
#define SIDE WINOGRAD_SIDE(TAPS, FINE)
#define FREQUENCIES (SIDE * SIDE)
/* A 1x1 kernel has the same weights for all of its "frequencies", which are the pixels of the
 * tile. */
#define WEIGHTS_OF(f) (TAPS == 1 ? 0 : (f))
/* Outputs whose products are computed before they are transformed: so many that M stays in the
 * second-level cache beside V and the weights. */
#define GROUP (TAPS == 1 ? 64 : SIDE == 6 ? 16 : SIDE == 8 ? 24 : 8)

/* Where a vector of tiles lies in a plane: `at` is the first tile's pixel (0,0). */
typedef struct place {
    size_t row, across;
    vmask left, right;
} place;

INLINE place place_of(const convlstm__winograd *w, size_t vector)
{
    const convlstm__winograd_edges *e = &w->edges[vector];
    return (place){.row = w->tiles.row,
                   .across = w->tiles.across,
                   .left = v_mask(e->left),
                   .right = v_mask(e->right)};
}

/* Pixels around a tile on each side. */
#define AROUND ((TAPS - 1) / 2)
/* The tile to which row or column r of the square of SPAN pixels belongs: -1, 0 or 1. */
#define TILE_OF(r) ((r) < AROUND ? -1 : (r) >= 4 + AROUND)

/* Floats from `at` to pixel (r-AROUND, q-AROUND) of the tile, which may lie in a neighbour. */
INLINE ptrdiff_t pixel_offset(const place *where, const int r, const int q)
{
    ptrdiff_t down = TILE_OF(r), right = TILE_OF(q);
    ptrdiff_t pixel = (r + 4 - AROUND) % 4 * 4 + (q + 4 - AROUND) % 4;
    return pixel * (ptrdiff_t)where->row + down * (ptrdiff_t)where->across + right;
}

INLINE vec load_pixel(const float *at, const place *where, const int r, const int q)
{
    const float *p = at + pixel_offset(where, r, q);
    if (TILE_OF(q) < 0) return v_loadu_keep(p, where->left);
    if (TILE_OF(q) > 0) return v_loadu_keep(p, where->right);
    return v_loadu(p);
}

/* With BF16 a transform may round what it stores: to bfloat16 side by side, or to pairs of a value
 * that is there in fp32 and its own. */
#if BF16
#define STORE_SHORT(p, a) v_store_bf16((uint16_t *)(p), a)
#define PAIR(first, a) v_pair_bf16(first, a)
#else
#define STORE_SHORT(p, a) v_store(p, a)
#define PAIR(first, a) (a)
#endif

/* How an input transform computes, and stores a frequency; constants. */
typedef struct manner {
    bool adders; /* f43_add_times */
    enum { AS_FLOATS, AS_SHORT, AS_PAIRS } store;
    const float *first; /* AS_PAIRS: frequency f of the first of each pair at first[f*LANES] */
} manner;

/* For the rows and columns of a transformed tile: the fine transforms of 5x5 have 14 of them, which
 * would be 10 KB of code. */
#if FINE && TAPS == 5
#define EACH_OF_SIDE NO_UNROLL
#else
#define EACH_OF_SIDE UNROLL
#endif

/* B^T d B of the tiles at `at`: frequency (r,q) to out[r*row + q*column]; AS_SHORT in half of a
 * vector's floats. */
INLINE void input_transform_as(const manner how, const float *at, const place *where, float *out,
                               size_t row, size_t column)
{
    vec half[SIDE][SPAN];
    UNROLL
    for (int q = 0; q < SPAN; q++) {
        vec d[SPAN], t[SIDE];
        UNROLL
        for (int r = 0; r < SPAN; r++) d[r] = load_pixel(at, where, r, q);
        input_1d_by(how.adders, d, t);
        UNROLL
        for (int r = 0; r < SIDE; r++) half[r][q] = t[r];
    }
    EACH_OF_SIDE
    for (int r = 0; r < SIDE; r++) {
        vec t[SIDE];
        input_1d_by(how.adders, half[r], t);
        UNROLL
        for (int q = 0; q < SIDE; q++) {
            float *to = out + r * row + q * column;
            if (how.store == AS_SHORT)
                STORE_SHORT(to, t[q]);
            else if (how.store == AS_PAIRS)
                v_store(to, PAIR(v_load(how.first + (r * SIDE + q) * LANES), t[q]));
            else
                v_store(to, t[q]);
        }
    }
}

#if !FINE
/* B v B^T of v[f*stride], added to the pixels around the tiles at `at`. */
INLINE void input_transform_transposed(const float *v, size_t stride, float *at, const place *where)
{
    vec half[SIDE][SIDE];
    UNROLL
    for (int q = 0; q < SIDE; q++) {
        vec m[SIDE], t[SIDE];
        UNROLL
        for (int r = 0; r < SIDE; r++) m[r] = v_load(v + (r * SIDE + q) * stride);
        input_1d_transposed(m, t);
        UNROLL
        for (int r = 0; r < SIDE; r++) half[r][q] = t[r];
    }
    UNROLL
    for (int r = 0; r < SIDE; r++) {
        vec t[SIDE];
        input_1d_transposed(half[r], t);
        UNROLL
        for (int q = 0; q < SIDE; q++) {
            float *p = at + pixel_offset(where, r, q);
            if (TILE_OF(q) < 0)
                v_storeu(p, v_add_if(v_loadu(p), t[q], where->left));
            else if (TILE_OF(q) > 0)
                v_storeu(p, v_add_if(v_loadu(p), t[q], where->right));
            else
                v_storeu(p, v_add(v_loadu(p), t[q]));
        }
    }
}
#endif

/* y[pixel] = A^T m A + bias of m[f*stride]. */
INLINE void output_transform(const float *m, size_t stride, float bias, vec y[16])
{
    static const float scale[4] = OUTPUT_SCALE;
    vec half[4][SIDE], b = v_set(bias);
    EACH_OF_SIDE
    for (int q = 0; q < SIDE; q++) {
        vec d[SIDE], t[4];
        UNROLL
        for (int r = 0; r < SIDE; r++) d[r] = v_load(m + (r * SIDE + q) * stride);
        output_1d(d, t);
        UNROLL
        for (int r = 0; r < 4; r++) half[r][q] = t[r];
    }
    UNROLL
    for (int r = 0; r < 4; r++) {
        vec t[4];
        output_1d(half[r], t);
        UNROLL
        for (int q = 0; q < 4; q++) y[4 * r + q] = v_fma(v_set(scale[r] * scale[q]), t[q], b);
    }
}

#if !FINE
/* out[f*stride] = A y A^T of y[pixel]; or, where `first` is not null, the pair of first[f*LANES]
 * and that. */
INLINE void output_transform_transposed(const bool adders, const float *first, const vec y[16],
                                        float *out, size_t stride)
{
    vec half[SIDE][4];
    UNROLL
    for (int q = 0; q < 4; q++) {
        vec d[4] = {y[q], y[4 + q], y[8 + q], y[12 + q]}, t[SIDE];
        output_1d_transposed_by(adders, d, t);
        UNROLL
        for (int r = 0; r < SIDE; r++) half[r][q] = t[r];
    }
    UNROLL
    for (int r = 0; r < SIDE; r++) {
        vec t[SIDE];
        output_1d_transposed_by(adders, half[r], t);
        UNROLL
        for (int q = 0; q < SIDE; q++) {
            size_t f = r * SIDE + q;
            v_store(out + f * stride, first ? PAIR(v_load(first + f * LANES), t[q]) : t[q]);
        }
    }
}
#endif

#endif
