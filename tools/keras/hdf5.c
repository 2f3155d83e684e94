/* Reads Keras's HDF5 files. It runs behind the fence (hdf5_fenced.c): libhdf5 may not survive a
 * file that was made to harm. The layouts:
 *
 * legacy (model.save, and save_weights of Keras 2): a group a layer, in the order of the attribute
 * "layer_names" of the root or of /model_weights; each with the attribute "weight_names", paths
 * below the group that end in kernel, bias, ... with or without ":0". A saved model also has the
 * root attributes "model_config" (JSON) and "keras_version".
 *
 * .weights.h5 (Keras 3, and Keras 2 from 2.13): /layers/NAME/vars/0, 1, ... and for what a layer
 * wraps /layers/NAME/cell/vars/0, ... (recurrent ones) or /layers/NAME/layer/vars/0, ...
 * (TimeDistributed); names are the class's with _1, _2 in the model's order. It holds no
 * configuration. Keras 2.12 and 2.13 say _layer_checkpoint_dependencies in place of layers. */
#include <stdio.h>
#include <string.h>

#include "../import/import.h"
#include "h5file.h"
#include "hdf5_contents.h"

#define MAX_PARTS 64 /* variables of a layer */

typedef struct reader {
    h5file *h5;
    const char *what;
    hdf5_contents *out;
    nbase_error *err;
} reader;

static bool too_long(const reader *r, const char *name)
{
    return tool_fail(r->err, NBASE_ERR_FORMAT, "%s: the name \"%.60s...\" is too long", r->what,
                     name);
}

/* ---- legacy ---- */

/* "conv_lstm2d/conv_lstm_cell/kernel:0" of the group conv_lstm2d: "conv_lstm2d/kernel". */
static bool read_legacy_weight(reader *r, const char *group, const char *layer, const char *weight)
{
    char path[1024], name[NBASE_MAX_NAME];
    const char *last = strrchr(weight, '/');
    last = last ? last + 1 : weight;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", group, weight) >= sizeof path)
        return too_long(r, weight);
    if ((size_t)snprintf(name, sizeof name, "%s/%.*s", layer, (int)strcspn(last, ":"), last) >=
        sizeof name)
        return too_long(r, layer);
    return h5_read(r->h5, path, r->out->weights, name, r->err);
}

static bool read_legacy_layer(reader *r, const char *root, const char *layer)
{
    char group[600];
    h5_list weights;
    if ((size_t)snprintf(group, sizeof group, "%s%s%s", root, *root ? "/" : "", layer) >=
        sizeof group)
        return too_long(r, layer);
    if (!h5_texts(r->h5, group, "weight_names", &weights)) {
        /* a layer without weights has an empty list of numbers */
        if (h5_attribute_count(r->h5, group, "weight_names") == 0) return true;
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%s: layer \"%.100s\" has no list of weights",
                         r->what, layer);
    }
    bool ok = weights.count <= MAX_PARTS ||
              tool_fail(r->err, NBASE_ERR_FORMAT,
                        "%s: layer \"%.100s\" has %zu weights: a model inside the model?", r->what,
                        layer, weights.count);
    for (size_t i = 0; ok && i < weights.count; i++)
        ok = read_legacy_weight(r, group, layer, weights.items[i]);
    h5_list_free(&weights);
    return ok;
}

static bool read_config(reader *r)
{
    h5_list config, version;
    if (h5_texts(r->h5, "/", "keras_version", &version)) {
        if (version.count) r->out->generation = version.items[0][0] >= '3' ? 3 : 2;
        h5_list_free(&version);
    }
    if (!h5_texts(r->h5, "/", "model_config", &config)) return true;
    r->out->config = strdup(config.count ? config.items[0] : "");
    h5_list_free(&config);
    return r->out->config || tool_fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->what);
}

static bool read_legacy(reader *r, const char *root)
{
    h5_list layers;
    if (!h5_texts(r->h5, *root ? root : "/", "layer_names", &layers))
        return tool_fail(
            r->err, NBASE_ERR_FORMAT,
            "%s: an HDF5 file, but not of Keras: it has neither \"layers\" nor \"layer_names\"",
            r->what);
    bool ok = true;
    for (size_t i = 0; ok && i < layers.count; i++)
        ok = read_legacy_layer(r, root, layers.items[i]);
    h5_list_free(&layers);
    r->out->layout = *root ? HDF5_MODEL : HDF5_WEIGHTS;
    return ok && read_config(r);
}

/* ---- .weights.h5 ---- */

/* The variables of ROOT/LAYER/[WRAPPED/]vars, as LAYER/0, LAYER/1, ... */
static bool read_vars(reader *r, const char *root, const char *layer, const char *wrapped)
{
    char group[600], path[640], name[NBASE_MAX_NAME];
    snprintf(group, sizeof group, "%s/%s/%s%svars", root, layer, wrapped, *wrapped ? "/" : "");
    size_t count = h5_links(r->h5, group);
    if (count > MAX_PARTS)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%s: layer \"%.100s\" has %zu weights", r->what,
                         layer, count);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%zu", group, i);
        if ((size_t)snprintf(name, sizeof name, "%s/%s%s%zu", layer, wrapped, *wrapped ? "/" : "",
                             i) >= sizeof name)
            return too_long(r, layer);
        if (!h5_read(r->h5, path, r->out->weights, name, r->err)) return false;
    }
    return true;
}

static bool read_counted(reader *r, const char *root)
{
    static const char *const wraps[] = {"", "cell", "layer"};
    size_t count = h5_links(r->h5, root);
    r->out->layout = HDF5_COUNTED;
    for (size_t i = 0; i < count; i++) {
        char layer[NBASE_MAX_NAME];
        if (!h5_link_name(r->h5, root, i, layer, sizeof layer))
            return tool_fail(r->err, NBASE_ERR_FORMAT,
                             "%s: the name of a layer can't be read or is too long", r->what);
        for (size_t k = 0; k < sizeof wraps / sizeof *wraps; k++)
            if (!read_vars(r, root, layer, wraps[k])) return false;
    }
    return true;
}

/* ---- file ---- */

bool hdf5_read(const void *bytes, size_t size, const char *what, hdf5_contents *out,
               nbase_error *err)
{
    reader r = {.what = what, .out = out, .err = err};
    r.h5 = h5_open(bytes, size, what, err);
    if (!r.h5) return false;
    const char *counted = h5_exists(r.h5, "layers") ? "layers" : "_layer_checkpoint_dependencies";
    bool ok;
    if (h5_attribute_count(r.h5, "/", "layer_names") < 0 && h5_exists(r.h5, counted))
        ok = read_counted(&r, counted);
    else
        ok = read_legacy(&r, h5_exists(r.h5, "model_weights") ? "model_weights" : "");
    h5_close(r.h5);
    return ok;
}
