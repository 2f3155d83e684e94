/* The general backend: any kernel size, stride, dilation, padding and activation. Frames are NHWC; c and the gates lie as h does, the gates with i, f, g, o
 * of a pixel side by side.
 *
 * A step is one matrix product a block of pixels: each row of the patch matrix holds what the input kernel sees at that pixel, then what the recurrent
 * kernel sees in h; the weights are Keras's two kernels, flattened, one above the other. Backward is its transpose (im2col: Chellapilla et al. 2006).
 * A block is a unit: its products have the same shapes, and so the same bits, whoever computes it. */
#include <math.h>
#include <string.h>

#include "activation.h"
#include "gemm.h"

/* A convolution's geometry along the rows and columns of its input. */
typedef struct conv {
    size_t height, width, channels; /* of the input */
    size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    size_t pad_top, pad_left;
    size_t patch; /* kernel_h * kernel_w * channels */
} conv;

typedef struct general {
    convlstm__cell cell;
    conv input, recurrent;
    size_t out_height, out_width, pixels;
    size_t block;   /* pixels a unit */
    size_t patch;   /* both convolutions' */
    size_t filters, gates;
} general;

/* ---- patches ---- */

/* Row of tap ky for output row oy, or SIZE_MAX outside. */
static inline size_t tap(size_t o, size_t stride, size_t k, size_t dilation, size_t pad, size_t length)
{
    size_t at = o * stride + k * dilation;
    return at < pad || at - pad >= length ? SIZE_MAX : at - pad;
}

/* Patches of pixels p0..p1-1 of the output (out_width wide), rows `stride` floats apart. */
static void gather(const conv *v, size_t out_width, const float *in, size_t p0, size_t p1, float *rows, size_t stride)
{
    for (size_t p = p0; p < p1; p++, rows += stride) {
        float *to = rows;
        for (size_t ky = 0; ky < v->kernel_h; ky++) {
            size_t y = tap(p / out_width, v->stride_h, ky, v->dilation_h, v->pad_top, v->height);
            for (size_t kx = 0; kx < v->kernel_w; kx++, to += v->channels) {
                size_t x = tap(p % out_width, v->stride_w, kx, v->dilation_w, v->pad_left, v->width);
                if (y == SIZE_MAX || x == SIZE_MAX) memset(to, 0, v->channels * sizeof *to);
                else memcpy(to, in + (y * v->width + x) * v->channels, v->channels * sizeof *to);
            }
        }
    }
}

/* The transpose of gather: adds patches into a frame. */
static void scatter(const conv *v, size_t out_width, const float *rows, size_t stride, size_t p0, size_t p1, float *out)
{
    for (size_t p = p0; p < p1; p++, rows += stride) {
        const float *from = rows;
        for (size_t ky = 0; ky < v->kernel_h; ky++) {
            size_t y = tap(p / out_width, v->stride_h, ky, v->dilation_h, v->pad_top, v->height);
            for (size_t kx = 0; kx < v->kernel_w; kx++, from += v->channels) {
                size_t x = tap(p % out_width, v->stride_w, kx, v->dilation_w, v->pad_left, v->width);
                if (y == SIZE_MAX || x == SIZE_MAX) continue;
                float *to = out + (y * v->width + x) * v->channels;
                for (size_t c = 0; c < v->channels; c++) to[c] += from[c];
            }
        }
    }
}

/* ---- weights: the two kernels, then the bias ---- */

static void pack(const convlstm__cell *cell, const float *kernel, const float *recurrent, const float *bias, int train, void *packed)
{
    (void)train;
    const general *g = (const general *)cell;
    float *to = packed;
    size_t input = g->input.patch * g->gates, hidden = g->recurrent.patch * g->gates;
    memcpy(to, kernel, input * sizeof *to);
    memcpy(to + input, recurrent, hidden * sizeof *to);
    if (bias) memcpy(to + input + hidden, bias, g->gates * sizeof *to);
    else memset(to + input + hidden, 0, g->gates * sizeof *to);
}

static void wgrad_finish(const convlstm__cell *cell, const float *wgrad, float *dkernel, float *drecurrent, float *dbias)
{
    const general *g = (const general *)cell;
    size_t input = g->input.patch * g->gates, hidden = g->recurrent.patch * g->gates;
    memcpy(dkernel, wgrad, input * sizeof *wgrad);
    memcpy(drecurrent, wgrad + input, hidden * sizeof *wgrad);
    if (dbias) memcpy(dbias, wgrad + input + hidden, g->gates * sizeof *wgrad);
}

/* ---- forward ---- */

/* z (4F) of one pixel, without bias, to gates in place, and the new c and h. */
static void cell_update(const general *g, const float *bias, float *z, const float *c_prev, float *c, float *h)
{
    const convlstm__cell_desc *d = &g->cell.desc;
    size_t filters = g->filters;
    for (size_t k = 0; k < g->gates; k++) z[k] += bias[k];
    convlstm__activate(d->recurrent_activation, 2 * filters, z, z);
    convlstm__activate(d->activation, filters, z + 2 * filters, z + 2 * filters);
    convlstm__activate(d->recurrent_activation, filters, z + 3 * filters, z + 3 * filters);
    const float *i = z, *f = i + filters, *a = f + filters, *o = a + filters;
    for (size_t k = 0; k < filters; k++) c[k] = f[k] * (c_prev ? c_prev[k] : 0.0f) + i[k] * a[k];
    convlstm__activate(d->activation, filters, c, h);
    for (size_t k = 0; k < filters; k++) h[k] *= o[k];
}

/* The patch matrix of a block; without h its columns of the recurrent kernel are not written. Returns how many columns are. */
static size_t patches(const general *g, const float *x, const float *h_prev, size_t p0, size_t p1, float *rows)
{
    gather(&g->input, g->out_width, x, p0, p1, rows, g->patch);
    if (!h_prev) return g->input.patch;
    gather(&g->recurrent, g->out_width, h_prev, p0, p1, rows + g->input.patch, g->patch);
    return g->patch;
}

static void forward(const convlstm__cell *cell, const void *packed, void *scratch, const float *x, const float *h_prev, const float *c_prev, float *h,
                    float *c, void *gates, size_t unit0, size_t unit1)
{
    const general *g = (const general *)cell;
    const float *weights = packed, *bias = weights + g->patch * g->gates;
    float *rows = scratch, *z_scratch = rows + g->block * g->patch;
    for (size_t unit = unit0; unit < unit1; unit++) {
        size_t p0 = unit * g->block, p1 = p0 + g->block < g->pixels ? p0 + g->block : g->pixels;
        size_t columns = patches(g, x, h_prev, p0, p1, rows);
        float *z = gates ? (float *)gates + p0 * g->gates : z_scratch;
        nbase__sgemm(false, false, p1 - p0, g->gates, columns, 1.0f, rows, g->patch, weights, g->gates, 0.0f, z, g->gates);
        for (size_t p = p0; p < p1; p++, z += g->gates)
            cell_update(g, bias, z, c_prev ? c_prev + p * g->filters : NULL, c + p * g->filters, h + p * g->filters);
    }
}

/* ---- backward ---- */

/* Gradients of one pixel: to z from those to h (dh) and, from the next step, to c (dc, which becomes the one for the step before). act: scratch (F). */
static void cell_gradient(const general *g, const float *gates, const float *c, const float *c_prev, const float *dh, float *dc, float *act, float *dz)
{
    const convlstm__cell_desc *d = &g->cell.desc;
    size_t filters = g->filters;
    const float *i = gates, *f = i + filters, *a = f + filters, *o = a + filters;
    convlstm__activate(d->activation, filters, c, act);
    for (size_t k = 0; k < filters; k++) {
        float to_c = dc[k] + dh[k] * o[k] * convlstm__activation_slope(d->activation, act[k]);
        dz[k] = to_c * a[k] * convlstm__activation_slope(d->recurrent_activation, i[k]);
        dz[filters + k] = c_prev ? to_c * c_prev[k] * convlstm__activation_slope(d->recurrent_activation, f[k]) : 0.0f;
        dz[2 * filters + k] = to_c * i[k] * convlstm__activation_slope(d->activation, a[k]);
        dz[3 * filters + k] = dh[k] * act[k] * convlstm__activation_slope(d->recurrent_activation, o[k]);
        dc[k] = to_c * f[k];
    }
}

static void add_bias_gradient(const general *g, const float *dz, size_t rows, float *dbias)
{
    for (size_t p = 0; p < rows; p++, dz += g->gates)
        for (size_t k = 0; k < g->gates; k++) dbias[k] += dz[k];
}

static void backward(const convlstm__cell *cell, const void *packed, void *scratch, const float *x, const float *h_prev, const float *c_prev,
                     const float *c, const void *gates, const float *dh, const float *dh_next, float *dc, float *dx, float *dh_prev, float *wgrad)
{
    const general *g = (const general *)cell;
    const float *weights = packed;
    size_t filters = g->filters, input = g->input.patch;
    float *rows = scratch, *dz = rows + g->block * g->patch, *sum = dz + g->block * g->gates, *act = sum + filters;
    if (dx) memset(dx, 0, cell->desc.height * cell->desc.width * cell->desc.channels * sizeof *dx);
    memset(dh_prev, 0, g->pixels * filters * sizeof *dh_prev);
    for (size_t p0 = 0; p0 < g->pixels; p0 += g->block) {
        size_t p1 = p0 + g->block < g->pixels ? p0 + g->block : g->pixels, n = p1 - p0;
        for (size_t p = p0; p < p1; p++) {
            size_t at = p * filters;
            for (size_t k = 0; k < filters; k++) sum[k] = (dh ? dh[at + k] : 0.0f) + (dh_next ? dh_next[at + k] : 0.0f);
            cell_gradient(g, (const float *)gates + p * g->gates, c + at, c_prev ? c_prev + at : NULL, sum, dc + at, act, dz + (p - p0) * g->gates);
        }
        size_t columns = patches(g, x, h_prev, p0, p1, rows);
        nbase__sgemm(true, false, columns, g->gates, n, 1.0f, rows, g->patch, dz, g->gates, 1.0f, wgrad, g->gates);
        add_bias_gradient(g, dz, n, wgrad + g->patch * g->gates);
        /* The patches' gradients take the patches' place: of x's columns only if asked, of h's only if there is an h before. */
        size_t first = dx ? 0 : input, last = h_prev ? g->patch : input;
        if (first == last) continue;
        nbase__sgemm(false, true, n, last - first, g->gates, 1.0f, dz, g->gates, weights + first * g->gates, g->gates, 0.0f, rows + first, g->patch);
        if (dx) scatter(&g->input, g->out_width, rows, g->patch, p0, p1, dx);
        if (h_prev) scatter(&g->recurrent, g->out_width, rows + input, g->patch, p0, p1, dh_prev);
    }
}

/* ---- the rest ---- */

static void copy_c(const convlstm__cell *cell, const float *from, float *to) { memcpy(to, from, cell->c_floats * sizeof *to); }

static void free_cell(convlstm__cell *cell)
{
    nbase_env env = cell->env;
    nbase__free(&env, cell);
}

static const convlstm__cell_ops ops = {
    .name = "general",
    .free = free_cell,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .wgrad_finish = wgrad_finish,
    .c_to_nhwc = copy_c,
    .c_from_nhwc = copy_c,
};

/* Output length and leading padding along one axis, as TensorFlow's 'same' and 'valid': an odd total puts the extra one at the end. */
static size_t axis(size_t length, size_t kernel, size_t stride, size_t dilation, bool valid, size_t *pad)
{
    size_t reach = (kernel - 1) * dilation + 1;
    size_t out = valid ? (length - reach) / stride + 1 : (length + stride - 1) / stride;
    size_t span = (out - 1) * stride + reach;
    *pad = !valid && span > length ? (span - length) / 2 : 0;
    return out;
}

#define BLOCK_FLOATS 32768 /* patches a block: with their products well inside a 1 MiB cache */

nbase_status convlstm__cell_create_general(const nbase_env *env, const convlstm__cell_desc *desc, convlstm__cell **out)
{
    const convlstm__cell_desc *d = desc;
    nbase_env e = nbase__env(env);
    general *g = nbase__calloc(&e, 1, sizeof *g);
    if (!g) return NBASE_ERR_NOMEM;
    g->input = (conv){d->height, d->width, d->channels, d->kernel_h, d->kernel_w, d->stride_h, d->stride_w, d->dilation_h, d->dilation_w, 0, 0,
                      d->kernel_h * d->kernel_w * d->channels};
    g->out_height = axis(d->height, d->kernel_h, d->stride_h, d->dilation_h, d->valid_padding, &g->input.pad_top);
    g->out_width = axis(d->width, d->kernel_w, d->stride_w, d->dilation_w, d->valid_padding, &g->input.pad_left);
    g->recurrent = (conv){g->out_height, g->out_width, d->filters, d->kernel_h, d->kernel_w, 1, 1, 1, 1, (d->kernel_h - 1) / 2, (d->kernel_w - 1) / 2,
                          d->kernel_h * d->kernel_w * d->filters};
    g->pixels = g->out_height * g->out_width;
    g->filters = d->filters;
    g->gates = 4 * d->filters;
    g->patch = g->input.patch + g->recurrent.patch;
    g->block = BLOCK_FLOATS / g->patch < 16 ? 16 : BLOCK_FLOATS / g->patch;
    if (g->block > g->pixels) g->block = g->pixels;
    g->cell = (convlstm__cell){.ops = &ops, .desc = *d, .env = e};
    g->cell.in = (convlstm__layout){d->height, d->width, 0};
    g->cell.out = (convlstm__layout){g->out_height, g->out_width, 0};
    g->cell.c_floats = g->pixels * g->filters;
    g->cell.gates_bytes = g->pixels * g->gates * sizeof(float);
    g->cell.packed_bytes = g->cell.wgrad_floats = (g->patch + 1) * g->gates;
    g->cell.packed_bytes *= sizeof(float);
    g->cell.scratch_bytes = (g->block * (g->patch + g->gates) + 2 * g->filters) * sizeof(float);
    g->cell.units = (g->pixels + g->block - 1) / g->block;
    *out = &g->cell;
    return NBASE_OK;
}
