/* The quality of photos: what is measured of made crops and landmarks, and what is judged of the
 * measures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "photos/quality.h"

enum { SIDE = 160 };

/* Stripes of a period in pixels, around a mean. */
static void stripes(uint8_t *crop, double period, double mean, double swing)
{
    for (size_t i = 0; i < SIDE * SIDE; i++)
        for (int c = 0; c < 3; c++)
            crop[3 * i + (size_t)c] =
                (uint8_t)(mean + swing * sin(2 * 3.14159265 * (double)(i % SIDE) / period));
}

static face_series made(size_t count)
{
    face_series s;
    assert_true(face_series_create(count, SIDE, &s, NULL));
    for (size_t i = 0; i < count; i++) {
        static const float upright[10] = {40, 50, 80, 50, 60, 70, 45, 90, 75, 90};
        stripes(s.img + i * SIDE * SIDE * 3, 16, 120, 60);
        s.mask[i] = 1;
        s.photo[2 * i] = s.photo[2 * i + 1] = 200;
        s.box[4 * i + 2] = 90, s.box[4 * i + 3] = 100;
        memcpy(s.landmarks + 10 * i, upright, sizeof upright);
        photo_quality_measure(&s, i, 0);
    }
    return s;
}

static float *row(face_series *s, size_t i) { return s->quality + i * QUALITY_MEASURES; }

static void test_light(void **state)
{
    (void)state;
    face_series s = made(1);
    /* For a sine of w radians a pixel of the halved picture the Laplacian is 2 cos w - 2 times the
     * sine: the ratio is 2 - 2 cos w. */
    assert_float_equal(row(&s, 0)[QUALITY_SHARPNESS], 2 - 2 * cos(2 * 3.14159265 / 8), 0.02);
    assert_float_equal(row(&s, 0)[QUALITY_BRIGHTNESS], 120, 2);
    assert_float_equal(row(&s, 0)[QUALITY_HIGHLIGHTS], 175, 6);
    assert_true(row(&s, 0)[QUALITY_CLIPPED] == 0);
    float sharp = row(&s, 0)[QUALITY_SHARPNESS];
    stripes(s.img, 16, 60, 30); /* half the light: as sharp */
    photo_quality_measure(&s, 0, 0);
    assert_float_equal(row(&s, 0)[QUALITY_SHARPNESS], sharp, 0.02);
    assert_float_equal(row(&s, 0)[QUALITY_BRIGHTNESS], 60, 2);
    stripes(s.img, 80, 120, 60);
    photo_quality_measure(&s, 0, 0);
    assert_true(row(&s, 0)[QUALITY_SHARPNESS] < 0.03);
    stripes(s.img, 32, 40, 0); /* dark skin with a small highlight: not dark */
    for (size_t y = 70; y < 90; y++) memset(s.img + (y * SIDE + 70) * 3, 200, 20 * 3);
    photo_quality_measure(&s, 0, 0);
    assert_true(row(&s, 0)[QUALITY_BRIGHTNESS] < 50 && row(&s, 0)[QUALITY_HIGHLIGHTS] > 190);
    memset(s.img, 255, SIDE * SIDE * 3);
    photo_quality_measure(&s, 0, 0);
    assert_true(row(&s, 0)[QUALITY_CLIPPED] == 1);
    assert_true(row(&s, 0)[QUALITY_SHARPNESS] == 0);
    face_series_free(&s);
}

static void test_pose(void **state)
{
    (void)state;
    face_series s = made(1);
    assert_float_equal(row(&s, 0)[QUALITY_YAW], 0, 1e-4);
    assert_float_equal(row(&s, 0)[QUALITY_ROLL], 0, 1e-4);
    assert_float_equal(row(&s, 0)[QUALITY_SIDE], 90, 0);
    /* A head turned to the right by yaw, in three dimensions: eyes and mouth in a plane, the nose
     * 0.55 eye distances before it. */
    for (int degrees = -40; degrees <= 40; degrees += 10) {
        double a = degrees * 3.14159265 / 180, eye = 20 * cos(a), mouth = 15 * cos(a),
               nose = 0.55 * 40 * sin(a);
        float points[10] = {(float)(60 - eye),   50, (float)(60 + eye),   50,
                            (float)(60 + nose),  70, (float)(60 - mouth), 90,
                            (float)(60 + mouth), 90};
        for (int tilt = -30; tilt <= 30; tilt += 15) { /* and the picture turned */
            double t = tilt * 3.14159265 / 180;
            for (int k = 0; k < 5; k++) {
                double x = points[2 * k] - 60, y = points[2 * k + 1] - 60;
                s.landmarks[2 * k] = (float)(60 + x * cos(t) - y * sin(t));
                s.landmarks[2 * k + 1] = (float)(60 + x * sin(t) + y * cos(t));
            }
            photo_quality_measure(&s, 0, 0);
            assert_float_equal(row(&s, 0)[QUALITY_YAW], degrees, 0.01);
            assert_float_equal(row(&s, 0)[QUALITY_ROLL], tilt, 0.01);
        }
    }
    memset(s.landmarks, 0, 40); /* no sense in it, but no division by zero either */
    photo_quality_measure(&s, 0, 0);
    assert_true(isfinite(row(&s, 0)[QUALITY_YAW]));
    face_series_free(&s);
}

static void test_reasons_of_a_photo(void **state)
{
    (void)state;
    static const struct {
        int measure;
        float value;
        int32_t reason;
    } cases[] = {
        {QUALITY_SHARPNESS, 0.1f, QUALITY_BLURRED}, {QUALITY_HIGHLIGHTS, 20, QUALITY_DARK},
        {QUALITY_BRIGHTNESS, 240, QUALITY_BRIGHT},  {QUALITY_CLIPPED, 0.5f, QUALITY_CLIPPING},
        {QUALITY_SIDE, 20, QUALITY_SMALL},          {QUALITY_YAW, -50, QUALITY_TURNED},
        {QUALITY_ROLL, 45, QUALITY_TILTED},         {QUALITY_RIVAL, 1.2f, QUALITY_SEVERAL},
    };
    quality_limits limits;
    quality_limits_defaults(&limits);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        face_series s = made(2);
        size_t reasons[QUALITY_REASONS] = {0}, poor = 0;
        row(&s, 1)[cases[i].measure] = cases[i].value;
        assert_true(photo_quality_judge(&limits, &s, reasons, &poor));
        assert_int_equal(s.reason[0], 0);
        assert_int_equal(s.reason[1], cases[i].reason);
        assert_int_equal(s.mask[0], 1);
        assert_int_equal(s.mask[1], 0);
        assert_int_equal(poor, 1);
        for (int b = 0; b < QUALITY_REASONS; b++)
            assert_int_equal(reasons[b], cases[i].reason == 1 << b);
        face_series_free(&s);
    }
    face_series s = made(3);
    size_t reasons[QUALITY_REASONS] = {0}, poor = 0;
    s.mask[0] = 0;              /* no face */
    s.mask[1] = s.photo[2] = 0; /* not read */
    row(&s, 2)[QUALITY_YAW] = 80;
    limits.off = true;
    assert_true(photo_quality_judge(&limits, &s, reasons, &poor));
    assert_int_equal(s.reason[0], QUALITY_FACELESS);
    assert_int_equal(s.reason[1], QUALITY_UNREADABLE);
    assert_int_equal(s.reason[2], 0);
    assert_int_equal(s.mask[2], 1);
    assert_int_equal(poor, 0);
    face_series_free(&s);
}

static void test_reasons_of_a_series(void **state)
{
    (void)state;
    quality_limits limits;
    quality_limits_defaults(&limits);
    for (int few = 0; few < 2; few++) { /* with two photos nobody can say which of them is odd */
        face_series s = made(few ? 2 : 5);
        size_t reasons[QUALITY_REASONS] = {0}, poor = 0;
        row(&s, 0)[QUALITY_SIDE] = 33;
        row(&s, 1)[QUALITY_YAW] = -30;
        if (!few) row(&s, 2)[QUALITY_YAW] = row(&s, 3)[QUALITY_YAW] = row(&s, 4)[QUALITY_YAW] = 15;
        assert_true(photo_quality_judge(&limits, &s, reasons, &poor));
        assert_int_equal(s.reason[0], few ? 0 : QUALITY_OTHER_SCALE);
        assert_int_equal(s.reason[1], few ? 0 : QUALITY_OTHER_POSE);
        assert_int_equal(poor, few ? 0 : 2);
        if (!few) assert_int_equal(s.reason[4], 0);
        face_series_free(&s);
    }
}

static void test_limits(void **state)
{
    (void)state;
    quality_limits limits, before;
    quality_limits_defaults(&limits);
    assert_true(quality_limits_parse("sharpness=0.5,yaw=20", &limits, NULL));
    assert_true(limits.sharpness == 0.5 && limits.yaw == 20 && limits.roll == 30 && !limits.off);
    before = limits;
    for (const char *const *bad =
             (const char *const[]){"", "sharp=1", "yaw", "yaw=", "yaw=x", "yaw=-1", "yaw=1x",
                                   "yaw=nan", "yaw=181", "roll=1,", "off,yaw=1", NULL};
         *bad; bad++) {
        limits = before;
        assert_false(quality_limits_parse(*bad, &limits, NULL));
    }
    assert_true(quality_limits_parse("off", &limits, NULL));
    assert_true(limits.off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_light),
        cmocka_unit_test(test_pose),
        cmocka_unit_test(test_reasons_of_a_photo),
        cmocka_unit_test(test_reasons_of_a_series),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
