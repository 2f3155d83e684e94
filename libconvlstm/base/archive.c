/* archive.c - named arrays and metadata in memory. */
#include "archive.h"

#include <string.h>

#include "json.h"

nbase_status nbase_archive_create(const nbase_env *env, nbase_archive **out)
{
    if (!out) return NBASE_ERR_ARG;
    nbase_env e = nbase__env(env);
    nbase_archive *a = *out = nbase__calloc(&e, 1, sizeof *a);
    if (!a) return NBASE_ERR_NOMEM;
    a->env = e;
    nbase__index_init(&a->names, &a->env);
    nbase__index_init(&a->keys, &a->env);
    return NBASE_OK;
}

static void free_array(const nbase_env *env, nbase_array *array)
{
    if (!array) return;
    nbase__free(env, (void *)array->name);
    nbase__free(env, array->data);
    nbase__free(env, array);
}

void nbase_archive_free(nbase_archive *a)
{
    if (!a) return;
    nbase_env env = a->env;
    for (size_t i = 0; i < a->count; i++) free_array(&env, a->arrays[i]);
    for (size_t i = 0; i < a->meta_count; i++) {
        nbase__free(&env, a->meta[i].key);
        nbase__free(&env, a->meta[i].value);
    }
    nbase__index_free(&a->names);
    nbase__index_free(&a->keys);
    nbase__free(&env, a->packed);
    nbase__free(&env, a->arrays);
    nbase__free(&env, a->meta);
    nbase__free(&env, a);
}

/* ---- arrays ---- */

bool nbase__array_bytes(nbase_dtype dtype, size_t ndim, const size_t *shape, size_t *count,
                        size_t *bytes)
{
    /* A zero hides the product of the other sizes; they must fit all the same, so that strides
     * computed from them do. */
    size_t product = 1, total = 1;
    for (size_t i = 0; i < ndim; i++) {
        total *= shape[i];
        if (!nbase__mul(product, shape[i] ? shape[i] : 1, &product)) return false;
    }
    *count = total;
    if (!nbase__mul(product, nbase_dtype_size(dtype), &product) || product > PTRDIFF_MAX)
        return false;
    *bytes = total ? product : 0;
    return true;
}

/* *items has room for one more afterwards. */
static bool reserve(const nbase_env *env, void **items, size_t count, size_t *capacity,
                    size_t item_size)
{
    if (count < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *bigger = nbase__calloc(env, wanted, item_size);
    if (!bigger) return false;
    if (count) memcpy(bigger, *items, count * item_size);
    nbase__free(env, *items);
    *items = bigger;
    *capacity = wanted;
    return true;
}

static char *copy_text(const nbase_env *env, const char *text, size_t length)
{
    char *copy = nbase__alloc(env, length + 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* Adds `array` to the list, which then owns it. False if there is no memory. */
static bool list_array(nbase_archive *a, nbase_array *array)
{
    if (!reserve(&a->env, (void **)&a->arrays, a->count, &a->capacity, sizeof *a->arrays))
        return false;
    if (!nbase__index_add(&a->names, array->name, a->count)) return false;
    a->arrays[a->count++] = array;
    return true;
}

static nbase_status check_name(const char *what, const char *name, size_t length, nbase_error *err)
{
    if (!length || memchr(name, 0, length) || !nbase__utf8_valid(name, length))
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: the name of an array is empty or not UTF-8",
                           what);
    if (length >= NBASE_MAX_NAME)
        return nbase__fail(err, NBASE_ERR_LIMIT,
                           "%s: array name \"%.40s...\" has %zu bytes; the limit is %d", what, name,
                           length, NBASE_MAX_NAME - 1);
    return NBASE_OK;
}

/* An array with a copy of its name and room for its data; null if there is no memory. */
static nbase_array *new_array(const nbase_env *env, const char *name, size_t length, size_t bytes)
{
    nbase_array *array = nbase__calloc(env, 1, sizeof *array);
    if (!array) return NULL;
    array->name = copy_text(env, name, length);
    array->data = nbase__alloc(env, bytes);
    if (array->name && array->data) return array;
    free_array(env, array);
    return NULL;
}

nbase_status nbase__archive_append(nbase_archive *a, const char *what, const char *name,
                                   size_t length, nbase_dtype dtype, size_t ndim,
                                   const size_t *shape, nbase_array **out, nbase_error *err)
{
    nbase_status status = check_name(what, name, length, err);
    if (status) return status;
    int printed = (int)length;
    if (ndim > NBASE_MAX_DIMS)
        return nbase__fail(err, NBASE_ERR_LIMIT, "%s: array \"%.*s\" has %zu axes; the limit is %d",
                           what, printed, name, ndim, NBASE_MAX_DIMS);
    size_t count, bytes;
    if (!nbase__array_bytes(dtype, ndim, shape, &count, &bytes))
        return nbase__fail(err, NBASE_ERR_LIMIT, "%s: the size of array \"%.*s\" overflows", what,
                           printed, name);
    nbase_array *array = new_array(&a->env, name, length, bytes);
    if (array && nbase__index_find(&a->names, array->name) != NBASE__INDEX_NONE) {
        free_array(&a->env, array);
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: two arrays are named \"%.*s\"", what,
                           printed, name);
    }
    if (!array || !list_array(a, array)) {
        free_array(&a->env, array);
        return nbase__fail(err, NBASE_ERR_NOMEM,
                           "%s: out of memory for array \"%.*s\" of %zu bytes", what, printed, name,
                           bytes);
    }
    array->dtype = dtype;
    array->ndim = (int)ndim;
    array->count = count;
    if (ndim) memcpy(array->shape, shape, ndim * sizeof *shape);
    *out = array;
    return NBASE_OK;
}

nbase_status nbase__array_check_bool(const nbase_array *array, const char *what, nbase_error *err)
{
    const uint8_t *values = array->data;
    for (size_t i = 0; array->dtype == NBASE_BOOL && i < array->count; i++)
        if (values[i] > 1)
            return nbase__fail(err, NBASE_ERR_FORMAT, "%s: array \"%s\": %d is not a bool", what,
                               array->name, values[i]);
    return NBASE_OK;
}

nbase_status nbase_archive_add(nbase_archive *a, const char *name, nbase_dtype dtype, int ndim,
                               const size_t *shape, const void *data, nbase_array **out)
{
    if (!a || !name || ndim < 0 || (ndim && !shape) || !nbase_dtype_size(dtype))
        return NBASE_ERR_ARG;
    nbase_array *array = NULL;
    nbase_status status =
        nbase__archive_append(a, "", name, strlen(name), dtype, (size_t)ndim, shape, &array, NULL);
    if (status) return status == NBASE_ERR_FORMAT ? NBASE_ERR_ARG : status;
    size_t bytes = array->count * nbase_dtype_size(dtype);
    if (data && bytes)
        memcpy(array->data, data, bytes);
    else
        memset(array->data, 0, bytes);
    if (out) *out = array;
    return NBASE_OK;
}

size_t nbase_archive_count(const nbase_archive *a) { return a ? a->count : 0; }

const nbase_array *nbase_archive_at(const nbase_archive *a, size_t i)
{
    return i < nbase_archive_count(a) ? a->arrays[i] : NULL;
}

const nbase_array *nbase_archive_find(const nbase_archive *a, const char *name)
{
    if (!a || !name) return NULL;
    size_t i = nbase__index_find(&a->names, name);
    return i == NBASE__INDEX_NONE ? NULL : a->arrays[i];
}

/* ---- metadata ---- */

const char *nbase_archive_meta(const nbase_archive *a, const char *key)
{
    if (!a || !key) return NULL;
    size_t i = nbase__index_find(&a->keys, key);
    return i == NBASE__INDEX_NONE ? NULL : a->meta[i].value;
}

nbase_status nbase_archive_set_meta(nbase_archive *a, const char *key, const char *value)
{
    if (!a || !key || !value || !nbase__utf8_valid(key, strlen(key)) ||
        !nbase__utf8_valid(value, strlen(value)))
        return NBASE_ERR_ARG;
    char *copy = nbase__strdup(&a->env, value);
    if (!copy) return NBASE_ERR_NOMEM;
    size_t i = nbase__index_find(&a->keys, key);
    if (i != NBASE__INDEX_NONE) {
        nbase__free(&a->env, a->meta[i].value);
        a->meta[i].value = copy;
        return NBASE_OK;
    }
    char *own_key = nbase__strdup(&a->env, key);
    if (!own_key ||
        !reserve(&a->env, (void **)&a->meta, a->meta_count, &a->meta_capacity, sizeof *a->meta) ||
        !nbase__index_add(&a->keys, own_key, a->meta_count)) {
        nbase__free(&a->env, own_key);
        nbase__free(&a->env, copy);
        return NBASE_ERR_NOMEM;
    }
    a->meta[a->meta_count++] = (nbase__meta_entry){own_key, copy};
    return NBASE_OK;
}

size_t nbase_archive_meta_count(const nbase_archive *a) { return a ? a->meta_count : 0; }

int nbase_archive_meta_at(const nbase_archive *a, size_t i, const char **key, const char **value)
{
    if (i >= nbase_archive_meta_count(a)) return 0;
    if (key) *key = a->meta[i].key;
    if (value) *value = a->meta[i].value;
    return 1;
}
