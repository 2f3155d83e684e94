/* What the layers share: members, weights, windows, masks, activations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "onnx_network.h"

bool onnx_refuse(const onnx_writer *w, const json_t *layer, const char *what)
{
    return tool_fail(w->err, NBASE_ERR_UNSUPPORTED, "layer \"%.80s\": %s is not written as ONNX",
                     json_string_value(json_object_get(layer, "name")), what);
}

const nbase_array *onnx_weight(const onnx_writer *w, const json_t *layer, const char *part)
{
    char name[NBASE_MAX_NAME];
    const char *owner = json_string_value(json_object_get(layer, "shares"));
    if (!owner) owner = json_string_value(json_object_get(layer, "name"));
    snprintf(name, sizeof name, "%s/%s", owner, part);
    return convlstm_model_find(w->model, name);
}

size_t onnx_member(const json_t *layer, const char *name, size_t i)
{
    const json_t *value = json_object_get(layer, name);
    return (size_t)json_integer_value(json_is_array(value) ? json_array_get(value, i) : value);
}

bool onnx_member_is(const json_t *layer, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(layer, name));
    return value && !strcmp(value, text);
}

onnx_name onnx_permuted(const onnx_writer *w, const nbase_array *a, const int *order)
{
    size_t stride[NBASE_MAX_DIMS], shape[NBASE_MAX_DIMS], last = 1;
    for (int d = a->ndim - 1; d >= 0; last *= a->shape[d--]) stride[d] = last;
    for (int d = 0; d < a->ndim; d++) shape[d] = a->shape[order[d]];
    float *values = malloc(a->count * sizeof *values);
    if (!values) {
        w->graph->nodes.failed = true;
        return onnx_named("");
    }
    for (size_t i = 0; i < a->count; i++) {
        size_t at = 0, rest = i;
        for (int d = a->ndim - 1; d >= 0; d--) {
            at += rest % shape[d] * stride[order[d]];
            rest /= shape[d];
        }
        values[i] = ((const float *)a->data)[at];
    }
    onnx_name name = onnx_floats(w->graph, values, shape, (size_t)a->ndim);
    free(values);
    return name;
}

int64_t onnx_channel_axis(onnx_value v) { return onnx_is_sequence(v) ? 2 : 1; }

onnx_name onnx_per_channel(const onnx_writer *w, const float *numbers, size_t count,
                           onnx_value like)
{
    bool vectors = like.kind == ONNX_VECTOR || like.kind == ONNX_VECTORS;
    const size_t shape[3] = {count, 1, 1};
    return onnx_floats(w->graph, numbers, shape, vectors ? 1 : 3);
}

void onnx_attribute_window(proto *attributes, const size_t *kernel, const size_t *strides,
                           const size_t *dilation, size_t axes, bool same)
{
    int64_t sizes[3] = {0}, steps[3] = {0}, gaps[3] = {0}, pads[6] = {0};
    bool strided = false;
    for (size_t d = 0; d < axes; d++) {
        sizes[d] = (int64_t)kernel[d];
        steps[d] = (int64_t)strides[d];
        gaps[d] = dilation ? (int64_t)dilation[d] : 1;
        int64_t total = same ? gaps[d] * (sizes[d] - 1) : 0;
        pads[d] = total / 2;
        pads[axes + d] = total - total / 2;
        strided = strided || strides[d] > 1;
    }
    onnx_attribute_ints(attributes, "kernel_shape", sizes, axes);
    onnx_attribute_ints(attributes, "strides", steps, axes);
    if (dilation) onnx_attribute_ints(attributes, "dilations", gaps, axes);
    if (same && strided)
        onnx_attribute_text(attributes, "auto_pad", "SAME_UPPER");
    else
        onnx_attribute_ints(attributes, "pads", pads, 2 * axes);
}

/* ---- convolutions ---- */

void onnx_kernel_window(const json_t *layer, const nbase_array *kernel, size_t axes,
                        proto *attributes)
{
    size_t sizes[3], strides[3], dilation[3];
    for (size_t d = 0; d < axes; d++) {
        sizes[d] = kernel->shape[d];
        strides[d] = onnx_member(layer, "strides", d);
        dilation[d] = onnx_member(layer, "dilation_rate", d);
    }
    onnx_attribute_window(attributes, sizes, strides, dilation, axes,
                          onnx_member_is(layer, "padding", "same"));
}

onnx_name onnx_convolution(onnx_writer *w, const char *op, proto *attributes, onnx_name x,
                           onnx_name kernel, const nbase_array *bias)
{
    if (!bias) return onnx_op2(w->graph, op, attributes, x, kernel);
    return onnx_op3(w->graph, op, attributes, x, kernel,
                    onnx_floats(w->graph, bias->data, bias->shape, 1));
}

void onnx_transposed_window(const json_t *layer, const nbase_array *kernel, size_t axes,
                            proto *attributes)
{
    const json_t *given = json_object_get(layer, "output_padding");
    bool same = onnx_member_is(layer, "padding", "same");
    int64_t sizes[3], steps[3], pads[6], more[3];
    for (size_t d = 0; d < axes; d++) {
        sizes[d] = (int64_t)kernel->shape[d];
        steps[d] = (int64_t)onnx_member(layer, "strides", d);
        size_t at = json_array_size(given) > 1 ? d : 0;
        int64_t asked = (int64_t)onnx_member(layer, "output_padding", at),
                cut = same ? 2 * (sizes[d] / 2) : 0;
        int64_t total = given ? cut - asked : same ? sizes[d] - steps[d] : 0;
        more[d] = given || same ? 0 : steps[d] - sizes[d];
        if (total < 0) more[d] = -total, total = 0;
        if (more[d] < 0) more[d] = 0;
        pads[d] = total / 2;
        pads[axes + d] = total - total / 2;
    }
    onnx_attribute_ints(attributes, "kernel_shape", sizes, axes);
    onnx_attribute_ints(attributes, "strides", steps, axes);
    onnx_attribute_ints(attributes, "pads", pads, 2 * axes);
    onnx_attribute_ints(attributes, "output_padding", more, axes);
}

/* ---- masks ---- */

void onnx_fill_masked(onnx_writer *w, onnx_value *v)
{
    onnx_graph g, *outer = w->graph;
    onnx_begin(&g, outer->root);
    onnx_name last = onnx_new_name(&g), x = onnx_new_name(&g), valid = onnx_new_name(&g), out[2];
    size_t dims = v->kind == ONNX_SEQUENCE ? 4 : 2; /* of a step */
    onnx_input(&g, last, ONNX_FLOAT, NULL, dims);
    onnx_input(&g, x, ONNX_FLOAT, NULL, dims);
    onnx_input(&g, valid, ONNX_BOOL, NULL, 1);
    onnx_name each = v->kind == ONNX_SEQUENCE
                         ? onnx_op2(&g, "Unsqueeze", NULL, valid, ONNX_INTS(&g, 1, 2, 3))
                         : onnx_op2(&g, "Unsqueeze", NULL, valid, ONNX_INTS(&g, 1));
    onnx_name kept = onnx_op3(&g, "Where", NULL, each, x, last),
              again = onnx_op1(&g, "Identity", NULL, kept);
    onnx_output(&g, kept, ONNX_FLOAT, NULL, dims);
    onnx_output(&g, again, ONNX_FLOAT, NULL, dims);
    onnx_name shape = onnx_op3(outer, "Slice", NULL, onnx_op1(outer, "Shape", NULL, v->name),
                               ONNX_INTS(outer, 1), ONNX_INTS(outer, INT64_MAX)),
              zeros = onnx_op1(outer, "ConstantOfShape", NULL, shape);
    proto attributes = {0}, body = onnx_end(&g, "fill");
    onnx_attribute_graph(&attributes, "body", &body);
    onnx_attribute_int(&attributes, "num_scan_inputs", 2);
    onnx_node(outer, "Scan", &attributes, (const onnx_name[]){zeros, v->name, v->mask}, 3, out, 2);
    v->name = out[1];
}

/* ---- activations ---- */

/* Those that are one node: up to two attributes, and inputs besides x. */
static const struct {
    const char *name, *op, *attribute[2];
    float value[2];
    size_t limits; /* `value` are inputs: the limits of Clip */
} simple[] = {
    {"relu", "Relu", {NULL}, {0}, 0},
    {"tanh", "Tanh", {NULL}, {0}, 0},
    {"sigmoid", "Sigmoid", {NULL}, {0}, 0},
    {"hard_sigmoid_k2", "HardSigmoid", {"alpha", "beta"}, {0.2f, 0.5f}, 0},
    {"hard_sigmoid_k3", "HardSigmoid", {"alpha", "beta"}, {1.0f / 6, 0.5f}, 0},
    {"leaky_relu", "LeakyRelu", {"alpha", NULL}, {0.2f, 0}, 0},
    {"elu", "Elu", {"alpha", NULL}, {1, 0}, 0},
    {"selu", "Selu", {"alpha", "gamma"}, {1.6732632423543772f, 1.0507009873554805f}, 0},
    {"softplus", "Softplus", {NULL}, {0}, 0},
    {"softsign", "Softsign", {NULL}, {0}, 0},
    {"exponential", "Exp", {NULL}, {0}, 0},
    {"hard_silu", "HardSwish", {NULL}, {0}, 0},
    {"relu6", "Clip", {NULL}, {0, 6}, 2},
    {"hard_tanh", "Clip", {NULL}, {-1, 1}, 2},
};

static onnx_name times(onnx_graph *g, onnx_name a, onnx_name b)
{
    return onnx_op2(g, "Mul", NULL, a, b);
}

static onnx_name times_number(onnx_graph *g, onnx_name a, float number)
{
    return times(g, a, onnx_float(g, number));
}

static onnx_name plus_number(onnx_graph *g, onnx_name a, float number)
{
    return onnx_op2(g, "Add", NULL, a, onnx_float(g, number));
}

/* 0.5 x (1 + inner) */
static onnx_name gelu_of(onnx_graph *g, onnx_name x, onnx_name inner)
{
    return times(g, times_number(g, x, 0.5f), plus_number(g, inner, 1));
}

/* Those that are several nodes. */
static bool activate_by_parts(onnx_graph *g, const char *name, onnx_name *x)
{
    if (!strcmp(name, "silu")) {
        *x = times(g, *x, onnx_op1(g, "Sigmoid", NULL, *x));
    } else if (!strcmp(name, "mish")) {
        onnx_name inner = onnx_op1(g, "Tanh", NULL, onnx_op1(g, "Softplus", NULL, *x));
        *x = times(g, *x, inner);
    } else if (!strcmp(name, "log_sigmoid")) {
        onnx_name inner = onnx_op1(g, "Softplus", NULL, onnx_op1(g, "Neg", NULL, *x));
        *x = onnx_op1(g, "Neg", NULL, inner);
    } else if (!strcmp(name, "gelu")) {
        *x = gelu_of(g, *x, onnx_op1(g, "Erf", NULL, times_number(g, *x, 0.70710678f)));
    } else if (!strcmp(name, "gelu_tanh")) {
        onnx_name cube = times(g, times(g, *x, *x), *x),
                  inner = onnx_op2(g, "Add", NULL, *x, times_number(g, cube, 0.044715f));
        *x = gelu_of(g, *x, onnx_op1(g, "Tanh", NULL, times_number(g, inner, 0.79788456f)));
    } else {
        return false;
    }
    return true;
}

bool onnx_activate(const onnx_writer *w, const char *activation, int64_t axis, onnx_name *value)
{
    onnx_graph *g = w->graph;
    bool softmax = !strcmp(activation, "softmax"), log = !strcmp(activation, "log_softmax");
    proto attributes = {0};
    if (!strcmp(activation, "linear")) return true;
    if (softmax || log) {
        onnx_attribute_int(&attributes, "axis", axis);
        *value = onnx_op1(g, softmax ? "Softmax" : "LogSoftmax", &attributes, *value);
        return true;
    }
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (strcmp(activation, simple[i].name)) continue;
        for (size_t k = 0; k < 2 && simple[i].attribute[k]; k++)
            onnx_attribute_float(&attributes, simple[i].attribute[k], simple[i].value[k]);
        *value = simple[i].limits
                     ? onnx_op3(g, simple[i].op, NULL, *value, onnx_float(g, simple[i].value[0]),
                                onnx_float(g, simple[i].value[1]))
                     : onnx_op1(g, simple[i].op, &attributes, *value);
        return true;
    }
    return activate_by_parts(g, activation, value);
}

bool onnx_layer_activation(onnx_writer *w, const json_t *layer, int64_t axis, onnx_name *x)
{
    const char *name = json_string_value(json_object_get(layer, "activation"));
    return !name || onnx_activate(w, name, axis, x) || onnx_refuse(w, layer, name);
}
