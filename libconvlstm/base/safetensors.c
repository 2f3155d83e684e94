/* safetensors.c - the safetensors format (huggingface/safetensors, "Format"):
 *
 *     8 bytes     N, the length of the header, little-endian
 *     N bytes     JSON, possibly padded with spaces:
 *                     {"__metadata__": {"key": "text", ...},
 *                      "name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, ...}
 *     the rest    the data
 *
 * Offsets count from the end of the header; together they cover the rest of the file without hole
 * or overlap. The reader is as strict as the format's own. The writer puts the widest elements
 * first, so that all are aligned. */
#include "safetensors.h"

#include <string.h>

#include "json.h"

#define MAX_HEADER ((uint64_t)64 << 20)

static const struct {
    const char *name;
    nbase_dtype dtype;
} dtypes[] = {
    {"F32", NBASE_F32},   {"F64", NBASE_F64}, {"F16", NBASE_F16}, {"BF16", NBASE_BF16},
    {"U8", NBASE_U8},     {"I8", NBASE_I8},   {"U16", NBASE_U16}, {"I16", NBASE_I16},
    {"U32", NBASE_U32},   {"I32", NBASE_I32}, {"U64", NBASE_U64}, {"I64", NBASE_I64},
    {"BOOL", NBASE_BOOL},
};
enum { DTYPE_COUNT = sizeof dtypes / sizeof *dtypes };

/* ---- reading ---- */

typedef struct tensor_entry {
    const char *name;
    nbase_dtype dtype;
    size_t ndim, shape[NBASE_MAX_DIMS];
    size_t begin, end;
} tensor_entry;

typedef struct reader {
    nbase_archive *a;
    const nbase__source *source;
    uint64_t data_at; /* where the data begin in the file */
    uint64_t data_size;
    nbase_error *err;
} reader;

static nbase_status parse_dtype(const reader *r, const char *name, const nbase__json *v,
                                nbase_dtype *out)
{
    const char *text = nbase__json_string(v);
    if (!text)
        return nbase__fail(r->err, NBASE_ERR_FORMAT, "%s: tensor \"%s\" has no dtype",
                           r->source->what, name);
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (!strcmp(text, dtypes[i].name)) {
            *out = dtypes[i].dtype;
            return NBASE_OK;
        }
    return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED,
                       "%s: tensor \"%s\": dtype \"%.20s\" is not supported", r->source->what, name,
                       text);
}

static nbase_status parse_shape(const reader *r, const nbase__json *v, tensor_entry *t)
{
    t->ndim = nbase__json_count(v);
    if (t->ndim > NBASE_MAX_DIMS)
        return nbase__fail(r->err, NBASE_ERR_LIMIT,
                           "%s: tensor \"%s\" has %zu axes; the limit is %d", r->source->what,
                           t->name, t->ndim, NBASE_MAX_DIMS);
    for (size_t k = 0; k < t->ndim; k++)
        if (!nbase__json_size(nbase__json_at(v, k), &t->shape[k]))
            return nbase__fail(r->err, NBASE_ERR_FORMAT,
                               "%s: tensor \"%s\": a size of its shape is not a whole number",
                               r->source->what, t->name);
    return NBASE_OK;
}

/* The offsets lie in the file and fit the shape, which is parsed before them. */
static nbase_status parse_offsets(const reader *r, const nbase__json *v, tensor_entry *t)
{
    const char *what = r->source->what;
    if (nbase__json_count(v) != 2 || !nbase__json_size(nbase__json_at(v, 0), &t->begin) ||
        !nbase__json_size(nbase__json_at(v, 1), &t->end) || t->begin > t->end ||
        t->end > r->data_size)
        return nbase__fail(
            r->err, NBASE_ERR_FORMAT,
            "%s: tensor \"%s\": data_offsets do not lie in the %llu bytes of data: truncated?",
            what, t->name, (unsigned long long)r->data_size);
    size_t count, bytes;
    if (!nbase__array_bytes(t->dtype, t->ndim, t->shape, &count, &bytes))
        return nbase__fail(r->err, NBASE_ERR_LIMIT, "%s: the size of tensor \"%s\" overflows", what,
                           t->name);
    if (bytes != t->end - t->begin)
        return nbase__fail(r->err, NBASE_ERR_FORMAT,
                           "%s: tensor \"%s\": its shape needs %zu bytes, data_offsets give %zu",
                           what, t->name, bytes, t->end - t->begin);
    return NBASE_OK;
}

static nbase_status parse_tensor(const reader *r, const char *name, const nbase__json *v,
                                 tensor_entry *t)
{
    const nbase__json *shape = nbase__json_get(v, "shape"),
                      *offsets = nbase__json_get(v, "data_offsets");
    t->name = name;
    nbase_status status = parse_dtype(r, name, nbase__json_get(v, "dtype"), &t->dtype);
    if (status) return status;
    if (nbase__json_count(v) != 3 || nbase__json_type_of(shape) != NBASE__JSON_ARRAY ||
        nbase__json_type_of(offsets) != NBASE__JSON_ARRAY)
        return nbase__fail(
            r->err, NBASE_ERR_FORMAT,
            "%s: tensor \"%s\" must have dtype, shape and data_offsets and nothing else",
            r->source->what, name);
    status = parse_shape(r, shape, t);
    return status ? status : parse_offsets(r, offsets, t);
}

/* Heap sort by begin, then end: the C library's qsort may allocate behind the host's allocator. */
static bool before(const tensor_entry *a, const tensor_entry *b)
{
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
}

static void sift_down(const tensor_entry **t, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(t[child], t[child + 1])) child++;
        if (!before(t[i], t[child])) return;
        const tensor_entry *swap = t[i];
        t[i] = t[child];
        t[child] = swap;
    }
}

static void sort_by_offset(const tensor_entry **t, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift_down(t, i, n);
    for (size_t last = n; last-- > 1;) {
        const tensor_entry *swap = t[0];
        t[0] = t[last];
        t[last] = swap;
        sift_down(t, 0, last);
    }
}

static nbase_status check_cover(const reader *r, const tensor_entry *tensors, size_t n)
{
    const tensor_entry **sorted = nbase__calloc(&r->a->env, n, sizeof *sorted);
    if (!sorted) return nbase__fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->source->what);
    for (size_t i = 0; i < n; i++) sorted[i] = &tensors[i];
    sort_by_offset(sorted, n);
    uint64_t covered = 0;
    nbase_status status = NBASE_OK;
    for (size_t i = 0; i < n && !status; covered = sorted[i++]->end)
        if (sorted[i]->begin != covered)
            status =
                nbase__fail(r->err, NBASE_ERR_FORMAT, "%s: %s before the data of tensor \"%s\"",
                            r->source->what, sorted[i]->begin > covered ? "a hole" : "an overlap",
                            sorted[i]->name);
    if (!status && covered != r->data_size)
        status = nbase__fail(r->err, NBASE_ERR_FORMAT,
                             "%s: %llu bytes of data where the tensors have %llu: trailing bytes",
                             r->source->what, (unsigned long long)r->data_size,
                             (unsigned long long)covered);
    nbase__free(&r->a->env, sorted);
    return status;
}

static nbase_status read_meta(const reader *r, const nbase__json *meta)
{
    if (nbase__json_type_of(meta) != NBASE__JSON_OBJECT)
        return nbase__fail(r->err, NBASE_ERR_FORMAT, "%s: __metadata__ is not an object",
                           r->source->what);
    for (size_t i = 0; i < nbase__json_count(meta); i++) {
        const char *text = nbase__json_string(nbase__json_at(meta, i));
        if (!text)
            return nbase__fail(r->err, NBASE_ERR_FORMAT, "%s: __metadata__ \"%.80s\" is not a text",
                               r->source->what, nbase__json_key(meta, i));
        nbase_status status = nbase_archive_set_meta(r->a, nbase__json_key(meta, i), text);
        if (status) return nbase__fail(r->err, status, "%s: out of memory", r->source->what);
    }
    return NBASE_OK;
}

static nbase_status read_tensors(const reader *r, const nbase__json *header, tensor_entry *tensors)
{
    size_t n = 0;
    nbase_status status;
    for (size_t i = 0; i < nbase__json_count(header); i++) {
        const char *name = nbase__json_key(header, i);
        bool meta = !strcmp(name, "__metadata__");
        status = meta ? read_meta(r, nbase__json_at(header, i))
                      : parse_tensor(r, name, nbase__json_at(header, i), &tensors[n++]);
        if (status) return status;
    }
    if ((status = check_cover(r, tensors, n))) return status;
    for (size_t i = 0; i < n; i++) {
        const tensor_entry *t = &tensors[i];
        nbase_array *array;
        status = nbase__archive_append(r->a, r->source->what, t->name, strlen(t->name), t->dtype,
                                       t->ndim, t->shape, &array, r->err);
        if (!status)
            status = nbase__source_read(r->source, r->data_at + t->begin, array->data,
                                        t->end - t->begin, r->err);
        if (!status) status = nbase__array_check_bool(array, r->source->what, r->err);
        if (status) return status;
    }
    return NBASE_OK;
}

static nbase_status read_with_header(reader *r, const char *text, size_t size)
{
    nbase__json *header;
    nbase_status status =
        nbase__json_parse(&r->a->env, text, size, r->source->what, &header, r->err);
    if (status) return status;
    tensor_entry *tensors = nbase__calloc(&r->a->env, nbase__json_count(header), sizeof *tensors);
    if (!tensors)
        status = nbase__fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->source->what);
    else
        status = read_tensors(r, header, tensors);
    nbase__free(&r->a->env, tensors);
    nbase__json_free(header);
    return status;
}

nbase_status nbase__safetensors_read(nbase_archive *a, const nbase__source *source,
                                     nbase_error *err)
{
    uint8_t prefix[8];
    nbase_status status = nbase__source_read(source, 0, prefix, sizeof prefix, err);
    if (status) return status;
    uint64_t size = nbase__load64(prefix);
    if (size > source->size - sizeof prefix)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "%s: a safetensors header of %llu bytes in a file of %llu: truncated, "
                           "or no safetensors",
                           source->what, (unsigned long long)size,
                           (unsigned long long)source->size);
    if (size > MAX_HEADER)
        return nbase__fail(err, NBASE_ERR_LIMIT,
                           "%s: a safetensors header of %llu bytes; the limit is 64 MiB",
                           source->what, (unsigned long long)size);
    char *text = nbase__alloc(&a->env, (size_t)size);
    if (!text) return nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", source->what);
    reader r = {.a = a,
                .source = source,
                .data_at = sizeof prefix + size,
                .data_size = source->size - sizeof prefix - size,
                .err = err};
    status = nbase__source_read(source, sizeof prefix, text, (size_t)size, err);
    if (!status) status = read_with_header(&r, text, (size_t)size);
    nbase__free(&a->env, text);
    return status;
}

/* ---- writing ---- */

static const char *dtype_name(nbase_dtype dtype)
{
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (dtypes[i].dtype == dtype) return dtypes[i].name;
    return "";
}

static size_t array_bytes(const nbase_array *array)
{
    return array->count * nbase_dtype_size(array->dtype);
}

/* Widths in the order in which data are laid out. */
static const size_t widths[] = {8, 4, 2, 1};
enum { WIDTH_COUNT = sizeof widths / sizeof *widths };

static int width_class(const nbase_array *array)
{
    int i = 0;
    while (widths[i] != nbase_dtype_size(array->dtype)) i++;
    return i;
}

static void write_header(const nbase_archive *a, nbase__text *t)
{
    size_t next[WIDTH_COUNT] = {0}; /* offset of the next array of each width */
    for (size_t i = 0; i < a->count; i++)
        for (int w = width_class(a->arrays[i]) + 1; w < WIDTH_COUNT; w++)
            next[w] += array_bytes(a->arrays[i]);
    nbase__text_append(t, "{");
    if (a->meta_count) {
        for (size_t i = 0; i < a->meta_count; i++) {
            nbase__text_append(t, i ? "," : "\"__metadata__\":{");
            nbase__text_append_json_string(t, a->meta[i].key);
            nbase__text_append(t, ":");
            nbase__text_append_json_string(t, a->meta[i].value);
        }
        nbase__text_append(t, a->count ? "}," : "}");
    }
    for (size_t i = 0; i < a->count; i++) {
        const nbase_array *array = a->arrays[i];
        size_t *begin = &next[width_class(array)], bytes = array_bytes(array);
        if (i) nbase__text_append(t, ",");
        nbase__text_append_json_string(t, array->name);
        nbase__text_append(t, ":{\"dtype\":\"%s\",\"shape\":[", dtype_name(array->dtype));
        for (int k = 0; k < array->ndim; k++)
            nbase__text_append(t, k ? ",%zu" : "%zu", array->shape[k]);
        nbase__text_append(t, "],\"data_offsets\":[%zu,%zu]}", *begin, *begin + bytes);
        *begin += bytes;
    }
    nbase__text_append(t, "}");
    size_t padding = nbase__round_up(t->size, 8) - t->size;
    nbase__text_append(t, "%*s", (int)padding, "");
}

nbase_status nbase_archive_write_safetensors(const nbase_archive *a, const char *path,
                                             nbase_error *err)
{
    if (!a || !path)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "nbase_archive_write_safetensors: archive and path must not be null");
    if (nbase_archive_find(a, "__metadata__"))
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "%s: safetensors can't hold an array named __metadata__", path);
    nbase__text header;
    nbase__text_init(&header, &a->env);
    write_header(a, &header);
    nbase__outfile out;
    nbase__outfile_open(&out, &a->env, path);
    if (header.failed)
        nbase__outfile_fail(&out, NBASE_ERR_NOMEM, "%s: out of memory", path);
    else if (header.size > MAX_HEADER)
        nbase__outfile_fail(&out, NBASE_ERR_LIMIT, "%s: a header of more than 64 MiB", path);
    uint8_t prefix[8];
    nbase__store64(prefix, header.size);
    nbase__outfile_write(&out, prefix, sizeof prefix);
    nbase__outfile_write(&out, header.data, header.size);
    for (int w = 0; w < WIDTH_COUNT; w++)
        for (size_t i = 0; i < a->count; i++)
            if (width_class(a->arrays[i]) == w)
                nbase__outfile_write(&out, a->arrays[i]->data, array_bytes(a->arrays[i]));
    nbase__text_free(&header);
    return nbase__outfile_commit(&out, err);
}
