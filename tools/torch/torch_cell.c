/* The weights of a ConvLSTM cell. PyTorch has none, so that everybody writes his own: one
 * convolution of input and hidden state together, one of each, or one per gate. Kernels are (out,
 * in, height, width) there and (height, width, in, gates of all filters) here, with the gates in
 * Keras's order. */
#include "torch_cell.h"

#include <string.h>

#include "fail.h"

/* Keras's order of the gates; c is the candidate, which is g elsewhere. */
static const char keras_gates[] = "ifco";
enum { GATES = 4 };

static bool same_gate(char a, char b)
{
    if (a == 'g') a = 'c';
    if (b == 'g') b = 'c';
    return a == b;
}

/* A rectangle of a convolution's weights: the rows of one gate, the columns of input or hidden
 * state. */
typedef struct block {
    const torch_tensor *tensor;
    size_t row, rows, column;
} block;

/* Place of a gate in stacked tensors. */
static bool gate_place(torch_source *s, const char *layer, char gate, size_t *place)
{
    for (*place = 0; s->gates[*place]; ++*place)
        if (same_gate(s->gates[*place], gate)) return true;
    return tool_fail(s->err, NBASE_ERR_ARG,
                     "layer \"%.80s\": the order of its gates is not in the file: say it with "
                     "--gates, such as ifog (most code) or ifgo",
                     layer);
}

/* The tensor of one gate: of a stacked convolution's SPEC.SUFFIX, or SPEC[gate].SUFFIX. Null is
 * allowed if it is not required. */
static bool find_block(torch_source *s, const char *layer, const json_t *spec, const char *suffix,
                       char gate, bool required, block *out)
{
    const char letters[2][2] = {{gate, 0}, {gate == 'c' ? 'g' : gate, 0}};
    const json_t *own = json_object_get(spec, letters[0]);
    if (!own) own = json_object_get(spec, letters[1]);
    const json_t *name = json_is_object(spec) ? own : spec;
    size_t place = 0;
    *out = (block){0};
    if (!json_is_string(name))
        return tool_fail(s->err, NBASE_ERR_ARG,
                         "layer \"%.80s\": the map names no tensor for gate %c", layer, gate);
    if (!own && !gate_place(s, layer, gate, &place)) return false;
    out->tensor = torch_take(s, json_string_value(name), suffix, required);
    if (!out->tensor) return !required;
    out->rows = own ? out->tensor->shape[0] : out->tensor->shape[0] / GATES;
    out->row = place * out->rows;
    return true;
}

static bool misfit(torch_source *s, const char *layer, const torch_tensor *t, const char *wanted)
{
    return tool_fail(s->err, NBASE_ERR_SHAPE,
                     "layer \"%.80s\": tensor \"%.80s\" does not have the shape for %s", layer,
                     t->name, wanted);
}

/* Copies a gate's block into a kernel (height, width, in, 4 filters). */
static bool put_kernel(torch_source *s, const char *layer, const block *b, size_t columns,
                       const nbase_array *like, size_t gate, float *out)
{
    const torch_tensor *t = b->tensor;
    size_t height = like->shape[0], width = like->shape[1], in = like->shape[2],
           filters = like->shape[3] / GATES;
    if (t->ndim != 4 || b->rows != filters || t->shape[1] != columns || t->shape[2] != height ||
        t->shape[3] != width)
        return misfit(s, layer, t, "its kernel");
    for (size_t f = 0; f < filters; f++)
        for (size_t c = 0; c < in; c++)
            for (size_t p = 0; p < height * width; p++)
                out[(p * in + c) * GATES * filters + gate * filters + f] =
                    t->values[((b->row + f) * columns + b->column + c) * height * width + p];
    return true;
}

/* `other`: channels of what else the convolution sees, 0 if nothing. */
static bool fill_kernel(torch_source *s, const char *layer, const json_t *spec, bool hidden,
                        const nbase_array *like, size_t other, float *out)
{
    const json_t *conv = json_object_get(spec, "conv");
    size_t in = like->shape[2], columns = conv ? in + other : in;
    bool behind = conv && hidden != s->hidden_first; /* its columns follow the others' */
    if (!conv) conv = json_object_get(spec, hidden ? "hidden" : "input");
    for (size_t g = 0; g < GATES; g++) {
        block b;
        if (!find_block(s, layer, conv, "weight", keras_gates[g], true, &b)) return false;
        b.column = behind ? other : 0;
        if (!put_kernel(s, layer, &b, columns, like, g, out)) return false;
    }
    return true;
}

/* The biases of all convolutions, added up; zeros without any. */
static bool fill_bias(torch_source *s, const char *layer, const json_t *spec,
                      const nbase_array *like, float *out)
{
    static const char *const members[] = {"conv", "input", "hidden"};
    size_t filters = like->count / GATES;
    memset(out, 0, like->count * sizeof *out);
    for (size_t m = 0; m < sizeof members / sizeof *members; m++) {
        const json_t *conv = json_object_get(spec, members[m]);
        for (size_t g = 0; conv && g < GATES; g++) {
            block b;
            if (!find_block(s, layer, conv, "bias", keras_gates[g], false, &b)) return false;
            if (b.tensor && (b.tensor->ndim != 1 || b.rows != filters))
                return misfit(s, layer, b.tensor, "its bias");
            for (size_t f = 0; b.tensor && f < filters; f++)
                out[g * filters + f] += b.tensor->values[b.row + f];
        }
    }
    return true;
}

/* Weights of the cell state, (1, filters, height, width) or (1, filters, 1, 1) per gate, into
 * (height, width, 3 filters) or (3 filters), in the order i, f, o. */
static bool fill_peephole(torch_source *s, const char *layer, const json_t *spec,
                          const nbase_array *like, float *out)
{
    static const char gates[] = "ifo";
    const json_t *holes = json_object_get(spec, "peephole");
    size_t filters = like->shape[like->ndim - 1] / 3, pixels = like->count / (3 * filters);
    for (size_t g = 0; g < 3; g++) {
        const char letter[2] = {gates[g], 0};
        const char *name = json_string_value(json_object_get(holes, letter));
        const torch_tensor *t = name ? torch_take(s, name, "", true) : NULL;
        if (!name)
            return tool_fail(s->err, NBASE_ERR_ARG,
                             "layer \"%.80s\": the map names no peephole for gate %c", layer,
                             gates[g]);
        if (!t) return false;
        if (t->count != filters * pixels) return misfit(s, layer, t, "its peepholes");
        for (size_t f = 0; f < filters; f++)
            for (size_t p = 0; p < pixels; p++)
                out[p * 3 * filters + g * filters + f] = t->values[f * pixels + p];
    }
    return true;
}

bool torch_fill_cell(torch_source *s, const char *layer, const char *part, const nbase_array *like,
                     const json_t *spec, float *out)
{
    if (!json_is_object(spec))
        return tool_fail(s->err, NBASE_ERR_ARG,
                         "layer \"%.80s\": the map must say which convolutions its cell has: "
                         "{\"conv\": NAME}, or \"input\" and \"hidden\"",
                         layer);
    if (!strcmp(part, "bias")) return fill_bias(s, layer, spec, like, out);
    if (!strcmp(part, "peephole")) return fill_peephole(s, layer, spec, like, out);
    bool hidden = !strcmp(part, "recurrent_kernel");
    /* what the convolution sees besides: the rest of the tensor's columns */
    const char *conv = json_string_value(json_object_get(spec, "conv"));
    const torch_tensor *t = conv ? torch_take(s, conv, "weight", true) : NULL;
    if (conv && !t) return false;
    size_t other =
        t && t->ndim == 4 && t->shape[1] > like->shape[2] ? t->shape[1] - like->shape[2] : 0;
    return fill_kernel(s, layer, spec, hidden, like, other, out);
}
