/* Damaged archives: cut short, changed in any byte, with wrong headers, sizes or gaps: all refused
 * without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "archive_help.h"

/* ---- whole files ---- */

static void test_every_truncation(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN_FILES; f++) {
        blob b = slurp(golden_files[f]);
        assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_OK);
        for (size_t n = 0; n < b.size; n++) {
            nbase_status status = parse_status(b.data, n, NULL);
            if (status != NBASE_ERR_FORMAT)
                print_error("%s cut to %zu bytes: status %d\n", golden_files[f], n, status);
            assert_int_equal(status, NBASE_ERR_FORMAT);
        }
        free(b.data);
    }
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN_FILES; f++) {
        blob b = slurp(golden_files[f]);
        for (size_t extra = 1; extra < 70; extra += 23) {
            memset(b.data + b.size, 0, extra);
            assert_int_equal(parse_status(b.data, b.size + extra, NULL), NBASE_ERR_FORMAT);
        }
        free(b.data);
    }
}

/* A damaged bit in a zip is noticed, or it says nothing of the content (times, versions,
 * attributes): names and values are then the same. */
static void test_every_byte_damaged(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN_FILES; f++) {
        blob b = slurp(golden_files[f]);
        nbase_archive *good = read_archive(golden_files[f]), *got;
        for (size_t i = 0; i < b.size * 8; i += 3) {
            b.data[i / 8] ^= (uint8_t)(1 << i % 8);
            nbase_status status = nbase_archive_parse(NULL, b.data, b.size, "damaged", &got, NULL);
            bool zip = f < 3;
            if (!status && zip) assert_same_arrays(good, got);
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
    blob b = slurp(golden_files[0]);
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
        {"flag.npy",
         "fl\xff"
         "g.npy",
         NBASE_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = slurp(golden_files[0]);
        replace(&b, cases[i].from, cases[i].to);
        assert_int_equal(parse_status(b.data, b.size, NULL), cases[i].status);
        free(b.data);
    }
    blob b = slurp(golden_files[0]);
    uint8_t *central = memmem(b.data, b.size, "PK\1\2", 4);
    assert_non_null(central);
    central[8] |= 1;
    assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_ERR_UNSUPPORTED); /* encrypted */
    central[8] &= (uint8_t)~1;
    central[10] = 14;
    assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_ERR_UNSUPPORTED); /* LZMA */
    central[10] = 0;
    b.data[14] ^= 1;
    /* CRC of the local header */
    assert_int_equal(parse_status(b.data, b.size, NULL), NBASE_ERR_FORMAT);
    b.data[14] ^= 1;
    memmove(b.data + 1, b.data, b.size);
    /* a byte before it */
    assert_int_equal(parse_status(b.data, b.size + 1, NULL), NBASE_ERR_FORMAT);
    free(b.data);
    /* an empty zip */
    assert_int_equal(parse_status("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, NULL),
                     NBASE_OK);
}

/* `n` zero bytes put in at `at`, with every offset in the directory moved along: a zip that is
 * sound but for bytes that belong to nothing. */
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
            blob b = slurp(golden_files[0]);
            uint8_t *second = memmem(b.data + 4, b.size - 4, "PK\3\4", 4),
                    *central = memmem(b.data, b.size, "PK\1\2", 4);
            insert_gap(&b, where == 0 ? 0 : (size_t)((where == 1 ? second : central) - b.data), n);
            /* so that it is taken for a zip at all */
            if (where == 0 && n >= 4) memcpy(b.data, "PK\3\4", 4);
            assert_int_equal(parse_status(b.data, b.size, NULL), n ? NBASE_ERR_FORMAT : NBASE_OK);
            free(b.data);
        }
}

/* A zip of one entry "x.npy": the payload, deflated, `garbage` bytes after it, and the sizes and
 * sum that the headers are to claim. */
static nbase_status one_entry_status(const uint8_t *payload, size_t size, size_t claimed,
                                     uint32_t crc, size_t garbage)
{
    uint8_t zip[2000] = {0}, *p = zip + 35;
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)payload;
    z.avail_in = (uInt)size;
    z.next_out = p;
    z.avail_out = 1000;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    uint32_t fields[3] = {crc, (uint32_t)(z.total_out + garbage), (uint32_t)claimed},
             directory = 35 + fields[1], directory_size = 51;
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

/* ---- hand-made headers ---- */

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
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]},\"a\":{\"dtype\":\"U8\","
         "\"shape\":[3],\"data_offsets\":[0,3]}}",
         5, NBASE_OK},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[3,3]},\"a\":{\"dtype\":\"U8\","
         "\"shape\":[3],\"data_offsets\":[0,3]}}",
         3, NBASE_OK},
        {"{}", 1, NBASE_ERR_FORMAT},
        {"[]", 0, NBASE_ERR_FORMAT},
        {"{\"__metadata__\":{\"a\":1}}", 0, NBASE_ERR_FORMAT},
        {"{\"__metadata__\":[]}", 0, NBASE_ERR_FORMAT},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\","
         "\"shape\":[2],\"data_offsets\":[8,16]}}",
         16, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, NBASE_ERR_FORMAT},
        /* a hole */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}", 9, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\","
         "\"shape\":[2],\"data_offsets\":[4,12]}}",
         12, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\","
         "\"shape\":[2],\"data_offsets\":[0,8]}}",
         8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\","
         "\"shape\":[1],\"data_offsets\":[2,3]}}",
         3, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0.5],\"data_offsets\":[0,2]}}", 2, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,1e30]}}", 8,
         NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8,
         NBASE_ERR_FORMAT},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NBASE_ERR_FORMAT},
        {"{\"a\":[]}", 0, NBASE_ERR_FORMAT},
        {"{\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, NBASE_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2,
         NBASE_ERR_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         NBASE_ERR_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1,
         NBASE_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[9007199254740992,9007199254740992],\"data_offsets\":"
         "[0,8]}}",
         8, NBASE_ERR_LIMIT},
        /* 2^64 is 0 */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
         NBASE_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9007199254740992,9007199254740992,0],\"data_"
         "offsets\":[0,0]}}",
         0, NBASE_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9007199254740992],\"data_offsets\":[0,"
         "9007199254740992]}}",
         8, NBASE_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nbase_status status = safetensors_status(cases[i].header, cases[i].data);
        if (status != cases[i].status)
            print_error("status %d for %s with %zu bytes\n", status, cases[i].header,
                        cases[i].data);
        assert_int_equal(status, cases[i].status);
    }
    uint8_t claim[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
    assert_int_equal(parse_status(claim, sizeof claim, NULL), NBASE_ERR_FORMAT);
    static const char flag[] =
        "\x37\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    uint8_t bytes[8 + 0x37 + 2];
    memcpy(bytes, flag, 8 + 0x37);
    bytes[8 + 0x37] = 1;
    bytes[8 + 0x37 + 1] = 2;
    /* neither false nor true */
    assert_int_equal(parse_status(bytes, sizeof bytes, NULL), NBASE_ERR_FORMAT);
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
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", 8,
         NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", 8,
         NBASE_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999)}", 8,
         NBASE_ERR_LIMIT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", 4,
         NBASE_ERR_LIMIT},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 32, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '<', 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '', 'fortran_order': False, 'shape': (2,)}", 8, NBASE_ERR_UNSUPPORTED},
        {"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2,)}", 16, NBASE_ERR_UNSUPPORTED},
        {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8,
         NBASE_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int major = 1; major <= 3; major++) {
            nbase_status status = npy_status(major, cases[i].header, cases[i].data);
            if (status != cases[i].status)
                print_error("status %d for %s with %zu bytes\n", status, cases[i].header,
                            cases[i].data);
            assert_int_equal(status, cases[i].status);
        }
    assert_int_equal(npy_status(4, cases[0].header, 8), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(parse_status("\x93NUMPY\2\0\xff\xff\xff\xff", 12, NULL), NBASE_ERR_LIMIT);
    assert_int_equal(parse_status("hello world", 11, NULL), NBASE_ERR_FORMAT);
    assert_int_equal(parse_status("", 0, NULL), NBASE_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_every_byte_damaged),
        cmocka_unit_test(test_bad_crc),
        cmocka_unit_test(test_zip_refused),
        cmocka_unit_test(test_zip_gaps),
        cmocka_unit_test(test_deflate_must_end_where_it_says),
        cmocka_unit_test(test_safetensors_refused),
        cmocka_unit_test(test_npy_headers),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
