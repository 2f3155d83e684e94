/* Reads Keras's HDF5 files. It runs behind the fence (hdf5_fenced.c): libhdf5 may not survive a
 * file that was made to harm. The layouts:
 *
 * legacy (model.save, and save_weights of Keras 2): a group per layer, in the order of the
 * attribute "layer_names" of the root or of /model_weights; each with the attribute "weight_names",
 * paths below the group that end in kernel, bias, ... with or without ":0". A saved model also has
 * the root attributes "model_config" (JSON) and "keras_version".
 *
 * .weights.h5 (Keras 3, and Keras 2 from 2.13): /layers/NAME/vars/0, 1, ... and for what a layer
 * wraps /layers/NAME/cell/vars/0, ... (recurrent ones) or /layers/NAME/layer/vars/0, ...
 * (TimeDistributed); names are the class's with _1, _2 in the model's order. It holds no
 * configuration. Keras 2.12 and 2.13 say _layer_checkpoint_dependencies in place of layers. Layers
 * of a subclassed model are in /ATTRIBUTE/..., or in /layers as well, by the order of making. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../import/import.h"
#include "h5file.h"
#include "hdf5_contents.h"

/* Variables of a layer, and of a model inside the model; groups; how deep they are nested. */
enum { MAX_PARTS = 64, MAX_WEIGHTS = 2000, MAX_GROUPS = 20000, MAX_DEPTH = 20 };

typedef struct reader {
    h5file *h5;
    const char *what;
    hdf5_contents *out;
    nbase_error *err;
    size_t groups; /* that have been read */
} reader;

static bool too_long(const reader *r, const char *name)
{
    return tool_fail(r->err, NBASE_ERR_FORMAT, "%s: the name \"%.60s...\" is too long", r->what,
                     name);
}

/* ---- legacy ---- */

/* The next part of a path: its length, and *path moves behind it. */
static size_t next_part(const char **path)
{
    size_t n = strcspn(*path, "/");
    *path += n + ((*path)[n] == '/');
    return n;
}

static bool part_is(const char *part, size_t n, const char *text)
{
    return n == strlen(text) && !memcmp(part, text, n);
}

/* "sequential", "sequential_1": a name that Keras gives to a model that knows its layers' order. */
static bool names_model(const char *name, size_t n)
{
    static const char *const stems[] = {"sequential", "functional", "model"};
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
        size_t stem = strlen(stems[i]);
        if (n < stem || memcmp(name, stems[i], stem)) continue;
        if (n == stem) return true;
        if (name[stem] == '_' && n > stem + 1 &&
            strspn(name + stem + 1, "0123456789") >= n - stem - 1)
            return true;
    }
    return false;
}

/* What a weight's path says beside the group and the weight's own name. The group "conv_lstm2d" has
 * "conv_lstm2d/conv_lstm_cell/kernel:0", and of a subclassed model "owned/conv_lstm2d/kernel:0";
 * the group "bidirectional" has "bidirectional/forward_conv_lstm2d/kernel:0", that of a model
 * inside a model "dense/kernel:0". Into `inner`: "", or "/forward_conv_lstm2d". */
static void inner_path(reader *r, const char *layer, const char *weight, char *inner, size_t room)
{
    const char *last = strrchr(weight, '/'), *rest = weight, *owner = NULL;
    size_t used = 0, owner_length = 0;
    inner[0] = '\0';
    for (const char *part = rest; last && part <= last; part = rest) {
        size_t n = next_part(&rest);
        if (part_is(part, n, layer)) {
            if (owner && !names_model(owner, owner_length)) r->out->order = KERAS_ORDER_UNKNOWN;
            used = 0;
            inner[0] = '\0';
        } else if (strncmp(part, "conv_lstm_cell", 14) && used < room) {
            used += (size_t)snprintf(inner + used, room - used, "/%.*s", (int)n, part);
        }
        owner = part;
        owner_length = n;
    }
}

static bool read_legacy_weight(reader *r, const char *group, const char *layer, const char *inner,
                               const char *weight)
{
    char path[1024], name[NBASE_MAX_NAME];
    const char *last = strrchr(weight, '/');
    last = last ? last + 1 : weight;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", group, weight) >= sizeof path)
        return too_long(r, weight);
    if ((size_t)snprintf(name, sizeof name, "%s%s/%.*s", layer, inner, (int)strcspn(last, ":"),
                         last) >= sizeof name)
        return too_long(r, layer);
    return h5_read(r->h5, path, r->out->weights, name, r->err);
}

/* Those of a layer. A model inside the model has first all weights that are trained and then the
 * others: here those of each of its layers stand together. */
static bool read_legacy_weights(reader *r, const char *group, const char *layer,
                                const h5_list *weights)
{
    char(*inner)[NBASE_MAX_NAME] = calloc(weights->count + 1, sizeof *inner);
    bool *done = calloc(weights->count + 1, sizeof *done), ok = inner && done;
    if (!ok) tool_fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->what);
    for (size_t i = 0; ok && i < weights->count; i++)
        inner_path(r, layer, weights->items[i], inner[i], sizeof inner[i]);
    for (size_t i = 0; ok && i < weights->count; i++)
        for (size_t k = i; ok && !done[i] && k < weights->count; k++) {
            if (done[k] || strcmp(inner[k], inner[i])) continue;
            ok = read_legacy_weight(r, group, layer, inner[k], weights->items[k]);
            done[k] = k > i;
        }
    free(inner);
    free(done);
    return ok;
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
    bool ok = weights.count <= MAX_WEIGHTS ||
              tool_fail(r->err, NBASE_ERR_FORMAT, "%s: layer \"%.100s\" has %zu weights", r->what,
                        layer, weights.count);
    ok = ok && read_legacy_weights(r, group, layer, &weights);
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

/* The variables of GROUP/vars, as LAYER/0, LAYER/1, ... */
static bool read_vars(reader *r, const char *group, const char *layer)
{
    char vars[600], path[640], name[NBASE_MAX_NAME];
    if ((size_t)snprintf(vars, sizeof vars, "%s/vars", group) >= sizeof vars)
        return too_long(r, layer);
    size_t count = h5_links(r->h5, vars);
    if (count > MAX_PARTS)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%s: layer \"%.100s\" has %zu weights", r->what,
                         layer, count);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%zu", vars, i);
        if ((size_t)snprintf(name, sizeof name, "%s/%zu", layer, i) >= sizeof name)
            return too_long(r, layer);
        if (!h5_read(r->h5, path, r->out->weights, name, r->err)) return false;
    }
    return true;
}

static bool is_layers(const char *name)
{
    return !strcmp(name, "layers") || !strcmp(name, "_layer_checkpoint_dependencies");
}

/* Whether a link leads to no weights. */
static bool leads_away(const char *name, int depth)
{
    return !strcmp(name, "vars") || !strcmp(name, "seed_generator") ||
           (!depth && !strncmp(name, "optimizer", 9));
}

/* All variables at and below a group. `layer` is its path without what is_layers; "" for the
 * root's. */
static bool read_group(reader *r, const char *group, const char *layer, int depth)
{
    if (depth > MAX_DEPTH || ++r->groups > MAX_GROUPS)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%s: it has too many groups", r->what);
    if (*layer && !read_vars(r, group, layer)) return false;
    size_t links = h5_links(r->h5, group);
    for (size_t i = 0; i < links; i++) {
        char name[NBASE_MAX_NAME], path[600], inner[NBASE_MAX_NAME];
        if (!h5_link_name(r->h5, group, i, name, sizeof name))
            return tool_fail(r->err, NBASE_ERR_FORMAT,
                             "%s: the name of a layer can't be read or is too long", r->what);
        if (leads_away(name, depth)) continue;
        bool root = !strcmp(group, "/");
        int n = is_layers(name)
                    ? snprintf(inner, sizeof inner, "%s", layer)
                    : snprintf(inner, sizeof inner, "%s%s%s", layer, *layer ? "/" : "", name);
        if (n >= (int)sizeof inner || snprintf(path, sizeof path, "%s%s%s", root ? "" : group,
                                               root ? "" : "/", name) >= (int)sizeof path)
            return too_long(r, name);
        size_t before = nbase_archive_count(r->out->weights);
        if (!read_group(r, path, inner, depth + 1)) return false;
        if (root && !is_layers(name) && nbase_archive_count(r->out->weights) > before)
            r->out->order = KERAS_ORDER_UNKNOWN; /* an attribute of the user's class */
    }
    return true;
}

/* An input among the layers is of a Functional model; the root may have the model's name. */
static keras_order order_of_counted(const reader *r, const char *layers)
{
    char path[120];
    h5_list name;
    static const char *const inputs[] = {"input_layer", "input_layer_1"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", layers, inputs[i]);
        if (h5_exists(r->h5, path)) return KERAS_ORDER_KNOWN;
    }
    if (!h5_texts(r->h5, "vars", "name", &name)) return KERAS_ORDER_LIKELY;
    bool known = name.count && names_model(name.items[0], strlen(name.items[0]));
    h5_list_free(&name);
    return known ? KERAS_ORDER_KNOWN : KERAS_ORDER_LIKELY;
}

static bool read_counted(reader *r, const char *layers)
{
    r->out->layout = HDF5_COUNTED;
    r->out->order = order_of_counted(r, layers);
    return read_group(r, "/", "", 0);
}

/* ---- file ---- */

bool hdf5_read(const void *bytes, size_t size, const char *what, hdf5_contents *out,
               nbase_error *err)
{
    reader r = {.what = what, .out = out, .err = err};
    r.h5 = h5_open(bytes, size, what, err);
    if (!r.h5) return false;
    const char *layers = h5_exists(r.h5, "layers") ? "layers" : "_layer_checkpoint_dependencies";
    bool ok;
    /* a subclassed model may have attributes alone, and "vars" of its own */
    if (h5_attribute_count(r.h5, "/", "layer_names") < 0 && !h5_exists(r.h5, "model_weights") &&
        (h5_exists(r.h5, layers) || h5_exists(r.h5, "vars")))
        ok = read_counted(&r, layers);
    else
        ok = read_legacy(&r, h5_exists(r.h5, "model_weights") ? "model_weights" : "");
    h5_close(r.h5);
    return ok;
}
