/* winograd_transform.h - the transforms of winograd.h on vectors of tiles, and their transposes for the gradients. Include after a vec_*.h. */
#ifndef CONVLSTM_WINOGRAD_TRANSFORM_H
#define CONVLSTM_WINOGRAD_TRANSFORM_H

#include "winograd.h"

#define POINT_A ((float)WINOGRAD_A)
#define POINT_B ((float)(2 * WINOGRAD_A))

/* Where a vector of tiles lies in a plane: `at` is the first tile's pixel (0,0). */
typedef struct place {
    size_t row, across;
    vmask left, right;
} place;

INLINE place place_of(const convlstm__winograd *w, size_t vector)
{
    const convlstm__winograd_edges *e = &w->edges[vector];
    return (place){.row = w->tiles.row, .across = w->tiles.across, .left = v_mask(e->left), .right = v_mask(e->right)};
}

/* Floats from `at` to pixel (r-1, q-1) of the 6x6 around the tile, in the tile of its own or a neighbour. */
INLINE ptrdiff_t pixel_offset(const place *where, const int r, const int q)
{
    ptrdiff_t down = r == 0 ? -1 : r == 5, right = q == 0 ? -1 : q == 5;
    ptrdiff_t pixel = (r + 3) % 4 * 4 + (q + 3) % 4;
    return pixel * (ptrdiff_t)where->row + down * (ptrdiff_t)where->across + right;
}

INLINE vec load_pixel(const float *at, const place *where, const int r, const int q)
{
    const float *p = at + pixel_offset(where, r, q);
    if (q == 0) return v_loadu_keep(p, where->left);
    if (q == 5) return v_loadu_keep(p, where->right);
    return v_loadu(p);
}

/* out += B^T d, one column or row. */
INLINE void input_1d(const vec d[6], vec out[6])
{
    vec a = v_fnma(v_set(2.0f), d[2], d[4]), b = v_fnma(v_set(2.0f), d[1], d[3]);
    vec c = v_fnma(v_set(0.5f), d[2], d[4]), e = v_fnma(v_set(0.5f), d[1], d[3]);
    out[0] = v_fnma(v_set(2.5f), d[2], v_add(d[0], d[4]));
    out[1] = v_fma(v_set(POINT_A), b, a);
    out[2] = v_fnma(v_set(POINT_A), b, a);
    out[3] = v_fma(v_set(POINT_B), e, c);
    out[4] = v_fnma(v_set(POINT_B), e, c);
    out[5] = v_fnma(v_set(2.5f), d[3], v_add(d[1], d[5]));
}

/* B v. */
INLINE void input_1d_transposed(const vec v[6], vec out[6])
{
    vec p = v_add(v[1], v[2]), q = v_sub(v[1], v[2]), r = v_add(v[3], v[4]), s = v_sub(v[3], v[4]);
    out[0] = v[0];
    out[1] = v_fnma(v_set(POINT_A), v_fma(v_set(2.0f), q, s), v[5]);
    out[2] = v_fnma(v_set(0.5f), r, v_fnma(v_set(2.0f), p, v_mul(v_set(-2.5f), v[0])));
    out[3] = v_fma(v_set(POINT_A), v_fma(v_set(2.0f), s, q), v_mul(v_set(-2.5f), v[5]));
    out[4] = v_add(v[0], v_add(p, r));
    out[5] = v[5];
}

/* A^T m with rows scaled by 1, 1/a, 2, 2/a, and m[5] by 2/a beforehand (in the weights): then all is sums and powers of two. output_transform puts
 * the scales right as it adds the bias. */
INLINE void output_1d(const vec m[6], vec out[4])
{
    vec s1 = v_add(m[1], m[2]), d1 = v_sub(m[1], m[2]), s2 = v_add(m[3], m[4]), d2 = v_sub(m[3], m[4]);
    out[0] = v_add(m[0], v_add(s1, s2));
    out[1] = v_fma(v_set(2.0f), d2, d1);
    out[2] = v_fma(v_set(4.0f), s2, s1);
    out[3] = v_fma(v_set(8.0f), d2, v_add(d1, m[5]));
}

/* A y. */
INLINE void output_1d_transposed(const vec y[4], vec out[6])
{
    vec s = v_fma(v_set(0.5f), y[2], y[0]), d = v_fma(v_set(0.5f), y[3], y[1]);
    vec e = v_fma(v_set(2.0f), y[2], y[0]), f = v_fma(v_set(2.0f), y[3], y[1]);
    out[0] = y[0];
    out[1] = v_fma(v_set(POINT_A), d, s);
    out[2] = v_fnma(v_set(POINT_A), d, s);
    out[3] = v_fma(v_set(POINT_B), f, e);
    out[4] = v_fnma(v_set(POINT_B), f, e);
    out[5] = y[3];
}

/* out[f*stride] = B^T d B of the tiles at `at`. */
INLINE void input_transform(const float *at, const place *where, float *out, size_t stride)
{
    vec half[6][6];
    UNROLL for (int q = 0; q < 6; q++) {
        vec d[6], t[6];
        UNROLL for (int r = 0; r < 6; r++) d[r] = load_pixel(at, where, r, q);
        input_1d(d, t);
        UNROLL for (int r = 0; r < 6; r++) half[r][q] = t[r];
    }
    UNROLL for (int r = 0; r < 6; r++) {
        vec t[6];
        input_1d(half[r], t);
        UNROLL for (int q = 0; q < 6; q++) v_store(out + (r * 6 + q) * stride, t[q]);
    }
}

/* B v B^T of v[f*stride], added to the pixels around the tiles at `at`. */
INLINE void input_transform_transposed(const float *v, size_t stride, float *at, const place *where)
{
    vec half[6][6];
    UNROLL for (int q = 0; q < 6; q++) {
        vec m[6], t[6];
        UNROLL for (int r = 0; r < 6; r++) m[r] = v_load(v + (r * 6 + q) * stride);
        input_1d_transposed(m, t);
        UNROLL for (int r = 0; r < 6; r++) half[r][q] = t[r];
    }
    UNROLL for (int r = 0; r < 6; r++) {
        vec t[6];
        input_1d_transposed(half[r], t);
        UNROLL for (int q = 0; q < 6; q++) {
            float *p = at + pixel_offset(where, r, q);
            if (q == 0) v_storeu(p, v_add_if(v_loadu(p), t[q], where->left));
            else if (q == 5) v_storeu(p, v_add_if(v_loadu(p), t[q], where->right));
            else v_storeu(p, v_add(v_loadu(p), t[q]));
        }
    }
}

/* y[pixel] = A^T m A + bias of m[f*stride]. */
INLINE void output_transform(const float *m, size_t stride, float bias, vec y[16])
{
    static const float scale[4] = {1, POINT_A, 0.5f, 0.5f * POINT_A};
    vec half[4][6], b = v_set(bias);
    UNROLL for (int q = 0; q < 6; q++) {
        vec d[6], t[4];
        UNROLL for (int r = 0; r < 6; r++) d[r] = v_load(m + (r * 6 + q) * stride);
        output_1d(d, t);
        UNROLL for (int r = 0; r < 4; r++) half[r][q] = t[r];
    }
    UNROLL for (int r = 0; r < 4; r++) {
        vec t[4];
        output_1d(half[r], t);
        UNROLL for (int q = 0; q < 4; q++) y[4 * r + q] = v_fma(v_set(scale[r] * scale[q]), t[q], b);
    }
}

/* out[f*stride] = A y A^T of y[pixel]. */
INLINE void output_transform_transposed(const vec y[16], float *out, size_t stride)
{
    vec half[6][4];
    UNROLL for (int q = 0; q < 4; q++) {
        vec d[4] = {y[q], y[4 + q], y[8 + q], y[12 + q]}, t[6];
        output_1d_transposed(d, t);
        UNROLL for (int r = 0; r < 6; r++) half[r][q] = t[r];
    }
    UNROLL for (int r = 0; r < 6; r++) {
        vec t[6];
        output_1d_transposed(half[r], t);
        UNROLL for (int q = 0; q < 6; q++) v_store(out + (r * 6 + q) * stride, t[q]);
    }
}

#endif
