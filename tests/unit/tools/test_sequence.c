/* Frames of every kind on their way into a model, and the verdict on its way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed/source.h"
#include "score/course.h"
#include "score/metrics.h"
#include "score/sequence.h"

enum { T = 4, S = 16, VALUES = S * S * 3 };

static convlstm_model *flat, *gap;

static convlstm_model *make(const char *preset)
{
    char *json = NULL;
    convlstm_model *m = NULL;
    assert_int_equal(convlstm_preset_json(preset, S, S, &json, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_create(NULL, json, 5, &m, NULL), NBASE_OK);
    convlstm_text_free(json);
    return m;
}

static int make_models(void **state)
{
    (void)state;
    flat = make("skincredible");
    gap = make("skincredible-gap");
    return 0;
}

static int free_models(void **state)
{
    (void)state;
    convlstm_model_free(flat);
    convlstm_model_free(gap);
    return 0;
}

static uint8_t *noise(size_t n, uint64_t seed)
{
    uint8_t *p = malloc(n);
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 0);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)nbase_rng_u32(&rng);
    return p;
}

static verdict judge(const convlstm_model *m, const sequence *s)
{
    convlstm_session *session;
    verdict v[8];
    assert_true(s->batch <= 8);
    assert_int_equal(convlstm_session_create(m, NULL, &session, NULL), NBASE_OK);
    assert_int_equal(sequence_judge(session, s, v), NBASE_OK);
    convlstm_session_free(session);
    return v[0];
}

/* Bytes and the same as floats / 255 are the same frames; a frame of zeros is masked, unless a mask
 * says otherwise. */
static void test_bytes_and_floats(void **state)
{
    (void)state;
    uint8_t *bytes = noise(T * VALUES, 1);
    float *floats = malloc(T * VALUES * sizeof *floats);
    memset(bytes + 2 * VALUES, 0, VALUES);
    for (size_t i = 0; i < T * VALUES; i++) floats[i] = (float)bytes[i] / 255.0f;
    sequence a, b, c;
    assert_int_equal(sequence_from_u8(flat, bytes, NULL, 1, T, S, S, &a), NBASE_OK);
    assert_int_equal(sequence_from_f32(flat, floats, NULL, 1, T, S, S, &b), NBASE_OK);
    assert_memory_equal(a.mask, ((uint8_t[T]){1, 1, 0, 1}), T);
    assert_memory_equal(b.mask, a.mask, T);
    for (size_t i = 0; i < T * VALUES; i++)
        assert_true(a.img[i] - b.img[i] < 1e-6f && b.img[i] - a.img[i] < 1e-6f);
    assert_int_equal(sequence_from_u8(flat, bytes, (uint8_t[T]){0, 7, 1, 1}, 1, T, S, S, &c),
                     NBASE_OK);
    assert_memory_equal(c.mask, ((uint8_t[T]){0, 1, 1, 1}), T);
    /* what is masked is never passed on */
    for (size_t i = 0; i < VALUES; i++) assert_true(c.img[i] == 0);
    sequence_free(&a);
    sequence_free(&b);
    sequence_free(&c);
    free(bytes);
    free(floats);
}

/* A last pixel, a first one, a single value: not a frame of zeros. */
static void test_nearly_empty_frames(void **state)
{
    (void)state;
    uint8_t bytes[3 * VALUES] = {1};
    bytes[2 * VALUES - 1] = 1;
    sequence s;
    assert_int_equal(sequence_from_u8(flat, bytes, NULL, 1, 3, S, S, &s), NBASE_OK);
    assert_memory_equal(s.mask, ((uint8_t[3]){1, 1, 0}), 3);
    sequence_free(&s);
}

static void test_sizes(void **state)
{
    (void)state;
    uint8_t *bytes = noise(2 * 20 * 24 * 3, 2);
    sequence s;
    assert_int_equal(sequence_from_u8(flat, bytes, NULL, 1, 2, 20, 24, &s), NBASE_OK);
    assert_int_equal(s.height, S); /* Flatten is tied to one size */
    assert_int_equal(s.width, S);
    float *expected = malloc(2 * VALUES * sizeof *expected);
    assert_int_equal(convlstm_frames_from_u8(bytes, 2, 20, 24, 3, S, S, expected), NBASE_OK);
    assert_memory_equal(s.img, expected, 2 * VALUES * sizeof *expected);
    sequence_free(&s);
    assert_int_equal(sequence_from_u8(gap, bytes, NULL, 1, 2, 20, 24, &s), NBASE_OK);
    assert_int_equal(s.height, 20); /* pooling takes any */
    assert_int_equal(s.width, 24);
    sequence_free(&s);
    assert_int_equal(sequence_from_u8(gap, bytes, NULL, 1, 2, 0, 24, &s), NBASE_ERR_ARG);
    assert_null(s.img);
    assert_int_equal(sequence_from_u8(gap, bytes, NULL, SIZE_MAX / 2, 4, 20, 24, &s),
                     NBASE_ERR_NOMEM);
    free(expected);
    free(bytes);
}

static void test_not_finite(void **state)
{
    (void)state;
    float *floats = calloc(2 * VALUES, sizeof *floats);
    sequence s;
    floats[VALUES + 3] = __builtin_nanf("");
    floats[0] = 0.5f;
    assert_int_equal(sequence_from_f32(flat, floats, NULL, 1, 2, S, S, &s), NBASE_ERR_NUMERIC);
    assert_null(s.img);
    /* masked: it may be anything */
    assert_int_equal(sequence_from_f32(flat, floats, (uint8_t[2]){1, 0}, 1, 2, S, S, &s), NBASE_OK);
    sequence_free(&s);
    free(floats);
}

/* An item without a valid frame has no verdict and doesn't touch the others, which come out as they
 * do alone. */
static void test_judge(void **state)
{
    (void)state;
    uint8_t *bytes = noise(3 * T * VALUES, 3);
    memset(bytes + T * VALUES, 0, T * VALUES);
    sequence s;
    convlstm_session *session;
    verdict v[3];
    assert_int_equal(sequence_from_u8(flat, bytes, NULL, 3, T, S, S, &s), NBASE_OK);
    assert_int_equal(convlstm_session_create(flat, NULL, &session, NULL), NBASE_OK);
    assert_int_equal(sequence_judge(session, &s, v), NBASE_OK);
    sequence_free(&s);
    assert_int_equal(v[0].status, NBASE_OK);
    assert_int_equal(v[1].status, NBASE_ERR_NO_VALID_FRAMES);
    assert_int_equal(v[0].prob_class, v[0].positive_prob > v[0].negative_prob);
    for (size_t i = 0; i < 3; i += 2) {
        verdict alone;
        assert_int_equal(sequence_from_u8(flat, bytes + i * T * VALUES, NULL, 1, T, S, S, &s),
                         NBASE_OK);
        assert_int_equal(sequence_judge(session, &s, &alone), NBASE_OK);
        assert_memory_equal(&alone.negative_prob, &v[i].negative_prob, sizeof(float));
        assert_memory_equal(&alone.positive_prob, &v[i].positive_prob, sizeof(float));
        sequence_free(&s);
    }
    assert_int_equal(sequence_from_u8(flat, bytes, NULL, 1, 0, S, S, &s), NBASE_OK);
    assert_int_equal(judge(flat, &s).status, NBASE_ERR_NO_VALID_FRAMES);
    sequence_free(&s);
    convlstm_session_free(session);
    free(bytes);
}

static void test_json(void **state)
{
    (void)state;
    char text[VERDICT_JSON_SIZE];
    verdict_json(&(verdict){NBASE_OK, 1, 0.123456789f, 0.876543211f}, text);
    assert_string_equal(
        text, "{\"prob_class\": 1, \"negative_prob\": 0.12345679, \"positive_prob\": 0.8765432}");
    verdict_json(&(verdict){NBASE_OK, 0, 1.0f - 0x1p-24f, 1e-30f}, text);
    assert_string_equal(
        text, "{\"prob_class\": 0, \"negative_prob\": 0.99999994, \"positive_prob\": 1e-30}");
    verdict_json(&(verdict){.status = NBASE_ERR_NO_VALID_FRAMES}, text);
    assert_string_equal(text, "{\"error\": \"NO_VALID_FRAMES\"}");
}

/* Writes the series as skin-faces does and loads it as skin-train does, `frames` of it. */
static void load_as_training(const face_series *series, size_t frames, float *img, uint8_t *mask,
                             float *label)
{
    char folder[] = "/tmp/test_sequence.XXXXXX";
    nbase_error err = {0};
    assert_non_null(mkdtemp(folder));
    store *faces = store_open(folder, &err);
    assert_non_null(faces);
    assert_true(face_series_write(faces, "7", series, &err));
    data_user user = {.id = "7", .label = 1}, *users[] = {&user};
    source people;
    source_options options = {.frames = frames, .height = S, .width = S, .cache_bytes = 1 << 20};
    assert_true(source_open_faces(&people, users, 1, folder, &options, &err));
    assert_true(
        source_load(&people, 0, NULL, frames, img, mask, (target_place){label, 1, 0}, &err));
    source_free(&people);
    char *file = face_series_path(faces, "7", &err);
    unlink(file);
    free(file);
    store_close(faces);
    assert_int_equal(rmdir(folder), 0);
}

/* The crops of a series reach the network alike in training and in prediction. */
static void test_series(void **state)
{
    (void)state;
    enum { SIDE = 40 };
    face_series series;
    uint8_t *bytes = noise(T * SIDE * SIDE * 3, 4);
    assert_true(face_series_create(T, SIDE, &series, NULL));
    memcpy(series.img, bytes, T * SIDE * SIDE * 3);
    series.mask[0] = series.mask[1] = series.mask[3] = 1; /* frame 2 holds what must not be seen */
    sequence s;
    assert_int_equal(sequence_from_series(gap, &series, &s), NBASE_OK);
    assert_int_equal(s.height, S); /* the size that it was trained on, although it takes any */
    assert_int_equal(s.frames, T);
    float *img = malloc(6 * VALUES * sizeof *img), label[2];
    uint8_t mask[6];
    load_as_training(&series, 6, img, mask, label);
    assert_memory_equal(mask, ((uint8_t[6]){1, 1, 0, 1, 0, 0}), 6);
    assert_true(label[0] == 0 && label[1] == 1);
    assert_memory_equal(s.mask, mask, T);
    assert_memory_equal(s.img, img, T * VALUES * sizeof *img);
    for (size_t i = T * VALUES; i < 6 * VALUES; i++) assert_true(img[i] == 0);
    /* of a longer series the last are kept */
    load_as_training(&series, 3, img, mask, label);
    assert_memory_equal(mask, ((uint8_t[3]){1, 0, 1}), 3);
    assert_memory_equal(img, s.img + VALUES, 3 * VALUES * sizeof *img);
    free(img);
    sequence_free(&s);
    face_series_free(&series);
    free(bytes);
}

/* After k photos: the bits of the first k frames judged at once, masked frames left out. */
static void test_course(void **state)
{
    (void)state;
    uint8_t *bytes = noise(T * VALUES, 3);
    const uint8_t mask[T] = {1, 1, 0, 1};
    sequence all;
    convlstm_session *session;
    course c;
    assert_int_equal(sequence_from_u8(flat, bytes, mask, 1, T, S, S, &all), NBASE_OK);
    assert_int_equal(convlstm_session_create(flat, NULL, &session, NULL), NBASE_OK);
    assert_int_equal(course_follow(session, &all, &c), NBASE_OK);
    assert_int_equal(c.count, 3);
    for (size_t k = 0; k < 3; k++) {
        sequence first;
        size_t frames = c.points[k].frame + 1;
        assert_int_equal(frames, k == 2 ? 4 : k + 1);
        assert_int_equal(sequence_from_u8(flat, bytes, mask, 1, frames, S, S, &first), NBASE_OK);
        verdict v = judge(flat, &first);
        assert_true(v.negative_prob == c.points[k].negative);
        assert_true(v.positive_prob == c.points[k].positive);
        sequence_free(&first);
    }
    for (size_t k = 0; k < 3; k++) { /* 1/3 is one photo of three, a little more is two */
        const prediction p = {.negative = c.points[k].negative, .positive = c.points[k].positive};
        assert_true(course_score(&c, (double)(k + 1) / 3) == prediction_score(&p));
        assert_true(course_score(&c, (double)k / 3 + 0.01) == prediction_score(&p));
    }
    course_free(&c);
    convlstm_session_free(session);
    sequence_free(&all);
    free(bytes);
}

/* A network that reads time backwards cannot be asked before the last frame. */
static void test_course_unsupported(void **state)
{
    (void)state;
    static const char backwards[] =
        "{\"format\":1,\"input\":{\"height\":16,\"width\":16,\"channels\":3},\"layers\":["
        "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":3,\"go_backwards\":true,"
        "\"recurrent_activation\":\"sigmoid\"},{\"type\":\"global_average_pool\"},"
        "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\"}]}";
    convlstm_model *m;
    convlstm_session *session;
    sequence s;
    course c;
    uint8_t *bytes = noise(T * VALUES, 3);
    assert_int_equal(convlstm_model_create(NULL, backwards, 1, &m, NULL), NBASE_OK);
    assert_int_equal(sequence_from_u8(m, bytes, NULL, 1, T, S, S, &s), NBASE_OK);
    assert_int_equal(convlstm_session_create(m, NULL, &session, NULL), NBASE_OK);
    assert_int_equal(course_follow(session, &s, &c), NBASE_ERR_UNSUPPORTED);
    assert_null(c.points);
    convlstm_session_free(session);
    convlstm_model_free(m);
    sequence_free(&s);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_and_floats),
        cmocka_unit_test(test_nearly_empty_frames),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_course),
        cmocka_unit_test(test_course_unsupported),
    };
    return cmocka_run_group_tests_name("sequence", tests, make_models, free_models);
}
