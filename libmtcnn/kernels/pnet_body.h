/* pnet_body.h - P-Net on a band, LANES neighbours of a row at once. Included once an instruction set, after crops_body.h.
 *
 * The pixels' even and odd columns are kept apart: then the four convolutions under a pooled cell come from whole vectors, and the maximum is taken
 * in registers. The two layers after it work down the columns by F(4, 3) (toom.h): tiles of four rows, counted from the band's first.
 * Rows of maps are padded to vectors and one more, which is zero. */

#define ACROSS (LANES == 16 ? 6 : 3) /* vectors of a row in registers, by 4 channels */
#if LANES == 16
enum { FIRST_CHANNELS = 5 }; /* of the first layer in registers, by the 4 places under a pooled cell */
#else
enum { FIRST_CHANNELS = 2 };
#endif

static size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES + LANES; }

/* in (3, rows, width) -> even columns, then odd ones, a row of `stride` each: (3, rows, 2, stride). */
static void part_columns(const mtcnn__band *b, size_t stride, float *to)
{
    for (size_t r = 0; r < 3 * b->rows; r++, to += 2 * stride) {
        const float *row = b->in + r * b->width;
        float *even = to, *odd = to + stride;
        size_t pairs = b->width / 2;
        for (size_t i = 0; i < pairs; i++) {
            even[i] = row[2 * i];
            odd[i] = row[2 * i + 1];
        }
        if (b->width % 2) even[pairs] = row[b->width - 1];
        size_t evens = pairs + b->width % 2;
        memset(even + evens, 0, (stride - evens) * sizeof *even);
        memset(odd + pairs, 0, (stride - pairs) * sizeof *odd);
    }
}

/* Pooled cells from column x on, channels k and following. `at`: the row pair's first row; `below`: rows from its upper to its lower convolution (1, or 0
 * if the lower one is outside); `odd`: lanes whose odd column is inside. */
INLINE void first_cells(const mtcnn__layer *l, size_t k, const float *at, size_t plane, size_t stride, size_t below, vmask odd, vmask not_odd, float *to,
                        size_t apart)
{
    enum { N = FIRST_CHANNELS };
    vec acc[4 * N];
    for (int j = 0; j < N; j++)
        for (int i = 0; i < 4; i++) acc[j * 4 + i] = v_set(l->bias[k + (size_t)j]);
    const size_t place[4] = {0, stride, 1, stride + 1}; /* of four neighbours, columns parted */
    for (size_t dy = 0; dy < 3; dy++)
        for (size_t c = 0; c < 3; c++) {
            const float *upper = at + c * plane + dy * 2 * stride, *lower = upper + below * 2 * stride, *w = l->kernel + (dy * 9 + c) * l->out + k;
#pragma GCC unroll 3
            for (size_t dx = 0; dx < 3; dx++, w += 3 * l->out) {
                vec d[4] = {v_loadu(upper + place[dx]), v_loadu(upper + place[dx + 1]), v_loadu(lower + place[dx]), v_loadu(lower + place[dx + 1])};
                for (int i = 0; i < 4; i++) V_PIN(d[i]);
                for (int j = 0; j < N; j++)
                    for (int i = 0; i < 4; i++) acc[j * 4 + i] = v_fma(v_set(w[j]), d[i], acc[j * 4 + i]);
            }
        }
    for (int j = 0; j < N; j++) {
        vec v[4];
        for (int i = 0; i < 4; i++) v[i] = v_prelu(acc[j * 4 + i], l->prelu[k + (size_t)j]);
        vec left = v_max(v[0], v[2]), right = v_max(v[1], v[3]);
        right = v_add(v_keep(right, odd), v_keep(left, not_odd));
        v_storeu(to + (size_t)j * apart, v_max(left, right));
    }
}

/* (3, rows, 2, stride) -> rows `from` to `to` - 1 of pool (10, ph, ps). */
static void first_pool(const mtcnn__layer *l, const mtcnn__band *b, const float *in, size_t stride, float *pool, size_t ph, size_t pw, size_t ps, size_t from,
                       size_t to)
{
    size_t plane = 2 * stride * b->rows, columns = b->width - 2, rows = b->rows - 2;
    for (size_t y = from; y < to; y++) {
        for (size_t x = 0; x < pw; x += LANES) {
            unsigned inside = (1u << LANES) - 1;
            if (pw - x <= LANES && columns % 2) inside ^= 1u << (pw - 1 - x); /* the last cell has an even column only */
            vmask odd = v_mask(inside), not_odd = v_mask(~inside & ((1u << LANES) - 1));
            for (size_t k = 0; k < 10; k += FIRST_CHANNELS)
                first_cells(l, k, in + 2 * y * 2 * stride + x, plane, stride, 2 * y + 1 < rows, odd, not_odd, pool + (k * ph + y) * ps + x, ph * ps);
        }
        for (size_t k = 0; k < 10; k++) memset(pool + (k * ph + y + 1) * ps - LANES, 0, LANES * sizeof *pool);
    }
}

/* ---- F(4, 3) down the columns -------------------------------------------------------------------------------------------------- */

/* Transformed rows (6, in, stride) of the tile that begins at row y; rows beyond the map are its last. */
static void rows_data(const float *in, size_t channels, size_t h, size_t y, size_t stride, float *data)
{
    for (size_t c = 0; c < channels; c++)
        for (size_t x = 0; x < stride; x += LANES) {
            vec d[6], v[6];
            for (size_t i = 0; i < 6; i++) d[i] = v_loadu(in + (c * h + (y + i < h ? y + i : h - 1)) * stride + x);
            data_43(d, v);
            for (size_t i = 0; i < 6; i++) v_storeu(data + (i * channels + c) * stride + x, v[i]);
        }
}

/* `ks` channels of `ts` vectors from column x on, rows y to y + rows - 1. */
INLINE void rows_few(const mtcnn__layer *l, size_t k, const float *data, size_t stride, float *to, size_t rows, size_t apart, const int ks, const int ts)
{
    _Alignas(64) float sums[6 * 24 * LANES];
    for (size_t i = 0; i < 6; i++) {
        vec acc[24];
#pragma GCC unroll 32
        for (int j = 0; j < ks * ts; j++) acc[j] = v_set(0);
        const float *w = l->toom + i * l->in * 3 * l->out + k, *from = data + i * l->in * stride;
        for (size_t c = 0; c < l->in; c++, from += stride)
            for (size_t dx = 0; dx < 3; dx++, w += l->out) {
                vec d[6];
                for (int t = 0; t < ts; t++) d[t] = v_loadu(from + dx + (size_t)t * LANES);
                for (int t = 0; t < ts; t++) V_PIN(d[t]);
                for (int j = 0; j < ks; j++)
                    for (int t = 0; t < ts; t++) acc[j * ts + t] = v_fma(v_set(w[j]), d[t], acc[j * ts + t]);
            }
#pragma GCC unroll 32
        for (int j = 0; j < ks * ts; j++) v_store(sums + (i * 24 + (size_t)j) * LANES, acc[j]);
    }
    for (int j = 0; j < ks; j++)
        for (int t = 0; t < ts; t++) {
            vec s[6], y[4];
            for (int i = 0; i < 6; i++) s[i] = v_load(sums + (i * 24 + j * ts + t) * LANES);
            sums_43(s, y);
            for (size_t r = 0; r < rows; r++)
                v_storeu(to + (size_t)j * apart + r * stride + (size_t)t * LANES, v_prelu(v_add(y[r], v_set(l->bias[k + (size_t)j])), l->prelu[k + (size_t)j]));
        }
}

/* The tile of rows y to y + rows - 1: in (l->in, h, stride) -> out, whose channels lie `apart`; `width` columns are wanted. l->out is a multiple of 8. */
static void conv_down(const mtcnn__layer *l, const float *in, size_t h, size_t y, size_t rows, size_t width, size_t stride, float *out, size_t apart,
                      float *data)
{
    rows_data(in, l->in, h, y, stride, data);
    for (size_t x = 0; x < width;) {
        size_t left = (width - x + LANES - 1) / LANES;
        const float *d = data + x;
        float *to = out + x;
        if (left >= ACROSS) {
            for (size_t k = 0; k < l->out; k += 4) rows_few(l, k, d, stride, to + k * apart, rows, apart, 4, ACROSS);
            x += ACROSS * LANES;
        } else if (left >= 2) {
            for (size_t k = 0; k < l->out; k += 4) rows_few(l, k, d, stride, to + k * apart, rows, apart, 4, 2);
            x += 2 * LANES;
        } else {
            for (size_t k = 0; k < l->out; k += 8) rows_few(l, k, d, stride, to + k * apart, rows, apart, 8, 1);
            x += LANES;
        }
    }
    for (size_t k = 0; k < l->out; k++)
        for (size_t r = 0; r < rows; r++) memset(out + k * apart + (r + 1) * stride - LANES, 0, LANES * sizeof *out);
}

/* ---- heads ---------------------------------------------------------------------------------------------------------------------- */

/* `ts` vectors of a row, of which n cells are wanted. */
INLINE void heads_few(const mtcnn__params *p, const float *in, size_t apart, float *out, size_t cells, size_t n, const int ts)
{
    vec acc[6][4];
    for (int t = 0; t < ts; t++) {
        for (size_t k = 0; k < 2; k++) acc[k][t] = v_set(p->pclass.bias[k]);
        for (size_t k = 0; k < 4; k++) acc[2 + k][t] = v_set(p->pbox.bias[k]);
    }
    for (size_t c = 0; c < 32; c++)
        for (size_t k = 0; k < 6; k++) {
            vec w = v_set(k < 2 ? p->pclass.kernel[2 * c + k] : p->pbox.kernel[4 * c + k - 2]);
            for (int t = 0; t < ts; t++) acc[k][t] = v_fma(w, v_loadu(in + c * apart + (size_t)t * LANES), acc[k][t]);
        }
    for (int t = 0; t < ts; t++) acc[1][t] = v_sub(acc[1][t], acc[0][t]);
    float row[4 * LANES];
    for (size_t k = 0; k < MTCNN__PNET_OUT; k++) {
        for (int t = 0; t < ts; t++) v_storeu(row + t * LANES, acc[k + 1][t]);
        memcpy(out + k * cells, row, n * sizeof *row);
    }
}

/* Both 1x1 convolutions of a row: in (32, oh, stride) -> the row of every plane of out (5, oh, ow). May read vectors beyond the row, which are in the scratch. */
static void heads_row(const mtcnn__params *p, const float *in, size_t apart, float *out, size_t cells, size_t ow)
{
    enum { MANY = LANES == 16 ? 4 : 2 };
    for (size_t x = 0; x < ow; x += MANY * LANES) {
        size_t n = ow - x < MANY * LANES ? ow - x : MANY * LANES;
        if (n > LANES) heads_few(p, in + x, apart, out + x, cells, n, MANY);
        else heads_few(p, in + x, apart, out + x, cells, n, 1);
    }
}

/* ---- the network ---------------------------------------------------------------------------------------------------------------- */

typedef struct pnet_plan {
    size_t oh, ow, ph, pw, stride, in_stride;
    size_t parted, pool, conv2, conv3, data; /* floats */
} pnet_plan;

static pnet_plan plan_pnet(size_t width, size_t rows)
{
    pnet_plan p = {.oh = mtcnn__pnet_side(rows), .ow = mtcnn__pnet_side(width)};
    p.ph = p.oh + 4;
    p.pw = p.ow + 4;
    p.stride = padded(p.pw);
    p.in_stride = p.stride + LANES;
    p.parted = 3 * rows * 2 * p.in_stride;
    p.pool = 10 * p.ph * p.stride;
    p.conv2 = 16 * (p.oh + 2) * p.stride;
    p.conv3 = 32 * 4 * p.stride;
    p.data = 6 * 16 * p.stride + 2 * ACROSS * LANES;
    return p;
}

static size_t pnet_scratch(size_t width, size_t rows)
{
    pnet_plan p = plan_pnet(width, rows);
    return p.parted + p.pool + p.conv2 + p.conv3 + p.data + 16;
}

static void pnet(const mtcnn__params *params, const mtcnn__band *band, float *scratch)
{
    pnet_plan p = plan_pnet(band->width, band->rows);
    float *parted = on_boundary(scratch), *pool = parted + p.parted, *conv2 = pool + p.pool, *conv3 = conv2 + p.conv2, *data = conv3 + p.conv3;
    part_columns(band, p.in_stride, parted);
    size_t rows2 = p.oh + 2, pooled = 0, done = 0; /* rows of pool and conv2 that are there */
    for (size_t y = 0; y < p.oh; y += 4) {         /* what a tile needs is computed just before, while its sources are in the caches */
        size_t rows = p.oh - y < 4 ? p.oh - y : 4, need = y + 6 < rows2 ? y + 6 : rows2;
        for (; done < need; done += 4) {
            size_t end = done + 6 < p.ph ? done + 6 : p.ph;
            first_pool(&params->pconv[0], band, parted, p.in_stride, pool, p.ph, p.pw, p.stride, pooled, end);
            pooled = end;
            conv_down(&params->pconv[1], pool, p.ph, done, rows2 - done < 4 ? rows2 - done : 4, p.ow + 2, p.stride, conv2 + done * p.stride, rows2 * p.stride, data);
        }
        conv_down(&params->pconv[2], conv2, rows2, y, rows, p.ow, p.stride, conv3, 4 * p.stride, data);
        for (size_t r = 0; r < rows; r++) heads_row(params, conv3 + r * p.stride, 4 * p.stride, band->out + (y + r) * p.ow, p.oh * p.ow, p.ow);
    }
}
