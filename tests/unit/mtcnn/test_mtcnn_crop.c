/* Crops of faces: stretched, square, aligned; clipping, margins, turning; absurd boxes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "align.h"
#include "bicubic.h"
#include "cascade.h"
#include "mtcnn_pictures.h"

enum { SIZE = 40, BYTES = 3 * SIZE * SIZE };

/* A detector needs weights, but crops do not use them. */
static mtcnn_weights no_weights;

static mtcnn_detector *new_detector(void)
{
    mtcnn_detector *d;
    no_weights.env = nbase__env(NULL);
    assert_int_equal(mtcnn_detector_create(NULL, &no_weights, NULL, &d, NULL), NBASE_OK);
    return d;
}

static void bicubic(const nbase_image *image, uint8_t *out)
{
    nbase_env env = nbase__env(NULL);
    mtcnn__bicubic b = {0};
    assert_int_equal(mtcnn__bicubic_resize(&env, &b, image, SIZE, false, out), NBASE_OK);
    mtcnn__bicubic_release(&env, &b);
}

/* The part (x, y, w, h) of the picture with black outside, as a picture of its own. */
static picture cut(const picture *p, int x, int y, int w, int h)
{
    picture part = {.pixels = calloc(3, (size_t)(w * h)),
                    .width = (size_t)w,
                    .height = (size_t)h,
                    .orientation = 1};
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++)
            if (x + i >= 0 && y + j >= 0 && x + i < (int)p->width && y + j < (int)p->height)
                memcpy(part.pixels + 3 * (j * w + i),
                       p->pixels + 3 * ((size_t)(y + j) * p->width + (size_t)(x + i)), 3);
    return part;
}

static void assert_crop_is(mtcnn_detector *d, const picture *p, const int box[4],
                           const mtcnn_crop_options *o, int x, int y, int w, int h)
{
    static uint8_t got[BYTES], expected[BYTES];
    nbase_image view = picture_view(p);
    mtcnn_face face = {.box = {box[0], box[1], box[2], box[3]}};
    if (mtcnn_crop_face(d, &view, &face, o, got)) fail_msg("%s", mtcnn_detector_error(d));
    picture part = cut(p, x, y, w, h);
    nbase_image part_view = picture_view(&part);
    bicubic(&part_view, expected);
    picture_free(&part);
    assert_memory_equal(got, expected, BYTES);
}

static void stretched_and_square(void **state)
{
    (void)state;
    mtcnn_detector *d = new_detector();
    picture p = hashed_picture(90, 70, 4);
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    assert_true(o.size == 160 && o.mode == MTCNN_CROP_STRETCH && o.filter == MTCNN_BICUBIC);
    o.size = SIZE;
    assert_crop_is(d, &p, (const int[4]){10, 20, 30, 41}, &o, 10, 20, 30, 41);
    assert_crop_is(d, &p, (const int[4]){-10, 50, 30, 41}, &o, 0, 50, 20, 20); /* clipped */
    o.margin = 0.1;
    assert_crop_is(d, &p, (const int[4]){10, 20, 30, 40}, &o, 7, 16, 36, 48);
    assert_crop_is(d, &p, (const int[4]){80, 60, 10, 10}, &o, 79, 59, 11, 11); /* clipped */
    o.margin = 0;
    o.mode = MTCNN_CROP_SQUARE;
    assert_crop_is(d, &p, (const int[4]){30, 20, 20, 40}, &o, 20, 20, 40, 40);
    /* black outside; halves are rounded away from zero */
    assert_crop_is(d, &p, (const int[4]){0, 0, 20, 41}, &o, -11, 0, 41, 41);
    assert_crop_is(d, &p, (const int[4]){80, 60, 10, 10}, &o, 80, 60, 10, 10);
    o.margin = 0.5;
    assert_crop_is(d, &p, (const int[4]){80, 60, 10, 10}, &o, 75, 55, 20, 20);
    picture_free(&p);
    mtcnn_detector_free(d);
}

static void crop_is_crop_face(void **state)
{
    (void)state;
    mtcnn_detector *d = new_detector();
    picture p = hashed_picture(90, 70, 5);
    nbase_image view = picture_view(&p);
    mtcnn_face face = {.box = {7, 8, 50, 60}};
    static uint8_t a[3 * 160 * 160], b[3 * 160 * 160];
    assert_int_equal(mtcnn_crop(d, &view, face.box, 160, a), NBASE_OK);
    assert_int_equal(mtcnn_crop_face(d, &view, &face, NULL, b), NBASE_OK);
    assert_memory_equal(a, b, sizeof a);
    picture_free(&p);
    mtcnn_detector_free(d);
}

static void filters_and_formats(void **state)
{
    (void)state;
    mtcnn_detector *d = new_detector();
    picture p = hashed_picture(200, 300, 6);
    static uint8_t out[4][BYTES], again[BYTES];
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    o.size = SIZE;
    mtcnn_face face = {.box = {20, 20, 60, 250}};
    nbase_image view = picture_view(&p);
    for (int f = 0; f < 4; f++) {
        o.filter = (mtcnn_crop_filter)f;
        assert_int_equal(mtcnn_crop_face(d, &view, &face, &o, out[f]), NBASE_OK);
        for (int g = 0; g < f; g++) assert_memory_not_equal(out[f], out[g], BYTES);
        /* BGR, with longer rows, gives the same. */
        uint8_t *bgr = malloc(p.height * (3 * p.width + 5));
        for (size_t y = 0; y < p.height; y++)
            for (size_t x = 0; x < 3 * p.width; x++)
                bgr[y * (3 * p.width + 5) + x] =
                    p.pixels[3 * (y * p.width) + x - x % 3 + 2 - x % 3];
        nbase_image other = {.data = bgr,
                             .width = p.width,
                             .height = p.height,
                             .stride = 3 * p.width + 5,
                             .format = NBASE_BGR8};
        assert_int_equal(mtcnn_crop_face(d, &other, &face, &o, again), NBASE_OK);
        assert_memory_equal(out[f], again, BYTES);
        free(bgr);
    }
    picture_free(&p);
    mtcnn_detector_free(d);
}

static void turned_crops(void **state)
{
    (void)state;
    mtcnn_detector *d = new_detector();
    picture p = hashed_picture(90, 70, 5);
    nbase_image view = picture_view(&p);
    mtcnn_face face = {.box = {7, 8, 50, 60}};
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    static uint8_t plain[3 * 41 * 41], turned[3 * 41 * 41];
    for (size_t size = 40; size <= 41; size++)
        for (int turns = 0; turns < 4; turns++) {
            o.size = size;
            o.rotation = 0;
            assert_int_equal(mtcnn_crop_face(d, &view, &face, &o, plain), NBASE_OK);
            o.rotation = 90 * turns;
            assert_int_equal(mtcnn_crop_face(d, &view, &face, &o, turned), NBASE_OK);
            for (size_t y = 0; y < size; y++)
                for (size_t x = 0; x < size; x++) {
                    size_t to_x = turns == 1   ? size - 1 - y
                                  : turns == 2 ? size - 1 - x
                                  : turns == 3 ? y
                                               : x;
                    size_t to_y = turns == 1   ? x
                                  : turns == 2 ? size - 1 - y
                                  : turns == 3 ? size - 1 - x
                                               : y;
                    assert_memory_equal(turned + 3 * (to_y * size + to_x),
                                        plain + 3 * (y * size + x), 3);
                }
        }
    picture_free(&p);
    mtcnn_detector_free(d);
}

/* ---- alignment ---- */

static void similarity_is_found(void **state)
{
    (void)state;
    const mtcnn__similarity t = {.a = 0.8 * cos(0.7), .b = 0.8 * sin(0.7), .dx = 12, .dy = -30};
    mtcnn_point from[5] = {{1, 2}, {30, 5}, {16, 20}, {3, 33}, {29, 31}}, to[5];
    for (int i = 0; i < 5; i++)
        to[i] = (mtcnn_point){(float)(t.a * from[i].x - t.b * from[i].y + t.dx),
                              (float)(t.b * from[i].x + t.a * from[i].y + t.dy)};
    mtcnn__similarity found;
    assert_true(mtcnn__fit_similarity(from, to, 5, &found));
    assert_true(fabs(found.a - t.a) < 1e-6 && fabs(found.b - t.b) < 1e-6 &&
                fabs(found.dx - t.dx) < 1e-4 && fabs(found.dy - t.dy) < 1e-4);
    /* With noise it is the least-squares one: no small change is better. */
    to[2].x += 3;
    to[4].y -= 2;
    assert_true(mtcnn__fit_similarity(from, to, 5, &found));
    double best = 0;
    for (int change = 0; change < 9; change++) {
        mtcnn__similarity s = found;
        double step = change % 2 ? 1e-3 : -1e-3, *fields[] = {&s.a, &s.b, &s.dx, &s.dy}, sum = 0;
        if (change) *fields[(change - 1) / 2] += step;
        for (int i = 0; i < 5; i++)
            sum += pow(s.a * from[i].x - s.b * from[i].y + s.dx - to[i].x, 2) +
                   pow(s.b * from[i].x + s.a * from[i].y + s.dy - to[i].y, 2);
        if (!change) best = sum;
        assert_true(sum >= best);
    }
    for (int i = 1; i < 5; i++) from[i] = from[0];
    assert_false(mtcnn__fit_similarity(from, to, 5, &found));
}

/* A picture in which every value tells its place, smoothly: what a warp gives can be computed. */
static picture ramp(size_t width, size_t height)
{
    picture p = {
        .pixels = malloc(3 * width * height), .width = width, .height = height, .orientation = 1};
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            p.pixels[3 * (y * width + x)] = (uint8_t)x;
            p.pixels[3 * (y * width + x) + 1] = (uint8_t)y;
            p.pixels[3 * (y * width + x) + 2] = (uint8_t)((x + y) / 2);
        }
    return p;
}

static void warps(void **state)
{
    (void)state;
    picture p = ramp(200, 180);
    nbase_image view = picture_view(&p);
    static uint8_t out[BYTES];
    const mtcnn__similarity identity = {.a = 1, .dx = -20, .dy = -30};
    mtcnn__warp(&view, &identity, SIZE, out);
    for (size_t y = 0; y < SIZE; y++)
        for (size_t x = 0; x < SIZE; x++)
            assert_true(out[3 * (y * SIZE + x)] == x + 20 && out[3 * (y * SIZE + x) + 1] == y + 30);
    /* Smaller and turned: the mean of the samples is the middle's value, as the ramp is linear. */
    for (int degrees = -60; degrees <= 60; degrees += 20) {
        double s = 0.3 * sin(degrees / 57.29578), c = 0.3 * cos(degrees / 57.29578);
        mtcnn__similarity t = {.a = c, .b = s};
        t.dx = SIZE / 2.0 - (c * 100 - s * 90);
        t.dy = SIZE / 2.0 - (s * 100 + c * 90);
        mtcnn__warp(&view, &t, SIZE, out);
        for (double y = 0; y < SIZE; y++)
            for (double x = 0; x < SIZE; x++) {
                double u = (x + 0.5 - SIZE / 2.0) / 0.09, v = (y + 0.5 - SIZE / 2.0) / 0.09,
                       px = 100 + c * u + s * v, py = 90 - s * u + c * v;
                if (px < 5 || py < 5 || px > 195 || py > 175) continue;
                const uint8_t *got = out + 3 * (size_t)(y * SIZE + x);
                if (fabs(got[0] - (px - 0.5)) > 0.51 || fabs(got[1] - (py - 0.5)) > 0.51)
                    fail_msg("%d degrees (%g,%g): %d %d", degrees, x, y, got[0], got[1]);
            }
    }
    /* Far outside: black. */
    const mtcnn__similarity far = {.a = 1, .dx = 1000, .dy = 0};
    mtcnn__warp(&view, &far, SIZE, out);
    for (size_t i = 0; i < BYTES; i++) assert_int_equal(out[i], 0);
    picture_free(&p);
}

/* The same face in a turned picture gives the same aligned crop. */
static void aligned_faces_do_not_depend_on_the_picture(void **state)
{
    (void)state;
    mtcnn_detector *d = new_detector();
    picture p = ramp(150, 160),
            q = {.pixels = malloc(3 * 150 * 160), .width = 160, .height = 150, .orientation = 1};
    mtcnn_face face, other;
    mtcnn__face_template(112, 0, face.landmarks);
    for (int k = 0; k < 5; k++)
        face.landmarks[k] =
            (mtcnn_point){40 + 0.5f * face.landmarks[k].x, 50 + 0.5f * face.landmarks[k].y};
    for (size_t y = 0; y < 160; y++) /* clockwise */
        for (size_t x = 0; x < 150; x++)
            memcpy(q.pixels + 3 * (x * 160 + 159 - y), p.pixels + 3 * (y * 150 + x), 3);
    for (int k = 0; k < 5; k++)
        other.landmarks[k] = (mtcnn_point){160 - face.landmarks[k].y, face.landmarks[k].x};
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    o.mode = MTCNN_CROP_ALIGNED;
    o.size = SIZE;
    static uint8_t a[BYTES], b[BYTES];
    for (int m = 0; m < 3; m++) {
        o.margin = 0.25 * m;
        nbase_image pv = picture_view(&p), qv = picture_view(&q);
        assert_int_equal(mtcnn_crop_face(d, &pv, &face, &o, a), NBASE_OK);
        assert_int_equal(mtcnn_crop_face(d, &qv, &other, &o, b), NBASE_OK);
        for (size_t i = 0; i < BYTES; i++) assert_true(abs(a[i] - b[i]) <= 1);
        /* The eyes lie at the template's height: the values there tell the place in the picture. */
        mtcnn_point t[5];
        mtcnn__face_template(SIZE, o.margin, t);
        const uint8_t *eye = a + 3 * ((size_t)t[0].y * SIZE + (size_t)t[0].x);
        /* of the picture's pixels, from pixel to pixel */
        double step = 0.5 * 112 * (1 + 2 * o.margin) / SIZE;
        assert_true(fabs(eye[0] - face.landmarks[0].x) < step + 0.5 &&
                    fabs(eye[1] - face.landmarks[0].y) < step + 0.5);
    }
    for (int k = 0; k < 5; k++) face.landmarks[k] = (mtcnn_point){5, 5};
    nbase_image pv = picture_view(&p);
    assert_int_equal(mtcnn_crop_face(d, &pv, &face, &o, a), NBASE_ERR_ARG);
    picture_free(&p);
    picture_free(&q);
    mtcnn_detector_free(d);
}

/* ---- nonsense ---- */

static void absurd_faces(void **state)
{
    (void)state;
    mtcnn_detector *d = new_detector();
    static uint8_t out[BYTES];
    static const int numbers[] = {INT32_MIN, INT32_MIN + 1, -70000,        -3,       0, 1, 5,
                                  80,        70000,         INT32_MAX - 1, INT32_MAX};
    static const float points[] = {0, -INFINITY, NAN, 1e30f, 35, 1e-30f, -1e6f};
    enum { N = sizeof numbers / sizeof *numbers };
    picture p = hashed_picture(80, 60, 2);
    nbase_image view = picture_view(&p);
    nbase_rng rng;
    nbase_rng_seed(&rng, 9, 9);
    for (int round = 0; round < 3000; round++) {
        mtcnn_face face;
        for (int i = 0; i < 4; i++) face.box[i] = numbers[nbase_rng_below(&rng, N)];
        for (int i = 0; i < 5; i++)
            face.landmarks[i] =
                (mtcnn_point){points[nbase_rng_below(&rng, 7)], points[nbase_rng_below(&rng, 7)]};
        mtcnn_crop_options o = {.mode = (mtcnn_crop_mode)nbase_rng_below(&rng, 3),
                                .filter = (mtcnn_crop_filter)nbase_rng_below(&rng, 4),
                                .size = 1 + nbase_rng_below(&rng, SIZE)};
        o.margin = round % 3 ? 0 : nbase_rng_uniform(&rng) * 4.4 - 0.4;
        o.rotation = 90 * (int)nbase_rng_below(&rng, 4);
        nbase_status status = mtcnn_crop_face(d, &view, &face, &o, out);
        assert_true(status == NBASE_OK || status == NBASE_ERR_ARG || status == NBASE_ERR_LIMIT);
    }
    const mtcnn_crop_options bad[] = {{.size = 0},
                                      {.size = 5000},
                                      {.size = 8, .margin = NAN},
                                      {.size = 8, .margin = -0.5},
                                      {.size = 8, .rotation = 45},
                                      {.size = 8, .rotation = 360},
                                      {.size = 8, .mode = (mtcnn_crop_mode)3},
                                      {.size = 8, .filter = (mtcnn_crop_filter)4}};
    mtcnn_face face = {.box = {1, 1, 5, 5}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mtcnn_crop_face(d, &view, &face, &bad[i], out), NBASE_ERR_ARG);
    /* ten times the picture's longer side is the largest square */
    const mtcnn_crop_options square = {.size = 8, .mode = MTCNN_CROP_SQUARE};
    const mtcnn_face large = {.box = {-10, -10, 800, 5}}, larger = {.box = {-10, -10, 801, 5}};
    assert_int_equal(mtcnn_crop_face(d, &view, &large, &square, out), NBASE_OK);
    assert_int_equal(mtcnn_crop_face(d, &view, &larger, &square, out), NBASE_ERR_LIMIT);
    assert_int_equal(mtcnn_crop_face(d, &view, NULL, NULL, out), NBASE_ERR_ARG);
    assert_int_equal(mtcnn_crop_face(d, &view, &face, NULL, NULL), NBASE_ERR_ARG);
    assert_int_equal(mtcnn_crop_face(NULL, &view, &face, NULL, out), NBASE_ERR_ARG);
    picture_free(&p);
    mtcnn_detector_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stretched_and_square),
        cmocka_unit_test(crop_is_crop_face),
        cmocka_unit_test(filters_and_formats),
        cmocka_unit_test(turned_crops),
        cmocka_unit_test(similarity_is_found),
        cmocka_unit_test(warps),
        cmocka_unit_test(aligned_faces_do_not_depend_on_the_picture),
        cmocka_unit_test(absurd_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
