/* Unfamiliar photos: distances as scikit-learn has them, how often someone like the others is told,
 * what the network is compared by, what photos are measured by, and the file. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "score/familiar.h"
#include "score/hidden.h"

typedef struct golden_group {
    const double *rows;
    size_t n, size;
    double shrinkage;
    const double *vectors; /* four */
    double distances[4];
} golden_group;

#include "goldens/ledoit_wolf.inc"

static void as_scikit_learn(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof golden_groups / sizeof *golden_groups; g++) {
        const golden_group *c = &golden_groups[g];
        mahalanobis m;
        assert_true(mahalanobis_fit(c->rows, c->n, c->size, &m));
        assert_true(fabs(m.shrinkage - c->shrinkage) < 1e-9);
        for (size_t i = 0; i < 4; i++) {
            double d = mahalanobis_distance(&m, c->vectors + i * c->size);
            if (fabs(d / c->distances[i] - 1) > 1e-9)
                fail_msg("group %zu, vector %zu: %.12g, not %.12g", g, i, d, c->distances[i]);
        }
        mahalanobis_free(&m);
    }
}

static double normal(nbase_rng *rng)
{
    double u = (nbase_rng_u32(rng) + 1.0) / 4294967297.0, v = nbase_rng_u32(rng) / 4294967296.0;
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979 * v);
}

/* Rows of numbers that hang together: each is a mixture of few. */
static void draw(nbase_rng *rng, double *rows, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        double common = normal(rng);
        for (size_t k = 0; k < size; k++)
            rows[i * size + k] = common * (double)(k % 3) + normal(rng);
    }
}

/* Of people like those measured, 200 draws of 60 in 30 numbers, a p at most 1/60 comes about once
 * in sixty; of people moved by two standard deviations in each number it is the rule. */
static void rarely_told(void **state)
{
    (void)state;
    enum { N = 60, SIZE = 30, DRAWS = 200, NEW = 20 };
    static double rows[N * SIZE], others[NEW * SIZE];
    size_t told = 0, moved = 0;
    for (int d = 0; d < DRAWS; d++) {
        nbase_rng rng;
        mahalanobis m;
        nbase_rng_seed(&rng, 9, (uint64_t)d);
        draw(&rng, rows, N, SIZE);
        draw(&rng, others, NEW, SIZE);
        assert_true(mahalanobis_fit(rows, N, SIZE, &m));
        for (size_t i = 0; i < NEW; i++) {
            double *one = others + i * SIZE;
            told += mahalanobis_p(&m, mahalanobis_distance(&m, one)) <= FAMILIAR_RARE + 1e-12;
            for (size_t k = 0; k < SIZE; k++) one[k] += k % 2 ? 2 : -2;
            moved += mahalanobis_p(&m, mahalanobis_distance(&m, one)) <= FAMILIAR_RARE + 1e-12;
        }
        mahalanobis_free(&m);
    }
    double share = (double)told / (DRAWS * NEW);
    printf("told of people alike: %.4f (promised 0.0167), of moved ones: %.3f\n", share,
           (double)moved / (DRAWS * NEW));
    assert_true(share < FAMILIAR_RARE + 3 * sqrt(FAMILIAR_RARE / (DRAWS * NEW)) + 0.002);
    assert_true(share > 0.005);
    assert_true(moved > 0.9 * DRAWS * NEW);
}

static void odd_groups(void **state)
{
    (void)state;
    double rows[30 * 4];
    mahalanobis m;
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    draw(&rng, rows, 30, 4);
    assert_false(mahalanobis_fit(rows, 19, 4, &m));
    for (size_t i = 0; i < 30; i++) rows[4 * i + 2] = 7; /* the same for everyone */
    assert_true(mahalanobis_fit(rows, 30, 4, &m));
    assert_true(isfinite(mahalanobis_distance(&m, rows)));
    double other[4] = {rows[0], rows[1], 8, rows[3]};
    assert_true(mahalanobis_p(&m, mahalanobis_distance(&m, other)) < 0.04);
    mahalanobis_free(&m);
    rows[5] = NAN;
    assert_false(mahalanobis_fit(rows, 30, 4, &m));
    assert_int_equal(m.size, 0);
}

/* ---- the hidden layer ---- */

enum { S = 16, T = 3, VALUES = S * S * 3 };

static convlstm_model *made(const char *preset)
{
    char *json = NULL;
    convlstm_model *m = NULL;
    assert_int_equal(convlstm_preset_json(preset, S, S, &json, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_create(NULL, json, 5, &m, NULL), NBASE_OK);
    convlstm_text_free(json);
    return m;
}

static void run(const convlstm_model *m, const float *img, float *out)
{
    convlstm_session *session;
    const uint8_t mask[T] = {1, 1, 1};
    assert_int_equal(convlstm_session_create(m, NULL, &session, NULL), NBASE_OK);
    assert_int_equal(convlstm_predict(session, img, mask, 1, T, S, S, out, NULL), NBASE_OK);
    convlstm_session_free(session);
}

static float *noise(uint64_t seed)
{
    float *img = malloc(T * VALUES * sizeof *img);
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 0);
    for (size_t i = 0; i < T * VALUES; i++) img[i] = (float)nbase_rng_u32(&rng) / 4294967296.0f;
    return img;
}

/* From the hidden layer and the last one's weights come the model's own outputs. */
static void hidden_layer(void **state)
{
    (void)state;
    static const char *const presets[] = {"skincredible", "skincredible-gap"};
    for (int k = 0; k < 2; k++) {
        convlstm_model *m = made(presets[k]), *hidden;
        float *img = noise(2), probs[2], values[32];
        assert_true(hidden_network(m, &hidden, NULL));
        assert_non_null(hidden);
        run(m, img, probs);
        run(hidden, img, values);
        const float *kernel = convlstm_model_find(m, "dense_1/kernel")->data;
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int i = 0; i < 32; i++) sum += (double)values[i] * kernel[2 * i + j];
            assert_true(fabs(1 / (1 + exp(-sum)) - probs[j]) < 1e-5);
        }
        convlstm_model_free(m);
        convlstm_model_free(hidden);
        free(img);
    }
}

static void no_hidden_layer(void **state)
{
    (void)state;
    static const char pooled[] =
        "{\"format\":1,\"input\":{\"height\":16,\"width\":16,\"channels\":3},\"layers\":["
        "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":3,\"recurrent_activation\":"
        "\"sigmoid\"},{\"type\":\"global_average_pool\"}]}";
    convlstm_model *m, *hidden;
    assert_int_equal(convlstm_model_create(NULL, pooled, 1, &m, NULL), NBASE_OK);
    assert_true(hidden_network(m, &hidden, NULL));
    assert_null(hidden);
    convlstm_model_free(m);
}

/* ---- what photos look like ---- */

static sequence as_sequence(float *img)
{
    static uint8_t mask[T] = {1, 1, 1};
    return (sequence){.batch = 1, .frames = T, .height = S, .width = S, .img = img, .mask = mask};
}

static void measures(void **state)
{
    (void)state;
    float *img = noise(3), *other = malloc(T * VALUES * sizeof *other);
    look a, b;
    sequence s = as_sequence(img), o = as_sequence(other);
    assert_true(look_measure(&s, &a));
    for (size_t i = 0; i < T * VALUES; i++) other[i] = img[i] * (i % 3 == 0 ? 1.5f : 1);
    assert_true(look_measure(&o, &b));
    assert_true(b.measures[LOOK_REDNESS] > a.measures[LOOK_REDNESS] + 0.3);
    assert_true(fabs(b.measures[LOOK_BLUENESS] - a.measures[LOOK_BLUENESS]) < 1e-6);
    for (size_t i = 0; i < T * VALUES; i++)
        other[i] = img[i] / 2; /* dark: brightness, not sharpness */
    assert_true(look_measure(&o, &b));
    assert_true(b.measures[LOOK_BRIGHTNESS] < a.measures[LOOK_BRIGHTNESS] - 0.6);
    assert_true(fabs(b.measures[LOOK_SHARPNESS] - a.measures[LOOK_SHARPNESS]) < 0.02);
    for (size_t y = 0; y < S; y++) /* light to the right: not like its mirror image */
        for (size_t x = 0; x < 3 * S; x++)
            for (size_t t = 0; t < T; t++) other[t * VALUES + y * 3 * S + x] = (float)(x / 3) / S;
    assert_true(look_measure(&o, &b));
    assert_true(b.measures[LOOK_SYMMETRY] < -0.99);
    assert_true(b.measures[LOOK_SHARPNESS] < a.measures[LOOK_SHARPNESS] - 1);
    for (size_t f = 0; f < LOOK_FIELDS; f++) { /* the fields rise along each row, mean 0 */
        assert_true(f % LOOK_SIDE == 0 || b.fields[f] > b.fields[f - 1]);
        assert_true(fabs(b.fields[f] + b.fields[LOOK_FIELDS - 1 - f]) < 1e-3);
    }
    s.frames = 0;
    assert_false(look_measure(&s, &a));
    s = as_sequence(img);
    s.height = s.width = 7;
    assert_false(look_measure(&s, &a));
    free(img);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_scikit_learn), cmocka_unit_test(rarely_told),
        cmocka_unit_test(odd_groups),      cmocka_unit_test(hidden_layer),
        cmocka_unit_test(no_hidden_layer), cmocka_unit_test(measures),
    };
    return cmocka_run_group_tests_name("familiar", tests, NULL, NULL);
}
