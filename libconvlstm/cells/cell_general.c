/* The general backend: any kernel size, stride, dilation, padding and activation. Frames are NHWC;
 * c and the gates lie as h does, the gates with i, f, g, o of a pixel side by side, (H,W,4,F).
 *
 * A step is one matrix product per block of pixels, z = patches * weights:
 *
 *     patches  (pixels, patch)  a row per pixel: what the input kernel sees of x, then what the
 *                               recurrent kernel sees of h (patches.h)
 *     weights  (patch, 4F)      Keras's two kernels, flattened, one above the other
 *     z        (pixels, 4F)     what the gates' activations see, but for bias and peepholes
 *
 * Backward is its transpose. A block is a unit of a step: its products have the same shapes, and so
 * the same bits, whichever thread computes it. */
#include <string.h>

#include "cell.h"
#include "gemm.h"
#include "patches.h"

/* Scratch of a pixel's gradients, in rows of F. */
enum { PIXEL_SCRATCH = 4 };

typedef struct general {
    convlstm__cell cell;
    convlstm__conv input, recurrent;
    size_t pixels;    /* of the output */
    size_t block;     /* pixels per unit */
    size_t patch;     /* of both convolutions together */
    size_t filters;   /* F */
    size_t gates;     /* 4F */
    size_t peepholes; /* floats of their weights; 0: none */
} general;

/* ---- weights: the two kernels, the bias, then the peepholes ----
 *
 * `packed`, and likewise `wgrad`: (patch, 4F), (4F), and 3F per channel or (H,W,3F). */

static void pack(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                 const float *bias, bool train, bool bounded, void *packed)
{
    (void)train, (void)bounded;
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

static size_t peepholes_at(const general *g) { return (g->patch + 1) * g->gates; }

static void pack_peephole(const convlstm__cell *cell, const float *peephole, void *packed)
{
    const general *g = (const general *)cell;
    memcpy((float *)packed + peepholes_at(g), peephole, g->peepholes * sizeof *peephole);
}

static void peephole_finish(const convlstm__cell *cell, const float *wgrad, float *dpeephole)
{
    const general *g = (const general *)cell;
    memcpy(dpeephole, wgrad + peepholes_at(g), g->peepholes * sizeof *wgrad);
}

/* The peepholes of pixel p in weights or gradients (3F, for i, f, o); null: none. */
static const float *peepholes_of(const general *g, const float *weights, size_t p)
{
    if (!g->peepholes) return NULL;
    return weights + peepholes_at(g) +
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

static size_t state_floats(const general *g) { return g->pixels * g->filters; }

static masked_frames masked_scratch(const general *g, void *scratch)
{
    float *at = (float *)scratch + g->block * (g->patch + g->gates) + PIXEL_SCRATCH * g->filters;
    return (masked_frames){at, at + input_floats(g), at + input_floats(g) + state_floats(g)};
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

/* Whether the gates of a step hold what goes into the activation of g, in place of g: some
 * activations have no slope that follows from their result alone, so that `backward` needs what
 * went in, and computes g from it again. */
static bool keeps_preactivation(const general *g)
{
    return convlstm__activation_needs_x(g->cell.desc.activation);
}

/* One pixel of a step: makes its gates of z (4F), in place, and writes the new c and h (F each). */
static void cell_update(const general *g, const float *bias, const float *peepholes, float *z,
                        const float *c_prev, float *c, float *h)
{
    const convlstm__cell_desc *d = &g->cell.desc;
    size_t filters = g->filters;
    for (size_t k = 0; k < g->gates; k++) z[k] += bias[k];
    for (size_t k = 0; peepholes && c_prev && k < 2 * filters; k++)
        z[k] += peepholes[k] * c_prev[k % filters];
    convlstm__activate(d->recurrent_activation, 2 * filters, z, z);
    const float *i = z, *f = i + filters, *o = z + 3 * filters;
    float *a = keeps_preactivation(g) ? h : z + 2 * filters;
    convlstm__activate(d->activation, filters, z + 2 * filters, a);
    for (size_t k = 0; k < filters; k++) c[k] = f[k] * (c_prev ? c_prev[k] : 0.0f) + i[k] * a[k];
    for (size_t k = 0; peepholes && k < filters; k++)
        z[3 * filters + k] += peepholes[2 * filters + k] * c[k];
    convlstm__activate(d->recurrent_activation, filters, z + 3 * filters, z + 3 * filters);
    convlstm__activate(d->activation, filters, c, h);
    for (size_t k = 0; k < filters; k++) h[k] *= o[k];
}

/* Writes the patch matrix of pixels p0..p1-1, a row every g->patch floats. Without h the columns of
 * the recurrent kernel are left out. Returns the number of columns that are written. */
static size_t patches(const general *g, const float *x, const float *h_prev, size_t p0, size_t p1,
                      float *rows)
{
    convlstm__gather(&g->input, x, p0, p1, rows, g->patch);
    if (!h_prev) return g->input.patch;
    convlstm__gather(&g->recurrent, h_prev, p0, p1, rows + g->input.patch, g->patch);
    return g->patch;
}

/* Gates and states of pixels p0..p1-1 from their z. */
static void update_pixels(const general *g, const convlstm__cell_step *s, size_t p0, size_t p1,
                          float *z)
{
    const float *weights = s->packed, *bias = weights + g->patch * g->gates;
    for (size_t p = p0; p < p1; p++, z += g->gates)
        cell_update(g, bias, peepholes_of(g, weights, p), z,
                    s->c_prev ? s->c_prev + p * g->filters : NULL, s->c + p * g->filters,
                    s->h + p * g->filters);
}

static size_t block_end(const general *g, size_t p0)
{
    return p0 + g->block < g->pixels ? p0 + g->block : g->pixels;
}

/* Each gate sees x and h through a mask of its own, so its columns of z are a product of their
 * own. */
static void dropped_forward(const general *g, const convlstm__cell_step *s)
{
    const convlstm__cell_masks *masks = s->masks;
    masked_frames masked = masked_scratch(g, s->scratch);
    float *rows = s->scratch, *z = s->gates;
    for (size_t k = 0; k < 4; k++) {
        const float *x = after_mask(masks->input, k, s->x, input_floats(g), masked.x),
                    *h = after_mask(masks->recurrent, k, s->h_prev, state_floats(g), masked.h);
        for (size_t p0 = 0; p0 < g->pixels; p0 += g->block) {
            size_t p1 = block_end(g, p0), columns = patches(g, x, h, p0, p1, rows);
            nbase__sgemm(false, false, p1 - p0, g->filters, columns, 1.0f, rows, g->patch,
                         (const float *)s->packed + k * g->filters, g->gates, 0.0f,
                         z + p0 * g->gates + k * g->filters, g->gates);
        }
    }
    update_pixels(g, s, 0, g->pixels, z);
}

static void forward(const convlstm__cell *cell, const convlstm__cell_step *s, convlstm__units units)
{
    const general *g = (const general *)cell;
    if (s->masks) {
        dropped_forward(g, s);
        return;
    }
    float *rows = s->scratch, *z_scratch = rows + g->block * g->patch;
    for (size_t unit = units.first; unit < units.last; unit++) {
        size_t p0 = unit * g->block, p1 = block_end(g, p0);
        size_t columns = patches(g, s->x, s->h_prev, p0, p1, rows);
        float *z = s->gates ? (float *)s->gates + p0 * g->gates : z_scratch;
        nbase__sgemm(false, false, p1 - p0, g->gates, columns, 1.0f, rows, g->patch, s->packed,
                     g->gates, 0.0f, z, g->gates);
        update_pixels(g, s, p0, p1, z);
    }
}

/* ---- backward ---- */

/* A step back at one pixel. Values are (F), but gates and dz (4F), peepholes and dpeepholes
 * (3F). */
typedef struct pixel_back {
    const float *gates, *c;
    const float *c_prev; /* null: zero */
    const float *dh;
    float *dc;              /* in: the gradient to c from the next step; out: to c_prev */
    float *dz;              /* written: the gradient to z */
    const float *peepholes; /* null: no peepholes */
    float *dpeepholes;      /* added to; null: no peepholes */
    float *scratch;         /* (3F) */
} pixel_back;

/* The gradient through an activation back to what went into it, x: out = in . with . slope, where y
 * is the activation's result. x may be null where the slope follows from y alone. */
static void through(convlstm__activation activation, size_t n, const float *in, const float *with,
                    const float *x, const float *y, float *out)
{
    multiply(in, with, n, out);
    convlstm__activate_backward(activation, n, x, y, out, out);
}

static void cell_gradient(const general *g, const pixel_back *p)
{
    const convlstm__activation act = g->cell.desc.activation,
                               recurrent = g->cell.desc.recurrent_activation;
    const size_t F = g->filters;
    const float *i = p->gates, *f = i + F, *g_in = f + F, *o = g_in + F, *c_prev = p->c_prev,
                *peepholes = p->peepholes, *a = g_in;
    float *dzi = p->dz, *dzf = dzi + F, *dza = dzf + F, *dzo = dza + F, *dpeepholes = p->dpeepholes,
          *y = p->scratch, *to_c = y + F;
    if (keeps_preactivation(g)) {
        convlstm__activate(act, F, g_in, to_c + F);
        a = to_c + F;
    }
    convlstm__activate(act, F, p->c, y);
    through(recurrent, F, p->dh, y, NULL, o, dzo);
    through(act, F, p->dh, o, p->c, y, to_c);
    for (size_t k = 0; k < F; k++) {
        to_c[k] += p->dc[k];
        if (peepholes) to_c[k] += dzo[k] * peepholes[2 * F + k];
    }
    through(recurrent, F, to_c, a, NULL, i, dzi);
    through(act, F, to_c, i, g_in, a, dza);
    if (c_prev)
        through(recurrent, F, to_c, c_prev, NULL, f, dzf);
    else
        memset(dzf, 0, F * sizeof *dzf);
    multiply(to_c, f, F, p->dc);
    for (size_t k = 0; peepholes && k < F; k++) {
        if (c_prev) p->dc[k] += dzi[k] * peepholes[k] + dzf[k] * peepholes[F + k];
        if (c_prev) dpeepholes[k] += dzi[k] * c_prev[k], dpeepholes[F + k] += dzf[k] * c_prev[k];
        dpeepholes[2 * F + k] += dzo[k] * p->c[k];
    }
}

static void add_bias_gradient(const general *g, const float *dz, size_t rows, float *dbias)
{
    for (size_t p = 0; p < rows; p++, dz += g->gates)
        for (size_t k = 0; k < g->gates; k++) dbias[k] += dz[k];
}

/* dz of pixels p0..p1-1, and the gradients of bias and peepholes. scratch: (4F). */
static void pixel_gradients(const general *g, const convlstm__cell_step_back *s, size_t p0,
                            size_t p1, float *scratch, float *dz)
{
    const size_t F = g->filters;
    const float *gates = s->gates;
    for (size_t p = p0; p < p1; p++) {
        size_t at = p * F;
        for (size_t k = 0; k < F; k++)
            scratch[k] = (s->dh ? s->dh[at + k] : 0.0f) + (s->dh_next ? s->dh_next[at + k] : 0.0f);
        cell_gradient(g, &(pixel_back){.gates = gates + p * g->gates,
                                       .c = s->c + at,
                                       .c_prev = s->c_prev ? s->c_prev + at : NULL,
                                       .dh = scratch,
                                       .dc = s->dc + at,
                                       .dz = dz + (p - p0) * g->gates,
                                       .peepholes = peepholes_of(g, s->packed, p),
                                       .dpeepholes = (float *)peepholes_of(g, s->wgrad, p),
                                       .scratch = scratch + F});
    }
    add_bias_gradient(g, dz, p1 - p0, s->wgrad + g->patch * g->gates);
}

/* A step back through the convolutions of some gates: of all, or of one where each gate has a mask
 * of its own. */
typedef struct product_back {
    const float *x, *h_prev; /* as these gates see them; h_prev may be null */
    float *dx, *dh_prev;     /* added to; dx may be null, dh_prev is not used without h_prev */
    size_t column, columns;  /* of z: the first, and how many */
    float *rows;             /* scratch: a block's patches */
} product_back;

/* The gradients of pixels p0..p1-1 through the convolutions: of the weights, and of the patches,
 * which are added to dx and dh_prev. dz begins at its first column that is used. */
static void block_back(const general *g, const convlstm__cell_step_back *s,
                       const product_back *back, size_t p0, size_t p1, const float *dz)
{
    float *rows = back->rows;
    size_t columns = patches(g, back->x, back->h_prev, p0, p1, rows), input = g->input.patch,
           first = back->dx ? 0 : input, last = back->h_prev ? g->patch : input;
    nbase__sgemm(true, false, columns, back->columns, p1 - p0, 1.0f, rows, g->patch, dz, g->gates,
                 1.0f, s->wgrad + back->column, g->gates);
    if (first == last) return;
    const float *weights = (const float *)s->packed + first * g->gates + back->column;
    nbase__sgemm(false, true, p1 - p0, last - first, back->columns, 1.0f, dz, g->gates, weights,
                 g->gates, 0.0f, rows + first, g->patch);
    if (back->dx) convlstm__scatter(&g->input, rows, g->patch, p0, p1, back->dx);
    if (back->h_prev)
        convlstm__scatter(&g->recurrent, rows + input, g->patch, p0, p1, back->dh_prev);
}

/* out += in, times a mask's factors if there is one. */
static void add_after_mask(const float *mask, const float *in, size_t floats, float *out)
{
    for (size_t i = 0; i < floats; i++) out[i] += in[i] * (mask ? mask[i] : 1.0f);
}

/* The gradient to gate k's masked frames goes through its mask to the frame. */
static void dropped_backward(const general *g, const convlstm__cell_step_back *s)
{
    const convlstm__cell_masks *masks = s->masks;
    const size_t frame = input_floats(g), state = state_floats(g), F = g->filters;
    masked_frames masked = masked_scratch(g, s->scratch);
    float *rows = s->scratch, *pixel = rows + g->block * (g->patch + g->gates),
          *dz = masked.dx + frame, *dhk = dz + g->pixels * g->gates;
    pixel_gradients(g, s, 0, g->pixels, pixel, dz);
    for (size_t k = 0; k < 4; k++) {
        product_back back = {.x = after_mask(masks->input, k, s->x, frame, masked.x),
                             .h_prev = after_mask(masks->recurrent, k, s->h_prev, state, masked.h),
                             .dx = s->dx ? masked.dx : NULL,
                             .dh_prev = dhk,
                             .column = k * F,
                             .columns = F,
                             .rows = rows};
        memset(masked.dx, 0, frame * sizeof *masked.dx);
        memset(dhk, 0, state * sizeof *dhk);
        for (size_t p0 = 0; p0 < g->pixels; p0 += g->block)
            block_back(g, s, &back, p0, block_end(g, p0), dz + p0 * g->gates + k * F);
        if (s->dx)
            add_after_mask(masks->input ? masks->input + k * frame : NULL, masked.dx, frame, s->dx);
        add_after_mask(masks->recurrent ? masks->recurrent + k * state : NULL, dhk, state,
                       s->dh_prev);
    }
}

static void backward(const convlstm__cell *cell, const convlstm__cell_step_back *s)
{
    const general *g = (const general *)cell;
    if (s->dx) memset(s->dx, 0, input_floats(g) * sizeof *s->dx);
    memset(s->dh_prev, 0, state_floats(g) * sizeof *s->dh_prev);
    if (s->first) memset(s->wgrad, 0, cell->wgrad_floats * sizeof *s->wgrad);
    if (s->masks) {
        dropped_backward(g, s);
        return;
    }
    float *rows = s->scratch, *dz = rows + g->block * g->patch, *pixel = dz + g->block * g->gates;
    product_back back = {s->x, s->h_prev, s->dx, s->dh_prev, 0, g->gates, rows};
    for (size_t p0 = 0; p0 < g->pixels; p0 += g->block) {
        size_t p1 = block_end(g, p0);
        pixel_gradients(g, s, p0, p1, pixel, dz);
        block_back(g, s, &back, p0, p1, dz);
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

const convlstm__cell_back_ops convlstm__cell_general_back = {
    .backward = backward,
    .wgrad_finish = wgrad_finish,
    .peephole_finish = peephole_finish,
};

static const convlstm__cell_ops ops = {
    .name = "general",
    .free = free_cell,
    .pack = pack,
    .forward = forward,
    .pack_peephole = pack_peephole,
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
        g->peepholes = 3 * d->filters * (d->peephole == CONVLSTM__PEEPHOLE_PIXEL ? g->pixels : 1);
    g->cell = (convlstm__cell){.ops = &ops, .desc = *d, .env = e};
    g->cell.back = d->train ? d->train->general : NULL;
    g->cell.in = convlstm__layout_nhwc(d->height, d->width);
    g->cell.out = convlstm__layout_nhwc(g->input.out_height, g->input.out_width);
    g->cell.c_floats = g->pixels * g->filters;
    g->cell.gates_bytes[0] = g->cell.gates_bytes[1] = g->pixels * g->gates * sizeof(float);
    g->cell.wgrad_floats = peepholes_at(g) + g->peepholes;
    g->cell.packed_bytes = g->cell.wgrad_floats * sizeof(float);
    size_t masked_floats =
        d->dropout ? 2 * input_floats(g) + g->pixels * (2 * g->filters + g->gates) : 0;
    g->cell.scratch_bytes =
        (g->block * (g->patch + g->gates) + PIXEL_SCRATCH * g->filters + masked_floats) *
        sizeof(float);
    g->cell.units = (g->pixels + g->block - 1) / g->block;
    *out = &g->cell;
    return NBASE_OK;
}
