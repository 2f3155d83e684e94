/* The order in which Keras has the layers of a Functional model, by which .weights.h5 counts them:
 * by their distance from the output, the farthest first, and of the same distance as a walk from
 * the output over the inputs meets them. Sources: keras/src/ops/function.py, map_graph;
 * tf_keras/src/engine/functional.py, _map_graph_network. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "keras_network.h"

/* A call: a layer of the description. Those that share another's weights are calls of that one. */
typedef struct place {
    size_t layer, distance, met;
    bool seen;
} place;

typedef struct walk {
    const json_t *layers;
    place *calls, *places; /* of each call; of each layer of Keras, at its first call */
    size_t *order, count;  /* the calls, each behind those that it takes */
    size_t met;
} walk;

size_t keras_input_layer(const json_t *layers, size_t index, size_t input)
{
    const json_t *inputs = json_object_get(json_array_get(layers, index), "inputs");
    const char *name = json_string_value(json_array_get(inputs, input));
    if (!inputs && !input) return index ? index - 1 : KERAS_NO_CALL;
    size_t length = name ? strcspn(name, ":") : 0;
    for (size_t i = 0; name && i < index; i++) {
        const char *own = keras_text(json_array_get(layers, i), "name");
        if (strlen(own) == length && !strncmp(own, name, length)) return i;
    }
    return KERAS_NO_CALL;
}

size_t keras_input_count(const json_t *layer)
{
    const json_t *inputs = json_object_get(layer, "inputs");
    return inputs ? json_array_size(inputs) : 1;
}

size_t keras_output_count(const keras_network *n)
{
    const json_t *outputs = json_object_get(n->description, "outputs");
    return outputs ? json_array_size(outputs) : 1;
}

size_t keras_output_layer(const keras_network *n, size_t k)
{
    const char *name =
        json_string_value(json_array_get(json_object_get(n->description, "outputs"), k));
    const json_t *layers = json_object_get(n->description, "layers");
    for (size_t i = 0; name && i < n->count; i++)
        if (!strcmp(keras_text(json_array_get(layers, i), "name"), name)) return i;
    return n->count - 1;
}

size_t keras_owner(const json_t *layers, size_t index)
{
    const char *name = json_string_value(json_object_get(json_array_get(layers, index), "shares"));
    for (size_t i = 0; name && i < index; i++)
        if (!strcmp(keras_text(json_array_get(layers, i), "name"), name)) return i;
    return index;
}

/* Notes the call and all that it takes; layers are fewer than the stack is deep. */
static void meet(walk *w, size_t call)
{
    if (w->calls[call].seen) return;
    w->calls[call].seen = true;
    place *p = &w->places[keras_owner(w->layers, call)];
    if (!p->seen) p->met = w->met++;
    p->seen = true;
    size_t count = keras_input_count(json_array_get(w->layers, call));
    for (size_t k = 0; k < count; k++) {
        size_t from = keras_input_layer(w->layers, call, k);
        if (from != KERAS_NO_CALL) meet(w, from);
    }
    w->order[w->count++] = call;
}

/* A reverse is none of Keras's layers, but part of a Bidirectional, whose two directions are met
 * together, the forward one first. */
static bool is_layer(const json_t *layers, size_t call)
{
    return strcmp(keras_text(json_array_get(layers, call), "type"), keras_reverse.type) != 0;
}

/* The distances of the calls, and of each layer that of its farthest; a call is never nearer than
 * what has been found of its layer. */
static void measure(walk *w)
{
    for (size_t i = w->count; i-- > 0;) {
        size_t call = w->order[i];
        place *own = &w->calls[call], *layer = &w->places[keras_owner(w->layers, call)];
        if (own->distance < layer->distance) own->distance = layer->distance;
        layer->distance = own->distance;
        for (size_t k = 0; k < keras_input_count(json_array_get(w->layers, call)); k++) {
            size_t from = keras_input_layer(w->layers, call, k),
                   distance = own->distance + is_layer(w->layers, call);
            if (from != KERAS_NO_CALL && w->calls[from].distance < distance)
                w->calls[from].distance = distance;
        }
    }
}

/* Layers that are calls of another come last. */
static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->seen != y->seen) return x->seen ? -1 : 1;
    if (x->distance != y->distance) return x->distance > y->distance ? -1 : 1;
    return x->met < y->met ? -1 : x->met > y->met;
}

bool keras_order_layers(keras_network *n, nbase_error *err)
{
    walk w = {.layers = json_object_get(n->description, "layers"),
              .calls = calloc(n->count + 1, sizeof *w.calls),
              .places = calloc(n->count + 1, sizeof *w.places),
              .order = calloc(n->count + 1, sizeof *w.order)};
    bool ok = (w.calls && w.places && w.order) || tool_no_memory(err);
    for (size_t i = 0; ok && i < n->count; i++) w.places[i].layer = i;
    if (ok && n->count) {
        for (size_t k = 0; k < keras_output_count(n); k++) meet(&w, keras_output_layer(n, k));
        measure(&w);
        qsort(w.places, n->count, sizeof *w.places, by_place);
    }
    for (size_t i = 0; ok && i < n->count; i++)
        n->layers[w.places[i].layer].place = w.places[i].seen ? i : KERAS_NO_CALL;
    free(w.calls);
    free(w.places);
    free(w.order);
    return ok;
}
