#include "framewise.h"

#include <string.h>

const convlstm__node_ops convlstm__framewise_ops = CONVLSTM__FRAMEWISE_OPS(NULL);

static const convlstm__framewise *of(const convlstm__node *node)
{
    return (const convlstm__framewise *)node;
}

void convlstm__framewise_free(convlstm__node *node)
{
    convlstm__framewise *n = (convlstm__framewise *)node;
    convlstm__buffer *const buffers[] = {&n->out, &n->din, &n->wgrad, &n->per_thread};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(node->env, buffers[i]);
}

void convlstm__framewise_infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const bool sequence = node->in.rank == CONVLSTM__SEQUENCE;
    const convlstm__place nowhere = {NULL, 0, call->step, .unscaled = sequence && call->unscaled};
    of(node)->ops->forward(of(node), &nowhere, call->in, call->lane, call->scratch, call->part,
                           call->parts);
}

/* ---- training ----
 *
 * Frames of vectors of consecutive samples lie one behind the other, as node.h asks. */

static size_t slots_of(const convlstm__batch *batch, const convlstm__shape *shape)
{
    return shape->rank == CONVLSTM__SEQUENCE ? convlstm__batch_on(batch, shape->clock)->max_frames
                                             : 1;
}

nbase_status convlstm__framewise_reserve(convlstm__node *node, const convlstm__batch *batch)
{
    convlstm__framewise *n = (convlstm__framewise *)node;
    n->in_slots = slots_of(batch, &node->in);
    n->out_slots = slots_of(batch, &node->out);
    n->per_thread_bytes =
        nbase__round_up(node->scratch_bytes ? node->scratch_bytes : 1, NBASE_ALIGN);
    size_t ins = batch->max_samples * n->in_slots, outs = batch->max_samples * n->out_slots;
    struct {
        convlstm__buffer *buffer;
        size_t count, size;
    } const wanted[] = {
        {&n->out, outs, n->out_floats * sizeof(float)},
        {&n->din, node->wants_gradient ? ins : 0, n->in_floats * sizeof(float)},
        {&n->wgrad, n->wgrad_floats ? batch->kept + 1 : 0, n->wgrad_floats * sizeof(float)},
        {&n->per_thread, (size_t)batch->threads, n->per_thread_bytes},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        nbase_status status =
            convlstm__reserve(node->env, wanted[i].buffer, wanted[i].count, wanted[i].size);
        if (status) return status;
    }
    return NBASE_OK;
}

float *convlstm__framewise_out(const convlstm__framewise *n, size_t sample, size_t step)
{
    return (float *)n->out.data + (sample * n->out_slots + step) * n->out_floats;
}

float *convlstm__framewise_din(const convlstm__framewise *n, size_t sample, size_t step)
{
    return (float *)n->din.data + (sample * n->in_slots + step) * n->in_floats;
}

static void *work_of(const convlstm__framewise *n, int thread)
{
    return (char *)n->per_thread.data + (size_t)thread * n->per_thread_bytes;
}

/* Whether the images of a step are beyond -1..1. Behind a layer that changes the number of frames:
 * whether those of any frame are. A frame that stands for a whole sequence is taken as scaled. */
static bool is_unscaled(const convlstm__framewise *n, const convlstm__batch *batch, size_t sample,
                        size_t s)
{
    const bool *any = batch->unscaled[sample], *frames = any + 1;
    if (n->base.in.rank != CONVLSTM__SEQUENCE) return false;
    if (n->base.in.clock >= CONVLSTM__DERIVED_FRAMES) return *any;
    return frames[batch->steps[sample].time[s]];
}

void convlstm__framewise_forward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                                 int thread)
{
    convlstm__framewise *n = (convlstm__framewise *)node;
    const convlstm__batch *given = convlstm__batch_on(batch, node->out.clock);
    size_t count = convlstm__value_frames(given, &node->out, sample);
    convlstm__node *watcher = convlstm__output_watcher(node);
    if (n->ops->forward_sample)
        n->ops->forward_sample(n, batch, sample, work_of(n, thread), thread);
    for (size_t s = 0; s < count; s++) {
        float *out = convlstm__framewise_out(n, sample, s);
        if (!n->ops->forward_sample) {
            const convlstm__place place = {batch, sample, s,
                                           .unscaled = is_unscaled(n, batch, sample, s)};
            n->ops->forward(n, &place, convlstm__pull(node, batch, sample, s, thread), out,
                            work_of(n, thread), 0, 1);
        }
        if (watcher) watcher->ops->training.observe(watcher, given, sample, s, out, thread);
    }
}

void convlstm__framewise_backward(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                                  int thread)
{
    convlstm__framewise *n = (convlstm__framewise *)node;
    float *wgrad = n->wgrad_floats
                       ? (float *)n->wgrad.data + (batch->first_kept + sample) * n->wgrad_floats
                       : NULL;
    convlstm__node *watcher = convlstm__gradient_watcher(node);
    const size_t count = convlstm__value_frames(batch, &node->in, sample);
    if (wgrad && !(n->ops->writes_first && count))
        memset(wgrad, 0, n->wgrad_floats * sizeof *wgrad);
    if (n->ops->backward_sample)
        n->ops->backward_sample(n, batch, sample, wgrad, work_of(n, thread), thread);
    for (size_t s = count; s-- > 0;) {
        float *din = node->wants_gradient ? convlstm__framewise_din(n, sample, s) : NULL;
        const convlstm__place place = {batch, sample, s, .first = s == count - 1};
        if (!n->ops->backward_sample && (din || wgrad))
            n->ops->backward(n, &place, convlstm__pull(node, batch, sample, s, thread),
                             convlstm__framewise_out(n, sample, s),
                             convlstm__pull_gradient(node, batch, sample, s, thread), din, wgrad,
                             work_of(n, thread));
        if (watcher)
            watcher->ops->training.observe_gradient(watcher, batch, sample, s, din, thread);
    }
}

size_t convlstm__framewise_sum_floats(const convlstm__node *node) { return of(node)->wgrad_floats; }

float *convlstm__framewise_total(const convlstm__node *node, const convlstm__batch *batch)
{
    const convlstm__framewise *n = of(node);
    return (float *)n->wgrad.data + batch->kept * n->wgrad_floats;
}

void convlstm__framewise_add_samples(convlstm__node *node, const convlstm__batch *batch,
                                     size_t first, size_t count, int thread)
{
    (void)thread;
    const convlstm__framewise *n = of(node);
    convlstm__sum_samples(batch, n->wgrad.data, n->wgrad_floats, first, count);
}

void convlstm__framewise_finish(convlstm__node *node, const convlstm__batch *batch)
{
    const float *from = convlstm__framewise_total(node, batch);
    for (size_t i = 0; i < node->layer->tensors; i++) {
        size_t count = convlstm__weights_count(node, i);
        float *to = convlstm__weights_gradient(node, batch, i);
        if (of(node)->ops->finish) {
            of(node)->ops->finish(of(node), from, i, to);
            continue;
        }
        memcpy(to, from, count * sizeof *from);
        from += count;
    }
}

const float *convlstm__framewise_output(const convlstm__node *node, const convlstm__batch *batch,
                                        size_t sample, size_t step, int thread)
{
    (void)batch, (void)thread;
    return convlstm__framewise_out(of(node), sample, step);
}

const float *convlstm__framewise_gradient(const convlstm__node *node, const convlstm__batch *batch,
                                          size_t sample, size_t step, int thread)
{
    (void)batch, (void)thread;
    return convlstm__framewise_din(of(node), sample, step);
}

convlstm__framewise *convlstm__framewise_add(convlstm__net *net, size_t size,
                                             const convlstm__node_ops *node_ops,
                                             const convlstm__frame_ops *ops,
                                             const convlstm__layer *layer,
                                             const convlstm__shape *in, const convlstm__shape *out)
{
    const convlstm__layout in_layout = convlstm__layout_nhwc(in->height, in->width),
                           out_layout = convlstm__layout_nhwc(out->height, out->width);
    convlstm__framewise *n = (convlstm__framewise *)convlstm__net_add(
        net, size, node_ops, layer, in, &in_layout, out, &out_layout);
    if (!n) return NULL;
    n->ops = ops;
    n->in_floats = convlstm__shape_floats(in);
    n->out_floats = convlstm__shape_floats(out);
    n->base.lane_floats = node_ops->inference.whole ? 0 : n->out_floats;
    return n;
}
