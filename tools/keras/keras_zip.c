/* .keras, which is a zip of config.json, metadata.json and model.weights.h5. */
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "keras_readers.h"

/* torch.save writes NAME/data.pkl, and NAME/data/0 and so on. */
static bool is_torch(const nbase_archive *zip)
{
    for (size_t i = 0; i < nbase_archive_count(zip); i++) {
        const char *slash = strrchr(nbase_archive_at(zip, i)->name, '/');
        if (slash && !strcmp(slash, "/data.pkl")) return true;
    }
    return false;
}

static json_t *entry_json(const nbase_archive *zip, const char *entry, const char *what,
                          nbase_error *err)
{
    const nbase_array *a = nbase_archive_find(zip, entry);
    if (!a) {
        tool_fail(err, NBASE_ERR_FORMAT, "%s: a zip, but not of Keras: it has no %s", what, entry);
        return NULL;
    }
    json_error_t problem;
    json_t *json = json_loadb(a->data, a->count, JSON_REJECT_DUPLICATES, &problem);
    if (!json)
        tool_fail(err, NBASE_ERR_FORMAT, "%s: %s: line %d: %s", what, entry, problem.line,
                  problem.text);
    return json;
}

bool keras_read_zip(const void *bytes, size_t size, const char *what, keras_file *out,
                    nbase_error *err)
{
    nbase_archive *zip;
    if (nbase_archive_parse_zip(NULL, bytes, size, what, &zip, err)) return false;
    json_t *metadata = NULL;
    const nbase_array *weights = nbase_archive_find(zip, "model.weights.h5");
    if (is_torch(zip)) {
        nbase_archive_free(zip);
        return tool_fail(
            err, NBASE_ERR_FORMAT,
            "%s: a file of PyTorch (torch.save), not of Keras: skin-import pytorch reads it", what);
    }
    bool ok = (out->config = entry_json(zip, "config.json", what, err)) &&
              (metadata = entry_json(zip, "metadata.json", what, err));
    if (ok && !weights)
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: it has no model.weights.h5", what);
    if (ok) {
        const char *version = json_string_value(json_object_get(metadata, "keras_version"));
        char label[600];
        snprintf(label, sizeof label, "%.500s: model.weights.h5", what);
        ok = keras_read_hdf5(weights->data, weights->count, label, out, err);
        out->generation = version ? *version >= '3' ? 3 : 2 : 0;
        out->kind = "Keras model (.keras)";
    }
    json_decref(metadata);
    nbase_archive_free(zip);
    return ok;
}
