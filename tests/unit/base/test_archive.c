/* Archives: what is written comes back, what NumPy and safetensors write is read, and a failing
 * disk or memory leaves nothing broken. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive_help.h"
#include "failing_alloc.h"

/* ---- contents ---- */

static void test_round_trips(void **state)
{
    (void)state;
    for (int kind = -1; kind <= 9; kind++) {
        write_sample(kind, in_dir("sample"));
        write_sample(kind, in_dir("again"));
        nbase_archive *expected = sample_archive(NULL), *got = read_archive(in_dir("sample"));
        assert_same_arrays(expected, got);
        assert_int_equal(nbase_archive_meta_count(got), kind < 0);
        if (kind < 0)
            assert_string_equal(nbase_archive_meta(got, "convlstm"), "{\"x\": \"\xe2\x82\xac\"}");
        blob x = slurp(in_dir("sample")), y = slurp(in_dir("again"));
        /* packed in memory: the same bytes, also a second time */
        for (int times = 0; kind >= 0 && times < 2; times++) {
            const void *packed;
            size_t size;
            assert_int_equal(nbase_archive_pack_npz(expected, kind, &packed, &size, NULL),
                             NBASE_OK);
            assert_int_equal(size, x.size);
            assert_memory_equal(packed, x.data, size);
        }
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.data, y.data, x.size);
        nbase_archive *parsed;
        assert_int_equal(nbase_archive_parse(NULL, x.data, x.size, "memory", &parsed, NULL),
                         NBASE_OK);
        assert_same_arrays(expected, parsed);
        free(x.data);
        free(y.data);
        nbase_archive_free(expected);
        nbase_archive_free(got);
        nbase_archive_free(parsed);
    }
}

/* A zip of anything: bytes come back under their names, damage is refused, and it is no .npz;
 * folders in it are left out. */
static void test_plain_zip(void **state)
{
    (void)state;
    for (int level = 0; level <= 9; level += 9) {
        nbase_archive *a, *got;
        const char text[] = "{\"a\": [1, 2, 3, 3, 3, 3, 3, 3, 3, 3]}";
        size_t sizes[] = {sizeof text, 0};
        assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
        assert_int_equal(nbase_archive_add(a, "config.json", NBASE_U8, 1, &sizes[0], text, NULL),
                         NBASE_OK);
        assert_int_equal(nbase_archive_add(a, "sub/empty", NBASE_U8, 1, &sizes[1], NULL, NULL),
                         NBASE_OK);
        if (!level)
            assert_int_equal(nbase_archive_add(a, "folder/", NBASE_U8, 1, &sizes[1], NULL, NULL),
                             NBASE_OK);
        assert_int_equal(nbase_archive_write_zip(a, in_dir("plain.zip"), level, NULL), NBASE_OK);
        blob zip = slurp(in_dir("plain.zip"));
        nbase_error err;
        assert_int_equal(nbase_archive_parse_zip(NULL, zip.data, zip.size, "zip", &got, &err),
                         NBASE_OK);
        assert_int_equal(nbase_archive_count(got), 2);
        assert_string_equal(nbase_archive_at(got, 1)->name, "sub/empty");
        const nbase_array *config = nbase_archive_find(got, "config.json");
        assert_true(config && config->dtype == NBASE_U8 && config->count == sizeof text);
        assert_memory_equal(config->data, text, sizeof text);
        nbase_archive_free(got);
        for (size_t i = 0; i < zip.size; i++) { /* cut short anywhere */
            assert_int_not_equal(nbase_archive_parse_zip(NULL, zip.data, i, "zip", &got, &err),
                                 NBASE_OK);
            assert_null(got);
        }
        assert_int_equal(parse_status(zip.data, zip.size, &err), NBASE_ERR_UNSUPPORTED);
        zip.data[30 + strlen("config.json") + 2] ^= 1; /* the entry's bytes */
        assert_int_equal(nbase_archive_parse_zip(NULL, zip.data, zip.size, "zip", &got, &err),
                         NBASE_ERR_FORMAT);
        free(zip.data);
        nbase_archive_free(a);
    }
    assert_int_equal(nbase_archive_parse_zip(NULL, NULL, 3, "zip", NULL, NULL), NBASE_ERR_ARG);
}

static void put(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* The zip with the two zip64 records in front of its end record, as torch.save writes them although
 * no number needs them. `off` falsifies the place of the directory. */
static blob with_zip64(const blob *zip, uint64_t off)
{
    enum { END = 22, END64 = 56, LOCATOR = 20 };
    size_t directory_end = zip->size - END;
    const uint8_t *end = zip->data + directory_end;
    blob out = {calloc(zip->size + END64 + LOCATOR, 1), zip->size + END64 + LOCATOR};
    uint8_t *end64 = out.data + directory_end, *locator = end64 + END64;
    memcpy(out.data, zip->data, directory_end);
    memcpy(locator + LOCATOR, end, END);
    memcpy(end64, "PK\6\6", 4);
    put(end64 + 4, END64 - 12, 8);
    end64[12] = end64[14] = 45;
    put(end64 + 24, end[8], 8);
    put(end64 + 32, end[10], 8);
    memcpy(end64 + 40, end + 12, 4);
    memcpy(end64 + 48, end + 16, 4);
    end64[48] = (uint8_t)(end64[48] + off);
    memcpy(locator, "PK\6\7", 4);
    put(locator + 8, directory_end, 8);
    locator[16] = 1;
    return out;
}

static void test_zip64_not_needed(void **state)
{
    (void)state;
    nbase_archive *a, *got;
    size_t size = 5;
    assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, "data.pkl", NBASE_U8, 1, &size, "12345", NULL), NBASE_OK);
    assert_int_equal(nbase_archive_write_zip(a, in_dir("plain.zip"), 0, NULL), NBASE_OK);
    blob zip = slurp(in_dir("plain.zip"));
    for (uint64_t off = 0; off < 2; off++) {
        blob wide = with_zip64(&zip, off);
        assert_int_equal(nbase_archive_parse_zip(NULL, wide.data, wide.size, "zip", &got, NULL),
                         off ? NBASE_ERR_FORMAT : NBASE_OK);
        assert_true(off || nbase_archive_find(got, "data.pkl"));
        nbase_archive_free(got);
        free(wide.data);
    }
    free(zip.data);
    nbase_archive_free(a);
}

static void test_npy_round_trip(void **state)
{
    (void)state;
    nbase_archive *a = sample_archive(NULL);
    nbase_error err;
    for (size_t i = 0; i < nbase_archive_count(a); i++) {
        const nbase_array *x = nbase_archive_at(a, i);
        assert_int_equal(nbase_array_write_npy(x, in_dir("one.npy"), &err), NBASE_OK);
        nbase_archive *b = read_archive(in_dir("one.npy"));
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
    assert_non_null(strstr(
        text, "\"flag\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[200048,200051]}"));
    assert_non_null(strstr(
        text, "\"layer/kernel\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[24,48]}"));
    assert_non_null(
        strstr(text, "\"scalar\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[16,24]}"));
    free(b.data);
}

static void test_metadata(void **state)
{
    (void)state;
    nbase_archive *a = sample_archive(NULL);
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
    nbase_archive *a = sample_archive(NULL);
    size_t huge[2] = {SIZE_MAX / 2, 3}, hidden[3] = {SIZE_MAX / 2, 0, 3},
           nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    char name[NBASE_MAX_NAME + 1];
    memset(name, 'n', sizeof name);
    name[NBASE_MAX_NAME] = '\0';
    assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_LIMIT);
    name[NBASE_MAX_NAME - 1] = '\0';
    assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_OK);
    assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "", NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "\xff", NBASE_U8, 0, NULL, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(nbase_archive_add(a, "x", (nbase_dtype)99, 0, NULL, NULL, NULL),
                     NBASE_ERR_ARG);
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
    assert_int_equal(nbase_archive_add(a, "first", NBASE_U8, 1, (size_t[]){1}, "\x2a", &first),
                     NBASE_OK);
    char name[32];
    for (int i = 0; i < 70000; i++) { /* beyond 65535: the zip needs its 64-bit end record */
        snprintf(name, sizeof name, "array%d", i);
        assert_int_equal(nbase_archive_add(a, name, NBASE_U8, 0, NULL, NULL, NULL), NBASE_OK);
    }
    assert_ptr_equal(nbase_archive_find(a, "first"), first);
    assert_int_equal(*(uint8_t *)first->data, 42);
    nbase_error err;
    assert_int_equal(nbase_archive_write_npz(a, in_dir("many.npz"), 0, &err), NBASE_OK);
    nbase_archive *b = read_archive(in_dir("many.npz"));
    assert_same_arrays(a, b);
    nbase_archive_free(b);
    assert_int_equal(unlink(in_dir("many.npz")), 0);
    nbase_archive_free(a);
}

/* ---- what others write ---- */

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
    static const char *const files[] = {"stored.npz", "deflated.npz", "streamed.npz",
                                        "official.safetensors"};
    for (int f = 0; f < 4; f++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", GOLDENS, files[f]);
        nbase_archive *a = read_archive(path);
        assert_int_equal(nbase_archive_count(a), 7);
        const nbase_array *x = nbase_archive_find(a, "a");
        assert_true(x && x->dtype == NBASE_F32 && x->ndim == 2 && x->shape[0] == 2 &&
                    x->shape[1] == 3);
        for (size_t i = 0; i < 6; i++) assert_true(value_at(x, i) == (double)i * 0.5 - 1);
        x = nbase_archive_find(a, "fortran");
        assert_true(x && x->dtype == NBASE_F64 && x->ndim == 3 && x->shape[0] == 2 &&
                    x->shape[1] == 3 && x->shape[2] == 4);
        for (size_t i = 0; i < 24; i++) assert_true(value_at(x, i) == (double)i);
        x = nbase_archive_find(a, "big");
        assert_true(x && x->dtype == NBASE_I16 && x->count == 4);
        for (size_t i = 0; i < 4; i++) assert_true(value_at(x, i) == (double)i - 2);
        x = nbase_archive_find(a, "flag");
        assert_true(x && x->dtype == NBASE_BOOL && x->count == 3 && value_at(x, 0) == 1 &&
                    value_at(x, 1) == 0 && value_at(x, 2) == 1);
        x = nbase_archive_find(a, "half");
        assert_true(x && x->dtype == NBASE_F16 && x->count == 1 && value_at(x, 0) == 0x4300);
        x = nbase_archive_find(a, "none");
        assert_true(x && x->dtype == NBASE_I64 && x->count == 0 && x->ndim == 2 &&
                    x->shape[1] == 3);
        x = nbase_archive_find(a, "zeros");
        assert_true(x && x->dtype == NBASE_U8 && x->count == 1000);
        for (size_t i = 0; i < 1000; i++) assert_true(value_at(x, i) == 0);
        if (f == 3) assert_string_equal(nbase_archive_meta(a, "key"), "value \xe2\x82\xac");
        nbase_archive_free(a);
    }
    for (int version = 1; version <= 3; version++) {
        char path[300];
        snprintf(path, sizeof path, "%sv%d.npy", GOLDENS, version);
        nbase_archive *a = read_archive(path);
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

/* ---- files ---- */

static void test_unreadable(void **state)
{
    (void)state;
    nbase_archive *a;
    nbase_error err;
    assert_int_equal(nbase_archive_read(NULL, in_dir("missing"), &a, &err), NBASE_ERR_IO);
    assert_non_null(strstr(err.text, "missing"));
    assert_int_equal(nbase_archive_read(NULL, scratch_dir, &a, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_read(NULL, "/dev/zero", &a, &err), NBASE_ERR_IO);
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_int_equal(nbase_archive_read(NULL, in_dir("fifo"), &a, &err), NBASE_ERR_IO);
    assert_int_equal(unlink(in_dir("fifo")), 0);
}

static void test_unwritable_leaves_nothing(void **state)
{
    (void)state;
    nbase_archive *a = sample_archive(NULL);
    nbase_error err;
    size_t before = files_in_dir();
    assert_int_equal(nbase_archive_write_safetensors(a, in_dir("no/folder"), &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_npz(a, in_dir("no/folder"), 6, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_npz(a, "/dev/null", 6, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_archive_write_safetensors(a, scratch_dir, &err), NBASE_ERR_IO);
    assert_int_equal(nbase_array_write_npy(nbase_archive_at(a, 0), scratch_dir, &err),
                     NBASE_ERR_IO);
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
        nbase_archive *a = sample_archive(NULL);
        nbase_error err;
        nbase_status status = kind < 0 ? nbase_archive_write_safetensors(a, in_dir("keep"), &err)
                                       : nbase_archive_write_npz(a, in_dir("keep"), kind, &err);
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

/* ---- memory ---- */

static void test_failing_reads(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN_FILES; f++)
        for (size_t n = 1;; n++) {
            failing_alloc counter = {.fail_at = n};
            nbase_env env = failing_env(&counter);
            nbase_archive *a;
            nbase_error err = {0, ""};
            nbase_status status = nbase_archive_read(&env, golden_files[f], &a, &err);
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
            nbase_archive *a = sample_archive(&env);
            counter.fail_at = counter.requests + n;
            nbase_status status = kind < 0
                                      ? nbase_archive_write_safetensors(a, in_dir("failing"), NULL)
                                      : nbase_archive_write_npz(a, in_dir("failing"), kind, NULL);
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
        nbase_archive *a = sample_archive(&env);
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
                /* still usable */
                assert_int_equal(
                    nbase_archive_add(a, name, NBASE_F32, 1, (size_t[]){5}, NULL, NULL), NBASE_OK);
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
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_npy_round_trip),
        cmocka_unit_test(test_plain_zip),
        cmocka_unit_test(test_zip64_not_needed),
        cmocka_unit_test(test_safetensors_layout),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_many_arrays),
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_goldens_refused),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_unwritable_leaves_nothing),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_mode_follows_umask),
        cmocka_unit_test(test_failing_reads),
        cmocka_unit_test(test_failing_packs),
        cmocka_unit_test(test_failing_writes),
        cmocka_unit_test(test_failing_adds),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
