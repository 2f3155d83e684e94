#include "onnx_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* What a layer gives, by its name. */
typedef struct result {
    const char *layer;
    onnx_value output;
    onnx_name state[2]; /* h and c of a ConvLSTM after its last frame */
} result;

typedef struct results {
    result *items;
    size_t count;
    /* What the network takes: the images or, of several inputs, each under its name. */
    const convlstm_model *model;
    onnx_value inputs[CONVLSTM_MAX_INPUTS];
} results;

enum { MOST_INPUTS = 32 };

/* ---- inputs of layers ---- */

/* What a name in "inputs" stands for: a layer, an input of the network, or a state "LAYER:h" or
 * "LAYER:c". */
static bool find(const results *r, const char *name, onnx_value *out)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t length = strlen(r->items[i].layer);
        if (strncmp(name, r->items[i].layer, length)) continue;
        if (!name[length]) *out = r->items[i].output;
        if (!strcmp(name + length, ":h") || !strcmp(name + length, ":c"))
            *out = (onnx_value){.name = r->items[i].state[name[length + 1] == 'c'],
                                .kind = ONNX_FRAME};
        else if (name[length])
            continue;
        return true;
    }
    for (size_t k = 0; k < convlstm_model_input_count(r->model); k++) {
        convlstm_input in;
        if (convlstm_model_input(r->model, k, &in) != NBASE_OK || strcmp(name, in.name) != 0)
            continue;
        *out = r->inputs[k];
        return true;
    }
    return false;
}

/* The inputs of a layer; without "inputs" what the layer before gives. */
static size_t inputs_of(const results *r, const json_t *layer, onnx_value in[MOST_INPUTS])
{
    const json_t *names = json_object_get(layer, "inputs");
    size_t count = json_array_size(names);
    in[0] = r->count ? r->items[r->count - 1].output : r->inputs[0];
    for (size_t i = 0; i < count && i < MOST_INPUTS; i++)
        if (!find(r, json_string_value(json_array_get(names, i)), &in[i])) return 0;
    return count ? count : 1;
}

/* ---- layers of several inputs ---- */

static const struct {
    const char *type, *op;
    bool pairwise; /* the operator takes two */
} merges[] = {{"add", "Sum", false},           {"subtract", "Sub", true}, {"multiply", "Mul", true},
              {"average", "Mean", false},      {"maximum", "Max", false}, {"minimum", "Min", false},
              {"concatenate", "Concat", false}};

/* Where a sequence that is merged has no masked frames, the others have none either. */
static void unmask_some(onnx_writer *w, onnx_value *in, size_t count)
{
    bool some = false;
    for (size_t i = 0; i < count; i++) some = some || in[i].remade;
    for (size_t i = 0; some && i < count; i++) onnx_unmask(w, &in[i]);
}

/* False: the layer is none of these. */
static bool merge(onnx_writer *w, const json_t *layer, onnx_value *in, size_t count,
                  onnx_value *out)
{
    onnx_name names[MOST_INPUTS];
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        if (!onnx_member_is(layer, "type", merges[i].type)) continue;
        proto attributes = {0};
        unmask_some(w, in, count);
        for (size_t k = 0; k < count; k++) names[k] = in[k].name;
        if (!strcmp(merges[i].op, "Concat"))
            onnx_attribute_int(&attributes, "axis", onnx_channel_axis(in[0]));
        *out = in[0];
        if (!merges[i].pairwise)
            onnx_node(w->graph, merges[i].op, &attributes, names, count, &out->name, 1);
        for (size_t k = 1; merges[i].pairwise && k < count; k++)
            out->name = onnx_op2(w->graph, merges[i].op, NULL, out->name, names[k]);
        return true;
    }
    return false;
}

static bool write_layer(onnx_writer *w, const json_t *layer, results *r)
{
    onnx_value in[MOST_INPUTS];
    size_t count = inputs_of(r, layer, in);
    result *out = &r->items[r->count];
    *out = (result){.layer = json_string_value(json_object_get(layer, "name")), .output = in[0]};
    bool ok = count > 0 || tool_fail(w->err, NBASE_ERR_FORMAT,
                                     "layer \"%.80s\": an input is not known", out->layer);
    if (ok && onnx_member_is(layer, "type", "conv_lstm2d")) {
        bool begins = count == 3; /* with the states of another */
        const onnx_name begin[2] = {in[begins ? 1 : 0].name, in[begins ? 2 : 0].name};
        ok = onnx_cell(w, layer, begins ? begin : NULL, &out->output, out->state);
    } else if (ok && !merge(w, layer, in, count, &out->output)) {
        ok = onnx_layer(w, layer, &out->output);
    }
    r->count++;
    return ok;
}

/* ---- input and output ---- */

/* Whether the graph has the name already: what is computed in it is called v0, v1, ... */
static bool is_taken(const char *name)
{
    return !strcmp(name, "mask") ||
           (name[0] == 'v' && name[1] && !name[1 + strspn(name + 1, "0123456789")]);
}

static bool refuse_name(const onnx_writer *w, const char *what, const char *name)
{
    return tool_fail(w->err, NBASE_ERR_UNSUPPORTED,
                     "the %s \"%s\" has a name that the ONNX graph has already", what, name);
}

/* An input, (N,T,H,W,C) or (N,T,C), as a sequence of the graph. */
static void write_input(onnx_writer *w, const char *name, const char *frames, bool any_size,
                        const convlstm_input *in, onnx_value *out)
{
    char height[24], width[24], channels[24];
    snprintf(height, sizeof height, any_size ? "height" : "%zu", in->height);
    snprintf(width, sizeof width, any_size ? "width" : "%zu", in->width);
    snprintf(channels, sizeof channels, "%zu", in->channels);
    bool vectors = in->dims == 2;
    const char *const images[] = {"batch", frames, height, width, channels}, *const rows[] = {
                                                                                 "batch", frames,
                                                                                 channels};
    onnx_input(w->graph, onnx_named(name), ONNX_FLOAT, vectors ? rows : images, vectors ? 3 : 5);
    out->name = vectors ? ONNX_TRANSPOSE(w->graph, onnx_named(name), 1, 0, 2)
                        : ONNX_TRANSPOSE(w->graph, onnx_named(name), 1, 0, 4, 2, 3);
    out->kind = vectors ? ONNX_VECTORS : ONNX_SEQUENCE;
}

/* x, or the inputs of the network by their names, and mask (N,T). */
static bool write_inputs(onnx_writer *w, const convlstm_model_info *info, results *r)
{
    char frames[24];
    snprintf(frames, sizeof frames, info->frames ? "%zu" : "frames", info->frames);
    const char *const mask[] = {"batch", frames};
    size_t count = convlstm_model_input_count(w->model);
    for (size_t k = 0; k < count; k++) {
        convlstm_input in;
        if (convlstm_model_input(w->model, k, &in) != NBASE_OK) return false;
        if (count > 1 && is_taken(in.name)) return refuse_name(w, "input", in.name);
        write_input(w, count > 1 ? in.name : "x", frames, info->any_size, &in, &r->inputs[k]);
    }
    onnx_input(w->graph, onnx_named("mask"), ONNX_BOOL, mask, 2);
    onnx_name turned = ONNX_TRANSPOSE(w->graph, onnx_named("mask"), 1, 0);
    for (size_t k = 0; k < count; k++) r->inputs[k].mask = turned;
    return true;
}

/* An output, with its channels last and its batch first. */
static void write_output(onnx_writer *w, const char *name, onnx_value v)
{
    onnx_graph *g = w->graph;
    if (onnx_is_sequence(v) && !v.remade) onnx_fill_masked(w, &v);
    if (v.kind == ONNX_SEQUENCE) v.name = ONNX_TRANSPOSE(g, v.name, 1, 0, 3, 4, 2);
    if (v.kind == ONNX_VECTORS) v.name = ONNX_TRANSPOSE(g, v.name, 1, 0, 2);
    if (v.kind == ONNX_FRAME) v.name = ONNX_TRANSPOSE(g, v.name, 0, 2, 3, 1);
    onnx_name_value(g, v.name, onnx_named(name));
    static const size_t dims[] = {5, 4, 2, 3}; /* by onnx_kind */
    onnx_output(g, onnx_named(name), ONNX_FLOAT, NULL, dims[v.kind]);
}

/* y, or the outputs of the network by their layers' names. */
static bool write_outputs(onnx_writer *w, const json_t *names, const results *r)
{
    const char *text;
    onnx_value v;
    size_t i;
    json_t *name;
    if (!names) write_output(w, "y", r->items[r->count - 1].output);
    json_array_foreach((json_t *)names, i, name)
    {
        text = json_string_value(name);
        bool x = !strcmp(text, "x") && convlstm_model_input_count(w->model) == 1;
        if (x || is_taken(text)) return refuse_name(w, "output", text);
        if (!find(r, text, &v))
            return tool_fail(w->err, NBASE_ERR_FORMAT, "the output \"%.80s\" is not known", text);
        write_output(w, text, v);
    }
    return true;
}

bool onnx_network(const convlstm_model *m, proto *out, nbase_error *err)
{
    onnx_graph graph;
    convlstm_model_info info;
    json_t *description = json_loads(convlstm_model_json(m), 0, NULL), *layer,
           *layers = json_object_get(description, "layers");
    results r = {.model = m, .items = calloc(json_array_size(layers) + 1, sizeof *r.items)};
    onnx_begin(&graph, NULL);
    onnx_writer w = {.graph = &graph, .model = m, .err = err};
    bool ok = (description && r.items) || tool_no_memory(err);
    size_t i;
    convlstm_model_get_info(m, &info);
    ok = ok && write_inputs(&w, &info, &r);
    json_array_foreach(layers, i, layer) { ok = ok && write_layer(&w, layer, &r); }
    ok = ok && write_outputs(&w, json_object_get(description, "outputs"), &r);
    if (ok) {
        proto inner = onnx_end(&graph, "convlstm");
        *out = onnx_model(&inner, "skin-export", nbase_version());
        if (out->failed || onnx_failed(&graph)) {
            proto_free(out);
            ok = tool_no_memory(err);
        }
    }
    onnx_free(&graph);
    free(r.items);
    json_decref(description);
    return ok;
}
