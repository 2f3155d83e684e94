#include "train_network.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "jsonio.h"
#include "memory.h"
#include "score/sequence.h"
#include "train_losses.h"

static const char *const preset_names[] = {"skincredible", "skincredible-gap"};
static const char *const bn_names[] = {"masked", "compat_tf22", "compat_keras3"};

static void set_bn(json_t *network, const char *key, json_t *value)
{
    size_t i;
    json_t *layer;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        const char *type = json_string_value(json_object_get(layer, "type"));
        if (type && !strcmp(type, "batch_normalization")) json_object_set(layer, key, value);
    }
    json_decref(value);
}

/* Whether the command line names outputs. */
static bool by_name(const train_options *o) { return o->output_losses || o->loss_weights; }

/* The description with the options' changes; the caller frees it with free(). */
static char *adapted(train_options *o, const char *description, nbase_error *err)
{
    json_t *network = json_loads(description, 0, NULL);
    if (network && o->bn != NOT_GIVEN) set_bn(network, "mode", json_string(bn_names[o->bn]));
    if (network && o->bn_momentum >= 0) set_bn(network, "momentum", json_real(o->bn_momentum));
    bool ok = !network || train_losses_settle(o, network, err);
    char *text = network && ok ? json_dumps(network, JSON_COMPACT) : NULL;
    json_decref(network);
    if (!text && ok) tool_no_memory(err);
    return text;
}

/* The same with the layers' names, which a description may leave out. */
static char *adapted_by_name(train_options *o, const char *description, nbase_error *err)
{
    convlstm_model *plain;
    if (convlstm_model_create(NULL, description, 0, &plain, err) != NBASE_OK) return NULL;
    char *text = adapted(o, convlstm_model_json(plain), err);
    convlstm_model_free(plain);
    return text;
}

static convlstm_model *from_preset(train_options *o, size_t height, size_t width, nbase_error *err)
{
    char *description = NULL;
    convlstm_model *m = NULL;
    if (convlstm_preset_json(preset_names[o->preset == NOT_GIVEN ? 0 : o->preset], height, width,
                             &description, err) == NBASE_OK) {
        char *text = (by_name(o) ? adapted_by_name : adapted)(o, description, err);
        if (text && convlstm_model_create(NULL, text, o->seed, &m, err) != NBASE_OK) m = NULL;
        free(text);
        convlstm_text_free(description);
    }
    return m;
}

#define MAX_DESCRIPTION (1 << 20)

/* --network FILE. */
static convlstm_model *from_description(train_options *o, nbase_error *err)
{
    convlstm_model *m = NULL;
    size_t size;
    char *bytes = file_read(o->network, MAX_DESCRIPTION, &size, err);
    if (!bytes) return NULL;
    const char *description = jsonio_begin(bytes, size);
    json_t *network = jsonio_parse(bytes, size, o->network, "docs/formats.md describes it", err);
    bool named = json_object_get(network, "outputs") || by_name(o);
    json_decref(network);
    nbase_error why = {0};
    char *text = network ? (named ? adapted_by_name : adapted)(o, description, &why) : NULL;
    if (text && convlstm_model_create(NULL, text, o->seed, &m, &why) != NBASE_OK) m = NULL;
    if (network && !m) tool_fail(err, why.status, "%s: %s", o->network, why.text);
    free(text);
    free(bytes);
    return m;
}

static convlstm_model *from_file(train_options *o, nbase_error *err)
{
    nbase_error why = {0};
    nbase_archive *archive = NULL;
    convlstm_model *plain = NULL, *m = NULL;
    char *text = NULL;
    nbase_status status = nbase_archive_read(NULL, o->init, &archive, &why);
    if (status == NBASE_OK) status = convlstm_model_from_archive(NULL, archive, NULL, &plain, &why);
    if (status == NBASE_OK) text = adapted(o, convlstm_model_json(plain), err);
    if (text) status = convlstm_model_from_archive(NULL, archive, text, &m, &why);
    bool named = strstr(why.text, o->init) != NULL;
    if (status != NBASE_OK)
        tool_fail(err, status, "%s%s%s", named ? "" : o->init, named ? "" : ": ", why.text);
    free(text);
    convlstm_model_free(plain);
    nbase_archive_free(archive);
    return m;
}

convlstm_model *network_create(train_options *o, size_t height, size_t width, nbase_error *err)
{
    convlstm_model *m = o->init      ? from_file(o, err)
                        : o->network ? from_description(o, err)
                                     : from_preset(o, height, width, err);
    if (m && o->start == START_AVERAGE) convlstm_model_start_average(m, o->seed);
    if (!m || o->memory == 0 || memory_spread(m, o->memory, o->seed, err)) return m;
    convlstm_model_free(m);
    return NULL;
}

bool network_rates(const train_options *o, const convlstm_model *m, convlstm_rate **rates,
                   size_t *count, nbase_error *err)
{
    size_t tensors = convlstm_model_tensor_count(m);
    *count = 0;
    *rates = calloc(tensors ? tensors : 1, sizeof **rates);
    if (!*rates) return tool_no_memory(err);
    for (size_t i = 0; o->rates == RATES_POSITIONS && i < tensors; i++) {
        const char *name = convlstm_model_tensor(m, i)->name;
        size_t positions = convlstm_model_positions(m, name);
        if (positions > 1) (*rates)[(*count)++] = (convlstm_rate){name, 1 / (double)positions};
    }
    return true;
}

static const char *name_of(const train_options *o)
{
    return o->init ? o->init : o->network ? o->network : "the preset";
}

bool network_judges_people(const train_options *o, const convlstm_model *m, nbase_error *err)
{
    return model_judges_people(m, name_of(o), err);
}

bool network_frame_size(const train_options *o, const convlstm_model *m, size_t *height,
                        size_t *width, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    *height = info.height;
    *width = info.width;
    if (!o->image_size || (o->image_size == info.height && o->image_size == info.width))
        return true;
    if (info.any_size) {
        *height = *width = o->image_size;
        return true;
    }
    return tool_fail(
        err, NBASE_ERR_SHAPE,
        "%s: this network is tied to frames of %zu x %zu; --image-size %zu does not fit",
        name_of(o), info.height, info.width, o->image_size);
}
