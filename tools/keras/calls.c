/* Reads the calls of a model.
 *
 * A layer has "inbound_nodes", one for each call. Keras 3 writes a node as {"args", "kwargs"}, a
 * tensor among them as {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call,
 * result]}}. Keras 2 writes a node as a list of [layer, call, result, kwargs], where kwargs may
 * have tensors [layer, call, result]. Sources: keras/src/models/functional.py,
 * tf_keras/src/engine/functional.py and node.py. */
#include "calls_reader.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* More than a network here can have; the time to read them grows with the cube. */
enum { MOST_CALLS = 512, MOST_DEPTH = 8 };

void keras_calls_free(keras_calls *calls)
{
    import_pool_free(&calls->pool);
    json_decref(calls->spread);
    *calls = (keras_calls){0};
}

/* The model that a layer is, or that is inside a TimeDistributed; or null. */
static const json_t *model_in(const json_t *layer)
{
    if (!strcmp(keras_text(layer, "class_name"), "TimeDistributed"))
        layer = json_object_get(json_object_get(layer, "config"), "layer");
    return keras_is_model(layer) ? layer : NULL;
}

/* A layer of the model that is read: inside a TimeDistributed, if the model is. */
static const json_t *own_layer(keras_reader *r, const json_t *layer)
{
    if (!r->timed) return layer;
    if (!r->out->spread) r->out->spread = json_array();
    json_t *spread = r->out->spread;
    for (size_t i = 0; i < json_array_size(spread); i += 2)
        if (json_array_get(spread, i) == layer) return json_array_get(spread, i + 1);
    const char *name = keras_text(json_object_get(layer, "config"), "name");
    json_t *around = json_pack("{s:s, s:{s:s, s:O}}", "class_name", "TimeDistributed", "config",
                               "name", name, "layer", layer);
    if (json_array_append(spread, (json_t *)layer) || json_array_append_new(spread, around)) {
        tool_no_memory(r->err);
        return NULL;
    }
    return around;
}

static keras_call *add_call(keras_reader *r, const json_t *layer, const char *name)
{
    keras_calls *out = r->out;
    if (out->count == MOST_CALLS) {
        tool_fail(r->err, NBASE_ERR_LIMIT, "the model has more than %d calls of layers",
                  MOST_CALLS);
        return NULL;
    }
    if (!import_grow(&out->pool, (void **)&out->calls, out->count, &r->capacity,
                     sizeof *out->calls)) {
        tool_no_memory(r->err);
        return NULL;
    }
    if (layer && r->scope && !(layer = own_layer(r, layer))) return NULL;
    keras_call *call = &out->calls[out->count++];
    *call = (keras_call){.layer = layer,
                         .spread = r->timed,
                         .name = name,
                         .container = r->container,
                         .owner = r->owner,
                         .scope = r->scope,
                         .training = r->training};
    return call;
}

/* ---- one call ---- */

/* The two forms of a node, taken apart. */
typedef struct node_parts {
    const json_t *inputs, *kwargs;
    bool old;          /* of Keras 2 */
    const char *other; /* as keras_call has it */
} node_parts;

static node_parts take_apart(const json_t *node)
{
    if (!json_is_object(node)) {
        const json_t *first =
            json_is_string(json_array_get(node, 0)) ? node : json_array_get(node, 0);
        return (node_parts){node, json_array_get(first, 3), true, NULL};
    }
    const json_t *args = json_object_get(node, "args");
    node_parts parts = {json_array_get(args, 0), json_object_get(node, "kwargs"), false, NULL};
    static const char *const by_name[] = {"inputs", "sequences"};
    for (size_t i = 0; i < 2 && !parts.inputs; i++)
        parts.inputs = json_object_get(parts.kwargs, by_name[i]);
    for (size_t i = 1; i < json_array_size(args); i++)
        if (!json_is_null(json_array_get(args, i))) parts.other = "a further argument";
    return parts;
}

static bool all_null(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!json_is_null(item)) return false;
    }
    return json_is_null(value) || json_is_array(value);
}

/* One keyword of a call. */
static bool take_keyword(keras_reader *r, const node_parts *parts, const char *key,
                         const json_t *value, keras_call *call, bool *complete)
{
    if (value == parts->inputs) return true;
    if (!strcmp(key, "training") && json_is_boolean(value)) {
        call->training = value;
        return true;
    }
    if (!strcmp(key, "mask")) {
        const json_t *from = keras_reference(value);
        bool found = true;
        call->mask_said = from         ? KERAS_MASK_GIVEN
                          : parts->old ? KERAS_MASK_NONE
                                       : KERAS_MASK_PASSED;
        if (from && !keras_resolve(r, from, call->name, &call->mask, &found)) return false;
        *complete = *complete && found;
        if (!from && !all_null(value)) call->other = key;
        return true;
    }
    if (!strcmp(key, "initial_state") && keras_refers(value)) {
        keras_results states = {.complete = *complete};
        if (!keras_resolve_all(r, value, call->name, &states)) return false;
        call->states = states.items;
        call->state_count = states.count;
        *complete = states.complete;
        return true;
    }
    /* a name means nothing, and null what the layer does anyway */
    if (!all_null(value) && strcmp(key, "name")) call->other = key;
    return true;
}

/* Reads a call if all that it takes has been read: *complete. */
static bool read_call(keras_reader *r, const json_t *node, keras_call *call, bool *complete)
{
    node_parts parts = take_apart(node);
    keras_results inputs = {.complete = true};
    call->other = parts.other;
    if (!keras_refers(parts.inputs))
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" is called without another layer's result", call->name);
    if (!keras_resolve_all(r, parts.inputs, call->name, &inputs)) return false;
    call->inputs = inputs.items;
    call->input_count = inputs.count;
    *complete = inputs.complete;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)parts.kwargs, key, value)
    {
        if (!take_keyword(r, &parts, key, value, call, complete)) return false;
    }
    return true;
}

/* ---- models ---- */

/* The layers of a model. */
static const json_t *layers_of(const json_t *model)
{
    const json_t *inner = json_object_get(model, "config");
    return json_is_array(inner) ? inner : json_object_get(inner, "layers");
}

static const json_t *input_shape(const json_t *config)
{
    const json_t *shape = json_object_get(config, "batch_shape");
    return shape ? shape : json_object_get(config, "batch_input_shape");
}

static bool is_input(const json_t *layer)
{
    return !strcmp(keras_text(layer, "class_name"), "InputLayer");
}

static bool add_input(keras_reader *r, const json_t *layer, const char *name, const json_t *shape)
{
    const json_t *config = json_object_get(layer, "config");
    static const char *const kinds[] = {"sparse", "ragged"};
    for (size_t i = 0; i < 2; i++)
        if (json_is_true(json_object_get(config, kinds[i])))
            return tool_fail(r->err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s is not supported", name,
                             kinds[i]);
    keras_call *call = add_call(r, layer, name);
    if (call) call->shape = shape ? shape : config;
    return call != NULL;
}

/* The shape of what a model takes that has no InputLayer: its first layer's, or that of the first
 * layer inside it. */
static const json_t *first_shape(const json_t *layer)
{
    for (size_t depth = 0; keras_is_model(layer) && depth < MOST_DEPTH; depth++)
        layer = json_array_get(layers_of(layer), 0);
    const json_t *shape = input_shape(json_object_get(layer, "config"));
    return shape ? shape : json_object_get(json_object_get(layer, "build_config"), "input_shape");
}

static bool read_inner(keras_reader *r, const json_t *layers, size_t place, const keras_call *call,
                       keras_results *outputs);

/* The layers of a Sequential in their order; *at is what the first takes, and then what the last
 * gives. */
static bool read_chain(keras_reader *r, const json_t *layers, keras_result *at)
{
    json_t *layer;
    size_t i;
    json_array_foreach((json_t *)layers, i, layer)
    {
        if (is_input(layer)) continue;
        keras_result *input = import_alloc(&r->out->pool, 1, sizeof *input);
        if (!input) return tool_no_memory(r->err);
        *input = *at;
        keras_call called = {.layer = layer,
                             .name = keras_text(json_object_get(layer, "config"), "name"),
                             .inputs = input,
                             .input_count = 1,
                             .training = r->training};
        keras_results outputs;
        if (model_in(layer)) {
            if (!read_inner(r, layers, i, &called, &outputs)) return false;
            if (outputs.count != 1)
                return tool_fail(r->err, NBASE_ERR_FORMAT,
                                 "layer \"%.80s\", a model in a Sequential, has %zu outputs",
                                 called.name, outputs.count);
            *at = outputs.items[0];
            continue;
        }
        keras_call *call = add_call(r, layer, called.name);
        if (!call) return false;
        call->place = i;
        call->inputs = input;
        call->input_count = 1;
        *at = (keras_result){(size_t)(call - r->out->calls), 0};
    }
    return true;
}

/* Sequential: the input's shape is in an InputLayer or in the first layer. */
static bool read_sequential(keras_reader *r, const json_t *layers)
{
    const json_t *first = json_array_get(layers, 0), *shape = first_shape(first);
    keras_result *ends = import_alloc(&r->out->pool, 2, sizeof *ends);
    if (!ends) return tool_no_memory(r->err);
    if (!shape)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "the shape of the input is not in the file (the model was "
                         "not built): give --network");
    if (!add_input(r, is_input(first) ? first : NULL,
                   keras_text(json_object_get(first, "config"), "name"), shape) ||
        !read_chain(r, layers, &ends[1]))
        return false;
    r->out->inputs = ends;
    r->out->outputs = ends + 1;
    r->out->input_count = r->out->output_count = 1;
    return true;
}

/* Adds call number `use` of a layer of a Functional model, if all that it takes is there. */
static bool read_node(keras_reader *r, const json_t *layers, const json_t *layer, size_t place,
                      size_t use, bool *added)
{
    const json_t *node = json_array_get(json_object_get(layer, "inbound_nodes"), use);
    keras_call call = {.layer = layer,
                       .name = keras_text(json_object_get(layer, "config"), "name"),
                       .place = place,
                       .use = use,
                       .container = r->container,
                       .owner = r->owner,
                       .scope = r->scope,
                       .training = r->training};
    if (!read_call(r, node, &call, added)) return false;
    if (!*added) return true;
    if (model_in(layer)) {
        keras_results outputs;
        return read_inner(r, layers, place, &call, &outputs) &&
               keras_add_alias(r, call.name, use, outputs.items, outputs.count);
    }
    keras_call *added_call = add_call(r, layer, call.name);
    if (!added_call) return false;
    call.layer = added_call->layer;
    call.spread = added_call->spread;
    *added_call = call;
    return true;
}

/* Goes over the layers once, and adds the calls for which all is there. done: calls that each layer
 * has. */
static bool read_round(keras_reader *r, const json_t *layers, size_t *done, bool *more,
                       const char **left)
{
    json_t *layer;
    size_t i;
    *more = false;
    *left = NULL;
    json_array_foreach((json_t *)layers, i, layer)
    {
        const json_t *config = json_object_get(layer, "config");
        const char *name = keras_text(config, "name");
        size_t calls = json_array_size(json_object_get(layer, "inbound_nodes"));
        if (is_input(layer) && !done[i]) {
            /* those of a model inside the model are there already */
            if (!r->scope && !add_input(r, layer, name, input_shape(config))) return false;
            done[i] = 1;
            *more = true;
        }
        /* A call may need one that its own layer has later on. */
        for (bool added = true; !is_input(layer) && added && done[i] < calls;) {
            if (!read_node(r, layers, layer, i, done[i], &added)) return false;
            done[i] += added;
            *more = *more || added;
        }
        if (done[i] < calls && !is_input(layer)) *left = name;
    }
    return true;
}

static bool read_ends(keras_reader *r, const json_t *config, const char *member, keras_results *out)
{
    const json_t *ends = json_object_get(config, member);
    *out = (keras_results){.complete = true};
    r->ends = ends;
    if (ends && !keras_resolve_all(r, ends, member, out)) return false;
    r->ends = NULL;
    return out->complete || tool_fail(r->err, NBASE_ERR_FORMAT,
                                      "%s of the model names a layer that is not there", member);
}

/* All calls of the layers of a Functional model. */
static bool read_layers(keras_reader *r, const json_t *layers)
{
    size_t *done = import_alloc(&r->out->pool, json_array_size(layers), sizeof *done);
    if (!done) return tool_no_memory(r->err);
    r->layers = layers;
    const char *left;
    for (bool more = true; more;)
        if (!read_round(r, layers, done, &more, &left)) return false;
    if (left)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" takes the result of a layer that is not there, or that "
                         "needs its own",
                         left);
    return true;
}

/* The names of outputs that come by name. */
static bool read_names(keras_reader *r, const json_t *ends)
{
    size_t i = 0;
    const char *key;
    json_t *item;
    r->out->output_names =
        import_alloc(&r->out->pool, r->out->output_count + 1, sizeof *r->out->output_names);
    if (!r->out->output_names) return tool_no_memory(r->err);
    json_object_foreach((json_t *)ends, key, item)
    {
        if (i < r->out->output_count) r->out->output_names[i++] = key;
    }
    return true;
}

static bool read_functional(keras_reader *r, const json_t *config, const json_t *layers)
{
    keras_results inputs, outputs;
    if (!read_layers(r, layers) || !read_ends(r, config, "input_layers", &inputs) ||
        !read_ends(r, config, "output_layers", &outputs))
        return false;
    r->out->inputs = inputs.items;
    r->out->input_count = inputs.count;
    r->out->outputs = outputs.items;
    r->out->output_count = outputs.count;
    return read_names(r, json_object_get(config, "output_layers"));
}

/* ---- models inside the model ---- */

/* The names of a model's inputs, in the order in which it is called with them. */
static bool name_inputs(keras_reader *r, const json_t *model, const keras_call *call)
{
    const json_t *ends = json_object_get(json_object_get(model, "config"), "input_layers");
    /* one input may be written without the list around it */
    bool single = json_is_string(json_array_get(ends, 0));
    size_t count = single                 ? 1
                   : json_is_object(ends) ? json_object_size(ends)
                                          : json_array_size(ends);
    if (count != call->input_count || json_is_object(ends))
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\", a model, is called with %zu inputs, and has %zu%s",
                         call->name, call->input_count, count,
                         json_is_object(ends) ? " by name" : "");
    for (size_t i = 0; i < count; i++) {
        const char *name =
            json_string_value(json_array_get(single ? ends : json_array_get(ends, i), 0));
        if (!keras_add_alias(r, name ? name : "", 0, &call->inputs[i], 1)) return false;
    }
    return true;
}

/* Where .weights.h5 has the layers of a model: its class in snake case, counted among the layers of
 * the model around it. */
static const char *container_of(keras_reader *r, const json_t *layers, size_t place)
{
    static const char *const classes[][2] = {{"Functional", "functional"},
                                             {"Model", "functional"},
                                             {"Sequential", "sequential"},
                                             {"TimeDistributed", "time_distributed"}};
    const char *class_name = keras_text(json_array_get(layers, place), "class_name"), *snake = "",
               *inside = "";
    size_t before = 0, room = strlen(r->container) + 40;
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(class_name, classes[i][0]))
            snake = classes[i][1], inside = i == 3 ? "layer/" : "";
    for (size_t i = 0; i < place; i++)
        before += !strcmp(keras_text(json_array_get(layers, i), "class_name"), class_name);
    char *text = import_alloc(&r->out->pool, room, 1);
    if (text && before)
        snprintf(text, room, "%s%s_%zu/%s", r->container, snake, before, inside);
    else if (text)
        snprintf(text, room, "%s%s/%s", r->container, snake, inside);
    return text;
}

/* Adds the calls of the layers of a model, number `place` of `layers`, that another calls. */
static bool read_inner(keras_reader *r, const json_t *layers, size_t place, const keras_call *call,
                       keras_results *outputs)
{
    const json_t *model = model_in(call->layer), *inner = layers_of(model);
    const char *what = r->scopes >= MOST_CALLS || r->depth >= MOST_DEPTH ? "is too deep in others"
                       : call->other                         ? "is called with further arguments"
                       : call->mask_said == KERAS_MASK_GIVEN ? "is called with a mask"
                       : call->state_count                   ? "is called with an initial_state"
                       : !json_array_size(inner)             ? "has no layers"
                                                             : NULL;
    if (what)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "layer \"%.80s\", a model, %s: not supported",
                         call->name, what);
    const keras_reader outer = *r;
    r->timed = r->timed || model != call->layer;
    r->container = container_of(r, layers, place);
    if (!r->container) return tool_no_memory(r->err);
    if (!r->owner) r->owner = call->name;
    r->scope = ++r->scopes;
    r->depth++;
    r->training = call->training;
    bool ok;
    if (!strcmp(keras_text(model, "class_name"), "Sequential")) {
        *outputs = (keras_results){import_alloc(&r->out->pool, 1, sizeof *outputs->items), 1, true};
        if (!outputs->items) return tool_no_memory(r->err);
        *outputs->items = *call->inputs;
        ok = read_chain(r, inner, outputs->items);
    } else {
        ok = name_inputs(r, model, call) && read_layers(r, inner) &&
             read_ends(r, json_object_get(model, "config"), "output_layers", outputs);
    }
    r->container = outer.container;
    r->owner = outer.owner;
    r->scope = outer.scope;
    r->depth = outer.depth;
    r->training = outer.training;
    r->layers = outer.layers;
    r->timed = outer.timed;
    return ok;
}

bool keras_calls_read(const json_t *config, keras_calls *out, nbase_error *err)
{
    const json_t *inner = json_object_get(config, "config"), *layers = layers_of(config);
    keras_reader r = {.out = out, .err = err, .container = ""};
    *out = (keras_calls){0};
    err->text[0] = '\0';
    if (!keras_is_model(config))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "a model of the class \"%.60s\": only Sequential and Functional models "
                         "describe their layers; give --network",
                         keras_text(config, "class_name"));
    if (!json_array_size(layers))
        return tool_fail(err, NBASE_ERR_FORMAT, "the model's configuration has no layers");
    return strcmp(keras_text(config, "class_name"), "Sequential")
               ? read_functional(&r, inner, layers)
               : read_sequential(&r, layers);
}
