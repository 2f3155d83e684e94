/* Chooses the reader of a file by its content. */
#include "keras.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "fail.h"
#include "fileio.h"
#include "keras_readers.h"
#include "system.h"

#define MAX_FILE ((size_t)4 << 30)

static const char hdf5_magic[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};

static bool is_file(const char *path) { return system_look(path, NULL) == SYSTEM_FILE; }

/* The prefix of the newest checkpoint in a folder, as the file "checkpoint" there says, on whose
 * first line tf.train.CheckpointManager and Saver write "model_checkpoint_path: "ckpt-2""; or null.
 * The caller frees it with free(). */
static char *newest_checkpoint(const char *folder)
{
    char path[4096], line[2100], name[2048];
    if (snprintf(path, sizeof path, "%s/checkpoint", folder) >= (int)sizeof path || !is_file(path))
        return NULL;
    FILE *f = system_open_any(path);
    bool found = f && fgets(line, sizeof line, f) &&
                 sscanf(line, "model_checkpoint_path: \"%2047[^\"\n]", name) == 1;
    if (f) fclose(f);
    if (!found) return NULL;
    int n = system_is_absolute(name) ? snprintf(path, sizeof path, "%s", name)
                                     : snprintf(path, sizeof path, "%s/%s", folder, name);
    return n < (int)sizeof path ? strdup(path) : NULL;
}

/* Whether PATH is a checkpoint's prefix, its index, a SavedModel's folder or one of checkpoints.
 * The caller frees *prefix with free(). */
static bool checkpoint_prefix(const char *path, char **prefix)
{
    *prefix = NULL;
    if (is_file(path)) {
        size_t n = strlen(path);
        if (n <= 6 || strcmp(path + n - 6, ".index")) return false;
        *prefix = strndup(path, n - 6);
        return true;
    }
    bool folder = system_look(path, NULL) == SYSTEM_FOLDER;
    char index[4096];
    if (snprintf(index, sizeof index, "%s%s.index", path, folder ? "/variables/variables" : "") >=
            (int)sizeof index ||
        !is_file(index))
        return folder && (*prefix = newest_checkpoint(path));
    *prefix = strndup(index, strlen(index) - 6);
    return true;
}

static bool head_is(const char *path, const char *magic, size_t n)
{
    char head[8] = {0};
    if (!is_file(path)) return false;
    FILE *f = system_open_any(path);
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

/* Whether the bytes begin a pickle, which is what torch.save wrote before it wrote zips. */
static bool is_pickle(const char *bytes, size_t size)
{
    return size >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

static bool read_file(const char *path, keras_file *out, nbase_error *err)
{
    size_t size;
    if (system_look(path, NULL) == SYSTEM_FOLDER)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: a folder with neither a SavedModel (variables/variables.index) nor "
                         "checkpoints (a file \"checkpoint\" that names the newest)",
                         path);
    char *bytes = file_read(path, MAX_FILE, &size, err);
    bool ok = false;
    if (!bytes) return false;
    if (size >= sizeof hdf5_magic && !memcmp(bytes, hdf5_magic, sizeof hdf5_magic))
        ok = keras_read_hdf5(bytes, size, path, out, err);
    else if (size >= 4 && !memcmp(bytes, "PK\3\4", 4))
        ok = keras_read_zip(bytes, size, path, out, err);
    else if (is_pickle(bytes, size))
        tool_fail(
            err, NBASE_ERR_FORMAT,
            "%s: a pickle, as PyTorch's torch.save writes it, not of Keras: skin-import pytorch "
            "reads it",
            path);
    else
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: neither HDF5 (.h5), .keras nor the .index of a TensorFlow checkpoint", path);
    free(bytes);
    return ok;
}

bool keras_read(const char *path, keras_file *out, nbase_error *err)
{
    char *prefix;
    *out = (keras_file){0};
    if (nbase_archive_create(NULL, &out->weights))
        return tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    bool ok;
    if (checkpoint_prefix(path, &prefix))
        ok = prefix ? keras_read_checkpoint(prefix, out, err)
                    : tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    else
        ok = read_file(path, out, err);
    free(prefix);
    if (ok && keras_is_model(out->config)) out->order = KERAS_ORDER_KNOWN;
    /* a configuration may say why there are none that were understood */
    if (ok && !out->config && !nbase_archive_count(out->weights))
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: it holds no weights", path);
    if (!ok) keras_file_free(out);
    return ok;
}
