/* ConvLSTM2D at work: a cell (cell.h) carried over the valid steps of a sequence. */
#include <string.h>

#include "conv_lstm2d_node.h"

#include "cells/frame.h"
#include "conv_lstm2d.h"
#include "dropout.h"
#include "reverse.h"

typedef struct conv_node {
    convlstm__node base;
    convlstm__cell *cell;
    const convlstm__conv_lstm2d *layer;
    bool sequences; /* every h is output, not the last only */
    bool odd;       /* there is an odd number of such nodes before it */
    /* At inference: planes behind those of h, 1 of ones, for what the second of a pair has folded
     * in. */
    size_t extra;
    const convlstm__node *folded; /* an affine map that is in this node's weights; null: none */
    size_t in_floats, h_floats;
    convlstm__buffer packed;
    convlstm__buffer wide; /* the kernel with what is folded in */
    /* Training. Step s of a sample lies at (sample * slots + s); gates and c side by side. The
     * gradient dx of a step takes the place of the next step's gates and c, which are done with by
     * then, where it fits; that is a tenth of the memory. */
    convlstm__buffer h, saved, dx, wgrad;
    convlstm__buffer start; /* a sample: h and c before step 0, where they are not zero */
    convlstm__buffer work;  /* a thread: scratch, dc, and two frames dh that take turns */
    convlstm__buffer masks; /* a sample: factors of dropout, of x and then of h, a frame a gate */
    bool dx_in_saved;
    size_t work_bytes;
    size_t slots; /* max_frames + 1 */
} conv_node;

static void free_node(convlstm__node *node)
{
    conv_node *n = (conv_node *)node;
    convlstm__buffer *const buffers[] = {&n->packed, &n->h,     &n->saved, &n->dx,  &n->wgrad,
                                         &n->work,   &n->start, &n->masks, &n->wide};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(node->env, buffers[i]);
    if (n->cell) n->cell->ops->free(n->cell);
}

static const float *bias_of(const conv_node *n)
{
    return n->layer->use_bias ? convlstm__weights(&n->base, CONV_LSTM2D_BIAS) : NULL;
}

/* The kernel with the affine map before it folded in: scaled, and one more channel, of ones, for
 * the shift. Outside the frame both are zero, as Keras pads the map's output. */
static const float *folded_kernel(const conv_node *n)
{
    const float *kernel = convlstm__weights(&n->base, CONV_LSTM2D_KERNEL);
    if (!n->folded) return kernel;
    convlstm__affine map = n->folded->ops->inference.affine(n->folded);
    size_t channels = n->base.in.channels, outputs = 4 * n->layer->filters,
           taps = n->layer->kernel_size[0] * n->layer->kernel_size[1];
    float *wide = n->wide.data;
    for (size_t t = 0; t < taps;
         t++, kernel += channels * outputs, wide += (channels + 1) * outputs)
        for (size_t k = 0; k < outputs; k++) {
            double sum = 0;
            for (size_t c = 0; c < channels; c++) {
                wide[c * outputs + k] = map.scale[c] * kernel[c * outputs + k];
                sum += (double)map.shift[c] * kernel[c * outputs + k];
            }
            wide[channels * outputs + k] = (float)sum;
        }
    return n->wide.data;
}

static void prepare(convlstm__node *node, bool train)
{
    conv_node *n = (conv_node *)node;
    n->cell->ops->pack(n->cell, folded_kernel(n), convlstm__weights(node, CONV_LSTM2D_RECURRENT),
                       bias_of(n), train, n->packed.data);
    size_t hole = convlstm__conv_lstm2d_peephole(n->layer);
    if (hole != SIZE_MAX)
        n->cell->ops->pack_peephole(n->cell, convlstm__weights(node, hole), n->packed.data);
}

/* ---- inference ----
 *
 * A lane holds c, two frames h, the latest of step s at s & 1, and whether there is a state
 * before step 0. */

static size_t c_room(const conv_node *n)
{
    return nbase__round_up(n->cell->c_floats, NBASE_ALIGN / sizeof(float));
}
static size_t h_room(const conv_node *n)
{
    return nbase__round_up(n->h_floats, NBASE_ALIGN / sizeof(float));
}
static float *lane_h(const conv_node *n, const float *lane, size_t step)
{
    return (float *)lane + c_room(n) + (step & 1) * h_room(n);
}

/* Where `state_set` notes that the sequence does not begin at zero. */
static float *lane_begun(const conv_node *n, const float *lane)
{
    return (float *)lane + c_room(n) + 2 * h_room(n);
}

static void state_begin(const convlstm__node *node, float *lane)
{
    const conv_node *n = (const conv_node *)node;
    const convlstm__layout *layout = &n->base.out_layout;
    *lane_begun(n, lane) = 0.0f;
    for (size_t i = 0; n->extra && i < 2; i++) {
        float *plane = lane_h(n, lane, i) + convlstm__frame_floats(layout, n->base.out.channels);
        memset(plane, 0, convlstm__frame_floats(layout, 1) * sizeof *plane);
        convlstm__frame_affine(layout, 1, plane, &(float){0}, &(float){1}, plane);
    }
}

/* Rounded down and up in turn, so that a team's shares even out over the layers. */
static size_t first_unit(const conv_node *n, size_t part, size_t parts)
{
    return (n->cell->units * part + (n->odd ? parts - 1 : 0)) / parts;
}

static convlstm__units units_of(const conv_node *n, size_t part, size_t parts)
{
    return (convlstm__units){first_unit(n, part, parts), first_unit(n, part + 1, parts)};
}

static convlstm__cell_step step_of(const conv_node *n, float *lane, size_t step, const float *in,
                                   void *scratch)
{
    bool before = step || *lane_begun(n, lane) != 0.0f;
    return (convlstm__cell_step){.packed = n->packed.data,
                                 .scratch = scratch,
                                 .x = in,
                                 .h_prev = before ? lane_h(n, lane, step - 1) : NULL,
                                 .c_prev = before ? lane : NULL,
                                 .h = lane_h(n, lane, step),
                                 .c = lane};
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const conv_node *n = (const conv_node *)node;
    convlstm__cell_step s = step_of(n, call->lane, call->step, call->in, call->scratch);
    n->cell->ops->forward(n->cell, &s, units_of(n, call->part, call->parts));
}

static bool can_map(const convlstm__node *node)
{
    return ((const conv_node *)node)->cell->ops->affine;
}

static void infer_map(const convlstm__node *node, const convlstm__infer_call *call,
                      const convlstm__affine *affine, float *mapped)
{
    const conv_node *n = (const conv_node *)node;
    convlstm__cell_step s = step_of(n, call->lane, call->step, call->in, call->scratch);
    s.affine = affine;
    s.y = mapped;
    n->cell->ops->forward(n->cell, &s, units_of(n, call->part, call->parts));
}

static void infer_pair(const convlstm__node *first, const convlstm__infer_call *call,
                       const convlstm__node *second, float *second_lane)
{
    const conv_node *a = (const conv_node *)first, *b = (const conv_node *)second;
    size_t step = call->step;
    const float *h = lane_h(a, call->lane, step - 1);
    convlstm__cell_step sa = step_of(a, call->lane, step, call->in, call->scratch),
                        sb = step_of(b, second_lane, step - 1, h, NULL);
    a->cell->ops->forward_pair(a->cell, &sa, units_of(a, call->part, call->parts), b->cell, &sb,
                               units_of(b, call->part, call->parts));
}

static const float *inferred(const convlstm__node *node, const float *lane, size_t step)
{
    return lane_h((const conv_node *)node, lane, step);
}

static void state_get(const convlstm__node *node, const float *lane, size_t step, float *h,
                      float *c)
{
    const conv_node *n = (const conv_node *)node;
    if (step == SIZE_MAX && *lane_begun(n, lane) == 0.0f) {
        memset(h, 0, convlstm__shape_floats(&node->out) * sizeof *h);
        memset(c, 0, convlstm__shape_floats(&node->out) * sizeof *c);
        return;
    }
    convlstm__frame_to_nhwc(&node->out_layout, node->out.channels, lane_h(n, lane, step), h);
    n->cell->ops->c_to_nhwc(n->cell, lane, c);
}

static void state_set(const convlstm__node *node, float *lane, size_t step, const float *h,
                      const float *c)
{
    const conv_node *n = (const conv_node *)node;
    convlstm__frame_from_nhwc(&node->out_layout, node->out.channels, h, lane_h(n, lane, step));
    n->cell->ops->c_from_nhwc(n->cell, c, lane);
    *lane_begun(n, lane) = 1.0f;
}

/* ---- training ---- */

static void *slot(const convlstm__buffer *buffer, const conv_node *n, size_t bytes, size_t sample,
                  size_t step)
{
    return (char *)buffer->data + (sample * n->slots + step) * bytes;
}
static size_t gates_room(const conv_node *n)
{
    return nbase__round_up(n->cell->gates_bytes, NBASE_ALIGN);
}
static size_t dx_room(const conv_node *n)
{
    return nbase__round_up(n->in_floats * sizeof(float), NBASE_ALIGN);
}
static float *h_at(const conv_node *n, size_t sample, size_t step)
{
    return slot(&n->h, n, h_room(n) * sizeof(float), sample, step);
}
static size_t saved_room(const conv_node *n) { return gates_room(n) + c_room(n) * sizeof(float); }
static void *gates_at(const conv_node *n, size_t sample, size_t step)
{
    return slot(&n->saved, n, saved_room(n), sample, step);
}
static float *c_at(const conv_node *n, size_t sample, size_t step)
{
    return (float *)((char *)gates_at(n, sample, step) + gates_room(n));
}
static float *dx_at(const conv_node *n, size_t sample, size_t step)
{
    return n->dx_in_saved ? gates_at(n, sample, step + 1)
                          : slot(&n->dx, n, dx_room(n), sample, step);
}
static size_t wgrad_room(const conv_node *n)
{
    return nbase__round_up(n->cell->wgrad_floats, NBASE_ALIGN / sizeof(float));
}

static nbase_status reserve(convlstm__node *node, const convlstm__run *run)
{
    conv_node *n = (conv_node *)node;
    n->slots = run->max_frames + 1;
    n->dx_in_saved = dx_room(n) <= saved_room(n);
    n->work_bytes = nbase__round_up(n->cell->scratch_bytes, NBASE_ALIGN) +
                    (c_room(n) + 2 * h_room(n)) * sizeof(float);
    size_t steps = run->max_samples * n->slots,
           own_dx = node->wants_gradient && !n->dx_in_saved ? steps : 0;
    struct {
        convlstm__buffer *buffer;
        size_t count, size;
    } const wanted[] = {
        {&n->h, steps, h_room(n) * sizeof(float)},
        {&n->saved, steps, saved_room(n)},
        {&n->dx, own_dx, dx_room(n)},
        {&n->start, run->initial_state ? run->max_samples : 0,
         (h_room(n) + c_room(n)) * sizeof(float)},
        {&n->masks, n->cell->desc.dropout ? run->max_samples : 0,
         4 * (n->in_floats + n->h_floats) * sizeof(float)},
        {&n->wgrad, run->max_samples + 1, wgrad_room(n) * sizeof(float)},
        {&n->work, (size_t)run->threads, n->work_bytes},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        nbase_status status =
            convlstm__reserve(node->env, wanted[i].buffer, wanted[i].count, wanted[i].size);
        if (status) return status;
    }
    return NBASE_OK;
}

/* h and c before step s: null for zero. */
static float *start_h(const conv_node *n, size_t sample)
{
    return (float *)n->start.data + sample * (h_room(n) + c_room(n));
}
static const float *h_before(const conv_node *n, const convlstm__run *run, size_t sample, size_t s)
{
    if (s) return h_at(n, sample, s - 1);
    return run->initial_state ? start_h(n, sample) : NULL;
}
static const float *c_before(const conv_node *n, const convlstm__run *run, size_t sample, size_t s)
{
    if (s) return c_at(n, sample, s - 1);
    return run->initial_state ? start_h(n, sample) + h_room(n) : NULL;
}

/* The factors of a sample's dropout, the same for all steps (Gal and Ghahramani 2016). */
static float *masks_of(const conv_node *n, size_t sample)
{
    return (float *)n->masks.data + sample * 4 * (n->in_floats + n->h_floats);
}
static convlstm__cell_masks cell_masks(const conv_node *n, size_t sample)
{
    if (!n->cell->desc.dropout) return (convlstm__cell_masks){NULL, NULL};
    float *input = masks_of(n, sample);
    return (convlstm__cell_masks){n->layer->dropout > 0 ? input : NULL,
                                  n->layer->recurrent_dropout > 0 ? input + 4 * n->in_floats
                                                                  : NULL};
}

static void draw_masks(const conv_node *n, const convlstm__run *run, size_t sample)
{
    float *input = masks_of(n, sample), *recurrent = input + 4 * n->in_floats;
    if (n->layer->dropout > 0)
        convlstm__dropout_draw(&n->base, run, "dropout", sample, 0, n->layer->dropout,
                               4 * n->in_floats, input);
    if (n->layer->recurrent_dropout > 0)
        convlstm__dropout_draw(&n->base, run, "recurrent_dropout", sample, 0,
                               n->layer->recurrent_dropout, 4 * n->h_floats, recurrent);
}

static void begin_sample(const conv_node *n, const convlstm__run *run, size_t sample)
{
    if (n->cell->desc.dropout) draw_masks(n, run, sample);
    if (!run->initial_state) return;
    float *h = start_h(n, sample);
    convlstm__frame_from_nhwc(&n->base.out_layout, n->base.out.channels,
                              convlstm__initial_state(&n->base, run, sample, 0), h);
    n->cell->ops->c_from_nhwc(n->cell, convlstm__initial_state(&n->base, run, sample, 1),
                              h + h_room(n));
}

static void trained_state(const convlstm__node *node, const convlstm__run *run, size_t sample,
                          float *h, float *c)
{
    const conv_node *n = (const conv_node *)node;
    size_t last = run->steps[sample].count - 1;
    convlstm__frame_to_nhwc(&node->out_layout, node->out.channels, h_at(n, sample, last), h);
    n->cell->ops->c_to_nhwc(n->cell, c_at(n, sample, last), c);
}

static void forward_step(const conv_node *n, const convlstm__run *run, size_t sample, size_t s,
                         const float *x, void *scratch)
{
    convlstm__cell_masks masks = cell_masks(n, sample);
    convlstm__cell_step step = {.packed = n->packed.data,
                                .scratch = scratch,
                                .x = x,
                                .h_prev = h_before(n, run, sample, s),
                                .c_prev = c_before(n, run, sample, s),
                                .h = h_at(n, sample, s),
                                .c = c_at(n, sample, s),
                                .gates = gates_at(n, sample, s),
                                .masks = n->cell->desc.dropout ? &masks : NULL};
    n->cell->ops->forward(n->cell, &step, convlstm__cell_units(n->cell));
}

static void forward_sample(convlstm__node *node, const convlstm__run *run, size_t sample,
                           int thread)
{
    conv_node *n = (conv_node *)node;
    void *scratch = (char *)n->work.data + (size_t)thread * n->work_bytes;
    convlstm__node *watcher = convlstm__output_watcher(node, run);
    size_t count = run->steps[sample].count;
    begin_sample(n, run, sample);
    for (size_t s = 0; s < count; s++) {
        const float *x = convlstm__pull(node, run, sample, s, thread);
        float *h = h_at(n, sample, s);
        forward_step(n, run, sample, s, x, scratch);
        if (watcher && n->sequences)
            watcher->ops->training.observe(watcher, run, sample, s, h, thread);
    }
    if (watcher && !n->sequences)
        watcher->ops->training.observe(watcher, run, sample, 0, h_at(n, sample, count - 1), thread);
}

/* The gradient to the output of valid step s, from the next node; null: none. */
static const float *output_gradient(const conv_node *n, const convlstm__run *run, size_t sample,
                                    size_t s, int thread)
{
    if (n->sequences) return convlstm__pull_gradient(&n->base, run, sample, s, thread);
    if (s + 1 < run->steps[sample].count) return NULL;
    return convlstm__pull_gradient(&n->base, run, sample, 0, thread);
}

/* Back through time over the valid steps only: at a masked one dh, dc and the gradient to the
 * repeated output pass through unchanged. */
static void backward_sample(convlstm__node *node, const convlstm__run *run, size_t sample,
                            int thread)
{
    conv_node *n = (conv_node *)node;
    char *work = (char *)n->work.data + (size_t)thread * n->work_bytes;
    float *dc = (float *)(work + nbase__round_up(n->cell->scratch_bytes, NBASE_ALIGN)),
          *dh[2] = {dc + c_room(n), dc + c_room(n) + h_room(n)};
    convlstm__node *watcher = convlstm__gradient_watcher(node);
    size_t count = run->steps[sample].count;
    convlstm__cell_masks masks = cell_masks(n, sample);
    convlstm__cell_step_back step = {.packed = n->packed.data,
                                     .scratch = work,
                                     .masks = n->cell->desc.dropout ? &masks : NULL,
                                     .dc = dc,
                                     .wgrad = (float *)n->wgrad.data + sample * wgrad_room(n)};
    memset(step.wgrad, 0, n->cell->wgrad_floats * sizeof *step.wgrad);
    memset(dc, 0, n->cell->c_floats * sizeof *dc);
    for (size_t s = count; s-- > 0;) {
        step.x = convlstm__pull(node, run, sample, s, thread);
        step.h_prev = h_before(n, run, sample, s);
        step.c_prev = c_before(n, run, sample, s);
        step.c = c_at(n, sample, s);
        step.gates = gates_at(n, sample, s);
        step.dh = output_gradient(n, run, sample, s, thread);
        step.dh_next = s == count - 1 ? NULL : dh[(s + 1) % 2];
        step.dh_prev = dh[s % 2];
        step.dx = node->wants_gradient ? dx_at(n, sample, s) : NULL;
        n->cell->ops->backward(n->cell, &step);
        if (watcher)
            watcher->ops->training.observe_gradient(watcher, run, sample, s, step.dx, thread);
    }
}

/* The samples' weight gradients are added in order, a stretch of them a task, to the batch's behind
 * them: its parts follow one another. */
#define STRETCH 16384

static float *batch_wgrad(const conv_node *n, const convlstm__run *run)
{
    return (float *)n->wgrad.data + run->max_samples * wgrad_room(n);
}

static size_t stretches(const convlstm__node *node, const convlstm__run *run)
{
    (void)run;
    return (((const conv_node *)node)->cell->wgrad_floats + STRETCH - 1) / STRETCH;
}

static void add_samples(convlstm__node *node, const convlstm__run *run, size_t task, int thread)
{
    (void)thread;
    conv_node *n = (conv_node *)node;
    size_t first = task * STRETCH, left = n->cell->wgrad_floats - first,
           count = left < STRETCH ? left : STRETCH;
    float *sum = batch_wgrad(n, run) + first;
    for (size_t sample = 0; sample < run->samples; sample++) {
        const float *more = (const float *)n->wgrad.data + sample * wgrad_room(n) + first;
        if (sample == 0 && run->first_part)
            memcpy(sum, more, count * sizeof *sum);
        else
            for (size_t i = 0; i < count; i++) sum[i] += more[i];
    }
}

static void finish(convlstm__node *node, const convlstm__run *run, size_t task, int thread)
{
    (void)task, (void)thread;
    conv_node *n = (conv_node *)node;
    if (!run->last_part) return;
    n->cell->ops->wgrad_finish(
        n->cell, batch_wgrad(n, run), convlstm__weights_gradient(node, run, CONV_LSTM2D_KERNEL),
        convlstm__weights_gradient(node, run, CONV_LSTM2D_RECURRENT),
        n->layer->use_bias ? convlstm__weights_gradient(node, run, CONV_LSTM2D_BIAS) : NULL);
    size_t hole = convlstm__conv_lstm2d_peephole(n->layer);
    if (hole != SIZE_MAX)
        n->cell->ops->peephole_finish(n->cell, batch_wgrad(n, run),
                                      convlstm__weights_gradient(node, run, hole));
}

static const float *output(const convlstm__node *node, const convlstm__run *run, size_t sample,
                           size_t step, int thread)
{
    (void)thread;
    const conv_node *n = (const conv_node *)node;
    return h_at(n, sample, n->sequences ? step : run->steps[sample].count - 1);
}

static const float *gradient(const convlstm__node *node, const convlstm__run *run, size_t sample,
                             size_t step, int thread)
{
    (void)run, (void)thread;
    return dx_at((const conv_node *)node, sample, step);
}

/* ---- building ---- */

/* Room for c and the two frames h of a lane. */
static void find_room(conv_node *n)
{
    n->h_floats = convlstm__frame_floats(&n->cell->out, n->base.out.channels + n->extra);
    n->base.lane_floats = c_room(n) + 2 * h_room(n) + 1;
}

/* The cell of `second` with one more channel, for the map that is folded in. */
static nbase_status wide_cell(const conv_node *second, convlstm__cell **cell)
{
    convlstm__cell_desc wide = second->cell->desc;
    wide.channels++;
    return convlstm__net_cell(second->base.net, second->base.layer->name, &wide, cell);
}

static nbase_status fold(conv_node *first, const convlstm__node *map, conv_node *second,
                         convlstm__cell *cell)
{
    const convlstm__conv_lstm2d *l = second->layer;
    second->cell->ops->free(second->cell);
    second->cell = cell;
    second->folded = map;
    second->base.scratch_bytes = cell->scratch_bytes;
    find_room(second);
    first->extra = 1;
    find_room(first);
    size_t taps = l->kernel_size[0] * l->kernel_size[1];
    nbase_status status =
        convlstm__reserve(second->base.env, &second->wide, taps * (second->base.in.channels + 1),
                          4 * l->filters * sizeof(float));
    return status ? status
                  : convlstm__reserve(second->base.env, &second->packed, 1, cell->packed_bytes);
}

static nbase_status pair(convlstm__node *first, const convlstm__node *map, convlstm__node *second)
{
    conv_node *a = (conv_node *)first, *b = (conv_node *)second;
    if (second->ops != first->ops || !a->sequences || !a->cell->ops->pair_scratch)
        return NBASE_ERR_UNSUPPORTED;
    convlstm__cell *cell = b->cell;
    nbase_status status = map ? wide_cell(b, &cell) : NBASE_OK;
    if (status) return status;
    size_t scratch = a->cell->ops->pair_scratch(a->cell, cell);
    if (!scratch) {
        if (map) cell->ops->free(cell);
        return NBASE_ERR_UNSUPPORTED;
    }
    if (scratch > first->scratch_bytes) first->scratch_bytes = scratch;
    return map ? fold(a, map, b, cell) : NBASE_OK;
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .prepare = prepare,
    .inference = {.step = infer,
                  .output = inferred,
                  .can_map = can_map,
                  .step_map = infer_map,
                  .pair = pair,
                  .step_pair = infer_pair},
    .training = {.reserve = reserve,
                 .forward = {{convlstm__each_sample, forward_sample}},
                 .backward = {{convlstm__each_sample, backward_sample},
                              {stretches, add_samples},
                              {convlstm__once, finish}},
                 .output = output,
                 .gradient = gradient,
                 .announces = true},
    .state = {.begin = state_begin, .get = state_get, .set = state_set, .trained = trained_state},
};

nbase_status convlstm__conv_lstm2d_build(const convlstm__layer *layer, const convlstm__shape *in,
                                         const convlstm__shape *out, convlstm__net *net)
{
    const convlstm__conv_lstm2d *l = (const void *)layer;
    convlstm__cell_desc desc = {
        .height = in->height,
        .width = in->width,
        .channels = in->channels,
        .filters = l->filters,
        .kernel_h = l->kernel_size[0],
        .kernel_w = l->kernel_size[1],
        .stride_h = l->strides[0],
        .stride_w = l->strides[1],
        .dilation_h = l->dilation_rate[0],
        .dilation_w = l->dilation_rate[1],
        .valid_padding = l->padding != 0,
        .activation = (convlstm__activation)l->activation,
        .recurrent_activation = (convlstm__activation)l->recurrent_activation,
        .peephole = (convlstm__peephole)l->peepholes,
        .dropout = net->backend.train && (l->dropout > 0 || l->recurrent_dropout > 0)};
    convlstm__shape given = *in;
    if (l->go_backwards && convlstm__reverse_build(net, layer, in)) return NBASE_ERR_NOMEM;
    given.reversed = in->reversed != l->go_backwards;
    in = &given;
    convlstm__cell *cell;
    nbase_status status = convlstm__net_cell(net, layer->name, &desc, &cell);
    if (status) return status;
    conv_node *n =
        (conv_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &cell->in, out, &cell->out);
    if (!n) {
        cell->ops->free(cell);
        return NBASE_ERR_NOMEM;
    }
    n->cell = cell;
    n->layer = l;
    for (const convlstm__node *b = n->base.prev; b; b = b->prev) n->odd ^= b->ops == &ops;
    n->sequences = l->return_sequences;
    n->in_floats = convlstm__frame_floats(&cell->in, in->channels);
    find_room(n);
    n->base.scratch_bytes = cell->scratch_bytes;
    return convlstm__reserve(n->base.env, &n->packed, 1, cell->packed_bytes);
}
