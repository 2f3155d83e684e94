/* Pictures: what is decoded, what is refused, and that all eight EXIF orientations end upright. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "fileio.h"
#include "large_pages.h"
#include "pictures/images.h"
#include "pictures/images_jpeg.h"

static char dir[] = "/tmp/test_images.XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/p", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* ---- helpers ---- */

enum { W = 48, H = 32 };

/* Every 16x16 block has its own flat colour, so that JPEG (8x8 blocks, colour at half size) keeps
 * it symmetric under turning. */
static void draw(uint8_t *rgb)
{
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W; x++) {
            size_t block = y / 16 * (W / 16) + x / 16;
            uint8_t *p = rgb + (y * W + x) * 3;
            p[0] = (uint8_t)(40 * block + 10), p[1] = (uint8_t)(200 - 30 * block),
            p[2] = (uint8_t)(block * block * 5);
        }
}

/* Where the upright pixel (x, y) of a W x H picture is stored, by the words of the EXIF standard:
 * the stored 0th row and 0th column are the upright picture's ... 1 top, left; 2 top, right; 3
 * bottom, right; 4 bottom, left; 5 left, top; 6 right, top; 7 right, bottom; 8 left, bottom. */
static void stored_at(int orientation, size_t x, size_t y, size_t *row, size_t *column)
{
    size_t from_right = W - 1 - x, from_bottom = H - 1 - y;
    switch (orientation) {
    case 1: *row = y, *column = x; break;
    case 2: *row = y, *column = from_right; break;
    case 3: *row = from_bottom, *column = from_right; break;
    case 4: *row = from_bottom, *column = x; break;
    case 5: *row = x, *column = y; break;
    case 6: *row = from_right, *column = y; break;
    case 7: *row = from_right, *column = from_bottom; break;
    default: *row = x, *column = from_bottom; break;
    }
}

static void store(const uint8_t *upright, int orientation, uint8_t *stored, size_t *width,
                  size_t *height)
{
    *width = orientation >= 5 ? H : W;
    *height = orientation >= 5 ? W : H;
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W; x++) {
            size_t row, column;
            stored_at(orientation, x, y, &row, &column);
            memcpy(stored + (row * *width + column) * 3, upright + (y * W + x) * 3, 3);
        }
}

static void put32(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8),
    p[3] = (uint8_t)v;
}

/* The PNG in `bytes` with an eXIf chunk after its header. */
static char *with_exif(const char *bytes, size_t *size, int orientation)
{
    uint8_t chunk[12 + 26] = {0,    0,    0, 26, 'e', 'X', 'I', 'f', 'I',
                              'I',  42,   0, 8,  0,   0,   0,   1,   0,
                              0x12, 0x01, 3, 0,  1,   0,   0,   0,   (uint8_t)orientation};
    put32(chunk + 34, crc32(0, chunk + 4, 30));
    char *out = malloc(*size + sizeof chunk);
    memcpy(out, bytes, 33);
    memcpy(out + 33, chunk, sizeof chunk);
    memcpy(out + 33 + sizeof chunk, bytes + 33, *size - 33);
    *size += sizeof chunk;
    return out;
}

static char *slurp(size_t *size)
{
    char *bytes = file_read(path, PICTURE_MAX_BYTES, size, NULL);
    assert_non_null(bytes);
    return bytes;
}

static void assert_refused(const void *bytes, size_t size, const char *words)
{
    picture p;
    nbase_error err = {0};
    /* a block of just this size, so that a sanitizer sees a read beyond it */
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    bool ok = picture_decode(exact, size, &p, &err);
    free(exact);
    assert_false(ok);
    assert_null(p.pixels);
    if (!strstr(err.text, words)) fail_msg("'%s' does not say '%s'", err.text, words);
    assert_null(strchr(err.text, '\n'));
}

/* Both decoders, one after the other; the second only in a build that has it. */
static void with_stb(void) { setenv("SKIN_JPEG", "stb", 1); }
static bool with_turbo(void)
{
    unsetenv("SKIN_JPEG");
    return jpeg_turbo_used();
}

/* ---- tests ---- */

static void orientations(bool png)
{
    uint8_t upright[W * H * 3], stored[W * H * 3], first[W * H * 3];
    draw(upright);
    for (int o = 1; o <= 8; o++) {
        size_t w, h, size;
        store(upright, o, stored, &w, &h);
        assert_true(png ? picture_write_png(path, stored, w, h, NULL)
                        : picture_write_jpeg(path, stored, w, h, 95, o, NULL));
        char *bytes = slurp(&size);
        if (png) {
            char *tagged = with_exif(bytes, &size, o);
            free(bytes);
            bytes = tagged;
        }
        picture p;
        nbase_error err = {0};
        if (!picture_decode(bytes, size, &p, &err)) fail_msg("orientation %d: %s", o, err.text);
        free(bytes);
        assert_int_equal(p.orientation, o);
        assert_int_equal(p.width, W);
        assert_int_equal(p.height, H);
        if (o == 1) memcpy(first, p.pixels, sizeof first);
        if (memcmp(p.pixels, first, sizeof first)) fail_msg("orientation %d is not upright", o);
        picture_free(&p);
    }
    for (size_t i = 0; i < sizeof first; i++)
        assert_in_range(first[i] + 3, upright[i] + (png ? 3 : 0), upright[i] + (png ? 3 : 6));
}

static void test_jpeg_orientations(void **state)
{
    (void)state;
    orientations(false);
}

static void test_png_orientations(void **state)
{
    (void)state;
    orientations(true);
}

/* A picture cut short anywhere is refused, although the decoder alone would fill the rest with
 * grey. Of a JPEG the end mark may be missing, but not a byte before it: stb_image can't know
 * that, and wants the mark. */
static void test_truncated(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    size_t mark = jpeg_turbo_used() ? 2 : 1;
    for (int png = 0; png <= 1; png++) {
        assert_true(png ? picture_write_png(path, rgb, W, H, NULL)
                        : picture_write_jpeg(path, rgb, W, H, 80, 6, NULL));
        size_t size;
        char *bytes = slurp(&size);
        for (size_t n = 8; n < size - (png ? 0 : mark); n++)
            assert_refused(bytes, n, png ? "truncated PNG" : "truncated JPEG");
        for (size_t n = 1; n < 3; n++) assert_refused(bytes, n, "not a JPEG, PNG");
        assert_refused(bytes, 0, "empty");
        /* what a broken download leaves: zeros where the end should be */
        char *padded = calloc(1, size + 100);
        memcpy(padded, bytes, size - 20);
        assert_refused(padded, size + 100, png ? "damaged PNG" : "truncated JPEG");
        free(padded);
        free(bytes);
    }
}

static void test_embedded_end_mark_is_not_the_end(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    assert_true(picture_write_jpeg(path, rgb, W, H, 80, 0, NULL));
    size_t size;
    char *bytes = slurp(&size), *more = malloc(size + 12);
    /* a segment with an end mark inside, as a preview has */
    memcpy(more, "\xFF\xD8\xFF\xE1\0\x0AThumb\xFF\xD9.", 14);
    memcpy(more + 14, bytes + 2, size - 2);
    picture p;
    nbase_error err = {0};
    assert_true(picture_decode(more, size + 12, &p, &err));
    picture_free(&p);
    assert_refused(more, size / 2, "truncated JPEG");
    free(more);
    free(bytes);
}

static void test_told_by_content(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    assert_true(picture_write_png(path, rgb, W, H, NULL)); /* no name tells what it is */
    picture p;
    nbase_error err = {0};
    assert_true(picture_read(path, &p, &err));
    assert_memory_equal(p.pixels, rgb, sizeof rgb);
    nbase_image view = picture_view(&p);
    assert_int_equal(view.stride, W * 3);
    assert_int_equal(view.format, NBASE_RGB8);
    picture_free(&p);
    picture_free(&p);
    assert_refused("text................", 20, "not a JPEG, PNG");
}

static void test_limits(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    size_t size;
    assert_true(picture_write_png(path, rgb, W, H, NULL));
    char *bytes = slurp(&size);
    put32((uint8_t *)bytes + 16, 60000);
    put32((uint8_t *)bytes + 20, 60000);
    put32((uint8_t *)bytes + 29, crc32(0, (uint8_t *)bytes + 12, 17));
    assert_refused(bytes, size, "60000 x 60000 pixels are over the limit");
    put32((uint8_t *)bytes + 20, 0);
    put32((uint8_t *)bytes + 29, crc32(0, (uint8_t *)bytes + 12, 17));
    assert_refused(bytes, size, "60000 x 0 pixels");
    bytes[29] ^= 1;
    assert_refused(bytes, size, "checksum");
    free(bytes);

    assert_true(picture_write_jpeg(path, rgb, W, H, 80, 0, NULL));
    bytes = slurp(&size);
    for (size_t i = 0; i + 9 < size; i++)
        if ((uint8_t)bytes[i] == 0xFF && (uint8_t)bytes[i + 1] == 0xC0)
            memset(bytes + i + 5, 0xF0, 4);
    assert_refused(bytes, size, "61680 x 61680 pixels are over the limit");
    free(bytes);
}

/* 16 lengths of up to 255 codes each: more than any decoder's table of 256. */
static void test_huffman_table_too_long(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    assert_true(picture_write_jpeg(path, rgb, W, H, 80, 0, NULL));
    size_t size, extra = 4 + 17 + 16 * 255;
    char *bytes = slurp(&size), *more = calloc(1, size + extra);
    memcpy(more, bytes, 2);
    memcpy(more + 2, "\xFF\xC4\x10\x03\x00", 5);
    memset(more + 7, 255, 16);
    memcpy(more + 2 + extra, bytes + 2, size - 2);
    assert_refused(more, size + extra, "Huffman table");
    free(more);
    free(bytes);
}

/* Copies a JPEG without its segments of one kind. Returns the size. */
static size_t without(const uint8_t *bytes, size_t size, int dropped, uint8_t *less)
{
    size_t n = 2, at = 2;
    memcpy(less, bytes, 2);
    while (bytes[at + 1] != 0xDA) {
        size_t length = 2 + ((size_t)bytes[at + 2] << 8 | bytes[at + 3]);
        if (bytes[at + 1] != dropped) {
            memcpy(less + n, bytes + at, length);
            n += length;
        }
        at += length;
    }
    memcpy(less + n, bytes + at, size - at);
    return n + size - at;
}

/* Decoders that don't look first use what their memory holds where a quantisation table is missing.
 * Without any Huffman table those of the standard are meant, which stb_image_write uses too. */
static void test_tables_missing(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    assert_true(picture_write_jpeg(path, rgb, W, H, 80, 0, NULL));
    size_t size, n;
    uint8_t *bytes = (uint8_t *)slurp(&size), *less = malloc(size);
    n = without(bytes, size, 0xDB, less);
    assert_refused(less, n, "needs a table");
    n = without(bytes, size, 0xC4, less);
    picture whole, p;
    nbase_error err = {0};
    assert_true(picture_decode(bytes, size, &whole, &err));
    if (!picture_decode(less, n, &p, &err)) fail_msg("without Huffman tables: %s", err.text);
    assert_memory_equal(p.pixels, whole.pixels, W * H * 3);
    picture_free(&p);
    picture_free(&whole);
    free(less);
    free(bytes);
}

static void test_missing_and_folder(void **state)
{
    (void)state;
    picture p;
    nbase_error err = {0};
    assert_false(picture_read("/nonexistent/p.jpg", &p, &err));
    assert_non_null(strstr(err.text, "No such file"));
    assert_false(picture_read(dir, &p, &err));
    assert_non_null(strstr(err.text, "directory"));
}

/* Any byte changed: decoded or refused, never worse (the sanitizers watch). */
static void test_damaged_bytes(void **state)
{
    (void)state;
    uint8_t rgb[W * H * 3];
    draw(rgb);
    for (int png = 0; png <= 1; png++) {
        assert_true(png ? picture_write_png(path, rgb, W, H, NULL)
                        : picture_write_jpeg(path, rgb, W, H, 60, 3, NULL));
        size_t size, decoded = 0;
        char *bytes = slurp(&size);
        for (size_t i = 0; i < size; i++) {
            picture p;
            nbase_error err = {0};
            char kept = bytes[i];
            bytes[i] = (char)~kept;
            if (picture_decode(bytes, size, &p, &err))
                decoded++;
            else
                assert_true(err.text[0] != 0);
            picture_free(&p);
            bytes[i] = kept;
        }
        if (png) assert_int_equal(decoded, 0); /* each byte is covered by a checksum or is one */
        free(bytes);
    }
}

/* A smooth picture: decoders agree within the rounding of colour. Both survive the same damage: all
 * tests run with both (main). */
static void smooth(uint8_t *rgb, size_t width, size_t height)
{
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++, rgb += 3)
            rgb[0] = (uint8_t)(255 * x / width), rgb[1] = (uint8_t)(255 * y / height),
            rgb[2] = (uint8_t)(128 + 60 * x / width);
}

static void test_decoders_agree(void **state)
{
    (void)state;
    enum { WIDTH = 203, HEIGHT = 101 };
    bool stb = !jpeg_turbo_used(); /* as it was */
    uint8_t *rgb = malloc(WIDTH * HEIGHT * 3);
    picture a, b;
    nbase_error err = {0};
    smooth(rgb, WIDTH, HEIGHT);
    assert_true(picture_write_jpeg(path, rgb, WIDTH, HEIGHT, 90, 0, NULL));
    with_stb();
    assert_true(picture_read(path, &a, &err));
    if (with_turbo()) {
        assert_true(picture_read(path, &b, &err));
        assert_int_equal(b.width, WIDTH);
        assert_int_equal(b.full_height, HEIGHT);
        for (size_t i = 0; i < WIDTH * HEIGHT * 3; i++)
            assert_in_range(a.pixels[i] + 8, b.pixels[i] + 2, b.pixels[i] + 14);
        picture_free(&b);
    }
    if (stb) with_stb();
    picture_free(&a);
    free(rgb);
}

/* Each side that decoding at a part leaves is at least what was asked for, the pixels are means of
 * the whole's, and a PNG or stb_image gives the whole. */
static void test_reduced(void **state)
{
    (void)state;
    enum { WIDTH = 1203, HEIGHT = 650 };
    static const struct {
        size_t side;
        unsigned divisor;
    } cases[] = {{0, 1}, {602, 1}, {601, 2}, {301, 2}, {300, 4}, {150, 8}, {1, 8}};
    uint8_t *rgb = malloc(WIDTH * HEIGHT * 3);
    nbase_error err = {0};
    smooth(rgb, WIDTH, HEIGHT);
    for (int turn = 0; turn < 2; turn++) {
        assert_true(picture_write_jpeg(path, rgb, WIDTH, HEIGHT, 95, turn ? 6 : 0, NULL));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            picture p;
            const picture_options options = {.side = cases[i].side};
            assert_true(picture_read_with(path, &options, &p, &err));
            bool turned = p.orientation == 6;
            size_t d = jpeg_turbo_used() ? cases[i].divisor : 1,
                   width = turned ? p.height : p.width, height = turned ? p.width : p.height;
            assert_int_equal(p.divisor, d);
            assert_int_equal(width, (WIDTH + d - 1) / d);
            assert_int_equal(height, (HEIGHT + d - 1) / d);
            assert_int_equal(turned ? p.full_height : p.full_width, WIDTH);
            assert_int_equal(turned ? p.full_width : p.full_height, HEIGHT);
            for (size_t y = 0; y + 1 < height; y += 7)
                for (size_t x = 0; x + 1 < width; x += 5) {
                    const uint8_t *got = p.pixels + (turned ? x * p.width + p.width - 1 - y
                                                            : y * p.width + x) *
                                                        3,
                                  *at = rgb + ((y * d + d / 2) * WIDTH + x * d + d / 2) * 3;
                    for (int c = 0; c < 3; c++) assert_in_range(got[c] + 10, at[c], at[c] + 20);
                }
            picture_free(&p);
        }
    }
    assert_true(picture_write_png(path, rgb, WIDTH, HEIGHT, NULL));
    picture p;
    assert_true(picture_read_with(path, &(picture_options){.side = 10}, &p, &err));
    assert_int_equal(p.width, WIDTH);
    picture_free(&p);
    free(rgb);
}

/* Whether the system gives large pages to those who ask, and only to them. */
static bool has_large_pages(void)
{
    enum { SIZE = 8 << 20, SOME = 4 << 20 };
    long before = large_kb("AnonHugePages");
    char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    memset(p, 1, SIZE);
    bool unasked = large_kb("AnonHugePages") > before;
    madvise(p, SIZE, MADV_DONTNEED);
    madvise(p, SIZE, MADV_HUGEPAGE);
    memset(p, 1, SIZE);
    bool has = large_kb("AnonHugePages") >= before + (SOME >> 10);
    munmap(p, SIZE);
    return has && !unasked;
}

/* The pixels of a large photo lie in large pages, but for the end; those of a small one do not. */
static void test_large_pages(void **state)
{
    (void)state;
    enum { SIDE = 1900, SMALL = 500 };
    picture stored = {.pixels = calloc(SIDE * SIDE, 3), .width = SIDE, .height = SIDE}, turned;
    assert_non_null(stored.pixels);
    mallopt(M_MMAP_THRESHOLD, SIDE * SIDE); /* or malloc may have pages of an earlier picture */
    bool large = has_large_pages();
    long before = large_kb("AnonHugePages");
    assert_true(picture_turned(&stored, 3, &turned));
    long large_pages = (large_kb("AnonHugePages") - before) >> 11; /* of 5.2 */
    if (large) assert_in_range(large_pages, 1, 5);
    picture_free(&turned);
    before = large_kb("AnonHugePages");
    stored.width = stored.height = SMALL;
    assert_true(picture_turned(&stored, 3, &turned));
    if (large) assert_int_equal(large_kb("AnonHugePages"), before);
    picture_free(&turned);
    picture_free(&stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_orientations),
        cmocka_unit_test(test_png_orientations),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_embedded_end_mark_is_not_the_end),
        cmocka_unit_test(test_told_by_content),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_huffman_table_too_long),
        cmocka_unit_test(test_tables_missing),
        cmocka_unit_test(test_missing_and_folder),
        cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_decoders_agree),
        cmocka_unit_test(test_reduced),
        cmocka_unit_test(test_large_pages),
    };
    with_stb();
    int failures = cmocka_run_group_tests_name("images by stb_image", tests, make_dir, remove_dir);
    strcpy(dir, "/tmp/test_images.XXXXXX");
    if (with_turbo())
        failures +=
            cmocka_run_group_tests_name("images by libjpeg-turbo", tests, make_dir, remove_dir);
    return failures;
}
