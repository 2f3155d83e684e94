/* facenet-pytorch, pnet.pt, rnet.pt, onet.pt: what torch.save wrote before version 1.6: five
 * pickles (a magic number, the protocol's version 1001, the machine's properties, the state dict,
 * the list of storage keys), then for each key in the order of the list an int64 count and the
 * elements. A tensor is _rebuild_tensor_v2(storage, offset, size, stride, ...) with the storage as
 * a persistent id ("storage", FloatStorage, key, "cpu", count, view); strides are not those of a
 * dense array (torch/serialization.py, _legacy_load). For an upright image, but the network
 * transposes before its first dense layer. */
#include <string.h>

#include "mtcnn_import.h"
#include "pickle.h"

static const uint8_t prologue[] = {0x80, 2,    0x8a, 10,  0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a,
                                   0xa8, 0x50, 0x19, '.', 0x80, 2,    'M',  0xe9, 3,    '.'};
static const char *const names[] = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2",
                                    "torch FloatStorage", NULL};
static const char *const no_names[] = {NULL};

typedef struct storage {
    const pickle_value *key;
    const uint8_t *data;
    size_t count;
} storage;

typedef struct storages {
    storage *items;
    size_t count;
} storages;

static bool same_text(const pickle_value *a, const pickle_value *b)
{
    return pickle_is(a, PICKLE_TEXT) && pickle_is(b, PICKLE_TEXT) && a->size == b->size &&
           !memcmp(a->bytes, b->bytes, a->size);
}

static bool read_storages(import_bytes *in, const pickle_value *keys, storages *out,
                          import_pool *pool, nbase_error *err)
{
    if (!pickle_is(keys, PICKLE_LIST))
        return tool_fail(err, NBASE_ERR_FORMAT, "no list of storages");
    out->items = import_alloc(pool, keys->count, sizeof *out->items);
    if (!out->items) return tool_no_memory(err);
    for (; out->count < keys->count; out->count++) {
        uint64_t count = import_u64(in);
        if (in->bad || count > in->left / 4) return tool_fail(err, NBASE_ERR_FORMAT, "truncated");
        out->items[out->count] = (storage){.key = keys->items[out->count],
                                           .count = (size_t)count,
                                           .data = import_take(in, 4 * (size_t)count)};
    }
    return !in->left || tool_fail(err, NBASE_ERR_FORMAT,
                                  "%zu bytes after the end of the last storage", in->left);
}

static bool tensor_view(const pickle_value *v, const storages *all, import_view *view,
                        nbase_error *err)
{
    memset(view, 0, sizeof *view);
    const pickle_value *args = pickle_object_is(v, names[1]) ? v->args : NULL,
                       *id = pickle_item(args, 0);
    id = pickle_is(id, PICKLE_PERSISTENT) ? id->items[0] : NULL;
    const pickle_value *type = pickle_item(id, 1);
    size_t offset, ndim, strides;
    if (!pickle_text_is(pickle_item(id, 0), "storage") || !pickle_is(type, PICKLE_NAME) ||
        strcmp(type->name, names[2]) || !pickle_size(pickle_item(args, 1), &offset) ||
        !pickle_sizes(pickle_item(args, 2), view->shape, IMPORT_MAX_DIMS, &ndim) ||
        !pickle_sizes(pickle_item(args, 3), view->stride, IMPORT_MAX_DIMS, &strides) ||
        ndim != strides)
        return tool_fail(err, NBASE_ERR_FORMAT, "expected a float32 tensor");
    view->ndim = (int)ndim;
    for (size_t i = 0; i < all->count; i++) {
        const storage *s = &all->items[i];
        if (!same_text(s->key, pickle_item(id, 2)) || offset > s->count) continue;
        view->data = s->data + 4 * offset;
        view->bytes = 4 * (s->count - offset);
        return true;
    }
    return tool_fail(err, NBASE_ERR_FORMAT, "a tensor without its storage");
}

static bool put_tensor(mtcnn_parts *parts, int net, const pickle_value *key, const pickle_value *v,
                       const storages *all, nbase_error *err)
{
    const char *name = (const char *)key->bytes,
               *dot = key->size ? memrchr(name, '.', key->size) : NULL;
    size_t length = dot ? (size_t)(dot - name) : 0, suffix = dot ? key->size - length : 0;
    bool weight = suffix == 7 && !memcmp(dot, ".weight", 7),
         bias = suffix == 5 && !memcmp(dot, ".bias", 5), prelu = false;
    int layer = weight || bias ? mtcnn_find_caffe(net, name, length, &prelu) : -1;
    if (layer < 0 || (prelu && bias))
        return tool_fail(err, NBASE_ERR_FORMAT, "tensor \"%.*s\" is not one of %s",
                         key->size < 40 ? (int)key->size : 40, name, mtcnn_net_names[net]);
    import_view view;
    if (!tensor_view(v, all, &view, err)) return false;
    if (prelu || bias)
        return mtcnn_put_vector(parts, layer, prelu ? MTCNN_PRELU : MTCNN_BIAS, &view, err);
    return mtcnn_put_kernel(
        parts, layer, strcmp(mtcnn_layers[layer].name, "dense1") ? "OIHW" : "OWHI", &view, err);
}

static bool read_state(const pickle_value *state, const storages *all, mtcnn_parts *parts,
                       nbase_error *err)
{
    int net = -1;
    for (size_t i = 0; i + 1 < state->count; i += 2) {
        const pickle_value *key = state->items[i];
        if (!pickle_is(key, PICKLE_TEXT))
            return tool_fail(err, NBASE_ERR_FORMAT, "a state dict with a key that is not text");
        const char *dot = key->size ? memrchr(key->bytes, '.', key->size) : NULL;
        if (net < 0 && dot)
            net = mtcnn_net_by_class_layer((const char *)key->bytes,
                                           (size_t)(dot - (const char *)key->bytes));
    }
    if (net < 0)
        return tool_fail(err, NBASE_ERR_FORMAT, "a PyTorch file, but not of MTCNN weights");
    for (size_t i = 0; i + 1 < state->count; i += 2)
        if (!put_tensor(parts, net, state->items[i], state->items[i + 1], all, err)) return false;
    return true;
}

/* The zip of torch.save since 1.6 is recognised too, to give it a message of its own. */
bool mtcnn_torch_recognises(const uint8_t *bytes, size_t size)
{
    return (size > sizeof prologue && !memcmp(bytes, prologue, sizeof prologue)) ||
           (size > 4 && !memcmp(bytes, "PK\3\4", 4));
}

bool mtcnn_torch_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err)
{
    if (bytes[0] == 'P')
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "a zip: of PyTorch files the older kind is read: torch.save(..., "
                         "_use_new_zipfile_serialization=False)");
    import_bytes in = {.p = bytes + sizeof prologue, .left = size - sizeof prologue};
    const pickle_options plain = {.names = no_names}, tensors = {.names = names};
    const pickle_value *machine = pickle_read(&in, &plain, parts->pool, err);
    if (!machine) return false;
    const pickle_value *little = pickle_get(machine, "little_endian");
    if (!pickle_is(little, PICKLE_BOOL) || !little->integer)
        return tool_fail(err, NBASE_ERR_FORMAT, "written by a big-endian machine");
    const pickle_value *state = pickle_read(&in, &tensors, parts->pool, err);
    if (!state) return false;
    const pickle_value *keys = pickle_read(&in, &plain, parts->pool, err);
    if (!keys) return false;
    if (!pickle_object_is(state, names[0]))
        return tool_fail(err, NBASE_ERR_FORMAT, "a PyTorch file, but not a state dict");
    storages all = {0};
    return read_storages(&in, keys, &all, parts->pool, err) && read_state(state, &all, parts, err);
}
