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
    convlstm__buffer *const buffers[] = {&n->packed, &n->h,     &n->saved,
                                         &n->c,      &n->wgrad, &n->start,
                                         &n->masks,  &n->wide,  &n->start_gradients};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(node->env, buffers[i]);
    if (n->cell) n->cell->ops->free(n->cell);
}

static const float *bias_of(const convlstm__lstm_node *n)
{
    return n->layer->use_bias ? convlstm__weights(&n->base, CONV_LSTM2D_BIAS) : NULL;
}

/* The kernel with the affine map before it folded in: scaled, and one more channel, of ones, for
 * the shift. Outside the frame both are zero, as Keras pads the map's output. */
static const float *wide_kernel(const convlstm__lstm_node *n, const convlstm__affine *map)
{
    const float *kernel = convlstm__weights(&n->base, CONV_LSTM2D_KERNEL);
    size_t channels = n->base.in.channels, outputs = 4 * n->layer->filters,
           taps = n->layer->kernel_size[0] * n->layer->kernel_size[1];
    float *wide = n->wide.data;
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
    return n->wide.data;
}

static void pack_with(const convlstm__lstm_node *n, const convlstm__cell_maps *maps)
{
    n->cell->ops->pack_map(n->cell, convlstm__weights(&n->base, CONV_LSTM2D_KERNEL),
                           convlstm__weights(&n->base, CONV_LSTM2D_RECURRENT), bias_of(n), maps,
                           n->packed.data);
}

/* The map in this node's weights, and the centre of the first's h in both nodes': where the map is
 * zero, as far as h goes. scale (h - centre) is the whole map then, but for rounding. */
static void pack_map(const convlstm__lstm_node *n, const convlstm__affine *map)
{
    size_t channels = n->base.in.channels;
    float *centre = n->wide.data, *shift = centre + channels;
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
 * A lane holds c; `kept` frames h, 2 or another power of two, that of step s being number s modulo
 * `kept`, so that the state before step 0 (step SIZE_MAX, see node.h) is the last; and whether
 * there is such a state. */

static float *lane_h(const convlstm__lstm_node *n, const float *lane, size_t step)
{
    return (float *)lane + convlstm__lstm_c_room(n) +
           (step & (n->kept - 1)) * convlstm__lstm_h_room(n);
}

/* Where `state_set` notes that the sequence does not begin at zero. */
static float *lane_begun(const convlstm__lstm_node *n, const float *lane)
{
    return (float *)lane + convlstm__lstm_c_room(n) + n->kept * convlstm__lstm_h_room(n);
}

static void state_begin(const convlstm__node *node, float *lane)
{
    const convlstm__lstm_node *n = (const convlstm__lstm_node *)node;
    const convlstm__layout *layout = &n->base.out_layout;
    *lane_begun(n, lane) = 0.0f;
    for (size_t i = 0; n->extra && i < n->kept; i++) {
        float *plane = lane_h(n, lane, i) + n->h_floats - convlstm__frame_floats(layout, 1);
        memset(plane, 0, convlstm__frame_floats(layout, 1) * sizeof *plane);
        convlstm__frame_affine(layout, 1, plane, &(float){0}, &(float){1}, plane);
    }
}

/* Where a thread's share begins: rounded down and up in turn, so that the shares of a team even out
 * over the layers. */
static size_t first_unit(const convlstm__lstm_node *n, size_t part, size_t parts)
{
    return (n->cell->units * part + (n->odd ? parts - 1 : 0)) / parts;
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
    n->h_floats = convlstm__frame_floats(&n->cell->out, n->base.out.channels + n->extra);
    n->base.lane_floats = convlstm__lstm_c_room(n) + n->kept * convlstm__lstm_h_room(n) + 1;
}

static void keep(convlstm__node *node, size_t frames)
{
    convlstm__lstm_node *n = (convlstm__lstm_node *)node;
    while (n->kept < frames) n->kept *= 2;
    find_room(n);
}

/* Another cell for a node, which has what desc says. */
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
                  : convlstm__reserve(second->base.env, &second->wide, second->base.in.channels,
                                      2 * sizeof(float));
}

/* Gives the map to the cell of `second`; and to the first its part of it: a centre or, for a cell
 * with another channel (wide_kernel), the plane of ones in its frames that this reads. */
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
    first->extra = 1;
    find_room(first);
    size_t taps = l->kernel_size[0] * l->kernel_size[1];
    return convlstm__reserve(second->base.env, &second->wide, taps * (second->base.in.channels + 1),
                             4 * l->filters * sizeof(float));
}

static nbase_status pair(convlstm__node *first, const convlstm__node *map, convlstm__node *second)
{
    convlstm__lstm_node *a = (convlstm__lstm_node *)first, *b = (convlstm__lstm_node *)second;
    if (second->ops != first->ops || !a->sequences || !a->cell->ops->pair_scratch)
        return NBASE_ERR_UNSUPPORTED;
    convlstm__cell *cell = b->cell;
    bool itself = b->cell->ops->pack_map;
    nbase_status status = map ? changed_cell(b, itself ? 0 : 1, itself, false, &cell) : NBASE_OK;
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

/* What training keeps of two steps in gates and c, or in their place dx, which takes so many bytes
 * a step, and of h, unless it is made again (`saved` and h_again of conv_lstm2d_parts.h). */
static size_t kept_bytes(const convlstm__cell *cell, bool sequences, size_t dx)
{
    size_t c = cell->keeps_c ? 0 : cell->c_floats * sizeof(float),
           bytes = cell->gates_bytes[0] + cell->gates_bytes[1] + 2 * c,
           h = convlstm__frame_floats(&cell->out, cell->desc.filters) * sizeof(float);
    if (2 * dx > bytes) bytes = 2 * dx;
    return sequences || !cell->keeps_h ? bytes + 2 * h : bytes;
}

/* A cell that computes its gates again, in place of *cell, if less is kept for it. */
static nbase_status choose_again(convlstm__net *net, const convlstm__layer *layer,
                                 const convlstm__cell_desc *desc, convlstm__cell **cell)
{
    convlstm__cell_desc wanted = *desc;
    wanted.gates_again = true;
    convlstm__cell *again;
    bool learns = false; /* a node before it, so that dx is wanted */
    for (const convlstm__node *b = net->last; b; b = b->prev)
        learns = learns || (b->layer && b->layer->tensors);
    size_t dx = learns ? convlstm__frame_floats(&(*cell)->in, desc->channels) * sizeof(float) : 0;
    nbase_status status = convlstm__net_cell(net, layer->name, &wanted, &again);
    if (status) return status;
    const bool sequences = ((const convlstm__conv_lstm2d *)layer)->return_sequences;
    bool less = kept_bytes(again, sequences, dx) < kept_bytes(*cell, sequences, dx);
    convlstm__cell *other = less ? *cell : again;
    if (less) *cell = again;
    other->ops->free(other);
    return NBASE_OK;
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
    convlstm__cell_desc desc = describe(l, in, net->backend.train);
    convlstm__cell *cell;
    nbase_status status = convlstm__net_cell(net, layer->name, &desc, &cell);
    if (!status && net->backend.gates_again) {
        status = choose_again(net, layer, &desc, &cell);
        if (status) cell->ops->free(cell);
    }
    if (status) return status;
    convlstm__lstm_node *n = (convlstm__lstm_node *)convlstm__net_add(
        net, sizeof *n, &ops, layer, &turned, &cell->in, out, &cell->out);
    if (!n) {
        cell->ops->free(cell);
        return NBASE_ERR_NOMEM;
    }
    n->cell = cell;
    n->layer = l;
    for (const convlstm__node *b = n->base.prev; b; b = b->prev) n->odd ^= b->ops == &ops;
    n->begins = layer->input_count == 3;
    n->base.input_count = layer->input_count;
    for (size_t k = 1; k < layer->input_count; k++) n->base.from[k] = states[k];
    n->base.bounded = l->activation == CONVLSTM__TANH; /* the gates are within 0..1 */
    n->sequences = l->return_sequences;
    n->kept = 2;
    n->in_floats = convlstm__frame_floats(&cell->in, in->channels);
    n->base.scratch_bytes = cell->scratch_bytes;
    find_room(n);
    return convlstm__reserve(n->base.env, &n->packed, 1, cell->packed_bytes);
}
