/* The order in which Keras has the layers of a Functional model, by which .weights.h5 counts them:
 * by their distance from the output, the farthest first, and of the same distance as a walk from
 * the output over the inputs meets them. Sources: keras/src/ops/function.py, map_graph;
 * tf_keras/src/engine/functional.py, _map_graph_network. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "keras_network.h"

typedef struct place {
    size_t layer, distance, met;
    bool seen;
} place;

typedef struct walk {
    const json_t *layers;
    place *places;
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

/* Notes the layer and all that it takes; layers are fewer than the stack is deep. */
static void meet(walk *w, size_t layer)
{
    place *p = &w->places[layer];
    if (p->seen) return;
    p->seen = true;
    p->met = w->met++;
    size_t count = keras_input_count(json_array_get(w->layers, layer));
    for (size_t k = 0; k < count; k++) {
        size_t from = keras_input_layer(w->layers, layer, k);
        if (from != KERAS_NO_CALL) meet(w, from);
    }
}

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->distance != y->distance) return x->distance > y->distance ? -1 : 1;
    return x->met < y->met ? -1 : x->met > y->met;
}

bool keras_order_layers(keras_network *n, nbase_error *err)
{
    const json_t *layers = json_object_get(n->description, "layers");
    walk w = {.layers = layers, .places = calloc(n->count + 1, sizeof *w.places)};
    if (!w.places) return tool_no_memory(err);
    for (size_t i = 0; i < n->count; i++) w.places[i].layer = i;
    if (n->count) meet(&w, n->count - 1);
    for (size_t i = n->count; i-- > 0;)
        for (size_t k = 0; k < keras_input_count(json_array_get(layers, i)); k++) {
            size_t from = keras_input_layer(layers, i, k), distance = w.places[i].distance + 1;
            if (from != KERAS_NO_CALL && w.places[from].distance < distance)
                w.places[from].distance = distance;
        }
    qsort(w.places, n->count, sizeof *w.places, by_place);
    for (size_t i = 0; i < n->count; i++) n->layers[w.places[i].layer].place = i;
    free(w.places);
    return true;
}
