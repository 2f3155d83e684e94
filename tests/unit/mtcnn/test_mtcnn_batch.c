/* Many pictures at once, and the options around the cascade: reduced and turned pictures, the
 * smallest face as a fraction, the landmark check. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mtcnn_pictures.h"

static mtcnn_weights *weights; /* null: not there */
static picture astronaut;      /* no pixels: not there */

static void need_photo(void)
{
    if (weights && astronaut.pixels) return;
    print_message(
        "weights/mtcnn.safetensors (make weights) or python3-skimage's pictures are not there\n");
    skip();
}

static mtcnn_detector *new_detector(const mtcnn_options *options)
{
    mtcnn_detector *d;
    nbase_error why;
    if (mtcnn_detector_create(NULL, weights, options, &d, &why)) fail_msg("%s", why.text);
    return d;
}

/* A copy of the picture turned clockwise by quarters. */
static picture turned(const picture *p, int turns)
{
    picture q = {.width = turns % 2 ? p->height : p->width,
                 .height = turns % 2 ? p->width : p->height,
                 .orientation = 1};
    q.pixels = malloc(3 * q.width * q.height);
    for (size_t y = 0; y < q.height; y++)
        for (size_t x = 0; x < q.width; x++) {
            size_t sx = turns == 1   ? y
                        : turns == 2 ? p->width - 1 - x
                        : turns == 3 ? p->width - 1 - y
                                     : x;
            size_t sy = turns == 1   ? p->height - 1 - x
                        : turns == 2 ? p->height - 1 - y
                        : turns == 3 ? x
                                     : y;
            memcpy(q.pixels + 3 * (y * q.width + x), p->pixels + 3 * (sy * p->width + sx), 3);
        }
    return q;
}

/* ---- batches ---- */

static void assert_like_alone(mtcnn_detector *alone, const nbase_image *image,
                              const mtcnn_result *r)
{
    const mtcnn_face *faces;
    size_t count;
    assert_int_equal(mtcnn_detect(alone, image, &faces, &count), r->status);
    assert_int_equal(count, r->count);
    if (count) assert_memory_equal(faces, r->faces, count * sizeof *faces);
    mtcnn_stats stats = mtcnn_detector_stats(alone);
    assert_memory_equal(&stats, &r->stats, sizeof stats);
}

static void batch_equals_one_by_one(void **state)
{
    (void)state;
    need_photo();
    picture half, grid, noise = hashed_picture(90, 70, 3), dot = hashed_picture(1, 1, 1),
                        down = turned(&astronaut, 2);
    assert_true(golden_picture("half", &half) && golden_picture("grid", &grid));
    nbase_image images[] = {picture_view(&noise), picture_view(&half),  picture_view(&dot),
                            picture_view(&grid),  picture_view(&noise), picture_view(&down),
                            picture_view(&half)};
    enum { N = sizeof images / sizeof *images };
    images[4].stride = 1; /* can't be searched */
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.num_threads = 2;
    for (int profile = 0; profile < 2; profile++) {
        if (profile) assert_int_equal(mtcnn_options_profile(&o, "facenet-pytorch"), NBASE_OK);
        o.retry_rotated = 1;
        mtcnn_detector *together = new_detector(&o), *alone = new_detector(&o);
        for (size_t n = 0; n <= N; n += n < 2 ? 1 : N - 2) {
            const mtcnn_result *results;
            assert_int_equal(mtcnn_detect_batch(together, images, n, &results), NBASE_OK);
            size_t found = 0;
            for (size_t i = 0; i < n; i++) {
                if (i == 4)
                    assert_true(results[i].status == NBASE_ERR_ARG && !results[i].count);
                else
                    assert_like_alone(alone, &images[i], &results[i]);
                found += results[i].count;
            }
            if (n == N)
                assert_true(results[3].count == 6 && results[5].count == 1 &&
                            results[5].stats.rotation == 180 && found == 9);
            if (n) assert_true(!results[0].count && results[0].stats.rotation == 0);
        }
        mtcnn_detector_free(together);
        mtcnn_detector_free(alone);
    }
    assert_int_equal(mtcnn_detect_batch(NULL, images, 1, &(const mtcnn_result *){NULL}),
                     NBASE_ERR_ARG);
    picture_free(&half);
    picture_free(&grid);
    picture_free(&noise);
    picture_free(&dot);
    picture_free(&down);
}

/* ---- turned pictures ---- */

static void turned_pictures(void **state)
{
    (void)state;
    need_photo();
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.threshold[2] = 0.99; /* the face lying on its side scores 0.985 */
    mtcnn_detector *plain = new_detector(&o);
    o.retry_rotated = 1;
    mtcnn_detector *d = new_detector(&o);
    nbase_image view = picture_view(&astronaut);
    const mtcnn_face *faces;
    size_t count;
    assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
    assert_true(count == 1 && mtcnn_detector_stats(d).rotation == 0);
    mtcnn_face upright = faces[0];
    for (int turns = 1; turns < 4; turns++) {
        picture p = turned(&astronaut, turns);
        view = picture_view(&p);
        assert_int_equal(mtcnn_detect(plain, &view, &faces, &count), NBASE_OK);
        assert_int_equal(count, 0);
        assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
        assert_int_equal(count, 1);
        assert_int_equal(mtcnn_detector_stats(d).rotation, 360 - 90 * turns);
        double w = (double)astronaut.width, h = (double)astronaut.height;
        /* The picture was turned by `turns` quarters: where did the upright face's points go? */
        for (int k = 0; k < 5; k++) {
            double x = upright.landmarks[k].x, y = upright.landmarks[k].y;
            double ex = turns == 1   ? h - y
                        : turns == 2 ? w - x
                                     : y,
                   ey = turns == 1   ? x
                        : turns == 2 ? h - y
                                     : w - x;
            assert_true(fabs(faces[0].landmarks[k].x - ex) < 1e-3 &&
                        fabs(faces[0].landmarks[k].y - ey) < 1e-3);
        }
        double x1 = turns == 1 ? h - upright.y2 : turns == 2 ? w - upright.x2 : upright.y1;
        double y2 = turns == 1 ? upright.x2 : turns == 2 ? h - upright.y1 : w - upright.x1;
        assert_true(fabs(faces[0].x1 - x1) < 1e-3 && fabs(faces[0].y2 - y2) < 1e-3);
        assert_true(faces[0].box[0] == (int)faces[0].x1 && faces[0].box[1] == (int)faces[0].y1);
        picture_free(&p);
    }
    mtcnn_detector_free(plain);
    mtcnn_detector_free(d);
}

/* Counts the runs of the cascade, which the detector logs. */
static void count_searches(void *ctx, nbase_log_level level, const char *line)
{
    if (level == NBASE_LOG_DEBUG && !strncmp(line, "mtcnn: searched ", 16)) ++*(int *)ctx;
}

/* In the turned frame a face has the bits that a search of the turned picture gives, and no picture
 * is searched more than once per turn. */
static void faces_in_the_turned_frame(void **state)
{
    (void)state;
    need_photo();
    int searches = 0;
    nbase_env env = {.log = count_searches, .log_ctx = &searches};
    for (size_t max_side = 0; max_side <= 300; max_side += 300) {
        mtcnn_options o;
        mtcnn_options_defaults(&o);
        o.threshold[2] = 0.99;
        o.max_side = max_side;
        mtcnn_detector *plain = new_detector(&o), *d;
        o.retry_rotated = o.turned_frame = 1;
        assert_int_equal(mtcnn_detector_create(&env, weights, &o, &d, NULL), NBASE_OK);
        /* a part that is no square */
        nbase_image part = picture_view(&astronaut), view;
        part.height = 400;
        const mtcnn_face *upright, *faces;
        size_t count;
        assert_int_equal(mtcnn_detect(plain, &part, &upright, &count), NBASE_OK);
        assert_int_equal(count, 1);
        for (int turns = 0; turns < 4; turns++) {
            picture whole = {.pixels = (uint8_t *)part.data, .width = part.width, .height = 400},
                    p = turned(&whole, turns);
            view = picture_view(&p);
            searches = 0;
            assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
            assert_int_equal(count, 1);
            assert_int_equal(searches, turns ? 4 : 1);
            assert_int_equal(mtcnn_detector_stats(d).rotation, turns ? 360 - 90 * turns : 0);
            if (!max_side) assert_memory_equal(faces, upright, sizeof *faces);
            for (int k = 0; k < 4; k++) assert_true(abs(faces->box[k] - upright->box[k]) <= 2);
            picture_free(&p);
        }
        mtcnn_detector_free(plain);
        mtcnn_detector_free(d);
    }
}

/* A face upside down, which lies on its right ear after one quarter: O-Net half believes in that
 * one too, but the upright one is surer. */
static void surest_turn_counts(void **state)
{
    (void)state;
    need_photo();
    picture p = {.width = astronaut.width, .height = astronaut.height, .orientation = 1};
    p.pixels = malloc(3 * p.width * p.height);
    for (size_t y = 0; y < p.height; y++) /* in a mirror that lies below it */
        memcpy(p.pixels + 3 * y * p.width, astronaut.pixels + 3 * (p.height - 1 - y) * p.width,
               3 * p.width);
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    mtcnn_detector *plain = new_detector(&o);
    o.retry_rotated = 1;
    mtcnn_detector *d = new_detector(&o);
    picture aside = turned(&p, 1);
    nbase_image views[] = {picture_view(&p), picture_view(&aside)};
    const mtcnn_face *faces;
    size_t count;
    assert_int_equal(mtcnn_detect(plain, &views[0], &faces, &count), NBASE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(mtcnn_detect(plain, &views[1], &faces, &count), NBASE_OK);
    assert_int_equal(count, 1);
    float half_sure = faces[0].score;
    assert_int_equal(mtcnn_detect(d, &views[0], &faces, &count), NBASE_OK);
    assert_int_equal(count, 1);
    assert_true(faces[0].score > half_sure);
    assert_int_equal(mtcnn_detector_stats(d).rotation, 180);
    mtcnn_detector_free(plain);
    mtcnn_detector_free(d);
    picture_free(&p);
    picture_free(&aside);
}

/* ---- smaller pictures and faces ---- */

static void reduced_pictures(void **state)
{
    (void)state;
    need_photo();
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    mtcnn_detector *full = new_detector(&o);
    o.max_side = 256;
    mtcnn_detector *d = new_detector(&o);
    nbase_image view = picture_view(&astronaut);
    const mtcnn_face *a, *b;
    size_t m, n;
    assert_int_equal(mtcnn_detect(full, &view, &a, &m), NBASE_OK);
    assert_int_equal(mtcnn_detect(d, &view, &b, &n), NBASE_OK);
    assert_true(m == 1 && n == 1);
    assert_int_equal(mtcnn_detector_stats(d).levels, 8); /* those of 256x256 */
    for (int k = 0; k < 5; k++)
        assert_true(fabs(a->landmarks[k].x - b->landmarks[k].x) < 4 &&
                    fabs(a->landmarks[k].y - b->landmarks[k].y) < 4);
    /* A picture within the limit is not touched. */
    picture half;
    assert_true(golden_picture("half", &half));
    view = picture_view(&half);
    assert_int_equal(mtcnn_detect(full, &view, &a, &m), NBASE_OK);
    assert_int_equal(mtcnn_detect(d, &view, &b, &n), NBASE_OK);
    assert_true(m == n);
    assert_memory_equal(a, b, m * sizeof *a);
    picture_free(&half);
    mtcnn_detector_free(full);
    mtcnn_detector_free(d);
}

static void smallest_face_as_a_fraction(void **state)
{
    (void)state;
    need_photo();
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.min_face_fraction = 0.1; /* of 512: 51.2 pixels */
    mtcnn_detector *d = new_detector(&o);
    nbase_image view = picture_view(&astronaut);
    const mtcnn_face *faces;
    size_t count;
    assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
    mtcnn_stats fraction = mtcnn_detector_stats(d);
    mtcnn_detector_free(d);
    o.min_face_fraction = 0;
    o.min_face = 51.2;
    d = new_detector(&o);
    assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
    mtcnn_stats pixels = mtcnn_detector_stats(d);
    assert_memory_equal(&fraction, &pixels, sizeof pixels);
    mtcnn_detector_free(d);
}

/* ---- landmarks ---- */

static void plausible_landmarks(void **state)
{
    (void)state;
    const mtcnn_face face = {.x1 = 0,
                             .y1 = 0,
                             .x2 = 100,
                             .y2 = 120,
                             .landmarks = {{30, 45}, {70, 44}, {50, 70}, {35, 95}, {66, 96}}};
    assert_true(mtcnn_landmarks_plausible(&face));
    /* Turned about the middle by any angle it stays a face. */
    for (int degrees = 0; degrees < 360; degrees += 15) {
        mtcnn_face f = face;
        double s = sin(degrees * 3.14159265 / 180), c = cos(degrees * 3.14159265 / 180);
        for (int k = 0; k < 5; k++) {
            double x = face.landmarks[k].x - 50, y = face.landmarks[k].y - 60;
            f.landmarks[k] =
                (mtcnn_point){(float)(50 + c * x - s * y), (float)(60 + s * x + c * y)};
        }
        assert_true(mtcnn_landmarks_plausible(&f));
    }
    for (int kind = 0; kind < 8; kind++) {
        mtcnn_face f = face;
        mtcnn_point *p = f.landmarks, t = p[0];
        /* eyes changed places */
        if (kind == 0) p[0] = p[1], p[1] = t;
        /* the whole face mirrored */
        if (kind == 1) p[0] = p[1], p[1] = t, t = p[3], p[3] = p[4], p[4] = t;
        if (kind == 2) p[1] = p[0]; /* one eye */
        /* nose on the forehead */
        if (kind == 3) p[2] = (mtcnn_point){50, 10};
        if (kind == 4) p[4] = (mtcnn_point){400, 96}; /* far outside */
        /* mouth above the eyes */
        if (kind == 5) p[3].y = p[4].y = 20;
        if (kind == 6) p[2].x = NAN;
        if (kind == 7)
            for (int k = 0; k < 5; k++) p[k] = (mtcnn_point){50, 60};
        if (mtcnn_landmarks_plausible(&f)) fail_msg("kind %d passes", kind);
    }
}

static void real_faces_pass_the_check(void **state)
{
    (void)state;
    need_photo();
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    o.check_landmarks = 1;
    mtcnn_detector *d = new_detector(&o);
    static const char *const names[] = {"astronaut", "mirror", "grid", "lfw", "camera"};
    static const size_t expected[] = {1, 1, 6, 20, 1};
    for (size_t i = 0; i < 5; i++) {
        picture p;
        if (!golden_picture(names[i], &p)) continue;
        nbase_image view = picture_view(&p);
        const mtcnn_face *faces;
        size_t count;
        assert_int_equal(mtcnn_detect(d, &view, &faces, &count), NBASE_OK);
        assert_int_equal(count, expected[i]);
        picture_free(&p);
    }
    mtcnn_detector_free(d);
}

static void profiles_by_name(void **state)
{
    (void)state;
    mtcnn_options o, defaults;
    assert_int_equal(mtcnn_options_profile(&o, "nonsense"), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(mtcnn_options_profile(&o, NULL), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(mtcnn_options_profile(&o, "mtcnn-1.0"), NBASE_OK);
    assert_true(o.profile == MTCNN_1_0 && o.threshold[2] == 0.8 && o.min_face == 20);
    mtcnn_options_defaults(&defaults);
    assert_true(defaults.profile == MTCNN_IPAZC_0_1 && defaults.threshold[2] == 0.7);
    int n = 0;
    while (mtcnn_profile_name((mtcnn_profile)n)) n++;
    assert_int_equal(n, 4);
}

static int set_up(void **state)
{
    (void)state;
    weights = pretrained_weights();
    (void)golden_picture("astronaut", &astronaut);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    picture_free(&astronaut);
    mtcnn_weights_free(weights);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_equals_one_by_one),   cmocka_unit_test(turned_pictures),
        cmocka_unit_test(faces_in_the_turned_frame), cmocka_unit_test(surest_turn_counts),
        cmocka_unit_test(reduced_pictures),          cmocka_unit_test(smallest_face_as_a_fraction),
        cmocka_unit_test(plausible_landmarks),       cmocka_unit_test(real_faces_pass_the_check),
        cmocka_unit_test(profiles_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
