/* Reads the calls of a model.
 *
 * A layer has "inbound_nodes", one for each call. Keras 3 writes a node as {"args", "kwargs"}, a
 * tensor among them as {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call,
 * result]}}. Keras 2 writes a node as a list of [layer, call, result, kwargs], where kwargs may
 * have tensors [layer, call, result]. Sources: keras/src/models/functional.py,
 * tf_keras/src/engine/functional.py and node.py. */
#include "calls.h"

#include <string.h>

/* More than a network here can have; the time to read them grows with the cube. */
enum { MOST_CALLS = 512 };

typedef struct reader {
    keras_calls *out;
    size_t capacity;
    nbase_error *err;
} reader;

const char *keras_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

bool keras_is_model(const json_t *layer)
{
    static const char *const classes[] = {"Functional", "Model", "Sequential"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(keras_text(layer, "class_name"), classes[i])) return true;
    return false;
}

void keras_calls_free(keras_calls *calls)
{
    import_pool_free(&calls->pool);
    *calls = (keras_calls){0};
}

static keras_call *add_call(reader *r, const json_t *layer, const char *name)
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
    keras_call *call = &out->calls[out->count++];
    *call = (keras_call){.layer = layer, .name = name};
    return call;
}

/* ---- references ---- */

/* The parts of a reference to a result: [layer, call, result, ...]; null if the value is none. */
static const json_t *reference(const json_t *value)
{
    if (json_is_object(value)) {
        if (strcmp(keras_text(value, "class_name"), "__keras_tensor__")) return NULL;
        value = json_object_get(json_object_get(value, "config"), "keras_history");
    }
    return json_is_string(json_array_get(value, 0)) && json_is_integer(json_array_get(value, 1)) &&
                   json_is_integer(json_array_get(value, 2))
               ? value
               : NULL;
}

/* Whether there is a reference anywhere in the value. */
static bool refers(const json_t *value)
{
    if (reference(value)) return true;
    size_t i;
    const char *key;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (refers(item)) return true;
    }
    json_object_foreach((json_t *)value, key, item)
    {
        if (refers(item)) return true;
    }
    return false;
}

/* Finds the result that a reference names. *found: whether its call has been read. False if there
 * can be no such result. */
static bool resolve(reader *r, const json_t *parts, const char *user, keras_result *out,
                    bool *found)
{
    const char *name = json_string_value(json_array_get(parts, 0));
    json_int_t use = json_integer_value(json_array_get(parts, 1)),
               index = json_integer_value(json_array_get(parts, 2));
    *found = false;
    if (use < 0 || index < 0)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" takes a constant, or a result that no layer gives", user);
    for (size_t i = 0; i < r->out->count && !*found; i++) {
        const keras_call *call = &r->out->calls[i];
        if (call->use != (size_t)use || strcmp(call->name, name)) continue;
        *out = (keras_result){i, (size_t)index};
        *found = true;
    }
    return true;
}

/* Where the results go that a value refers to. */
typedef struct results {
    keras_result *items;
    size_t count;
    bool complete; /* all of them have been read */
} results;

static bool resolve_one(reader *r, const json_t *value, const char *user, results *out)
{
    const json_t *parts = reference(value);
    bool found;
    if (!parts)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" takes what is no layer's result", user);
    if (!resolve(r, parts, user, &out->items[out->count++], &found)) return false;
    out->complete = out->complete && found;
    return true;
}

/* The results in a reference, or in a list or an object of references, in their order. */
static bool resolve_all(reader *r, const json_t *value, const char *user, results *out)
{
    size_t room = reference(value)        ? 1
                  : json_is_object(value) ? json_object_size(value)
                                          : json_array_size(value),
           i;
    out->items = import_alloc(&r->out->pool, room + 1, sizeof *out->items);
    if (!out->items) return tool_no_memory(r->err);
    if (reference(value)) return resolve_one(r, value, user, out);
    const char *key;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!resolve_one(r, item, user, out)) return false;
    }
    json_object_foreach((json_t *)value, key, item)
    {
        if (!resolve_one(r, item, user, out)) return false;
    }
    return true;
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
static bool take_keyword(reader *r, const node_parts *parts, const char *key, const json_t *value,
                         keras_call *call, bool *complete)
{
    if (value == parts->inputs) return true;
    if (!strcmp(key, "training") && json_is_boolean(value)) {
        call->training = value;
        return true;
    }
    if (!strcmp(key, "mask")) {
        const json_t *from = reference(value);
        bool found = true;
        call->mask_said = from         ? KERAS_MASK_GIVEN
                          : parts->old ? KERAS_MASK_NONE
                                       : KERAS_MASK_PASSED;
        if (from && !resolve(r, from, call->name, &call->mask, &found)) return false;
        *complete = *complete && found;
        if (!from && !all_null(value)) call->other = key;
        return true;
    }
    if (!strcmp(key, "initial_state") && refers(value)) {
        results states = {.complete = *complete};
        if (!resolve_all(r, value, call->name, &states)) return false;
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
static bool read_call(reader *r, const json_t *node, keras_call *call, bool *complete)
{
    node_parts parts = take_apart(node);
    results inputs = {.complete = true};
    call->other = parts.other;
    if (!refers(parts.inputs))
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" is called without another layer's result", call->name);
    if (!resolve_all(r, parts.inputs, call->name, &inputs)) return false;
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

static const json_t *input_shape(const json_t *config)
{
    const json_t *shape = json_object_get(config, "batch_shape");
    return shape ? shape : json_object_get(config, "batch_input_shape");
}

static bool is_input(const json_t *layer)
{
    return !strcmp(keras_text(layer, "class_name"), "InputLayer");
}

static bool add_input(reader *r, const json_t *layer, const char *name, const json_t *shape)
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

/* Sequential: the layers in their order. The input's shape is in an InputLayer or in the first
 * layer. */
static bool read_sequential(reader *r, const json_t *layers)
{
    json_t *layer;
    size_t i;
    json_array_foreach((json_t *)layers, i, layer)
    {
        const json_t *config = json_object_get(layer, "config"), *shape = input_shape(config);
        const char *name = keras_text(config, "name");
        if (!shape && !r->out->count)
            shape = json_object_get(json_object_get(layer, "build_config"), "input_shape");
        if (!r->out->count && !shape)
            return tool_fail(r->err, NBASE_ERR_FORMAT,
                             "the shape of the input is not in the file (the model was "
                             "not built): give --network");
        if (!r->out->count && !add_input(r, is_input(layer) ? layer : NULL, name, shape))
            return false;
        if (is_input(layer)) continue;
        keras_call *call = add_call(r, layer, name);
        if (!call) return false;
        call->place = i;
        call->inputs = import_alloc(&r->out->pool, 1, sizeof *call->inputs);
        if (!call->inputs) return tool_no_memory(r->err);
        *call->inputs = (keras_result){(size_t)(call - r->out->calls) - 1, 0};
        call->input_count = 1;
    }
    r->out->inputs = import_alloc(&r->out->pool, 2, sizeof *r->out->inputs);
    if (!r->out->inputs) return tool_no_memory(r->err);
    r->out->outputs = r->out->inputs + 1;
    r->out->outputs->call = r->out->count - 1;
    r->out->input_count = r->out->output_count = 1;
    return true;
}

/* Adds call number `use` of a layer of a Functional model, if all that it takes is there. */
static bool read_node(reader *r, const json_t *layer, const char *name, size_t place, size_t use,
                      bool *added)
{
    const json_t *node = json_array_get(json_object_get(layer, "inbound_nodes"), use);
    keras_call call = {.layer = layer, .name = name, .place = place, .use = use};
    if (!read_call(r, node, &call, added)) return false;
    if (!*added) return true;
    keras_call *added_call = add_call(r, layer, name);
    if (added_call) *added_call = call;
    return added_call != NULL;
}

/* Goes over the layers once, and adds the calls for which all is there. done: calls that each layer
 * has. */
static bool read_round(reader *r, const json_t *layers, size_t *done, bool *more, const char **left)
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
            if (!add_input(r, layer, name, input_shape(config))) return false;
            done[i] = 1;
            *more = true;
        }
        /* A call may need one that its own layer has later on. */
        for (bool added = true; !is_input(layer) && added && done[i] < calls;) {
            if (!read_node(r, layer, name, i, done[i], &added)) return false;
            done[i] += added;
            *more = *more || added;
        }
        if (done[i] < calls && !is_input(layer)) *left = name;
    }
    return true;
}

static bool read_ends(reader *r, const json_t *config, const char *member, keras_result **out,
                      size_t *count)
{
    results found = {.complete = true};
    const json_t *ends = json_object_get(config, member);
    if (ends && !resolve_all(r, ends, member, &found)) return false;
    *out = found.items;
    *count = found.count;
    return found.complete || tool_fail(r->err, NBASE_ERR_FORMAT,
                                       "%s of the model names a layer that is not there", member);
}

static bool read_functional(reader *r, const json_t *config, const json_t *layers)
{
    size_t *done = import_alloc(&r->out->pool, json_array_size(layers), sizeof *done), i;
    json_t *layer;
    if (!done) return tool_no_memory(r->err);
    json_array_foreach((json_t *)layers, i, layer)
    {
        if (keras_is_model(layer))
            return tool_fail(r->err, NBASE_ERR_FORMAT,
                             "layer \"%.80s\" is a model inside the model: not supported",
                             keras_text(json_object_get(layer, "config"), "name"));
    }
    const char *left;
    for (bool more = true; more;)
        if (!read_round(r, layers, done, &more, &left)) return false;
    if (left)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" takes the result of a layer that is not there, or that "
                         "needs its own",
                         left);
    return read_ends(r, config, "input_layers", &r->out->inputs, &r->out->input_count) &&
           read_ends(r, config, "output_layers", &r->out->outputs, &r->out->output_count);
}

bool keras_calls_read(const json_t *config, keras_calls *out, nbase_error *err)
{
    const json_t *inner = json_object_get(config, "config"),
                 *layers = json_is_array(inner) ? inner : json_object_get(inner, "layers");
    reader r = {.out = out, .err = err};
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
