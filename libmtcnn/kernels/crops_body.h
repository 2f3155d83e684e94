/* crops_body.h - R-Net and O-Net on LANES crops at once, one crop per lane: every layer is plain
 * arithmetic on vectors, whatever its size. Maps are (channels, height, width) vectors. For
 * templates. */
#ifndef MTCNN_CROPS_BODY_H
#define MTCNN_CROPS_BODY_H

#include <stdint.h>

#include "net_kernels.h"
#include "toom_body.h"
#include "vec.h"

/* ---- products in the transformed domain ---- */

/* sums[k * tiles + t] = sum over c of kernel[c * out + k] data[c * tiles + t], for `ks` channels
 * and `ts` tiles. */
INLINE void product(const float *kernel, const float *data, size_t in, size_t out, size_t tiles,
                    float *sums, const int ks, const int ts)
{
    vec acc[16];
    UNROLL_ALL(16)
    for (int i = 0; i < ks * ts; i++) acc[i] = v_set(0);
    for (size_t c = 0; c < in; c++) {
        vec d[8];
        for (int t = 0; t < ts; t++) d[t] = v_load(data + (c * tiles + (size_t)t) * LANES);
        for (int t = 0; t < ts; t++) V_PIN(d[t]);
        for (int k = 0; k < ks; k++) {
            vec w = v_set(kernel[c * out + (size_t)k]);
            for (int t = 0; t < ts; t++) acc[k * ts + t] = v_fma(w, d[t], acc[k * ts + t]);
        }
    }
    for (int k = 0; k < ks; k++)
        for (int t = 0; t < ts; t++)
            v_store(sums + ((size_t)k * tiles + (size_t)t) * LANES, acc[k * ts + t]);
}

/* All of 16 channels by all tiles of a row. */
static void products(const float *kernel, const float *data, size_t in, size_t out, size_t tiles,
                     float *sums)
{
    for (size_t t = 0; t < tiles;) {
        size_t left = tiles - t;
        const float *d = data + t * LANES;
        float *s = sums + t * LANES;
        if (left >= 4 && LANES == 16) {
            for (size_t k = 0; k < 16; k += 4)
                product(kernel + k, d, in, out, tiles, s + k * tiles * LANES, 4, 4);
            t += 4;
        } else if (left >= 3) {
            for (size_t k = 0; k < 16; k += 4)
                product(kernel + k, d, in, out, tiles, s + k * tiles * LANES, 4, 3);
            t += 3;
        } else if (left >= 2) {
            for (size_t k = 0; k < 16; k += 4)
                product(kernel + k, d, in, out, tiles, s + k * tiles * LANES, 4, 2);
            t += 2;
        } else {
            for (size_t k = 0; k < 16; k += 8)
                product(kernel + k, d, in, out, tiles, s + k * tiles * LANES, 8, 1);
            t += 1;
        }
    }
}

/* ---- a convolution by tiles ---- */

typedef void (*transform)(const vec *in, vec *out);

/* Tile whose first input is `at`: data[(i n + j) in tiles] = B^T d B. */
INLINE void tile_data(const float *at, size_t width, size_t apart, float *data, transform t,
                      const int n)
{
    vec half[6][6];
    for (int x = 0; x < n; x++) {
        vec d[6], v[6];
        for (int y = 0; y < n; y++) d[y] = v_load(at + ((size_t)y * width + (size_t)x) * LANES);
        t(d, v);
        for (int y = 0; y < n; y++) half[y][x] = v[y];
    }
    for (int y = 0; y < n; y++) {
        vec v[6];
        t(half[y], v);
        for (int x = 0; x < n; x++) v_store(data + (size_t)(y * n + x) * apart, v[x]);
    }
}

INLINE void tile_sums(const float *sums, size_t apart, float bias, float slope, float *to,
                      size_t width, transform t, const int n, const int m)
{
    vec half[4][6];
    for (int x = 0; x < n; x++) {
        vec s[6], y[4];
        for (int i = 0; i < n; i++) s[i] = v_load(sums + (size_t)(i * n + x) * apart);
        t(s, y);
        for (int i = 0; i < m; i++) half[i][x] = y[i];
    }
    for (int i = 0; i < m; i++) {
        vec y[4];
        t(half[i], y);
        for (int x = 0; x < m; x++)
            v_store(to + ((size_t)i * width + (size_t)x) * LANES,
                    v_prelu(v_add(y[x], v_set(bias)), slope));
    }
}

/* in (l->in, side, side) -> out (l->out, m tiles, m tiles): tiles of m x m fit exactly, and l->out
 * is a multiple of 16. */
INLINE void conv_tiles(const mtcnn__layer *l, const float *in, size_t side, size_t tiles,
                       float *out, float *scratch, transform data, transform sums, const int n,
                       const int m)
{
    size_t width = tiles * (size_t)m, row = tiles * LANES;
    float *v = scratch, *s = v + (size_t)(n * n) * l->in * row;
    for (size_t ty = 0; ty < tiles; ty++) {
        for (size_t c = 0; c < l->in; c++)
            for (size_t tx = 0; tx < tiles; tx++)
                tile_data(in + ((c * side + ty * (size_t)m) * side + tx * (size_t)m) * LANES, side,
                          l->in * row, v + c * row + tx * LANES, data, n);
        for (size_t k = 0; k < l->out; k += 16) {
            for (size_t p = 0; p < (size_t)(n * n); p++)
                products(l->toom + p * l->in * l->out + k, v + p * l->in * row, l->in, l->out,
                         tiles, s + p * 16 * row);
            for (size_t j = 0; j < 16; j++)
                for (size_t tx = 0; tx < tiles; tx++)
                    tile_sums(s + j * row + tx * LANES, 16 * row, l->bias[k + j], l->prelu[k + j],
                              out + (((k + j) * width + ty * (size_t)m) * width + tx * (size_t)m) *
                                        LANES,
                              width, sums, n, m);
        }
    }
}

static void conv_33(const mtcnn__layer *l, const float *in, size_t side, size_t tiles, float *out,
                    float *scratch)
{
    conv_tiles(l, in, side, tiles, out, scratch, data_33, sums_33, 5, 3);
}
static void conv_43(const mtcnn__layer *l, const float *in, size_t side, size_t tiles, float *out,
                    float *scratch)
{
    conv_tiles(l, in, side, tiles, out, scratch, data_43, sums_43, 6, 4);
}
static void conv_32(const mtcnn__layer *l, const float *in, size_t side, size_t tiles, float *out,
                    float *scratch)
{
    conv_tiles(l, in, side, tiles, out, scratch, data_32, sums_32, 4, 3);
}

/* ---- the first layer: F(4x4, 3x3) on three planes, then pooling by 3x3, two apart ---- */

/* Tiles of a row and channels that are worked on at a time. */
enum {
    FIRST_TILES = 3,
    FIRST_CHANNELS = 4,
    FIRST_DATA = (3 * FIRST_TILES + 1) * LANES,
    FIRST_SUMS = (FIRST_CHANNELS * FIRST_TILES + 1) * LANES
};

/* Transformed data of the tile at (y0, x0); what lies beyond the plane is needed by no result that
 * counts, and is its last row or column. */
INLINE void first_data(const float *plane, size_t side, size_t y0, size_t x0, float *to)
{
    vec half[6][6];
    UNROLL_ALL(6)
    for (size_t j = 0; j < 6; j++) {
        size_t x = x0 + j < side ? x0 + j : side - 1;
        vec d[6], v[6];
        for (size_t i = 0; i < 6; i++)
            d[i] = v_loadu(plane + ((y0 + i < side ? y0 + i : side - 1) * side + x) * LANES);
        data_43(d, v);
        for (size_t i = 0; i < 6; i++) half[i][j] = v[i];
    }
    UNROLL_ALL(6)
    for (size_t i = 0; i < 6; i++) {
        vec v[6];
        data_43(half[i], v);
        for (size_t j = 0; j < 6; j++) v_store(to + (i * 6 + j) * FIRST_DATA, v[j]);
    }
}

INLINE void raise(float *at, vec v) { v_store(at, v_max(v_load(at), v)); }

/* The maxima that a tile's 4x4 values bring to the pooled map (half, half): to two whole rows and
 * columns of it, and to those before, which the tiles above and on the left began. Of the last
 * tile's rows and columns only two are there. */
INLINE void pool_square(const vec v[4][4], size_t ty, size_t tx, size_t half, float *map)
{
    bool last_x = 2 * tx + 1 >= half, last_y = 2 * ty + 1 >= half;
    /* pooled rows 2 ty - 1, 2 ty, 2 ty + 1 */
    for (size_t r = ty ? 0 : 1; r < (last_y ? 2 : 3); r++) {
        vec c[4];
        for (size_t x = 0; x < 4; x++)
            c[x] = r == 0   ? v[0][x]
                   : r == 2 ? v_max(v[2][x], v[3][x])
                   : last_y ? v_max(v[0][x], v[1][x])
                            : v_max(v_max(v[0][x], v[1][x]), v[2][x]);
        float *to = map + ((2 * ty + r - 1) * half + 2 * tx) * LANES;
        vec middle = last_x ? v_max(c[0], c[1]) : v_max(v_max(c[0], c[1]), c[2]),
            right = v_max(c[2], c[3]);
        if (tx) raise(to - LANES, c[0]);
        if (r == 0)
            raise(to, middle);
        else
            v_store(to, middle);
        if (last_x) continue;
        if (r == 0)
            raise(to + LANES, right);
        else
            v_store(to + LANES, right);
    }
}

/* in (3, side, side) -> out (l->out, half, half), half = side / 2 - 1; the convolution is never
 * whole in memory. side is a multiple of 12, l->out of FIRST_CHANNELS. scratch: FIRST_WORK
 * vectors. */
enum { FIRST_WORK = 36 * (FIRST_DATA + FIRST_SUMS) / LANES };
static void first_layer(const mtcnn__layer *l, const float *in, size_t side, float *out,
                        float *scratch)
{
    size_t half = side / 2 - 1, tiles = side / 4;
    float *data = scratch, *sums = data + 36 * FIRST_DATA;
    for (size_t ty = 0; ty < tiles; ty++)
        for (size_t tx = 0; tx < tiles; tx += FIRST_TILES) {
            for (size_t c = 0; c < 3; c++)
                for (size_t t = 0; t < FIRST_TILES; t++)
                    first_data(in + c * side * side * LANES, side, 4 * ty, 4 * (tx + t),
                               data + (c * FIRST_TILES + t) * LANES);
            for (size_t k = 0; k < l->out; k += FIRST_CHANNELS) {
                for (size_t p = 0; p < 36; p++)
                    product(l->toom + p * 3 * l->out + k, data + p * FIRST_DATA, 3, l->out,
                            FIRST_TILES, sums + p * FIRST_SUMS, FIRST_CHANNELS, FIRST_TILES);
                for (size_t j = 0; j < FIRST_CHANNELS; j++)
                    for (size_t t = 0; t < FIRST_TILES; t++) {
                        vec v[4][4];
                        square_sums(sums + (j * FIRST_TILES + t) * LANES, FIRST_SUMS, v);
                        for (size_t i = 0; i < 16; i++)
                            v[i / 4][i % 4] = v_prelu(v_add(v[i / 4][i % 4], v_set(l->bias[k + j])),
                                                      l->prelu[k + j]);
                        pool_square(v, ty, tx + t, half, out + (k + j) * half * half * LANES);
                    }
            }
        }
}

/* Maximum of whole windows of side x side, two apart. */
static void pool_whole(const float *in, size_t channels, size_t side, size_t window, float *out)
{
    size_t half = (side - window) / 2 + 1;
    for (size_t c = 0; c < channels; c++, in += side * side * LANES)
        for (size_t y = 0; y < half; y++)
            for (size_t x = 0; x < half; x++, out += LANES) {
                const float *at = in + (2 * y * side + 2 * x) * LANES;
                vec best = v_load(at);
                for (size_t j = 0; j < window; j++)
                    for (size_t i = 0; i < window; i++)
                        best = v_max(best, v_load(at + (j * side + i) * LANES));
                v_store(out, best);
            }
}

/* ---- dense layers ---- */

/* Channels k to k + ks - 1 of a dense layer on a map (channels, area); the kernel's rows run over
 * the area first, channels fastest. */
INLINE void dense_few(const mtcnn__layer *l, size_t k, const float *in, size_t channels,
                      size_t area, float *out, const int ks)
{
    vec acc[16];
    for (int j = 0; j < ks; j++) acc[j] = v_set(l->bias[k + (size_t)j]);
    const float *w = l->kernel + k;
    for (size_t i = 0; i < area; i++)
        for (size_t c = 0; c < channels; c++, w += l->out) {
            vec d = v_load(in + (c * area + i) * LANES);
            V_PIN(d);
            for (int j = 0; j < ks; j++) acc[j] = v_fma(v_set(w[j]), d, acc[j]);
        }
    for (int j = 0; j < ks; j++)
        v_store(out + (k + (size_t)j) * LANES,
                l->prelu ? v_prelu(acc[j], l->prelu[k + (size_t)j]) : acc[j]);
}

static void dense(const mtcnn__layer *l, const float *in, size_t channels, size_t area, float *out)
{
    size_t k = 0;
#if LANES == 16
    /* a cache line of every row */
    for (; k + 16 <= l->out; k += 16) dense_few(l, k, in, channels, area, out, 16);
#endif
    for (; k + 8 <= l->out; k += 8) dense_few(l, k, in, channels, area, out, 8);
    for (; k + 2 <= l->out; k += 2) dense_few(l, k, in, channels, area, out, 2);
}

/* The heads on the features of the last dense layer, of 2, 4 and 10 channels; landmarks may be
 * null. `out` may stand anywhere. */
static void crop_heads(const mtcnn__layer *class, const mtcnn__layer *box,
                       const mtcnn__layer *landmarks, const float *features, size_t count,
                       float *out)
{
    _Alignas(64) float logits[2 * LANES], values[10 * LANES];
    dense_few(class, 0, features, count, 1, logits, 2);
    v_storeu(out, v_sub(v_load(logits + LANES), v_load(logits)));
    dense_few(box, 0, features, count, 1, values, 4);
    for (size_t i = 0; i < 4; i++) v_storeu(out + (1 + i) * LANES, v_load(values + i * LANES));
    if (!landmarks) return;
    dense_few(landmarks, 0, features, count, 1, values, 10);
    for (size_t i = 0; i < 10; i++) v_storeu(out + (5 + i) * LANES, v_load(values + i * LANES));
}

/* ---- the networks; sizes as in nets_ref.c ---- */

/* The first vector boundary from p on; scratch has room for it. */
static float *on_boundary(float *p) { return (float *)(((uintptr_t)p + 63) / 64 * 64); }

enum {
    R_POOL1 = 28 * 11 * 11,
    R_CONV2 = 48 * 9 * 9,
    R_POOL2 = 48 * 4 * 4,
    R_CONV3 = 64 * 3 * 3,
    R_DENSE = 128,
    /* transformed data and sums of the largest layer; the first layer's take less */
    R_WORK = 25 * (28 + 16) * 3,
    O_POOL1 = 32 * 23 * 23,
    O_CONV2 = 64 * 21 * 21,
    O_POOL2 = 64 * 10 * 10,
    O_CONV3 = 64 * 8 * 8,
    O_POOL3 = 64 * 4 * 4,
    O_CONV4 = 128 * 3 * 3,
    O_DENSE = 256,
    O_WORK = 25 * (32 + 16) * 7
};

static size_t rnet_scratch(void)
{
    return (size_t)(R_POOL1 + R_CONV2 + R_POOL2 + R_CONV3 + R_DENSE + R_WORK) * LANES + 16;
}

static void rnet(const mtcnn__params *p, const float *in, float *out, float *scratch)
{
    float *pool1 = on_boundary(scratch), *conv2 = pool1 + R_POOL1 * LANES,
          *pool2 = conv2 + R_CONV2 * LANES;
    float *conv3 = pool2 + R_POOL2 * LANES, *features = conv3 + R_CONV3 * LANES,
          *work = features + R_DENSE * LANES;
    first_layer(&p->rconv[0], in, 24, pool1, work);
    conv_33(&p->rconv[1], pool1, 11, 3, conv2, work);
    pool_whole(conv2, 48, 9, 3, pool2);
    conv_32(&p->rconv[2], pool2, 4, 1, conv3, work);
    dense(&p->rdense, conv3, 64, 9, features);
    crop_heads(&p->rclass, &p->rbox, NULL, features, R_DENSE, out);
}

static size_t onet_scratch(void)
{
    return (size_t)(O_POOL1 + O_CONV2 + O_POOL2 + O_CONV3 + O_POOL3 + O_CONV4 + O_DENSE + O_WORK) *
               LANES +
           16;
}

static void onet(const mtcnn__params *p, const float *in, float *out, float *scratch)
{
    float *pool1 = on_boundary(scratch), *conv2 = pool1 + O_POOL1 * LANES,
          *pool2 = conv2 + O_CONV2 * LANES;
    float *conv3 = pool2 + O_POOL2 * LANES, *pool3 = conv3 + O_CONV3 * LANES,
          *conv4 = pool3 + O_POOL3 * LANES;
    float *features = conv4 + O_CONV4 * LANES, *work = features + O_DENSE * LANES;
    first_layer(&p->oconv[0], in, 48, pool1, work);
    conv_33(&p->oconv[1], pool1, 23, 7, conv2, work);
    pool_whole(conv2, 64, 21, 3, pool2);
    conv_43(&p->oconv[2], pool2, 10, 2, conv3, work);
    pool_whole(conv3, 64, 8, 2, pool3);
    conv_32(&p->oconv[3], pool3, 4, 1, conv4, work);
    dense(&p->odense, conv4, 128, 9, features);
    crop_heads(&p->oclass, &p->obox, &p->olandmarks, features, O_DENSE, out);
}

#endif
