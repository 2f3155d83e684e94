/* npy.c - the .npy format, versions 1 to 3 (numpy.lib.format):
 *
 *     6 bytes         "\x93NUMPY"
 *     2 bytes         version, major and minor
 *     2 or 4 bytes    length of the header: 2 bytes in version 1, 4 in 2 and 3
 *     header          a Python dict literal with descr, fortran_order and shape
 *     data            the raw elements */
#include <stdio.h>
#include <string.h>

#include "npy.h"

#define MAX_HEADER ((uint32_t)1 << 16) /* NumPy's own are below 400 bytes for the types read here */

typedef struct descr {
    char kind; /* as NumPy calls it: f, u, i, b */
    char bytes;
    nbase_dtype dtype;
} descr;

static const descr descrs[] = {
    {'f', '2', NBASE_F16}, {'f', '4', NBASE_F32}, {'f', '8', NBASE_F64}, {'u', '1', NBASE_U8},
    {'u', '2', NBASE_U16}, {'u', '4', NBASE_U32}, {'u', '8', NBASE_U64}, {'i', '1', NBASE_I8},
    {'i', '2', NBASE_I16}, {'i', '4', NBASE_I32}, {'i', '8', NBASE_I64}, {'b', '1', NBASE_BOOL},
};
enum { DESCR_COUNT = sizeof descrs / sizeof *descrs };

typedef struct npy_header {
    nbase_dtype dtype;
    bool swapped, fortran;
    size_t ndim, shape[NBASE_MAX_DIMS];
} npy_header;

/* ---- the dict literal ---- */

typedef struct cursor {
    const char *p, *end, *what;
    nbase_error *err;
} cursor;

static nbase_status bad(const cursor *c, const char *message)
{
    return nbase__fail(c->err, NBASE_ERR_FORMAT, "%s: .npy header: %s", c->what, message);
}

static void skip_space(cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t')) c->p++;
}

static bool accept(cursor *c, const char *token)
{
    skip_space(c);
    size_t n = strlen(token);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, token, n)) return false;
    c->p += n;
    return true;
}

/* A text without escapes in either kind of quotes. */
static bool accept_text(cursor *c, char *out, size_t room)
{
    skip_space(c);
    if (c->p >= c->end || (*c->p != '\'' && *c->p != '"')) return false;
    char quote = *c->p++;
    size_t n = 0;
    while (c->p < c->end && *c->p != quote && *c->p != '\\' && n + 1 < room) out[n++] = *c->p++;
    out[n] = '\0';
    return c->p < c->end && *c->p++ == quote;
}

static nbase_status parse_descr(cursor *c, npy_header *h)
{
    char text[32];
    if (accept(c, "["))
        return nbase__fail(c->err, NBASE_ERR_UNSUPPORTED, "%s: structured arrays are not supported",
                           c->what);
    if (!accept_text(c, text, sizeof text)) return bad(c, "descr is not a text");
    if (strchr(text, 'O'))
        return nbase__fail(c->err, NBASE_ERR_UNSUPPORTED,
                           "%s: object arrays (pickles) are not read: they can run code", c->what);
    const char *order = text[0] && strchr("<>=|", text[0]) ? text : "";
    const char *type = text + (*order != '\0');
    for (int i = 0; i < DESCR_COUNT; i++)
        if (type[0] == descrs[i].kind && type[1] == descrs[i].bytes && !type[2]) {
            h->dtype = descrs[i].dtype;
            h->swapped = *order == '>';
            return NBASE_OK;
        }
    return nbase__fail(c->err, NBASE_ERR_UNSUPPORTED,
                       "%s: arrays of NumPy type '%s' are not supported", c->what, text);
}

static bool accept_size(cursor *c, size_t *out)
{
    skip_space(c);
    const char *start = c->p;
    *out = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
        if (!nbase__mul(*out, 10, out) || !nbase__add(*out, (size_t)(*c->p - '0'), out))
            return false;
    if (c->p == start) return false;
    if (c->p < c->end && *c->p == 'L') c->p++; /* Python 2 wrote long integers so */
    return true;
}

static nbase_status parse_shape(cursor *c, npy_header *h)
{
    if (!accept(c, "(")) return bad(c, "shape is not a tuple");
    bool comma = true;
    while (!accept(c, ")")) {
        size_t n;
        if (!comma) return bad(c, "',' expected in shape");
        if (!accept_size(c, &n)) return bad(c, "an axis of shape is not a whole number");
        if (h->ndim == NBASE_MAX_DIMS)
            return nbase__fail(c->err, NBASE_ERR_LIMIT, "%s: more than %d axes", c->what,
                               NBASE_MAX_DIMS);
        h->shape[h->ndim++] = n;
        comma = accept(c, ",");
    }
    return h->ndim == 1 && !comma ? bad(c, "shape is a number, not a tuple") : NBASE_OK;
}

static nbase_status parse_fortran(cursor *c, npy_header *h)
{
    h->fortran = accept(c, "True");
    return h->fortran || accept(c, "False") ? NBASE_OK
                                            : bad(c, "fortran_order is neither True nor False");
}

static nbase_status parse_header(cursor *c, npy_header *h)
{
    static const struct {
        const char *key;
        nbase_status (*parse)(cursor *c, npy_header *h);
    } items[] = {{"descr", parse_descr}, {"fortran_order", parse_fortran}, {"shape", parse_shape}};
    bool seen[3] = {false};
    memset(h, 0, sizeof *h);
    if (!accept(c, "{")) return bad(c, "not a dict");
    bool comma = true;
    while (!accept(c, "}")) {
        char key[32];
        if (!comma) return bad(c, "',' expected");
        if (!accept_text(c, key, sizeof key)) return bad(c, "a key was expected");
        if (!accept(c, ":")) return bad(c, "':' expected");
        int i = 0;
        while (i < 3 && strcmp(key, items[i].key)) i++;
        if (i == 3 || seen[i]) return bad(c, "an unknown key, or one twice");
        seen[i] = true;
        nbase_status status = items[i].parse(c, h);
        if (status) return status;
        comma = accept(c, ",");
    }
    skip_space(c);
    if (c->p != c->end) return bad(c, "text after the dict");
    return seen[0] && seen[1] && seen[2] ? NBASE_OK
                                         : bad(c, "descr, fortran_order or shape is missing");
}

/* ---- data ---- */

static void swap_bytes(uint8_t *data, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, data += size)
        for (size_t k = 0; k < size / 2; k++) {
            uint8_t t = data[k];
            data[k] = data[size - 1 - k];
            data[size - 1 - k] = t;
        }
}

/* dst row-major from src with the first axis fastest. */
static void from_fortran(const nbase_array *array, uint8_t *dst, const uint8_t *src)
{
    size_t size = nbase_dtype_size(array->dtype), at[NBASE_MAX_DIMS] = {0}, stride[NBASE_MAX_DIMS],
           offset = 0;
    for (int k = 0; k < array->ndim; k++) stride[k] = k ? stride[k - 1] * array->shape[k - 1] : 1;
    for (size_t i = 0; i < array->count; i++) {
        memcpy(dst + i * size, src + offset * size, size);
        for (int k = array->ndim - 1; k >= 0; k--) {
            offset += stride[k];
            if (++at[k] < array->shape[k]) break;
            offset -= stride[k] * array->shape[k];
            at[k] = 0;
        }
    }
}

static nbase_status read_data(nbase_archive *a, nbase__stream *stream, const npy_header *h,
                              nbase_array *array, nbase_error *err)
{
    size_t size = nbase_dtype_size(h->dtype), bytes = array->count * size, long_axes = 0;
    for (size_t k = 0; k < h->ndim; k++) long_axes += h->shape[k] > 1;
    bool reorder = h->fortran && long_axes > 1 && array->count;
    uint8_t *data = reorder ? nbase__alloc(&a->env, bytes) : array->data;
    if (!data) return nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", stream->what);
    nbase_status status = nbase__stream_read(stream, data, bytes, err);
    if (!status && h->swapped) swap_bytes(data, array->count, size);
    if (!status && reorder) from_fortran(array, array->data, data);
    if (reorder) nbase__free(&a->env, data);
    return status ? status : nbase__array_check_bool(array, stream->what, err);
}

static nbase_status read_header(nbase_archive *a, nbase__stream *stream, npy_header *h,
                                nbase_error *err)
{
    uint8_t prefix[12];
    nbase_status status = nbase__stream_read(stream, prefix, 10, err);
    if (status) return status;
    if (memcmp(prefix, "\x93NUMPY", 6))
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: not a .npy array", stream->what);
    int major = prefix[6];
    if (major < 1 || major > 3 || prefix[7])
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "%s: .npy version %d.%d is not known",
                           stream->what, major, prefix[7]);
    uint32_t length = nbase__load16(prefix + 8);
    if (major > 1) {
        if ((status = nbase__stream_read(stream, prefix + 10, 2, err))) return status;
        length = nbase__load32(prefix + 8);
    }
    if (length > MAX_HEADER)
        return nbase__fail(err, NBASE_ERR_LIMIT, "%s: a .npy header of %u bytes; the limit is %u",
                           stream->what, length, MAX_HEADER);
    char *text = nbase__alloc(&a->env, length);
    if (!text) return nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", stream->what);
    status = nbase__stream_read(stream, text, length, err);
    cursor c = {.p = text, .end = text + length, .what = stream->what, .err = err};
    if (!status) status = parse_header(&c, h);
    nbase__free(&a->env, text);
    return status;
}

nbase_status nbase__npy_read(nbase_archive *a, nbase__stream *stream, const char *name,
                             size_t length, nbase_error *err)
{
    npy_header h;
    nbase_status status = read_header(a, stream, &h, err);
    if (status) return status;
    size_t count, bytes;
    if (!nbase__array_bytes(h.dtype, h.ndim, h.shape, &count, &bytes))
        return nbase__fail(err, NBASE_ERR_LIMIT, "%s: the array's size overflows", stream->what);
    if (bytes != stream->left) /* before memory is asked for: a header can claim anything */
        return nbase__fail(
            err, NBASE_ERR_FORMAT,
            "%s: %llu bytes of data where the shape needs %zu: truncated, or trailing bytes",
            stream->what, (unsigned long long)stream->left, bytes);
    nbase_array *array;
    status =
        nbase__archive_append(a, stream->what, name, length, h.dtype, h.ndim, h.shape, &array, err);
    return status ? status : read_data(a, stream, &h, array, err);
}

/* ---- writing ---- */

size_t nbase__npy_header(const nbase_array *array, uint8_t header[NBASE__NPY_HEADER_MAX])
{
    char shape[NBASE_MAX_DIMS * 21 + 1] = "";
    size_t used = 0;
    int found = -1;
    for (int i = 0; i < DESCR_COUNT; i++)
        if (descrs[i].dtype == array->dtype) found = i;
    if (found < 0) return 0;
    for (int k = 0; k < array->ndim; k++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, k ? " %zu%s" : "%zu%s",
                                 array->shape[k], k + 1 < array->ndim || !k ? "," : "");
    int n = snprintf((char *)header + 10, NBASE__NPY_HEADER_MAX - 10,
                     "{'descr': '%c%c%c', 'fortran_order': False, 'shape': (%s), }",
                     descrs[found].bytes == '1' ? '|' : '<', descrs[found].kind,
                     descrs[found].bytes, shape);
    size_t total = nbase__round_up(10 + (size_t)n + 1, 64);
    memcpy(header, "\x93NUMPY\1\0", 8);
    nbase__store16(header + 8, (uint16_t)(total - 10));
    memset(header + 10 + n, ' ', total - 10 - (size_t)n);
    header[total - 1] = '\n';
    return total;
}

nbase_status nbase_array_write_npy(const nbase_array *array, const char *path, nbase_error *err)
{
    if (!array || !path)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "nbase_array_write_npy: array and path must not be null");
    uint8_t header[NBASE__NPY_HEADER_MAX];
    size_t n = nbase__npy_header(array, header);
    if (!n)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "%s: NumPy has no type for %s", path,
                           nbase_dtype_name(array->dtype));
    nbase_env env = nbase__env(NULL);
    nbase__outfile out;
    nbase__outfile_open(&out, &env, path);
    nbase__outfile_write(&out, header, n);
    nbase__outfile_write(&out, array->data, array->count * nbase_dtype_size(array->dtype));
    return nbase__outfile_commit(&out, err);
}
