/* Writes our models as Keras's files. Names and order are those of a fresh Keras model with the
 * same layers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../import/import.h"
#include "activations.h"
#include "calls.h"
#include "export_calls.h"
#include "fileio.h"
#include "h5file.h"
#include "keras_network.h"
#include "members.h"

/* for weights: Keras 2 converts what older versions wrote, and with this version it converts
 * nothing */
#define WRITER "2.15.0"

static const nbase_array *tensor(const convlstm_model *m, const keras_layer *l, int part)
{
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%.100s/%s", l->name, l->kind->parts[part].name);
    return convlstm_model_find(m, name);
}

/* Every tensor must also be a variable in Keras. */
static bool check_tensors(const convlstm_model *m, const keras_network *n, nbase_error *err)
{
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        bool known = false;
        for (size_t k = 0; k < n->count && !known; k++)
            for (int p = 0; n->layers[k].kind->parts[p].name && !known; p++)
                known = tensor(m, &n->layers[k], p) == a;
        if (!known) return tool_fail(err, NBASE_ERR_FORMAT, "Keras has no \"%.100s\"", a->name);
    }
    return true;
}

/* Whether the network is more than a row of layers: a layer of Sequential has one result. */
static bool is_graph(const json_t *description)
{
    json_t *layer;
    size_t i;
    if (json_object_get(description, "outputs") || json_object_get(description, "inputs"))
        return true;
    json_array_foreach(json_object_get(description, "layers"), i, layer)
    {
        if (json_object_get(layer, "inputs") || json_object_get(layer, "shares") ||
            json_is_true(json_object_get(layer, "return_state")))
            return true;
    }
    return false;
}

/* A mask is an argument of calls in Keras, and would be another input of the model. */
static bool check_masks(const json_t *description, nbase_error *err)
{
    json_t *layer;
    size_t i;
    json_array_foreach(json_object_get(description, "layers"), i, layer)
    {
        if (!strcmp(keras_text(layer, "type"), keras_mask_kind.type))
            return tool_fail(
                err, NBASE_ERR_UNSUPPORTED,
                "layer \"%.80s\": where a mask begins to hold is not written for Keras "
                "(skin-export npz has the arrays)",
                keras_text(layer, "name"));
    }
    return true;
}

/* Keras's Conv3D sees as far ahead as back. */
static bool check_causal(const json_t *description, nbase_error *err)
{
    json_t *layer;
    size_t i;
    json_array_foreach(json_object_get(description, "layers"), i, layer)
    {
        if (json_is_true(json_object_get(layer, "causal")))
            return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                             "layer \"%.80s\": Keras has no causal Conv3D: zero_padding3d in front "
                             "and a conv3d with padding valid are written",
                             keras_text(layer, "name"));
    }
    return true;
}

/* The layer, of the description, that is number i in Keras; n->count: there are not so many. */
static size_t layer_at(const keras_network *n, size_t i)
{
    size_t k = 0;
    while (k < n->count && n->layers[k].place != i) k++;
    return k;
}

/* Layers that share weights are calls of one in Keras, which does the same in each. */
static bool check_shared(const keras_network *n, nbase_error *err)
{
    static const char *const own[] = {"name", "inputs", "shares"};
    const json_t *layers = json_object_get(n->description, "layers");
    for (size_t i = 0; i < n->count; i++) {
        size_t owner = keras_owner(layers, i);
        json_t *a = json_copy(json_array_get(layers, i)),
               *b = json_copy(json_array_get(layers, owner));
        for (size_t k = 0; k < 3; k++) json_object_del(a, own[k]), json_object_del(b, own[k]);
        bool same = json_equal(a, b) && n->layers[i].timed == n->layers[owner].timed;
        json_decref(a);
        json_decref(b);
        if (!same)
            return tool_fail(
                err, NBASE_ERR_UNSUPPORTED,
                "layer \"%.80s\" has the weights of \"%.80s\" but other members: Keras "
                "has no such layer",
                n->layers[i].name, n->layers[owner].name);
    }
    return true;
}

/* ---- weights ---- */

static void add_counted(h5file *h5, const convlstm_model *m, const keras_layer *l)
{
    char group[200], path[220];
    const char *inner = l->timed ? "layer" : l->kind->inner;
    snprintf(group, sizeof group, "layers/%s/vars", l->counted);
    h5_add_group(h5, group);
    snprintf(group, sizeof group, "layers/%s/%s%svars", l->counted, inner, *inner ? "/" : "");
    h5_add_group(h5, group);
    int number = 0;
    for (int p = 0; l->kind->parts[p].name; p++) {
        const nbase_array *a = tensor(m, l, p);
        if (!a) continue;
        snprintf(path, sizeof path, "%s/%d", group, number++);
        h5_add_array(h5, path, a);
    }
}

static void add_old(h5file *h5, const convlstm_model *m, const keras_layer *l)
{
    char texts[KERAS_MAX_PARTS][160], path[260];
    const char *names[KERAS_MAX_PARTS];
    size_t count = 0;
    h5_add_group(h5, l->counted);
    for (int p = 0; l->kind->parts[p].name; p++) {
        const nbase_array *a = tensor(m, l, p);
        if (!a) continue;
        snprintf(texts[count], sizeof texts[count], "%s/%s:0", l->counted, l->kind->parts[p].name);
        names[count] = texts[count];
        snprintf(path, sizeof path, "%s/%s", l->counted, texts[count++]);
        h5_add_array(h5, path, a);
    }
    h5_add_texts(h5, l->counted, "weight_names", names, count);
}

static bool add_all_old(h5file *h5, const convlstm_model *m, const keras_network *n,
                        nbase_error *err)
{
    const char **names = calloc(n->count, sizeof *names);
    if (!names) return tool_no_memory(err);
    size_t count = 0;
    for (size_t k = layer_at(n, 0); k < n->count; k = layer_at(n, ++count)) {
        add_old(h5, m, &n->layers[k]);
        names[count] = n->layers[k].counted;
    }
    h5_add_texts(h5, "/", "layer_names", names, count);
    h5_add_text(h5, "/", "backend", "tensorflow");
    h5_add_text(h5, "/", "keras_version", WRITER);
    free(names);
    return true;
}

/* The file's bytes; the caller frees them with free(). */
static void *weights_image(const convlstm_model *m, const keras_network *n, bool old,
                           const char *path, size_t *size, nbase_error *err)
{
    h5file *h5 = h5_create(path, err);
    if (!h5) return NULL;
    bool ok = true;
    if (old)
        ok = add_all_old(h5, m, n, err);
    else {
        h5_add_group(h5, "vars");
        for (size_t i = 0; i < n->count; i++)
            if (n->layers[i].place != KERAS_NO_CALL) add_counted(h5, m, &n->layers[i]);
    }
    void *bytes = ok ? h5_image(h5, size, err) : NULL;
    h5_close(h5);
    return bytes;
}

/* ---- configuration ---- */

static json_t *keras_object(const char *module, const char *class_name, json_t *config)
{
    return json_pack("{s:s, s:s, s:o, s:n}", "module", module, "class_name", class_name, "config",
                     config, "registered_name");
}

static json_t *layer_config(const keras_layer *l, const json_t *description, int generation,
                            const char **custom)
{
    json_t *config = json_object();
    for (const keras_member *member = l->kind->members; member->name; member++) {
        json_t *value = json_object_get(description, member->name);
        const char *name = member->old && generation == 2 ? member->old : member->name;
        if (value && member->unless && keras_same_json(value, member->unless)) continue;
        const char *activation =
            member->conversion == KERAS_ACTIVATION ? json_string_value(value) : NULL;
        if (activation)
            json_object_set_new(config, name,
                                keras_activation_config(activation, generation, custom));
        else if (value)
            json_object_set_new(config, name, keras_member_write(member, value));
    }
    const char *over = json_string_value(json_object_get(description, "over"));
    if (l->kind->axis == KERAS_OVER && over && !strcmp(over, "frame"))
        json_object_set_new(config, "axis", json_pack("[i,i,i]", -3, -2, -1));
    if (l->kind->axis == KERAS_SHARED && !strcmp(over, "channels") && l->axes >= 4)
        json_object_set_new(config, "shared_axes", json_pack("[i,i]", 1, 2));
    json_object_set_new(config, "name", json_string(l->counted));
    json_t *layer = keras_object("keras.layers", l->kind->class_name, config);
    if (!l->timed) return layer;
    char inner[100];
    snprintf(inner, sizeof inner, "%s_in_%s", l->kind->counted, l->counted);
    json_object_set_new(config, "name", json_string(inner));
    return keras_object("keras.layers", "TimeDistributed",
                        json_pack("{s:s, s:o}", "name", l->counted, "layer", layer));
}

/* The shape of an input with its batch, a new reference. open: of any height and width. */
static json_t *input_shape(const convlstm_model *m, size_t k, bool open)
{
    convlstm_model_info info;
    convlstm_input in = {0};
    convlstm_model_get_info(m, &info);
    convlstm_model_input(m, k, &in);
    json_t *shape = json_array();
    json_array_append_new(shape, json_null());
    json_array_append_new(shape, info.frames ? json_integer((json_int_t)info.frames) : json_null());
    for (int d = 0; in.dims == 4 && d < 2; d++) {
        size_t side = d ? in.width : in.height;
        json_array_append_new(shape, open ? json_null() : json_integer((json_int_t)side));
    }
    json_array_append_new(shape, json_integer((json_int_t)in.channels));
    return shape;
}

/* The InputLayers. */
static void add_inputs(const convlstm_model *m, const keras_network *n, int generation, bool graph,
                       bool open, json_t *layers)
{
    const json_t *inputs = json_object_get(n->description, "inputs");
    for (size_t k = 0; k < convlstm_model_input_count(m); k++) {
        char name[100];
        keras_input_name(n, json_array_get(inputs, k), name);
        json_t *input =
            json_pack("{s:o, s:s, s:s}", generation == 3 ? "batch_shape" : "batch_input_shape",
                      input_shape(m, k, open), "dtype", "float32", "name", name);
        json_t *layer = keras_object("keras.layers", "InputLayer", input);
        if (graph) keras_call_input(layer, name);
        json_array_append_new(layers, layer);
    }
}

static json_t *model_config(const convlstm_model *m, const keras_network *n, int generation,
                            const char **custom)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    bool open = info.any_size && generation == 2, /* Keras 3's ConvLSTM2D needs the image size */
        graph = is_graph(n->description);
    json_t *layers = json_array();
    add_inputs(m, n, generation, graph, open, layers);
    for (size_t i = 0, k; (k = layer_at(n, i)) < n->count; i++) {
        const json_t *described = json_object_get(n->description, "layers");
        json_t *layer =
            layer_config(&n->layers[k], json_array_get(described, k), generation, custom);
        if (graph) keras_call_layer(n, k, generation, layer);
        json_array_append_new(layers, layer);
    }
    const char *name = json_string_value(json_object_get(n->description, "name"));
    json_t *config = json_pack("{s:s, s:o}", "name",
                               name && *name ? name
                               : graph       ? "model"
                                             : "sequential",
                               "layers", layers);
    if (graph) keras_call_ends(n, config);
    static const char *const functional[] = {"keras.src.engine.functional",
                                             "keras.src.models.functional"};
    json_t *root = graph ? keras_object(functional[generation - 2], "Functional", config)
                         : keras_object("keras", "Sequential", config);
    if (convlstm_model_input_count(m) == 1)
        json_object_set_new(root, "build_config",
                            json_pack("{s:o}", "input_shape", input_shape(m, 0, open)));
    return root;
}

/* ---- files ---- */

static bool add_entry(nbase_archive *zip, const char *name, const void *bytes, size_t size,
                      nbase_error *err)
{
    if (bytes && !nbase_archive_add(zip, name, NBASE_U8, 1, &size, bytes, NULL)) return true;
    return tool_no_memory(err);
}

static bool add_json(nbase_archive *zip, const char *name, json_t *value, nbase_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT);
    bool ok = add_entry(zip, name, text, text ? strlen(text) : 0, err);
    free(text);
    json_decref(value);
    return ok;
}

static bool write_model(const convlstm_model *m, const keras_network *n, int generation,
                        const void *weights, size_t size, const char *path, const char **custom,
                        nbase_error *err)
{
    nbase_archive *zip;
    if (nbase_archive_create(NULL, &zip)) return tool_no_memory(err);
    /* the same model, the same bytes */
    json_t *metadata = json_pack("{s:s, s:s}", "keras_version", generation == 3 ? "3.0.0" : WRITER,
                                 "date_saved", "1980-01-01@00:00:00");
    bool ok = add_json(zip, "metadata.json", metadata, err) &&
              add_json(zip, "config.json", model_config(m, n, generation, custom), err) &&
              add_entry(zip, "model.weights.h5", weights, size, err) &&
              nbase_archive_write_zip(zip, path, 0, err) == NBASE_OK;
    nbase_archive_free(zip);
    return ok;
}

/* Keras must have all layers. */
static bool check_layers(const keras_network *n, nbase_error *err)
{
    for (size_t i = 0; i < n->count; i++) {
        const keras_layer *l = &n->layers[i];
        if (!l->kind->class_name)
            return tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": Keras has no %s", l->name,
                             l->kind->type);
    }
    return true;
}

bool keras_export(const convlstm_model *m, keras_format format, int generation, const char *path,
                  const char **custom, nbase_error *err)
{
    json_t *description = json_loads(convlstm_model_json(m), 0, NULL);
    keras_network n = {0};
    size_t size = 0;
    *custom = NULL;
    bool ok = (description || tool_no_memory(err)) && check_masks(description, err) &&
              check_causal(description, err) && keras_network_of(description, &n, err) &&
              check_tensors(m, &n, err) && check_layers(&n, err) && check_shared(&n, err);
    void *bytes = ok ? weights_image(m, &n, format == KERAS_OLD_WEIGHTS, path, &size, err) : NULL;
    ok = bytes &&
         (format == KERAS_MODEL ? write_model(m, &n, generation, bytes, size, path, custom, err)
                                : file_write(path, bytes, size, err));
    free(bytes);
    keras_network_free(&n);
    json_decref(description);
    return ok;
}
