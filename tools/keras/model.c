/* Builds descriptions that do not come from Keras's configuration, and models from a description
 * and tensors. */
#include <stdlib.h>
#include <string.h>

#include "../import/import.h"
#include "jsonio.h"
#include "keras_network.h"

#define MAX_DESCRIPTION ((size_t)16 << 20)
/* of the presets' first Dense and last ConvLSTM layer */
enum { HEAD_UNITS = 32, LAST_FILTERS = 10 };

/* ---- descriptions ---- */

/* Rows of dense/kernel are height * width * filters after Flatten, filters alone after global
 * average pooling. */
static bool find_preset(const nbase_archive *arrays, const char **preset, size_t *side,
                        nbase_error *err)
{
    size_t rows = 0;
    for (size_t i = 0; i < nbase_archive_count(arrays) && !rows; i++) {
        const nbase_array *a = nbase_archive_at(arrays, i);
        if (a->ndim == 2 && a->shape[1] == HEAD_UNITS) rows = a->shape[0];
    }
    if (!rows)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "no matrix of %d columns (dense/kernel of the presets): say what "
                         "network this is with --network",
                         HEAD_UNITS);
    if (!*preset) *preset = rows == LAST_FILTERS ? "skincredible-gap" : "skincredible";
    if (strcmp(*preset, "skincredible")) return true;
    size_t n = 0;
    while ((n + 1) * (n + 1) <= rows / LAST_FILTERS) n++;
    *side = n;
    return (n && n * n * LAST_FILTERS == rows) ||
           tool_fail(err, NBASE_ERR_FORMAT,
                     "dense/kernel has %zu rows, which is no square image of %d channels", rows,
                     LAST_FILTERS);
}

void keras_set_recurrent(json_t *description, const char *activation)
{
    json_t *layer;
    size_t i;
    json_array_foreach(json_object_get(description, "layers"), i,
                       layer) if (activation && json_object_get(layer, "recurrent_activation"))
        json_object_set_new(layer, "recurrent_activation", json_string(activation));
}

bool keras_preset(const char *preset, const nbase_archive *arrays, const keras_options *options,
                  json_t **description, nbase_error *err)
{
    char *text;
    size_t side = options->side;
    *description = NULL;
    if (!find_preset(arrays, &preset, &side, err) ||
        convlstm_preset_json(preset, side, side, &text, err))
        return false;
    *description = json_loads(text, 0, NULL);
    convlstm_text_free(text);
    keras_set_recurrent(*description, options->recurrent_activation);
    return *description || tool_no_memory(err);
}

/* Completes a description as the library writes it: with names for all layers and every default.
 * `path` may be null. */
static bool canonical(const char *path, const char *json, json_t **description, nbase_error *err)
{
    convlstm_model *m;
    nbase_error inner;
    if (convlstm_model_create(NULL, json, 0, &m, &inner))
        return tool_fail(err, NBASE_ERR_FORMAT, "%.200s%s%s", path ? path : "", path ? ": " : "",
                         inner.text);
    *description = json_loads(convlstm_model_json(m), 0, NULL);
    convlstm_model_free(m);
    return *description || tool_no_memory(err);
}

/* The layers as canonical JSON, without the members in which a preset may differ. */
static json_t *bare_layers(const json_t *description)
{
    json_t *layers = json_deep_copy(json_object_get(description, "layers")), *layer;
    size_t i;
    json_array_foreach(layers, i, layer)
    {
        json_object_del(layer, "name");
        json_object_del(layer, "recurrent_activation");
        if (i + 1 == json_array_size(layers)) json_object_del(layer, "activation");
    }
    return layers;
}

bool keras_adopt_preset(json_t *description, nbase_error *err)
{
    static const char *const presets[] = {"skincredible", "skincredible-gap"};
    static const char *const members[] = {"name", "crop", "labels"};
    json_t *whole = NULL;
    char *json = json_dumps(description, JSON_COMPACT);
    bool ok = json ? canonical(NULL, json, &whole, err) : tool_no_memory(err);
    free(json);
    json_t *input = json_object_get(whole, "input"), *layers = ok ? bare_layers(whole) : NULL;
    for (size_t i = 0; ok && i < 2 && json_integer_value(json_object_get(input, "channels")) == 3;
         i++) {
        char *text;
        if (convlstm_preset_json(
                presets[i], (size_t)json_integer_value(json_object_get(input, "height")),
                (size_t)json_integer_value(json_object_get(input, "width")), &text, err))
            break;
        json_t *preset = json_loads(text, 0, NULL), *theirs = bare_layers(preset);
        convlstm_text_free(text);
        if (json_equal(theirs, layers))
            for (size_t k = 0; k < 3; k++)
                json_object_set(description, members[k], json_object_get(preset, members[k]));
        json_decref(theirs);
        json_decref(preset);
    }
    json_decref(layers);
    json_decref(whole);
    return ok;
}

bool keras_description_read(const char *path, json_t **description, nbase_error *err)
{
    size_t size;
    *description = NULL;
    char *bytes = file_read(path, (size_t)4 << 30, &size, err);
    if (!bytes) return false;
    bool ok;
    const char *begin = jsonio_begin(bytes, size);
    if (begin[strspn(begin, " \t\r\n")] == '{')
        ok = strlen(begin) + (size_t)(begin - bytes) < size
                 ? tool_fail(err, NBASE_ERR_FORMAT, "%.200s: a zero byte in its text", path)
             : size <= MAX_DESCRIPTION
                 ? canonical(path, begin, description, err)
                 : tool_fail(err, NBASE_ERR_FORMAT, "%.200s: too long for a description", path);
    else {
        nbase_archive *a = NULL;
        ok = nbase_archive_parse(NULL, bytes, size, path, &a, err) == NBASE_OK;
        const char *json = ok ? nbase_archive_meta(a, "convlstm") : NULL;
        if (ok && !json)
            ok = tool_fail(err, NBASE_ERR_FORMAT,
                           "%.200s: it has no description of a network (the metadata \"convlstm\")",
                           path);
        ok = ok && canonical(path, json, description, err);
        nbase_archive_free(a);
    }
    free(bytes);
    return ok;
}

/* ---- models ---- */

/* Copies the arrays, float64 as float32: NumPy writes float64 unless told otherwise. */
static nbase_archive *as_float32(const nbase_archive *tensors)
{
    nbase_archive *out;
    if (nbase_archive_create(NULL, &out)) return NULL;
    for (size_t i = 0; i < nbase_archive_count(tensors); i++) {
        const nbase_array *a = nbase_archive_at(tensors, i);
        nbase_array *copy;
        bool wide = a->dtype == NBASE_F64;
        if (nbase_archive_add(out, a->name, wide ? NBASE_F32 : a->dtype, a->ndim, a->shape,
                              wide ? NULL : a->data, &copy)) {
            nbase_archive_free(out);
            return NULL;
        }
        for (size_t k = 0; wide && k < a->count; k++)
            ((float *)copy->data)[k] = (float)((const double *)a->data)[k];
    }
    return out;
}

bool keras_model(const json_t *description, const nbase_archive *tensors, convlstm_model **out,
                 nbase_error *err)
{
    char *json = json_dumps(description, JSON_COMPACT);
    nbase_archive *floats = json ? as_float32(tensors) : NULL;
    *out = NULL;
    bool ok = floats ? convlstm_model_from_archive(NULL, floats, json, out, err) == NBASE_OK
                     : tool_no_memory(err);
    nbase_archive_free(floats);
    free(json);
    return ok;
}
