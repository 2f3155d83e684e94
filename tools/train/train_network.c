#include "train_network.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fileio.h"
#include "memory.h"

static const char *const preset_names[] = {"skincredible", "skincredible-gap"};
static const char *const bn_names[] = {"masked", "compat_tf22", "compat_keras3"};

static json_t *head_of(json_t *network)
{
    json_t *layers = json_object_get(network, "layers");
    return json_array_size(layers) ? json_array_get(layers, json_array_size(layers) - 1) : NULL;
}

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

/* Loss and head agree: the loss on logits that was asked for changes the head, else the head
 * chooses the loss. */
static void settle_loss(train_options *o, json_t *network)
{
    json_t *head = head_of(network);
    const char *activation = json_string_value(json_object_get(head, "activation"));
    if (o->loss == NOT_GIVEN)
        o->loss = activation && !strcmp(activation, "softmax") ? CONVLSTM_LOSS_SOFTMAX
                                                               : CONVLSTM_LOSS_BCE;
    else if (o->loss <= CONVLSTM_LOSS_COMPAT_TF22)
        json_object_set_new(head, "activation",
                            json_string(o->loss == CONVLSTM_LOSS_SOFTMAX ? "softmax" : "sigmoid"));
}

/* The description with the options' changes, to be freed. */
static char *adapted(train_options *o, const char *description)
{
    json_t *network = json_loads(description, 0, NULL);
    if (network && o->bn != NOT_GIVEN) set_bn(network, "mode", json_string(bn_names[o->bn]));
    if (network && o->bn_momentum >= 0) set_bn(network, "momentum", json_real(o->bn_momentum));
    if (network) settle_loss(o, network);
    char *text = network ? json_dumps(network, JSON_COMPACT) : NULL;
    json_decref(network);
    if (!text) cli_error("out of memory");
    return text;
}

static convlstm_model *from_preset(train_options *o, size_t height, size_t width)
{
    nbase_error err = {0};
    char *description = NULL;
    convlstm_model *m = NULL;
    if (convlstm_preset_json(preset_names[o->preset == NOT_GIVEN ? 0 : o->preset], height, width,
                             &description, &err) == NBASE_OK) {
        char *text = adapted(o, description);
        if (text && convlstm_model_create(NULL, text, o->seed, &m, &err) != NBASE_OK) m = NULL;
        free(text);
        convlstm_text_free(description);
    }
    if (!m) cli_error("%s", err.text[0] ? err.text : "the network cannot be made");
    return m;
}

#define MAX_DESCRIPTION (1 << 20)

/* --network FILE. */
static convlstm_model *from_description(train_options *o)
{
    nbase_error err = {0};
    convlstm_model *m = NULL;
    char *description = file_read(o->network, MAX_DESCRIPTION, NULL, &err);
    if (!description) {
        cli_report(&err);
        return NULL;
    }
    json_error_t why;
    json_t *network = json_loads(description, 0, &why);
    if (!network) cli_error("%s, line %d: %s", o->network, why.line, why.text);
    json_decref(network);
    char *text = network ? adapted(o, description) : NULL;
    if (text && convlstm_model_create(NULL, text, o->seed, &m, &err) != NBASE_OK)
        cli_error("%s: %s", o->network, err.text);
    free(text);
    free(description);
    return m;
}

static convlstm_model *from_file(train_options *o)
{
    nbase_error err = {0};
    nbase_archive *archive = NULL;
    convlstm_model *plain = NULL, *m = NULL;
    char *text = NULL;
    nbase_status status = nbase_archive_read(NULL, o->init, &archive, &err);
    if (status == NBASE_OK) status = convlstm_model_from_archive(NULL, archive, NULL, &plain, &err);
    if (status == NBASE_OK) text = adapted(o, convlstm_model_json(plain));
    if (text) status = convlstm_model_from_archive(NULL, archive, text, &m, &err);
    if (status != NBASE_OK)
        cli_error("%s%s%s", strstr(err.text, o->init) ? "" : o->init,
                  strstr(err.text, o->init) ? "" : ": ", err.text);
    free(text);
    convlstm_model_free(plain);
    nbase_archive_free(archive);
    return m;
}

convlstm_model *network_create(train_options *o, size_t height, size_t width)
{
    convlstm_model *m = o->init      ? from_file(o)
                        : o->network ? from_description(o)
                                     : from_preset(o, height, width);
    if (!m || o->memory == 0 || memory_spread(m, o->memory, o->seed)) return m;
    convlstm_model_free(m);
    return NULL;
}

static const char *name_of(const train_options *o)
{
    return o->init ? o->init : o->network ? o->network : "the preset";
}

bool network_frame_size(const train_options *o, const convlstm_model *m, size_t *height,
                        size_t *width)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    *height = info.height;
    *width = info.width;
    if (info.output_dims != 1 || info.outputs != 2 || info.channels != 3) {
        cli_error("%s: a network with %zu channels and %zu outputs%s; 3, and a vector of 2, are "
                  "needed here",
                  name_of(o), info.channels, info.outputs, info.output_dims == 1 ? "" : " a pixel");
        return false;
    }
    if (!o->image_size || (o->image_size == info.height && o->image_size == info.width))
        return true;
    if (info.any_size) {
        *height = *width = o->image_size;
        return true;
    }
    cli_error("%s: this network is tied to frames of %zu x %zu; --image-size %zu does not fit",
              name_of(o), info.height, info.width, o->image_size);
    return false;
}
