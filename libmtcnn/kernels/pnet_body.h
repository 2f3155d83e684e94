/* pnet_body.h - P-Net on a band, LANES neighbouring tiles at once. For templates.
 *
 * A tile is 4x4 values of a map after the pooling, or the 8x8 pixels under them. Tiles are numbered
 * along the rows of tiles, one row after the other, and neighbours in number are neighbours in a
 * vector: so narrow levels fill vectors too, and a tile's right and lower neighbours are its number
 * plus 1 and plus the tiles of a row. (A row's last tile is followed by the next row's first: what
 * is computed from it lies beyond the map and is dropped.) Each value of a tile has its plane. All
 * layers work by F(4x4, 3x3) (toom.h); the first pools its results where they are, in registers.
 * Only the numbers that are still needed are kept, in rings that fit the second-level cache. */
#ifndef MTCNN_PNET_BODY_H
#define MTCNN_PNET_BODY_H

#include <string.h>

#include "crops_body.h"
#include "net_kernels.h"
#include "quads.h"
#include "toom_body.h"
#include "vec.h"

/* Register block of the products: channels by vectors of tiles. */
#if LANES == 16
enum { TILE_CHANNELS = 16, TILE_VECTORS = 1 };
#elif LANES == 8
enum { TILE_CHANNELS = 4, TILE_VECTORS = 3 };
#else
enum { TILE_CHANNELS = 8, TILE_VECTORS = 2 };
#endif
enum { STEP = TILE_VECTORS * LANES, PNET_HEADS = MTCNN__PNET_OUT };

/* ---- rings ---- */

/* Planes of tile values by number modulo `length`, which is a multiple of STEP; after each plane
 * come its first values again, so that a vector may begin anywhere. */
typedef struct ring {
    float *v;
    size_t length, plane; /* floats; plane > length */
} ring;

/* Room for a window of tiles, a step that reads them and one that is being computed. */
static size_t ring_length(size_t window) { return (window + 3 * STEP) / STEP * STEP; }

/* An odd number of cache lines, so that planes do not meet in the same sets. */
static size_t odd_lines(size_t floats) { return ((floats + 15) / 16 | 1) * 16; }

static ring new_ring(float *v, size_t window)
{
    size_t length = ring_length(window);
    return (ring){v, length, odd_lines(length + STEP)};
}

/* Where a tile and its right, lower and lower right neighbours stand in a plane. */
typedef struct places {
    size_t at[2][2]; /* below, right */
} places;

static places places_of(const ring *r, size_t tile, size_t across)
{
    return (places){{{tile % r->length, (tile + 1) % r->length},
                     {(tile + across) % r->length, (tile + across + 1) % r->length}}};
}

/* Copies a vector of `count` planes to after their ends. */
static void ring_repeat(const ring *r, float *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        v_store(at + i * r->plane + r->length, v_load(at + i * r->plane));
}

/* ---- pixels ---- */

/* Pixels 8 x + 0 .. 7 of a row to place `at` of eight planes. */
static void part_few(const float *row, size_t n, const ring *to, float *planes, size_t at)
{
    for (size_t i = 0; i < 8; i++) {
        float v = i < n ? row[i] : 0;
        planes[i * to->plane + at] = v;
        if (at < STEP) planes[i * to->plane + at + to->length] = v;
    }
}

/* A row of pixels to the tiles from number `tile` on: eight planes. */
static void part_row(const float *row, size_t width, size_t tile, size_t across, const ring *to,
                     float *planes)
{
    size_t at = tile % to->length, x = 0;
    while (x < across) {
        if (8 * x + 32 > width || at + 4 > to->length || at < STEP) {
            part_few(row + 8 * x, width - 8 * x, to, planes, at);
            x++;
            at++;
        } else {
            for (size_t half = 0; half < 2; half++) {
                quad q[4];
                for (size_t i = 0; i < 4; i++) q[i] = quad_at(row + 8 * (x + i) + 4 * half);
                turn_block(q);
                for (size_t i = 0; i < 4; i++)
                    memcpy(planes + (4 * half + i) * to->plane + at, &q[i], sizeof q[i]);
            }
            x += 4;
            at += 4;
        }
        if (at == to->length) at = 0;
    }
}

/* A row of tiles of the picture: planes (3, 8, 8); rows beyond the band stay what they are, for no
 * cell needs them. */
static void part_tiles(const mtcnn__band *b, size_t ty, size_t across, const ring *to)
{
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 8 && 8 * ty + i < b->rows; i++)
            part_row(b->in + (c * b->rows + 8 * ty + i) * b->width, b->width, ty * across, across,
                     to, to->v + (c * 8 + i) * 8 * to->plane);
}

/* ---- F(4x4, 3x3) ---- */

/* Transformed data of a square of 4x4 results, whose first value is (y0, x0) of tiles of side x
 * side planes: products (36), `apart` floats each. */
INLINE void square_data(const float *planes, size_t plane, const places *at, const size_t side,
                        size_t y0, size_t x0, float *to, size_t apart)
{
    vec half[6][6];
    UNROLL_ALL(6)
    for (size_t j = 0; j < 6; j++) {
        vec d[6], v[6];
        size_t x = x0 + j;
        UNROLL_ALL(6)
        for (size_t i = 0; i < 6; i++) {
            size_t y = y0 + i;
            d[i] =
                v_loadu(planes + (y % side * side + x % side) * plane + at->at[y / side][x / side]);
        }
        data_43(d, v);
        for (size_t i = 0; i < 6; i++) half[i][j] = v[i];
    }
    UNROLL_ALL(6)
    for (size_t i = 0; i < 6; i++) {
        vec v[6];
        data_43(half[i], v);
        for (size_t j = 0; j < 6; j++) v_store(to + (i * 6 + j) * apart, v[j]);
    }
}

/* ---- first layer and pooling ---- */

/* The cells at the right and lower edge whose second column or row is outside the picture: their
 * numbers modulo a row's tiles and from a tile on, and which of the tile's four columns or rows
 * they are. */
typedef struct edges {
    size_t column_tile, column; /* column 4: none */
    size_t row_tile, row;
} edges;

static edges edges_of(const mtcnn__band *b, size_t across)
{
    size_t last_x = mtcnn__pnet_side(b->width) + 3, last_y = mtcnn__pnet_side(b->rows) + 3;
    return (edges){.column_tile = last_x / 4,
                   .column = b->width % 2 ? last_x % 4 : 4,
                   .row_tile = last_y / 4 * across,
                   .row = b->rows % 2 ? last_y % 4 : 4};
}

/* Lanes of the tiles from `tile` on that stand in column `x` of their row. */
static unsigned lanes_in_column(size_t tile, size_t x, size_t across)
{
    unsigned bits = 0;
    for (size_t i = (x + across - tile % across) % across; i < LANES; i += across) bits |= 1u << i;
    return bits;
}

/* Lanes of the tiles from `tile` on whose number is at least `first`. */
static unsigned lanes_from(size_t tile, size_t first)
{
    const unsigned all = (1u << LANES) - 1;
    return first <= tile ? all : first - tile < LANES ? all & ~0u << (first - tile) : 0;
}

INLINE vec choose(vec a, vec b, unsigned bits)
{
    return v_add(v_keep(a, v_mask(~bits & ((1u << LANES) - 1))), v_keep(b, v_mask(bits)));
}

/* Maximum of the four after bias and PReLU: that of the largest or, where the slope is negative, of
 * the least. */
INLINE vec pooled_prelu(vec a, vec b, vec c, vec d, float bias, float slope)
{
    vec most = v_prelu(v_add(v_max(v_max(a, b), v_max(c, d)), v_set(bias)), slope);
    if (slope >= 0) return most;
    return v_max(most, v_prelu(v_add(v_min(v_min(a, b), v_min(c, d)), v_set(bias)), slope));
}

enum {
    PNET_FIRST = 10,
    PNET_PART = PNET_FIRST / 2,
    PNET_DATA_APART = (3 * 2 + 1) * LANES,
    PNET_SUMS_APART = (PNET_PART * 2 + 1) * LANES
};

/* The pooled cells of LANES tiles. A tile has two rows of two squares of 4x4 results, which are 2x2
 * cells. */
static void first_tiles(const mtcnn__layer *l, const ring *in, size_t tile, size_t across,
                        const edges *e, const ring *out, float *data, float *sums)
{
    places at = places_of(in, tile, across);
    size_t place = tile % out->length;
    unsigned last_column = e->column < 4 ? lanes_in_column(tile, e->column_tile, across) : 0,
             last_row = e->row < 4 ? lanes_from(tile, e->row_tile) : 0;
    for (size_t row = 0; row < 2; row++) {
        for (size_t c = 0; c < 3; c++)
            for (size_t square = 0; square < 2; square++)
                square_data(in->v + c * 64 * in->plane, in->plane, &at, 8, 4 * row, 4 * square,
                            data + (c * 2 + square) * LANES, PNET_DATA_APART);
        for (size_t k = 0; k < PNET_FIRST; k += PNET_PART) {
            for (size_t p = 0; p < 36; p++)
                product(l->toom + p * 3 * PNET_FIRST + k, data + p * PNET_DATA_APART, 3, PNET_FIRST,
                        2, sums + p * PNET_SUMS_APART, PNET_PART, 2);
            for (size_t j = 0; j < PNET_PART; j++)
                for (size_t square = 0; square < 2; square++) {
                    float *to = out->v + ((k + j) * 16 + 8 * row + 2 * square) * out->plane + place;
                    vec v[4][4];
                    square_sums(sums + (j * 2 + square) * LANES, PNET_SUMS_APART, v);
                    for (size_t y = 0; y < 2; y++)
                        for (size_t x = 0; x < 2; x++) {
                            vec a = v[2 * y][2 * x], b = v[2 * y][2 * x + 1],
                                c = v[2 * y + 1][2 * x], d = v[2 * y + 1][2 * x + 1];
                            if (last_column && e->column == 2 * square + x)
                                b = choose(b, a, last_column), d = choose(d, c, last_column);
                            if (last_row && e->row == 2 * row + y)
                                c = choose(c, a, last_row), d = choose(d, b, last_row);
                            v_store(to + (y * 4 + x) * out->plane,
                                    pooled_prelu(a, b, c, d, l->bias[k + j], l->prelu[k + j]));
                        }
                }
        }
    }
    if (place < STEP) ring_repeat(out, out->v + place, PNET_FIRST * 16);
}

/* ---- second layer ---- */

/* Floats between the products' planes of data and of sums: a cache line more, so that they do not
 * meet in the same sets. */
static size_t data_apart(size_t channels) { return (channels * TILE_VECTORS + 1) * LANES; }
enum { SUMS_APART = (TILE_CHANNELS * TILE_VECTORS + 1) * LANES };

/* Transformed data of the tiles from `tile` on, products (36) by channels by TILE_VECTORS
 * vectors. */
static void tiles_data(const ring *in, size_t tile, size_t across, size_t channels, float *data)
{
    for (size_t t = 0; t < TILE_VECTORS; t++) {
        places at = places_of(in, tile + t * LANES, across);
        for (size_t c = 0; c < channels; c++)
            square_data(in->v + c * 16 * in->plane, in->plane, &at, 4, 0, 0,
                        data + (c * TILE_VECTORS + t) * LANES, data_apart(channels));
    }
}

/* Products of channels k to k + TILE_CHANNELS - 1. */
static void tiles_products(const mtcnn__layer *l, size_t k, const float *data, float *sums)
{
    size_t apart = data_apart(l->in);
    for (size_t p = 0; p < 36; p++)
        product(l->toom + p * l->in * l->out + k, data + p * apart, l->in, l->out, TILE_VECTORS,
                sums + p * SUMS_APART, TILE_CHANNELS, TILE_VECTORS);
}

/* The 4x4 values of a channel after bias and PReLU, to as many planes. */
INLINE void tile_values(const float *sums, float bias, float slope, float *to, size_t plane)
{
    vec v[4][4];
    square_sums(sums, SUMS_APART, v);
    for (size_t i = 0; i < 16; i++)
        v_store(to + i * plane, v_prelu(v_add(v[i / 4][i % 4], v_set(bias)), slope));
}

static void second_tiles(const mtcnn__layer *l, const ring *in, size_t tile, size_t across,
                         const ring *out, float *data, float *sums)
{
    tiles_data(in, tile, across, l->in, data);
    for (size_t k = 0; k < l->out; k += TILE_CHANNELS) {
        tiles_products(l, k, data, sums);
        for (size_t t = 0; t < TILE_VECTORS; t++) {
            size_t place = (tile + t * LANES) % out->length;
            for (size_t j = 0; j < TILE_CHANNELS; j++) {
                float *to = out->v + (k + j) * 16 * out->plane + place;
                /* the next channel's */
                for (size_t i = 0; i < 16; i++) __builtin_prefetch(to + (16 + i) * out->plane, 1);
                tile_values(sums + (j * TILE_VECTORS + t) * LANES, l->bias[k + j], l->prelu[k + j],
                            to, out->plane);
                if (place < STEP) ring_repeat(out, to, 16);
            }
        }
    }
}

/* ---- last layer and heads ---- */

/* Adds TILE_CHANNELS channels from k on to the heads of a vector of tiles: values (TILE_CHANNELS,
 * 16) and out (PNET_HEADS, 16) vectors. */
static void add_heads(const float *kernel, size_t k, const float *values, float *out, size_t plane)
{
    for (size_t i = 0; i < 16; i += 2) {
        vec acc[PNET_HEADS][2];
        for (size_t h = 0; h < PNET_HEADS; h++)
            for (size_t n = 0; n < 2; n++)
                acc[h][n] =
                    k ? v_load(out + (h * 16 + i + n) * plane) : v_set(kernel[32 * PNET_HEADS + h]);
        for (size_t j = 0; j < TILE_CHANNELS; j++) {
            vec a = v_load(values + (j * 16 + i) * LANES),
                b = v_load(values + (j * 16 + i + 1) * LANES);
            for (size_t h = 0; h < PNET_HEADS; h++) {
                vec w = v_set(kernel[(k + j) * PNET_HEADS + h]);
                acc[h][0] = v_fma(w, a, acc[h][0]);
                acc[h][1] = v_fma(w, b, acc[h][1]);
            }
        }
        for (size_t h = 0; h < PNET_HEADS; h++)
            for (size_t n = 0; n < 2; n++) v_store(out + (h * 16 + i + n) * plane, acc[h][n]);
    }
}

/* out: planes (PNET_HEADS, 16) of all tiles of the band, `plane` floats each. */
static void third_tiles(const mtcnn__layer *l, const float *heads, const ring *in, size_t tile,
                        size_t across, float *out, size_t plane, float *data, float *sums)
{
    _Alignas(64) float values[TILE_CHANNELS * 16 * LANES];
    tiles_data(in, tile, across, l->in, data);
    for (size_t k = 0; k < l->out; k += TILE_CHANNELS) {
        tiles_products(l, k, data, sums);
        for (size_t t = 0; t < TILE_VECTORS; t++) {
            for (size_t j = 0; j < TILE_CHANNELS; j++)
                tile_values(sums + (j * TILE_VECTORS + t) * LANES, l->bias[k + j], l->prelu[k + j],
                            values + j * 16 * LANES, LANES);
            add_heads(heads, k, values, out + tile + t * LANES, plane);
        }
    }
}

/* Both 1x1 convolutions in one: (32 + 1, PNET_HEADS), the biases last. The margin is the difference
 * of the two logits. */
static void join_heads(const mtcnn__params *p, float *to)
{
    for (size_t c = 0; c <= 32; c++, to += PNET_HEADS) {
        const float *class = c < 32 ? p->pclass.kernel + 2 * c : p->pclass.bias,
                    *box = c < 32 ? p->pbox.kernel + 4 * c : p->pbox.bias;
        to[0] = class[1] - class[0];
        for (size_t i = 0; i < 4; i++) to[1 + i] = box[i];
    }
}

/* Tiles of rows `from` to `to` - 1 to rows of cells. */
static void spread_tiles(const float *tiles, size_t plane, size_t across, size_t from, size_t to,
                         size_t ow, float *out)
{
    for (size_t y = from; y < to; y++) {
        const float *in = tiles + y % 4 * 4 * plane + y / 4 * across;
        float *row = out + y * ow;
        size_t x = 0;
        for (; x + 16 <= ow; x += 16) {
            quad q[4];
            for (size_t i = 0; i < 4; i++) q[i] = quad_at(in + i * plane + x / 4);
            turn_block(q);
            memcpy(row + x, q, sizeof q);
        }
        for (; x < ow; x++) row[x] = in[x % 4 * plane + x / 4];
    }
}

/* ---- the network ---- */

typedef struct pnet_plan {
    size_t across, down;  /* tiles of the last layer; `across` counts what the picture needs */
    ring in, pool, conv2; /* without their memory */
    size_t out_plane;
    size_t rings, out, data, sums, heads; /* floats */
} pnet_plan;

static pnet_plan plan_pnet(size_t width, size_t rows)
{
    pnet_plan p = {.across = (width + 7) / 8, .down = (mtcnn__pnet_side(rows) + 3) / 4};
    p.in = new_ring(NULL, 2 * p.across + 1); /* it comes in whole rows of tiles */
    p.pool = p.conv2 = new_ring(NULL, p.across + 1);
    p.rings = 3 * 64 * p.in.plane + 10 * 16 * p.pool.plane + 16 * 16 * p.conv2.plane;
    p.out_plane = odd_lines(p.across * p.down + STEP);
    p.out = PNET_HEADS * 16 * p.out_plane;
    p.data = 36 * data_apart(16);
    size_t first = PNET_SUMS_APART, other = SUMS_APART;
    p.sums = 36 * (first > other ? first : other);
    p.heads = 33 * PNET_HEADS;
    return p;
}

static size_t pnet_scratch(size_t width, size_t rows)
{
    pnet_plan p = plan_pnet(width, rows);
    return p.rings + p.out + p.data + p.sums + p.heads + 16;
}

/* How far each map is computed, in tiles; but the picture in rows of tiles, and the rows of cells
 * that are written to the output. */
typedef struct progress {
    size_t in, pool, conv2, conv3, rows;
} progress;

static void pnet(const mtcnn__params *params, const mtcnn__band *band, float *scratch)
{
    pnet_plan p = plan_pnet(band->width, band->rows);
    p.in.v = on_boundary(scratch);
    p.pool.v = p.in.v + 3 * 64 * p.in.plane;
    p.conv2.v = p.pool.v + 10 * 16 * p.pool.plane;
    float *out = p.in.v + p.rings, *data = out + p.out, *sums = data + p.data,
          *heads = sums + p.sums;
    memset(p.in.v, 0, p.rings * sizeof(float)); /* what is read beyond the map must be finite */
    join_heads(params, heads);
    edges e = edges_of(band, p.across);
    size_t oh = mtcnn__pnet_side(band->rows), ow = mtcnn__pnet_side(band->width), across = p.across;
    size_t in_end = (band->rows + 7) / 8, pool_end = (oh + 4 + 3) / 4 * across,
           conv2_end = (oh + 2 + 3) / 4 * across;
    progress done = {0};
    /* Each loop computes what the loop around it is about to read: a step of tiles and their right
     * and lower neighbours, which reach across + 1 tiles further. So no map is ahead of the next by
     * more than its ring holds. */
    for (; done.conv3 < across * p.down; done.conv3 += STEP) {
        for (; done.conv2 < conv2_end && done.conv2 < done.conv3 + STEP + across + 1;
             done.conv2 += STEP) {
            for (; done.pool < pool_end && done.pool < done.conv2 + STEP + across + 1;
                 done.pool += LANES) {
                for (; done.in < in_end && done.in * across < done.pool + LANES + across + 1;
                     done.in++)
                    part_tiles(band, done.in, across, &p.in);
                first_tiles(&params->pconv[0], &p.in, done.pool, across, &e, &p.pool, data, sums);
            }
            second_tiles(&params->pconv[1], &p.pool, done.conv2, across, &p.conv2, data, sums);
        }
        third_tiles(&params->pconv[2], heads, &p.conv2, done.conv3, across, out, p.out_plane, data,
                    sums);
        size_t rows = (done.conv3 + STEP) / across * 4;
        if (rows > oh) rows = oh;
        for (size_t k = 0; k < PNET_HEADS; k++)
            spread_tiles(out + k * 16 * p.out_plane, p.out_plane, across, done.rows, rows, ow,
                         band->out + k * oh * ow);
        done.rows = rows;
    }
}

#endif
