/* ConvLSTM2D in training: the cell over the valid steps of each sample, and back through time. */
#include "conv_lstm2d_training.h"

#include <string.h>

#include "cells/frame.h"
#include "dropout.h"

/* ---- memory ---- */

static size_t gates_room(const convlstm__lstm_node *n, size_t step)
{
    return nbase__round_up(n->cell->gates_bytes[step % 2], NBASE_ALIGN);
}

static size_t dx_room(const convlstm__lstm_node *n)
{
    return nbase__round_up(n->in_floats * sizeof(float), NBASE_ALIGN);
}

/* Bytes that so many steps of a sample keep for the way back. */
static size_t saved_bytes(const convlstm__lstm_node *n, size_t steps)
{
    size_t c = n->cell->keeps_c ? 0 : convlstm__lstm_c_room(n) * sizeof(float);
    return (steps + 1) / 2 * (gates_room(n, 0) + c) + steps / 2 * (gates_room(n, 1) + c);
}

/* The same of a whole sequence, and the gradients dx, which take the place of what later steps
 * kept: that of a step must begin behind what the step itself kept. */
static size_t sample_bytes(const convlstm__lstm_node *n, size_t steps)
{
    size_t most = saved_bytes(n, steps);
    for (size_t s = 0; s < steps && n->base.wants_gradient; s++) {
        size_t bytes = saved_bytes(n, s + 1) + (steps - s) * dx_room(n);
        if (bytes > most) most = bytes;
    }
    return most;
}

static char *saved_at(const convlstm__lstm_node *n, size_t sample)
{
    return (char *)n->saved.data + sample * n->saved_bytes;
}

static void *gates_at(const convlstm__lstm_node *n, size_t sample, size_t step)
{
    return saved_at(n, sample) + saved_bytes(n, step);
}

static float *dx_at(const convlstm__lstm_node *n, size_t sample, size_t step)
{
    return (float *)(saved_at(n, sample + 1) - (n->saved_steps - step) * dx_room(n));
}

/* Of x or of h: two per channel. */
static size_t sums_bytes(const convlstm__lstm_node *n)
{
    const convlstm__cell_desc *d = &n->cell->desc;
    size_t most = d->channels > d->filters ? d->channels : d->filters;
    return nbase__round_up(2 * most * sizeof(double), NBASE_ALIGN);
}

/* What a thread has for one call, forward or back, over a sample. */
typedef struct call_memory {
    void *scratch; /* the cell's */
    float *c;      /* forward: c, where it is not kept; back: dc, from step to step */
    float *dh[2];  /* back: the gradient to h before a step, by the step's number modulo 2 */
    float *h;      /* with h_again: h of a step that is not kept */
    double *sums;  /* for a neighbour that watches (node.h) */
} call_memory;

static size_t call_bytes(const convlstm__lstm_node *n)
{
    size_t frames = 2 + n->h_again;
    return nbase__round_up(n->cell->scratch_bytes, NBASE_ALIGN) +
           (convlstm__lstm_c_room(n) + frames * convlstm__lstm_h_room(n)) * sizeof(float) +
           sums_bytes(n);
}

static call_memory call_memory_of(const convlstm__lstm_node *n, int thread)
{
    char *at = convlstm__call_memory(&n->base, thread);
    float *c = (float *)(at + nbase__round_up(n->cell->scratch_bytes, NBASE_ALIGN)),
          *dh = c + convlstm__lstm_c_room(n);
    size_t room = convlstm__lstm_h_room(n);
    return (call_memory){.scratch = at,
                         .c = c,
                         .dh = {dh, dh + room},
                         .h = dh + 2 * room,
                         .sums = (double *)(dh + (2 + n->h_again) * room)};
}

/* h of a step, or with h_again that of the last one. */
static float *kept_h(const convlstm__lstm_node *n, size_t sample, size_t step)
{
    size_t at = n->h_again ? sample : sample * n->saved_steps + step;
    return (float *)n->h.data + at * convlstm__lstm_h_room(n);
}

/* Where the step forward writes h: with h_again that of the last step, and of every second before
 * it, goes where the last is kept. */
static float *h_at(const convlstm__lstm_node *n, const convlstm__batch *batch, size_t sample,
                   size_t step, int thread)
{
    bool passes = n->h_again && (batch->steps[sample].count - 1 - step) % 2;
    return passes ? call_memory_of(n, thread).h : kept_h(n, sample, step);
}

/* Whether others take the last c. */
static bool gives_state(const convlstm__lstm_node *n)
{
    return n->base.states[0] || n->base.states[1] || n->layer->stateful;
}

/* c of a step; if the cell keeps_c, that of the last step so far. */
static float *kept_c(const convlstm__lstm_node *n, size_t sample, size_t step)
{
    if (n->cell->keeps_c) return (float *)n->c.data + sample * convlstm__lstm_c_room(n);
    return (float *)((char *)gates_at(n, sample, step) + gates_room(n, step));
}

/* Where the step forward writes c. */
static float *c_at(const convlstm__lstm_node *n, size_t sample, size_t step, int thread)
{
    bool passes = n->cell->keeps_c && !gives_state(n);
    return passes ? call_memory_of(n, thread).c : kept_c(n, sample, step);
}

static size_t wgrad_room(const convlstm__lstm_node *n)
{
    return nbase__round_up(n->cell->wgrad_floats, NBASE_ALIGN / sizeof(float));
}

nbase_status convlstm__lstm_reserve(convlstm__node *node, const convlstm__batch *batch)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    n->h_again = !n->sequences && n->cell->keeps_h && batch->max_frames > 2;
    n->saved_steps = batch->max_frames;
    n->saved_bytes = sample_bytes(n, n->saved_steps);
    node->call_bytes = call_bytes(n);
    struct {
        convlstm__buffer *buffer;
        size_t count, size;
    } const wanted[] = {
        {&n->h, batch->max_samples * (n->h_again ? 1 : n->saved_steps),
         convlstm__lstm_h_room(n) * sizeof(float)},
        {&n->saved, batch->max_samples, n->saved_bytes},
        {&n->c, n->cell->keeps_c && gives_state(n) ? batch->max_samples : 0,
         convlstm__lstm_c_room(n) * sizeof(float)},
        {&n->start, batch->initial_state || n->takes_states ? batch->max_samples : 0,
         (convlstm__lstm_h_room(n) + convlstm__lstm_c_room(n)) * sizeof(float)},
        {&n->masks, n->cell->desc.dropout ? batch->max_samples : 0,
         4 * (n->in_floats + n->h_floats) * sizeof(float)},
        {&n->wgrad, batch->kept + 1, wgrad_room(n) * sizeof(float)},
        {&n->start_gradients, n->takes_states ? batch->max_samples : 0,
         2 * convlstm__shape_floats(&node->out) * sizeof(float)},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        nbase_status status =
            convlstm__reserve(node->env, wanted[i].buffer, wanted[i].count, wanted[i].size);
        if (status) return status;
    }
    return NBASE_OK;
}

/* ---- what a step begins with ---- */

static float *start_h(const convlstm__lstm_node *n, size_t sample)
{
    return (float *)n->start.data + sample * (convlstm__lstm_h_room(n) + convlstm__lstm_c_room(n));
}

/* h and c before the first step; null: zero. */
static const float *first_h(const convlstm__lstm_node *n, const convlstm__batch *batch,
                            size_t sample)
{
    return batch->initial_state || n->takes_states ? start_h(n, sample) : NULL;
}

static const float *first_c(const convlstm__lstm_node *n, const convlstm__batch *batch,
                            size_t sample)
{
    return batch->initial_state || n->takes_states ? start_h(n, sample) + convlstm__lstm_h_room(n)
                                                   : NULL;
}

/* The factors of a sample's dropout, the same for all steps (Gal and Ghahramani 2016). */
static float *masks_of(const convlstm__lstm_node *n, size_t sample)
{
    return (float *)n->masks.data + sample * 4 * (n->in_floats + n->h_floats);
}

static convlstm__cell_masks cell_masks(const convlstm__lstm_node *n, size_t sample)
{
    if (!n->cell->desc.dropout) return (convlstm__cell_masks){NULL, NULL};
    float *input = masks_of(n, sample);
    return (convlstm__cell_masks){n->layer->dropout > 0 ? input : NULL,
                                  n->layer->recurrent_dropout > 0 ? input + 4 * n->in_floats
                                                                  : NULL};
}

static void draw_masks(const convlstm__lstm_node *n, const convlstm__batch *batch, size_t sample)
{
    float *input = masks_of(n, sample), *recurrent = input + 4 * n->in_floats;
    if (n->layer->dropout > 0)
        convlstm__dropout_draw(&n->base, batch, "dropout", sample, 0, n->layer->dropout,
                               4 * n->in_floats, input);
    if (n->layer->recurrent_dropout > 0)
        convlstm__dropout_draw(&n->base, batch, "recurrent_dropout", sample, 0,
                               n->layer->recurrent_dropout, 4 * n->h_floats, recurrent);
}

/* Given state `which`: of another node, or of the batch. */
static const float *given_state(const convlstm__lstm_node *n, const convlstm__batch *batch,
                                size_t sample, int which, int thread)
{
    if (n->takes_states)
        return convlstm__pull_from(&n->base, (size_t)which + 1, batch, sample, 0, thread);
    return convlstm__initial_state(&n->base, batch, sample, which);
}

static void begin_sample(const convlstm__lstm_node *n, const convlstm__batch *batch, size_t sample,
                         int thread)
{
    if (n->cell->desc.dropout) draw_masks(n, batch, sample);
    if (!batch->initial_state && !n->takes_states) return;
    float *h = start_h(n, sample);
    convlstm__frame_from_nhwc(&n->base.out_layout, n->base.out.channels,
                              given_state(n, batch, sample, 0, thread), h);
    n->cell->ops->c_from_nhwc(n->cell, given_state(n, batch, sample, 1, thread),
                              h + convlstm__lstm_h_room(n));
}

void convlstm__lstm_trained_state(const convlstm__node *node, const convlstm__batch *batch,
                                  size_t sample, float *h, float *c)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    size_t last = batch->steps[sample].count - 1;
    convlstm__frame_to_nhwc(&node->out_layout, node->out.channels, kept_h(n, sample, last), h);
    n->cell->ops->c_to_nhwc(n->cell, kept_c(n, sample, last), c);
}

/* ---- forward and back ---- */

/* Whether the images of a step have values beyond -1..1 (convlstm__unscaled). Behind a layer that
 * changes the number of frames: whether those of any frame have. */
static bool is_unscaled(const convlstm__lstm_node *n, const convlstm__batch *batch, size_t sample,
                        size_t s)
{
    const bool *any = batch->unscaled[sample], *frames = any + 1;
    bool derived = n->base.in.clock >= CONVLSTM__DERIVED_FRAMES;
    return derived ? *any : frames[batch->steps[sample].time[s]];
}

/* Whether a neighbour gets sums in place of a frame. */
static bool gives_sums(const convlstm__lstm_node *n, const convlstm__node *watcher)
{
    return watcher && n->cell->ops->sums && watcher->ops->training.observe_sums;
}

/* moments: null where they are not wanted. */
static void forward_step(const convlstm__lstm_node *n, const convlstm__batch *batch, size_t sample,
                         size_t s, int thread, double *moments)
{
    convlstm__cell_masks masks = cell_masks(n, sample);
    convlstm__cell_step step = {
        .packed = n->packed.data,
        .scratch = call_memory_of(n, thread).scratch,
        .x = convlstm__pull(&n->base, batch, sample, s, thread),
        .unscaled = is_unscaled(n, batch, sample, s),
        .h_prev = s ? h_at(n, batch, sample, s - 1, thread) : first_h(n, batch, sample),
        .c_prev = s ? c_at(n, sample, s - 1, thread) : first_c(n, batch, sample),
        .h = h_at(n, batch, sample, s, thread),
        .c = c_at(n, sample, s, thread),
        .gates = gates_at(n, sample, s),
        .odd = s % 2,
        .masks = n->cell->desc.dropout ? &masks : NULL,
        .moments = moments};
    n->cell->ops->forward(n->cell, &step, convlstm__cell_units(n->cell));
}

void convlstm__lstm_forward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                            int thread)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    convlstm__node *watcher = convlstm__output_watcher(node);
    double *sums = gives_sums(n, watcher) ? call_memory_of(n, thread).sums : NULL;
    size_t count = batch->steps[sample].count;
    begin_sample(n, batch, sample, thread);
    for (size_t s = 0; s < count; s++) {
        bool shown = watcher && (n->sequences || s == count - 1);
        size_t step = n->sequences ? s : 0; /* of the output */
        forward_step(n, batch, sample, s, thread, shown ? sums : NULL);
        if (shown && sums)
            watcher->ops->training.observe_sums(watcher, batch, sample, step, sums, thread);
        else if (shown)
            watcher->ops->training.observe(watcher, batch, sample, step, kept_h(n, sample, s),
                                           thread);
    }
}

/* The gradient to the output of valid step s, from the node that takes it; null: none. */
static const float *output_gradient(const convlstm__lstm_node *n, const convlstm__batch *batch,
                                    size_t sample, size_t s, int thread)
{
    if (!n->base.to && !n->base.loss) return NULL; /* its state is taken alone */
    if (n->sequences) return convlstm__pull_gradient(&n->base, batch, sample, s, thread);
    if (s + 1 < batch->steps[sample].count) return NULL;
    return convlstm__pull_gradient(&n->base, batch, sample, 0, thread);
}

/* The gradients to h and c after the last step from nodes that take them: into dc, and into dh,
 * which is returned; null: there is none to h. */
static const float *state_gradients(const convlstm__lstm_node *n, const convlstm__batch *batch,
                                    size_t sample, int thread, float *dh, float *dc)
{
    convlstm__node *const *states = n->base.states;
    memset(dc, 0, n->cell->c_floats * sizeof *dc);
    if (states[1])
        n->cell->ops->c_from_nhwc(n->cell,
                                  convlstm__pull_gradient(states[1], batch, sample, 0, thread), dc);
    if (!states[0]) return NULL;
    convlstm__frame_from_nhwc(&n->base.out_layout, n->base.out.channels,
                              convlstm__pull_gradient(states[0], batch, sample, 0, thread), dh);
    return dh;
}

static float *start_gradient(const convlstm__lstm_node *n, size_t sample, int which)
{
    size_t floats = convlstm__shape_floats(&n->base.out);
    return (float *)n->start_gradients.data + (2 * sample + (size_t)which) * floats;
}

/* h before a step: kept, or made again in `room`. */
static const float *h_for_back(const convlstm__lstm_node *n, const convlstm__batch *batch,
                               size_t sample, size_t s, float *room)
{
    if (!s) return first_h(n, batch, sample);
    if (!n->h_again) return kept_h(n, sample, s - 1);
    n->cell->back->h_again(n->cell, gates_at(n, sample, s - 1), room);
    return room;
}

/* Fills in what a step back reads of c and the gates of the steps forward. */
static void give_gates(const convlstm__lstm_node *n, const convlstm__batch *batch, size_t sample,
                       size_t s, convlstm__cell_step_back *step)
{
    step->odd = s % 2;
    step->gates = gates_at(n, sample, s);
    step->gates_prev = s ? gates_at(n, sample, s - 1) : NULL;
    step->gates_before = s > 1 ? gates_at(n, sample, s - 2) : NULL;
    step->c = n->cell->keeps_c ? NULL : kept_c(n, sample, s);
    step->c_prev = s && !n->cell->keeps_c ? kept_c(n, sample, s - 1) : first_c(n, batch, sample);
}

/* Shows the gradient to x of a step to the neighbour that watches it; null: none does. */
static void show_gradient(convlstm__node *watcher, const convlstm__batch *batch, size_t sample,
                          size_t s, const convlstm__cell_step_back *step, int thread)
{
    if (watcher && step->dx_sums)
        watcher->ops->training.observe_gradient_sums(watcher, batch, sample, s, step->dx_sums,
                                                     thread);
    else if (watcher)
        watcher->ops->training.observe_gradient(watcher, batch, sample, s, step->dx, thread);
}

/* Back through time over the valid steps only: at a masked one dh, dc and the gradient to the
 * repeated output pass through unchanged. */
void convlstm__lstm_backward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                             int thread)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    const call_memory m = call_memory_of(n, thread);
    convlstm__node *watcher = convlstm__gradient_watcher(node);
    double *sums = gives_sums(n, watcher) ? m.sums : NULL;
    size_t count = batch->steps[sample].count;
    convlstm__cell_masks masks = cell_masks(n, sample);
    convlstm__cell_step_back step = {.packed = n->packed.data,
                                     .scratch = m.scratch,
                                     .masks = n->cell->desc.dropout ? &masks : NULL,
                                     .dc = m.c,
                                     .dx_sums = sums,
                                     .wgrad = (float *)n->wgrad.data +
                                              (batch->first_kept + sample) * wgrad_room(n)};
    const float *dh_last = state_gradients(n, batch, sample, thread, m.dh[count % 2], m.c);
    for (size_t s = count; s-- > 0;) {
        step.x = convlstm__pull(node, batch, sample, s, thread);
        step.h_prev = h_for_back(n, batch, sample, s, m.h);
        give_gates(n, batch, sample, s, &step);
        step.dh = output_gradient(n, batch, sample, s, thread);
        step.dh_next = s == count - 1 ? dh_last : m.dh[(s + 1) % 2];
        step.dh_prev = m.dh[s % 2];
        step.dx = node->wants_gradient ? dx_at(n, sample, s) : NULL;
        step.first = s == count - 1;
        step.dx_with = sums ? convlstm__pull(watcher, batch, sample, s, thread) : NULL;
        n->cell->back->backward(n->cell, &step);
        show_gradient(watcher, batch, sample, s, &step, thread);
    }
    if (!n->takes_states) return;
    convlstm__frame_to_nhwc(&node->out_layout, node->out.channels, m.dh[0],
                            start_gradient(n, sample, 0));
    n->cell->ops->c_to_nhwc(n->cell, m.c, start_gradient(n, sample, 1));
}

/* ---- gradients of the weights, and what neighbours ask for ---- */

float *convlstm__lstm_total(const convlstm__node *node, const convlstm__batch *batch)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    return (float *)n->wgrad.data + batch->kept * wgrad_room(n);
}

size_t convlstm__lstm_sum_floats(const convlstm__node *node)
{
    return ((const convlstm__lstm_node *)node)->cell->wgrad_floats;
}

void convlstm__lstm_add_samples(convlstm__node *node, const convlstm__batch *batch, size_t first,
                                size_t count, int thread)
{
    (void)thread;
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    convlstm__sum_samples(batch, n->wgrad.data, wgrad_room(n), first, count);
}

void convlstm__lstm_finish(convlstm__node *node, const convlstm__batch *batch)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    float *total = convlstm__lstm_total(node, batch);
    n->cell->back->wgrad_finish(
        n->cell, total, convlstm__weights_gradient(node, batch, CONV_LSTM2D_KERNEL),
        convlstm__weights_gradient(node, batch, CONV_LSTM2D_RECURRENT),
        n->layer->use_bias ? convlstm__weights_gradient(node, batch, CONV_LSTM2D_BIAS) : NULL);
    size_t hole = convlstm__conv_lstm2d_peephole(n->layer);
    if (hole != SIZE_MAX)
        n->cell->back->peephole_finish(n->cell, total,
                                       convlstm__weights_gradient(node, batch, hole));
}

const float *convlstm__lstm_output(const convlstm__node *node, const convlstm__batch *batch,
                                   size_t sample, size_t step, int thread)
{
    (void)thread;
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    return kept_h(n, sample, n->sequences ? step : batch->steps[sample].count - 1);
}

const float *convlstm__lstm_gradient_to(const convlstm__node *node, const convlstm__batch *batch,
                                        size_t input, size_t sample, size_t step, int thread)
{
    (void)batch, (void)thread;
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    return input ? start_gradient(n, sample, (int)input - 1) : dx_at(n, sample, step);
}
