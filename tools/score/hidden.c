#include "hidden.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* ---- the description without its end ---- */

static size_t find_layer(const json_t *layers, const char *name)
{
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(layers, i), "name"));
        if (text && name && !strcmp(text, name)) return i;
    }
    return SIZE_MAX;
}

static const char *name_of(const json_t *layers, size_t i)
{
    return json_string_value(json_object_get(json_array_get(layers, i), "name"));
}

static bool is_type(const json_t *layer, const char *type)
{
    const char *text = json_string_value(json_object_get(layer, "type"));
    return text && !strcmp(text, type);
}

/* Walks back from layer i to the dense layers from which it comes, and adds the names of what they
 * take to `ends`. What stands on the way is marked as dropped. False: it comes from elsewhere. */
static bool walk_back(const json_t *layers, size_t i, json_t *ends, bool *dropped)
{
    const json_t *layer = json_array_get(layers, i), *inputs = json_object_get(layer, "inputs"),
                 *input;
    if (i == SIZE_MAX || !i) return false;
    bool dense = is_type(layer, "dense");
    if (!dense && !is_type(layer, "average") && !is_type(layer, "activation")) return false;
    dropped[i] = true;
    if (!inputs)
        return dense ? json_array_append_new(ends, json_string(name_of(layers, i - 1))) == 0
                     : walk_back(layers, i - 1, ends, dropped);
    size_t k;
    json_array_foreach(inputs, k, input)
    {
        const char *name = json_string_value(input);
        bool ok = dense ? find_layer(layers, name) != SIZE_MAX &&
                              json_array_append(ends, (json_t *)input) == 0
                        : walk_back(layers, find_layer(layers, name), ends, dropped);
        if (!ok) return false;
    }
    return true;
}

/* Every layer says what it takes, since the one before it may be dropped. */
static json_t *explicit_layer(const json_t *layers, size_t i)
{
    json_t *copy = json_deep_copy(json_array_get(layers, i));
    if (!json_object_get(copy, "inputs"))
        json_object_set_new(copy, "inputs", json_pack("[s]", i ? name_of(layers, i - 1) : "input"));
    return copy;
}

/* The text, or null if the network does not end in dense layers, or without memory. */
static char *describe(const convlstm_model *m)
{
    json_t *whole = json_loads(convlstm_model_json(m), 0, NULL),
           *layers = json_object_get(whole, "layers"), *kept = json_array(), *ends = json_array();
    size_t count = json_array_size(layers);
    bool *dropped = calloc(count + 1, sizeof *dropped);
    char *text = NULL;
    if (dropped && count && walk_back(layers, count - 1, ends, dropped)) {
        for (size_t i = 0; i < count; i++)
            if (!dropped[i]) json_array_append_new(kept, explicit_layer(layers, i));
        if (json_array_size(ends) > 1)
            json_array_append_new(kept, json_pack("{s:s, s:s, s:O}", "type", "concatenate", "name",
                                                  "hidden_layers", "inputs", ends));
        json_object_set(whole, "layers", kept);
        json_object_del(whole, "labels");
        text = json_dumps(whole, JSON_COMPACT);
    }
    free(dropped);
    json_decref(ends);
    json_decref(kept);
    json_decref(whole);
    return text;
}

/* ---- the network ---- */

static nbase_status weights_of(const convlstm_model *m, nbase_archive **out)
{
    nbase_status status = nbase_archive_create(NULL, out);
    for (size_t i = 0; !status && i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *t = convlstm_model_tensor(m, i);
        status = nbase_archive_add(*out, t->name, t->dtype, t->ndim, t->shape, t->data, NULL);
    }
    return status;
}

bool hidden_network(const convlstm_model *m, convlstm_model **out, nbase_error *err)
{
    *out = NULL;
    nbase_archive *weights = NULL;
    convlstm_model_info info;
    char *text = describe(m);
    if (!text) return true;
    nbase_status status = weights_of(m, &weights);
    if (!status) status = convlstm_model_from_archive(NULL, weights, text, out, NULL);
    nbase_archive_free(weights);
    free(text);
    if (status == NBASE_ERR_NOMEM) return tool_no_memory(err);
    if (status) return true; /* it needs its end: a layer is taken by nothing else */
    convlstm_model_get_info(*out, &info);
    if (info.output_dims == 1 && info.outputs <= HIDDEN_MOST) return true;
    convlstm_model_free(*out);
    *out = NULL;
    return true;
}
