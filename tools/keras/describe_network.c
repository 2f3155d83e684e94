/* Turns Keras's configuration of a model into a description of a network; and what Keras would call
 * the layers of a description. */
#include <stdlib.h>
#include <string.h>

#include "converter.h"

#define MAX_SIDE 65536

void keras_network_free(keras_network *n)
{
    json_decref(n->description);
    free(n->layers);
    *n = (keras_network){0};
}

/* ---- the description ---- */

static size_t side(const json_t *shape, size_t axis, size_t given)
{
    json_int_t n = json_integer_value(json_array_get(shape, axis));
    return n > 0 && n <= MAX_SIDE ? (size_t)n : given ? given : 80;
}

const char *keras_counted_class(const keras_layer *l)
{
    if (l->direction) return "bidirectional";
    if (l->timed) return "time_distributed";
    return l->row_class[0] ? l->row_class : l->kind->counted;
}

/* The number of layers before one, in the model's order, that Keras counts with it. */
static size_t count_class(const keras_network *n, const keras_layer *l)
{
    size_t count = 0;
    for (size_t k = 0; k < n->count; k++) {
        const keras_layer *other = &n->layers[k];
        bool same = !strcmp(keras_counted_class(other), keras_counted_class(l)) &&
                    !strcmp(other->container, l->container) &&
                    (!l->direction || !strcmp(other->direction, l->direction));
        count += same && other->place < l->place;
    }
    return count;
}

/* Names as Keras gives them to a fresh model, by kind. */
static void count_names(keras_network *n)
{
    size_t i;
    json_t *layer;
    json_array_foreach(json_object_get(n->description, "layers"), i, layer)
    {
        keras_layer *l = &n->layers[i];
        size_t same_type = 0, same_class = count_class(n, l);
        for (size_t k = 0; k < i; k++) same_type += !strcmp(n->layers[k].kind->type, l->kind->type);
        char name[80];
        snprintf(name, sizeof name, same_type ? "%s_%zu" : "%s", l->kind->type, same_type);
        snprintf(l->counted, sizeof l->counted, same_class ? "%s_%zu" : "%s",
                 keras_counted_class(l), same_class);
        if (!json_object_get(layer, "name")) json_object_set_new(layer, "name", json_string(name));
        l->name = keras_text(layer, "name");
    }
}

/* The name of what a layer takes: an input, or a layer, perhaps with the result that is meant.
 * names: of several inputs, in the order in which they were met; null: there is one. */
static json_t *input_name(const json_t *layers, const json_t *names, json_int_t number)
{
    static const char *const results[KERAS_RESULTS] = {"", ":h", ":c", ""};
    if (number < 0 && names) return json_incref(json_array_get(names, (size_t)(-1 - number)));
    if (number < 0) return json_string("input");
    return json_sprintf("%s%s",
                        keras_text(json_array_get(layers, (size_t)number / KERAS_RESULTS), "name"),
                        results[number % KERAS_RESULTS]);
}

/* The inputs of each layer by name, where they are not just the layer before. */
static void name_inputs(json_t *layers, const json_t *of_network)
{
    json_t *layer, *number;
    size_t i, k;
    json_array_foreach(layers, i, layer)
    {
        json_t *numbers = json_object_get(layer, "inputs"), *names = json_array(),
               *owner = json_object_get(layer, "shares");
        if (json_is_integer(owner))
            json_object_set_new(
                layer, "shares",
                json_string(
                    keras_text(json_array_get(layers, (size_t)json_integer_value(owner)), "name")));
        json_int_t before = i ? ((json_int_t)i - 1) * KERAS_RESULTS : -1;
        bool follows = json_array_size(numbers) == 1 && (i || !of_network) &&
                       json_integer_value(json_array_get(numbers, 0)) == before;
        json_array_foreach(numbers, k, number) json_array_append_new(
            names, input_name(layers, of_network, json_integer_value(number)));
        if (follows)
            json_object_del(layer, "inputs");
        else
            json_object_set(layer, "inputs", names);
        json_decref(names);
    }
}

/* Whether it can be a name here, and no layer has it. */
static bool is_free(const keras_network *n, const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t length = strlen(name);
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->layers[i].name, name)) return false;
    return length && length <= 60 && strspn(name, letters) == length && strcmp(name, "input") != 0;
}

/* Gives the layer of an output the name that the model has for it, if no other layer has that. */
static void rename_output(keras_network *n, size_t layer, const char *name)
{
    if (!is_free(n, name)) return;
    json_t *object = json_array_get(json_object_get(n->description, "layers"), layer);
    json_object_set_new(object, "name", json_string(name));
    n->layers[layer].name = keras_text(object, "name");
}

/* The outputs of the description by name, if there are several. */
static void name_outputs(keras_network *n, const converter *c, const keras_calls *calls)
{
    json_t *names = json_array(), *number;
    size_t k;
    json_array_foreach(c->outputs, k, number)
    {
        size_t layer = (size_t)json_integer_value(number);
        if (calls->output_names[k]) rename_output(n, layer, calls->output_names[k]);
        json_array_append_new(names, json_string(n->layers[layer].name));
    }
    if (json_array_size(names)) json_object_set(n->description, "outputs", names);
    json_decref(names);
}

/* A frame of an input. */
static json_t *frame_of(const converter *c, const json_t *shape, size_t given)
{
    size_t last = json_array_size(shape) - 1;
    json_t *frame = json_object();
    if (last > 2) {
        size_t height = c->rows ? 1 : side(shape, 2, given);
        json_object_set_new(frame, "height", json_integer((json_int_t)height));
        json_object_set_new(frame, "width", json_integer((json_int_t)side(shape, last - 1, given)));
    }
    json_object_set_new(frame, "channels",
                        json_integer(json_integer_value(json_array_get(shape, last))));
    if (c->whole) json_object_set_new(frame, "frames", json_integer(c->frames));
    return frame;
}

/* "input", or "inputs" in the model's order. Returns the names of several, in the order in which
 * they were met; null: there is one. */
static json_t *describe_inputs(keras_network *n, const converter *c, const keras_calls *calls,
                               size_t given)
{
    if (c->image_count == 1) {
        const json_t *shape = calls->calls[c->images[0]].shape;
        json_object_set_new(n->description, "input", frame_of(c, shape, given));
        return NULL;
    }
    json_t *names = json_array(), *inputs = json_array();
    for (size_t k = 0; k < c->image_count; k++) {
        const char *own = calls->calls[c->images[k]].name;
        json_array_append_new(names, is_free(n, own) ? json_string(own)
                                                     : json_sprintf("input_%zu_of_file", k + 1));
    }
    for (size_t i = 0; i < calls->input_count; i++)
        for (size_t k = 0; k < c->image_count; k++) {
            if (c->images[k] != calls->inputs[i].call) continue;
            json_t *frame = frame_of(c, calls->calls[c->images[k]].shape, given);
            json_object_set(frame, "name", json_array_get(names, k));
            json_array_append_new(inputs, frame);
        }
    json_object_set_new(n->description, "inputs", inputs);
    return names;
}

/* The description of the calls, into an empty network. */
static bool describe_calls(const keras_calls *calls, converter *c, const keras_options *options)
{
    keras_network *out = c->out;
    /* a Bidirectional LSTM is eight layers here, a mask one, and so is an end */
    out->layers = calloc(9 * calls->count + calls->output_count + 1, sizeof *out->layers);
    c->outputs = json_array();
    out->description = json_object();
    c->layers = json_array();
    c->flows = calloc(calls->count, sizeof *c->flows);
    c->originals = calloc(calls->count, sizeof *c->originals);
    c->widened = json_array();
    bool ok = (out->layers && out->description && c->layers && c->flows && c->originals) ||
              tool_no_memory(c->err);
    ok = ok && keras_convert_calls(c, calls);
    if (ok) {
        json_object_set_new(out->description, "format", json_integer(1));
        json_object_set(out->description, "layers", c->layers);
        count_names(out);
        name_outputs(out, c, calls);
        json_t *names = describe_inputs(out, c, calls, options->side);
        name_inputs(c->layers, names);
        json_decref(names);
    }
    json_decref(c->layers);
    json_decref(c->outputs);
    json_decref(c->widened);
    free(c->originals);
    free(c->flows);
    return ok;
}

bool keras_describe(const json_t *config, int generation, const keras_options *options,
                    keras_network *out, nbase_error *err)
{
    converter c = {.generation = generation == 3 ? 3 : 2, /* old files do not say it */
                   .mask = KERAS_NO_CALL,
                   .recurrent = options->recurrent_activation,
                   .out = out,
                   .err = err};
    keras_calls calls;
    *out = (keras_network){0};
    bool ok = keras_calls_read(config, &calls, err) && describe_calls(&calls, &c, options);
    keras_calls_free(&calls);
    if (!ok) keras_network_free(out);
    return ok;
}

/* The axes of an input of a network: frames, or of several one without height a vector each. */
static int axes_of_given(const json_t *inputs, const char *name)
{
    size_t k;
    json_t *input;
    json_array_foreach(inputs, k, input) if (name && !strcmp(keras_text(input, "name"),
                                                             name)) return json_object_get(input,
                                                                                           "height")
        ? 5
        : 3;
    return 5;
}

/* The axes of what a layer of a description gets, of those of what the layers before give. */
static int axes_of_input(const json_t *description, size_t index, const int *axes)
{
    const json_t *layers = json_object_get(description, "layers"),
                 *inputs_of_network = json_object_get(description, "inputs");
    const json_t *inputs = json_object_get(json_array_get(layers, index), "inputs");
    const char *name = json_string_value(json_array_get(inputs, 0));
    size_t from = keras_input_layer(layers, index, 0);
    if (from == KERAS_NO_CALL) return axes_of_given(inputs_of_network, name);
    return name && strchr(name, ':') ? 4 : axes[from];
}

bool keras_network_of(json_t *description, keras_network *out, nbase_error *err)
{
    json_t *layers = json_object_get(description, "layers"), *layer;
    size_t i, count = json_array_size(layers);
    int *axes = calloc(count + 1, sizeof *axes);
    *out = (keras_network){.description = json_incref(description),
                           .layers = calloc(count + 1, sizeof *out->layers)};
    bool ok = (out->layers && axes) || tool_no_memory(err);
    json_array_foreach(layers, i, layer)
    {
        int in = ok ? axes_of_input(description, i, axes) : 5;
        const char *type = keras_text(layer, "type");
        size_t sides = json_array_size(json_object_get(layer, "target_shape"));
        bool each = json_is_true(json_object_get(layer, "each_frame")) || sides % 2 ||
                    !strcmp(type, "prelu"),
             timed = keras_is_sequence(in) && each;
        const keras_kind *kind = keras_kind_of_type(type, in - timed);
        if (!kind && !strcmp(type, keras_reverse.type)) kind = &keras_reverse;
        if (!ok || !kind) {
            if (ok)
                ok = tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": Keras has no %.60s",
                               keras_text(layer, "name"), type);
            break;
        }
        timed = timed || (kind->timed && keras_is_sequence(in));
        axes[i] = keras_axes_after(kind, layer, in, timed);
        out->layers[out->count++] =
            (keras_layer){.kind = kind, .timed = timed, .place = i, .axes = axes[i]};
    }
    free(axes);
    ok = ok && keras_order_layers(out, err);
    if (ok)
        count_names(out);
    else
        keras_network_free(out);
    return ok;
}
