/* An activation as a layer of its own, and as the end of dense, conv2d and conv3d. On frames it
 * takes NHWC, and stores nothing in training. */
#include "activation_layer.h"
#include "cells/activation.h"

typedef struct activation_layer {
    convlstm__layer base;
    int activation;
} activation_layer;

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(activation_layer, activation, CHOICE, .required = true,
                    .choices = convlstm__activation_names),
    CONVLSTM__FIELDS_END,
};

/* Keras's LeakyReLU: x, or slope x below zero. */
typedef struct leaky_relu {
    convlstm__layer base;
    double negative_slope;
} leaky_relu;

static const leaky_relu leaky_defaults = {.negative_slope = 0.3};

static const convlstm__field leaky_fields[] = {
    CONVLSTM__FIELD(leaky_relu, negative_slope, NUMBER, .min = 0, .max = 1e6),
    CONVLSTM__FIELDS_END,
};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)layer, (void)prev, (void)err;
    *out = *in;
    return NBASE_OK;
}

/* ---- the node ---- */

typedef struct activation_node {
    convlstm__node base;
    convlstm__activation activation;
    float slope; /* of leaky_relu */
    /* A frame is `rows` rows of `row` values: softmax is over each row, the channels of a pixel. */
    size_t rows, row;
    /* Training: the output and the gradient to the input, vectors per sample, frames per thread. */
    convlstm__buffer values, gradients;
} activation_node;

static bool is_vector(const activation_node *n) { return n->base.in.rank == CONVLSTM__VECTOR; }

static void apply(const activation_node *n, const float *x, float *y)
{
    if (n->activation == CONVLSTM__LEAKY_RELU) {
        for (size_t i = 0; i < n->base.lane_floats; i++)
            y[i] = x[i] < 0.0f ? n->slope * x[i] : x[i];
        return;
    }
    for (size_t r = 0; r < n->rows; r++)
        convlstm__activate(n->activation, n->row, x + r * n->row, y + r * n->row);
}

static void apply_backward(const activation_node *n, const float *y, const float *dy, float *dx)
{
    if (n->activation == CONVLSTM__LEAKY_RELU) {
        for (size_t i = 0; i < n->base.lane_floats; i++)
            dx[i] = y[i] > 0.0f ? dy[i] : n->slope * dy[i];
        return;
    }
    for (size_t r = 0; r < n->rows; r++)
        convlstm__activate_backward(n->activation, n->row, y + r * n->row, dy + r * n->row,
                                    dx + r * n->row);
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((activation_node *)node)->values);
    convlstm__release(node->env, &((activation_node *)node)->gradients);
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    if (call->part == 0) apply((const activation_node *)node, call->in, call->lane);
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    activation_node *n = (activation_node *)node;
    size_t count = is_vector(n) ? batch->max_samples : (size_t)batch->threads;
    nbase_status status =
        convlstm__reserve(node->env, &n->values, count, node->lane_floats * sizeof(float));
    return status ? status
                  : convlstm__reserve(node->env, &n->gradients, count,
                                      node->lane_floats * sizeof(float));
}

static float *place(const activation_node *n, const convlstm__buffer *buffer, size_t sample,
                    int thread)
{
    return (float *)buffer->data + (is_vector(n) ? sample : (size_t)thread) * n->base.lane_floats;
}

static size_t vectors(const convlstm__node *node, const convlstm__batch *batch)
{
    return is_vector((const activation_node *)node) ? batch->samples : 0;
}

static const float *make_output(const activation_node *n, const convlstm__batch *batch,
                                size_t sample, size_t step, int thread)
{
    float *y = place(n, &n->values, sample, thread);
    apply(n, convlstm__pull(&n->base, batch, sample, step, thread), y);
    return y;
}

static const float *make_gradient(const activation_node *n, const convlstm__batch *batch,
                                  size_t sample, size_t step, int thread)
{
    const float *y = is_vector(n) ? place(n, &n->values, sample, thread)
                                  : make_output(n, batch, sample, step, thread);
    float *dx = place(n, &n->gradients, sample, thread);
    apply_backward(n, y, convlstm__pull_gradient(&n->base, batch, sample, step, thread), dx);
    return dx;
}

static void forward_vector(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           int thread)
{
    make_output((const activation_node *)node, batch, sample, 0, thread);
}

static void backward_vector(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                            int thread)
{
    make_gradient((const activation_node *)node, batch, sample, 0, thread);
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    const activation_node *n = (const activation_node *)node;
    return is_vector(n) ? place(n, &n->values, sample, thread)
                        : make_output(n, batch, sample, step, thread);
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    const activation_node *n = (const activation_node *)node;
    return is_vector(n) ? place(n, &n->gradients, sample, thread)
                        : make_gradient(n, batch, sample, step, thread);
}

static const convlstm__node_ops ops = {
    .name = "activation",
    .free = free_node,
    .inference = {.step = infer, .output = convlstm__lane_output},
    .training = {.reserve = reserve,
                 .forward = {{vectors, forward_vector}},
                 .backward = {{vectors, backward_vector}},
                 .output = output,
                 .gradient = gradient},
};

static nbase_status build_node(convlstm__net *net, const convlstm__layer *layer,
                               const convlstm__shape *shape, convlstm__activation activation,
                               float slope)
{
    if (activation == CONVLSTM__LINEAR) return NBASE_OK;
    convlstm__layout layout = convlstm__layout_nhwc(shape->height, shape->width);
    activation_node *n = (activation_node *)convlstm__net_add(net, sizeof *n, &ops, layer, shape,
                                                              &layout, shape, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->activation = activation;
    n->slope = slope;
    n->base.lane_floats = convlstm__shape_floats(shape);
    n->row = activation == CONVLSTM__SOFTMAX ? shape->channels : n->base.lane_floats;
    n->rows = n->base.lane_floats / n->row;
    return NBASE_OK;
}

/* of the activation that is named "leaky_relu"; the layer has another default */
#define KERAS_SLOPE 0.2f

nbase_status convlstm__activation_build(convlstm__net *net, const convlstm__layer *layer,
                                        const convlstm__shape *shape,
                                        convlstm__activation activation)
{
    return build_node(net, layer, shape, activation, KERAS_SLOPE);
}

bool convlstm__node_is_activation(const convlstm__node *node) { return node->ops == &ops; }

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    return convlstm__activation_build(
        net, layer, in, (convlstm__activation)((const activation_layer *)layer)->activation);
}

const convlstm__layer_class convlstm__activation_class = {
    .type = "activation",
    .size = sizeof(activation_layer),
    .fields = fields,
    .activation_offset = offsetof(activation_layer, activation),
    .shape = shape,
    .build = build,
};

static nbase_status build_leaky(const convlstm__layer *layer, const convlstm__shape *in,
                                const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    return build_node(net, layer, in, CONVLSTM__LEAKY_RELU,
                      (float)((const leaky_relu *)layer)->negative_slope);
}

const convlstm__layer_class convlstm__leaky_relu_class = {.type = "leaky_relu",
                                                          .size = sizeof(leaky_relu),
                                                          .fields = leaky_fields,
                                                          .defaults = &leaky_defaults,
                                                          .shape = shape,
                                                          .build = build_leaky};
