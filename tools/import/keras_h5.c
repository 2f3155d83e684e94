/* Keras's HDF5 files, in two layouts:
 *
 * legacy (model.save, and save_weights of Keras 2): a group a layer, in the order of the attribute "layer_names" of the root or of /model_weights; each with
 * the attribute "weight_names", paths below the group that end in kernel, bias, ... with or without ":0". A saved model also has the root
 * attributes "model_config" (JSON) and "keras_version".
 *
 * .weights.h5 (Keras 3, and Keras 2 from 2.13): /layers/NAME/vars/0, 1, ... or, for a recurrent layer, /layers/NAME/cell/vars/0, 1, ...; names are the class's
 * with _1, _2 in the model's order. It holds no configuration.
 *
 * Layers are told by what they have and numbered by kind, as the tensors are named here. The one file that includes hdf5.h. */
#include "network.h"

#include "cli.h"

#ifndef HAVE_HDF5

bool keras_read_h5(const char *source, nbase_archive **tensors, network_facts *facts)
{
    (void)tensors;
    (void)facts;
    cli_error("%s: this build has no HDF5: install libhdf5-dev and build again, or save the weights as .npz", source);
    return false;
}

#else

#include <hdf5.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT ((size_t)16 << 20)
#define MAX_LAYERS 1000
#define MAX_ELEMENTS ((hssize_t)1 << 28) /* of a tensor: a file can claim more than it holds */
#define MAX_PARTS 8
#define MAX_NAME 200

typedef enum layer_kind { KIND_CONV_LSTM, KIND_BATCH_NORMALIZATION, KIND_DENSE, KINDS } layer_kind;

static const struct {
    const char *name;
    int parts;
    const char *part[4]; /* in the order of Keras's variables */
} kinds[KINDS] = {
    {"conv_lstm2d", 3, {"kernel", "recurrent_kernel", "bias"}},
    {"batch_normalization", 4, {"gamma", "beta", "moving_mean", "moving_variance"}},
    {"dense", 2, {"kernel", "bias"}},
};

typedef struct reader {
    const char *source;
    hid_t file;
    nbase_archive *archive;
    size_t seen[KINDS];
} reader;

/* ---- tensors ---------------------------------------------------------------------------------------------------- */

static bool add_dataset(reader *r, hid_t group, const char *path, const char *name)
{
    hid_t set = H5Dopen2(group, path, H5P_DEFAULT), space = set < 0 ? -1 : H5Dget_space(set);
    hsize_t dims[NBASE_MAX_DIMS];
    size_t shape[NBASE_MAX_DIMS];
    int ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    bool ok = ndim >= 0 && ndim <= NBASE_MAX_DIMS && H5Sget_simple_extent_dims(space, dims, NULL) == ndim && H5Sget_simple_extent_npoints(space) <= MAX_ELEMENTS;
    for (int k = 0; ok && k < ndim; k++) shape[k] = (size_t)dims[k];
    nbase_array *array = NULL;
    nbase_status status = ok ? nbase_archive_add(r->archive, name, NBASE_F32, ndim, shape, NULL, &array) : NBASE_ERR_FORMAT;
    ok = !status && H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data) >= 0;
    if (!ok) cli_error("%s: cannot read the weights \"%s\" (%s)%s", r->source, path, name, status == NBASE_ERR_NOMEM ? ": out of memory" : "");
    if (space >= 0) H5Sclose(space);
    if (set >= 0) H5Dclose(set);
    return ok;
}

/* paths[i] leads from the group to part i of the kind. */
static bool add_layer(reader *r, hid_t group, layer_kind kind, char paths[MAX_PARTS][256])
{
    size_t number = r->seen[kind]++;
    for (int i = 0; i < kinds[kind].parts; i++) {
        char name[NBASE_MAX_NAME];
        if (number) snprintf(name, sizeof name, "%s_%zu/%s", kinds[kind].name, number, kinds[kind].part[i]);
        else snprintf(name, sizeof name, "%s/%s", kinds[kind].name, kinds[kind].part[i]);
        if (!add_dataset(r, group, paths[i], name)) return false;
    }
    return true;
}

/* ---- attributes ------------------------------------------------------------------------------------------------- */

typedef struct texts {
    char **items;
    size_t count;
} texts;

static void free_texts(texts *t)
{
    for (size_t i = 0; i < t->count; i++) free(t->items[i]);
    free(t->items);
    memset(t, 0, sizeof *t);
}

/* Texts of fixed length come in one piece. */
static bool read_fixed(hid_t attribute, size_t width, size_t count, texts *out)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    char *bytes = calloc(count, width + 1);
    bool ok = bytes && type >= 0 && H5Tset_size(type, width + 1) >= 0 && H5Aread(attribute, type, bytes) >= 0; /* one more: always terminated */
    for (size_t i = 0; ok && i < count; i++) ok = (out->items[out->count++] = strdup(bytes + i * (width + 1))) != NULL;
    free(bytes);
    if (type >= 0) H5Tclose(type);
    return ok;
}

static bool read_variable(hid_t attribute, hid_t file_type, hid_t space, size_t count, texts *out)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    char **items = calloc(count, sizeof *items);
    bool ok = items && type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5Tget_cset(file_type)) >= 0 && H5Aread(attribute, type, items) >= 0;
    for (size_t i = 0; ok && i < count; i++) ok = (out->items[out->count++] = strdup(items[i] ? items[i] : "")) != NULL;
    if (ok) H5Dvlen_reclaim(type, space, H5P_DEFAULT, items);
    free(items);
    if (type >= 0) H5Tclose(type);
    return ok;
}

/* One text or many. False if the attribute is missing or holds something else. */
static bool read_texts(hid_t object, const char *name, texts *out)
{
    memset(out, 0, sizeof *out);
    if (H5Aexists(object, name) <= 0) return false;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = attribute < 0 ? -1 : H5Aget_type(attribute), space = attribute < 0 ? -1 : H5Aget_space(attribute);
    hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    bool ok = type >= 0 && count >= 0 && count <= MAX_LAYERS;
    if (ok && count) {
        size_t width = H5Tget_size(type);
        out->items = calloc((size_t)count, sizeof *out->items);
        ok = out->items && H5Tget_class(type) == H5T_STRING && width > 0 && width < MAX_TEXT;
        if (ok && H5Tis_variable_str(type) > 0) ok = read_variable(attribute, type, space, (size_t)count, out);
        else if (ok) ok = read_fixed(attribute, width, (size_t)count, out);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    if (!ok) free_texts(out);
    return ok;
}

/* ---- the legacy layout ------------------------------------------------------------------------------------------ */

/* "conv_lstm2d/conv_lstm_cell/kernel:0" ends in "kernel". */
static bool ends_in(const char *path, const char *part)
{
    const char *last = strrchr(path, '/');
    last = last ? last + 1 : path;
    size_t n = strcspn(last, ":");
    return n == strlen(part) && !strncmp(last, part, n);
}

/* The kind whose parts are exactly the weights; fills paths in the kind's order. */
static bool match_kind(const texts *weights, layer_kind *kind, char paths[MAX_PARTS][256])
{
    for (int k = 0; k < KINDS; k++) {
        int found = 0;
        for (int part = 0; part < kinds[k].parts; part++)
            for (size_t i = 0; i < weights->count; i++)
                if (ends_in(weights->items[i], kinds[k].part[part]) && strlen(weights->items[i]) < sizeof paths[0]) {
                    strcpy(paths[part], weights->items[i]);
                    found++;
                    break;
                }
        *kind = (layer_kind)k;
        if (found == kinds[k].parts && weights->count == (size_t)found) return true;
    }
    return false;
}

static bool read_legacy_layer(reader *r, hid_t root, const char *name)
{
    hid_t group = H5Gopen2(root, name, H5P_DEFAULT);
    texts weights = {0};
    char paths[MAX_PARTS][256];
    layer_kind kind;
    bool ok = group >= 0 && read_texts(group, "weight_names", &weights);
    if (!ok) {
        bool empty = group >= 0 && H5Aexists(group, "weight_names") > 0; /* a layer without weights may have an empty list of numbers there */
        hsize_t links = 1;
        H5G_info_t info;
        if (empty && H5Gget_info(group, &info) >= 0) links = info.nlinks;
        ok = empty && !links;
        if (!ok) cli_error("%s: layer \"%s\" has no list of weights", r->source, name);
    } else if (weights.count) {
        ok = match_kind(&weights, &kind, paths);
        if (!ok) cli_error("%s: layer \"%s\" has %zu weights and is none of ConvLSTM2D, BatchNormalization, Dense", r->source, name, weights.count);
        ok = ok && add_layer(r, group, kind, paths);
    }
    free_texts(&weights);
    if (group >= 0) H5Gclose(group);
    return ok;
}

static bool read_legacy(reader *r, hid_t root, const texts *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        if (!read_legacy_layer(r, root, layers->items[i])) return false;
    return true;
}

/* ---- the layout of .weights.h5 ---------------------------------------------------------------------------------- */

typedef struct numbered_layer {
    layer_kind kind;
    long number; /* of its name: dense_1 */
    char path[256];
} numbered_layer;

static int by_number(const void *a, const void *b)
{
    const numbered_layer *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static long number_of(const char *name)
{
    const char *underscore = strrchr(name, '_');
    char *end;
    long n = underscore ? strtol(underscore + 1, &end, 10) : 0;
    return underscore && *end == '\0' && end > underscore + 1 ? n : 0;
}

/* Number of links in a group, 0 if it is not there. Every part of the path must be tested on its own. */
static size_t links_in(hid_t root, const char *layer, const char *middle, const char *last)
{
    char path[300];
    H5G_info_t info;
    snprintf(path, sizeof path, "%s", layer);
    if (H5Lexists(root, path, H5P_DEFAULT) <= 0) return 0;
    if (*middle) {
        snprintf(path, sizeof path, "%s/%s", layer, middle);
        if (H5Lexists(root, path, H5P_DEFAULT) <= 0) return 0;
        snprintf(path, sizeof path, "%s/%s/%s", layer, middle, last);
    } else snprintf(path, sizeof path, "%s/%s", layer, last);
    if (H5Lexists(root, path, H5P_DEFAULT) <= 0 || H5Gget_info_by_name(root, path, &info, H5P_DEFAULT) < 0) return 0;
    return (size_t)info.nlinks;
}

static bool classify(reader *r, hid_t layers, const char *name, numbered_layer *out, bool *has_weights)
{
    size_t cell = links_in(layers, name, "cell", "vars"), own = links_in(layers, name, "", "vars");
    *has_weights = cell || own;
    if (!*has_weights) return true;
    if (strlen(name) > MAX_NAME) {
        cli_error("%s: the layer name \"%.40s...\" is too long", r->source, name);
        return false;
    }
    out->number = number_of(name);
    out->kind = cell ? KIND_CONV_LSTM : own == 4 ? KIND_BATCH_NORMALIZATION : KIND_DENSE;
    snprintf(out->path, sizeof out->path, "%.*s/%s", MAX_NAME, name, cell ? "cell/vars" : "vars");
    if ((cell ? cell : own) == (size_t)kinds[out->kind].parts) return true;
    cli_error("%s: layer \"%.100s\" has %zu weights and is none of ConvLSTM2D, BatchNormalization, Dense", r->source, name, cell ? cell : own);
    return false;
}

static bool add_numbered(reader *r, hid_t layers, const numbered_layer *layer)
{
    char paths[MAX_PARTS][256];
    for (int i = 0; i < kinds[layer->kind].parts; i++) snprintf(paths[i], sizeof paths[i], "%.240s/%d", layer->path, i);
    return add_layer(r, layers, layer->kind, paths);
}

static bool read_weights_file(reader *r, hid_t layers)
{
    H5G_info_t info;
    if (H5Gget_info(layers, &info) < 0 || info.nlinks > MAX_LAYERS) {
        cli_error("%s: the group of layers can't be read", r->source);
        return false;
    }
    numbered_layer *found = calloc((size_t)info.nlinks + 1, sizeof *found);
    size_t count = 0;
    bool ok = found != NULL;
    for (hsize_t i = 0; ok && i < info.nlinks; i++) {
        char name[256];
        bool has_weights = false;
        ok = H5Lget_name_by_idx(layers, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT) > 0 && classify(r, layers, name, &found[count], &has_weights);
        count += has_weights;
    }
    if (ok) qsort(found, count, sizeof *found, by_number);
    for (size_t i = 0; ok && i < count; i++) ok = add_numbered(r, layers, &found[i]);
    free(found);
    return ok;
}

/* ---- configuration ---------------------------------------------------------------------------------------------- */

/* Keras 2's "hard_sigmoid" is clip(0.2x+0.5), Keras 3's relu6(x+3)/6. */
static const char *known_recurrent(const char *name, bool keras3)
{
    if (!strcmp(name, "sigmoid")) return "sigmoid";
    if (!strcmp(name, "hard_sigmoid")) return keras3 ? "hard_sigmoid_k3" : "hard_sigmoid_k2";
    return NULL;
}

static void read_layer_config(const json_t *layer, bool keras3, network_facts *facts, const char *source)
{
    const char *class = json_string_value(json_object_get(layer, "class_name"));
    const json_t *config = json_object_get(layer, "config");
    if (class && !strcmp(class, "ConvLSTM2D")) {
        const char *name = json_string_value(json_object_get(config, "recurrent_activation"));
        facts->recurrent_activation = name ? known_recurrent(name, keras3) : NULL;
        if (!facts->recurrent_activation) cli_warn("%s: the recurrent activation \"%s\" is not known here: say which with --recurrent-activation", source, name ? name : "(a function)");
    } else if (class && !strcmp(class, "Dense")) {
        const char *name = json_string_value(json_object_get(config, "activation"));
        facts->output_activation = name && !strcmp(name, "softmax") ? "softmax" : NULL; /* the last one stays */
    }
}

static void read_config(reader *r, network_facts *facts)
{
    texts config, version;
    if (!read_texts(r->file, "model_config", &config)) return;
    bool keras3 = read_texts(r->file, "keras_version", &version) && version.count && version.items[0][0] >= '3';
    json_t *root = config.count ? json_loads(config.items[0], 0, NULL) : NULL, *layer;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(root, "config"), "layers"), i, layer) read_layer_config(layer, keras3, facts, r->source);
    json_decref(root);
    free_texts(&config);
    free_texts(&version);
}

/* ---- file ------------------------------------------------------------------------------------------------------- */

static bool read_file(reader *r, network_facts *facts)
{
    texts layers;
    bool model = H5Lexists(r->file, "model_weights", H5P_DEFAULT) > 0, weights = !model && H5Lexists(r->file, "layers", H5P_DEFAULT) > 0;
    hid_t root = H5Gopen2(r->file, model ? "model_weights" : weights ? "layers" : "/", H5P_DEFAULT);
    bool ok = false;
    if (weights && root >= 0) ok = read_weights_file(r, root);
    else if (root >= 0 && read_texts(root, "layer_names", &layers)) {
        ok = read_legacy(r, root, &layers);
        free_texts(&layers);
        if (ok) read_config(r, facts);
    } else cli_error("%s: an HDF5 file, but not of Keras weights", r->source);
    if (root >= 0) H5Gclose(root);
    return ok;
}

bool keras_read_h5(const char *source, nbase_archive **tensors, network_facts *facts)
{
    reader r = {.source = source, .file = -1};
    *tensors = NULL;
    if (access(source, R_OK)) {
        cli_error("%s: cannot read this file", source);
        return false;
    }
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its stack of messages is not for users */
    r.file = H5Fopen(source, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (r.file < 0) {
        cli_error("%s: not an HDF5 file, or a damaged one (of a .keras file, which is a zip, take model.weights.h5)", source);
        return false;
    }
    bool ok = nbase_archive_create(NULL, &r.archive) == NBASE_OK;
    if (!ok) cli_error("%s: out of memory", source);
    ok = ok && read_file(&r, facts);
    H5Fclose(r.file);
    if (ok) *tensors = r.archive;
    else nbase_archive_free(r.archive);
    return ok;
}

#endif
