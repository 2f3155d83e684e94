/* Whatever Keras wrote, told by content; and .keras, which is a zip of config.json, metadata.json
 * and model.weights.h5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../import/import.h"
#include "fileio.h"
#include "keras.h"

#define MAX_FILE ((size_t)4 << 30)

static const char hdf5_magic[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};

const char *keras_part(const char *name, size_t *layer_length)
{
    const char *slash = strrchr(name, '/');
    *layer_length = slash ? (size_t)(slash - name) : 0;
    return slash ? slash + 1 : name;
}

void keras_file_free(keras_file *f)
{
    nbase_archive_free(f->weights);
    json_decref(f->config);
    *f = (keras_file){0};
}

/* ---- .keras ---- */

static json_t *entry_json(const nbase_archive *zip, const char *entry, const char *what,
                          nbase_error *err)
{
    const nbase_array *a = nbase_archive_find(zip, entry);
    if (!a) {
        import_fail(err, "%s: a zip, but not of Keras: it has no %s", what, entry);
        return NULL;
    }
    json_error_t problem;
    json_t *json = json_loadb(a->data, a->count, JSON_REJECT_DUPLICATES, &problem);
    if (!json) import_fail(err, "%s: %s: line %d: %s", what, entry, problem.line, problem.text);
    return json;
}

bool keras_read_zip(const void *bytes, size_t size, const char *what, keras_file *out,
                    nbase_error *err)
{
    nbase_archive *zip;
    if (nbase_archive_parse_zip(NULL, bytes, size, what, &zip, err)) return false;
    json_t *metadata = NULL;
    const nbase_array *weights = nbase_archive_find(zip, "model.weights.h5");
    bool ok = (out->config = entry_json(zip, "config.json", what, err)) &&
              (metadata = entry_json(zip, "metadata.json", what, err));
    if (ok && !weights) ok = import_fail(err, "%s: it has no model.weights.h5", what);
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

/* ---- any ---- */

/* Whether PATH is a checkpoint's prefix, its index, or a SavedModel's folder; *prefix is to be
 * freed. */
static bool checkpoint_prefix(const char *path, char **prefix)
{
    struct stat st;
    *prefix = NULL;
    if (!stat(path, &st) && S_ISREG(st.st_mode)) {
        size_t n = strlen(path);
        if (n <= 6 || strcmp(path + n - 6, ".index")) return false;
        *prefix = strndup(path, n - 6);
        return true;
    }
    bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    char index[4096];
    if (snprintf(index, sizeof index, "%s%s.index", path, folder ? "/variables/variables" : "") >=
            (int)sizeof index ||
        stat(index, &st) || !S_ISREG(st.st_mode))
        return false;
    *prefix = strndup(index, strlen(index) - 6);
    return true;
}

static bool head_is(const char *path, const char *magic, size_t n)
{
    char head[8] = {0};
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode)) return false;
    FILE *f = fopen(path, "rb");
    bool same = f && fread(head, 1, n, f) == n && !memcmp(head, magic, n);
    if (f) fclose(f);
    return same;
}

bool keras_recognises(const char *path)
{
    char *prefix;
    bool checkpoint = checkpoint_prefix(path, &prefix);
    free(prefix);
    if (checkpoint || head_is(path, hdf5_magic, sizeof hdf5_magic)) return true;
    size_t n = strlen(path);
    return n > 6 && !strcmp(path + n - 6, ".keras") && head_is(path, "PK", 2);
}

static bool read_file(const char *path, keras_file *out, nbase_error *err)
{
    size_t size;
    char *bytes = file_read(path, MAX_FILE, &size, err);
    bool ok = false;
    if (!bytes) return false;
    if (size >= sizeof hdf5_magic && !memcmp(bytes, hdf5_magic, sizeof hdf5_magic))
        ok = keras_read_hdf5(bytes, size, path, out, err);
    else if (size >= 4 && !memcmp(bytes, "PK\3\4", 4))
        ok = keras_read_zip(bytes, size, path, out, err);
    else
        import_fail(err, "%s: neither HDF5 (.h5), .keras nor the .index of a TensorFlow checkpoint",
                    path);
    free(bytes);
    return ok;
}

bool keras_read(const char *path, keras_file *out, nbase_error *err)
{
    char *prefix;
    *out = (keras_file){0};
    if (nbase_archive_create(NULL, &out->weights))
        return import_fail(err, "%s: out of memory", path);
    bool ok;
    if (checkpoint_prefix(path, &prefix))
        ok = prefix ? keras_read_checkpoint(prefix, out, err)
                    : import_fail(err, "%s: out of memory", path);
    else
        ok = read_file(path, out, err);
    free(prefix);
    if (ok && !nbase_archive_count(out->weights))
        ok = import_fail(err, "%s: it holds no weights", path);
    if (!ok) keras_file_free(out);
    return ok;
}
