/* mtcnn 1.0, pnet.lz4, rnet.lz4, onet.lz4: an LZ4 frame around what joblib.dump writes: a pickle
 * (protocol 4) of a list of arrays in the order of Keras's get_weights, where each array is a
 * NumpyArrayWrapper whose elements follow its BUILD in the stream: a byte with the length of the
 * padding, the padding (to a multiple of 16), the elements (joblib/numpy_pickle.py). The heads come
 * as box, landmarks, class. Convolutions are for an upright image, but the network transposes
 * before its first dense layer. */
#include <string.h>

#include "lz4.h"
#include "mtcnn_import.h"
#include "pickle.h"

#define MAX_CONTENT ((size_t)64 << 20)

static const char wrapper[] = "joblib.numpy_pickle NumpyArrayWrapper";
static const char *const names[] = {wrapper, "numpy ndarray", "numpy dtype", NULL};

static bool is_float32(const pickle_value *dtype)
{
    return pickle_object_is(dtype, "numpy dtype") &&
           pickle_text_is(pickle_item(dtype->args, 0), "f4") &&
           pickle_text_is(pickle_item(dtype->state, 1), "<");
}

static bool take_elements(pickle_value *object, import_bytes *rest, nbase_error *err)
{
    if (!pickle_object_is(object, wrapper)) return true;
    const pickle_value *state = object->state, *order = pickle_get(state, "order");
    import_view *view = &object->raw;
    size_t ndim, alignment, count = 1;
    bool fortran = pickle_text_is(order, "F");
    if (view->data || !is_float32(pickle_get(state, "dtype")) ||
        !pickle_sizes(pickle_get(state, "shape"), view->shape, IMPORT_MAX_DIMS, &ndim) ||
        (!fortran && !pickle_text_is(order, "C")))
        return tool_fail(err, NBASE_ERR_FORMAT, "expected a float32 array");
    view->ndim = (int)ndim;
    for (size_t k = 0; k < ndim; k++) {
        if (view->shape[k] && count > rest->left / view->shape[k])
            return tool_fail(err, NBASE_ERR_FORMAT, "truncated array");
        count *= view->shape[k];
    }
    import_view_dense(view, fortran);
    if (pickle_size(pickle_get(state, "numpy_array_alignment_bytes"), &alignment))
        import_take(rest, import_u8(rest));
    view->bytes = 4 * count;
    view->data = import_take(rest, view->bytes);
    return view->data || tool_fail(err, NBASE_ERR_FORMAT, "truncated array");
}

static bool put_array(mtcnn_parts *parts, int layer, int part, const pickle_value *v,
                      nbase_error *err)
{
    if (!pickle_object_is(v, wrapper) || !v->raw.data)
        return tool_fail(err, NBASE_ERR_FORMAT, "expected an array");
    if (part != MTCNN_KERNEL) return mtcnn_put_vector(parts, layer, part, &v->raw, err);
    return mtcnn_put_kernel(
        parts, layer, strcmp(mtcnn_layers[layer].name, "dense1") ? "HWIO" : "WHIO", &v->raw, err);
}

static bool put_layer(mtcnn_parts *parts, int layer, const pickle_value *list, size_t *next,
                      nbase_error *err)
{
    for (int part = 0; part < MTCNN_PARTS; part++)
        if ((part != MTCNN_PRELU || mtcnn_layers[layer].prelu) &&
            !put_array(parts, layer, part, pickle_item(list, (*next)++), err))
            return false;
    return true;
}

/* The order of the list: that of mtcnn_layers, but with the head of face probabilities moved to the
 * end. */
static bool put_net(mtcnn_parts *parts, int net, const pickle_value *list, nbase_error *err)
{
    size_t next = 0;
    int class_layer = mtcnn_find_layer(net, "class");
    for (int i = 0; i < MTCNN_LAYERS; i++)
        if (mtcnn_layers[i].net == net && i != class_layer &&
            !put_layer(parts, i, list, &next, err))
            return false;
    return put_layer(parts, class_layer, list, &next, err);
}

static size_t parts_of(int net)
{
    size_t n = 0;
    for (int i = 0; i < MTCNN_LAYERS; i++)
        if (mtcnn_layers[i].net == net) n += mtcnn_layers[i].prelu ? 3 : 2;
    return n;
}

bool mtcnn_joblib_recognises(const uint8_t *bytes, size_t size)
{
    return size > 4 && !memcmp(bytes, "\x04\x22\x4d\x18", 4);
}

bool mtcnn_joblib_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err)
{
    import_bytes in = {0};
    if (!lz4_decode_frame(bytes, size, MAX_CONTENT, parts->pool, &in.p, &in.left, err))
        return false;
    const pickle_options options = {.names = names, .after_build = take_elements};
    const pickle_value *list = pickle_read(&in, &options, parts->pool, err);
    if (!list) return false;
    if (in.left)
        return tool_fail(err, NBASE_ERR_FORMAT, "%zu bytes after the end of the pickle", in.left);
    for (int net = 0; net < MTCNN_NETS; net++)
        if (pickle_is(list, PICKLE_LIST) && list->count == parts_of(net))
            return put_net(parts, net, list, err);
    return tool_fail(err, NBASE_ERR_FORMAT, "a pickle, but not of MTCNN weights");
}
