/* Layers that change the number of frames. They take a sequence as convlstm_run would give it, the
 * masked frames filled in, and behind them no frame is masked: the value has a mask of its own. */
#include <stdint.h>
#include <string.h>

#include "onnx_network.h"

static bool is_type(const json_t *layer, const char *type)
{
    return onnx_member_is(layer, "type", type);
}

/* ---- masks ---- */

void onnx_every_frame(onnx_writer *w, onnx_value *v)
{
    onnx_graph *g = w->graph;
    onnx_name shape = onnx_op3(g, "Slice", NULL, onnx_op1(g, "Shape", NULL, v->name),
                               ONNX_INTS(g, 0), ONNX_INTS(g, 2)),
              zeros = onnx_op1(g, "ConstantOfShape", NULL, shape);
    v->mask = onnx_op2(g, "Equal", NULL, zeros, zeros);
    v->remade = true;
}

void onnx_unmask(onnx_writer *w, onnx_value *v)
{
    if (v->remade) return;
    onnx_fill_masked(w, v);
    onnx_every_frame(w, v);
}

/* ---- (N,C,T,H,W) ---- */

static void time_inside(onnx_writer *w, onnx_value *v)
{
    onnx_unmask(w, v);
    v->name = ONNX_TRANSPOSE(w->graph, v->name, 1, 2, 0, 3, 4);
}

static void time_outside(onnx_writer *w, onnx_value *v)
{
    v->name = ONNX_TRANSPOSE(w->graph, v->name, 2, 0, 1, 3, 4);
    onnx_every_frame(w, v);
}

static bool pool3d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    size_t pool[3], strides[3];
    proto attributes = {0};
    for (size_t d = 0; d < 3; d++) {
        pool[d] = onnx_member(layer, "pool_size", d);
        strides[d] = onnx_member(layer, "strides", d);
        if (!strides[d]) strides[d] = pool[d];
    }
    onnx_attribute_window(&attributes, pool, strides, NULL, 3,
                          onnx_member_is(layer, "padding", "same"));
    time_inside(w, v);
    v->name = onnx_op1(w->graph, is_type(layer, "max_pool3d") ? "MaxPool" : "AveragePool",
                       &attributes, v->name);
    time_outside(w, v);
    return true;
}

static bool up_sampling3d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    const size_t five = 5;
    float scales[5] = {1, 1};
    proto attributes = {0};
    for (size_t d = 0; d < 3; d++) scales[2 + d] = (float)onnx_member(layer, "size", d);
    onnx_attribute_text(&attributes, "mode", "nearest");
    onnx_attribute_text(&attributes, "coordinate_transformation_mode", "asymmetric");
    onnx_attribute_text(&attributes, "nearest_mode", "floor");
    time_inside(w, v);
    v->name = onnx_op3(w->graph, "Resize", &attributes, v->name, onnx_named(""),
                       onnx_floats(w->graph, scales, &five, 1));
    time_outside(w, v);
    return true;
}

/* front, back, top, bottom, left, right */
static bool border3d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    onnx_graph *g = w->graph;
    bool pad = is_type(layer, "zero_padding3d");
    int64_t at[6];
    for (size_t i = 0; i < 6; i++)
        at[i] = (int64_t)onnx_member(layer, pad ? "padding" : "cropping", i);
    time_inside(w, v);
    if (pad) {
        v->name = onnx_op2(g, "Pad", NULL, v->name,
                           ONNX_INTS(g, 0, 0, at[0], at[2], at[4], 0, 0, at[1], at[3], at[5]));
    } else {
        for (size_t i = 1; i < 6; i += 2) at[i] = at[i] ? -at[i] : INT64_MAX;
        const onnx_name inputs[] = {v->name, ONNX_INTS(g, at[0], at[2], at[4]),
                                    ONNX_INTS(g, at[1], at[3], at[5]), ONNX_INTS(g, 2, 3, 4)};
        onnx_node(g, "Slice", NULL, inputs, 4, &v->name, 1);
    }
    time_outside(w, v);
    return true;
}

static bool repeat_vector(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    onnx_graph *g = w->graph;
    int64_t n = (int64_t)onnx_member(layer, "n", 0);
    onnx_name one = onnx_op2(g, "Unsqueeze", NULL, v->name, ONNX_INTS(g, 0));
    v->name = onnx_op2(g, "Expand", NULL, one, ONNX_INTS(g, n, 1, 1));
    v->kind = ONNX_VECTORS;
    onnx_every_frame(w, v);
    return true;
}

static bool to_sequence(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    onnx_graph *g = w->graph;
    int64_t sizes[5] = {0}; /* 0: as before; -1: what is left */
    size_t n = json_array_size(json_object_get(layer, "target_shape"));
    for (size_t d = 0; d < n && d < 4; d++) {
        size_t size = onnx_member(layer, "target_shape", d);
        sizes[d + 1] = size ? (int64_t)size : -1;
    }
    bool vectors = v->kind == ONNX_VECTORS, kept = false;
    onnx_name mask = v->mask;
    if (onnx_is_sequence(*v)) {
        convlstm_model_info info;
        convlstm_model_get_info(w->model, &info);
        kept = !v->remade && sizes[1] == (int64_t)info.frames;
        if (!kept) onnx_unmask(w, v);
        v->name = vectors ? ONNX_TRANSPOSE(g, v->name, 1, 0, 2)
                          : ONNX_TRANSPOSE(g, v->name, 1, 0, 3, 4, 2);
    } else if (v->kind == ONNX_FRAME) {
        v->name = ONNX_TRANSPOSE(g, v->name, 0, 2, 3, 1);
    }
    v->name = onnx_op2(g, "Reshape", NULL, v->name, onnx_ints(g, sizes, n + 1));
    v->kind = n == 4 ? ONNX_SEQUENCE : ONNX_VECTORS;
    v->name =
        n == 4 ? ONNX_TRANSPOSE(g, v->name, 1, 0, 4, 2, 3) : ONNX_TRANSPOSE(g, v->name, 1, 0, 2);
    v->mask = mask;
    if (!kept) onnx_every_frame(w, v);
    return true;
}

/* ---- convolution ---- */

/* Frames of zeros before the first: what a causal kernel sees there. */
static void pad_front(onnx_writer *w, onnx_value *v, size_t frames)
{
    onnx_graph *g = w->graph;
    v->name =
        onnx_op2(g, "Pad", NULL, v->name, ONNX_INTS(g, 0, 0, (int64_t)frames, 0, 0, 0, 0, 0, 0, 0));
}

/* What a convolution sees at a masked frame: the one before it where the number of frames changes,
 * else zeros. */
static void hide_masked(onnx_writer *w, onnx_value *v, bool changes)
{
    onnx_graph *g = w->graph;
    if (changes) {
        onnx_unmask(w, v);
        return;
    }
    onnx_name each = onnx_op2(g, "Unsqueeze", NULL, v->mask, ONNX_INTS(g, 2, 3, 4));
    v->name = onnx_op3(g, "Where", NULL, each, v->name, onnx_float(g, 0));
}

/* The pads of a kernel that sees no frame to come: those of time are there already. */
static bool causal_window(onnx_writer *w, const json_t *layer, const nbase_array *kernel,
                          proto *attributes)
{
    int64_t sizes[3], strides[3], dilation[3], pads[6] = {0};
    bool same = onnx_member_is(layer, "padding", "same");
    for (size_t d = 0; d < 3; d++) {
        sizes[d] = (int64_t)kernel->shape[d];
        strides[d] = (int64_t)onnx_member(layer, "strides", d);
        dilation[d] = (int64_t)onnx_member(layer, "dilation_rate", d);
        int64_t total = same && d ? dilation[d] * (sizes[d] - 1) : 0;
        pads[d] = total / 2;
        pads[3 + d] = total - total / 2;
    }
    if (same && strides[1] * strides[2] > 1)
        return onnx_refuse(w, layer,
                           "a causal conv3d with strides in rows or columns and padding same");
    onnx_attribute_ints(attributes, "kernel_shape", sizes, 3);
    onnx_attribute_ints(attributes, "strides", strides, 3);
    onnx_attribute_ints(attributes, "dilations", dilation, 3);
    onnx_attribute_ints(attributes, "pads", pads, 6);
    return true;
}

/* Where the number of frames stays, masked ones are zeros for their neighbours. */
static bool conv3d(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int order[] = {4, 3, 0, 1, 2};
    const nbase_array *kernel = onnx_weight(w, layer, "kernel"),
                      *bias = onnx_weight(w, layer, "bias");
    onnx_graph *g = w->graph;
    if (v->kind != ONNX_SEQUENCE) return onnx_refuse(w, layer, "conv3d of what is no sequence");
    bool causal = json_is_true(json_object_get(layer, "causal")),
         same = onnx_member_is(layer, "padding", "same"),
         changes =
             onnx_member(layer, "strides", 0) > 1 || (!same && !causal && kernel->shape[0] > 1);
    hide_masked(w, v, changes);
    onnx_name weights = onnx_permuted(w, kernel, order);
    v->name = ONNX_TRANSPOSE(g, v->name, 1, 2, 0, 3, 4);
    proto attributes = {0};
    if (causal) pad_front(w, v, (kernel->shape[0] - 1) * onnx_member(layer, "dilation_rate", 0));
    if (!causal)
        onnx_kernel_window(layer, kernel, 3, &attributes);
    else if (!causal_window(w, layer, kernel, &attributes))
        return false;
    v->name = onnx_convolution(w, "Conv", &attributes, v->name, weights, bias);
    v->name = ONNX_TRANSPOSE(g, v->name, 2, 0, 1, 3, 4);
    if (changes) onnx_every_frame(w, v);
    return onnx_layer_activation(w, layer, 2, &v->name);
}

static bool conv3d_transpose(onnx_writer *w, const json_t *layer, onnx_value *v)
{
    static const int order[] = {4, 3, 0, 1, 2}; /* (in, out, time, height, width) */
    const nbase_array *kernel = onnx_weight(w, layer, "kernel");
    onnx_graph *g = w->graph;
    if (v->kind != ONNX_SEQUENCE)
        return onnx_refuse(w, layer, "conv3d_transpose of what is no sequence");
    bool valid = onnx_member_is(layer, "padding", "valid"),
         changes = onnx_member(layer, "strides", 0) > 1 || (valid && kernel->shape[0] > 1) ||
                   json_object_get(layer, "output_padding");
    hide_masked(w, v, changes);
    v->name = ONNX_TRANSPOSE(g, v->name, 1, 2, 0, 3, 4);
    proto attributes = {0};
    onnx_transposed_window(layer, kernel, 3, &attributes);
    v->name = onnx_convolution(w, "ConvTranspose", &attributes, v->name,
                               onnx_permuted(w, kernel, order), onnx_weight(w, layer, "bias"));
    v->name = ONNX_TRANSPOSE(g, v->name, 2, 0, 1, 3, 4);
    if (changes) onnx_every_frame(w, v);
    return onnx_layer_activation(w, layer, 2, &v->name);
}

bool onnx_time_layer(onnx_writer *w, const json_t *layer, onnx_value *v, bool *known)
{
    static const struct {
        const char *type;
        bool (*write)(onnx_writer *w, const json_t *layer, onnx_value *v);
    } layers[] = {{"conv3d", conv3d},
                  {"max_pool3d", pool3d},
                  {"average_pool3d", pool3d},
                  {"up_sampling3d", up_sampling3d},
                  {"zero_padding3d", border3d},
                  {"cropping3d", border3d},
                  {"repeat_vector", repeat_vector},
                  {"conv3d_transpose", conv3d_transpose}};
    *known = true;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (is_type(layer, layers[i].type)) return layers[i].write(w, layer, v);
    if (is_type(layer, "reshape") &&
        json_array_size(json_object_get(layer, "target_shape")) % 2 == 0)
        return to_sequence(w, layer, v);
    *known = false;
    return true;
}
