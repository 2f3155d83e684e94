/* The general backend: any kernel size, stride, dilation, padding and activation. Frames are NHWC;
 * c and the gates lie as h does, the gates with i, f, g, o of a pixel side by side.
 *
 * A step is one matrix product a block of pixels: each row of the patch matrix holds what the input
 * kernel sees at that pixel, then what the recurrent kernel sees in h; the weights are Keras's two
 * kernels, flattened, one above the other. Backward is its transpose (patches.h). A block is a
 * unit: its products have the same shapes, and so the same bits, whoever computes it. */
#include <string.h>

#include "cell.h"
#include "gemm.h"
#include "patches.h"

typedef struct general {
    convlstm__cell cell;
    convlstm__conv input, recurrent;
    size_t pixels;
    size_t block; /* pixels a unit */
    size_t patch; /* both convolutions' */
    size_t filters, gates;
    size_t holes; /* floats of the peepholes; 0: none */
} general;

/* ---- weights: the two kernels, the bias, then the peepholes ---- */

static void pack(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                 const float *bias, int train, void *packed)
{
    (void)train;
    const general *g = (const general *)cell;
    float *to = packed;
    size_t input = g->input.patch * g->gates, hidden = g->recurrent.patch * g->gates;
    memcpy(to, kernel, input * sizeof *to);
    memcpy(to + input, recurrent, hidden * sizeof *to);
    if (bias)
        memcpy(to + input + hidden, bias, g->gates * sizeof *to);
    else
        memset(to + input + hidden, 0, g->gates * sizeof *to);
}

static void wgrad_finish(const convlstm__cell *cell, const float *wgrad, float *dkernel,
                         float *drecurrent, float *dbias)
{
    const general *g = (const general *)cell;
    size_t input = g->input.patch * g->gates, hidden = g->recurrent.patch * g->gates;
    memcpy(dkernel, wgrad, input * sizeof *wgrad);
    memcpy(drecurrent, wgrad + input, hidden * sizeof *wgrad);
    if (dbias) memcpy(dbias, wgrad + input + hidden, g->gates * sizeof *wgrad);
}

static size_t holes_at(const general *g) { return (g->patch + 1) * g->gates; }

static void pack_peephole(const convlstm__cell *cell, const float *peephole, void *packed)
{
    const general *g = (const general *)cell;
    memcpy((float *)packed + holes_at(g), peephole, g->holes * sizeof *peephole);
}

static void peephole_finish(const convlstm__cell *cell, const float *wgrad, float *dpeephole)
{
    const general *g = (const general *)cell;
    memcpy(dpeephole, wgrad + holes_at(g), g->holes * sizeof *wgrad);
}

/* The peepholes of pixel p in weights or gradients (3F, for i, f, o); null: none. */
static const float *holes_of(const general *g, const float *weights, size_t p)
{
    if (!g->holes) return NULL;
    return weights + holes_at(g) +
           (g->cell.desc.peephole == CONVLSTM__PEEPHOLE_PIXEL ? p * 3 * g->filters : 0);
}

/* ---- dropout ---- */

/* Scratch behind the rest: x and h of one gate after its mask, and the gradient to the former. */
typedef struct masked_frames {
    float *x, *h, *dx;
} masked_frames;

static size_t input_floats(const general *g)
{
    return g->input.height * g->input.width * g->input.channels;
}

static masked_frames masked_scratch(const general *g, void *scratch)
{
    float *at = (float *)scratch + g->block * (g->patch + g->gates) + 2 * g->filters;
    return (masked_frames){at, at + input_floats(g), at + input_floats(g) + g->pixels * g->filters};
}

static void multiply(const float *a, const float *b, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

/* A frame after gate k's mask: itself if there is none. */
static const float *after_mask(const float *masks, size_t gate, const float *frame, size_t floats,
                               float *room)
{
    if (!masks || !frame) return frame;
    multiply(frame, masks + gate * floats, floats, room);
    return room;
}

/* ---- forward ---- */

/* z (4F) of one pixel, without bias, to gates in place, and the new c and h. */
static void cell_update(const general *g, const float *bias, const float *holes, float *z,
                        const float *c_prev, float *c, float *h)
{
    const convlstm__cell_desc *d = &g->cell.desc;
    size_t filters = g->filters;
    for (size_t k = 0; k < g->gates; k++) z[k] += bias[k];
    for (size_t k = 0; holes && c_prev && k < 2 * filters; k++)
        z[k] += holes[k] * c_prev[k % filters];
    convlstm__activate(d->recurrent_activation, 2 * filters, z, z);
    convlstm__activate(d->activation, filters, z + 2 * filters, z + 2 * filters);
    const float *i = z, *f = i + filters, *a = f + filters, *o = a + filters;
    for (size_t k = 0; k < filters; k++) c[k] = f[k] * (c_prev ? c_prev[k] : 0.0f) + i[k] * a[k];
    for (size_t k = 0; holes && k < filters; k++)
        z[3 * filters + k] += holes[2 * filters + k] * c[k];
    convlstm__activate(d->recurrent_activation, filters, z + 3 * filters, z + 3 * filters);
    convlstm__activate(d->activation, filters, c, h);
    for (size_t k = 0; k < filters; k++) h[k] *= o[k];
}

/* The patch matrix of a block; without h its columns of the recurrent kernel are not written.
 * Returns how many columns are. */
static size_t patches(const general *g, const float *x, const float *h_prev, size_t p0, size_t p1,
                      float *rows)
{
    convlstm__gather(&g->input, x, p0, p1, rows, g->patch);
    if (!h_prev) return g->input.patch;
    convlstm__gather(&g->recurrent, h_prev, p0, p1, rows + g->input.patch, g->patch);
    return g->patch;
}

/* Gates and states of pixels p0..p1-1 from their z. */
static void update_pixels(const general *g, const float *weights, const float *c_prev, size_t p0,
                          size_t p1, float *z, float *c, float *h)
{
    const float *bias = weights + g->patch * g->gates;
    for (size_t p = p0; p < p1; p++, z += g->gates)
        cell_update(g, bias, holes_of(g, weights, p), z, c_prev ? c_prev + p * g->filters : NULL,
                    c + p * g->filters, h + p * g->filters);
}

static size_t block_end(const general *g, size_t p0)
{
    return p0 + g->block < g->pixels ? p0 + g->block : g->pixels;
}

static void forward(const convlstm__cell *cell, const void *packed, void *scratch, const float *x,
                    const float *h_prev, const float *c_prev, float *h, float *c, void *gates,
                    size_t unit0, size_t unit1)
{
    const general *g = (const general *)cell;
    float *rows = scratch, *z_scratch = rows + g->block * g->patch;
    for (size_t unit = unit0; unit < unit1; unit++) {
        size_t p0 = unit * g->block, p1 = block_end(g, p0);
        size_t columns = patches(g, x, h_prev, p0, p1, rows);
        float *z = gates ? (float *)gates + p0 * g->gates : z_scratch;
        nbase__sgemm(false, false, p1 - p0, g->gates, columns, 1.0f, rows, g->patch, packed,
                     g->gates, 0.0f, z, g->gates);
        update_pixels(g, packed, c_prev, p0, p1, z, c, h);
    }
}

/* Each gate sees x and h through a mask of its own, so that its columns of z are a product of their
 * own. */
static void dropped_forward(const convlstm__cell *cell, const void *packed, void *scratch,
                            const convlstm__cell_masks *masks, const float *x, const float *h_prev,
                            const float *c_prev, float *h, float *c, void *gates)
{
    const general *g = (const general *)cell;
    masked_frames room = masked_scratch(g, scratch);
    float *rows = scratch, *z = gates;
    for (size_t k = 0; k < 4; k++) {
        const float *xk = after_mask(masks->input, k, x, input_floats(g), room.x),
                    *hk = after_mask(masks->recurrent, k, h_prev, g->pixels * g->filters, room.h);
        for (size_t p0 = 0; p0 < g->pixels; p0 += g->block) {
            size_t columns = patches(g, xk, hk, p0, block_end(g, p0), rows);
            nbase__sgemm(false, false, block_end(g, p0) - p0, g->filters, columns, 1.0f, rows,
                         g->patch, (const float *)packed + k * g->filters, g->gates, 0.0f,
                         z + p0 * g->gates + k * g->filters, g->gates);
        }
    }
    update_pixels(g, packed, c_prev, 0, g->pixels, z, c, h);
}

/* ---- backward ---- */

/* Gradients of one pixel: to z from those to h (dh) and, from the next step, to c (dc, which
 * becomes the one for the step before). act: scratch (F). dholes (3F) is added to; holes and dholes
 * are null without peepholes. */
static void cell_gradient(const general *g, const float *holes, const float *gates, const float *c,
                          const float *c_prev, const float *dh, float *dc, float *act, float *dz,
                          float *dholes)
{
    const convlstm__cell_desc *d = &g->cell.desc;
    size_t filters = g->filters;
    const float *i = gates, *f = i + filters, *a = f + filters, *o = a + filters;
    convlstm__activate(d->activation, filters, c, act);
    for (size_t k = 0; k < filters; k++) {
        float dzo = dh[k] * act[k] * convlstm__activation_slope(d->recurrent_activation, o[k]);
        float to_c = dc[k] + dh[k] * o[k] * convlstm__activation_slope(d->activation, act[k]) +
                     (holes ? dzo * holes[2 * filters + k] : 0.0f);
        dz[k] = to_c * a[k] * convlstm__activation_slope(d->recurrent_activation, i[k]);
        dz[filters + k] =
            c_prev ? to_c * c_prev[k] * convlstm__activation_slope(d->recurrent_activation, f[k])
                   : 0.0f;
        dz[2 * filters + k] = to_c * i[k] * convlstm__activation_slope(d->activation, a[k]);
        dz[3 * filters + k] = dzo;
        dc[k] = to_c * f[k] +
                (holes && c_prev ? dz[k] * holes[k] + dz[filters + k] * holes[filters + k] : 0.0f);
        if (!holes) continue;
        if (c_prev)
            dholes[k] += dz[k] * c_prev[k], dholes[filters + k] += dz[filters + k] * c_prev[k];
        dholes[2 * filters + k] += dzo * c[k];
    }
}

static void add_bias_gradient(const general *g, const float *dz, size_t rows, float *dbias)
{
    for (size_t p = 0; p < rows; p++, dz += g->gates)
        for (size_t k = 0; k < g->gates; k++) dbias[k] += dz[k];
}

/* What a step back is given. */
typedef struct step_back {
    const float *weights, *x, *h_prev, *c_prev, *c, *gates, *dh, *dh_next;
    float *dc, *wgrad;
} step_back;

/* dz of pixels p0..p1-1, and the gradients of bias and peepholes. sum, act: scratch (F) each. */
static void pixel_gradients(const general *g, const step_back *b, size_t p0, size_t p1, float *sum,
                            float *act, float *dz)
{
    size_t filters = g->filters;
    for (size_t p = p0; p < p1; p++) {
        size_t at = p * filters;
        for (size_t k = 0; k < filters; k++)
            sum[k] = (b->dh ? b->dh[at + k] : 0.0f) + (b->dh_next ? b->dh_next[at + k] : 0.0f);
        cell_gradient(g, holes_of(g, b->weights, p), b->gates + p * g->gates, b->c + at,
                      b->c_prev ? b->c_prev + at : NULL, sum, b->dc + at, act,
                      dz + (p - p0) * g->gates, (float *)holes_of(g, b->wgrad, p));
    }
    add_bias_gradient(g, dz, p1 - p0, b->wgrad + g->patch * g->gates);
}

/* From dz of a block for `n` gates' columns, beginning at `column`: weight gradients, and the
 * patches' gradients added to dx and dh_prev (null: not needed). */
static void block_back(const general *g, const step_back *b, const float *x, const float *h_prev,
                       size_t p0, size_t p1, size_t column, size_t n, const float *dz, float *rows,
                       float *dx, float *dh_prev)
{
    size_t columns = patches(g, x, h_prev, p0, p1, rows), input = g->input.patch,
           first = dx ? 0 : input, last = h_prev ? g->patch : input;
    nbase__sgemm(true, false, columns, n, p1 - p0, 1.0f, rows, g->patch, dz, g->gates, 1.0f,
                 b->wgrad + column, g->gates);
    if (first == last) return;
    nbase__sgemm(false, true, p1 - p0, last - first, n, 1.0f, dz, g->gates,
                 b->weights + first * g->gates + column, g->gates, 0.0f, rows + first, g->patch);
    if (dx) convlstm__scatter(&g->input, rows, g->patch, p0, p1, dx);
    if (h_prev) convlstm__scatter(&g->recurrent, rows + input, g->patch, p0, p1, dh_prev);
}

static void backward(const convlstm__cell *cell, const void *packed, void *scratch, const float *x,
                     const float *h_prev, const float *c_prev, const float *c, const void *gates,
                     const float *dh, const float *dh_next, float *dc, float *dx, float *dh_prev,
                     float *wgrad)
{
    const general *g = (const general *)cell;
    const step_back b = {packed, x, h_prev, c_prev, c, gates, dh, dh_next, dc, wgrad};
    float *rows = scratch, *dz = rows + g->block * g->patch, *sum = dz + g->block * g->gates,
          *act = sum + g->filters;
    if (dx) memset(dx, 0, input_floats(g) * sizeof *dx);
    memset(dh_prev, 0, g->pixels * g->filters * sizeof *dh_prev);
    for (size_t p0 = 0; p0 < g->pixels; p0 += g->block) {
        size_t p1 = block_end(g, p0);
        pixel_gradients(g, &b, p0, p1, sum, act, dz);
        block_back(g, &b, x, h_prev, p0, p1, 0, g->gates, dz, rows, dx, dh_prev);
    }
}

/* The gradient of gate k's masked frames comes to the frame by the mask again. */
static void dropped_backward(const convlstm__cell *cell, const void *packed, void *scratch,
                             const convlstm__cell_masks *masks, const float *x, const float *h_prev,
                             const float *c_prev, const float *c, const void *gates,
                             const float *dh, const float *dh_next, float *dc, float *dx,
                             float *dh_prev, float *wgrad)
{
    const general *g = (const general *)cell;
    const step_back b = {packed, x, h_prev, c_prev, c, gates, dh, dh_next, dc, wgrad};
    masked_frames room = masked_scratch(g, scratch);
    float *rows = scratch, *sum = rows + g->block * (g->patch + g->gates), *act = sum + g->filters,
          *dz = room.dx + input_floats(g), *dhk = dz + g->pixels * g->gates;
    size_t frame = input_floats(g), state = g->pixels * g->filters;
    pixel_gradients(g, &b, 0, g->pixels, sum, act, dz);
    if (dx) memset(dx, 0, frame * sizeof *dx);
    memset(dh_prev, 0, state * sizeof *dh_prev);
    for (size_t k = 0; k < 4; k++) {
        const float *xk = after_mask(masks->input, k, x, frame, room.x),
                    *hk = after_mask(masks->recurrent, k, h_prev, state, room.h);
        memset(room.dx, 0, frame * sizeof *room.dx);
        memset(dhk, 0, state * sizeof *dhk);
        for (size_t p0 = 0; p0 < g->pixels; p0 += g->block)
            block_back(g, &b, xk, hk, p0, block_end(g, p0), k * g->filters, g->filters,
                       dz + p0 * g->gates + k * g->filters, rows, dx ? room.dx : NULL, dhk);
        for (size_t i = 0; dx && i < frame; i++)
            dx[i] += room.dx[i] * (masks->input ? masks->input[k * frame + i] : 1.0f);
        for (size_t i = 0; i < state; i++)
            dh_prev[i] += dhk[i] * (masks->recurrent ? masks->recurrent[k * state + i] : 1.0f);
    }
}

/* ---- the rest ---- */

static void copy_c(const convlstm__cell *cell, const float *from, float *to)
{
    memcpy(to, from, cell->c_floats * sizeof *to);
}

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
    .pack_peephole = pack_peephole,
    .peephole_finish = peephole_finish,
    .dropped_forward = dropped_forward,
    .dropped_backward = dropped_backward,
    .c_to_nhwc = copy_c,
    .c_from_nhwc = copy_c,
};

nbase_status convlstm__cell_create_general(const nbase_env *env, const convlstm__cell_desc *desc,
                                           convlstm__cell **out)
{
    const convlstm__cell_desc *d = desc;
    nbase_env e = nbase__env(env);
    general *g = nbase__calloc(&e, 1, sizeof *g);
    if (!g) return NBASE_ERR_NOMEM;
    g->input = (convlstm__conv){.height = d->height,
                                .width = d->width,
                                .channels = d->channels,
                                .kernel_h = d->kernel_h,
                                .kernel_w = d->kernel_w,
                                .stride_h = d->stride_h,
                                .stride_w = d->stride_w,
                                .dilation_h = d->dilation_h,
                                .dilation_w = d->dilation_w};
    convlstm__conv_finish(&g->input, d->valid_padding);
    g->recurrent = (convlstm__conv){.height = g->input.out_height,
                                    .width = g->input.out_width,
                                    .channels = d->filters,
                                    .kernel_h = d->kernel_h,
                                    .kernel_w = d->kernel_w,
                                    .stride_h = 1,
                                    .stride_w = 1,
                                    .dilation_h = 1,
                                    .dilation_w = 1};
    convlstm__conv_finish(&g->recurrent, false);
    g->pixels = g->input.out_height * g->input.out_width;
    g->filters = d->filters;
    g->gates = 4 * d->filters;
    g->patch = g->input.patch + g->recurrent.patch;
    g->block = convlstm__conv_block(&g->input, g->recurrent.patch);
    if (d->peephole)
        g->holes = 3 * d->filters * (d->peephole == CONVLSTM__PEEPHOLE_PIXEL ? g->pixels : 1);
    g->cell = (convlstm__cell){.ops = &ops, .desc = *d, .env = e};
    g->cell.in = (convlstm__layout){d->height, d->width, 0};
    g->cell.out = (convlstm__layout){g->input.out_height, g->input.out_width, 0};
    g->cell.c_floats = g->pixels * g->filters;
    g->cell.gates_bytes = g->pixels * g->gates * sizeof(float);
    g->cell.wgrad_floats = holes_at(g) + g->holes;
    g->cell.packed_bytes = g->cell.wgrad_floats * sizeof(float);
    size_t masked = d->dropout ? 2 * input_floats(g) + g->pixels * (2 * g->filters + g->gates) : 0;
    g->cell.scratch_bytes =
        (g->block * (g->patch + g->gates) + 2 * g->filters + masked) * sizeof(float);
    g->cell.units = (g->pixels + g->block - 1) / g->block;
    *out = &g->cell;
    return NBASE_OK;
}
