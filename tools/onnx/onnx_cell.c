/* ConvLSTM2D as a Scan: its body is one step, its states are h and c. A masked frame keeps both,
 * item by item, and so repeats the output before it; before the first valid frame that is zero. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "onnx_network.h"

enum { GATES = 4, INPUT = 0, FORGET = 1, CANDIDATE = 2, OUTPUT = 3 };

typedef struct cell {
    onnx_writer *w;
    const json_t *layer;
    size_t filters;
    onnx_name kernel, recurrent, bias, peephole[3];
    bool has_bias, has_peephole;
} cell;

static onnx_name convolve(onnx_graph *g, const cell *c, onnx_name x, bool recurrent)
{
    proto attributes = {0};
    const nbase_array *k = onnx_weight(c->w, c->layer, "kernel");
    size_t kernel[2] = {k->shape[0], k->shape[1]}, one[2] = {1, 1}, strides[2], dilation[2];
    for (size_t d = 0; d < 2; d++) {
        strides[d] = onnx_member(c->layer, "strides", d);
        dilation[d] = onnx_member(c->layer, "dilation_rate", d);
    }
    bool same = recurrent || onnx_member_is(c->layer, "padding", "same");
    onnx_attribute_window(&attributes, kernel, recurrent ? one : strides,
                          recurrent ? one : dilation, 2, same);
    if (recurrent || !c->has_bias)
        return onnx_op2(g, "Conv", &attributes, x, recurrent ? c->recurrent : c->kernel);
    return onnx_op3(g, "Conv", &attributes, x, c->kernel, c->bias);
}

/* Zeros (N, filters, H, W) of the output's size, which the convolution of a first frame has. */
static onnx_name zero_state(const cell *c, onnx_name x)
{
    onnx_graph *g = c->w->graph;
    proto axis = {0}, join = {0};
    onnx_attribute_int(&axis, "axis", 0);
    onnx_attribute_int(&join, "axis", 0);
    onnx_name first = onnx_op2(g, "Gather", &axis, x, onnx_ints(g, (const int64_t[]){0}, 1));
    first = onnx_op2(g, "Squeeze", NULL, first, ONNX_INTS(g, 0));
    onnx_name shape = onnx_op1(g, "Shape", NULL, convolve(g, c, first, false)),
              batch = onnx_op3(g, "Slice", NULL, shape, ONNX_INTS(g, 0), ONNX_INTS(g, 1)),
              pixels = onnx_op3(g, "Slice", NULL, shape, ONNX_INTS(g, 2), ONNX_INTS(g, 4));
    return onnx_op1(g, "ConstantOfShape", NULL,
                    onnx_op3(g, "Concat", &join, batch, ONNX_INTS(g, (int64_t)c->filters), pixels));
}

static onnx_name add_hole(onnx_graph *g, const cell *c, onnx_name z, size_t hole, onnx_name state)
{
    if (!c->has_peephole) return z;
    return onnx_op2(g, "Add", NULL, z, onnx_op2(g, "Mul", NULL, state, c->peephole[hole]));
}

static onnx_name activated(onnx_graph *g, const cell *c, const char *member, onnx_name x)
{
    onnx_writer inner = *c->w;
    inner.graph = g;
    const char *activation = json_string_value(json_object_get(c->layer, member));
    onnx_activate(&inner, activation, 1, &x); /* known: onnx_cell has looked */
    return x;
}

/* One step from h and c to new ones. */
static void step(onnx_graph *g, const cell *c, onnx_name x, onnx_name *h, onnx_name *state)
{
    onnx_name z[GATES],
        both = onnx_op2(g, "Add", NULL, convolve(g, c, x, false), convolve(g, c, *h, true));
    proto axis = {0};
    onnx_attribute_int(&axis, "axis", 1);
    onnx_node(g, "Split", &axis, &both, 1, z, GATES);
    onnx_name i = add_hole(g, c, z[INPUT], 0, *state), f = add_hole(g, c, z[FORGET], 1, *state);
    i = activated(g, c, "recurrent_activation", i);
    f = activated(g, c, "recurrent_activation", f);
    onnx_name candidate = activated(g, c, "activation", z[CANDIDATE]);
    *state = onnx_op2(g, "Add", NULL, onnx_op2(g, "Mul", NULL, f, *state),
                      onnx_op2(g, "Mul", NULL, i, candidate));
    onnx_name o = add_hole(g, c, z[OUTPUT], 2, *state);
    o = activated(g, c, "recurrent_activation", o);
    *h = onnx_op2(g, "Mul", NULL, o, activated(g, c, "activation", *state));
}

/* The body of the Scan: (h, c, x, valid) to (h, c, h). */
static proto body(const cell *c)
{
    onnx_graph g;
    onnx_begin(&g, c->w->graph->root);
    onnx_name h = onnx_new_name(&g), state = onnx_new_name(&g), x = onnx_new_name(&g),
              valid = onnx_new_name(&g), new_h = h, new_state = state;
    onnx_input(&g, h, ONNX_FLOAT, NULL, 4);
    onnx_input(&g, state, ONNX_FLOAT, NULL, 4);
    onnx_input(&g, x, ONNX_FLOAT, NULL, 4);
    onnx_input(&g, valid, ONNX_BOOL, NULL, 1);
    step(&g, c, x, &new_h, &new_state);
    onnx_name each = onnx_op2(&g, "Unsqueeze", NULL, valid, ONNX_INTS(&g, 1, 2, 3));
    new_h = onnx_op3(&g, "Where", NULL, each, new_h, h);
    new_state = onnx_op3(&g, "Where", NULL, each, new_state, state);
    onnx_name again = onnx_op1(&g, "Identity", NULL, new_h);
    onnx_output(&g, new_h, ONNX_FLOAT, NULL, 4);
    onnx_output(&g, new_state, ONNX_FLOAT, NULL, 4);
    onnx_output(&g, again, ONNX_FLOAT, NULL, 4);
    return onnx_end(&g, "step");
}

/* Peepholes (3 filters) or (H,W,3 filters), in the order i, f, o, as (1,filters,H,W) each. */
static bool take_peepholes(cell *c, const nbase_array *a)
{
    size_t pixels = a->count / (3 * c->filters), height = a->ndim == 3 ? a->shape[0] : 1,
           shape[4] = {1, c->filters, height, pixels / height};
    float *one = malloc(pixels * c->filters * sizeof *one);
    if (!one) return tool_no_memory(c->w->err);
    for (size_t gate = 0; gate < 3; gate++) {
        for (size_t f = 0; f < c->filters; f++)
            for (size_t p = 0; p < pixels; p++)
                one[f * pixels + p] = ((const float *)a->data)[(p * 3 + gate) * c->filters + f];
        c->peephole[gate] = onnx_floats(c->w->graph, one, shape, 4);
    }
    free(one);
    return true;
}

static bool take_weights(cell *c)
{
    static const int order[] = {3, 2, 0, 1}; /* (out, in, height, width) */
    const nbase_array *bias = onnx_weight(c->w, c->layer, "bias"),
                      *peephole = onnx_weight(c->w, c->layer, "peephole");
    c->kernel = onnx_permuted(c->w, onnx_weight(c->w, c->layer, "kernel"), order);
    c->recurrent = onnx_permuted(c->w, onnx_weight(c->w, c->layer, "recurrent_kernel"), order);
    if ((c->has_bias = bias != NULL))
        c->bias = onnx_floats(c->w->graph, bias->data, bias->shape, 1);
    c->has_peephole = peephole != NULL;
    return !peephole || take_peepholes(c, peephole);
}

static bool refuse(const cell *c, const char *what)
{
    return tool_fail(c->w->err, NBASE_ERR_UNSUPPORTED, "layer \"%.80s\": %s",
                     json_string_value(json_object_get(c->layer, "name")), what);
}

bool onnx_cell(onnx_writer *w, const json_t *layer, const onnx_name *begin, onnx_value *v,
               onnx_name end[2])
{
    cell c = {.w = w, .layer = layer, .filters = onnx_member(layer, "filters", 0)};
    bool sequences = json_is_true(json_object_get(layer, "return_sequences")),
         backwards = json_is_true(json_object_get(layer, "go_backwards"));
    if (v->kind != ONNX_SEQUENCE) return refuse(&c, "a ConvLSTM without a sequence of frames");
    if (sequences && backwards)
        return refuse(&c, "a sequence that runs backwards (go_backwards with return_sequences) is "
                          "not written as ONNX");
    if (!take_weights(&c)) return false;
    onnx_name h, state, out[3];
    if (begin)
        h = begin[0], state = begin[1];
    else
        h = state = zero_state(&c, v->name);
    proto attributes = {0}, inner = body(&c);
    onnx_attribute_graph(&attributes, "body", &inner);
    onnx_attribute_int(&attributes, "num_scan_inputs", 2);
    if (backwards)
        onnx_attribute_ints(&attributes, "scan_input_directions", (const int64_t[]){1, 1}, 2);
    onnx_node(w->graph, "Scan", &attributes, (const onnx_name[]){h, state, v->name, v->mask}, 4,
              out, 3);
    end[0] = out[0];
    end[1] = out[1];
    v->name = out[sequences ? 2 : 0];
    v->kind = sequences ? ONNX_SEQUENCE : ONNX_FRAME;
    return true;
}
