/* Layers that merge outputs of several: element by element (add, subtract, multiply, average,
 * maximum, minimum), or channel behind channel (concatenate). All inputs are of one rank, height
 * and width, and the element-wise ones of as many channels. Without parameters. Source: Keras's
 * layers of the same names. */
#include <string.h>

#include "net.h"
#include "time_window.h"

static const convlstm__field no_fields[] = {CONVLSTM__FIELDS_END};

typedef enum merge_kind {
    ADD,
    SUBTRACT,
    MULTIPLY,
    AVERAGE,
    MAXIMUM,
    MINIMUM,
    CONCATENATE
} merge_kind;

static bool derived(const convlstm__shape *s) { return s->clock >= CONVLSTM__DERIVED_FRAMES; }

/* Whether the frames of two sequences meet one by one: they have one clock, or always as many
 * frames, of which none is masked behind a layer that changed their number (clock.h). */
static bool meet(const convlstm__shape *a, const convlstm__shape *b)
{
    return a->clock == b->clock || (a->frames && (derived(a) || derived(b)));
}

static bool fits(const convlstm__shape *a, const convlstm__shape *b, bool channels)
{
    return a->rank == b->rank && a->height == b->height && a->width == b->width &&
           a->reversed == b->reversed && a->vectors == b->vectors && a->frames == b->frames &&
           meet(a, b) && (!channels || a->channels == b->channels);
}

static nbase_status merge_shapes(merge_kind kind, const convlstm__layer *layer,
                                 const convlstm__shape *ins, convlstm__shape *out, nbase_error *err)
{
    char first[CONVLSTM__SHAPE_TEXT], other[CONVLSTM__SHAPE_TEXT];
    *out = ins[0];
    if (kind == SUBTRACT && layer->input_count != 2)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs two inputs, got %zu", layer->input_count);
    for (size_t i = 1; i < layer->input_count; i++) {
        if (!fits(&ins[0], &ins[i], kind != CONCATENATE))
            return nbase__fail(
                err, NBASE_ERR_SHAPE, "needs inputs of one shape%s, got %s and %s%s",
                kind == CONCATENATE ? " but for the channels" : "",
                convlstm__shape_text(&ins[0], first), convlstm__shape_text(&ins[i], other),
                ins[0].reversed != ins[i].reversed     ? " that runs backwards"
                : ins[0].clock == ins[i].clock         ? ""
                : derived(&ins[0]) || derived(&ins[i]) ? ", whose numbers of frames differ"
                                                       : " of which one has the mask");
        if (kind == CONCATENATE) out->channels += ins[i].channels;
        if (derived(&ins[i])) out->clock = ins[i].clock;
    }
    return NBASE_OK;
}

/* ---- the node ---- */

typedef struct merge_node {
    convlstm__node base;
    merge_kind kind;
    size_t floats;                     /* of a frame of the output */
    size_t channels[CONVLSTM__INPUTS]; /* of each input */
    /* Training: per sample and slot (a step) the output; per input that learns the gradient to it,
     * likewise, `gradient_at` floats from the beginning; add has none, as they are those to the
     * output. Vectors of consecutive samples lie one behind the other. */
    convlstm__buffer out, gradients;
    size_t gradient_at[CONVLSTM__INPUTS], slots;
} merge_node;

static size_t pixels_of(const merge_node *n) { return n->base.out.height * n->base.out.width; }

static void add(size_t n, const float *a, const float *b, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void subtract(size_t n, const float *a, const float *b, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = a[i] - b[i];
}

static void multiply(size_t n, const float *a, const float *b, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static void maximum(size_t n, const float *a, const float *b, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = b[i] > a[i] || b[i] != b[i] ? b[i] : a[i];
}

static void minimum(size_t n, const float *a, const float *b, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = b[i] < a[i] || b[i] != b[i] ? b[i] : a[i];
}

/* Pixels `first` to `end` of all inputs, side by side. */
static void join(const merge_node *n, const float *const *ins, size_t first, size_t end, float *out)
{
    size_t at = 0;
    for (size_t k = 0; k < n->base.input_count; at += n->channels[k++])
        for (size_t p = first; p < end; p++)
            memcpy(out + p * n->base.out.channels + at, ins[k] + p * n->channels[k],
                   n->channels[k] * sizeof *out);
}

/* The share of a frame from pixel `first` to `end`. */
static void merge(const merge_node *n, const float *const *ins, size_t first, size_t end,
                  float *out)
{
    static void (*const functions[])(size_t, const float *, const float *, float *) = {
        [ADD] = add,     [SUBTRACT] = subtract, [MULTIPLY] = multiply,
        [AVERAGE] = add, [MAXIMUM] = maximum,   [MINIMUM] = minimum,
    };
    if (n->kind == CONCATENATE) {
        join(n, ins, first, end, out);
        return;
    }
    size_t at = first * n->base.out.channels, count = (end - first) * n->base.out.channels;
    functions[n->kind](count, ins[0] + at, ins[1] + at, out + at);
    for (size_t k = 2; k < n->base.input_count; k++)
        functions[n->kind](count, out + at, ins[k] + at, out + at);
    if (n->kind != AVERAGE) return;
    float inputs = (float)n->base.input_count;
    for (size_t i = at; i < at + count; i++) out[i] /= inputs;
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const merge_node *n = (const merge_node *)node;
    size_t pixels = pixels_of(n);
    merge(n, call->inputs, pixels * call->part / call->parts,
          pixels * (call->part + 1) / call->parts, call->lane);
}

/* ---- training ---- */

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((merge_node *)node)->out);
    convlstm__release(node->env, &((merge_node *)node)->gradients);
}

static size_t input_floats(const merge_node *n, size_t input)
{
    return pixels_of(n) * n->channels[input];
}

static bool learns(const merge_node *n, size_t input)
{
    return n->base.from[input] && convlstm__node_learns(n->base.from[input]);
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    merge_node *n = (merge_node *)node;
    n->slots = node->out.rank == CONVLSTM__SEQUENCE ? batch->max_frames : 1;
    size_t frames = batch->max_samples * n->slots, floats = 0;
    for (size_t k = 0; k < node->input_count && n->kind != ADD; k++) {
        n->gradient_at[k] = floats;
        size_t more;
        if (!learns(n, k)) continue;
        if (!nbase__mul(frames, input_floats(n, k), &more) || !nbase__add(floats, more, &floats))
            return NBASE_ERR_NOMEM;
    }
    nbase_status status = convlstm__reserve(node->env, &n->out, frames, n->floats * sizeof(float));
    return status ? status : convlstm__reserve(node->env, &n->gradients, floats, sizeof(float));
}

static float *out_of(const merge_node *n, size_t sample, size_t step)
{
    return (float *)n->out.data + (sample * n->slots + step) * n->floats;
}

static float *gradient_of(const merge_node *n, size_t input, size_t sample, size_t step)
{
    return (float *)n->gradients.data + n->gradient_at[input] +
           (sample * n->slots + step) * input_floats(n, input);
}

/* All inputs of a step at once. One that is computed each time may be asked for again by another,
 * but for the same step: it stays as it is. */
static void pull_inputs(const merge_node *n, const convlstm__batch *batch, size_t sample, size_t s,
                        int thread, const float *ins[CONVLSTM__INPUTS])
{
    for (size_t k = 0; k < n->base.input_count; k++)
        ins[k] = convlstm__pull_from(&n->base, k, batch, sample, s, thread);
}

static void forward(convlstm__node *node, const convlstm__batch *batch, size_t sample, int thread)
{
    const merge_node *n = (const merge_node *)node;
    for (size_t s = 0; s < convlstm__value_frames(batch, &node->out, sample); s++) {
        const float *ins[CONVLSTM__INPUTS];
        pull_inputs(n, batch, sample, s, thread, ins);
        merge(n, ins, 0, pixels_of(n), out_of(n, sample, s));
    }
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    (void)batch, (void)thread;
    return out_of((const merge_node *)node, sample, step);
}

/* The first of the inputs that gave element i of a maximum or minimum. */
static size_t chosen(const merge_node *n, const float *const *ins, size_t i)
{
    size_t best = 0;
    for (size_t k = 1; k < n->base.input_count; k++)
        if (n->kind == MAXIMUM ? ins[k][i] > ins[best][i] : ins[k][i] < ins[best][i]) best = k;
    return best;
}

/* The slope of element i for input k. */
static float slope(const merge_node *n, const float *const *ins, size_t k, size_t i)
{
    float product = 1;
    switch (n->kind) {
    case SUBTRACT: return k ? -1.0f : 1.0f;
    case AVERAGE: return 1.0f / (float)n->base.input_count;
    case MAXIMUM:
    case MINIMUM: return chosen(n, ins, i) == k ? 1.0f : 0.0f;
    case MULTIPLY:
        for (size_t j = 0; j < n->base.input_count; j++)
            if (j != k) product *= ins[j][i];
        return product;
    case ADD:
    case CONCATENATE: break;
    }
    return 1;
}

/* The channels of input k out of the gradient to the output. */
static void part(const merge_node *n, size_t k, const float *dout, float *din)
{
    size_t at = 0;
    for (size_t j = 0; j < k; j++) at += n->channels[j];
    for (size_t p = 0; p < pixels_of(n); p++)
        memcpy(din + p * n->channels[k], dout + p * n->base.out.channels + at,
               n->channels[k] * sizeof *din);
}

static size_t unless_passed(const convlstm__node *node, const convlstm__batch *batch)
{
    return ((const merge_node *)node)->kind == ADD ? 0 : batch->samples;
}

static void backward(convlstm__node *node, const convlstm__batch *batch, size_t sample, int thread)
{
    const merge_node *n = (const merge_node *)node;
    bool values = n->kind == MULTIPLY || n->kind == MAXIMUM || n->kind == MINIMUM;
    for (size_t s = convlstm__value_frames(batch, &node->out, sample); s-- > 0;) {
        const float *ins[CONVLSTM__INPUTS] = {NULL},
                    *dout = convlstm__pull_gradient(node, batch, sample, s, thread);
        if (values) pull_inputs(n, batch, sample, s, thread, ins);
        for (size_t k = 0; k < node->input_count; k++) {
            float *din = gradient_of(n, k, sample, s);
            if (!learns(n, k)) continue;
            if (n->kind == CONCATENATE)
                part(n, k, dout, din);
            else
                for (size_t i = 0; i < n->floats; i++) din[i] = dout[i] * slope(n, ins, k, i);
        }
    }
}

static const float *gradient_to(const convlstm__node *node, const convlstm__batch *batch,
                                size_t input, size_t sample, size_t step, int thread)
{
    const merge_node *n = (const merge_node *)node;
    if (n->kind == ADD) return convlstm__pull_gradient(node, batch, sample, step, thread);
    return gradient_of(n, input, sample, step);
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .inference = {.step = infer, .output = convlstm__lane_output},
    .training = {.reserve = reserve,
                 .forward = {{convlstm__each_sample, forward}},
                 .backward = {{unless_passed, backward}},
                 .output = output,
                 .gradient_to = gradient_to},
};

/* ---- building ---- */

static nbase_status build_node(merge_kind kind, const convlstm__layer *layer,
                               const convlstm__shape *out, convlstm__net *net)
{
    const convlstm__layout layout = convlstm__layout_nhwc(out->height, out->width);
    convlstm__node *inputs[CONVLSTM__INPUTS];
    memcpy(inputs, net->at, sizeof inputs);
    for (size_t k = 0; k < layer->input_count; k++) {
        net->at[0] = inputs[k];
        if (convlstm__net_convert(net, &net->in[k], &layout) ||
            convlstm__every_frame_build(net, layer, &net->in[k], out->clock))
            return NBASE_ERR_NOMEM;
        inputs[k] = net->at[0];
    }
    net->at[0] = inputs[0];
    merge_node *n = (merge_node *)convlstm__net_add(net, sizeof *n, &ops, layer, &net->in[0],
                                                    &layout, out, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->kind = kind;
    n->floats = n->base.lane_floats = convlstm__shape_floats(out);
    n->base.input_count = layer->input_count;
    for (size_t k = 0; k < layer->input_count; k++) {
        n->base.from[k] = inputs[k];
        n->channels[k] = net->in[k].channels;
    }
    return NBASE_OK;
}

#define MERGE(name, kind)                                                                          \
    static nbase_status name##_shape(const convlstm__layer *layer, const convlstm__shape *ins,     \
                                     convlstm__shape *out, nbase_error *err)                       \
    {                                                                                              \
        return merge_shapes(kind, layer, ins, out, err);                                           \
    }                                                                                              \
    static nbase_status name##_build(const convlstm__layer *layer, const convlstm__shape *in,      \
                                     const convlstm__shape *out, convlstm__net *net)               \
    {                                                                                              \
        (void)in;                                                                                  \
        return build_node(kind, layer, out, net);                                                  \
    }                                                                                              \
    const convlstm__layer_class convlstm__##name##_class = {.type = #name,                         \
                                                            .size = sizeof(convlstm__layer),       \
                                                            .fields = no_fields,                   \
                                                            .merge = name##_shape,                 \
                                                            .build = name##_build};

MERGE(add, ADD)
MERGE(subtract, SUBTRACT)
MERGE(multiply, MULTIPLY)
MERGE(average, AVERAGE)
MERGE(maximum, MAXIMUM)
MERGE(minimum, MINIMUM)
MERGE(concatenate, CONCATENATE)
