/* Results by the references to them in a model's configuration. */
#include <stdint.h>
#include <string.h>

#include "calls_reader.h"

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

bool keras_add_alias(keras_reader *r, const char *name, size_t use, keras_result *results,
                     size_t count)
{
    keras_calls *out = r->out;
    if (!import_grow(&out->pool, (void **)&out->aliases, out->alias_count, &r->alias_capacity,
                     sizeof *out->aliases))
        return tool_no_memory(r->err);
    out->aliases[out->alias_count++] = (keras_alias){name, use, r->scope, count, results};
    return true;
}

/* The parts of a reference to a result: [layer, call, result, ...]; null if the value is none. */
const json_t *keras_reference(const json_t *value)
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
bool keras_refers(const json_t *value)
{
    if (keras_reference(value)) return true;
    size_t i;
    const char *key;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (keras_refers(item)) return true;
    }
    json_object_foreach((json_t *)value, key, item)
    {
        if (keras_refers(item)) return true;
    }
    return false;
}

/* The least and the greatest number of a call in the references to a layer. */
static void find_uses(const json_t *value, const char *name, json_int_t *least, json_int_t *most)
{
    const json_t *parts = keras_reference(value);
    if (parts && !strcmp(json_string_value(json_array_get(parts, 0)), name)) {
        json_int_t use = json_integer_value(json_array_get(parts, 1));
        if (use < *least) *least = use;
        if (use > *most) *most = use;
    }
    size_t i;
    const char *key;
    json_t *item;
    json_array_foreach((json_t *)value, i, item) find_uses(item, name, least, most);
    json_object_foreach((json_t *)value, key, item) find_uses(item, name, least, most);
}

/* The number that the first call of a layer has. That of a model may be 1: its own inputs and
 * outputs count as a call to Keras 2, and to Keras 3 where they are the ends of another model. */
static json_int_t first_use(const keras_reader *r, const char *name)
{
    json_t *layer, *other;
    size_t i, k;
    json_array_foreach((json_t *)r->layers, i, layer)
    {
        if (!keras_is_model(layer) ||
            strcmp(keras_text(json_object_get(layer, "config"), "name"), name))
            continue;
        const json_t *nodes = json_object_get(layer, "inbound_nodes");
        json_int_t least = INT64_MAX, most = -1;
        if (r->ends)
            find_uses(r->ends, name, &least, &most);
        else
            json_array_foreach((json_t *)r->layers, k, other)
                find_uses(json_object_get(other, "inbound_nodes"), name, &least, &most);
        if (!least) return 0;
        if (most >= (json_int_t)json_array_size(nodes)) return 1;
        return r->ends ? !!strcmp(keras_text(layer, "class_name"), "Sequential")
                       : !json_is_object(json_array_get(nodes, 0));
    }
    return 0;
}

/* Finds the result that a reference names. *found: whether its call has been read. False if there
 * can be no such result. */
bool keras_resolve(keras_reader *r, const json_t *parts, const char *user, keras_result *out,
                   bool *found)
{
    const char *name = json_string_value(json_array_get(parts, 0));
    json_int_t use = json_integer_value(json_array_get(parts, 1)) - first_use(r, name),
               index = json_integer_value(json_array_get(parts, 2));
    *found = false;
    if (use < 0 || index < 0)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" takes a constant, or a result that no layer gives", user);
    for (size_t i = 0; i < r->out->alias_count; i++) {
        const keras_alias *a = &r->out->aliases[i];
        if (a->scope != r->scope || a->use != (size_t)use || strcmp(a->name, name)) continue;
        if ((size_t)index >= a->count)
            return tool_fail(r->err, NBASE_ERR_FORMAT,
                             "layer \"%.80s\" takes result %zu of \"%.80s\", which has %zu", user,
                             (size_t)index, name, a->count);
        *out = a->results[index];
        *found = true;
        return true;
    }
    for (size_t i = 0; i < r->out->count && !*found; i++) {
        const keras_call *call = &r->out->calls[i];
        if (call->scope != r->scope || call->use != (size_t)use || strcmp(call->name, name))
            continue;
        *out = (keras_result){i, (size_t)index};
        *found = true;
    }
    return true;
}

static bool resolve_one(keras_reader *r, const json_t *value, const char *user, keras_results *out)
{
    const json_t *parts = keras_reference(value);
    bool found;
    if (!parts)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" takes what is no layer's result", user);
    if (!keras_resolve(r, parts, user, &out->items[out->count++], &found)) return false;
    out->complete = out->complete && found;
    return true;
}

/* The results in a reference, or in a list or an object of references, in their order. */
bool keras_resolve_all(keras_reader *r, const json_t *value, const char *user, keras_results *out)
{
    size_t room = keras_reference(value)  ? 1
                  : json_is_object(value) ? json_object_size(value)
                                          : json_array_size(value),
           i;
    out->items = import_alloc(&r->out->pool, room + 1, sizeof *out->items);
    if (!out->items) return tool_no_memory(r->err);
    if (keras_reference(value)) return resolve_one(r, value, user, out);
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
