/* Resizing against the real OpenCV and Pillow: sums over the bytes of 600 pairs of sizes, and the
 * crops of mtcnn 0.1.1. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "bicubic.h"
#include "crops.h"
#include "kernels/net_kernels.h"
#include "mtcnn_pictures.h"
#include "mtcnn_strips.h"

#define ISAS 4

/* The script's pattern(): every third picture has few grey levels, so that sums end in ties. */
static picture pattern(size_t width, size_t height, size_t i)
{
    picture p = hashed_picture(width, height, i);
    for (size_t j = 0; i % 3 == 0 && j < 3 * width * height; j++) p.pixels[j] &= 0xC0;
    return p;
}

static void equals_opencv(mtcnn__filter filter, const char *golden, const int least[4])
{
    nbase_archive *a = golden_archive("mtcnn_resize.npz");
    const nbase_array *pairs = golden_array(a, "pairs", NBASE_I32);
    const uint32_t *sums = golden_array(a, golden, NBASE_U32)->data;
    int kinds[4] = {0};
    for (size_t i = 0; i < pairs->shape[0]; i++) {
        const int32_t *s = (const int32_t *)pairs->data + 4 * i;
        size_t w = (size_t)s[0], h = (size_t)s[1], nw = (size_t)s[2], nh = (size_t)s[3];
        picture p = pattern(w, h, i);
        nbase_image view = picture_view(&p);
        float *storage = malloc(mtcnn__resize_storage(w, h, nw, nh) * sizeof *storage);
        mtcnn__resize r;
        mtcnn__resize_plan(&r, filter, w, h, nw, nh, storage);
        kinds[r.kind]++;
        float *scratch = malloc(mtcnn__resize_scratch(w, nw) * sizeof *scratch),
              *row = malloc(3 * nw * sizeof *row);
        uint8_t *out = malloc(3 * nw * nh);
        for (size_t y = 0; y < nh; y++) {
            mtcnn__resize_row(&r, &view, y, scratch, row);
            for (size_t j = 0; j < 3 * nw; j++) out[3 * nw * y + j] = (uint8_t)row[j];
        }
        if ((uint32_t)crc32(0, out, (uInt)(3 * nw * nh)) != sums[i])
            fail_msg("%s: pair %zu: %zux%zu -> %zux%zu (kind %d)", golden, i, w, h, nw, nh,
                     (int)r.kind);
        free(out);
        free(row);
        free(scratch);
        free(storage);
        picture_free(&p);
    }
    for (int k = 0; k < 4; k++) assert_true(kinds[k] >= least[k]);
    nbase_archive_free(a);
}

static void area_equals_opencv(void **state)
{
    (void)state;
    equals_opencv(MTCNN__FILTER_OPENCV_AREA, "area", (const int[4]){5, 50, 100, 100});
}

static void linear_equals_opencv(void **state)
{
    (void)state;
    equals_opencv(MTCNN__FILTER_OPENCV_LINEAR, "linear", (const int[4]){5, 5, 0, 300});
}

static void equals_pillow(bool x_first, const char *golden)
{
    nbase_archive *a = golden_archive("mtcnn_resize.npz");
    nbase_env env = nbase__env(NULL);
    const nbase_array *pairs = golden_array(a, "pairs", NBASE_I32);
    const uint32_t *sums = golden_array(a, golden, NBASE_U32)->data;
    mtcnn__bicubic b = {0};
    for (size_t i = 0; i < pairs->shape[0]; i++) {
        const int32_t *s = (const int32_t *)pairs->data + 4 * i;
        size_t w = (size_t)s[0], h = (size_t)s[1], n = (size_t)s[2];
        picture p = pattern(w, h, i);
        nbase_image view = picture_view(&p);
        uint8_t *out = malloc(3 * n * n);
        assert_int_equal(mtcnn__bicubic_resize(&env, &b, &view, n, x_first, out), NBASE_OK);
        if ((uint32_t)crc32(0, out, (uInt)(3 * n * n)) != sums[i])
            fail_msg("pair %zu: %zux%zu -> %zux%zu", i, w, h, n, n);
        free(out);
        picture_free(&p);
    }
    mtcnn__bicubic_release(&env, &b);
    nbase_archive_free(a);
}

static void bicubic_equals_pillow(void **state)
{
    (void)state;
    equals_pillow(false, "bicubic");
    equals_pillow(true, "bicubic_x_first");
}

/* Boxes partly outside, exactly of the net's size, whole multiples of it, growing and shrinking. */
static void check_crops(nbase_isa isa, size_t side, const char *name, double tolerance)
{
    const mtcnn__kernels *kernels = mtcnn__kernels_of(isa);
    if (!kernels) return;
    nbase_archive *a = golden_archive("mtcnn_resize.npz");
    const nbase_array *boxes = golden_array(a, "boxes", NBASE_I32),
                      *crops = golden_array(a, name, NBASE_F32);
    picture p = hashed_picture(110, 90, 3);
    nbase_image view = picture_view(&p);
    const size_t lanes = 3, values = 3 * side * side;
    float *out = malloc(values * lanes * sizeof *out);
    void *scratch = malloc(mtcnn__crop_scratch(256, side));
    double worst = 0;
    for (size_t i = 0; i < boxes->shape[0]; i++) {
        const int32_t *b = (const int32_t *)boxes->data + 4 * i;
        mtcnn__box box = {.x1 = b[0], .y1 = b[1], .x2 = b[2], .y2 = b[3]};
        for (size_t j = 0; j < values * lanes; j++) out[j] = 7;
        mtcnn__crop(kernels->resizer, mtcnn__profile_of(MTCNN_IPAZC_0_1), &view, NULL, &box, side,
                    scratch, out + 1, lanes);
        const float *expected = (const float *)crops->data + i * crops->shape[1];
        for (size_t j = 0; j < crops->shape[1]; j++) {
            /* the golden's order is (y, x, channel) */
            size_t k = 5 * j, y = k / (3 * side), x = k / 3 % side, c = k % 3;
            double error = fabs((double)out[((c * side + y) * side + x) * lanes + 1] - expected[j]);
            if (!(error <= tolerance))
                fail_msg("%s: side %zu, box %zu, (%zu,%zu) channel %zu: error %g",
                         nbase_isa_name(isa), side, i, x, y, c, error);
            worst = fmax(worst, error);
        }
        for (size_t j = 0; j < values; j++)
            assert_true(out[j * lanes] == 7 && out[j * lanes + 2] == 7);
    }
    printf("crops of %zu, %s: largest error %.2g\n", side, nbase_isa_name(isa), worst);
    free(scratch);
    free(out);
    picture_free(&p);
    nbase_archive_free(a);
}

static void crops_equal_the_package(void **state)
{
    (void)state;
    for (int isa = 0; isa < ISAS; isa++) {
        check_crops((nbase_isa)isa, 24, "crops24", 2e-7);
        check_crops((nbase_isa)isa, 48, "crops48", 2e-7);
    }
}

/* A box that misses the picture is black, or mid-grey where samples are taken (TensorFlow's
 * extrapolation value after the normalisation). */
static void crop_outside(void **state)
{
    (void)state;
    picture p = hashed_picture(20, 20, 1);
    nbase_image view = picture_view(&p);
    float out[3 * 24 * 24];
    void *scratch = malloc(mtcnn__crop_scratch(64, 24));
    const mtcnn__box boxes[] = {
        {.x1 = -100, .y1 = 1, .x2 = -60, .y2 = 40},
        {.x1 = 0, .y1 = 22, .x2 = 40, .y2 = 62},
        {.x1 = 22, .y1 = -40, .x2 = 85, .y2 = -8},
        {.x1 = 5, .y1 = -64, .x2 = 68, .y2 = -2},
    };
    for (int profile = 0; mtcnn__profile_of(profile); profile++)
        for (size_t i = 0; i < 4; i++) {
            mtcnn__crop(mtcnn__kernels_of(NBASE_ISA_REF)->resizer, mtcnn__profile_of(profile),
                        &view, NULL, &boxes[i], 24, scratch, out, 1);
            for (size_t j = 0; j < 3 * 24 * 24; j++)
                assert_true(out[j] == (profile == MTCNN_1_0 ? 0 : -0.99609375f));
        }
    free(scratch);
    picture_free(&p);
}

/* A level's rows, from any on, are mtcnn__resize_row's to the last bit, in every instruction set,
 * pixel format and filter, from strips that are kept and those that are not. */
static void check_level(const nbase_image *image, size_t new_width, size_t new_height,
                        mtcnn__filter filter, size_t first)
{
    float *storage =
        malloc(mtcnn__resize_storage(image->width, image->height, new_width, new_height) *
               sizeof *storage);
    mtcnn__resize r;
    mtcnn__resize_plan(&r, filter, image->width, image->height, new_width, new_height, storage);
    size_t rows = new_height - first, plane = rows * new_width;
    float *expected = malloc(3 * plane * sizeof *expected), *got = malloc(3 * plane * sizeof *got),
          *row = malloc(3 * new_width * sizeof *row);
    float *plain = malloc(mtcnn__resize_scratch(image->width, new_width) * sizeof *plain);
    for (size_t y = 0; y < rows; y++) {
        mtcnn__resize_row(&r, image, first + y, plain, row);
        for (size_t i = 0; i < 3 * new_width; i++)
            expected[i % 3 * plane + y * new_width + i / 3] = (row[i] - 127.5f) * 0.0078125f;
    }
    for (int isa = 0; isa < ISAS; isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        if (!k) continue;
        for (int keep = 0; keep < 2; keep++) {
            mtcnn__strips strips = strips_for(k->resizer, &r, image, keep);
            float *scratch =
                malloc(mtcnn__level_scratch(k->resizer, &r, &strips) * sizeof *scratch);
            mtcnn__level_rows(k->resizer, &r, image, &strips, first, rows, scratch, got);
            free(scratch);
            strips_free(&strips);
            for (size_t i = 0; i < 3 * plane; i++)
                if (got[i] != expected[i])
                    fail_msg("%s: %zux%zu -> %zux%zu from row %zu, format %d, filter %d, strips "
                             "kept: %d: value %zu is %.9g, not %.9g",
                             nbase_isa_name(k->isa), image->width, image->height, new_width,
                             new_height, first, (int)image->format, (int)filter, keep, i, got[i],
                             expected[i]);
        }
    }
    free(plain);
    free(row);
    free(got);
    free(expected);
    free(storage);
}

static void levels_equal_rows(void **state)
{
    (void)state;
    static const size_t sizes[][4] = {{61, 47, 37, 29}, {200, 130, 45, 30}, {13, 90, 12, 40},
                                      {12, 12, 12, 12}, {48, 48, 24, 24},   {160, 20, 12, 13},
                                      {30, 30, 41, 40}, {3, 2, 2, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int filter = MTCNN__FILTER_OPENCV_AREA; filter <= MTCNN__FILTER_PIOTR; filter++)
            for (int format = NBASE_RGB8; format <= NBASE_GRAY8; format++) {
                const size_t *s = sizes[i], bytes = format == NBASE_GRAY8   ? 1
                                                    : format >= NBASE_RGBA8 ? 4
                                                                            : 3;
                /* no byte more, so that the address sanitizer sees a read behind it */
                uint8_t *pixels = malloc(s[0] * s[1] * bytes);
                for (size_t j = 0; j < s[0] * s[1] * bytes; j++) pixels[j] = hashed_byte(j, i);
                nbase_image image = {.data = pixels,
                                     .width = s[0],
                                     .height = s[1],
                                     .stride = s[0] * bytes,
                                     .format = (nbase_pixel_format)format};
                check_level(&image, s[2], s[3], (mtcnn__filter)filter, 0);
                check_level(&image, s[2], s[3], (mtcnn__filter)filter, s[3] / 3);
                free(pixels);
            }
}

/* Crops are the same bits in every instruction set, for boxes of every kind, the picture's last
 * pixels among them, from the picture and from its strips. */
static void crops_equal_reference(void **state)
{
    (void)state;
    static const size_t sides[] = {5, 23, 24, 31, 47, 48, 72, 96, 113, 150, 180};
    picture p = hashed_picture(180, 170, 7);
    nbase_image view = picture_view(&p);
    const mtcnn__resize any = {.kind = MTCNN__AREA};
    mtcnn__strips strips[ISAS] = {{0}};
    for (int isa = 0; isa < ISAS; isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        if (k) strips[isa] = strips_for(k->resizer, &any, &view, true);
    }
    void *scratch = malloc(mtcnn__crop_scratch(180, 48));
    float *expected = malloc(3 * 48 * 48 * sizeof *expected),
          *got = malloc(3 * 48 * 48 * sizeof *got);
    for (int profile = 0; mtcnn__profile_of(profile); profile++)
        for (size_t i = 0; i < 3 * sizeof sides / sizeof *sides; i++)
            for (size_t size = 24; size <= 48; size += 24) {
                double side = (double)sides[i / 3], at = i % 3 ? 180 - side : -3,
                       off = i % 3 == 2 ? 4 : 0;
                mtcnn__box box = {.x1 = at + 1 + off,
                                  .y1 = at - 9 + off,
                                  .x2 = at + side + off,
                                  .y2 = at + side - 10 + off};
                mtcnn__crop(mtcnn__kernels_of(NBASE_ISA_REF)->resizer, mtcnn__profile_of(profile),
                            &view, NULL, &box, size, scratch, expected, 1);
                for (int isa = 0; isa < ISAS; isa++) {
                    const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
                    if (!k) continue;
                    for (int with = 0; with < 2; with++) {
                        mtcnn__crop(k->resizer, mtcnn__profile_of(profile), &view,
                                    with ? &strips[isa] : NULL, &box, size, scratch, got, 1);
                        for (size_t j = 0; j < 3 * size * size; j++)
                            if (got[j] != expected[j])
                                fail_msg("%s, profile %d, side %g to %zu, with strips: %d: value "
                                         "%zu is %.9g, not %.9g",
                                         nbase_isa_name(k->isa), profile, side, size, with, j,
                                         got[j], expected[j]);
                    }
                }
            }
    for (int isa = 0; isa < ISAS; isa++) strips_free(&strips[isa]);
    free(got);
    free(expected);
    free(scratch);
    picture_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(area_equals_opencv),    cmocka_unit_test(linear_equals_opencv),
        cmocka_unit_test(bicubic_equals_pillow), cmocka_unit_test(crops_equal_the_package),
        cmocka_unit_test(crop_outside),          cmocka_unit_test(levels_equal_rows),
        cmocka_unit_test(crops_equal_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
