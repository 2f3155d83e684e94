/* pnet_body.h - P-Net on a band, LANES neighbouring tiles at once. Included once an instruction set, after crops_body.h.
 *
 * A tile is 4x4 values of a map after the pooling, or the 8x8 pixels under them. Tiles are numbered along the rows of tiles, one row behind the other, and
 * neighbours in number are neighbours in a vector: so narrow levels fill vectors too, and a tile's right and lower neighbours are its number plus 1 and plus
 * the tiles of a row. (Behind a row's last tile comes the next row's first: what is computed from it lies beyond the map and is dropped.)
 * Each value of a tile has its plane. The first layer works by F(2x2, 3x3), so that the four values under a pooled cell come from one transform and meet in
 * registers; the other two by F(4x4, 3x3) (toom.h).
 * Only the numbers that are still needed are kept, in rings that fit the second-level cache. */

/* Register block of the products: channels by vectors of tiles. */
#if LANES == 16
enum { TILE_CHANNELS = 16, TILE_VECTORS = 1, FIRST_CHANNELS = 2 };
#elif LANES == 8
enum { TILE_CHANNELS = 4, TILE_VECTORS = 3, FIRST_CHANNELS = 1 };
#else
enum { TILE_CHANNELS = 8, TILE_VECTORS = 2, FIRST_CHANNELS = 2 };
#endif
enum { STEP = TILE_VECTORS * LANES, PNET_HEADS = MTCNN__PNET_OUT };

/* ---- rings ------------------------------------------------------------------------------------------------------------------------ */

/* Planes of tile values by number modulo `length`, which is a multiple of STEP; behind each plane its first values again, so that a vector may begin anywhere. */
typedef struct ring {
    float *v;
    size_t length, plane; /* floats; plane > length */
} ring;

/* Room for a window of tiles, a step that looks at them and one that is being made. */
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
    return (places){{{tile % r->length, (tile + 1) % r->length}, {(tile + across) % r->length, (tile + across + 1) % r->length}}};
}

INLINE void ring_store(const ring *r, size_t plane, size_t at, vec v)
{
    float *to = r->v + plane * r->plane + at;
    v_store(to, v);
    if (at < STEP) v_store(to + r->length, v);
}

/* ---- pixels ------------------------------------------------------------------------------------------------------------------------- */

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
static void part_row(const float *row, size_t width, size_t tile, size_t across, const ring *to, float *planes)
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
                for (size_t i = 0; i < 4; i++) memcpy(planes + (4 * half + i) * to->plane + at, &q[i], sizeof q[i]);
            }
            x += 4;
            at += 4;
        }
        if (at == to->length) at = 0;
    }
}

/* A row of tiles of the picture: planes (3, 8, 8); rows beyond the band stay what they are, for no cell needs them. */
static void part_tiles(const mtcnn__band *b, size_t ty, size_t across, const ring *to)
{
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 8 && 8 * ty + i < b->rows; i++)
            part_row(b->in + (c * b->rows + 8 * ty + i) * b->width, b->width, ty * across, across, to, to->v + (c * 8 + i) * 8 * to->plane);
}

/* ---- first layer and pooling ------------------------------------------------------------------------------------------------------------ */

/* The cells at the right and lower edge whose second column or row is outside the picture: their numbers modulo a row's tiles and from a tile on, and which
 * of the tile's four columns or rows they are. */
typedef struct edges {
    size_t column_tile, column; /* column 4: none */
    size_t row_tile, row;
} edges;

static edges edges_of(const mtcnn__band *b, size_t across)
{
    size_t last_x = mtcnn__pnet_side(b->width) + 3, last_y = mtcnn__pnet_side(b->rows) + 3;
    return (edges){.column_tile = last_x / 4, .column = b->width % 2 ? last_x % 4 : 4, .row_tile = last_y / 4 * across, .row = b->rows % 2 ? last_y % 4 : 4};
}

/* Lanes of the tiles from `tile` on that stand in column `x` of their row. */
static unsigned lanes_in_column(size_t tile, size_t x, size_t across)
{
    unsigned bits = 0;
    for (size_t i = (x + across - tile % across) % across; i < LANES; i += across) bits |= 1u << i;
    return bits;
}

static unsigned lanes_from(size_t tile, size_t first) { return first <= tile ? (1u << LANES) - 1 : first - tile < LANES ? ((1u << LANES) - 1) & ~0u << (first - tile) : 0; }

INLINE vec choose(vec a, vec b, unsigned bits) { return v_add(v_keep(a, v_mask(~bits & ((1u << LANES) - 1))), v_keep(b, v_mask(bits))); }

/* The transformed pixels of a row of four cells: to[(cell * 16 + product) * 3 + channel]. */
static void first_data(const ring *in, const places *at, size_t row, float *to)
{
    for (size_t c = 0; c < 3; c++) {
        float down[4 * 10 * LANES];
        for (size_t x = 0; x < 10; x++) {
            vec d[4], v[4];
            for (size_t i = 0; i < 4; i++) {
                size_t y = 2 * row + i;
                d[i] = v_loadu(in->v + ((c * 8 + y % 8) * 8 + x % 8) * in->plane + at->at[y / 8][x / 8]);
            }
            data_23(d, v);
            for (size_t i = 0; i < 4; i++) v_storeu(down + (i * 10 + x) * LANES, v[i]);
        }
        for (size_t cell = 0; cell < 4; cell++)
            for (size_t i = 0; i < 4; i++) {
                vec d[4], v[4];
                for (size_t j = 0; j < 4; j++) d[j] = v_loadu(down + (i * 10 + 2 * cell + j) * LANES);
                data_23(d, v);
                for (size_t j = 0; j < 4; j++) v_store(to + ((cell * 16 + i * 4 + j) * 3 + c) * LANES, v[j]);
            }
    }
}

/* Sums under a cell, 2x2 of each of FIRST_CHANNELS channels from k on. */
INLINE void first_sums(const mtcnn__layer *l, size_t k, const float *data, vec out[FIRST_CHANNELS][4])
{
    enum { N = FIRST_CHANNELS };
    vec upper[N][4], lower[N][4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        vec acc[N][4];
        for (int c = 0; c < 3; c++) {
            const float *w = l->toom + (size_t)(i * 4 * 3 + c) * l->out + k;
            for (int j = 0; j < 4; j++) {
                vec d = v_load(data + ((i * 4 + j) * 3 + c) * LANES);
                for (int n = 0; n < N; n++) {
                    vec weight = v_set(w[(size_t)(j * 3) * l->out + (size_t)n]);
                    acc[n][j] = c ? v_fma(weight, d, acc[n][j]) : v_mul(weight, d);
                }
            }
        }
        for (int n = 0; n < N; n++)
            for (int j = 0; j < 4; j++) {
                upper[n][j] = i == 0 ? acc[n][j] : i < 3 ? v_add(upper[n][j], acc[n][j]) : upper[n][j];
                lower[n][j] = i == 0 ? acc[n][j] : i == 1 ? acc[n][j] : v_sub(lower[n][j], acc[n][j]);
            }
    }
    for (int n = 0; n < N; n++) {
        sums_23(upper[n], out[n]);
        sums_23(lower[n], out[n] + 2);
    }
}

/* Maximum of the four after bias and PReLU: that of the largest or, where the slope is negative, of the least. */
INLINE vec pooled_prelu(const vec v[4], float bias, float slope)
{
    vec most = v_prelu(v_add(v_max(v_max(v[0], v[1]), v_max(v[2], v[3])), v_set(bias)), slope);
    if (slope >= 0) return most;
    return v_max(most, v_prelu(v_add(v_min(v_min(v[0], v[1]), v_min(v[2], v[3])), v_set(bias)), slope));
}

/* The pooled cells of LANES tiles. */
static void first_tiles(const mtcnn__layer *l, const ring *in, size_t tile, size_t across, const edges *e, const ring *out)
{
    _Alignas(64) float data[4 * 16 * 3 * LANES];
    places at = places_of(in, tile, across);
    unsigned last_column = e->column < 4 ? lanes_in_column(tile, e->column_tile, across) : 0, last_row = e->row < 4 ? lanes_from(tile, e->row_tile) : 0;
    for (size_t row = 0; row < 4; row++) {
        first_data(in, &at, row, data);
        for (size_t cell = 0; cell < 4; cell++)
            for (size_t k = 0; k < 10; k += FIRST_CHANNELS) {
                vec v[FIRST_CHANNELS][4];
                first_sums(l, k, data + cell * 16 * 3 * LANES, v);
                for (size_t n = 0; n < FIRST_CHANNELS; n++) {
                    if (cell == e->column && last_column) {
                        v[n][1] = choose(v[n][1], v[n][0], last_column);
                        v[n][3] = choose(v[n][3], v[n][2], last_column);
                    }
                    if (row == e->row && last_row) {
                        v[n][2] = choose(v[n][2], v[n][0], last_row);
                        v[n][3] = choose(v[n][3], v[n][1], last_row);
                    }
                    ring_store(out, (k + n) * 16 + row * 4 + cell, tile % out->length, pooled_prelu(v[n], l->bias[k + n], l->prelu[k + n]));
                }
            }
    }
}

/* ---- the other convolutions --------------------------------------------------------------------------------------------------------------- */

/* Floats between the products' planes of data and of sums: a cache line more, so that they do not meet in the same sets. */
static size_t data_apart(size_t channels) { return (channels * TILE_VECTORS + 1) * LANES; }
enum { SUMS_APART = (TILE_CHANNELS * TILE_VECTORS + 1) * LANES };

/* Transformed data of the tiles from `tile` on, products (36) by channels by TILE_VECTORS vectors. */
static void tiles_data(const ring *in, size_t tile, size_t across, size_t channels, float *data)
{
    size_t apart = data_apart(channels);
    for (size_t t = 0; t < TILE_VECTORS; t++) {
        places at = places_of(in, tile + t * LANES, across);
        for (size_t c = 0; c < channels; c++) {
            const float *planes = in->v + c * 16 * in->plane;
            float *to = data + (c * TILE_VECTORS + t) * LANES;
            vec half[6][6];
#pragma GCC unroll 6
            for (size_t x = 0; x < 6; x++) {
                vec d[6], v[6];
#pragma GCC unroll 6
                for (size_t y = 0; y < 6; y++) d[y] = v_loadu(planes + (y % 4 * 4 + x % 4) * in->plane + at.at[y / 4][x / 4]);
                data_43(d, v);
                for (size_t y = 0; y < 6; y++) half[y][x] = v[y];
            }
#pragma GCC unroll 6
            for (size_t y = 0; y < 6; y++) {
                vec v[6];
                data_43(half[y], v);
                for (size_t x = 0; x < 6; x++) v_store(to + (y * 6 + x) * apart, v[x]);
            }
        }
    }
}

/* Products of channels k to k + TILE_CHANNELS - 1. */
static void tiles_products(const mtcnn__layer *l, size_t k, const float *data, float *sums)
{
    size_t apart = data_apart(l->in);
    for (size_t p = 0; p < 36; p++)
        product(l->toom + p * l->in * l->out + k, data + p * apart, l->in, l->out, TILE_VECTORS, sums + p * SUMS_APART, TILE_CHANNELS, TILE_VECTORS);
}

/* The 4x4 values of a channel, after bias and PReLU. */
INLINE void tile_values(const float *sums, float bias, float slope, vec out[4][4])
{
    vec half[4][6];
#pragma GCC unroll 6
    for (size_t x = 0; x < 6; x++) {
        vec s[6], y[4];
        for (size_t i = 0; i < 6; i++) s[i] = v_load(sums + (i * 6 + x) * SUMS_APART);
        sums_43(s, y);
        for (size_t i = 0; i < 4; i++) half[i][x] = y[i];
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        sums_43(half[i], out[i]);
        for (size_t x = 0; x < 4; x++) out[i][x] = v_prelu(v_add(out[i][x], v_set(bias)), slope);
    }
}

static void second_tiles(const mtcnn__layer *l, const ring *in, size_t tile, size_t across, const ring *out, float *data, float *sums)
{
    tiles_data(in, tile, across, l->in, data);
    for (size_t k = 0; k < l->out; k += TILE_CHANNELS) {
        tiles_products(l, k, data, sums);
        for (size_t j = 0; j < TILE_CHANNELS; j++)
            for (size_t t = 0; t < TILE_VECTORS; t++) {
                vec v[4][4];
                tile_values(sums + (j * TILE_VECTORS + t) * LANES, l->bias[k + j], l->prelu[k + j], v);
                for (size_t i = 0; i < 16; i++) ring_store(out, (k + j) * 16 + i, (tile + t * LANES) % out->length, v[i / 4][i % 4]);
            }
    }
}

/* ---- last layer and heads --------------------------------------------------------------------------------------------------------------------- */

/* Adds TILE_CHANNELS channels from k on to the heads of a vector of tiles: values (TILE_CHANNELS, 16) and out (PNET_HEADS, 16) vectors. */
static void add_heads(const float *kernel, size_t k, const float *values, float *out, size_t plane)
{
    for (size_t i = 0; i < 16; i += 2) {
        vec acc[PNET_HEADS][2];
        for (size_t h = 0; h < PNET_HEADS; h++)
            for (size_t n = 0; n < 2; n++) acc[h][n] = k ? v_load(out + (h * 16 + i + n) * plane) : v_set(kernel[32 * PNET_HEADS + h]);
        for (size_t j = 0; j < TILE_CHANNELS; j++) {
            vec a = v_load(values + (j * 16 + i) * LANES), b = v_load(values + (j * 16 + i + 1) * LANES);
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
static void third_tiles(const mtcnn__layer *l, const float *heads, const ring *in, size_t tile, size_t across, float *out, size_t plane, float *data,
                        float *sums)
{
    _Alignas(64) float values[TILE_CHANNELS * 16 * LANES];
    tiles_data(in, tile, across, l->in, data);
    for (size_t k = 0; k < l->out; k += TILE_CHANNELS) {
        tiles_products(l, k, data, sums);
        for (size_t t = 0; t < TILE_VECTORS; t++) {
            for (size_t j = 0; j < TILE_CHANNELS; j++) {
                vec v[4][4];
                tile_values(sums + (j * TILE_VECTORS + t) * LANES, l->bias[k + j], l->prelu[k + j], v);
                for (size_t i = 0; i < 16; i++) v_store(values + (j * 16 + i) * LANES, v[i / 4][i % 4]);
            }
            add_heads(heads, k, values, out + tile + t * LANES, plane);
        }
    }
}

/* Both 1x1 convolutions in one: (32 + 1, PNET_HEADS), the biases last. The margin is the difference of the two logits. */
static void join_heads(const mtcnn__params *p, float *to)
{
    for (size_t c = 0; c <= 32; c++, to += PNET_HEADS) {
        const float *class = c < 32 ? p->pclass.kernel + 2 * c : p->pclass.bias, *box = c < 32 ? p->pbox.kernel + 4 * c : p->pbox.bias;
        to[0] = class[1] - class[0];
        for (size_t i = 0; i < 4; i++) to[1 + i] = box[i];
    }
}

/* Tiles to rows of cells. */
static void spread_tiles(const float *tiles, size_t plane, size_t across, size_t oh, size_t ow, float *out)
{
    for (size_t y = 0; y < oh; y++, out += ow) {
        const float *in = tiles + y % 4 * 4 * plane + y / 4 * across;
        size_t x = 0;
        for (; x + 16 <= ow; x += 16) {
            quad q[4];
            for (size_t i = 0; i < 4; i++) q[i] = quad_at(in + i * plane + x / 4);
            turn_block(q);
            memcpy(out + x, q, sizeof q);
        }
        for (; x < ow; x++) out[x] = in[x % 4 * plane + x / 4];
    }
}

/* ---- the network ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct pnet_plan {
    size_t across, down;   /* tiles of the last layer; `across` counts what the picture needs */
    ring in, pool, conv2;  /* without their memory */
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
    p.sums = 36 * SUMS_APART;
    p.heads = 33 * PNET_HEADS;
    return p;
}

static size_t pnet_scratch(size_t width, size_t rows)
{
    pnet_plan p = plan_pnet(width, rows);
    return p.rings + p.out + p.data + p.sums + p.heads + 16;
}

/* How far each layer is, in tiles; the picture in rows of tiles. */
typedef struct progress {
    size_t in, pool, conv2, conv3;
} progress;

static void pnet(const mtcnn__params *params, const mtcnn__band *band, float *scratch)
{
    pnet_plan p = plan_pnet(band->width, band->rows);
    p.in.v = on_boundary(scratch);
    p.pool.v = p.in.v + 3 * 64 * p.in.plane;
    p.conv2.v = p.pool.v + 10 * 16 * p.pool.plane;
    float *out = p.in.v + p.rings, *data = out + p.out, *sums = data + p.data, *heads = sums + p.sums;
    memset(p.in.v, 0, p.rings * sizeof(float)); /* what is read beyond the map must be finite */
    join_heads(params, heads);
    edges e = edges_of(band, p.across);
    size_t oh = mtcnn__pnet_side(band->rows), ow = mtcnn__pnet_side(band->width), across = p.across;
    size_t in_end = (band->rows + 7) / 8, pool_end = (oh + 4 + 3) / 4 * across, conv2_end = (oh + 2 + 3) / 4 * across;
    progress done = {0};
    for (; done.conv3 < across * p.down; done.conv3 += STEP) { /* what a layer needs is computed just before */
        for (; done.conv2 < conv2_end && done.conv2 < done.conv3 + STEP + across + 1; done.conv2 += STEP) {
            for (; done.pool < pool_end && done.pool < done.conv2 + STEP + across + 1; done.pool += LANES) {
                for (; done.in < in_end && done.in * across < done.pool + LANES + across + 1; done.in++) part_tiles(band, done.in, across, &p.in);
                first_tiles(&params->pconv[0], &p.in, done.pool, across, &e, &p.pool);
            }
            second_tiles(&params->pconv[1], &p.pool, done.conv2, across, &p.conv2, data, sums);
        }
        third_tiles(&params->pconv[2], heads, &p.conv2, done.conv3, across, out, p.out_plane, data, sums);
    }
    for (size_t k = 0; k < PNET_HEADS; k++) spread_tiles(out + k * 16 * p.out_plane, p.out_plane, across, oh, ow, band->out + k * oh * ow);
}
