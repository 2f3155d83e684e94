#include "torch_network.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "torch_cell.h"
#include "torch_map.h"

/* What a part of a layer is called there, and which of its axes becomes our first, second, ...: a
 * dense layer's weights are (out, in) there, a convolution's (out, in, [time,] height, width). */
typedef struct part_rule {
    const char *type, *part, *suffix;
    int axes[TORCH_MAX_DIMS];
} part_rule;

static const part_rule rules[] = {
    {"dense", "kernel", "weight", {1, 0}},
    {"conv2d", "kernel", "weight", {2, 3, 1, 0}},
    {"conv3d", "kernel", "weight", {2, 3, 4, 1, 0}},
    /* (in, out, height, width), and (height, width, out, in) here */
    {"conv2d_transpose", "kernel", "weight", {2, 3, 1, 0}},
    {"conv3d_transpose", "kernel", "weight", {2, 3, 4, 1, 0}},
    {"batch_normalization", "gamma", "weight", {0}},
    {"batch_normalization", "beta", "bias", {0}},
    {"batch_normalization", "moving_mean", "running_mean", {0}},
    {"batch_normalization", "moving_variance", "running_var", {0}},
    {"layer_normalization", "gamma", "weight", {0}},
    {"layer_normalization", "beta", "bias", {0}},
    {NULL, "bias", "bias", {0}}, /* of any layer */
};

static const part_rule *rule_of(const char *type, const char *part)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((!rules[i].type || !strcmp(rules[i].type, type)) && !strcmp(rules[i].part, part))
            return &rules[i];
    return NULL;
}

/* ---- the state dict ---- */

static bool has_shape(const torch_tensor *t, const nbase_array *like, const int *axes)
{
    if (t->ndim != like->ndim) return false;
    for (int d = 0; d < like->ndim; d++)
        if (t->shape[axes[d]] != like->shape[d]) return false;
    return true;
}

/* Element i of `like` as the flat index in t, whose axes are in another order. */
static size_t source_index(const torch_tensor *t, const nbase_array *like, const int *axes,
                           size_t i)
{
    size_t stride[TORCH_MAX_DIMS], at = 0;
    stride[t->ndim - 1] = 1;
    for (int d = t->ndim - 2; d >= 0; d--) stride[d] = stride[d + 1] * t->shape[d + 1];
    for (int d = like->ndim - 1; d >= 0; d--) {
        at += i % like->shape[d] * stride[axes[d]];
        i /= like->shape[d];
    }
    return at;
}

/* ---- layers other than cells ---- */

typedef struct importer {
    torch_source source;
    const json_t *layers, *map; /* of the description; of the map, or null */
    convlstm_model *model;
    nbase_error *err;
} importer;

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

/* Whether the tensors behind a prefix have the shapes of a layer's. */
static bool prefix_fits(importer *im, const json_t *layer, const char *prefix)
{
    const char *name = text_of(layer, "name"), *type = text_of(layer, "type");
    size_t found = 0, length = strlen(name);
    for (size_t i = 0; i < convlstm_model_tensor_count(im->model); i++) {
        const nbase_array *like = convlstm_model_tensor(im->model, i);
        if (strncmp(like->name, name, length) || like->name[length] != '/') continue;
        const part_rule *rule = rule_of(type, like->name + length + 1);
        char full[256];
        snprintf(full, sizeof full, "%.150s.%s", prefix, rule ? rule->suffix : "?");
        const torch_tensor *t = rule ? torch_find(im->source.state, full) : NULL;
        if (!t || !has_shape(t, like, rule->axes)) return false;
        found++;
    }
    return found > 0;
}

/* The prefixes ("fc" of "fc.weight") that fit a layer; the first is copied to `prefix`. */
static size_t count_fitting(importer *im, const json_t *layer, char prefix[160])
{
    size_t fitting = 0;
    for (size_t i = 0; i < im->source.state->count; i++) {
        const char *name = im->source.state->items[i].name, *dot = strrchr(name, '.');
        char own[160];
        if (!dot || strcmp(dot, ".weight") || (size_t)(dot - name) >= sizeof own) continue;
        snprintf(own, sizeof own, "%.*s", (int)(dot - name), name);
        if (!prefix_fits(im, layer, own)) continue;
        if (!fitting++) memcpy(prefix, own, sizeof own);
    }
    return fitting;
}

/* Layers of the same kind with tensors of the same shapes, which shapes cannot tell apart. */
static bool alone(importer *im, const json_t *layer, const char *prefix)
{
    size_t i, count = 0;
    json_t *other;
    json_array_foreach((json_t *)im->layers, i, other)
    {
        bool same = !strcmp(text_of(other, "type"), text_of(layer, "type"));
        if (same && prefix_fits(im, other, prefix)) count++;
    }
    return count == 1;
}

static bool is_cell(const json_t *layer) { return !strcmp(text_of(layer, "type"), "conv_lstm2d"); }

/* How many ConvLSTM layers come before this one. */
static size_t cell_number(const importer *im, const json_t *layer)
{
    size_t i, number = 0;
    json_t *other;
    json_array_foreach((json_t *)im->layers, i, other)
    {
        if (other == layer) break;
        number += is_cell(other);
    }
    return number;
}

/* What the map says of a layer, or the one prefix that fits it, as a new reference. */
static json_t *spec_of(importer *im, const json_t *layer)
{
    const char *name = text_of(layer, "name");
    json_t *said = json_object_get(json_object_get(im->map, "layers"), name);
    if (said) return json_incref(said);
    if (is_cell(layer) && (said = torch_map_cell(im->map, cell_number(im, layer)))) return said;
    char prefix[160];
    size_t fitting = is_cell(layer) ? 0 : count_fitting(im, layer, prefix);
    if (fitting == 1 && alone(im, layer, prefix)) return json_string(prefix);
    tool_fail(im->err, NBASE_ERR_ARG,
              "layer \"%.80s\": %s: say with --map which of the file's tensors it has "
              "(docs/pytorch.md)",
              name,
              fitting ? "more than one of the file's layers has its shapes"
                      : "which tensors are its own is not said");
    return NULL;
}

/* A dense layer behind flatten: PyTorch flattens channel by channel, and pixels here have their
 * channels side by side. `positions` pixels. */
static bool reorder_flattened(const nbase_array *like, size_t positions, float *values,
                              nbase_error *err)
{
    size_t channels = like->shape[0] / positions, units = like->shape[1];
    float *copy = malloc(like->count * sizeof *copy);
    if (!copy) return tool_no_memory(err);
    memcpy(copy, values, like->count * sizeof *copy);
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < channels; c++)
            memcpy(values + (p * channels + c) * units, copy + (c * positions + p) * units,
                   units * sizeof *values);
    free(copy);
    return true;
}

static bool fill_part(importer *im, const json_t *layer, const char *part, const nbase_array *like,
                      const json_t *spec, float *out)
{
    const char *name = text_of(layer, "name");
    const part_rule *rule = rule_of(text_of(layer, "type"), part);
    if (!rule || !json_is_string(spec))
        return tool_fail(im->err, NBASE_ERR_UNSUPPORTED, "layer \"%.80s\": %s", name,
                         rule ? "the map must give a name, such as \"fc\""
                              : "weights of this type are not known from PyTorch");
    const torch_tensor *t = torch_take(&im->source, json_string_value(spec), rule->suffix, true);
    if (!t) return false;
    if (!has_shape(t, like, rule->axes))
        return tool_fail(im->err, NBASE_ERR_SHAPE,
                         "layer \"%.80s\": tensor \"%.80s\" does not have the shape for its %s",
                         name, t->name, part);
    for (size_t i = 0; i < like->count; i++)
        out[i] = t->values[source_index(t, like, rule->axes, i)];
    size_t positions = convlstm_model_positions(im->model, like->name);
    return positions <= 1 || reorder_flattened(like, positions, out, im->err);
}

/* ---- the network ---- */

static bool fill_tensor(importer *im, const json_t *layer, const nbase_array *like,
                        const json_t *spec)
{
    const char *part = strchr(like->name, '/') + 1, *name = text_of(layer, "name");
    float *values = malloc(like->count * sizeof *values);
    if (!values) return tool_no_memory(im->err);
    bool ok = is_cell(layer) ? torch_fill_cell(&im->source, name, part, like, spec, values)
                             : fill_part(im, layer, part, like, spec, values);
    if (ok && convlstm_model_set(im->model, like->name, values, like->count) != NBASE_OK)
        ok = tool_fail(im->err, NBASE_ERR_SHAPE, "layer \"%.80s\": %s cannot be set", name, part);
    free(values);
    return ok;
}

static bool fill_layer(importer *im, const json_t *layer)
{
    const char *name = text_of(layer, "name");
    size_t length = strlen(name);
    json_t *spec = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < convlstm_model_tensor_count(im->model); i++) {
        const nbase_array *like = convlstm_model_tensor(im->model, i);
        if (strncmp(like->name, name, length) || like->name[length] != '/') continue;
        ok = (spec || (spec = spec_of(im, layer))) && fill_tensor(im, layer, like, spec);
    }
    json_decref(spec);
    return ok;
}

static bool is_ignored(const importer *im, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot && !strcmp(dot, ".num_batches_tracked")) return true; /* a count of training steps */
    size_t i;
    json_t *pattern;
    json_array_foreach(json_object_get(im->map, "ignore"), i, pattern)
    {
        const char *text = json_string_value(pattern);
        if (text && !fnmatch(text, name, 0)) return true;
    }
    return false;
}

static bool all_used(importer *im)
{
    const torch_state *state = im->source.state;
    for (size_t i = 0; i < state->count; i++)
        if (!im->source.used[i] && !is_ignored(im, state->items[i].name))
            return tool_fail(im->err, NBASE_ERR_FORMAT,
                             "tensor \"%.80s\" belongs to no layer of the network: name it for one "
                             "in the map, or under \"ignore\"",
                             state->items[i].name);
    return true;
}

/* Layers that the map names and the network does not have are typing errors. */
static bool check_map(importer *im)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(im->map, "layers"), name, value)
    {
        size_t i;
        json_t *layer;
        bool known = false;
        json_array_foreach((json_t *)im->layers, i, layer)
        {
            known = known || !strcmp(text_of(layer, "name"), name);
        }
        if (!known)
            return tool_fail(im->err, NBASE_ERR_ARG,
                             "the map names the layer \"%.80s\", which the network does not have",
                             name);
    }
    return true;
}

static bool take_gates(importer *im, const char *gates)
{
    if (!gates) gates = json_string_value(json_object_get(im->map, "gates"));
    if (!gates) return true;
    size_t length = strlen(gates);
    bool right = length == 4 && strspn(gates, "ifogc") == 4;
    for (const char *c = "ifo"; *c; c++) right = right && strchr(gates, *c);
    right = right && (strchr(gates, 'g') || strchr(gates, 'c'));
    if (!right)
        return tool_fail(im->err, NBASE_ERR_ARG,
                         "gates \"%.20s\": expected i, f, o and g in some order, such as ifog",
                         gates);
    snprintf(im->source.gates, sizeof im->source.gates, "%s", gates);
    return true;
}

static bool fill_all(importer *im)
{
    size_t i;
    json_t *layer;
    json_array_foreach((json_t *)im->layers, i, layer)
    {
        if (!fill_layer(im, layer)) return false;
    }
    return all_used(im);
}

bool torch_network(const torch_state *state, const char *description, const json_t *map,
                   const char *gates, convlstm_model **out, nbase_error *err)
{
    importer im = {.source = {.state = state, .err = err}, .map = map, .err = err};
    *out = NULL;
    if (convlstm_model_create(NULL, description, 0, &im.model, err) != NBASE_OK) return false;
    json_t *whole = json_loads(convlstm_model_json(im.model), 0, NULL);
    im.layers = json_object_get(whole, "layers");
    im.source.used = calloc(state->count + 1, sizeof *im.source.used);
    im.source.hidden_first = json_is_true(json_object_get(map, "hidden_first"));
    bool ok = (whole && im.source.used) || tool_no_memory(err);
    ok = ok && check_map(&im) && take_gates(&im, gates) && fill_all(&im);
    free(im.source.used);
    json_decref(whole);
    if (ok)
        *out = im.model;
    else
        convlstm_model_free(im.model);
    return ok;
}
