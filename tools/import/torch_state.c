#include "torch_state.h"

#include <stdio.h>
#include <string.h>

#include "array_value.h"
#include "pickle.h"

#define REBUILD "torch._utils _rebuild_tensor_v2"
#define PARAMETER "torch._utils _rebuild_parameter"

static const uint8_t prologue[] = {0x80, 2,    0x8a, 10,  0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a,
                                   0xa8, 0x50, 0x19, '.', 0x80, 2,    'M',  0xe9, 3,    '.'};
static const char *const names[] = {
    "collections OrderedDict", REBUILD, PARAMETER, "torch FloatStorage", "torch DoubleStorage",
    "torch HalfStorage", "torch BFloat16Storage", "torch LongStorage", "torch IntStorage",
    "torch ShortStorage", "torch CharStorage", "torch ByteStorage", "torch BoolStorage",
    /* what checkpoints have beside the weights; none of it is looked at */
    "torch Size", "torch device", "torch float16", "torch float32", "torch float64",
    "torch bfloat16", "collections defaultdict", "builtins dict", "builtins float", "builtins int",
    "builtins list", "builtins set", "__builtin__ dict", "__builtin__ float", "__builtin__ int",
    "__builtin__ list", "__builtin__ set", "argparse Namespace", "pathlib PosixPath", "numpy dtype",
    "numpy._core.multiarray scalar", "numpy.core.multiarray scalar", "_codecs encode", NULL};
static const char *const no_names[] = {NULL};

static const struct {
    const char *name;
    nbase_dtype dtype;
} types[] = {{"torch FloatStorage", NBASE_F32}, {"torch DoubleStorage", NBASE_F64},
             {"torch HalfStorage", NBASE_F16},  {"torch BFloat16Storage", NBASE_BF16},
             {"torch LongStorage", NBASE_I64},  {"torch IntStorage", NBASE_I32},
             {"torch ShortStorage", NBASE_I16}, {"torch CharStorage", NBASE_I8},
             {"torch ByteStorage", NBASE_U8},   {"torch BoolStorage", NBASE_BOOL}};

/* More than any network has; they are searched one by one. */
enum { MOST_STORAGES = 16384 };

typedef struct storage {
    const pickle_value *key;
    nbase_dtype dtype;
    const uint8_t *data; /* null until the elements are found */
    size_t count;
} storage;

typedef struct reader {
    import_pool *pool;
    nbase_error *err;
    storage *storages;
    size_t count, capacity;
    /* Elements that all tensors together may still have: they may share storages, but a small file
     * must not become large by it. */
    size_t left;
} reader;

static bool broken(reader *r, const char *what)
{
    return tool_fail(r->err, NBASE_ERR_FORMAT, "a broken PyTorch file: %s", what);
}

/* ---- storages ---- */

static bool same_key(const pickle_value *a, const pickle_value *b)
{
    return (pickle_is(a, PICKLE_TEXT) || pickle_is(a, PICKLE_BYTES)) && b->size == a->size &&
           !memcmp(a->bytes, b->bytes, a->size);
}

static storage *find_storage(reader *r, const pickle_value *key)
{
    for (size_t i = 0; i < r->count; i++)
        if (same_key(key, r->storages[i].key)) return &r->storages[i];
    return NULL;
}

/* Called for each persistent id that the pickle has. */
static bool note_storage(const pickle_value *id, void *ctx, nbase_error *err)
{
    reader *r = ctx;
    const pickle_value *type = pickle_item(id, 1), *key = pickle_item(id, 2);
    if (!pickle_text_is(pickle_item(id, 0), "storage") || !pickle_is(type, PICKLE_NAME) ||
        !(pickle_is(key, PICKLE_TEXT) || pickle_is(key, PICKLE_BYTES)))
        return broken(r, "a persistent id that is no storage");
    if (find_storage(r, key)) return true;
    if (r->count == MOST_STORAGES)
        return tool_fail(err, NBASE_ERR_LIMIT, "more than %d storages", MOST_STORAGES);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(type->name, types[i].name)) continue;
        if (!import_grow(r->pool, (void **)&r->storages, r->count, &r->capacity,
                         sizeof *r->storages))
            return tool_no_memory(err);
        r->storages[r->count++] = (storage){.key = key, .dtype = types[i].dtype};
        return true;
    }
    return broken(r, "a storage of an unknown type");
}

/* The elements of the older kind: a list of keys, then the storages in its order. */
static bool read_storages(reader *r, import_bytes *in)
{
    const pickle_options plain = {.names = no_names};
    const pickle_value *keys = pickle_read(in, &plain, r->pool, r->err);
    if (!keys) return false;
    if (!pickle_is(keys, PICKLE_LIST)) return broken(r, "no list of storages");
    for (size_t i = 0; i < keys->count; i++) {
        storage *s = find_storage(r, keys->items[i]);
        if (!s) return broken(r, "a storage that nothing uses");
        uint64_t count = import_u64(in);
        size_t each = nbase_dtype_size(s->dtype);
        if (in->bad || count > in->left / each) return broken(r, "truncated");
        s->count = (size_t)count;
        s->data = import_take(in, each * s->count);
    }
    return !in->left || tool_fail(r->err, NBASE_ERR_FORMAT,
                                  "%zu bytes after the end of the last storage", in->left);
}

/* The elements of the newer kind: an entry of the zip each. */
static bool find_entries(reader *r, const nbase_archive *zip, const char *folder,
                         size_t folder_length)
{
    for (size_t i = 0; i < r->count; i++) {
        storage *s = &r->storages[i];
        char name[NBASE_MAX_NAME];
        if (folder_length + s->key->size + 6 > sizeof name) return broken(r, "a long name");
        snprintf(name, sizeof name, "%.*sdata/%.*s", (int)folder_length, folder, (int)s->key->size,
                 (const char *)s->key->bytes);
        const nbase_array *entry = nbase_archive_find(zip, name);
        if (!entry) return broken(r, "a storage is missing");
        s->data = entry->data;
        s->count = entry->count / nbase_dtype_size(s->dtype);
    }
    return true;
}

/* ---- tensors ---- */

/* The tensor that a value is, or that a parameter wraps; null if it is none. */
static const pickle_value *tensor_call(const pickle_value *v)
{
    if (pickle_object_is(v, PARAMETER)) v = pickle_item(v->args, 0);
    return pickle_object_is(v, REBUILD) ? v : NULL;
}

/* Copies the elements into a dense array. */
static bool copy_values(reader *r, const storage *s, size_t offset, const size_t *stride,
                        torch_tensor *t)
{
    size_t each = nbase_dtype_size(s->dtype), last = offset;
    t->count = 1;
    for (int d = 0; d < t->ndim; d++) {
        size_t reach;
        if (__builtin_mul_overflow(t->count, t->shape[d], &t->count) ||
            __builtin_mul_overflow(t->shape[d] ? t->shape[d] - 1 : 0, stride[d], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return broken(r, "a tensor too large");
    }
    if (!s->data || (t->count && last >= s->count)) /* expanded ones may have more elements */
        return broken(r, "a tensor is larger than its storage");
    if (t->count > r->left) return broken(r, "its tensors are larger than the file");
    r->left -= t->count;
    t->values = import_alloc(r->pool, t->count + 1, sizeof *t->values);
    if (!t->values) return tool_no_memory(r->err);
    uint64_t element = 0;
    const nbase_array one = {.dtype = s->dtype, .count = 1, .data = &element};
    for (size_t i = 0; i < t->count; i++) {
        size_t at = offset, rest = i;
        for (int d = t->ndim - 1; d >= 0; d--) {
            at += rest % t->shape[d] * stride[d];
            rest /= t->shape[d];
        }
        memcpy(&element, s->data + at * each, each);
        t->values[i] = (float)array_value(&one, 0);
    }
    return true;
}

/* Whether a tensor is a view of values of the other sign, as the last argument says: PyTorch's
 * "neg" bit. (Those that are conjugated are complex, and refused.) */
static bool is_negated(const pickle_value *args)
{
    const pickle_value *neg = pickle_get(pickle_item(args, 6), "neg");
    return pickle_is(neg, PICKLE_BOOL) && neg->integer;
}

static bool read_tensor(reader *r, const pickle_value *call, torch_tensor *t)
{
    const pickle_value *args = call->args, *id = pickle_item(args, 0);
    id = pickle_is(id, PICKLE_PERSISTENT) ? id->items[0] : NULL;
    const pickle_value *key = pickle_item(id, 2);
    const storage *s = key ? find_storage(r, key) : NULL;
    size_t offset, ndim, strides, stride[TORCH_MAX_DIMS];
    if (!s || !pickle_size(pickle_item(args, 1), &offset) ||
        !pickle_sizes(pickle_item(args, 2), t->shape, TORCH_MAX_DIMS, &ndim) ||
        !pickle_sizes(pickle_item(args, 3), stride, TORCH_MAX_DIMS, &strides) || ndim != strides)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "tensor \"%.80s\" is not one of up to %d dimensions", t->name,
                         TORCH_MAX_DIMS);
    t->ndim = (int)ndim;
    if (!copy_values(r, s, offset, stride, t)) return false;
    if (is_negated(args))
        for (size_t i = 0; i < t->count; i++) t->values[i] = -t->values[i];
    return true;
}

/* ---- the state dict ---- */

/* A dict with a tensor in it. */
static bool is_state(const pickle_value *v)
{
    if (!pickle_is(v, PICKLE_DICT) && !pickle_object_is(v, names[0])) return false;
    for (size_t i = 0; i + 1 < v->count; i += 2)
        if (tensor_call(v->items[i + 1])) return true;
    return false;
}

/* A checkpoint may have a tensor of its own beside the weights, such as the state of its random
 * numbers. */
static const pickle_value *find_state(const pickle_value *root)
{
    static const char *const keys[] = {"state_dict", "model_state_dict", "model",
                                       "net",        "weights",          "params"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const pickle_value *v = pickle_get(root, keys[i]);
        if (is_state(v)) return v;
    }
    return is_state(root) ? root : NULL;
}

/* No state dict is where one is looked for: the message names those that are elsewhere. */
static bool fail_without_state(reader *r, const pickle_value *root)
{
    char places[160] = "";
    size_t n = 0, found = 0;
    bool dict = pickle_is(root, PICKLE_DICT) || pickle_object_is(root, names[0]);
    for (size_t i = 0; dict && i + 1 < root->count; i += 2) {
        const pickle_value *key = root->items[i];
        if (!pickle_is(key, PICKLE_TEXT) || !is_state(root->items[i + 1])) continue;
        if (n + 44 < sizeof places)
            n += (size_t)snprintf(places + n, sizeof places - n, "%s\"%.*s\"", found ? ", " : "",
                                  key->size < 40 ? (int)key->size : 40, (const char *)key->bytes);
        found++;
    }
    if (!found)
        return tool_fail(
            r->err, NBASE_ERR_FORMAT,
            "a PyTorch file, but no state dict is in it: torch.save(net.state_dict(), FILE)");
    return tool_fail(r->err, NBASE_ERR_FORMAT,
                     "a PyTorch file with %zu state dict%s under %s; save the one that is meant: "
                     "torch.save(torch.load(OLD)[NAME], FILE)",
                     found, found > 1 ? "s" : "", places);
}

/* Leaves out what DataParallel and torch.compile put before every name. */
static void leave_out_wrappers(torch_state *s)
{
    static const char *const wrappers[] = {"module.", "_orig_mod."};
    for (size_t w = 0, i; w < 2;) {
        const size_t length = strlen(wrappers[w]);
        for (i = 0; i < s->count && !strncmp(s->items[i].name, wrappers[w], length); i++) {
        }
        if (!s->count || i < s->count) {
            w++;
            continue;
        }
        for (i = 0; i < s->count; i++) s->items[i].name += length;
        w = 0; /* one may be in the other */
    }
}

static bool read_state(reader *r, const pickle_value *state, torch_state *out)
{
    out->items = import_alloc(r->pool, state->count / 2 + 1, sizeof *out->items);
    if (!out->items) return tool_no_memory(r->err);
    for (size_t i = 0; i + 1 < state->count; i += 2) {
        const pickle_value *key = state->items[i], *call = tensor_call(state->items[i + 1]);
        if (!pickle_is(key, PICKLE_TEXT) && !pickle_is(key, PICKLE_BYTES))
            return broken(r, "a state dict with a key that is not text");
        char *name = import_alloc(r->pool, key->size + 1, 1);
        if (!name) return tool_no_memory(r->err);
        memcpy(name, key->bytes, key->size);
        if (!call) return tool_fail(r->err, NBASE_ERR_FORMAT, "\"%.80s\" is no tensor", name);
        torch_tensor *t = &out->items[out->count++];
        t->name = name;
        if (!read_tensor(r, call, t)) return false;
    }
    leave_out_wrappers(out);
    return true;
}

static const pickle_value *read_pickle(reader *r, import_bytes *in)
{
    const pickle_options tensors = {.names = names, .persistent = note_storage, .ctx = r};
    const pickle_value *root = pickle_read(in, &tensors, r->pool, r->err), *state;
    if (!root) {
        tool_fail_advice(r->err, "; save the weights alone: torch.save(net.state_dict(), FILE)");
        return NULL;
    }
    if ((state = find_state(root))) return state;
    fail_without_state(r, root);
    return NULL;
}

/* ---- both kinds ---- */

static bool read_legacy(reader *r, const uint8_t *bytes, size_t size, torch_state *out)
{
    import_bytes in = {.p = bytes + sizeof prologue, .left = size - sizeof prologue};
    const pickle_options plain = {.names = no_names};
    const pickle_value *machine = pickle_read(&in, &plain, r->pool, r->err);
    if (!machine) return false;
    const pickle_value *little = pickle_get(machine, "little_endian");
    if (!pickle_is(little, PICKLE_BOOL) || !little->integer)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "written by a big-endian machine");
    const pickle_value *state = read_pickle(r, &in);
    return state && read_storages(r, &in) && read_state(r, state, out);
}

/* The entry NAME/data.pkl; the length of "NAME/" is given back. */
static const nbase_array *find_pickle(const nbase_archive *zip, size_t *folder)
{
    for (size_t i = 0; i < nbase_archive_count(zip); i++) {
        const nbase_array *a = nbase_archive_at(zip, i);
        size_t length = strlen(a->name);
        if (length < 8 || strcmp(a->name + length - 8, "data.pkl")) continue;
        *folder = length - 8;
        if (!*folder || a->name[*folder - 1] == '/') return a;
    }
    return NULL;
}

static bool little_endian(const nbase_archive *zip, const char *folder, size_t length)
{
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%.*sbyteorder", (int)length, folder);
    const nbase_array *order = nbase_archive_find(zip, name); /* older files have none */
    return !order || (order->count == 6 && !memcmp(order->data, "little", 6));
}

static bool read_zip(reader *r, const nbase_archive *zip, torch_state *out)
{
    size_t folder = 0;
    const nbase_array *pickle = find_pickle(zip, &folder);
    if (!pickle) return tool_fail(r->err, NBASE_ERR_FORMAT, "a zip, but not one of torch.save");
    if (!little_endian(zip, pickle->name, folder))
        return tool_fail(r->err, NBASE_ERR_FORMAT, "written by a big-endian machine");
    import_bytes in = {.p = pickle->data, .left = pickle->count};
    const pickle_value *state = read_pickle(r, &in);
    return state && find_entries(r, zip, pickle->name, folder) && read_state(r, state, out);
}

bool torch_recognises(const uint8_t *bytes, size_t size)
{
    return (size > sizeof prologue && !memcmp(bytes, prologue, sizeof prologue)) ||
           (size > 4 && !memcmp(bytes, "PK\3\4", 4));
}

bool torch_state_read(const uint8_t *bytes, size_t size, import_pool *pool, torch_state *out,
                      nbase_error *err)
{
    reader r = {.pool = pool, .err = err, .left = size};
    *out = (torch_state){0};
    if (!torch_recognises(bytes, size))
        return tool_fail(err, NBASE_ERR_FORMAT, "not a file of PyTorch's torch.save");
    if (bytes[0] != 'P') return read_legacy(&r, bytes, size, out);
    nbase_archive *zip;
    if (nbase_archive_parse_zip(NULL, bytes, size, "zip", &zip, err) != NBASE_OK) return false;
    bool ok = read_zip(&r, zip, out);
    nbase_archive_free(zip);
    return ok;
}

const torch_tensor *torch_find(const torch_state *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->items[i].name, name)) return &s->items[i];
    return NULL;
}

const char *torch_longer_name(const torch_state *s, const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < s->count; i++) {
        const char *own = s->items[i].name;
        const size_t more = strlen(own);
        if (more > length && own[more - length - 1] == '.' && !strcmp(own + more - length, name))
            return own;
    }
    return NULL;
}

const char *torch_replacement(const torch_state *s, const char *name)
{
    static const char *const endings[] = {"_orig", "_g", "_v"};
    const char *dot = strrchr(name, '.');
    char other[300];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(other, sizeof other, "%.250s%s", name, endings[i]);
        const torch_tensor *t = torch_find(s, other);
        if (t) return t->name;
    }
    if (!dot) return NULL;
    int size = snprintf(other, sizeof other, "%.*s.parametrizations.%.100s.original",
                        (int)(dot - name), name, dot + 1);
    for (size_t i = 0; i < s->count; i++)
        if (!strncmp(s->items[i].name, other, (size_t)size)) return s->items[i].name;
    return NULL;
}
