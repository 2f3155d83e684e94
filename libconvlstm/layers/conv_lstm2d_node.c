/* ConvLSTM2D as a node: a cell (cell.h) carried over the valid steps of a sequence at inference,
 * its weights, and how it is built. Training is in conv_lstm2d_training.c. */
#include "conv_lstm2d_node.h"

#include <string.h>

#include "cells/frame.h"
#include "conv_lstm2d_training.h"
#include "kernels/rows.h"
#include "reverse.h"

static void free_node(convlstm__node *node)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    convlstm__buffer *const buffers[] = {&n->packed, &n->h,          &n->saved,
                                         &n->c,      &n->wgrad,      &n->start,
                                         &n->masks,  &n->map_memory, &n->start_gradients};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(node->env, buffers[i]);
    if (n->cell) n->cell->ops->free(n->cell);
}

static const float *bias_of(const convlstm__lstm_node *n)
{
    return n->layer->use_bias ? convlstm__weights(&n->base, CONV_LSTM2D_BIAS) : NULL;
}

/* The kernel with the affine map before it folded in, (taps, channels + 1, 4F): scaled, and weights
 * for one more channel, of ones, that make up the shift (conv_lstm2d_parts.h). */
static const float *wide_kernel(const convlstm__lstm_node *n, const convlstm__affine *map)
{
    const float *kernel = convlstm__weights(&n->base, CONV_LSTM2D_KERNEL);
    size_t channels = n->base.in.channels, outputs = 4 * n->layer->filters,
           taps = n->layer->kernel_size[0] * n->layer->kernel_size[1];
    float *wide = n->map_memory.data;
    for (size_t t = 0; t < taps;
         t++, kernel += channels * outputs, wide += (channels + 1) * outputs)
        for (size_t k = 0; k < outputs; k++) {
            double sum = 0;
            for (size_t c = 0; c < channels; c++) {
                wide[c * outputs + k] = map->scale[c] * kernel[c * outputs + k];
                sum += (double)map->shift[c] * kernel[c * outputs + k];
            }
            wide[channels * outputs + k] = (float)sum;
        }
    return n->map_memory.data;
}

static void pack_with(const convlstm__lstm_node *n, const convlstm__cell_maps *maps)
{
    n->cell->ops->pack_map(n->cell, convlstm__weights(&n->base, CONV_LSTM2D_KERNEL),
                           convlstm__weights(&n->base, CONV_LSTM2D_RECURRENT), bias_of(n), maps,
                           n->packed.data);
}

/* Packs the weights of both nodes of a pair whose second takes the map itself. The first's frames
 * hold h minus a centre: the h at which the map is zero, if h can be that, else zero. What is left
 * for the second is scale (h - centre) + shift', where shift' is shift + scale * centre. */
static void pack_map(const convlstm__lstm_node *n, const convlstm__affine *map)
{
    size_t channels = n->base.in.channels;
    float *centre = n->map_memory.data, *shift = centre + channels;
    for (size_t c = 0; c < channels; c++) {
        float zero = -map->shift[c] / map->scale[c];
        if (!(zero >= -1 && zero <= 1)) zero = 0; /* NaN, too */
        centre[c] = convlstm__of_bf16(convlstm__to_bf16(zero));
        shift[c] = map->shift[c] + map->scale[c] * centre[c];
    }
    convlstm__affine left = {map->scale, shift};
    pack_with(n->first, &(convlstm__cell_maps){.centre = centre});
    pack_with(n, &(convlstm__cell_maps){.x = &left});
}

static void pack(const convlstm__lstm_node *n, bool train)
{
    const float *kernel = convlstm__weights(&n->base, CONV_LSTM2D_KERNEL);
    if (n->centred) return; /* the second of the pair does it */
    if (n->folded) {
        convlstm__affine map = n->folded->ops->inference.affine(n->folded);
        if (n->cell->ops->pack_map) {
            pack_map(n, &map);
            return;
        }
        kernel = wide_kernel(n, &map);
    }
    const bool bounded = !n->base.net->prepares_fine && convlstm__node_bounded(n->base.from[0]);
    n->cell->ops->pack(n->cell, kernel, convlstm__weights(&n->base, CONV_LSTM2D_RECURRENT),
                       bias_of(n), train, bounded, n->packed.data);
}

static void prepare(convlstm__node *node, bool train)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    pack(n, train);
    size_t hole = convlstm__conv_lstm2d_peephole(n->layer);
    if (hole != SIZE_MAX)
        n->cell->ops->pack_peephole(n->cell, convlstm__weights(node, hole), n->packed.data);
}

/* ---- inference ----
 *
 * A lane holds c; lane_frames frames h; and whether a state was given before step 0. h of step s is
 * frame s modulo lane_frames, a power of two, so that the state before step 0, which counts as step
 * SIZE_MAX (node.h), is the last frame. */

static float *lane_h(const convlstm__lstm_node *n, const float *lane, size_t step)
{
    return (float *)lane + convlstm__lstm_c_room(n) +
           (step & (n->lane_frames - 1)) * convlstm__lstm_h_room(n);
}

/* Where `state_set` notes that the sequence does not begin at zero. */
static float *lane_begun(const convlstm__lstm_node *n, const float *lane)
{
    return (float *)lane + convlstm__lstm_c_room(n) + n->lane_frames * convlstm__lstm_h_room(n);
}

static void state_begin(const convlstm__node *node, float *lane)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    const convlstm__layout *layout = &n->base.out_layout;
    *lane_begun(n, lane) = 0.0f;
    for (size_t i = 0; n->ones_planes && i < n->lane_frames; i++) {
        float *plane = lane_h(n, lane, i) + n->h_floats - convlstm__frame_floats(layout, 1);
        memset(plane, 0, convlstm__frame_floats(layout, 1) * sizeof *plane);
        convlstm__frame_affine(layout, 1, plane, &(float){0}, &(float){1}, plane);
    }
}

/* Where a thread's share of the units begins. Where they cannot be shared evenly, every second
 * ConvLSTM2D rounds up: so another part of the team has the larger shares in each layer. */
static size_t first_unit(const convlstm__lstm_node *n, size_t part, size_t parts)
{
    return (n->cell->units * part + (n->rounds_up ? parts - 1 : 0)) / parts;
}

static convlstm__units units_of(const convlstm__lstm_node *n, size_t part, size_t parts)
{
    return (convlstm__units){first_unit(n, part, parts), first_unit(n, part + 1, parts)};
}

static convlstm__cell_step step_of(const convlstm__lstm_node *n, float *lane, size_t step,
                                   const float *in, void *scratch)
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
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    convlstm__cell_step s = step_of(n, call->lane, call->step, call->in, call->scratch);
    s.unscaled = call->unscaled;
    n->cell->ops->forward(n->cell, &s, units_of(n, call->part, call->parts));
}

static bool can_map(const convlstm__node *node)
{
    return ((const convlstm__lstm_node *)node)->cell->ops->affine;
}

static void infer_map(const convlstm__node *node, const convlstm__infer_call *call,
                      const convlstm__affine *affine, float *mapped)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    convlstm__cell_step s = step_of(n, call->lane, call->step, call->in, call->scratch);
    s.unscaled = call->unscaled;
    s.affine = affine;
    s.y = mapped;
    n->cell->ops->forward(n->cell, &s, units_of(n, call->part, call->parts));
}

static void infer_pair(const convlstm__node *first, const convlstm__infer_call *call,
                       const convlstm__node *second, float *second_lane)
{
    const convlstm__lstm_node *a = (const convlstm__lstm_node *)first,
                              *b = (const convlstm__lstm_node *)second;
    size_t step = call->step;
    const float *h = lane_h(a, call->lane, step - 1);
    convlstm__cell_step sa = step_of(a, call->lane, step, call->in, call->scratch),
                        sb = step_of(b, second_lane, step - 1, h, NULL);
    sa.unscaled = call->unscaled;
    sb.unscaled = call->unscaled_before;
    a->cell->ops->forward_pair(a->cell, &sa, units_of(a, call->part, call->parts), b->cell, &sb,
                               units_of(b, call->part, call->parts));
}

static const float *inferred(const convlstm__node *node, const float *lane, size_t step)
{
    return lane_h((const convlstm__lstm_node *)node, lane, step);
}

static void state_get(const convlstm__node *node, const float *lane, size_t step, float *h,
                      float *c)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    if (step == SIZE_MAX && *lane_begun(n, lane) == 0.0f) {
        memset(h, 0, convlstm__shape_floats(&node->out) * sizeof *h);
        memset(c, 0, convlstm__shape_floats(&node->out) * sizeof *c);
        return;
    }
    if (n->centred)
        n->cell->ops->h_to_nhwc(n->cell, n->packed.data, lane_h(n, lane, step), h);
    else
        convlstm__frame_to_nhwc(&node->out_layout, node->out.channels, lane_h(n, lane, step), h);
    n->cell->ops->c_to_nhwc(n->cell, lane, c);
}

static void state_set(const convlstm__node *node, float *lane, size_t step, const float *h,
                      const float *c)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    if (n->centred)
        n->cell->ops->h_from_nhwc(n->cell, n->packed.data, h, lane_h(n, lane, step));
    else
        convlstm__frame_from_nhwc(&node->out_layout, node->out.channels, h, lane_h(n, lane, step));
    n->cell->ops->c_from_nhwc(n->cell, c, lane);
    *lane_begun(n, lane) = 1.0f;
}

/* ---- building ---- */

/* Room for c and the frames h of a lane. */
static void find_room(convlstm__lstm_node *n)
{
    n->h_floats = convlstm__frame_floats(&n->cell->out, n->base.out.channels + n->ones_planes);
    n->base.lane_floats = convlstm__lstm_c_room(n) + n->lane_frames * convlstm__lstm_h_room(n) + 1;
}

static void keep(convlstm__node *node, size_t frames)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    while (n->lane_frames < frames) n->lane_frames *= 2;
    find_room(n);
}

/* Gives the node another cell, which it then owns. */
static void replace_cell(convlstm__lstm_node *n, convlstm__cell *cell)
{
    n->cell->ops->free(n->cell);
    n->cell = cell;
    n->base.scratch_bytes = cell->scratch_bytes;
    find_room(n);
}

/* The cell of a node with changes to its description: `channels` more, or mapped, or centred. */
static nbase_status changed_cell(const convlstm__lstm_node *n, size_t channels, bool mapped,
                                 bool centred, convlstm__cell **cell)
{
    convlstm__cell_desc desc = n->cell->desc;
    desc.channels += channels;
    desc.folded = channels > 0;
    desc.mapped = mapped;
    desc.centred = centred;
    return convlstm__net_cell(n->base.net, n->base.layer->name, &desc, cell);
}

/* The first of a pair whose second takes the map itself: centred. */
static nbase_status centre(convlstm__lstm_node *first, convlstm__lstm_node *second)
{
    convlstm__cell *cell;
    nbase_status status = changed_cell(first, 0, false, true, &cell);
    if (status) return NBASE_ERR_NOMEM;
    replace_cell(first, cell);
    first->centred = true;
    second->first = first;
    status = convlstm__reserve(first->base.env, &first->packed, 1, cell->packed_bytes);
    return status ? status
                  : convlstm__reserve(second->base.env, &second->map_memory,
                                      second->base.in.channels, 2 * sizeof(float));
}

/* Folds the map into the second of a pair, whose new cell this is, in the way that it can; and
 * gives the first what that takes: a centre, or the plane of ones (conv_lstm2d_parts.h). */
static nbase_status fold(convlstm__lstm_node *first, const convlstm__node *map,
                         convlstm__lstm_node *second, convlstm__cell *cell)
{
    const convlstm__conv_lstm2d *l = second->layer;
    replace_cell(second, cell);
    second->folded = map;
    nbase_status status =
        convlstm__reserve(second->base.env, &second->packed, 1, cell->packed_bytes);
    if (status) return status;
    if (cell->ops->pack_map) return centre(first, second);
    first->ones_planes = 1;
    find_room(first);
    size_t taps = l->kernel_size[0] * l->kernel_size[1];
    return convlstm__reserve(second->base.env, &second->map_memory,
                             taps * (second->base.in.channels + 1), 4 * l->filters * sizeof(float));
}

static nbase_status pair(convlstm__node *first, const convlstm__node *map, convlstm__node *second)
{
    convlstm__lstm_node *a = (convlstm__lstm_node *)first, *b = (convlstm__lstm_node *)second;
    if (second->ops != first->ops || !a->sequences || !a->cell->ops->pair_scratch)
        return NBASE_ERR_UNSUPPORTED;
    convlstm__cell *cell = b->cell;
    bool by_cell = b->cell->ops->pack_map;
    nbase_status status = map ? changed_cell(b, by_cell ? 0 : 1, by_cell, false, &cell) : NBASE_OK;
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
                  .keep = keep,
                  .can_map = can_map,
                  .step_map = infer_map,
                  .pair = pair,
                  .step_pair = infer_pair},
    .training = {.reserve = convlstm__lstm_reserve,
                 .forward = {{convlstm__each_sample, convlstm__lstm_forward}},
                 .backward = {{convlstm__each_sample, convlstm__lstm_backward}},
                 .sum = {convlstm__lstm_sum_floats, convlstm__lstm_add_samples,
                         convlstm__lstm_finish, convlstm__lstm_total, NULL},
                 .output = convlstm__lstm_output,
                 .gradient_to = convlstm__lstm_gradient_to,
                 .announces = true},
    .state = {.begin = state_begin,
              .get = state_get,
              .set = state_set,
              .trained = convlstm__lstm_trained_state},
};

static convlstm__cell_desc describe(const convlstm__conv_lstm2d *l, const convlstm__shape *in,
                                    bool train)
{
    return (convlstm__cell_desc){.height = in->height,
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
                                 .recurrent_activation =
                                     (convlstm__activation)l->recurrent_activation,
                                 .peephole = (convlstm__peephole)l->peepholes,
                                 .odd_states = l->return_sequences, /* else h is made again */
                                 .dropout = train && (l->dropout > 0 || l->recurrent_dropout > 0)};
}

bool convlstm__conv_lstm2d_trains_bf16(const convlstm__layer *layer, nbase_isa isa)
{
    const convlstm__conv_lstm2d *l = (const void *)layer;
    const convlstm__shape any = {.height = 1, .width = 1, .channels = 1};
    convlstm__cell_desc desc = describe(l, &any, true);
    return convlstm__cell_trains_bf16(&desc, isa);
}

/* The nodes that give the states it begins with, as NHWC, to states[1] and [2]. */
static nbase_status build_states(convlstm__net *net, const convlstm__layer *layer,
                                 convlstm__node *states[3])
{
    convlstm__node *sequence = net->at[0];
    for (size_t k = 1; k < layer->input_count; k++) {
        const convlstm__layout layout = convlstm__layout_nhwc(net->in[k].height, net->in[k].width);
        net->at[0] = net->at[k];
        if (convlstm__net_convert(net, &net->in[k], &layout)) return NBASE_ERR_NOMEM;
        states[k] = net->at[0];
    }
    net->at[0] = sequence;
    return NBASE_OK;
}

/* Bytes that training keeps of two steps, one with an even and one with an odd number: the gates
 * and c, or the gradients dx that take their place (dx_bytes per step; conv_lstm2d_parts.h), and h,
 * unless it is made again. */
static size_t kept_bytes(const convlstm__cell *cell, bool sequences, size_t dx_bytes)
{
    size_t c = cell->keeps_c ? 0 : cell->c_floats * sizeof(float),
           bytes = cell->gates_bytes[0] + cell->gates_bytes[1] + 2 * c,
           h = convlstm__frame_floats(&cell->out, cell->desc.filters) * sizeof(float);
    if (2 * dx_bytes > bytes) bytes = 2 * dx_bytes;
    return sequences || !cell->keeps_h ? bytes + 2 * h : bytes;
}

/* Whether a layer before the one that is built has weights, so that dx is wanted. */
static bool follows_weights(const convlstm__net *net)
{
    for (const convlstm__node *n = net->last; n; n = n->prev)
        if (n->layer && n->layer->tensors) return true;
    return false;
}

/* Replaces *cell by one that computes its gates again on the way back, if less memory is kept for
 * that one. */
static nbase_status choose_gates_again(convlstm__net *net, const convlstm__layer *layer,
                                       const convlstm__cell_desc *desc, convlstm__cell **cell)
{
    const bool sequences = ((const convlstm__conv_lstm2d *)layer)->return_sequences;
    const size_t frame = convlstm__frame_floats(&(*cell)->in, desc->channels) * sizeof(float),
                 dx_bytes = follows_weights(net) ? frame : 0;
    convlstm__cell_desc wanted = *desc;
    wanted.gates_again = true;
    convlstm__cell *again;
    nbase_status status = convlstm__net_cell(net, layer->name, &wanted, &again);
    if (status) return status;
    bool less = kept_bytes(again, sequences, dx_bytes) < kept_bytes(*cell, sequences, dx_bytes);
    convlstm__cell *other = less ? *cell : again;
    if (less) *cell = again;
    other->ops->free(other);
    return NBASE_OK;
}

static nbase_status create_cell(convlstm__net *net, const convlstm__layer *layer,
                                const convlstm__shape *in, convlstm__cell **cell)
{
    convlstm__cell_desc desc = describe((const void *)layer, in, net->backend.train);
    nbase_status status = convlstm__net_cell(net, layer->name, &desc, cell);
    if (status || !net->backend.gates_again) return status;
    status = choose_gates_again(net, layer, &desc, cell);
    if (status) (*cell)->ops->free(*cell);
    return status;
}

/* Fills in a node that convlstm__net_add has appended; it owns the cell from now on. */
static void init_node(convlstm__lstm_node *n, convlstm__cell *cell, convlstm__node *states[3])
{
    const convlstm__layer *layer = n->base.layer;
    n->cell = cell;
    n->layer = (const void *)layer;
    for (const convlstm__node *b = n->base.prev; b; b = b->prev)
        n->rounds_up ^= b->ops == n->base.ops;
    n->takes_states = layer->input_count == 3;
    n->base.input_count = layer->input_count;
    for (size_t k = 1; k < layer->input_count; k++) n->base.from[k] = states[k];
    n->base.bounded = n->layer->activation == CONVLSTM__TANH; /* the gates are within 0..1 */
    n->sequences = n->layer->return_sequences;
    n->lane_frames = 2;
    n->in_floats = convlstm__frame_floats(&cell->in, n->base.in.channels);
    n->base.scratch_bytes = cell->scratch_bytes;
    find_room(n);
}

nbase_status convlstm__conv_lstm2d_build(const convlstm__layer *layer, const convlstm__shape *in,
                                         const convlstm__shape *out, convlstm__net *net)
{
    const convlstm__conv_lstm2d *l = (const void *)layer;
    convlstm__node *states[3] = {NULL};
    if (build_states(net, layer, states)) return NBASE_ERR_NOMEM;
    convlstm__shape turned = *in;
    turned.reversed = in->reversed != l->go_backwards;
    if (l->go_backwards && convlstm__reverse_build(net, layer, in)) return NBASE_ERR_NOMEM;
    convlstm__cell *cell;
    nbase_status status = create_cell(net, layer, in, &cell);
    if (status) return status;
    convlstm__lstm_node *n = (convlstm__lstm_node *)convlstm__net_add(
        net, sizeof *n, &ops, layer, &turned, &cell->in, out, &cell->out);
    if (!n) {
        cell->ops->free(cell);
        return NBASE_ERR_NOMEM;
    }
    init_node(n, cell, states);
    return convlstm__reserve(n->base.env, &n->packed, 1, cell->packed_bytes);
}
