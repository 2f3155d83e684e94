/* A TensorFlow checkpoint as weights of layers: by its graph of objects, or, where it has none
 * (tf.compat.v1's Saver), by the names of its tensors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../import/protobuf.h"
#include "fileio.h"
#include "keras_readers.h"
#include "system.h"
#include "tensorflow.h"

#define MAX_INDEX ((size_t)64 << 20)
#define MAX_GRAPH ((uint64_t)64 << 20)

static const char graph_key[] = "_CHECKPOINTABLE_OBJECT_GRAPH";

typedef struct reader {
    const char *prefix;
    tensorflow_index index;
    keras_file *out;
    nbase_error *err;
} reader;

/* Puts the file's name before the error. */
static bool in_file(const reader *r, const char *suffix)
{
    nbase_error inner = *r->err;
    return tool_fail(r->err, NBASE_ERR_FORMAT, "%.300s%s: %s", r->prefix, suffix, inner.text);
}

/* ---- bytes ---- */

static bool read_bytes(const reader *r, const tensorflow_entry *e, void *bytes)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s.data-%05u-of-%05u", r->prefix, e->shard, r->index.shards) >=
        (int)sizeof path)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "the path is too long");
    FILE *f = system_open_any(path);
    if (!f)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%.300s: %s (it belongs to the .index)", path,
                         strerror(errno));
    bool ok = e->offset <= INT64_MAX && !fseeko(f, (off_t)e->offset, SEEK_SET) &&
              fread(bytes, 1, (size_t)e->size, f) == e->size;
    fclose(f);
    if (!ok)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "%.300s: \"%.100s\" lies beyond its end: truncated", path, e->key);
    return true;
}

static bool summed(const reader *r, const tensorflow_entry *e, uint32_t crc)
{
    return tensorflow_masked(crc) == e->crc ||
           tool_fail(r->err, NBASE_ERR_FORMAT,
                     "%.300s: the checksum of \"%.100s\" is wrong: the file is damaged", r->prefix,
                     e->key);
}

/* The number of floats in the entry, if its bytes hold exactly these. */
static bool is_float_tensor(const tensorflow_entry *e, size_t *count)
{
    uint64_t n = 1, width = e->dtype == TENSORFLOW_DOUBLE ? 8 : 4;
    for (unsigned k = 0; k < e->ndim; k++) {
        /* every tensor has more than one byte per value */
        if (e->shape[k] && n > e->size / e->shape[k]) return false;
        n *= e->shape[k];
    }
    *count = (size_t)n;
    return (e->dtype == TENSORFLOW_FLOAT || e->dtype == TENSORFLOW_DOUBLE) && !e->sliced &&
           n == e->size / width && e->size % width == 0;
}

static bool add_tensor(reader *r, const char *key, const char *layer, const char *part)
{
    const tensorflow_entry *e = tensorflow_find(&r->index, key);
    char name[NBASE_MAX_NAME];
    size_t count;
    if (!e)
        return tool_fail(
            r->err, NBASE_ERR_FORMAT,
            "%.300s.index: the graph of objects names \"%.100s\", which does not exist", r->prefix,
            key);
    if ((size_t)snprintf(name, sizeof name, "%s/%s", layer, part) >= sizeof name)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "%.300s.index: the name \"%.60s...\" is too long", r->prefix, key);
    if (!is_float_tensor(e, &count))
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "%.300s.index: \"%.100s\" is not a whole tensor of float32 or float64",
                         r->prefix, key);
    void *bytes = malloc(e->size ? e->size : 1);
    if (!bytes)
        return tool_fail(r->err, NBASE_ERR_NOMEM, "%.300s: out of memory for \"%.100s\"", r->prefix,
                         key);
    bool ok = read_bytes(r, e, bytes) && summed(r, e, tensorflow_crc32c(0, bytes, e->size));
    nbase_array *array;
    if (ok &&
        nbase_archive_add(r->out->weights, name, NBASE_F32, (int)e->ndim, e->shape, NULL, &array))
        ok = tool_fail(r->err, NBASE_ERR_FORMAT,
                       "%.300s.index: \"%.100s\" occurs twice, or is not text", r->prefix, name);
    for (size_t i = 0; ok && i < count; i++)
        ((float *)array->data)[i] = e->dtype == TENSORFLOW_FLOAT
                                        ? ((const float *)bytes)[i]
                                        : (float)((const double *)bytes)[i];
    free(bytes);
    return ok;
}

/* ---- with a graph ---- */

/* Reads a tensor of one text: its length, the checksum of the length as four bytes, the text. */
static bool read_text_tensor(const reader *r, const tensorflow_entry *e, uint8_t **bytes,
                             import_bytes *text)
{
    *bytes = NULL;
    if (e->dtype != TENSORFLOW_STRING || e->ndim || e->sliced || e->size > MAX_GRAPH)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%.300s.index: \"%s\" is not text", r->prefix,
                         e->key);
    *bytes = malloc(e->size ? e->size : 1);
    if (!*bytes) return tool_fail(r->err, NBASE_ERR_NOMEM, "%.300s: out of memory", r->prefix);
    if (!read_bytes(r, e, *bytes)) return false;
    import_bytes in = {*bytes, e->size, false};
    uint64_t length = protobuf_varint(&in);
    uint32_t of_length = import_u32(&in), length32 = (uint32_t)length;
    if (in.bad || length != in.left ||
        of_length != tensorflow_masked(tensorflow_crc32c(0, &length32, 4)))
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%.300s: \"%s\" is damaged", r->prefix, e->key);
    *text = in;
    /* The checksum covers the lengths as numbers, the checksum of these, and the texts. */
    uint32_t crc = tensorflow_crc32c(0, &length32, 4);
    crc = tensorflow_crc32c(crc, &of_length, 4);
    return summed(r, e, tensorflow_crc32c(crc, in.p, in.left));
}

static bool read_with_graph(reader *r, const tensorflow_entry *e)
{
    uint8_t *bytes;
    import_bytes text = {0};
    tensorflow_graph graph = {0};
    bool ok = read_text_tensor(r, e, &bytes, &text) &&
              (tensorflow_read_graph(text.p, text.left, &graph, r->err) || in_file(r, ""));
    for (size_t i = 0; ok && i < graph.count; i++)
        ok = add_tensor(r, graph.variables[i].key, graph.variables[i].layer,
                        graph.variables[i].part);
    r->out->order = graph.ordered ? KERAS_ORDER_KNOWN : KERAS_ORDER_UNKNOWN;
    import_pool_free(&graph.pool);
    free(bytes);
    return ok;
}

/* ---- without one ---- */

/* The names of layers' parts. What has another name (optimiser slots, counters) is no weight. */
static bool is_weight(const char *part)
{
    static const char *const parts[] = {"kernel", "recurrent_kernel", "bias",           "gamma",
                                        "beta",   "moving_mean",      "moving_variance"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(part, parts[i])) return true;
    return false;
}

static bool read_by_name(reader *r)
{
    r->out->naming = KERAS_BY_NAME;
    r->out->order = KERAS_ORDER_LIKELY;
    for (size_t i = 0; i < r->index.count; i++) {
        const char *key = r->index.entries[i].key;
        char layer[NBASE_MAX_NAME];
        size_t length;
        const char *part = keras_part(key, &length);
        if (!length || !is_weight(part)) continue;
        if (length >= sizeof layer)
            return tool_fail(r->err, NBASE_ERR_FORMAT,
                             "%.300s.index: the name \"%.60s...\" is too long", r->prefix, key);
        memcpy(layer, key, length);
        layer[length] = '\0';
        char *inner = strrchr(layer, '/'); /* conv_lstm2d/conv_lstm_cell/kernel */
        if (inner && !strncmp(inner + 1, "conv_lstm_cell", 14)) *inner = '\0';
        if (!add_tensor(r, key, layer, part)) return false;
    }
    return true;
}

bool keras_read_checkpoint(const char *prefix, keras_file *out, nbase_error *err)
{
    reader r = {.prefix = prefix, .out = out, .err = err};
    char path[4096];
    size_t size;
    snprintf(path, sizeof path, "%s.index", prefix);
    char *bytes = file_read(path, MAX_INDEX, &size, err);
    bool ok = bytes && (tensorflow_read_index(bytes, size, &r.index, err) || in_file(&r, ".index"));
    free(bytes);
    const tensorflow_entry *graph = ok ? tensorflow_find(&r.index, graph_key) : NULL;
    if (ok) ok = graph ? read_with_graph(&r, graph) : read_by_name(&r);
    import_pool_free(&r.index.pool);
    out->kind = "TensorFlow checkpoint";
    return ok;
}
