#include "network.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "convlstm.h"

/* Rows of dense/kernel are height * width * filters after Flatten, filters alone after global average pooling. */
static bool tell_preset(const nbase_archive *tensors, const char *source, const char *wanted, const char **preset, size_t *side)
{
    const nbase_array *dense = nbase_archive_find(tensors, "dense/kernel"), *last = nbase_archive_find(tensors, "conv_lstm2d_1/recurrent_kernel");
    *side = 0;
    if (!dense || dense->ndim != 2 || !last || last->ndim != 4 || !last->shape[2]) {
        cli_error("%s: no \"dense/kernel\" with 2 axes and \"conv_lstm2d_1/recurrent_kernel\" with 4: not the weights of one of the presets", source);
        return false;
    }
    size_t rows = dense->shape[0], filters = last->shape[2];
    *preset = wanted ? wanted : rows == filters ? "skincredible-gap" : "skincredible";
    if (!strcmp(*preset, "skincredible-gap")) return true; /* of any image size; the tensors' shapes are checked later */
    size_t pixels = rows / filters;
    while ((*side + 1) * (*side + 1) <= pixels) ++*side;
    if (rows % filters || *side * *side != pixels || !*side) {
        cli_error("%s: dense/kernel has %zu rows, which is no square image of %zu channels", source, rows, filters);
        return false;
    }
    return true;
}

static json_t *last_dense(const json_t *layers)
{
    for (size_t i = json_array_size(layers); i-- > 0;) {
        json_t *layer = json_array_get(layers, i);
        const char *type = json_string_value(json_object_get(layer, "type"));
        if (type && !strcmp(type, "dense")) return layer;
    }
    return NULL;
}

/* The preset's description with the recurrent activation and, where known, the output's; free() it. Null after a printed error. */
static char *describe(const char *preset, size_t side, const network_facts *facts)
{
    char *text;
    nbase_error err;
    if (convlstm_preset_json(preset, side, side, &text, &err)) {
        cli_error("%s", err.text);
        return NULL;
    }
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *layers = json_object_get(root, "layers"), *layer;
    size_t i;
    convlstm_text_free(text);
    json_array_foreach(layers, i, layer) {
        if (json_object_get(layer, "recurrent_activation"))
            json_object_set_new(layer, "recurrent_activation", json_string(facts->recurrent_activation ? facts->recurrent_activation : "hard_sigmoid_k2"));
    }
    if (facts->output_activation) json_object_set_new(last_dense(layers), "activation", json_string(facts->output_activation));
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text) cli_error("out of memory");
    return text;
}

/* The same arrays, those of float64 as float32: what NumPy makes when nobody says otherwise. */
static nbase_archive *as_float32(const nbase_archive *tensors)
{
    nbase_archive *out;
    if (nbase_archive_create(NULL, &out)) return NULL;
    for (size_t i = 0; i < nbase_archive_count(tensors); i++) {
        const nbase_array *a = nbase_archive_at(tensors, i);
        nbase_array *copy;
        bool wide = a->dtype == NBASE_F64;
        if (nbase_archive_add(out, a->name, wide ? NBASE_F32 : a->dtype, a->ndim, a->shape, wide ? NULL : a->data, &copy)) {
            nbase_archive_free(out);
            return NULL;
        }
        for (size_t k = 0; wide && k < a->count; k++) ((float *)copy->data)[k] = (float)((const double *)a->data)[k];
    }
    return out;
}

static void note_unused(const nbase_archive *tensors, const convlstm_model *m, const char *source)
{
    for (size_t i = 0; i < nbase_archive_count(tensors); i++) {
        const char *name = nbase_archive_at(tensors, i)->name;
        if (!convlstm_model_find(m, name)) cli_note("%s: array \"%s\" is not part of the network: left out", source, name);
    }
}

bool network_write(const nbase_archive *tensors, const char *source, const network_facts *facts, const char *output)
{
    const char *preset;
    size_t side;
    if (!tell_preset(tensors, source, facts->preset, &preset, &side)) return false;
    char *json = describe(preset, side, facts);
    nbase_archive *floats = json ? as_float32(tensors) : NULL;
    if (json && !floats) cli_error("%s: out of memory", source);
    convlstm_model *m = NULL;
    nbase_error err = {NBASE_OK, ""};
    bool ok = floats && convlstm_model_from_archive(NULL, floats, json, &m, &err) == NBASE_OK;
    if (floats && !ok) cli_error("%s: %s", source, err.text);
    if (ok) {
        note_unused(tensors, m, source);
        ok = convlstm_model_save(m, output, &err) == NBASE_OK;
        if (!ok) cli_error("%s", err.text);
    }
    convlstm_model_free(m);
    nbase_archive_free(floats);
    free(json);
    return ok;
}
