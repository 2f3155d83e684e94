#include "convert.h"

#include "cells/frame.h"

static size_t round_up(size_t floats)
{
    return nbase__round_up(floats, NBASE_ALIGN / sizeof(float));
}

void convlstm__convert_init(convlstm__convert *convert)
{
    convlstm__node *node = &convert->base;
    convert->in_room = round_up(convlstm__frame_floats(&node->in_layout, node->in.channels));
    convert->out_room = round_up(convlstm__frame_floats(&node->out_layout, node->in.channels));
    convert->nhwc_room = round_up(convlstm__shape_floats(&node->in));
    node->lane_floats = convert->out_room;
    node->scratch_bytes = convert->nhwc_room * sizeof(float);
}

/* nhwc: memory for a frame, used if neither layout is NHWC. */
static void convert_frame(const convlstm__layout *from, const convlstm__layout *to, size_t channels,
                          const float *in, float *nhwc, float *out)
{
    if (from->form == CONVLSTM__NHWC) {
        convlstm__frame_from_nhwc(to, channels, in, out);
        return;
    }
    bool both = to->form != CONVLSTM__NHWC;
    convlstm__frame_to_nhwc(from, channels, in, both ? nhwc : out);
    if (both) convlstm__frame_from_nhwc(to, channels, nhwc, out);
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((convlstm__convert *)node)->per_thread);
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    if (node->in_layout.form == CONVLSTM__NHWC)
        convlstm__frame_from_nhwc_part(&node->out_layout, node->out.channels, call->in, call->lane,
                                       call->part, call->parts);
    else if (call->part == 0)
        convert_frame(&node->in_layout, &node->out_layout, node->in.channels, call->in,
                      call->scratch, call->lane);
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    convlstm__convert *n = (convlstm__convert *)node;
    return convlstm__reserve(node->env, &n->per_thread, (size_t)batch->threads,
                             (n->in_room + n->out_room + n->nhwc_room) * sizeof(float));
}

static float *thread_memory(const convlstm__convert *n, int thread)
{
    return (float *)n->per_thread.data + (size_t)thread * (n->in_room + n->out_room + n->nhwc_room);
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    const convlstm__convert *n = (const convlstm__convert *)node;
    float *out = thread_memory(n, thread), *nhwc = out + n->out_room + n->in_room;
    convert_frame(&node->in_layout, &node->out_layout, node->in.channels,
                  convlstm__pull(node, batch, sample, step, thread), nhwc, out);
    return out;
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    const convlstm__convert *n = (const convlstm__convert *)node;
    float *din = thread_memory(n, thread) + n->out_room, *nhwc = din + n->in_room;
    convert_frame(&node->out_layout, &node->in_layout, node->in.channels,
                  convlstm__pull_gradient(node, batch, sample, step, thread), nhwc, din);
    return din;
}

const convlstm__node_ops convlstm__convert_ops = {
    .name = "conversion",
    .moves_alone = true,
    .free = free_node,
    .inference = {.step = infer, .output = convlstm__lane_output},
    .training = {.reserve = reserve, .output = output, .gradient = gradient},
};
