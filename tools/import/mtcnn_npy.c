/* Two containers in a .npy that holds one Python object (a pickle, protocol 2):
 *
 * mtcnn 0.1.x, mtcnn_weights.npy: {"pnet": [...], "rnet": [...], "onet": [...]} with the arrays in
 * the order of Keras's get_weights: kernel, bias and slopes of each layer, the heads as class, box,
 * landmarks. Written by Python 3: raw bytes appear as _codecs.encode(text, "latin1").
 *
 * Both hold kernels for a transposed image: the first axis is the width of the upright one. */
#include <string.h>

#include "mtcnn_import.h"
#include "pickle.h"

static const char *const names[] = {"numpy.core.multiarray _reconstruct", "numpy ndarray",
                                    "numpy dtype", "_codecs encode", NULL};
static const char axes[] = "WHIO";

/* Turns UTF-8 of code points below 256 back into the bytes that they stand for. */
static const uint8_t *latin1_bytes(const pickle_value *text, import_pool *pool, size_t *size,
                                   nbase_error *err)
{
    uint8_t *out = import_alloc(pool, text->size, 1);
    if (!out) {
        tool_no_memory(err);
        return NULL;
    }
    size_t n = 0;
    for (size_t i = 0; i < text->size; i++) {
        unsigned c = text->bytes[i];
        if (c >= 0x80) {
            unsigned next = i + 1 < text->size ? text->bytes[++i] : 0;
            if ((c != 0xc2 && c != 0xc3) || (next & 0xc0) != 0x80) {
                tool_fail(err, NBASE_ERR_FORMAT, "array data that are not bytes");
                return NULL;
            }
            c = (c & 3) << 6 | (next & 0x3f);
        }
        out[n++] = (uint8_t)c;
    }
    *size = n;
    return out;
}

static bool raw_bytes(const pickle_value *v, import_pool *pool, import_view *view, nbase_error *err)
{
    if (pickle_is(v, PICKLE_BYTES)) {
        view->data = v->bytes;
        view->bytes = v->size;
        return true;
    }
    const pickle_value *text =
        pickle_object_is(v, "_codecs encode") ? pickle_item(v->args, 0) : NULL;
    if (!pickle_is(text, PICKLE_TEXT) || !pickle_text_is(pickle_item(v->args, 1), "latin1"))
        return tool_fail(err, NBASE_ERR_FORMAT, "an array without data");
    return (view->data = latin1_bytes(text, pool, &view->bytes, err)) != NULL;
}

/* ndarray.__reduce__: _reconstruct(ndarray, (0,), b"b") with the state (1, shape, dtype, fortran,
 * bytes); dtype("f4", 0, 1) with the state (3, "<", ...). */
static bool array_view(const pickle_value *v, import_pool *pool, import_view *view,
                       nbase_error *err)
{
    memset(view, 0, sizeof *view);
    const pickle_value *state = pickle_object_is(v, names[0]) ? v->state : NULL,
                       *dtype = pickle_item(state, 2), *fortran = pickle_item(state, 3);
    size_t ndim;
    if (!pickle_object_is(dtype, "numpy dtype") ||
        !pickle_text_is(pickle_item(dtype->args, 0), "f4") ||
        !pickle_text_is(pickle_item(dtype->state, 1), "<"))
        return tool_fail(err, NBASE_ERR_FORMAT, "expected a float32 array");
    if (!pickle_sizes(pickle_item(state, 1), view->shape, IMPORT_MAX_DIMS, &ndim) ||
        !pickle_is(fortran, PICKLE_BOOL))
        return tool_fail(err, NBASE_ERR_FORMAT, "an array without shape");
    view->ndim = (int)ndim;
    import_view_dense(view, fortran->integer);
    return raw_bytes(pickle_item(state, 4), pool, view, err);
}

static bool put_array(mtcnn_parts *parts, int layer, int part, const pickle_value *v,
                      nbase_error *err)
{
    import_view view;
    if (!array_view(v, parts->pool, &view, err)) return false;
    return part == MTCNN_KERNEL ? mtcnn_put_kernel(parts, layer, axes, &view, err)
                                : mtcnn_put_vector(parts, layer, part, &view, err);
}

static bool read_list(const pickle_value *list, int net, mtcnn_parts *parts, nbase_error *err)
{
    size_t next = 0;
    for (int i = 0; i < MTCNN_LAYERS; i++)
        for (int part = 0; part < MTCNN_PARTS && mtcnn_layers[i].net == net; part++) {
            if (part == MTCNN_PRELU && !mtcnn_layers[i].prelu) continue;
            if (!put_array(parts, i, part, pickle_item(list, next++), err)) return false;
        }
    return next == list->count ||
           tool_fail(err, NBASE_ERR_FORMAT, "%s has %zu arrays where %zu were expected",
                     mtcnn_net_names[net], list->count, next);
}

static bool read_package(const pickle_value *dict, mtcnn_parts *parts, nbase_error *err)
{
    for (int net = 0; net < MTCNN_NETS; net++) {
        const pickle_value *list = pickle_get(dict, mtcnn_net_names[net]);
        if (!pickle_is(list, PICKLE_LIST))
            return tool_fail(err, NBASE_ERR_FORMAT, "no list of arrays named %s",
                             mtcnn_net_names[net]);
        if (!read_list(list, net, parts, err)) return false;
    }
    return true;
}

static bool put_item(mtcnn_parts *parts, int layer, int part, const pickle_value *dict,
                     const char *key, nbase_error *err)
{
    const pickle_value *v = pickle_get(dict, key);
    return v ? put_array(parts, layer, part, v, err)
             : tool_fail(err, NBASE_ERR_FORMAT, "a layer without %s", key);
}

static bool read_facenet(const pickle_value *dict, mtcnn_parts *parts, nbase_error *err)
{
    int net = -1;
    for (size_t i = 0; i + 1 < dict->count && net < 0; i += 2)
        net = mtcnn_net_by_class_layer((const char *)dict->items[i]->bytes, dict->items[i]->size);
    if (net < 0) return tool_fail(err, NBASE_ERR_FORMAT, "a pickle, but not of MTCNN weights");
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const pickle_value *key = dict->items[i], *value = dict->items[i + 1];
        if (!pickle_is(key, PICKLE_TEXT) && !pickle_is(key, PICKLE_BYTES))
            return tool_fail(err, NBASE_ERR_FORMAT, "a layer without name");
        bool prelu;
        int layer = mtcnn_find_caffe(net, (const char *)key->bytes, key->size, &prelu);
        if (layer < 0)
            return tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.*s\" is not one of %s",
                             key->size < 40 ? (int)key->size : 40, (const char *)key->bytes,
                             mtcnn_net_names[net]);
        bool ok = prelu ? put_item(parts, layer, MTCNN_PRELU, value, "alpha", err)
                        : put_item(parts, layer, MTCNN_KERNEL, value, "weights", err) &&
                              put_item(parts, layer, MTCNN_BIAS, value, "biases", err);
        if (!ok) return false;
    }
    return true;
}

bool mtcnn_npy_recognises(const uint8_t *bytes, size_t size)
{
    return size > 10 && !memcmp(bytes, "\x93NUMPY", 6);
}

bool mtcnn_npy_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err)
{
    import_bytes in = {.p = bytes, .left = size};
    import_take(&in, 8);
    size_t header_size = import_u16(&in);
    const char *header = (const char *)import_take(&in, header_size);
    if (!header || !memmem(header, header_size, "'descr': '|O'", 13) ||
        !memmem(header, header_size, "'shape': ()", 11))
        return tool_fail(err, NBASE_ERR_FORMAT, "a .npy, but not of MTCNN weights");

    const pickle_options options = {.names = names};
    const pickle_value *root = pickle_read(&in, &options, parts->pool, err);
    if (!root) return false;
    if (in.left)
        return tool_fail(err, NBASE_ERR_FORMAT, "%zu bytes after the end of the pickle", in.left);
    const pickle_value *dict =
        pickle_object_is(root, names[0]) ? pickle_item(pickle_item(root->state, 4), 0) : NULL;
    if (!pickle_is(dict, PICKLE_DICT))
        return tool_fail(err, NBASE_ERR_FORMAT, "a pickle, but not of MTCNN weights");
    return pickle_get(dict, mtcnn_net_names[0]) ? read_package(dict, parts, err)
                                                : read_facenet(dict, parts, err);
}
