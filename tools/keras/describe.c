/* Turns Keras's configuration of a model into a description of a network. */
#include <stdlib.h>
#include <string.h>

#include "../import/import.h"
#include "activations.h"
#include "keras_network.h"

#define MAX_SIDE 65536

typedef struct converter {
    int generation;
    const char *recurrent; /* overrides the file's; or null */
    json_t *layers;        /* of the description */
    keras_network *out;
    nbase_error *err;
    const char *previous; /* Keras's name of the layer before; null: the images come next */
    /* of what flows here, with the batch's: 5 for a sequence of frames, 4 for a frame, 2 for a
     * vector */
    int axes;
    const json_t *input; /* (null, null, height, width, channels); null until it is met */
} converter;

void keras_network_free(keras_network *n)
{
    json_decref(n->description);
    free(n->layers);
    *n = (keras_network){0};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- members ---- */

bool keras_same_json(const json_t *value, const char *text)
{
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    bool same = json_is_number(value) && json_is_number(wanted)
                    ? json_number_value(value) == json_number_value(wanted)
                    : json_equal(value, wanted);
    json_decref(wanted);
    return same;
}

static bool shown_failure(nbase_error *err, const char *layer, const char *member,
                          const json_t *value, const char *wanted)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s is %.80s; %s", layer, member,
              text ? text : "?", wanted);
    free(text);
    return false;
}

static bool convert_member(converter *c, const keras_member *m, const char *name,
                           const json_t *config, json_t *out)
{
    json_t *value = json_object_get(config, m->name);
    if (!value && m->old) value = json_object_get(config, m->old);
    /* ours has the same default, or reports that it is missing */
    if (!value || (m->conversion == KERAS_COPY && json_is_null(value))) return true;
    /* Keras 3 writes the number that NumPy has */
    if (json_is_object(value) && m->conversion == KERAS_COPY)
        value = json_object_get(json_object_get(value, "config"), "value");
    if (m->unless && keras_same_json(value, m->unless)) return true;
    if (m->conversion == KERAS_COPY) return !json_object_set(out, m->name, value);
    bool given = c->recurrent && !strcmp(m->name, "recurrent_activation");
    const char *activation = given ? c->recurrent : keras_activation_of(value, c->generation);
    if (!activation) return shown_failure(c->err, name, m->name, value, keras_activations_known);
    return !json_object_set_new(out, m->name, json_string(activation));
}

/* Whether `axis` names the last `count` axes of what flows, in order. */
static bool last_axes(const converter *c, const json_t *axis, int count)
{
    for (int i = 0; i < count; i++) {
        const json_t *one = json_is_array(axis) ? json_array_get(axis, (size_t)i) : axis;
        json_int_t n = json_integer_value(one);
        if (!json_is_integer(one) || (n != i - count && n != c->axes - count + i)) return false;
    }
    return json_is_array(axis) ? json_array_size(axis) == (size_t)count : count == 1;
}

static bool convert_axis(converter *c, const keras_kind *kind, const char *name,
                         const json_t *config, json_t *out)
{
    const json_t *axis = json_object_get(config, "axis");
    if (kind->axis == KERAS_NO_AXIS || !axis || last_axes(c, axis, 1)) return true;
    if (kind->axis == KERAS_OVER && c->axes >= 4 && last_axes(c, axis, 3))
        return !json_object_set_new(out, "over", json_string("frame"));
    return shown_failure(c->err, name, "axis", axis,
                         kind->axis == KERAS_OVER
                             ? "the channels or (height, width, channels) are supported"
                             : "only the last one, the channels, is supported");
}

static bool check_rules(converter *c, const keras_kind *kind, const char *name,
                        const json_t *config)
{
    for (const keras_rule *r = kind->rules; r->name; r++) {
        const json_t *value = json_object_get(config, r->name);
        char wanted[80];
        snprintf(wanted, sizeof wanted, "only %s is supported", r->value);
        if (value && !json_is_null(value) && !keras_same_json(value, r->value))
            return shown_failure(c->err, name, r->name, value, wanted);
    }
    /* A Conv3D here keeps the number of frames. */
    const json_t *depth = json_array_get(json_object_get(config, "kernel_size"), 0),
                 *padding = json_object_get(config, "padding");
    if (!strcmp(kind->type, "conv3d") && json_integer_value(depth) != 1 &&
        strcmp(text_of(config, "padding"), "same"))
        return shown_failure(c->err, name, "padding", padding,
                             "only \"same\" is supported for a kernel deeper than 1");
    return true;
}

/* ---- layers ---- */

/* Axes of the output: a ConvLSTM2D gives a sequence or its last frame. */
static int axes_after(const keras_kind *kind, const json_t *config, int axes)
{
    if (!strcmp(kind->type, "conv_lstm2d"))
        return json_is_true(json_object_get(config, "return_sequences")) ? 5 : 4;
    return kind->axes ? kind->axes : axes;
}

static bool unknown_kind(converter *c, const char *name, const char *class_name)
{
    char known[400] = "";
    size_t used = 0;
    for (const keras_kind *k = keras_kinds; k->type && used < sizeof known; k++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                 k->class_name);
    return tool_fail(c->err, NBASE_ERR_FORMAT,
                     "layer \"%.80s\": %.60s is not supported; known are %s", name, class_name,
                     known);
}

/* The layer inside TimeDistributed. */
static bool unwrap(converter *c, const char *name, const json_t **layer, bool *timed)
{
    *timed = !strcmp(text_of(*layer, "class_name"), "TimeDistributed");
    if (!*timed) return true;
    *layer = json_object_get(json_object_get(*layer, "config"), "layer");
    const keras_kind *kind = keras_kind_of_class(text_of(*layer, "class_name"));
    if (kind && !kind->timed)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": TimeDistributed around %s is not supported", name,
                         kind->class_name);
    return true;
}

static bool add_layer(converter *c, const json_t *layer)
{
    char name[100];
    snprintf(name, sizeof name, "%.99s", text_of(json_object_get(layer, "config"), "name"));
    bool timed;
    if (!unwrap(c, name, &layer, &timed)) return false;
    const char *class_name = text_of(layer, "class_name");
    const json_t *config = json_object_get(layer, "config");
    const keras_kind *kind = keras_kind_of_class(class_name);
    if (!kind)
        return unknown_kind(c, name, *class_name ? class_name : "layer without a class_name");
    if (kind->timed && !timed && c->axes == 5)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": %s over a sequence: TimeDistributed is missing", name,
                         class_name);
    if (kind->takes && kind->takes != c->axes)
        return tool_fail(c->err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s gets %d axes, not %d", name,
                         class_name, c->axes, kind->takes);
    if (!check_rules(c, kind, name, config)) return false;
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string(kind->type));
    json_t *fixed = kind->fixed ? json_loads(kind->fixed, 0, NULL) : NULL;
    if (fixed) json_object_update(object, fixed);
    json_decref(fixed);
    bool ok = !json_array_append_new(c->layers, object);
    for (const keras_member *m = kind->members; ok && m->name; m++)
        ok = convert_member(c, m, name, config, object);
    ok = ok && convert_axis(c, kind, name, config, object);
    keras_layer *out = &c->out->layers[c->out->count++];
    out->kind = kind;
    out->timed = timed;
    for (int p = 0; kind->parts[p].name; p++)
        out->absent[p] =
            kind->parts[p].filled && json_is_false(json_object_get(config, kind->parts[p].without));
    c->axes = axes_after(kind, config, c->axes);
    return ok || (c->err->text[0] ? false : tool_no_memory(c->err));
}

/* ---- the chain ---- */

/* The name in a reference to another layer's output: ["dense",0,0,{...}] of Keras 2,
 * {"class_name":"__keras_tensor__","config":{"keras_history":[...]}} of 3. */
static const char *reference(const json_t *value)
{
    if (json_is_object(value))
        value = json_object_get(json_object_get(value, "config"), "keras_history");
    return json_string_value(json_array_get(value, 0));
}

/* Whether a chain may have this keyword of a call: a mask that comes from an input, or null. */
static bool harmless(const char *key, const json_t *value, const json_t *inputs)
{
    if (!strcmp(key, "training") || json_is_null(value)) return true;
    const char *from = strcmp(key, "mask") ? NULL : reference(value);
    return from && json_object_get(inputs, from);
}

/* The one layer from which a layer takes its input. */
static bool source_of(converter *c, const char *name, const json_t *layer, const json_t *inputs,
                      const char **source)
{
    const json_t *nodes = json_object_get(layer, "inbound_nodes"), *node = json_array_get(nodes, 0),
                 *kwargs = NULL, *first = NULL;
    size_t count = 0;
    if (json_array_size(nodes) != 1)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" is used %zu times; a network here is a chain", name,
                         json_array_size(nodes));
    if (json_is_object(node)) {
        const json_t *args = json_object_get(node, "args");
        kwargs = json_object_get(node, "kwargs");
        count = json_array_size(args);
        first = json_array_get(args, 0);
    } else {
        first = json_is_string(json_array_get(node, 0)) ? node : json_array_get(node, 0);
        count = first == node ? 1 : json_array_size(node);
        kwargs = json_array_get(first, 3);
    }
    *source = reference(first);
    if (count != 1 || !*source)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" has more than one input; a network here is a chain",
                         name);
    const char *key;
    json_t *value;
    json_object_foreach(
        (json_t *)kwargs, key,
        value) if (!harmless(key, value,
                             inputs)) return tool_fail(c->err, NBASE_ERR_FORMAT,
                                                       "layer \"%.80s\" is called with %.40s "
                                                       "from another layer: not supported",
                                                       name, key);
    return true;
}

static const json_t *input_shape(const json_t *config)
{
    const json_t *shape = json_object_get(config, "batch_shape");
    return shape ? shape : json_object_get(config, "batch_input_shape");
}

static bool take_input(converter *c, const char *name, const json_t *shape)
{
    json_int_t channels = json_integer_value(json_array_get(shape, 4));
    if (json_array_size(shape) != 5 || channels < 1) {
        shown_failure(
            c->err, name, "the input", shape,
            "images (batch, time, height, width, channels) with known channels are expected");
        return false;
    }
    c->input = shape;
    c->axes = 5;
    return true;
}

static bool is_input(const json_t *layer)
{
    return !strcmp(text_of(layer, "class_name"), "InputLayer");
}

/* Sequential: the layers in their order. The input's shape is in an InputLayer or in the first
 * layer. */
static bool convert_sequential(converter *c, const json_t *layers)
{
    const json_t *layer;
    size_t i;
    json_array_foreach((json_t *)layers, i, layer)
    {
        const json_t *config = json_object_get(layer, "config"), *shape = input_shape(config);
        if (!shape && !c->input)
            shape = json_object_get(json_object_get(layer, "build_config"), "input_shape");
        if (shape && !c->input && !take_input(c, text_of(config, "name"), shape)) return false;
        if (!c->input)
            return tool_fail(c->err, NBASE_ERR_FORMAT,
                             "the shape of the input is not in the file (the model was "
                             "not built): give --network");
        if (!is_input(layer) && !add_layer(c, layer)) return false;
    }
    return true;
}

/* Functional: each layer's input must be the layer before it. */
static bool convert_functional(converter *c, const json_t *layers, const json_t *outputs)
{
    json_t *inputs = json_object(), *layer;
    size_t i;
    bool ok = true;
    json_array_foreach((json_t *)layers, i, layer)
    {
        const char *name = text_of(json_object_get(layer, "config"), "name"), *source = NULL;
        if (is_input(layer)) {
            ok = !json_object_set_new(inputs, name, json_incref(layer));
            continue;
        }
        ok = ok && source_of(c, name, layer, inputs, &source);
        const json_t *images = ok && !c->previous ? json_object_get(inputs, source) : NULL;
        if (ok && !c->previous && !images)
            ok =
                tool_fail(c->err, NBASE_ERR_FORMAT,
                          "layer \"%.80s\" is the first, but its input is not an InputLayer", name);
        if (ok && images)
            ok = take_input(c, source, input_shape(json_object_get(images, "config")));
        if (ok && c->previous && strcmp(source, c->previous))
            ok = tool_fail(c->err, NBASE_ERR_FORMAT,
                           "layer \"%.80s\" takes its input from \"%.80s\", not from \"%.80s\"; "
                           "a network here is a chain",
                           name, source, c->previous);
        ok = ok && add_layer(c, layer);
        if (!ok) break;
        c->previous = name;
    }
    const char *end = json_is_string(json_array_get(outputs, 0))
                          ? json_string_value(json_array_get(outputs, 0))
                          : reference(json_array_get(outputs, 0));
    if (ok && json_array_size(outputs) > 1 && json_is_array(json_array_get(outputs, 0)))
        ok =
            tool_fail(c->err, NBASE_ERR_FORMAT, "the model has %zu outputs; a network here has one",
                      json_array_size(outputs));
    if (ok && c->previous && end && strcmp(end, c->previous))
        ok = tool_fail(c->err, NBASE_ERR_FORMAT,
                       "the output is layer \"%.80s\", not the last one; a network here is a chain",
                       end);
    json_decref(inputs);
    return ok;
}

/* ---- the description ---- */

static size_t side(const json_t *shape, size_t axis, size_t given)
{
    json_int_t n = json_integer_value(json_array_get(shape, axis));
    return n > 0 && n <= MAX_SIDE ? (size_t)n : given ? given : 80;
}

/* Names as Keras gives them to a fresh model, by kind. */
static void count_names(keras_network *n)
{
    size_t i;
    json_t *layer;
    json_array_foreach(json_object_get(n->description, "layers"), i, layer)
    {
        size_t same_type = 0, same_class = 0;
        keras_layer *l = &n->layers[i];
        for (size_t k = 0; k < i; k++) {
            const keras_layer *other = &n->layers[k];
            same_type += !strcmp(other->kind->type, l->kind->type);
            same_class += l->timed
                              ? other->timed
                              : !other->timed && !strcmp(other->kind->counted, l->kind->counted);
        }
        char name[80];
        snprintf(name, sizeof name, same_type ? "%s_%zu" : "%s", l->kind->type, same_type);
        snprintf(l->counted, sizeof l->counted, same_class ? "%s_%zu" : "%s",
                 l->timed ? "time_distributed" : l->kind->counted, same_class);
        if (!json_object_get(layer, "name")) json_object_set_new(layer, "name", json_string(name));
        l->name = text_of(layer, "name");
    }
}

bool keras_describe(const json_t *config, int generation, const keras_options *options,
                    keras_network *out, nbase_error *err)
{
    const char *class_name = text_of(config, "class_name");
    const json_t *inner = json_object_get(config, "config"),
                 *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
    bool functional = !strcmp(class_name, "Functional") || !strcmp(class_name, "Model");
    *out = (keras_network){0};
    if (!functional && strcmp(class_name, "Sequential"))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "a model of the class \"%.60s\": only Sequential and Functional models "
                         "describe their layers; give --network",
                         class_name);
    if (!json_array_size(layers))
        return tool_fail(err, NBASE_ERR_FORMAT, "the model's configuration has no layers");
    out->layers = calloc(json_array_size(layers), sizeof *out->layers);
    out->description = json_object();
    json_t *described = json_array();
    if (!out->layers || !out->description || !described) return tool_no_memory(err);
    json_object_set_new(out->description, "format", json_integer(1));
    converter c = {.generation = generation,
                   .recurrent = options->recurrent_activation,
                   .layers = described,
                   .out = out,
                   .err = err};
    err->text[0] = '\0';
    bool ok = functional ? convert_functional(&c, layers, json_object_get(inner, "output_layers"))
                         : convert_sequential(&c, layers);
    if (ok && !out->count)
        ok = tool_fail(err, NBASE_ERR_FORMAT, "the model has no layers but inputs");
    if (ok) {
        json_object_set_new(out->description, "input",
                            json_pack("{s:I, s:I, s:I}", "height",
                                      (json_int_t)side(c.input, 2, options->side), "width",
                                      (json_int_t)side(c.input, 3, options->side), "channels",
                                      json_integer_value(json_array_get(c.input, 4))));
        json_object_set(out->description, "layers", described);
        count_names(out);
    }
    json_decref(described);
    if (!ok) keras_network_free(out);
    return ok;
}

bool keras_network_of(json_t *description, keras_network *out, nbase_error *err)
{
    json_t *layers = json_object_get(description, "layers"), *layer;
    size_t i;
    *out = (keras_network){.description = json_incref(description),
                           .layers = calloc(json_array_size(layers) + 1, sizeof *out->layers)};
    bool ok = out->layers || tool_no_memory(err);
    int axes = 5;
    json_array_foreach(layers, i, layer)
    {
        const keras_kind *kind = keras_kind_of_type(text_of(layer, "type"), axes);
        if (!ok || !kind) {
            if (ok)
                ok = tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": Keras has no %.60s",
                               text_of(layer, "name"), text_of(layer, "type"));
            break;
        }
        out->layers[out->count++] = (keras_layer){.kind = kind, .timed = kind->timed && axes == 5};
        axes = axes_after(kind, layer, axes);
    }
    if (ok)
        count_names(out);
    else
        keras_network_free(out);
    return ok;
}
