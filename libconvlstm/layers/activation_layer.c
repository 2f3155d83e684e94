/* An activation as a layer of its own, and as the end of dense, conv2d and conv3d. On frames it
 * takes NHWC, and stores nothing in training. */
#include "activation_layer.h"

#include <math.h>

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

/* Keras's ReLU: x from the threshold on, but at most max_value (0: no limit); negative_slope times
 * the distance from the threshold below it. */
typedef struct relu {
    convlstm__layer base;
    double max_value, negative_slope, threshold;
} relu;

static const convlstm__field relu_fields[] = {
    CONVLSTM__FIELD(relu, max_value, NUMBER, .min = 0, .max = 1e30),
    CONVLSTM__FIELD(relu, negative_slope, NUMBER, .min = 0, .max = 1e6),
    CONVLSTM__FIELD(relu, threshold, NUMBER, .min = 0, .max = 1e30),
    CONVLSTM__FIELDS_END,
};

/* Keras's ELU. */
typedef struct elu {
    convlstm__layer base;
    double alpha;
} elu;

static const elu elu_defaults = {.alpha = 1};

static const convlstm__field elu_fields[] = {
    CONVLSTM__FIELD(elu, alpha, NUMBER, .min = 0, .max = 1e6),
    CONVLSTM__FIELDS_END,
};

/* Keras's Rescaling: scale x + offset. */
typedef struct rescaling {
    convlstm__layer base;
    double scale, offset;
} rescaling;

static const convlstm__field rescaling_fields[] = {
    CONVLSTM__FIELD(rescaling, scale, NUMBER, .required = true, .min = -1e30, .max = 1e30),
    CONVLSTM__FIELD(rescaling, offset, NUMBER, .min = -1e30, .max = 1e30),
    CONVLSTM__FIELDS_END,
};

static const convlstm__field no_fields[] = {CONVLSTM__FIELDS_END};

/* ---- the node ---- */

/* What a node computes: an activation by its name, or one of those with parameters. */
typedef enum kind { BY_NAME, RECTIFIER, ELU, LINE } kind;

typedef struct function {
    kind kind;
    convlstm__activation activation; /* BY_NAME */
    float slope, threshold, top;     /* RECTIFIER */
    float alpha;                     /* ELU */
    float scale, offset;             /* LINE */
} function;

typedef struct activation_node {
    convlstm__node base;
    function f;
    /* A frame is `rows` rows of `row` values: softmax is over each row, the channels of a pixel. */
    size_t rows, row;
    /* Training: the output and the gradient to the input, vectors per sample, frames per thread. */
    convlstm__buffer values, gradients;
} activation_node;

static bool is_vector(const activation_node *n) { return n->base.in.rank == CONVLSTM__VECTOR; }

static void apply_row(const function *f, size_t n, const float *x, float *y)
{
    switch (f->kind) {
    case BY_NAME: convlstm__activate(f->activation, n, x, y); break;
    case ELU: convlstm__elu(f->alpha, n, x, y); break;
    case LINE:
        for (size_t i = 0; i < n; i++) y[i] = f->scale * x[i] + f->offset;
        break;
    case RECTIFIER:
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] >= f->top         ? f->top
                   : x[i] >= f->threshold ? x[i]
                                          : f->slope * (x[i] - f->threshold);
        break;
    }
}

static void apply_row_backward(const function *f, size_t n, const float *x, const float *y,
                               const float *dy, float *dx)
{
    switch (f->kind) {
    case BY_NAME: convlstm__activate_backward(f->activation, n, x, y, dy, dx); break;
    case ELU:
        for (size_t i = 0; i < n; i++) dx[i] = dy[i] * (x[i] > 0.0f ? 1.0f : y[i] + f->alpha);
        break;
    case LINE:
        for (size_t i = 0; i < n; i++) dx[i] = f->scale * dy[i];
        break;
    case RECTIFIER:
        for (size_t i = 0; i < n; i++)
            dx[i] = x[i] >= f->top ? 0.0f : x[i] > f->threshold ? dy[i] : f->slope * dy[i];
        break;
    }
}

static void apply(const activation_node *n, const float *x, float *y)
{
    for (size_t r = 0; r < n->rows; r++) apply_row(&n->f, n->row, x + r * n->row, y + r * n->row);
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
    const float *x = convlstm__pull(&n->base, batch, sample, step, thread),
                *dy = convlstm__pull_gradient(&n->base, batch, sample, step, thread);
    float *y = place(n, &n->values, sample, thread), *dx = place(n, &n->gradients, sample, thread);
    if (!is_vector(n)) apply(n, x, y);
    for (size_t at = 0; at < n->rows * n->row; at += n->row)
        apply_row_backward(&n->f, n->row, x + at, y + at, dy + at, dx + at);
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
                               const convlstm__shape *shape, const function *f)
{
    convlstm__layout layout = convlstm__layout_nhwc(shape->height, shape->width);
    activation_node *n = (activation_node *)convlstm__net_add(net, sizeof *n, &ops, layer, shape,
                                                              &layout, shape, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->f = *f;
    n->base.bounded = f->kind == BY_NAME &&
                      (f->activation == CONVLSTM__TANH || f->activation == CONVLSTM__SIGMOID);
    n->base.lane_floats = convlstm__shape_floats(shape);
    bool rows = f->kind == BY_NAME && convlstm__activation_of_rows(f->activation);
    n->row = rows ? shape->channels : n->base.lane_floats;
    n->rows = n->base.lane_floats / n->row;
    return NBASE_OK;
}

nbase_status convlstm__activation_build(convlstm__net *net, const convlstm__layer *layer,
                                        const convlstm__shape *shape,
                                        convlstm__activation activation)
{
    const function f = {.kind = BY_NAME, .activation = activation};
    return activation == CONVLSTM__LINEAR ? NBASE_OK : build_node(net, layer, shape, &f);
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
    .shape = convlstm__same_shape,
    .build = build,
};

static nbase_status build_leaky(const convlstm__layer *layer, const convlstm__shape *in,
                                const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    const function f = {.kind = RECTIFIER,
                        .slope = (float)((const leaky_relu *)layer)->negative_slope,
                        .top = INFINITY};
    return build_node(net, layer, in, &f);
}

const convlstm__layer_class convlstm__leaky_relu_class = {.type = "leaky_relu",
                                                          .size = sizeof(leaky_relu),
                                                          .fields = leaky_fields,
                                                          .defaults = &leaky_defaults,
                                                          .shape = convlstm__same_shape,
                                                          .build = build_leaky};

static nbase_status build_relu(const convlstm__layer *layer, const convlstm__shape *in,
                               const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    const relu *l = (const relu *)layer;
    const function f = {.kind = RECTIFIER,
                        .slope = (float)l->negative_slope,
                        .threshold = (float)l->threshold,
                        .top = l->max_value > 0 ? (float)l->max_value : INFINITY};
    return build_node(net, layer, in, &f);
}

const convlstm__layer_class convlstm__relu_class = {.type = "relu",
                                                    .size = sizeof(relu),
                                                    .fields = relu_fields,
                                                    .shape = convlstm__same_shape,
                                                    .build = build_relu};

static nbase_status build_elu(const convlstm__layer *layer, const convlstm__shape *in,
                              const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    const function f = {.kind = ELU, .alpha = (float)((const elu *)layer)->alpha};
    return build_node(net, layer, in, &f);
}

const convlstm__layer_class convlstm__elu_class = {.type = "elu",
                                                   .size = sizeof(elu),
                                                   .fields = elu_fields,
                                                   .defaults = &elu_defaults,
                                                   .shape = convlstm__same_shape,
                                                   .build = build_elu};

static nbase_status build_rescaling(const convlstm__layer *layer, const convlstm__shape *in,
                                    const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    const rescaling *l = (const rescaling *)layer;
    const function f = {.kind = LINE, .scale = (float)l->scale, .offset = (float)l->offset};
    return build_node(net, layer, in, &f);
}

const convlstm__layer_class convlstm__rescaling_class = {.type = "rescaling",
                                                         .size = sizeof(rescaling),
                                                         .fields = rescaling_fields,
                                                         .shape = convlstm__same_shape,
                                                         .build = build_rescaling};

static nbase_status build_nothing(const convlstm__layer *layer, const convlstm__shape *in,
                                  const convlstm__shape *out, convlstm__net *net)
{
    (void)layer, (void)in, (void)out, (void)net;
    return NBASE_OK;
}

const convlstm__layer_class convlstm__identity_class = {.type = "identity",
                                                        .size = sizeof(convlstm__layer),
                                                        .fields = no_fields,
                                                        .shape = convlstm__same_shape,
                                                        .build = build_nothing};
