#include "net.h"

#include <stdio.h>
#include <string.h>

/* ---- memory ---- */

nbase_status convlstm__reserve(const nbase_env *env, convlstm__buffer *buffer, size_t count,
                               size_t size)
{
    size_t bytes;
    if (!nbase__mul(count, size, &bytes)) return NBASE_ERR_NOMEM;
    if (bytes <= buffer->bytes) return NBASE_OK;
    convlstm__release(env, buffer);
    buffer->data = nbase__alloc(env, bytes);
    if (!buffer->data) return NBASE_ERR_NOMEM;
    buffer->bytes = bytes;
    return NBASE_OK;
}

void convlstm__release(const nbase_env *env, convlstm__buffer *buffer)
{
    nbase__free(env, buffer->data);
    *buffer = (convlstm__buffer){NULL, 0};
}

/* ---- inference ---- */

const float *convlstm__lane_output(const convlstm__node *node, const float *lane, size_t step)
{
    (void)node, (void)step;
    return lane;
}

/* ---- training ---- */

void *convlstm__call_memory(const convlstm__node *node, int thread)
{
    return (char *)node->net->call_memory.data + (size_t)thread * node->net->call_room;
}

size_t convlstm__each_sample(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)node;
    return batch->samples;
}

size_t convlstm__once(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)node, (void)batch;
    return 1;
}

const convlstm__batch *convlstm__batch_on(const convlstm__batch *batch, convlstm__clock clock)
{
    return batch->on_clock ? &batch->on_clock[clock] : batch;
}

const convlstm__batch *convlstm__batch_of(const convlstm__batch *batch, const convlstm__node *node)
{
    return convlstm__batch_on(batch, node->in.clock);
}

bool convlstm__node_learns(const convlstm__node *node)
{
    return node->wants_gradient || (node->layer && node->layer->tensors && !node->ops->weightless);
}

size_t convlstm__value_frames(const convlstm__batch *batch, const convlstm__shape *shape,
                              size_t sample)
{
    return shape->rank == CONVLSTM__SEQUENCE ? batch->steps[sample].count : 1;
}

const float *convlstm__pull_from(const convlstm__node *node, size_t input,
                                 const convlstm__batch *batch, size_t sample, size_t step,
                                 int thread)
{
    const convlstm__node *from = node->from[input];
    if (from)
        return from->ops->training.output(from, convlstm__batch_of(batch, from), sample, step,
                                          thread);
    return batch->images[sample] + batch->steps[sample].time[step] * batch->image_floats;
}

const float *convlstm__pull(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                            size_t step, int thread)
{
    return convlstm__pull_from(node, 0, batch, sample, step, thread);
}

const float *convlstm__loss_gradient(const convlstm__batch *batch, size_t output, size_t sample,
                                     size_t step)
{
    return batch->outputs[output].gradient +
           (sample * batch->outputs[output].frames + step) * batch->outputs[output].floats;
}

const float *convlstm__pull_gradient(const convlstm__node *node, const convlstm__batch *batch,
                                     size_t sample, size_t step, int thread)
{
    const convlstm__node *to = node->to;
    if (node->loss) return convlstm__loss_gradient(batch, node->loss - 1, sample, step);
    const convlstm__batch *theirs = convlstm__batch_of(batch, to);
    if (to->ops->training.gradient_to)
        return to->ops->training.gradient_to(to, theirs, node->to_input, sample, step, thread);
    return to->ops->training.gradient(to, theirs, sample, step, thread);
}

convlstm__node *convlstm__output_watcher(const convlstm__node *node)
{
    bool watched = node->to && node->to->ops->training.observe;
    return watched ? node->to : NULL;
}

convlstm__node *convlstm__gradient_watcher(const convlstm__node *node)
{
    bool watched =
        node->wants_gradient && node->from[0] && node->from[0]->ops->training.observe_gradient;
    return watched ? node->from[0] : NULL;
}

bool convlstm__node_bounded(const convlstm__node *node)
{
    while (node && node->ops->moves_alone) node = node->from[0];
    return !node || node->bounded;
}

void convlstm__sum_samples(const convlstm__batch *batch, float *rows, size_t room, size_t first,
                           size_t count)
{
    float *sum = rows + batch->kept * room + first;
    for (size_t sample = 0; sample < batch->samples; sample++) {
        const float *more = rows + (batch->first_kept + sample) * room + first;
        if (sample == 0 && batch->first_part)
            memcpy(sum, more, count * sizeof *sum);
        else
            for (size_t i = 0; i < count; i++) sum[i] += more[i];
    }
}

#define STRETCH 16384 /* values of a sum per task */

typedef struct stretch_call {
    convlstm__node *node;
    const convlstm__batch *batch;
    size_t first, count;
} stretch_call;

static void stretch_task(void *ctx, size_t i, int thread)
{
    const stretch_call *call = ctx;
    size_t at = i * STRETCH, left = call->count - at;
    call->node->ops->training.sum.add(call->node, call->batch, call->first + at,
                                      left < STRETCH ? left : STRETCH, thread);
}

void convlstm__sum_stretch(convlstm__node *node, const convlstm__batch *batch, size_t first,
                           size_t count)
{
    stretch_call call = {node, batch, first, count};
    nbase__parallel_for(batch->threads, (count + STRETCH - 1) / STRETCH, stretch_task, &call);
}

bool convlstm__sum_gathers(const convlstm__node *node, const convlstm__batch *batch)
{
    const convlstm__sum *sum = &node->ops->training.sum;
    if (!sum->rows) return false;
    double rows = (double)sum->rows(node, batch).bytes * (double)batch->all_items,
           sums = 2 * (double)sum->floats(node) * sizeof(float);
    return rows < sums;
}

/* ---- tensors and states ---- */

const float *convlstm__weights(const convlstm__node *node, size_t i)
{
    return node->tensors[i].array.data;
}

size_t convlstm__weights_count(const convlstm__node *node, size_t i)
{
    return node->tensors[i].array.count;
}

float *convlstm__state_tensor(const convlstm__node *node, size_t i)
{
    return node->tensors[i].array.data;
}

float *convlstm__weights_gradient(const convlstm__node *node, const convlstm__batch *batch,
                                  size_t i)
{
    return batch->gradients[node->layer->first_gradient + i];
}

const char *convlstm__state_name(const convlstm__node *node, int which, char name[NBASE_MAX_NAME])
{
    snprintf(name, NBASE_MAX_NAME, "%s/%c", node->layer->name, "hc"[which]);
    return name;
}

const nbase_array *convlstm__state_find(const nbase_archive *states, const convlstm__node *node,
                                        int which)
{
    char name[NBASE_MAX_NAME];
    return states ? nbase_archive_find(states, convlstm__state_name(node, which, name)) : NULL;
}

const float *convlstm__initial_state(const convlstm__node *node, const convlstm__batch *batch,
                                     size_t sample, int which)
{
    const nbase_array *a = convlstm__state_find(batch->initial_state, node, which);
    return a ? (const float *)a->data + batch->items[sample] * convlstm__shape_floats(&node->out)
             : NULL;
}
