/* formats.c - files of arrays: the reader is chosen by the file's content. Only this file knows all
 * the formats. */
#include <string.h>

#include "npy.h"
#include "safetensors.h"
#include "zip.h"

/* A .npy names no array; NumPy calls the arrays of an .npz that has no names so. */
#define NPY_NAME "arr_0"

static nbase_status read_npy(nbase_archive *a, const nbase__source *source, nbase_error *err)
{
    nbase__source_stream s;
    nbase__source_stream_init(&s, source, 0, source->size);
    return nbase__npy_read(a, &s.stream, NPY_NAME, strlen(NPY_NAME), err);
}

static nbase_status read_npz(nbase_archive *a, const nbase__source *source, nbase_error *err)
{
    return nbase__zip_read(a, source, true, err);
}

static nbase_status read_zip(nbase_archive *a, const nbase__source *source, nbase_error *err)
{
    return nbase__zip_read(a, source, false, err);
}

static nbase_status read_by_content(nbase_archive *a, const nbase__source *source, nbase_error *err)
{
    uint8_t head[9] = {0};
    nbase_status status = nbase__source_read(
        source, 0, head, source->size < sizeof head ? (size_t)source->size : sizeof head, err);
    if (status) return status;
    if (!source->size)
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: the file is empty", source->what);
    if (!memcmp(head, "\x93NUMPY", 6)) return read_npy(a, source, err);
    if (!memcmp(head, "PK\3\4", 4) || !memcmp(head, "PK\5\6", 4)) return read_npz(a, source, err);
    if (head[8] == '{') return nbase__safetensors_read(a, source, err);
    return nbase__fail(err, NBASE_ERR_FORMAT, "%s: neither .npy, .npz nor .safetensors",
                       source->what);
}

typedef nbase_status reader_fn(nbase_archive *a, const nbase__source *source, nbase_error *err);

/* A new archive with what the reader finds in the source. */
static nbase_status read_source(const nbase_env *env, const nbase__source *source, reader_fn *read,
                                nbase_archive **out, nbase_error *err)
{
    nbase_archive *a;
    nbase_status status = nbase_archive_create(env, &a);
    if (status) return nbase__fail(err, status, "%s: out of memory", source->what);
    status = read(a, source, err);
    if (status)
        nbase_archive_free(a);
    else
        *out = a;
    return status;
}

nbase_status nbase_archive_read(const nbase_env *env, const char *path, nbase_archive **out,
                                nbase_error *err)
{
    if (out) *out = NULL;
    if (!path || !out)
        return nbase__fail(err, NBASE_ERR_ARG, "nbase_archive_read: path and out must not be null");
    nbase__source source;
    nbase_status status = nbase__source_open(&source, path, err);
    if (status) return status;
    status = read_source(env, &source, read_by_content, out, err);
    nbase__source_close(&source);
    return status;
}

nbase_status nbase_archive_parse(const nbase_env *env, const void *bytes, size_t size,
                                 const char *what, nbase_archive **out, nbase_error *err)
{
    if (out) *out = NULL;
    if ((!bytes && size) || !out)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "nbase_archive_parse: bytes and out must not be null");
    nbase__source source;
    nbase__source_memory(&source, bytes, size, what ? what : "archive");
    return read_source(env, &source, read_by_content, out, err);
}

nbase_status nbase_archive_parse_zip(const nbase_env *env, const void *bytes, size_t size,
                                     const char *what, nbase_archive **out, nbase_error *err)
{
    if (out) *out = NULL;
    if ((!bytes && size) || !out)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "nbase_archive_parse_zip: bytes and out must not be null");
    nbase__source source;
    nbase__source_memory(&source, bytes, size, what ? what : "zip");
    return read_source(env, &source, read_zip, out, err);
}
