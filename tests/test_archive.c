/* Archives: what is written comes back, what NumPy and safetensors write is read, and whatever is wrong is refused without harm. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "failing_alloc.h"
#include "nbase.h"

static char dir[] = "/tmp/test_archive.XXXXXX";
#define GOLDENS SKIN_ROOT "/tests/goldens/archive/"

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static const char *in_dir(const char *name)
{
    static char paths[4][200];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static size_t files_in_dir(void)
{
    DIR *d = opendir(dir);
    size_t n = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

typedef struct blob {
    uint8_t *data;
    size_t size;
} blob;

static blob slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    blob b = {malloc(1 << 22), 0};
    assert_non_null(b.data);
    b.size = fread(b.data, 1, 1 << 22, f);
    fclose(f);
    return b;
}

/* From a copy of exactly that size, so that the address sanitizer sees a read beyond it. */
static nbase_status parse_status(const void *data, size_t size, nbase_error *err)
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

/* ---- contents --------------------------------------------------------------------------------------------------- */

static nbase_archive *sample(const nbase_env *env)
{
    nbase_archive *a;
    assert_int_equal(nbase_archive_create(env, &a), NBASE_OK);
    static const float f[6] = {-1, -0.5f, 0, 0.5f, 1, 1.5f};
    static const uint8_t bytes[3] = {1, 0, 1};
    static const double d[2] = {3.25, -1e300};
    static const int64_t i = -7;
    nbase_array *wide;
    assert_int_equal(nbase_archive_add(a, "flag", NBASE_BOOL, 1, (size_t[]){3}, bytes, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "layer/kernel", NBASE_F32, 2, (size_t[]){2, 3}, f, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "d", NBASE_F64, 1, (size_t[]){2}, d, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "scalar", NBASE_I64, 0, NULL, &i, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "none", NBASE_U16, 3, (size_t[]){4, 0, 2}, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "na\xc3\xafve", NBASE_U32, 2, (size_t[]){500, 100}, NULL, &wide), NBASE_OK);
    for (size_t k = 0; k < wide->count; k++) ((uint32_t *)wide->data)[k] = (uint32_t)(k * k % 1000);
    return a;
}

static void assert_same(const nbase_archive *a, const nbase_archive *b)
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

static nbase_archive *read_file(const char *path)
{
    nbase_archive *a;
    nbase_error err = {0, ""};
    nbase_status status = nbase_archive_read(NULL, path, &a, &err);
    if (status) print_error("%s\n", err.text);
    assert_int_equal(status, NBASE_OK);
    return a;
}

static void write_sample(int kind, const char *path)
{
    nbase_archive *a = sample(NULL);
    nbase_error err = {0, ""};
    assert_int_equal(nbase_archive_set_meta(a, "convlstm", "{\"x\": \"\xe2\x82\xac\"}"), NBASE_OK);
    nbase_status status = kind < 0 ? nbase_archive_write_safetensors(a, path, &err) : nbase_archive_write_npz(a, path, kind, &err);
    assert_int_equal(status, NBASE_OK);
    nbase_archive_free(a);
}

static void test_round_trips(void **state)
{
    (void)state;
    for (int kind = -1; kind <= 9; kind++) {
        write_sample(kind, in_dir("sample"));
        write_sample(kind, in_dir("again"));
        nbase_archive *expected = sample(NULL), *got = read_file(in_dir("sample"));
        assert_same(expected, got);
        assert_int_equal(nbase_archive_meta_count(got), kind < 0);
        if (kind < 0) assert_string_equal(nbase_archive_meta(got, "convlstm"), "{\"x\": \"\xe2\x82\xac\"}");
        blob x = slurp(in_dir("sample")), y = slurp(in_dir("again"));
        for (int times = 0; kind >= 0 && times < 2; times++) { /* packed in memory: the same bytes, also a second time */
            const void *packed;
            size_t size;
            assert_int_equal(nbase_archive_pack_npz(expected, kind, &packed, &size, NULL), NBASE_OK);
            assert_int_equal(size, x.size);
            assert_memory_equal(packed, x.data, size);
        }
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.data, y.data, x.size);
        nbase_archive *parsed;
        assert_int_equal(nbase_archive_parse(NULL, x.data, x.size, "memory", &parsed, NULL), NBASE_OK);
        assert_same(expected, parsed);
        free(x.data);
        free(y.data);
        nbase_archive_free(expected);
        nbase_archive_free(got);
        nbase_archive_free(parsed);
    }
}

/* A zip of anything: bytes come back under their names, damage is refused, and it is no .npz; folders in it are left out. */
static void test_plain_zip(void **state)
{
    (void)state;
    for (int level = 0; level <= 9; level += 9) {
        nbase_archive *a, *got;
        const char text[] = "{\"a\": [1, 2, 3, 3, 3, 3, 3, 3, 3, 3]}";
        size_t sizes[] = {sizeof text, 0};
        assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
        assert_int_equal(nbase_archive_add(a, "config.json", NBASE_U8, 1, &sizes[0], text, NULL), NBASE_OK);
        assert_int_equal(nbase_archive_add(a, "sub/empty", NBASE_U8, 1, &sizes[1], NULL, NULL), NBASE_OK);
        if (!level) assert_int_equal(nbase_archive_add(a, "folder/", NBASE_U8, 1, &sizes[1], NULL, NULL), NBASE_OK);
        assert_int_equal(nbase_archive_write_zip(a, in_dir("plain.zip"), level, NULL), NBASE_OK);
        blob zip = slurp(in_dir("plain.zip"));
        nbase_error err;
        assert_int_equal(nbase_archive_parse_zip(NULL, zip.data, zip.size, "zip", &got, &err), NBASE_OK);
        assert_int_equal(nbase_archive_count(got), 2);
        assert_string_equal(nbase_archive_at(got, 1)->name, "sub/empty");
        const nbase_array *config = nbase_archive_find(got, "config.json");
        assert_true(config && config->dtype == NBASE_U8 && config->count == sizeof text);
        assert_memory_equal(config->data, text, sizeof text);
        nbase_archive_free(got);
        for (size_t i = 0; i < zip.size; i++) { /* cut short anywhere */
            assert_int_not_equal(nbase_archive_parse_zip(NULL, zip.data, i, "zip", &got, &err), NBASE_OK);
            assert_null(got);
        }
        assert_int_equal(parse_status(zip.data, zip.size, &err), NBASE_ERR_UNSUPPORTED);
        zip.data[30 + strlen("config.json") + 2] ^= 1; /* the entry's bytes */
        assert_int_equal(nbase_archive_parse_zip(NULL, zip.data, zip.size, "zip", &got, &err), NBASE_ERR_FORMAT);
        free(zip.data);
        nbase_archive_free(a);
    }
    assert_int_equal(nbase_archive_parse_zip(NULL, NULL, 3, "zip", NULL, NULL), NBASE_ERR_ARG);
}

static void test_npy_round_trip(void **state)
{
    (void)state;
    nbase_archive *a = sample(NULL);
    nbase_error err;
    for (size_t i = 0; i < nbase_archive_count(a); i++) {
        const nbase_array *x = nbase_archive_at(a, i);
        assert_int_equal(nbase_array_write_npy(x, in_dir("one.npy"), &err), NBASE_OK);
        nbase_archive *b = read_file(in_dir("one.npy"));
        const nbase_array *y = nbase_archive_find(b, "arr_0");
        assert_non_null(y);
        assert_int_equal(nbase_archive_count(b), 1);
        assert_int_equal(y->dtype, x->dtype);
        assert_int_equal(y->ndim, x->ndim);
        for (int k = 0; k < x->ndim; k++) assert_int_equal(x->shape[k], y->shape[k]);
        assert_memory_equal(x->data, y->data, x->count * nbase_dtype_size(x->dtype));
        nbase_archive_free(b);
    }
    nbase_archive_free(a);
}

/* The widest elements come first in the file, so that each array is aligned to its own. */
static void test_safetensors_layout(void **state)
{
    (void)state;
    write_sample(-1, in_dir("sample"));
    blob b = slurp(in_dir("sample"));
    uint64_t header;
    memcpy(&header, b.data, 8);
    assert_int_equal(header % 8, 0);
    char *text = (char *)b.data + 8;
    assert_memory_equal(text, "{\"__metadata__\":{\"convlstm\":", 28);
    assert_non_null(strstr(text, "\"flag\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[200048,200051]}"));
    assert_non_null(strstr(text, "\"layer/kernel\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[24,48]}"));
    assert_non_null(strstr(text, "\"scalar\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[16,24]}"));
    free(b.data);
}

static void test_metadata(void **state)
{
    (void)state;
    nbase_archive *a = sample(NULL);
    const char *key, *value;
    assert_null(nbase_archive_meta(a, "k"));
    assert_int_equal(nbase_archive_set_meta(a, "k", "1"), NBASE_OK);
    assert_int_equal(nbase_archive_set_meta(a, "k", "2"), NBASE_OK);
    assert_int_equal(nbase_archive_set_meta(a, "", ""), NBASE_OK);
    assert_int_equal(nbase_archive_set_meta(a, "bad", "\xff"), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_meta_count(a), 2);
    assert_string_equal(nbase_archive_meta(a, "k"), "2");
    assert_true(nbase_archive_meta_at(a, 1, &key, &value));
    assert_string_equal(key, "");
    assert_false(nbase_archive_meta_at(a, 2, &key, &value));
    nbase_archive_free(a);
}

static void test_arguments(void **state)
{
    (void)state;
    nbase_archive *a = sample(NULL);
    size_t huge[2] = {SIZE_MAX / 2, 3}, hidden[3] = {SIZE_MAX / 2, 0, 3}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    char name[NBASE_MAX_NAME + 1];
    memset(name, 'n', sizeof name);
    name[NBASE_MAX_NAME] = '\0';
    assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_LIMIT);
    name[NBASE_MAX_NAME - 1] = '\0';
    assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "", NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "\xff", NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "x", (nbase_dtype)99, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "x", NBASE_U8, -1, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "x", NBASE_U8, 9, nine, NULL, NULL), NBASE_ERR_LIMIT);
    assert_int_equal(nbase_archive_add(a, "x", NBASE_U8, 2, huge, NULL, NULL), NBASE_ERR_LIMIT);
    assert_int_equal(nbase_archive_add(a, "x", NBASE_U8, 3, hidden, NULL, NULL), NBASE_ERR_LIMIT);
    assert_int_equal(nbase_archive_count(a), 7);
    assert_null(nbase_archive_at(a, 7));
    assert_null(nbase_archive_find(a, "x"));
    nbase_archive *none;
    assert_int_equal(nbase_archive_read(NULL, NULL, &none, NULL), NBASE_ERR_ARG);
    assert_null(none);
    nbase_archive_free(a);
    nbase_archive_free(NULL);
}

/* A pointer to an array stays good when others are added. */
static void test_many_arrays(void **state)
{
    (void)state;
    nbase_archive *a;
    nbase_array *first;
    assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "first", NBASE_U8, 1, (size_t[]){1}, "\x2a", &first), NBASE_OK);
    char name[32];
    for (int i = 0; i < 70000; i++) { /* beyond 65535: the zip needs its 64-bit end record */
        snprintf(name, sizeof name, "array%d", i);
        assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_OK);
    }
    assert_ptr_equal(nbase_archive_find(a, "first"), first);
    assert_int_equal(*(uint8_t *)first->data, 42);
    nbase_error err;
    assert_int_equal(nbase_archive_write_npz(a, in_dir("many.npz"), 0, &err), NBASE_OK);
    nbase_archive *b = read_file(in_dir("many.npz"));
    assert_same(a, b);
    nbase_archive_free(b);
    assert_int_equal(unlink(in_dir("many.npz")), 0);
    nbase_archive_free(a);
}

/* ---- what others write ------------------------------------------------------------------------------------------ */

static double value_at(const nbase_array *x, size_t i)
{
    switch (x->dtype) {
    case NBASE_F32: return ((const float *)x->data)[i];
    case NBASE_F64: return ((const double *)x->data)[i];
    case NBASE_I16: return ((const int16_t *)x->data)[i];
    case NBASE_F16: return ((const uint16_t *)x->data)[i]; /* the bits */
    default: return ((const uint8_t *)x->data)[i];
    }
}

static void test_goldens(void **state)
{
    (void)state;
    static const char *const files[] = {"stored.npz", "deflated.npz", "streamed.npz", "official.safetensors"};
    for (int f = 0; f < 4; f++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", GOLDENS, files[f]);
        nbase_archive *a = read_file(path);
        assert_int_equal(nbase_archive_count(a), 7);
        const nbase_array *x = nbase_archive_find(a, "a");
        assert_true(x && x->dtype == NBASE_F32 && x->ndim == 2 && x->shape[0] == 2 && x->shape[1] == 3);
        for (size_t i = 0; i < 6; i++) assert_true(value_at(x, i) == (double)i * 0.5 - 1);
        x = nbase_archive_find(a, "fortran");
        assert_true(x && x->dtype == NBASE_F64 && x->ndim == 3 && x->shape[0] == 2 && x->shape[1] == 3 && x->shape[2] == 4);
        for (size_t i = 0; i < 24; i++) assert_true(value_at(x, i) == (double)i);
        x = nbase_archive_find(a, "big");
        assert_true(x && x->dtype == NBASE_I16 && x->count == 4);
        for (size_t i = 0; i < 4; i++) assert_true(value_at(x, i) == (double)i - 2);
        x = nbase_archive_find(a, "flag");
        assert_true(x && x->dtype == NBASE_BOOL && x->count == 3 && value_at(x, 0) == 1 && value_at(x, 1) == 0 && value_at(x, 2) == 1);
        x = nbase_archive_find(a, "half");
        assert_true(x && x->dtype == NBASE_F16 && x->count == 1 && value_at(x, 0) == 0x4300);
        x = nbase_archive_find(a, "none");
        assert_true(x && x->dtype == NBASE_I64 && x->count == 0 && x->ndim == 2 && x->shape[1] == 3);
        x = nbase_archive_find(a, "zeros");
        assert_true(x && x->dtype == NBASE_U8 && x->count == 1000);
        for (size_t i = 0; i < 1000; i++) assert_true(value_at(x, i) == 0);
        if (f == 3) assert_string_equal(nbase_archive_meta(a, "key"), "value \xe2\x82\xac");
        nbase_archive_free(a);
    }
    for (int version = 1; version <= 3; version++) {
        char path[300];
        snprintf(path, sizeof path, "%sv%d.npy", GOLDENS, version);
        nbase_archive *a = read_file(path);
        assert_int_equal(nbase_archive_at(a, 0)->count, 6);
        nbase_archive_free(a);
    }
}

static void test_goldens_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"object.npy", "text.npy", "complex.npy", "record.npy"};
    for (int f = 0; f < 4; f++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", GOLDENS, files[f]);
        nbase_archive *a;
        nbase_error err;
        assert_int_equal(nbase_archive_read(NULL, path, &a, &err), NBASE_ERR_UNSUPPORTED);
        assert_null(a);
        assert_non_null(strstr(err.text, files[f]));
    }
}

/* ---- damage ----------------------------------------------------------------------------------------------------- */

static const char *const damaged[] = {GOLDENS "stored.npz", GOLDENS "deflated.npz", GOLDENS "streamed.npz", GOLDENS "official.safetensors", GOLDENS "v1.npy", GOLDENS "v2.npy"};
enum { DAMAGED = sizeof damaged / sizeof *damaged };

static void test_every_truncation(void **state)
{
    (void)state;
    for (int f = 0; f < DAMAGED; f++) {
        blob b = slurp(damaged[f]);
        assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_OK);
        for (size_t n = 0; n < b.size; n++) {
            nbase_status status = parse_status(b.data, n, NULL);
            if (status != NBASE_ERR_FORMAT) print_error("%s cut to %zu bytes: status %d\n", damaged[f], n, status);
            assert_int_equal(status, NBASE_ERR_FORMAT);
        }
        free(b.data);
    }
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    for (int f = 0; f < DAMAGED; f++) {
        blob b = slurp(damaged[f]);
        for (size_t extra = 1; extra < 70; extra += 23) {
            memset(b.data + b.size, 0, extra);
            assert_int_equal(parse_status(b.data, b.size + extra, NULL), NBASE_ERR_FORMAT);
        }
        free(b.data);
    }
}

/* A damaged bit in a zip is noticed, or it says nothing of the content (times, versions, attributes): names and values are then the same. */
static void test_every_byte_damaged(void **state)
{
    (void)state;
    for (int f = 0; f < DAMAGED; f++) {
        blob b = slurp(damaged[f]);
        nbase_archive *good = read_file(damaged[f]), *got;
        for (size_t i = 0; i < b.size * 8; i += 3) {
            b.data[i / 8] ^= (uint8_t)(1 << i % 8);
            nbase_status status = nbase_archive_parse(NULL, b.data, b.size, "damaged", &got, NULL);
            bool zip = f < 3;
            if (!status && zip) assert_same(good, got);
            nbase_archive_free(got);
            b.data[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        nbase_archive_free(good);
        free(b.data);
    }
}

static void test_bad_crc(void **state)
{
    (void)state;
    blob b = slurp(damaged[0]);
    nbase_error err;
    uint8_t *text = memmem(b.data, b.size, "\x93NUMPY", 6);
    assert_non_null(text);
    text[128] ^= 1; /* the first element: a stored value */
    assert_int_equal(parse_status(b.data, b.size, &err), NBASE_ERR_FORMAT);
    assert_non_null(strstr(err.text, "CRC"));
    assert_non_null(strstr(err.text, "a.npy"));
    free(b.data);
}

/* Replaces every occurrence; the texts have the same length. */
static void replace(blob *b, const char *from, const char *to)
{
    size_t n = strlen(from), hits = 0;
    assert_int_equal(n, strlen(to));
    for (size_t i = 0; i + n <= b->size; i++)
        if (!memcmp(b->data + i, from, n)) {
            memcpy(b->data + i, to, n);
            hits++;
        }
    assert_true(hits > 0);
}

static void test_zip_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        nbase_status status;
    } cases[] = {
        {"flag.npy", "half.npy", NBASE_ERR_FORMAT}, /* two of the same name */
        {"flag.npy", "flag.txt", NBASE_ERR_UNSUPPORTED},
        {"flag.npy", "fl\xff" "g.npy", NBASE_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = slurp(damaged[0]);
        replace(&b, cases[i].from, cases[i].to);
        assert_int_equal(parse_status(b.data, b.size, NULL), cases[i].status);
        free(b.data);
    }
    blob b = slurp(damaged[0]);
    uint8_t *central = memmem(b.data, b.size, "PK\1\2", 4);
    assert_non_null(central);
    central[8] |= 1;
    assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_ERR_UNSUPPORTED); /* encrypted */
    central[8] &= (uint8_t)~1;
    central[10] = 14;
    assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_ERR_UNSUPPORTED); /* LZMA */
    central[10] = 0;
    b.data[14] ^= 1;
    assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_ERR_FORMAT); /* CRC of the local header */
    b.data[14] ^= 1;
    memmove(b.data + 1, b.data, b.size);
    assert_int_equal(parse_status(b.data, b.size + 1, NULL), NBASE_ERR_FORMAT); /* a byte before it */
    free(b.data);
    assert_int_equal(parse_status("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, NULL), NBASE_OK); /* an empty zip */
}

/* `n` zero bytes put in at `at`, with every offset in the directory moved along: a zip that is sound but for bytes that belong to nothing. */
static void insert_gap(blob *b, size_t at, size_t n)
{
    uint8_t *end = b->data + b->size - 22, *central;
    uint32_t directory, offset;
    memcpy(&directory, end + 16, 4);
    for (central = b->data + directory; central < end;) {
        uint16_t name, extra;
        memcpy(&name, central + 28, 2);
        memcpy(&extra, central + 30, 2);
        memcpy(&offset, central + 42, 4);
        if (offset >= at) offset += (uint32_t)n;
        memcpy(central + 42, &offset, 4);
        central += 46 + name + extra;
    }
    directory += (uint32_t)n;
    memcpy(end + 16, &directory, 4);
    memmove(b->data + at + n, b->data + at, b->size - at);
    memset(b->data + at, 0, n);
    b->size += n;
}

static void test_zip_gaps(void **state)
{
    (void)state;
    for (int where = 0; where < 3; where++)
        for (size_t n = 0; n < 30; n++) {
            blob b = slurp(damaged[0]);
            uint8_t *second = memmem(b.data + 4, b.size - 4, "PK\3\4", 4), *central = memmem(b.data, b.size, "PK\1\2", 4);
            insert_gap(&b, where == 0 ? 0 : (size_t)((where == 1 ? second : central) - b.data), n);
            if (where == 0 && n >= 4) memcpy(b.data, "PK\3\4", 4); /* so that it is taken for a zip at all */
            assert_int_equal(parse_status(b.data, b.size, NULL), n ? NBASE_ERR_FORMAT : NBASE_OK);
            free(b.data);
        }
}

/* A zip of one entry "x.npy": the payload, deflated, `garbage` bytes after it, and the sizes and sum that the headers are to claim. */
static nbase_status one_entry_status(const uint8_t *payload, size_t size, size_t claimed, uint32_t crc, size_t garbage)
{
    uint8_t zip[2000] = {0}, *p = zip + 35;
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)payload;
    z.avail_in = (uInt)size;
    z.next_out = p;
    z.avail_out = 1000;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    uint32_t fields[3] = {crc, (uint32_t)(z.total_out + garbage), (uint32_t)claimed}, directory = 35 + fields[1], directory_size = 51;
    deflateEnd(&z);
    memcpy(zip, "PK\3\4\24\0\0\0\10\0", 10);
    memcpy(zip + 14, fields, 12);
    zip[26] = 5;
    memcpy(zip + 30, "x.npy", 5);
    p = zip + directory;
    memcpy(p, "PK\1\2\24\0\24\0\0\0\10\0", 12);
    memcpy(p + 16, fields, 12);
    p[28] = 5;
    memcpy(p + 46, "x.npy", 5);
    p += 51;
    memcpy(p, "PK\5\6\0\0\0\0\1\0\1\0", 12);
    memcpy(p + 12, &directory_size, 4);
    memcpy(p + 16, &directory, 4);
    return parse_status(zip, directory + 51 + 22, NULL);
}

static void test_deflate_must_end_where_it_says(void **state)
{
    (void)state;
    blob npy = slurp(GOLDENS "v1.npy");
    uint32_t crc = (uint32_t)crc32(0, npy.data, (uInt)npy.size);
    assert_int_equal(one_entry_status(npy.data, npy.size, npy.size, crc, 0), NBASE_OK);
    assert_int_equal(one_entry_status(npy.data, npy.size, npy.size, crc ^ 1, 0), NBASE_ERR_FORMAT);
    assert_int_equal(one_entry_status(npy.data, npy.size, npy.size, crc, 1), NBASE_ERR_FORMAT);
    assert_int_equal(one_entry_status(npy.data, npy.size, npy.size, crc, 50), NBASE_ERR_FORMAT);
    assert_int_equal(one_entry_status(npy.data, npy.size + 1, npy.size, crc, 0), NBASE_ERR_FORMAT);
    assert_int_equal(one_entry_status(npy.data, npy.size - 1, npy.size, crc, 0), NBASE_ERR_FORMAT);
    assert_int_equal(one_entry_status(npy.data, npy.size, 1u << 30, crc, 0), NBASE_ERR_FORMAT);
    free(npy.data);
}

/* ---- hand-made headers ------------------------------------------------------------------------------------------ */

static nbase_status safetensors_status(const char *header, size_t data)
{
    uint8_t bytes[2000] = {0};
    uint64_t n = strlen(header);
    assert_true(8 + n + data <= sizeof bytes);
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, header, n);
    return parse_status(bytes, 8 + n + data, NULL);
}

static void test_safetensors_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        nbase_status status;
    } cases[] = {
        {"{}", 0, NBASE_OK},
        {"{}   ", 0, NBASE_OK},
        {"{\"__metadata__\":{}}", 0, NBASE_OK},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_OK},
        {"{\"a\":{\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"F32\"}}", 8, NBASE_OK},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]},\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 5, NBASE_OK},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[3,3]},\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3, NBASE_OK},
        {"{}", 1, NBASE_ERR_FORMAT},
        {"[]", 0, NBASE_ERR_FORMAT},
        {"{\"__metadata__\":{\"a\":1}}", 0, NBASE_ERR_FORMAT},
        {"{\"__metadata__\":[]}", 0, NBASE_ERR_FORMAT},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 16, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}", 9, NBASE_ERR_FORMAT},  /* a hole */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0.5],\"data_offsets\":[0,2]}}", 2, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,1e30]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":[]}", 0, NBASE_ERR_FORMAT},
        {"{\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, NBASE_ERR_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, NBASE_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[9007199254740992,9007199254740992],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, NBASE_ERR_LIMIT}, /* 2^64 is 0 */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9007199254740992,9007199254740992,0],\"data_offsets\":[0,0]}}", 0, NBASE_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9007199254740992],\"data_offsets\":[0,9007199254740992]}}", 8, NBASE_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nbase_status status = safetensors_status(cases[i].header, cases[i].data);
        if (status != cases[i].status) print_error("status %d for %s with %zu bytes\n", status, cases[i].header, cases[i].data);
        assert_int_equal(status, cases[i].status);
    }
    uint8_t claim[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
    assert_int_equal(parse_status(claim, sizeof claim, NULL), NBASE_ERR_FORMAT);
    static const char flag[] = "\x37\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    uint8_t bytes[8 + 0x37 + 2];
    memcpy(bytes, flag, 8 + 0x37);
    bytes[8 + 0x37] = 1;
    bytes[8 + 0x37 + 1] = 2;
    assert_int_equal(parse_status(bytes, sizeof bytes, NULL), NBASE_ERR_FORMAT); /* neither false nor true */
    bytes[8 + 0x37 + 1] = 0;
    assert_int_equal(parse_status(bytes, sizeof bytes, NULL), NBASE_OK);
}

static nbase_status npy_status(int major, const char *header, size_t data)
{
    uint8_t bytes[2000] = {0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)major, 0};
    size_t n = strlen(header), at = major == 1 ? 10 : 12;
    assert_true(at + n + data <= sizeof bytes);
    bytes[8] = (uint8_t)n;
    bytes[9] = (uint8_t)(n >> 8);
    memcpy(bytes + at, header, n);
    return parse_status(bytes, at + n + data, NULL);
}

static void test_npy_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        nbase_status status;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, NBASE_OK},
        {"{'shape': (2, 3), 'fortran_order': True, 'descr': '<i2'}", 12, NBASE_OK},
        {"{\"descr\":\"|u1\",\"fortran_order\":False,\"shape\":()}", 1, NBASE_OK},
        {"{'descr': '=f8', 'fortran_order': False, 'shape': (1L, 2L), }", 16, NBASE_OK},
        {"{'descr': 'f4', 'fortran_order': False, 'shape': (0,), }", 0, NBASE_OK},
        {"", 0, NBASE_ERR_FORMAT},
        {"{}", 0, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False}", 4, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [2]}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': None, 'shape': (2,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", 8, NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999)}", 8, NBASE_ERR_LIMIT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", 4, NBASE_ERR_LIMIT},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 32, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '<', 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '', 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2,)}", 16, NBASE_ERR_UNSUPPORTED},
        {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int major = 1; major <= 3; major++) {
            nbase_status status = npy_status(major, cases[i].header, cases[i].data);
            if (status != cases[i].status) print_error("status %d for %s with %zu bytes\n", status, cases[i].header, cases[i].data);
            assert_int_equal(status, cases[i].status);
        }
    assert_int_equal(npy_status(4, cases[0].header, 8), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(parse_status("\x93NUMPY\2\0\xff\xff\xff\xff", 12, NULL), NBASE_ERR_LIMIT);
    assert_int_equal(parse_status("hello world", 11, NULL), NBASE_ERR_FORMAT);
    assert_int_equal(parse_status("", 0, NULL), NBASE_ERR_FORMAT);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static void test_unreadable(void **state)
{
    (void)state;
    nbase_archive *a;
    nbase_error err;
    assert_int_equal(nbase_archive_read(NULL, in_dir("missing"), &a, &err), NBASE_ERR_IO);
    assert_non_null(strstr(err.text, "missing"));
    assert_int_equal(nbase_archive_read(NULL, dir, &a, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_read(NULL, "/dev/zero", &a, &err), NBASE_ERR_IO);
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_int_equal(nbase_archive_read(NULL, in_dir("fifo"), &a, &err), NBASE_ERR_IO);
    assert_int_equal(unlink(in_dir("fifo")), 0);
}

static void test_unwritable_leaves_nothing(void **state)
{
    (void)state;
    nbase_archive *a = sample(NULL);
    nbase_error err;
    size_t before = files_in_dir();
    assert_int_equal(nbase_archive_write_safetensors(a, in_dir("no/folder"), &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_npz(a, in_dir("no/folder"), 6, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_npz(a, "/dev/null", 6, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_safetensors(a, dir, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_array_write_npy(nbase_archive_at(a, 0), dir, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_npz(a, in_dir("x"), 10, &err), NBASE_ERR_ARG);
    struct stat st;
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(files_in_dir(), before);

    assert_int_equal(nbase_archive_add(a, "b", NBASE_BF16, 0, NULL, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_write_npz(a, in_dir("x"), 6, &err), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(nbase_archive_add(a, "__metadata__", NBASE_U8, 0, NULL, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_write_safetensors(a, in_dir("x"), &err), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(files_in_dir(), before);
    nbase_archive_free(a);
}

/* A full disk, by way of a limit on the size of files: the old file stays, the temporary goes. */
static void test_full_disk(void **state)
{
    (void)state;
    for (int kind = -1; kind <= 6; kind += 1) {
        write_sample(kind, in_dir("keep"));
        blob old = slurp(in_dir("keep"));
        size_t before = files_in_dir();
        struct rlimit limit, small;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        small = limit;
        small.rlim_cur = 2000;
        void (*previous)(int) = signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        nbase_archive *a = sample(NULL);
        nbase_error err;
        nbase_status status = kind < 0 ? nbase_archive_write_safetensors(a, in_dir("keep"), &err) : nbase_archive_write_npz(a, in_dir("keep"), kind, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        signal(SIGXFSZ, previous);
        nbase_archive_free(a);
        assert_int_equal(status, NBASE_ERR_IO);
        assert_non_null(strstr(err.text, "keep"));
        assert_int_equal(files_in_dir(), before);
        blob now = slurp(in_dir("keep"));
        assert_int_equal(now.size, old.size);
        assert_memory_equal(now.data, old.data, old.size);
        free(now.data);
        free(old.data);
    }
}

static void test_mode_follows_umask(void **state)
{
    (void)state;
    mode_t old = umask(027);
    write_sample(-1, in_dir("mode"));
    umask(old);
    struct stat st;
    assert_int_equal(stat(in_dir("mode"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static void test_failing_reads(void **state)
{
    (void)state;
    for (int f = 0; f < DAMAGED; f++)
        for (size_t n = 1;; n++) {
            failing_alloc counter = {.fail_at = n};
            nbase_env env = failing_env(&counter);
            nbase_archive *a;
            nbase_error err = {0, ""};
            nbase_status status = nbase_archive_read(&env, damaged[f], &a, &err);
            nbase_archive_free(a);
            assert_int_equal(counter.held, 0);
            if (!status) {
                assert_true(counter.requests < n);
                break;
            }
            assert_int_equal(status, NBASE_ERR_NOMEM);
            assert_int_equal(err.status, NBASE_ERR_NOMEM);
            assert_true(err.text[0] != '\0');
        }
}

static void test_failing_writes(void **state)
{
    (void)state;
    size_t before = files_in_dir();
    for (int kind = -1; kind <= 1; kind++)
        for (size_t n = 1;; n++) {
            failing_alloc counter = {0};
            nbase_env env = failing_env(&counter);
            nbase_archive *a = sample(&env);
            counter.fail_at = counter.requests + n;
            nbase_status status = kind < 0 ? nbase_archive_write_safetensors(a, in_dir("failing"), NULL) : nbase_archive_write_npz(a, in_dir("failing"), kind, NULL);
            nbase_archive_free(a);
            assert_int_equal(counter.held, 0);
            if (!status) {
                assert_int_equal(unlink(in_dir("failing")), 0);
                break;
            }
            assert_int_equal(status, NBASE_ERR_NOMEM);
            assert_int_equal(files_in_dir(), before);
        }
}

static void test_failing_packs(void **state)
{
    (void)state;
    nbase_status status = NBASE_ERR_NOMEM;
    for (size_t n = 1; status; n++) {
        failing_alloc counter = {0};
        nbase_env env = failing_env(&counter);
        nbase_archive *a = sample(&env);
        counter.fail_at = counter.requests + n;
        const void *packed;
        size_t size;
        status = nbase_archive_pack_npz(a, 1, &packed, &size, NULL);
        assert_true(!status == (packed != NULL));
        nbase_archive_free(a);
        assert_int_equal(counter.held, 0);
        assert_true(!status || status == NBASE_ERR_NOMEM);
    }
}

static void test_failing_adds(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++) {
        failing_alloc counter = {.fail_at = n};
        nbase_env env = failing_env(&counter);
        nbase_archive *a;
        if (nbase_archive_create(&env, &a)) {
            assert_null(a);
            continue;
        }
        for (int i = 0; i < 40; i++) {
            char name[16];
            snprintf(name, sizeof name, "n%d", i);
            size_t count = nbase_archive_count(a), meta = nbase_archive_meta_count(a);
            if (nbase_archive_add(a, name, NBASE_F32, 1, (size_t[]){5}, NULL, NULL)) {
                assert_int_equal(nbase_archive_count(a), count);
                assert_null(nbase_archive_find(a, name));
                assert_int_equal(nbase_archive_add(a, name, NBASE_F32, 1, (size_t[]){5}, NULL, NULL), NBASE_OK); /* still usable */
            }
            if (nbase_archive_set_meta(a, name, "text")) {
                assert_int_equal(nbase_archive_meta_count(a), meta);
                assert_int_equal(nbase_archive_set_meta(a, name, "text"), NBASE_OK);
            }
        }
        assert_int_equal(nbase_archive_count(a), 40);
        nbase_archive_free(a);
        assert_int_equal(counter.held, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),       cmocka_unit_test(test_npy_round_trip),
        cmocka_unit_test(test_plain_zip),
        cmocka_unit_test(test_safetensors_layout), cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_arguments),         cmocka_unit_test(test_many_arrays),
        cmocka_unit_test(test_goldens),           cmocka_unit_test(test_goldens_refused),
        cmocka_unit_test(test_every_truncation),  cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_every_byte_damaged), cmocka_unit_test(test_bad_crc),
        cmocka_unit_test(test_zip_refused),       cmocka_unit_test(test_zip_gaps),
        cmocka_unit_test(test_deflate_must_end_where_it_says), cmocka_unit_test(test_safetensors_refused),
        cmocka_unit_test(test_npy_headers),       cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_unwritable_leaves_nothing), cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_mode_follows_umask), cmocka_unit_test(test_failing_reads),
        cmocka_unit_test(test_failing_packs),
        cmocka_unit_test(test_failing_writes),    cmocka_unit_test(test_failing_adds),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
