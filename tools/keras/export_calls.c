#include "export_calls.h"

#include <stdio.h>
#include <string.h>

#include "calls.h"

static const char images[] = "images"; /* the name of the InputLayer */

/* Which result of its layer an input is: 0, or 1 for h and 2 for c. */
static int result_of(const json_t *layer, size_t input)
{
    const char *name = json_string_value(json_array_get(json_object_get(layer, "inputs"), input)),
               *colon = name ? strchr(name, ':') : NULL;
    return !colon ? 0 : colon[1] == 'h' ? 1 : 2;
}

static const json_t *described(const keras_network *n, size_t index)
{
    return json_array_get(json_object_get(n->description, "layers"), index);
}

/* The input of the network of that name; null: there is one, the images. */
static const json_t *find_input(const keras_network *n, const char *name)
{
    size_t k;
    json_t *input;
    json_array_foreach(json_object_get(n->description, "inputs"), k,
                       input) if (name && !strcmp(keras_text(input, "name"), name)) return input;
    return NULL;
}

/* What input `input` of a layer is called, where it is one of the network. */
static const json_t *taken(const keras_network *n, size_t index, size_t input)
{
    const json_t *inputs = json_object_get(described(n, index), "inputs");
    return find_input(n, json_string_value(json_array_get(inputs, input)));
}

void keras_input_name(const keras_network *n, const json_t *input, char name[100])
{
    const char *own = input ? keras_text(input, "name") : images;
    bool used = false;
    for (size_t i = 0; i < n->count; i++) used |= !strcmp(n->layers[i].counted, own);
    snprintf(name, 100, used ? "input_%.80s" : "%.80s", own);
}

/* Axes of what a result is, the batch's included. */
static size_t axes_of(const keras_network *n, size_t from, int result, const json_t *input)
{
    if (from == KERAS_NO_CALL) return input && !json_object_get(input, "height") ? 3 : 5;
    return result ? 4 : (size_t)n->layers[from].axes;
}

/* Which call of its layer a layer of the description is; the layer is *owner. */
static int call_of(const keras_network *n, size_t index, size_t *owner)
{
    const json_t *layers = json_object_get(n->description, "layers");
    int calls = 0;
    *owner = keras_owner(layers, index);
    for (size_t i = 0; i < index; i++) calls += keras_owner(layers, i) == *owner;
    return calls;
}

/* Input `input` of a layer, as each generation writes a result. */
static json_t *reference(const keras_network *n, size_t index, size_t input, int generation)
{
    size_t from = keras_input_layer(json_object_get(n->description, "layers"), index, input),
           owner = from;
    int call = from == KERAS_NO_CALL ? 0 : call_of(n, from, &owner);
    const json_t *given = from == KERAS_NO_CALL ? taken(n, index, input) : NULL;
    char of_input[100];
    keras_input_name(n, given, of_input);
    const char *name = from == KERAS_NO_CALL ? of_input : n->layers[owner].counted;
    int result = result_of(described(n, index), input);
    if (generation == 2) return json_pack("[s,i,i,{}]", name, call, result);
    json_t *shape = json_array();
    for (size_t i = 0; i < axes_of(n, from, result, given); i++)
        json_array_append_new(shape, json_null());
    return json_pack("{s:s, s:{s:o, s:s, s:[s,i,i]}}", "class_name", "__keras_tensor__", "config",
                     "shape", shape, "dtype", "float32", "keras_history", name, call, result);
}

/* Whether another layer takes a state of a call of this one. */
static bool gives_states(const keras_network *n, size_t index)
{
    const json_t *layers = json_object_get(n->description, "layers");
    for (size_t i = index + 1; i < n->count; i++)
        for (size_t k = 0; k < keras_input_count(described(n, i)); k++) {
            size_t from = keras_input_layer(layers, i, k);
            if (from != KERAS_NO_CALL && keras_owner(layers, from) == index &&
                result_of(described(n, i), k))
                return true;
        }
    return false;
}

void keras_call_input(json_t *layer, const char *name)
{
    json_object_set_new(layer, "name", json_string(name));
    json_object_set_new(layer, "inbound_nodes", json_array());
}

/* A call, number `index` of the description, as each generation writes it. */
static json_t *call_node(const keras_network *n, size_t index, int generation)
{
    const keras_layer *l = &n->layers[index];
    size_t count = keras_input_count(described(n, index));
    bool states = count == 3 && !l->kind->merges;
    json_t *inputs = json_array(), *given = json_array();
    for (size_t k = 0; k < count; k++)
        json_array_append_new(states && k && generation == 3 ? given : inputs,
                              reference(n, index, k, generation));
    json_t *node;
    if (generation == 2)
        node = json_incref(inputs);
    else if (l->kind->merges)
        node = json_pack("{s:[O], s:{}}", "args", inputs, "kwargs");
    else if (states)
        node = json_pack("{s:O, s:{s:O}}", "args", inputs, "kwargs", "initial_state", given);
    else
        node = json_pack("{s:O, s:{}}", "args", inputs, "kwargs");
    json_decref(inputs);
    json_decref(given);
    return node;
}

void keras_call_layer(const keras_network *n, size_t index, int generation, json_t *layer)
{
    const json_t *layers = json_object_get(n->description, "layers");
    json_t *nodes = json_array();
    if (gives_states(n, index))
        json_object_set_new(json_object_get(layer, "config"), "return_state", json_true());
    json_object_set_new(layer, "name", json_string(n->layers[index].counted));
    for (size_t i = index; i < n->count; i++)
        if (keras_owner(layers, i) == index)
            json_array_append_new(nodes, call_node(n, i, generation));
    json_object_set_new(layer, "inbound_nodes", nodes);
}

void keras_call_ends(const keras_network *n, json_t *config)
{
    json_t *outputs = json_array();
    for (size_t k = 0; k < keras_output_count(n); k++) {
        size_t owner;
        int call = call_of(n, keras_output_layer(n, k), &owner);
        json_array_append_new(outputs, json_pack("[s,i,i]", n->layers[owner].counted, call, 0));
    }
    json_t *inputs = json_array(), *input;
    size_t k;
    char name[100];
    json_array_foreach(json_object_get(n->description, "inputs"), k, input)
    {
        keras_input_name(n, input, name);
        json_array_append_new(inputs, json_pack("[s,i,i]", name, 0, 0));
    }
    if (!json_array_size(inputs)) json_array_append_new(inputs, json_pack("[s,i,i]", images, 0, 0));
    json_object_set_new(config, "input_layers", inputs);
    json_object_set_new(config, "output_layers", outputs);
}
