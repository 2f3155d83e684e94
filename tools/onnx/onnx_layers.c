/* Layers of one input. Those that treat each frame on its own see a sequence as so many more
 * frames: the first two axes become one, and two again behind them. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "onnx_network.h"

static bool is_true(const json_t *layer, const char *member)
{
    return json_is_true(json_object_get(layer, member));
}

static bool is_type(const json_t *layer, const char *type)
{
    return onnx_member_is(layer, "type", type);
}

/* ---- sequences as frames ---- */

typedef struct merged {
    bool sequence;
    onnx_name lead; /* T and N */
} merged;

static onnx_name shape_part(onnx_graph *g, onnx_name x, int64_t from, int64_t to)
{
    return onnx_op3(g, "Slice", NULL, onnx_op1(g, "Shape", NULL, x), ONNX_INTS(g, from),
                    ONNX_INTS(g, to));
}

static onnx_name joined(onnx_graph *g, onnx_name a, onnx_name b)
{
    proto axis = {0};
    onnx_attribute_int(&axis, "axis", 0);
    return onnx_op2(g, "Concat", &axis, a, b);
}

static merged begin_frames(onnx_writer *w, onnx_value *v)
{
    merged m = {.sequence = onnx_is_sequence(*v)};
    onnx_graph *g = w->graph;
    if (!m.sequence) return m;
    m.lead = shape_part(g, v->name, 0, 2);
    onnx_name rest = shape_part(g, v->name, 2, INT64_MAX);
    v->name = onnx_op2(g, "Reshape", NULL, v->name, joined(g, ONNX_INTS(g, -1), rest));
    v->kind = v->kind == ONNX_SEQUENCE ? ONNX_FRAME : ONNX_VECTOR;
    return m;
}

static void end_frames(onnx_writer *w, const merged *m, onnx_value *v)
{
    onnx_graph *g = w->graph;
    if (!m->sequence) return;
    onnx_name rest = shape_part(g, v->name, 1, INT64_MAX);
    v->name = onnx_op2(g, "Reshape", NULL, v->name, joined(g, m->lead, rest));
    v->kind = v->kind == ONNX_FRAME ? ONNX_SEQUENCE : ONNX_VECTORS;
}

/* Frames with their channels behind the pixels, as here, and back. */
static void channels_last(onnx_writer *w, onnx_value *v)
{
    if (v->kind == ONNX_FRAME) v->name = ONNX_TRANSPOSE(w->graph, v->name, 0, 2, 3, 1);
    if (v->kind == ONNX_SEQUENCE) v->name = ONNX_TRANSPOSE(w->graph, v->name, 0, 1, 3, 4, 2);
}

static void channels_first(onnx_writer *w, onnx_value *v)
{
    if (v->kind == ONNX_FRAME) v->name = ONNX_TRANSPOSE(w->graph, v->name, 0, 3, 1, 2);
    if (v->kind == ONNX_SEQUENCE) v->name = ONNX_TRANSPOSE(w->graph, v->name, 0, 1, 4, 2, 3);
}

/* ---- weights ---- */

/* Those of one frame: of a sequence they get so many more frames (onnx_layer). */
static bool conv2d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int order[] = {3, 2, 0, 1};
    const nbase_array *kernel = onnx_weight(w, layer, "kernel");
    proto attributes = {0};
    onnx_kernel_window(layer, kernel, 2, &attributes);
    v->name = onnx_convolution(w, "Conv", &attributes, v->name, onnx_permuted(w, kernel, order),
                               onnx_weight(w, layer, "bias"));
    return onnx_layer_activation(w, layer, 1, &v->name);
}

/* Depthwise: a group for each channel. A separable one has a convolution of 1x1 behind it. */
static bool depthwise(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int order[] = {2, 3, 0, 1}, point_order[] = {3, 2, 0, 1};
    const nbase_array *kernel = onnx_weight(w, layer, "depthwise_kernel"),
                      *point = onnx_weight(w, layer, "pointwise_kernel"),
                      *bias = onnx_weight(w, layer, "bias");
    int64_t channels = (int64_t)kernel->shape[2], filters = channels * (int64_t)kernel->shape[3];
    proto attributes = {0};
    onnx_kernel_window(layer, kernel, 2, &attributes);
    onnx_attribute_int(&attributes, "group", channels);
    onnx_name weights = onnx_op2(
        w->graph, "Reshape", NULL, onnx_permuted(w, kernel, order),
        ONNX_INTS(w->graph, filters, 1, (int64_t)kernel->shape[0], (int64_t)kernel->shape[1]));
    v->name = onnx_convolution(w, "Conv", &attributes, v->name, weights, point ? NULL : bias);
    if (point)
        v->name =
            onnx_convolution(w, "Conv", NULL, v->name, onnx_permuted(w, point, point_order), bias);
    return onnx_layer_activation(w, layer, 1, &v->name);
}

static bool conv2d_transpose(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int order[] = {3, 2, 0, 1}; /* (in, out, height, width) */
    const nbase_array *kernel = onnx_weight(w, layer, "kernel");
    proto attributes = {0};
    onnx_transposed_window(layer, kernel, 2, &attributes);
    v->name = onnx_convolution(w, "ConvTranspose", &attributes, v->name,
                               onnx_permuted(w, kernel, order), onnx_weight(w, layer, "bias"));
    return onnx_layer_activation(w, layer, 1, &v->name);
}

static bool dense(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    const nbase_array *kernel = onnx_weight(w, layer, "kernel"),
                      *bias = onnx_weight(w, layer, "bias");
    onnx_graph *g = w->graph;
    channels_last(w, v);
    v->name = onnx_op2(g, "MatMul", NULL, v->name, onnx_floats(g, kernel->data, kernel->shape, 2));
    if (bias)
        v->name = onnx_op2(g, "Add", NULL, v->name, onnx_floats(g, bias->data, bias->shape, 1));
    bool ok = onnx_layer_activation(w, layer, -1, &v->name);
    channels_first(w, v);
    return ok;
}

static bool batch_normalization(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    const nbase_array *gamma = onnx_weight(w, layer, "gamma"),
                      *beta = onnx_weight(w, layer, "beta"),
                      *mean = onnx_weight(w, layer, "moving_mean"),
                      *variance = onnx_weight(w, layer, "moving_variance");
    double epsilon = json_number_value(json_object_get(layer, "epsilon"));
    size_t n = mean->count;
    float *scale = malloc(2 * n * sizeof *scale), *shift = scale + n;
    if (!scale) return tool_no_memory(w->err);
    for (size_t c = 0; c < n; c++) {
        double s = (double)((const float *)gamma->data)[c] /
                   sqrt((double)((const float *)variance->data)[c] + epsilon);
        scale[c] = (float)s;
        shift[c] = (float)((double)((const float *)beta->data)[c] -
                           (double)((const float *)mean->data)[c] * s);
    }
    v->name = onnx_op2(w->graph, "Mul", NULL, v->name, onnx_per_channel(w, scale, n, *v));
    v->name = onnx_op2(w->graph, "Add", NULL, v->name, onnx_per_channel(w, shift, n, *v));
    free(scale);
    return true;
}

static bool layer_normalization(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    const nbase_array *gamma = onnx_weight(w, layer, "gamma"),
                      *beta = onnx_weight(w, layer, "beta");
    proto attributes = {0};
    onnx_attribute_int(&attributes, "axis", onnx_member_is(layer, "over", "frame") ? -3 : -1);
    onnx_attribute_float(&attributes, "epsilon",
                         (float)json_number_value(json_object_get(layer, "epsilon")));
    channels_last(w, v);
    v->name = onnx_op3(w->graph, "LayerNormalization", &attributes, v->name,
                       onnx_floats(w->graph, gamma->data, gamma->shape, (size_t)gamma->ndim),
                       onnx_floats(w->graph, beta->data, beta->shape, (size_t)beta->ndim));
    channels_first(w, v);
    return true;
}

/* ---- without weights ---- */

static bool pool2d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    size_t pool[2], strides[2];
    proto attributes = {0};
    bool maximum = is_type(layer, "max_pool2d");
    for (size_t d = 0; d < 2; d++) {
        pool[d] = onnx_member(layer, "pool_size", d);
        strides[d] = onnx_member(layer, "strides", d);
        if (!strides[d]) strides[d] = pool[d];
    }
    onnx_attribute_window(&attributes, pool, strides, NULL, 2,
                          onnx_member_is(layer, "padding", "same"));
    v->name = onnx_op1(w->graph, maximum ? "MaxPool" : "AveragePool", &attributes, v->name);
    return true;
}

static onnx_name reduced(onnx_writer *w, const char *op, onnx_name x, const int64_t *axes,
                         size_t count)
{
    proto attributes = {0};
    onnx_attribute_ints(&attributes, "axes", axes, count);
    onnx_attribute_int(&attributes, "keepdims", 0);
    return onnx_op1(w->graph, op, &attributes, x);
}

/* The sum over the first axis, which is an input of ReduceSum, not an attribute. */
static onnx_name sum_over_time(onnx_writer *w, onnx_name x)
{
    proto attributes = {0};
    onnx_attribute_int(&attributes, "keepdims", 0);
    return onnx_op2(w->graph, "ReduceSum", &attributes, x, ONNX_INTS(w->graph, 0));
}

/* Over the valid frames of (T,N,C). */
static onnx_name pooled_over_time(onnx_writer *w, const onnx_value *v, bool maximum)
{
    onnx_graph *g = w->graph;
    proto to_float = {0};
    onnx_name valid = onnx_op2(g, "Unsqueeze", NULL, v->mask, ONNX_INTS(g, 2)),
              x = onnx_op3(g, "Where", NULL, valid, v->name,
                           onnx_float(g, maximum ? -INFINITY : 0));
    if (maximum) return reduced(w, "ReduceMax", x, (const int64_t[]){0}, 1);
    onnx_attribute_int(&to_float, "to", ONNX_FLOAT);
    onnx_name count = sum_over_time(w, onnx_op1(g, "Cast", &to_float, valid));
    return onnx_op2(g, "Div", NULL, sum_over_time(w, x), count);
}

static bool global_pool(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int64_t pixels[] = {2, 3}, later[] = {3, 4};
    bool maximum = is_type(layer, "global_max_pool"), sequence = onnx_is_sequence(*v),
         frames = v->kind == ONNX_SEQUENCE || v->kind == ONNX_FRAME;
    if (frames)
        v->name =
            reduced(w, maximum ? "ReduceMax" : "ReduceMean", v->name, sequence ? later : pixels, 2);
    if (sequence && !is_true(layer, "each_frame")) {
        v->name = pooled_over_time(w, v, maximum);
        sequence = false;
    }
    v->kind = sequence ? ONNX_VECTORS : ONNX_VECTOR;
    return true;
}

static onnx_name flat(onnx_writer *w, onnx_name x)
{
    proto attributes = {0};
    onnx_attribute_int(&attributes, "axis", 1);
    return onnx_op1(w->graph, "Flatten", &attributes, x);
}

static bool flatten(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    if (onnx_is_sequence(*v) && !is_true(layer, "each_frame")) {
        onnx_fill_masked(w, v);
        v->name = v->kind == ONNX_SEQUENCE ? ONNX_TRANSPOSE(w->graph, v->name, 1, 0, 3, 4, 2)
                                           : ONNX_TRANSPOSE(w->graph, v->name, 1, 0, 2);
        *v = (onnx_value){.name = flat(w, v->name), .kind = ONNX_VECTOR};
        return true;
    }
    merged m = begin_frames(w, v);
    channels_last(w, v);
    v->name = flat(w, v->name);
    v->kind = ONNX_VECTOR;
    end_frames(w, &m, v);
    return true;
}

static bool reshape(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    int64_t sizes[4] = {0}; /* 0: as before; -1: what is left */
    size_t n = json_array_size(json_object_get(layer, "target_shape"));
    for (size_t d = 0; d < n && d < 3; d++) {
        size_t size = onnx_member(layer, "target_shape", d);
        sizes[d + 1] = size ? (int64_t)size : -1;
    }
    channels_last(w, v);
    v->name = onnx_op2(w->graph, "Reshape", NULL, v->name, onnx_ints(w->graph, sizes, n + 1));
    v->kind = n == 3 ? ONNX_FRAME : ONNX_VECTOR;
    channels_first(w, v);
    return true;
}

static bool up_sampling2d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    const float scales[4] = {1, 1, (float)onnx_member(layer, "size", 0),
                             (float)onnx_member(layer, "size", 1)};
    const size_t four = 4;
    bool linear = onnx_member_is(layer, "interpolation", "bilinear");
    proto attributes = {0};
    onnx_attribute_text(&attributes, "mode", linear ? "linear" : "nearest");
    onnx_attribute_text(&attributes, "coordinate_transformation_mode",
                        linear ? "half_pixel" : "asymmetric");
    onnx_attribute_text(&attributes, "nearest_mode", "floor");
    v->name = onnx_op3(w->graph, "Resize", &attributes, v->name, onnx_named(""),
                       onnx_floats(w->graph, scales, &four, 1));
    return true;
}

/* zero_padding2d and cropping2d: top, bottom, left, right. */
static bool border(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    onnx_graph *g = w->graph;
    bool pad = is_type(layer, "zero_padding2d");
    int64_t at[4];
    for (size_t i = 0; i < 4; i++)
        at[i] = (int64_t)onnx_member(layer, pad ? "padding" : "cropping", i);
    if (pad) {
        v->name =
            onnx_op2(g, "Pad", NULL, v->name, ONNX_INTS(g, 0, 0, at[0], at[2], 0, 0, at[1], at[3]));
    } else {
        const onnx_name inputs[] = {
            v->name, ONNX_INTS(g, at[0], at[2]),
            ONNX_INTS(g, at[1] ? -at[1] : INT64_MAX, at[3] ? -at[3] : INT64_MAX),
            ONNX_INTS(g, 2, 3)};
        onnx_node(g, "Slice", NULL, inputs, 4, &v->name, 1);
    }
    return true;
}

/* x from the threshold on, at most the maximum; below it the slope times x - threshold. */
static bool rectified(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    onnx_graph *g = w->graph;
    float most = (float)json_number_value(json_object_get(layer, "max_value")),
          slope = (float)json_number_value(json_object_get(layer, "negative_slope")),
          threshold = (float)json_number_value(json_object_get(layer, "threshold"));
    onnx_name from = onnx_float(g, threshold), high = v->name,
              low = onnx_op2(g, "Mul", NULL, onnx_op2(g, "Sub", NULL, v->name, from),
                             onnx_float(g, slope));
    if (most > 0) high = onnx_op2(g, "Min", NULL, high, onnx_float(g, most));
    v->name =
        onnx_op3(g, "Where", NULL, onnx_op2(g, "GreaterOrEqual", NULL, v->name, from), high, low);
    return true;
}

static bool with_alpha(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    bool leaky = is_type(layer, "leaky_relu");
    const json_t *alpha = json_object_get(layer, leaky ? "negative_slope" : "alpha");
    proto attributes = {0};
    onnx_attribute_float(&attributes, "alpha", (float)json_number_value(alpha));
    v->name = onnx_op1(w->graph, leaky ? "LeakyRelu" : "Elu", &attributes, v->name);
    return true;
}

/* alpha is (C), (1,1,C) or (H,W,C). */
static bool prelu(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int order[] = {2, 0, 1};
    const nbase_array *alpha = onnx_weight(w, layer, "alpha");
    onnx_name slope = alpha->ndim == 1 ? onnx_floats(w->graph, alpha->data, alpha->shape, 1)
                                       : onnx_permuted(w, alpha, order);
    v->name = onnx_op2(w->graph, "PRelu", NULL, v->name, slope);
    return true;
}

static bool rescaling(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    onnx_graph *g = w->graph;
    float scale = (float)json_number_value(json_object_get(layer, "scale")),
          offset = (float)json_number_value(json_object_get(layer, "offset"));
    v->name = onnx_op2(g, "Add", NULL, onnx_op2(g, "Mul", NULL, v->name, onnx_float(g, scale)),
                       onnx_float(g, offset));
    return true;
}

static bool activation(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    return onnx_layer_activation(w, layer, onnx_channel_axis(*v), &v->name);
}

/* What does something in training only. */
static bool nothing(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    (void)w, (void)layer, (void)v;
    return true;
}

/* ---- all ---- */

static const struct {
    const char *type;
    bool (*write)(onnx_writer *w, const json_t *layer, onnx_value *v);
    bool by_frame; /* it is given single frames */
} layers[] = {
    {"conv2d", conv2d, true},
    {"depthwise_conv2d", depthwise, true},
    {"separable_conv2d", depthwise, true},
    {"conv2d_transpose", conv2d_transpose, true},
    {"dense", dense, false},
    {"batch_normalization", batch_normalization, false},
    {"layer_normalization", layer_normalization, false},
    {"max_pool2d", pool2d, true},
    {"average_pool2d", pool2d, true},
    {"global_average_pool", global_pool, false},
    {"global_max_pool", global_pool, false},
    {"flatten", flatten, false},
    {"reshape", reshape, true},
    {"up_sampling2d", up_sampling2d, true},
    {"zero_padding2d", border, true},
    {"cropping2d", border, true},
    {"activation", activation, false},
    {"leaky_relu", with_alpha, false},
    {"elu", with_alpha, false},
    {"relu", rectified, false},
    {"prelu", prelu, false},
    {"rescaling", rescaling, false},
    {"dropout", nothing, false},
    {"spatial_dropout", nothing, false},
    {"gaussian_noise", nothing, false},
    {"gaussian_dropout", nothing, false},
    {"identity", nothing, false},
};

bool onnx_layer(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    bool known, written = onnx_time_layer(w, layer, v, &known);
    if (known) return written;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        if (!is_type(layer, layers[i].type)) continue;
        merged m = {0};
        if (layers[i].by_frame) m = begin_frames(w, v);
        bool ok = layers[i].write(w, layer, v);
        end_frames(w, &m, v);
        return ok;
    }
    return onnx_refuse(w, layer, json_string_value(json_object_get(layer, "type")));
}
