#include "archive_help.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char scratch_dir[] = "/tmp/test_archive.XXXXXX";
const char *const golden_files[GOLDEN_FILES] = {
    GOLDENS "stored.npz",           GOLDENS "deflated.npz", GOLDENS "streamed.npz",
    GOLDENS "official.safetensors", GOLDENS "v1.npy",       GOLDENS "v2.npy"};

int make_scratch(void **state)
{
    (void)state;
    return mkdtemp(scratch_dir) ? 0 : -1;
}

int remove_scratch(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", scratch_dir);
    return system(command);
}

const char *in_dir(const char *name)
{
    static char paths[4][200];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_dir, name);
    return path;
}

size_t files_in_dir(void)
{
    DIR *d = opendir(scratch_dir);
    size_t n = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

blob slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    blob b = {malloc(1 << 22), 0};
    assert_non_null(b.data);
    b.size = fread(b.data, 1, 1 << 22, f);
    fclose(f);
    return b;
}

nbase_status parse_status(const void *data, size_t size, nbase_error *err)
{
    nbase_archive *a;
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    nbase_error unused;
    nbase_status status = nbase_archive_parse(NULL, copy, size, "test", &a, err ? err : &unused);
    free(copy);
    if (status) assert_null(a);
    nbase_archive_free(a);
    return status;
}

nbase_archive *sample_archive(const nbase_env *env)
{
    nbase_archive *a;
    assert_int_equal(nbase_archive_create(env, &a), NBASE_OK);
    static const float f[6] = {-1, -0.5f, 0, 0.5f, 1, 1.5f};
    static const uint8_t bytes[3] = {1, 0, 1};
    static const double d[2] = {3.25, -1e300};
    static const int64_t i = -7;
    nbase_array *wide;
    assert_int_equal(nbase_archive_add(a, "flag", NBASE_BOOL, 1, (size_t[]){3}, bytes, NULL),
                     NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "layer/kernel", NBASE_F32, 2, (size_t[]){2, 3}, f, NULL),
                     NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "d", NBASE_F64, 1, (size_t[]){2}, d, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "scalar", NBASE_I64, 0, NULL, &i, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "none", NBASE_U16, 3, (size_t[]){4, 0, 2}, NULL, NULL),
                     NBASE_OK);
    assert_int_equal(
        nbase_archive_add(a, "na\xc3\xafve", NBASE_U32, 2, (size_t[]){500, 100}, NULL, &wide),
        NBASE_OK);
    for (size_t k = 0; k < wide->count; k++) ((uint32_t *)wide->data)[k] = (uint32_t)(k * k % 1000);
    return a;
}

void assert_same_arrays(const nbase_archive *a, const nbase_archive *b)
{
    assert_int_equal(nbase_archive_count(a), nbase_archive_count(b));
    for (size_t i = 0; i < nbase_archive_count(a); i++) {
        const nbase_array *x = nbase_archive_at(a, i), *y = nbase_archive_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_int_equal(x->ndim, y->ndim);
        assert_int_equal(x->count, y->count);
        for (int k = 0; k < x->ndim; k++) assert_int_equal(x->shape[k], y->shape[k]);
        assert_memory_equal(x->data, y->data, x->count * nbase_dtype_size(x->dtype));
        assert_int_equal((uintptr_t)y->data % 64, 0);
        assert_ptr_equal(nbase_archive_find(b, x->name), y);
    }
}

nbase_archive *read_archive(const char *path)
{
    nbase_archive *a;
    nbase_error err = {0, ""};
    nbase_status status = nbase_archive_read(NULL, path, &a, &err);
    if (status) print_error("%s\n", err.text);
    assert_int_equal(status, NBASE_OK);
    return a;
}

void write_sample(int kind, const char *path)
{
    nbase_archive *a = sample_archive(NULL);
    nbase_error err = {0, ""};
    assert_int_equal(nbase_archive_set_meta(a, "convlstm", "{\"x\": \"\xe2\x82\xac\"}"), NBASE_OK);
    nbase_status status = kind < 0 ? nbase_archive_write_safetensors(a, path, &err)
                                   : nbase_archive_write_npz(a, path, kind, &err);
    assert_int_equal(status, NBASE_OK);
    nbase_archive_free(a);
}
