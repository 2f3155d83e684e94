/* The pictures of tests/goldens/photos (made by make_photo_goldens.py beside them) in all formats
 * that this build reads: upright by whatever says so, whole, and not for a byte less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fileio.h"
#include "pictures/images.h"
#include "pictures/images_heif.h"
#include "pictures/images_jpeg.h"
#include "pictures/images_webp.h"

#define FOLDER SKIN_ROOT "/tests/goldens/photos/"

static void read_golden(const char *name, picture *out)
{
    char path[1000];
    nbase_error err = {0};
    snprintf(path, sizeof path, FOLDER "%s", name);
    if (!picture_read(path, out, &err)) fail_msg("%s: %s", name, err.text);
}

static char *bytes_of(const char *name, size_t *size)
{
    char path[1000];
    snprintf(path, sizeof path, FOLDER "%s", name);
    char *bytes = file_read(path, PICTURE_MAX_BYTES, size, NULL);
    assert_non_null(bytes);
    return bytes;
}

/* Whether this build reads a file of this ending. */
static bool readable(const char *name)
{
    if (strstr(name, ".webp")) return webp_used();
    return (!strstr(name, ".heic") && !strstr(name, ".avif")) || heif_used();
}

/* The picture is that of `truth`, each value within `limit` levels. */
static void assert_shows(const char *name, const char *truth, int limit)
{
    picture p, t;
    if (!readable(name)) return;
    read_golden(name, &p);
    read_golden(truth, &t);
    assert_int_equal(p.width, t.width);
    assert_int_equal(p.height, t.height);
    int worst = 0;
    for (size_t i = 0; i < p.width * p.height * 3; i++)
        if (abs(p.pixels[i] - t.pixels[i]) > worst) worst = abs(p.pixels[i] - t.pixels[i]);
    if (worst > limit)
        fail_msg("%s: %d levels from %s where %d are allowed", name, worst, truth, limit);
    picture_free(&p);
    picture_free(&t);
}

static void test_orientations(void **state)
{
    (void)state;
    static const char *const endings[] = {"webp", "heic", "avif"};
    for (int o = 1; o <= 8; o++)
        for (size_t i = 0; i < 3; i++) {
            char name[30];
            snprintf(name, sizeof name, "turn%d.%s", o, endings[i]);
            assert_shows(name, "truth.png", i == 0 ? 20 : 12);
        }
}

static void test_kinds(void **state)
{
    (void)state;
    assert_shows("lossless.webp", "truth.png", 0);
    assert_shows("animated.webp", "truth.png", 20);
    assert_shows("progressive.jpg", "truth.png", 12);
    assert_shows("restarts.jpg", "truth.png", 12);
}

/* What is cut anywhere is refused, as is what this build does not read at all. */
static void test_cut(void **state)
{
    (void)state;
    static const char *const names[] = {"turn6.webp",  "lossless.webp", "turn6.heic",
                                        "turn6.avif",  "animated.webp", "progressive.jpg",
                                        "restarts.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool jpeg = strstr(names[i], ".jpg") != NULL;
        if (jpeg && !jpeg_turbo_used()) continue;
        size_t size;
        char *bytes = bytes_of(names[i], &size);
        for (size_t n = 16; n < size - (jpeg ? 2 : 0); n += 1 + n / 40) {
            picture p;
            nbase_error err = {0};
            /* a block of just this size, so that a sanitizer sees a read beyond it */
            char *cut = malloc(n);
            memcpy(cut, bytes, n);
            if (picture_decode(cut, n, &p, &err))
                fail_msg("%s: taken with %zu of %zu bytes", names[i], n, size);
            if (!readable(names[i])) assert_non_null(strstr(err.text, "does not read: install"));
            assert_true(err.text[0] != 0);
            free(cut);
        }
        free(bytes);
    }
}

/* A progressive JPEG of which whole scans are missing, with no end mark: what has come is a
 * picture, but a blurred one. */
static void test_missing_scans(void **state)
{
    (void)state;
    if (!jpeg_turbo_used()) skip();
    size_t size, scans = 0;
    char *bytes = bytes_of("progressive.jpg", &size);
    for (size_t at = 2; at + 1 < size; at++) {
        if ((uint8_t)bytes[at] != 0xFF || (uint8_t)bytes[at + 1] != 0xDA || ++scans < 2) continue;
        picture p;
        nbase_error err = {0};
        assert_false(picture_decode(bytes, at, &p, &err));
        assert_non_null(strstr(err.text, "missing (in scan"));
    }
    assert_in_range(scans, 4, 20);
    free(bytes);
}

/* The header promises more pixels than any picture may have: refused before anything is decoded. */
static void test_limits(void **state)
{
    (void)state;
    size_t size, at = 0;
    picture p;
    nbase_error err = {0};
    char *bytes = bytes_of("turn1.heic", &size);
    while (at + 12 < size && memcmp(bytes + at, "ispe", 4)) at++;
    assert_in_range(at, 1, size - 16);
    memcpy(bytes + at + 8, "\0\0\x60\0\0\0\x60\0", 8);
    assert_false(picture_decode(bytes, size, &p, &err));
    assert_non_null(
        strstr(err.text, heif_used() ? "24576 x 24576 pixels are over the limit" : "install"));
    free(bytes);

    bytes = bytes_of("turn1.webp", &size);
    assert_memory_equal(bytes + 12, "VP8X", 4);
    memcpy(bytes + 24, "\xFF\x3F\0\xFF\x3F\0", 6);
    assert_false(picture_decode(bytes, size, &p, &err));
    assert_non_null(
        strstr(err.text, webp_used() ? "16384 x 16384 pixels are over the limit" : "install"));
    free(bytes);
}

/* Whether this build honours profiles: then p3.png is converted. */
static bool honours_profiles(void)
{
    picture p;
    read_golden("p3.png", &p);
    bool yes = p.colour == COLOUR_CONVERTED;
    picture_free(&p);
    return yes;
}

/* The numbers of each are those of a colour space of its own; NAME.truth.png is what they mean.
 * Near black one level in Display P3 is ten in sRGB, so that a decoder which rounds otherwise than
 * those of the goldens would be seen. */
static void test_colours(void **state)
{
    (void)state;
    static const char *const names[] = {"p3.png",  "p3.jpg",   "p3.webp", "p3.avif",
                                        "p3.heic", "grey.jpg", "inks.jpg"};
    if (!honours_profiles()) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char truth[40];
        bool jpeg = strstr(names[i], ".jpg") != NULL;
        if (jpeg && !jpeg_turbo_used()) continue; /* stb_image's inks are RGB already */
        snprintf(truth, sizeof truth, "%s.truth.png", names[i]);
        assert_shows(names[i], truth, 2);
    }
}

/* Not a bit from what Pillow shows, though libheif by itself would give other pixels. */
static void test_planes(void **state)
{
    (void)state;
    assert_shows("half.heic", "half.heic.truth.png", 0);
    assert_shows("dim.heic", "dim.heic.truth.png", 0);
#ifdef HAVE_AOM
    assert_shows("half.avif", "half.avif.truth.png", 0);
    assert_shows("half_wide.avif", "half_wide.avif.truth.png", 0);
    assert_shows("half_dim.avif", "half_dim.avif.truth.png", 0);
    assert_shows("dim.avif", "dim.avif.truth.png", 0);
#endif
}

/* A profile that says what sRGB says changes not a bit. */
static void test_profile_of_srgb(void **state)
{
    (void)state;
    picture p;
    read_golden("srgb.png", &p);
    if (honours_profiles()) assert_int_equal(p.colour, COLOUR_PLAIN);
    picture_free(&p);
    assert_shows("srgb.png", "truth.png", 0);
}

/* Without profiles the numbers are those that are stored. */
static void test_no_icc(void **state)
{
    (void)state;
    picture p, t;
    nbase_error err = {0};
    const picture_options options = {.no_icc = true};
    if (!picture_read_with(FOLDER "p3.png", &options, &p, &err)) fail_msg("%s", err.text);
    assert_int_equal(p.colour, COLOUR_AS_STORED);
    read_golden("truth.png", &t);
    assert_memory_equal(p.pixels, t.pixels, t.width * t.height * 3);
    picture_free(&p);
    picture_free(&t);
}

/* A damaged profile is not used, and noted; any byte of it may be wrong. */
static void test_damaged_profiles(void **state)
{
    (void)state;
    static const char *const names[] = {"p3.webp", "inks.jpg"};
    if (!honours_profiles()) skip();
    for (size_t i = 0; i < 2; i++) {
        size_t size, at = 0, noted = 0;
        char *bytes = bytes_of(names[i], &size);
        if (!readable(names[i])) continue;
        while (at + 4 < size && memcmp(bytes + at, "acsp", 4)) at++;
        assert_in_range(at, 36, size - 100);
        for (size_t k = at - 36; k < at + 200; k++) {
            picture p;
            nbase_error err = {0};
            char kept = bytes[k];
            bytes[k] = (char)~kept;
            if (!picture_decode(bytes, size, &p, &err)) fail_msg("%s: %s", names[i], err.text);
            noted += strstr(p.note, "colour profile") != NULL;
            picture_free(&p);
            bytes[k] = kept;
        }
        assert_true(noted > 4);
        free(bytes);
    }
}

static void test_dates(void **state)
{
    (void)state;
    size_t size;
    char taken[EXIF_DATE];
    if (!heif_used()) skip();
    char *bytes = bytes_of("turn6.heic", &size);
    heif_taken((const uint8_t *)bytes, size, taken);
    assert_string_equal(taken, "2024:05:31 10:30:00");
    heif_taken((const uint8_t *)bytes, size / 2, taken);
    assert_string_equal(taken, "");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orientations), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_missing_scans),
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_dates),
        cmocka_unit_test(test_colours),      cmocka_unit_test(test_profile_of_srgb),
        cmocka_unit_test(test_no_icc),       cmocka_unit_test(test_damaged_profiles),
        cmocka_unit_test(test_planes),
    };
    pictures_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
