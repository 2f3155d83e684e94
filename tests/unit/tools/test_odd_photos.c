/* Photos that are odd in the ways of phones, webcams and programs: JPEGs with junk in them or
 * without their end, formats that are not read, and every place where a picture may say how it
 * lies. Built here byte by byte from small pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "fileio.h"
#include "pictures/images.h"
#include "pictures/images_jpeg.h"

enum { W = 64, H = 320, SCAN_HEADER = 14 };

static char path[] = "/tmp/test_odd_photos.XXXXXX";

/* ---- building files ---- */

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static void add(bytes *b, const void *data, size_t size)
{
    b->data = realloc(b->data, b->size + size + 1);
    assert_non_null(b->data);
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static bytes joined(const void *a, size_t a_size, const void *b, size_t b_size, const void *c,
                    size_t c_size)
{
    bytes out = {0};
    add(&out, a, a_size);
    add(&out, b, b_size);
    add(&out, c, c_size);
    return out;
}

/* A picture of noise, so that every row takes up bytes. */
static bytes photo(bool png)
{
    static uint8_t rgb[W * H * 3];
    unsigned state = 1;
    for (size_t i = 0; i < sizeof rgb; i++) {
        state = state * 1103515245u + 12345u;
        rgb[i] = (uint8_t)(state >> 16);
    }
    assert_true(png ? picture_write_png(path, rgb, W, H, NULL)
                    : picture_write_jpeg(path, rgb, W, H, 80, 0, NULL));
    bytes out;
    out.data = (uint8_t *)file_read(path, PICTURE_MAX_BYTES, &out.size, NULL);
    assert_non_null(out.data);
    return out;
}

/* Where the marker 0xFF, code first stands. */
static size_t find(const bytes *b, int code)
{
    for (size_t i = 2; i + 1 < b->size; i++)
        if (b->data[i] == 0xFF && b->data[i + 1] == code) return i;
    fail_msg("no marker %02X", (unsigned)code);
    return 0;
}

/* The file with `part` inserted at a place; frees the file. */
static bytes with(bytes b, size_t at, const void *part, size_t size)
{
    bytes out = joined(b.data, at, part, size, b.data + at, b.size - at);
    free(b.data);
    return out;
}

static bool decode(const bytes *b, picture *p, nbase_error *err)
{
    /* a block of just this size, so that a sanitizer sees a read beyond it */
    uint8_t *exact = malloc(b->size);
    memcpy(exact, b->data, b->size);
    bool ok = picture_decode(exact, b->size, p, err);
    free(exact);
    return ok;
}

/* The file opens as the plain photo, with a note of these words; frees it. */
static void assert_opened(const char *what, bytes b, const char *words)
{
    bytes plain = photo(false);
    picture whole, p;
    nbase_error err = {0};
    assert_true(decode(&plain, &whole, &err));
    if (!decode(&b, &p, &err)) fail_msg("%s: %s", what, err.text);
    assert_memory_equal(whole.pixels, p.pixels, W * H * 3);
    if (!strstr(p.note, words)) fail_msg("%s: the note is '%s'", what, p.note);
    assert_string_equal(whole.note, "");
    picture_free(&p);
    picture_free(&whole);
    free(plain.data);
    free(b.data);
}

/* The file is refused with these words; frees it. */
static void assert_refused(const char *what, bytes b, const char *words)
{
    picture p;
    nbase_error err = {0};
    if (decode(&b, &p, &err)) fail_msg("%s: it was taken", what);
    if (!strstr(err.text, words)) fail_msg("%s: '%s' does not say '%s'", what, err.text, words);
    free(b.data);
}

/* ---- JPEGs that every viewer opens, and such as none should ---- */

static const uint8_t zeros[4000];

static void test_junk(void **state)
{
    (void)state;
    if (!jpeg_turbo_used()) skip();
    bytes b = photo(false);
    size_t end = b.size - 2;
    assert_opened("zeros and a restart behind the scan",
                  with(with(b, end, "\xFF\xD2", 2), end, zeros, 150), "bytes of no meaning");
    b = photo(false);
    assert_opened("left-over data behind the scan", with(b, end, "ABABABABABAB\xFF\0CCCCCCCC", 22),
                  "bytes of no meaning");
    b = photo(false);
    assert_opened("two bytes before a table", with(b, find(&b, 0xDB), "\0\0", 2), "");
    b = photo(false);
    assert_opened("two starts", with(b, 0, "\xFF\xD8", 2), "second start");
    b = photo(false);
    b.size -= 2;
    assert_opened("no end", b, "no end mark");
    b = photo(false);
    b.size -= 2;
    add(&b, "\0\0\1\x08SEFH\xFF\xC4\x7F\xFFSEFT", 16);
    assert_opened("a trailer that looks like a table", b, "no end mark");
    b = photo(false);
    b.size -= 2;
    add(&b, zeros, 500);
    assert_opened("zeros to the end of a block", b, "no end mark");
}

/* What is missing is a share of the rows; how much, within one row of blocks. */
static void test_cut(void **state)
{
    (void)state;
    if (!jpeg_turbo_used()) skip();
    for (int percent = 10; percent < 100; percent += 10) {
        for (int fill = 0; fill < 3; fill++) { /* with an end mark, with none, with zeros */
            bytes b = photo(false);
            size_t begin = find(&b, 0xDA) + SCAN_HEADER;
            size_t cut = begin + (b.size - begin) * (size_t)percent / 100;
            b.size = cut;
            add(&b, fill == 2 ? zeros : (const void *)"\xFF\xD9", fill == 2 ? 4000 : fill ? 0 : 2);
            picture p;
            nbase_error err = {0};
            assert_false(decode(&b, &p, &err));
            int said = -1;
            sscanf(err.text, "truncated JPEG: %d", &said);
            if (said < 100 - percent - 9 || said > 100 - percent + 9)
                fail_msg("cut at %d %%, filled by %d: %s", percent, fill, err.text);
            free(b.data);
        }
    }
}

/* Bits that are no code of the Huffman tables. */
static void test_garbage(void **state)
{
    (void)state;
    if (!jpeg_turbo_used()) skip();
    bytes b = photo(false);
    size_t begin = find(&b, 0xDA) + SCAN_HEADER;
    for (size_t i = begin + (b.size - begin) / 2; i + 40 < b.size; i += 2)
        memcpy(b.data + i, "\xFF\0", 2);
    assert_refused("garbage", b, "make no sense");
}

static void test_kinds_by_name(void **state)
{
    (void)state;
    static const struct {
        int marker, precision;
        const char *words;
    } kinds[] = {{0xC3, 8, "lossless"},  {0xC9, 8, "arithmetic"}, {0xCA, 8, "arithmetic"},
                 {0xC0, 12, "12 bits"},  {0xC1, 12, "12 bits"},   {0xC5, 8, "hierarchical"},
                 {0xCB, 8, "arithmetic"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bytes b = photo(false);
        size_t at = find(&b, 0xC0);
        b.data[at + 1] = (uint8_t)kinds[i].marker;
        b.data[at + 4] = (uint8_t)kinds[i].precision;
        assert_refused("a kind of JPEG", b, kinds[i].words);
    }
}

static void test_formats_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t size;
        const char *words;
    } formats[] = {{"GIF89a", 6, "GIF"},
                   {"BM\x10\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18, "BMP"},
                   {"II*\0\x08\0\0\0", 8, "TIFF"},
                   {"MM\0*\0\0\0\x08", 8, "TIFF"},
                   {"\xFF\x0A\xFF\x07", 4, "JPEG XL"},
                   {"\0\0\0\x0CjP  \r\n\x87\n", 12, "JPEG 2000"},
                   {"\0\0\0\x14"
                    "ftypqt  \0\0\0\0qt  ",
                    20, "video"},
                   {"%PDF-1.7", 8, "PDF"},
                   {"<!DOCTYPE html>", 15, "web page"},
                   {"%!PS-Adobe-3.0", 14, "PostScript"},
                   {"\0\0\1\0\1\0", 6, "icon"},
                   {"P6\n1 1\n255\n", 11, "PPM"},
                   {"\x1F\x8B\x08\0", 4, "gzip"},
                   {"\0\5\x16\7\0\2\0\0Mac OS X", 16, "Mac's notes"},
                   {"version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull"},
                   {"data:image/jpeg;base64,/9j/", 27, "data URL"},
                   {"/9j/4AAQSkZJRg", 14, "base64"},
                   {"iVBORw0KGgoAAAAN", 16, "base64"},
                   {"\xC3\xBF\xC3\x98\xC3\xBF", 6, "UTF-8"},
                   {"\x89PNG\n\x1A\n\0\0\0\x0DIHDR", 15, "line ends"}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        bytes b = joined(formats[i].head, formats[i].size, zeros, 40, "", 0);
        assert_refused("a format", b, formats[i].words);
    }
    bytes dicom = joined("", 0, zeros, 128, "DICM\2\0\0\0UL", 10);
    assert_refused("a format", dicom, "DICOM");
}

/* ---- how a picture lies ---- */

/* A TIFF block of one entry. */
static bytes tiff(bool big, unsigned tag, unsigned type, unsigned value)
{
    static const unsigned widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4};
    uint8_t b[26] = {'I', 'I', 42, 0, 8};
    if (big) memcpy(b, "MM\0\x2A\0\0\0\x08", 8);
    const struct {
        size_t at, width;
        unsigned value;
    } numbers[] = {{8, 2, 1}, {10, 2, tag}, {12, 2, type}, {14, 4, 1}, {18, widths[type], value}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t k = 0; k < numbers[i].width; k++)
            b[numbers[i].at + k] =
                (uint8_t)(numbers[i].value >> 8 * (big ? numbers[i].width - 1 - k : k));
    return joined(b, sizeof b, "", 0, "", 0);
}

enum { ORIENTATION = 0x0112, SHORT = 3 };

static bytes exif(unsigned orientation)
{
    bytes t = tiff(false, ORIENTATION, SHORT, orientation);
    bytes out = joined("Exif\0", 6, t.data, t.size, "", 0);
    free(t.data);
    return out;
}

/* The JPEG with an APP1 segment more, behind its start mark. Frees both. */
static bytes with_app1(bytes jpeg, bytes body)
{
    uint8_t head[4] = {0xFF, 0xE1, (uint8_t)((body.size + 2) >> 8), (uint8_t)(body.size + 2)};
    bytes segment = joined(head, 4, body.data, body.size, "", 0);
    bytes out = with(jpeg, 2, segment.data, segment.size);
    free(segment.data);
    free(body.data);
    return out;
}

static bytes xmp(const char *property)
{
    static const char mark[] = "http://ns.adobe.com/xap/1.0/";
    return joined(mark, sizeof mark, "<x:xmpmeta>", 11, property, strlen(property));
}

static void put32(uint8_t *p, size_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * (3 - i));
}

/* The PNG with a chunk more, behind its header. Frees the PNG and the body. */
static bytes with_chunk(bytes png, const char *type, bytes body)
{
    uint8_t length[4], crc[4];
    put32(length, body.size);
    bytes chunk = joined(length, 4, type, 4, body.data, body.size);
    put32(crc, crc32(0, chunk.data + 4, (unsigned)chunk.size - 4));
    add(&chunk, crc, 4);
    bytes out = with(png, 33, chunk.data, chunk.size);
    free(chunk.data);
    free(body.data);
    return out;
}

/* An EXIF block as ImageMagick writes it into a text. */
static bytes raw_profile(unsigned orientation)
{
    bytes block = exif(orientation), out = {0};
    char line[80];
    add(&out, line, (size_t)snprintf(line, sizeof line, "\nexif\n%8zu", block.size));
    for (size_t i = 0; i < block.size; i++) {
        if (i % 36 == 0) add(&out, "\n", 1);
        add(&out, line, (size_t)snprintf(line, sizeof line, "%02x", block.data[i]));
    }
    add(&out, "\n", 1);
    free(block.data);
    return out;
}

/* keyword, a zero, `between`, then the text, deflated or not. Frees the text. */
static bytes text(const char *keyword, const char *between, size_t size, bytes t, bool deflated)
{
    bytes out = joined(keyword, strlen(keyword) + 1, between, size, "", 0);
    if (deflated) {
        unsigned long room = compressBound(t.size);
        uint8_t *packed = malloc(room);
        assert_int_equal(compress(packed, &room, t.data, t.size), Z_OK);
        add(&out, packed, room);
        free(packed);
    } else {
        add(&out, t.data, t.size);
    }
    free(t.data);
    return out;
}

static void assert_lies(const char *what, bytes b, int orientation)
{
    picture p;
    nbase_error err = {0};
    if (!decode(&b, &p, &err)) fail_msg("%s: %s", what, err.text);
    if (p.orientation != orientation)
        fail_msg("%s: orientation %d where %d is meant", what, p.orientation, orientation);
    assert_int_equal(p.width, orientation >= 5 ? H : W);
    picture_free(&p);
    free(b.data);
}

static void test_exif_types(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        for (unsigned o = 1; o <= 8; o++) {
            static const unsigned types[] = {1, 3, 4, 6, 8, 9}; /* BYTE, SHORT, LONG, signed */
            for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
                bytes t = tiff(big, ORIENTATION, types[i], o);
                assert_lies("png", with_chunk(photo(true), "eXIf", t), (int)o);
            }
        }
        assert_lies("nonsense", with_chunk(photo(true), "eXIf", tiff(big, ORIENTATION, 3, 9)), 1);
        assert_lies("zero", with_chunk(photo(true), "eXIf", tiff(big, ORIENTATION, 4, 0)), 1);
        assert_lies("a text", with_chunk(photo(true), "eXIf", tiff(big, ORIENTATION, 2, '6')), 1);
    }
}

static void test_jpeg_marks(void **state)
{
    (void)state;
    bytes other = tiff(true, 0x010F, SHORT, 5); /* without the tag */
    bytes silent = joined("Exif\0", 6, other.data, other.size, "", 0);
    free(other.data);
    bytes copy = joined(silent.data, silent.size, "", 0, "", 0);
    assert_lies("one", with_app1(photo(false), exif(6)), 6);
    assert_lies("the first of two", with_app1(with_app1(photo(false), exif(3)), exif(6)), 6);
    assert_lies("the one that says it", with_app1(with_app1(photo(false), exif(8)), silent), 8);
    assert_lies("XMP", with_app1(photo(false), xmp("tiff:Orientation=\"6\"")), 6);
    assert_lies("XMP '", with_app1(photo(false), xmp("tiff:Orientation = '8'")), 8);
    assert_lies("XMP <>", with_app1(photo(false), xmp("<tiff:Orientation>3</tiff:Orientation>")),
                3);
    assert_lies("EXIF before XMP",
                with_app1(with_app1(photo(false), exif(8)), xmp("tiff:Orientation=\"6\"")), 8);
    assert_lies("XMP where EXIF is silent",
                with_app1(with_app1(photo(false), copy), xmp("tiff:Orientation=\"6\"")), 6);
    assert_lies("nonsense in EXIF before XMP",
                with_app1(with_app1(photo(false), exif(0)), xmp("tiff:Orientation=\"6\"")), 1);
}

static void test_png_marks(void **state)
{
    (void)state;
    static const char itxt[5] = "\0\0\0\0", packed[5] = "\1\0\0\0"; /* flag, method, two names */
    static const char *const key = "Raw profile type exif", *const adobe = "XML:com.adobe.xmp";
    assert_lies("prefix", with_chunk(photo(true), "eXIf", exif(6)), 6);
    bytes b = exif(8);
    for (int i = 0; i < 50; i++) add(&b, zeros, 4000);
    assert_lies("large", with_chunk(photo(true), "eXIf", b), 8);
    b = with_chunk(photo(true), "tEXt", text(key, "", 0, raw_profile(6), false));
    assert_lies("tEXt", b, 6);
    b = with_chunk(photo(true), "zTXt", text(key, "", 1, raw_profile(5), true));
    assert_lies("zTXt", b, 5);
    b = with_chunk(photo(true), "iTXt", text(key, itxt, 4, raw_profile(7), false));
    assert_lies("iTXt", b, 7);
    b = with_chunk(photo(true), "iTXt", text(key, packed, 4, raw_profile(3), true));
    assert_lies("iTXt deflated", b, 3);
    b = with_chunk(photo(true), "iTXt", text(adobe, itxt, 4, xmp("tiff:Orientation=\"8\""), false));
    assert_lies("XMP", b, 8);
    b = with_chunk(photo(true), "tEXt", text(key, "", 0, raw_profile(6), false));
    assert_lies("eXIf before a raw profile", with_chunk(b, "eXIf", exif(3)), 3);
}

/* A text that unpacks to more than all texts of a file may is not read, and nor is what follows. */
static void test_text_that_unpacks_to_much(void **state)
{
    (void)state;
    static const char *const key = "Raw profile type exif";
    bytes bomb = raw_profile(6);
    for (int i = 0; i < 1100; i++) add(&bomb, zeros, 4000);
    bytes b = with_chunk(photo(true), "zTXt", text(key, "", 1, bomb, true));
    assert_lies("a bomb", b, 1);
    b = photo(true);
    b = with_chunk(b, "zTXt", text(key, "", 1, raw_profile(6), true));
    bomb = raw_profile(3);
    for (int i = 0; i < 1100; i++) add(&bomb, zeros, 4000);
    b = with_chunk(b, "zTXt", text(key, "", 1, bomb, true)); /* stands first */
    assert_lies("behind a bomb", b, 1);
}

static void test_date(void **state)
{
    (void)state;
    bytes t = tiff(true, 0x0132, 2, 0), b;
    put32(t.data + 14, 20); /* characters */
    put32(t.data + 18, 26); /* their place */
    add(&t, "2024:05:31 10:30:00", 20);
    b = with_chunk(photo(true), "eXIf", t);
    char taken[EXIF_DATE];
    picture_taken(b.data, b.size, taken);
    assert_string_equal(taken, "2024:05:31 10:30:00");
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_kinds_by_name),
        cmocka_unit_test(test_formats_by_name),
        cmocka_unit_test(test_exif_types),
        cmocka_unit_test(test_jpeg_marks),
        cmocka_unit_test(test_png_marks),
        cmocka_unit_test(test_text_that_unpacks_to_much),
        cmocka_unit_test(test_date),
    };
    int file = mkstemp(path);
    if (file < 0) return 1;
    close(file);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failures;
}
