#include "engine_cell.h"

#include <stdlib.h>
#include <string.h>

#include "cells/frame.h"
#include "threads.h"

struct cell_run {
    const operands *in;
    convlstm__cell *cell;
    int threads;
    /* units of a sample's step: 1 if there are samples enough for all threads */
    size_t parts;
    size_t x_floats, h_floats;          /* of a frame */
    float *x, *h_prev, *c_prev, *h, *c; /* samples one after another */
    /* step_b: what the forward step kept, and gradients; wgrad per thread */
    float *gates, *dh, *dc, *dc_first, *dx, *dh_prev, *wgrad;
    void *packed, *scratch; /* scratch: per thread */
};

bool cell_describe(const descriptor *d, convlstm__cell_desc *out)
{
    if (d->kind != STEP && d->kind != STEP_BACK && (d->kind != CONV || d->oc % 4)) return false;
    *out =
        (convlstm__cell_desc){.height = d->ih,
                              .width = d->iw,
                              .channels = d->ic,
                              .filters = d->kind == CONV ? d->oc / 4 : d->oc,
                              .kernel_h = d->kh,
                              .kernel_w = d->kw,
                              .stride_h = 1,
                              .stride_w = 1,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .train = d->kind == STEP_BACK ? &convlstm__cell_training_all : NULL,
                              .compact_gates = true, /* as in the trainer's default */
                              .activation = CONVLSTM__TANH,
                              .recurrent_activation = CONVLSTM__HARD_SIGMOID_K2};
    return true;
}

static float *floats(const cell_run *r, size_t n)
{
    return nbase__alloc(&r->cell->env, n * sizeof(float));
}

static void forward(cell_run *r, size_t sample, size_t part, int thread, float *gates)
{
    const convlstm__cell *k = r->cell;
    convlstm__units units = {part * k->units / r->parts, (part + 1) * k->units / r->parts};
    bool state = r->h_prev != NULL;
    convlstm__cell_step step = {.packed = r->packed,
                                .scratch = (char *)r->scratch + (size_t)thread * k->scratch_bytes,
                                .x = r->x + sample * r->x_floats,
                                .h_prev = state ? r->h_prev + sample * r->h_floats : NULL,
                                .c_prev = state ? r->c_prev + sample * k->c_floats : NULL,
                                .h = r->h + sample * r->h_floats,
                                .c = r->c + sample * k->c_floats,
                                .gates = gates ? (char *)gates + sample * k->gates_bytes[0] : NULL};
    k->ops->forward(k, &step, units);
}

static void forward_task(void *ctx, size_t i, int thread)
{
    cell_run *r = ctx;
    forward(r, i / r->parts, i % r->parts, thread, NULL);
}

static void keep_task(void *ctx, size_t i, int thread)
{
    cell_run *r = ctx;
    forward(r, i / r->parts, i % r->parts, thread, r->gates);
}

/* A backward step is one unit. */
static void back_task(void *ctx, size_t b, int thread)
{
    cell_run *r = ctx;
    const convlstm__cell *k = r->cell;
    size_t c = b * k->c_floats, h = b * r->h_floats;
    convlstm__cell_step_back step = {.packed = r->packed,
                                     .scratch =
                                         (char *)r->scratch + (size_t)thread * k->scratch_bytes,
                                     .x = r->x + b * r->x_floats,
                                     .h_prev = r->h_prev + h,
                                     .c_prev = r->c_prev + c,
                                     .c = r->c + c,
                                     .gates = (char *)r->gates + b * k->gates_bytes[0],
                                     .dh = r->dh + h,
                                     .dc = r->dc + c,
                                     .dx = r->dx + (size_t)thread * r->x_floats,
                                     .dh_prev = r->dh_prev + h,
                                     .wgrad = r->wgrad + (size_t)thread * k->wgrad_floats};
    k->back->backward(k, &step);
}

static void start_back(cell_run *r)
{
    memcpy(r->dc, r->dc_first, r->in->what.mb * r->cell->c_floats * sizeof(float));
    memset(r->wgrad, 0, (size_t)r->threads * r->cell->wgrad_floats * sizeof(float));
}

/* Its sums start from zero each time, as they do after a batch. */
void cell_run_once(void *run)
{
    cell_run *r = run;
    if (r->gates) {
        start_back(r);
        nbase__parallel_for(r->threads, r->in->what.mb, back_task, r);
    } else {
        nbase__parallel_for(r->threads, r->in->what.mb * r->parts, forward_task, r);
    }
}

/* Frames of all samples from NHWC. */
static float *frames(const cell_run *r, const convlstm__layout *layout, size_t channels,
                     const float *nhwc)
{
    size_t mb = r->in->what.mb, each = convlstm__frame_floats(layout, channels),
           pixels = layout->height * layout->width;
    float *f = floats(r, mb * each);
    for (size_t b = 0; f && b < mb; b++)
        convlstm__frame_from_nhwc(layout, channels, nhwc + b * pixels * channels, f + b * each);
    return f;
}

static float *states(const cell_run *r, const float *nhwc)
{
    const descriptor *d = &r->in->what;
    float *c = floats(r, d->mb * r->cell->c_floats);
    for (size_t b = 0; c && b < d->mb; b++)
        r->cell->ops->c_from_nhwc(r->cell, nhwc + b * d->ih * d->iw * d->oc,
                                  c + b * r->cell->c_floats);
    return c;
}

static bool open_back(cell_run *r)
{
    const descriptor *d = &r->in->what;
    const convlstm__cell *k = r->cell;
    r->gates = nbase__alloc(&r->cell->env, d->mb * k->gates_bytes[0]);
    r->dh = frames(r, &k->out, d->oc, r->in->d_h);
    r->dh_prev = floats(r, d->mb * r->h_floats);
    r->dc_first = states(r, r->in->d_c);
    r->dc = floats(r, d->mb * k->c_floats);
    r->dx = floats(r, (size_t)r->threads * r->x_floats);
    r->wgrad = floats(r, (size_t)r->threads * k->wgrad_floats);
    if (!r->gates || !r->dh || !r->dh_prev || !r->dc_first || !r->dc || !r->dx || !r->wgrad)
        return false;
    nbase__parallel_for(r->threads, d->mb * r->parts, keep_task, r);
    return true;
}

static bool open_frames(cell_run *r)
{
    const operands *in = r->in;
    const descriptor *d = &in->what;
    const convlstm__cell *k = r->cell;
    size_t filters = k->desc.filters;
    r->x_floats = convlstm__frame_floats(&k->in, d->ic);
    r->h_floats = convlstm__frame_floats(&k->out, filters);
    r->parts = d->mb >= (size_t)r->threads ? 1 : (size_t)r->threads;
    if (r->parts > k->units) r->parts = k->units;
    r->x = frames(r, &k->in, d->ic, in->a);
    r->h = floats(r, d->mb * r->h_floats);
    r->c = floats(r, d->mb * k->c_floats);
    r->packed = nbase__alloc(&r->cell->env, k->packed_bytes);
    r->scratch = nbase__alloc(&r->cell->env, (size_t)r->threads * k->scratch_bytes);
    if (d->kind != CONV) {
        r->h_prev = frames(r, &k->out, filters, in->c);
        r->c_prev = states(r, in->state);
    }
    return r->x && r->h && r->c && r->packed && r->scratch &&
           (d->kind == CONV || (r->h_prev && r->c_prev));
}

/* A convolution has no recurrent weights: from a zero state the step does not read them. */
static bool pack(cell_run *r)
{
    const operands *in = r->in;
    const convlstm__cell_desc *d = &r->cell->desc;
    float *none =
        in->recurrent
            ? NULL
            : nbase__calloc(&r->cell->env, d->kernel_h * d->kernel_w * d->filters * 4 * d->filters,
                            sizeof(float));
    if (in->recurrent || none)
        r->cell->ops->pack(r->cell, in->b, in->recurrent ? in->recurrent : none, in->bias,
                           in->what.kind == STEP_BACK, false, r->packed);
    nbase__free(&r->cell->env, none);
    return in->recurrent || none;
}

cell_run *cell_run_open(const operands *in, convlstm__cell *cell, int threads)
{
    cell_run *r = calloc(1, sizeof *r);
    if (!r) {
        cell->ops->free(cell);
        return NULL;
    }
    *r = (cell_run){.in = in, .cell = cell, .threads = threads};
    if (open_frames(r) && pack(r) && (in->what.kind != STEP_BACK || open_back(r))) return r;
    cell_run_close(r);
    return NULL;
}

void cell_run_close(void *run)
{
    cell_run *r = run;
    void *all[] = {r->x,  r->h_prev,   r->c_prev, r->h,       r->c,     r->gates,  r->dh,
                   r->dc, r->dc_first, r->dx,     r->dh_prev, r->wgrad, r->packed, r->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nbase__free(&r->cell->env, all[i]);
    r->cell->ops->free(r->cell);
    free(r);
}

void cell_run_result(void *run, float *out)
{
    cell_run *r = run;
    const convlstm__cell *k = r->cell;
    const descriptor *d = &r->in->what;
    bool back = d->kind == STEP_BACK;
    size_t filters = k->desc.filters, frame = d->ih * d->iw * filters;
    for (size_t b = 0; b < d->mb; b++) {
        convlstm__frame_to_nhwc(&k->out, filters, (back ? r->dh_prev : r->h) + b * r->h_floats,
                                out + b * frame);
        k->ops->c_to_nhwc(k, (back ? r->dc : r->c) + b * k->c_floats, out + (d->mb + b) * frame);
    }
    if (!back) return;
    for (int t = 1; t < r->threads; t++)
        for (size_t i = 0; i < k->wgrad_floats; i++)
            r->wgrad[i] += r->wgrad[(size_t)t * k->wgrad_floats + i];
    float *kernel = out + 2 * d->mb * frame,
          *recurrent = kernel + d->kh * d->kw * d->ic * 4 * d->oc;
    k->back->wgrad_finish(k, r->wgrad, kernel, recurrent,
                          recurrent + d->kh * d->kw * d->oc * 4 * d->oc);
}
