#include "time_window.h"

#include <math.h>
#include <string.h>

#include "framewise.h"

convlstm__pace convlstm__window_pace(size_t span, size_t stride, bool shortens)
{
    bool changes = stride > 1 || (shortens && span > 1);
    if (!changes) return (convlstm__pace){0};
    ptrdiff_t less = shortens ? (ptrdiff_t)span : 1;
    return (convlstm__pace){1, (ptrdiff_t)stride - less, stride};
}

ptrdiff_t convlstm__frames_before(const convlstm__time_start *start, size_t span, size_t stride,
                                  size_t frames)
{
    if (!start->same) return start->before;
    size_t made = (frames + stride - 1) / stride, seen = (made - 1) * stride + span;
    return seen > frames ? (ptrdiff_t)((seen - frames) / 2) : 0;
}

/* ---- the node ---- */

typedef struct window_node {
    convlstm__framewise base;
    convlstm__time_window window;
} window_node;

/* The times of the input from *first to *end that output frame `t` is made of. */
static void seen_by(const window_node *n, size_t frames, size_t t, size_t *first, size_t *end)
{
    const convlstm__time_window *w = &n->window;
    ptrdiff_t before = convlstm__frames_before(&w->start, w->size, w->stride, frames),
              from = (ptrdiff_t)(t * w->stride / w->repeat) - before,
              to = from + (ptrdiff_t)w->size, last = (ptrdiff_t)frames;
    *first = from > 0 ? (size_t)(from < last ? from : last) : 0;
    *end = to > 0 ? (size_t)(to < last ? to : last) : 0;
}

/* Adds the frame `in` (null: zeros) to the `number` that `out` is of already. */
static void include(const window_node *n, const float *in, size_t number, size_t first, size_t end,
                    float *out)
{
    for (size_t i = first; i < end; i++) {
        float x = in ? in[i] : 0.0f;
        if (!number)
            out[i] = x;
        else if (n->window.of == CONVLSTM__MEAN)
            out[i] += x;
        else if (x > out[i] || isnan(x))
            out[i] = x;
    }
}

/* Values `first` to `end` once all `number` frames are included. */
static void finish(const window_node *n, size_t number, size_t first, size_t end, float *out)
{
    if (!number) memset(out + first, 0, (end - first) * sizeof *out);
    for (size_t i = first; n->window.of == CONVLSTM__MEAN && number > 1 && i < end; i++)
        out[i] /= (float)number;
}

static void infer_whole(const convlstm__node *node, const convlstm__infer_call *call,
                        const convlstm__steps *steps, float *out)
{
    (void)steps;
    const window_node *n = (const window_node *)node;
    size_t floats = n->base.in_floats, first = floats * call->part / call->parts,
           end = floats * (call->part + 1) / call->parts, from, to;
    seen_by(n, call->steps->frames, call->step, &from, &to);
    for (size_t t = from; t < to; t++) {
        size_t s = convlstm__steps_latest(call->steps, node->in.reversed, t);
        include(n, s == SIZE_MAX ? NULL : call->in + s * floats, t - from, first, end, out);
    }
    finish(n, to - from, first, end, out);
}

/* ---- training ---- */

static size_t frames_made(const convlstm__node *node, const convlstm__batch *batch, size_t sample)
{
    return convlstm__batch_on(batch, node->out.clock)->steps[sample].count;
}

static void forward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                           void *scratch, int thread)
{
    (void)scratch;
    const window_node *n = (const window_node *)base;
    const convlstm__node *node = &base->base;
    const convlstm__steps *steps = &batch->steps[sample];
    for (size_t t = 0; t < frames_made(node, batch, sample); t++) {
        size_t from, to;
        float *out = convlstm__framewise_out(base, sample, t);
        seen_by(n, steps->frames, t, &from, &to);
        for (size_t k = from; k < to; k++) {
            size_t s = convlstm__steps_latest(steps, node->in.reversed, k);
            const float *in = s == SIZE_MAX ? NULL : convlstm__pull(node, batch, sample, s, thread);
            include(n, in, k - from, 0, base->in_floats, out);
        }
        finish(n, to - from, 0, base->in_floats, out);
    }
}

/* The gradient of a maximum to one of the frames it is of: to the first of equal ones, of which
 * `given` says that it has been. din null: the frame before the first, zeros. */
static void give_largest(size_t floats, const float *in, const float *out, const float *dout,
                         bool *given, float *din)
{
    for (size_t i = 0; i < floats; i++) {
        if (given[i] || (in ? in[i] : 0.0f) != out[i]) continue;
        given[i] = true;
        if (din) din[i] += dout[i];
    }
}

static void backward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                            float *wgrad, void *scratch, int thread)
{
    (void)wgrad;
    const window_node *n = (const window_node *)base;
    const convlstm__node *node = &base->base;
    const convlstm__steps *steps = &batch->steps[sample];
    size_t floats = base->in_floats;
    if (!node->wants_gradient) return;
    for (size_t s = 0; s < steps->count; s++)
        memset(convlstm__framewise_din(base, sample, s), 0, floats * sizeof(float));
    for (size_t t = 0; t < frames_made(node, batch, sample); t++) {
        size_t from, to;
        const float *dout = convlstm__pull_gradient(node, batch, sample, t, thread);
        seen_by(n, steps->frames, t, &from, &to);
        if (n->window.of == CONVLSTM__LARGEST) memset(scratch, 0, floats * sizeof(bool));
        for (size_t k = from; k < to; k++) {
            size_t s = convlstm__steps_latest(steps, node->in.reversed, k);
            float *din = s == SIZE_MAX ? NULL : convlstm__framewise_din(base, sample, s);
            if (n->window.of == CONVLSTM__LARGEST)
                give_largest(floats, din ? convlstm__pull(node, batch, sample, s, thread) : NULL,
                             convlstm__framewise_out(base, sample, t), dout, scratch, din);
            for (size_t i = 0; n->window.of == CONVLSTM__MEAN && din && i < floats; i++)
                din[i] += dout[i] / (float)(to - from);
        }
    }
}

static const convlstm__node_ops node_ops = CONVLSTM__FRAMEWISE_OPS(infer_whole);
static const convlstm__frame_ops ops = {.forward_sample = forward_sample,
                                        .backward_sample = backward_sample};

nbase_status convlstm__time_window_build(convlstm__net *net, const convlstm__layer *layer,
                                         const convlstm__shape *in, const convlstm__shape *out,
                                         const convlstm__time_window *window)
{
    window_node *n =
        (window_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->window = *window;
    n->base.base.scratch_bytes = n->base.in_floats * sizeof(bool);
    return NBASE_OK;
}

nbase_status convlstm__every_frame_build(convlstm__net *net, const convlstm__layer *layer,
                                         convlstm__shape *shape, convlstm__clock clock)
{
    if (shape->clock == clock) return NBASE_OK;
    const convlstm__time_window one = {.of = CONVLSTM__MEAN, .size = 1, .stride = 1, .repeat = 1};
    convlstm__shape in = *shape;
    shape->clock = clock;
    return convlstm__time_window_build(net, layer, &in, shape, &one);
}
