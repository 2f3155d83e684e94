/* Inference: against the reference for every mask pattern, the same bits for any batch, thread
 * count and padding, streaming, errors, memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "convlstm_ref.h"
#include "model/session.h"

#define B 7
#define T 6
#define H 9
#define W 10

/* All valid; tail masked; holes; leading masked; a single valid one first, last, in the middle. */
static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1, 1},  {1, 1, 1, 1, 0, 0}, {1, 0, 1, 0, 0, 1},
                                    {0, 0, 1, 1, 1, 1},  {1, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 1},
                                    {0, 0, 0, 255, 0, 0}};

static convlstm_session *session(const convlstm_model *m, int threads)
{
    convlstm_session *s = NULL;
    nbase_error err = {NBASE_OK, ""};
    convlstm_session_options options = {.num_threads = threads};
    if (convlstm_session_create(m, &options, &s, &err)) fail_msg("%s", err.text);
    return s;
}

static void against_reference(void **state)
{
    (void)state;
    static const char *const presets[] = {"skincredible", "skincredible-gap"},
                             *const gates[] = {"hard_sigmoid_k2", "sigmoid", "hard_sigmoid_k3"};
    float *img = help_uniform(B * T * H * W * 3, 1);
    for (int p = 0; p < 2; p++)
        for (int g = 0; g < 3; g++)
            for (int backend = 0; backend < 2; backend++) {
                const char *changes[] = {"\"hard_sigmoid_k2\"", "\"GATE\"", NULL};
                char gate[32];
                snprintf(gate, sizeof gate, "\"%s\"", gates[g]);
                changes[1] = gate;
                char *json = help_preset(presets[p], H, W, changes);
                convlstm_model *m = help_model(NULL, json, 3);
                convlstm_session *s = NULL;
                convlstm_session_options options = {.num_threads = 2};
                convlstm__backend_choice choice =
                    backend ? convlstm__backend_default()
                            : (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_GENERAL,
                                                         .isa = NBASE_ISA_REF};
                assert_int_equal(convlstm__session_create(m, &options, choice, &s, NULL), NBASE_OK);
                float probs[B * 2];
                double expected[B * 2], worst = 0;
                assert_int_equal(convlstm_predict(s, img, masks[0], B, T, H, W, probs, NULL),
                                 NBASE_OK);
                ref_net *r = ref_create(m);
                ref_batch batch = {img, masks[0], NULL, B, T, H, W, NULL, NULL};
                ref_predict(r, &batch, expected);
                for (size_t i = 0; i < B * 2; i++)
                    worst = fmax(worst, fabs(probs[i] - expected[i]));
                printf("%-17s %-16s %-8s worst %.1e\n", presets[p], gates[g],
                       backend ? "best" : "general", worst);
                assert_true(worst < 2e-6);
                ref_free(r);
                convlstm_session_free(s);
                convlstm_model_free(m);
                free(json);
            }
    free(img);
}

/* Frames, of which every third is beyond -1..1: these steps have transforms of their own. */
static float *frames_of_two_kinds(void)
{
    float *img = help_uniform(B * T * H * W * 3, 1);
    for (size_t i = 0; i < B * T * H * W * 3; i++)
        if (i / (H * W * 3) % 3 == 1) img[i] *= 5;
    return img;
}

/* A batch as its items, any number of threads, any number of masked frames in between and around:
 * the same bits. */
static void same_bits(void **state)
{
    (void)state;
    convlstm_model *m = help_small(NULL, "skincredible", H, W);
    float *img = frames_of_two_kinds(), probs[B * 2], again[B * 2];
    convlstm_session *one = session(m, 1);
    assert_int_equal(convlstm_predict(one, img, masks[0], B, T, H, W, probs, NULL), NBASE_OK);
    for (int threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
        convlstm_session *s = session(m, threads);
        for (size_t batch = 1; batch <= B; batch++) {
            assert_int_equal(convlstm_predict(s, img, masks[0], batch, T, H, W, again, NULL),
                             NBASE_OK);
            assert_memory_equal(probs, again, batch * 2 * sizeof *probs);
        }
        for (size_t i = 0; i < B; i++) {
            assert_int_equal(
                convlstm_predict(s, img + i * T * H * W * 3, masks[i], 1, T, H, W, again, NULL),
                NBASE_OK);
            assert_memory_equal(probs + 2 * i, again, 2 * sizeof *probs);
        }
        convlstm_session_free(s);
    }
    /* Item 0's six frames spread over thirty; what the masked ones hold is nothing to us. */
    float *wide = malloc(30 * H * W * 3 * sizeof *wide);
    uint8_t mask[30] = {0};
    for (size_t i = 0; i < 30 * H * W * 3; i++) wide[i] = NAN;
    for (size_t t = 0; t < T; t++) {
        mask[4 * t + 2] = 1;
        memcpy(wide + (4 * t + 2) * H * W * 3, img + t * H * W * 3, H * W * 3 * sizeof *wide);
    }
    assert_int_equal(convlstm_predict(one, wide, mask, 1, 30, H, W, again, NULL), NBASE_OK);
    assert_memory_equal(probs, again, 2 * sizeof *probs);
    /* Without a mask, all-zero frames are the masked ones. */
    for (size_t t = 0; t < 30; t++)
        for (size_t i = 0; !mask[t] && i < H * W * 3; i++) wide[t * H * W * 3 + i] = 0;
    assert_int_equal(convlstm_predict(one, wide, NULL, 1, 30, H, W, again, NULL), NBASE_OK);
    assert_memory_equal(probs, again, 2 * sizeof *probs);
    free(wide);
    free(img);
    convlstm_session_free(one);
    convlstm_model_free(m);
}

/* The largest error of a network's frames, which are `factor` times noise, as if they were not. */
static double error_of_frames(const convlstm_model *m, float factor, size_t side, size_t channels)
{
    enum { FRAMES = 3 };
    const size_t count = FRAMES * side * side * channels;
    size_t shape[4], floats = 1;
    float *img = help_uniform(count, 9);
    for (size_t i = 0; i < count; i++) img[i] = factor * (2 * img[i] - 1);
    assert_int_equal(convlstm_model_output_shape(m, FRAMES, side, side, shape, NULL), NBASE_OK);
    for (size_t i = 0; i < 4; i++) floats *= shape[i]; /* a sequence of frames */
    float *out = malloc(floats * sizeof *out);
    double *expected = malloc(floats * sizeof *expected), worst = 0;
    const uint8_t mask[FRAMES] = {1, 1, 1};
    convlstm_session *s = session(m, 2);
    const convlstm_batch in = {img, mask, 1, FRAMES, side, side, NULL};
    assert_int_equal(convlstm_run(s, &in, out, NULL, NULL), NBASE_OK);
    ref_net *r = ref_create(m);
    ref_batch batch = {img, mask, NULL, 1, FRAMES, side, side, NULL, NULL};
    ref_predict(r, &batch, expected);
    for (size_t i = 0; i < floats; i++) worst = fmax(worst, fabs(out[i] - expected[i]) / factor);
    ref_free(r);
    convlstm_session_free(s);
    free(img), free(out), free(expected);
    return worst;
}

/* Convolutions whose input is beyond -1..1 have transforms that lose less; with others the errors
 * of numbers four times as large are just four times as large. */
static void convolutions_beyond_one(void **state)
{
    (void)state;
    static const char *const layers[] = {
        "{\"type\":\"conv2d\",\"filters\":32,\"kernel_size\":3,\"padding\":\"same\"}",
        "{\"type\":\"conv2d_transpose\",\"filters\":16,\"kernel_size\":5,\"strides\":2,"
        "\"padding\":\"same\"}"};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        char json[400];
        snprintf(json, sizeof json,
                 "{\"format\":1,\"input\":{\"height\":15,\"width\":15,\"channels\":32},"
                 "\"layers\":[%s]}",
                 layers[i]);
        convlstm_model *m = help_model(NULL, json, 5);
        double scaled = error_of_frames(m, 1, 15, 32), beyond = error_of_frames(m, 4, 15, 32);
        printf("errors %.2e, beyond -1..1 %.2e\n", scaled, beyond);
        assert_true(beyond < 0.7 * scaled);
        convlstm_model_free(m);
    }
}

static void streaming(void **state)
{
    (void)state;
    convlstm_model *m = help_small(NULL, "skincredible-gap", H, W);
    float *img = frames_of_two_kinds(), probs[2], expected[2];
    for (int threads = 1; threads <= 3; threads += 2) {
        convlstm_session *s = session(m, threads), *second = session(m, 1);
        assert_int_equal(convlstm_stream_step(s, img, 1, probs), NBASE_ERR_ARG);
        for (size_t i = 0; i < B; i++) {
            const float *item = img + i * T * H * W * 3;
            assert_int_equal(convlstm_stream_begin(s, H, W), NBASE_OK);
            for (size_t t = 0; t < T; t++) {
                nbase_status whole =
                    convlstm_predict(s, item, masks[i], 1, t + 1, H, W, expected, NULL);
                assert_int_equal(convlstm_stream_step(s, item + t * H * W * 3, masks[i][t], probs),
                                 whole);
                if (whole == NBASE_OK)
                    assert_memory_equal(probs, expected, sizeof probs);
                else
                    assert_int_equal(whole, NBASE_ERR_NO_VALID_FRAMES);
                /* The state moves to another session, which goes on from there. */
                nbase_archive *saved;
                assert_int_equal(convlstm_stream_state(s, &saved), NBASE_OK);
                assert_int_equal(nbase_archive_count(saved), whole == NBASE_OK ? 4 : 0);
                assert_int_equal(convlstm_stream_restore(second, saved), NBASE_OK);
                nbase_archive_free(saved);
                for (size_t rest = t + 1; rest < T; rest++)
                    convlstm_stream_step(second, item + rest * H * W * 3, masks[i][rest], NULL);
                assert_int_equal(convlstm_predict(s, item, masks[i], 1, T, H, W, expected, NULL),
                                 NBASE_OK);
                assert_int_equal(convlstm_stream_step(second, NULL, 0, probs), NBASE_OK);
                assert_memory_equal(probs, expected, sizeof probs);
            }
        }
        convlstm_session_free(s);
        convlstm_session_free(second);
    }
    free(img);
    convlstm_model_free(m);
}

/* A state that does not fit leaves the stream as it was. */
static void bad_state(void **state)
{
    (void)state;
    convlstm_model *m = help_small(NULL, "skincredible-gap", H, W);
    float *img = help_uniform(2 * H * W * 3, 1), probs[2], expected[2];
    convlstm_session *s = session(m, 1);
    assert_int_equal(convlstm_predict(s, img, NULL, 1, 2, H, W, expected, NULL), NBASE_OK);
    assert_int_equal(convlstm_stream_begin(s, H, W), NBASE_OK);
    assert_int_equal(convlstm_stream_step(s, img, 1, NULL), NBASE_OK);
    static const char *const metas[] = {NULL,
                                        "{",
                                        "{\"height\":9}",
                                        "{\"height\":9,\"width\":10,\"steps\":1}",
                                        "{\"height\":9,\"width\":11,\"steps\":1}",
                                        "{\"height\":9,\"width\":0,\"steps\":1}"};
    for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
        nbase_archive *a;
        size_t shape[3] = {H, W, 2}; /* of the second layer, not the first */
        assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
        if (metas[i]) nbase_archive_set_meta(a, "stream", metas[i]);
        nbase_archive_add(a, "conv_lstm2d/h", NBASE_F32, 3, shape, NULL, NULL);
        assert_int_not_equal(convlstm_stream_restore(s, a), NBASE_OK);
        assert_true(strlen(convlstm_session_error(s)) > 10);
        nbase_archive_free(a);
    }
    assert_int_equal(convlstm_stream_step(s, img + H * W * 3, 1, probs), NBASE_OK);
    assert_memory_equal(probs, expected, sizeof probs);
    convlstm_session_free(s);
    convlstm_model_free(m);
    free(img);
}

static void errors(void **state)
{
    (void)state;
    convlstm_model *m = help_small(NULL, "skincredible", H, W),
                   *any = help_small(NULL, "skincredible-gap", H, W);
    convlstm_session *s = session(m, 2), *a = session(any, 2);
    float *img = help_uniform(3 * T * 20 * 20 * 3, 1), probs[6] = {9, 9, 9, 9, 9, 9}, alone[2];
    uint8_t mask[3][T] = {{1, 1}, {0}, {0, 1}};
    nbase_status each[3];
    assert_int_equal(convlstm_predict(s, img, mask[0], 3, T, H, W, probs, each),
                     NBASE_ERR_NO_VALID_FRAMES);
    assert_int_equal(each[0], NBASE_OK);
    assert_int_equal(each[1], NBASE_ERR_NO_VALID_FRAMES);
    assert_int_equal(each[2], NBASE_OK);
    /* no probability where there is none */
    assert_true(probs[2] == 9 && probs[3] == 9 && probs[0] < 1 && probs[5] < 1);
    assert_int_equal(convlstm_predict(s, img, mask[2], 1, T, H, W, alone, NULL), NBASE_OK);
    assert_int_equal(convlstm_predict(s, img, mask[0], 1, T, H, W + 1, alone, NULL),
                     NBASE_ERR_SHAPE);
    assert_non_null(strstr(convlstm_session_error(s), "9x10 expected, got 9x11"));
    assert_int_equal(convlstm_predict(s, NULL, mask[0], 1, T, H, W, alone, NULL), NBASE_ERR_ARG);
    assert_int_equal(convlstm_predict(s, img, mask[0], 0, T, H, W, alone, NULL), NBASE_ERR_ARG);
    /* gap takes any size */
    assert_int_equal(convlstm_predict(a, img, mask[0], 1, T, 20, 17, alone, NULL), NBASE_OK);
    assert_int_equal(convlstm_predict(a, img, mask[0], 1, T, 1, 1, alone, NULL), NBASE_OK);
    assert_int_equal(convlstm_predict(a, img, mask[0], 1, T, 0, 4, alone, NULL), NBASE_ERR_ARG);
    img[5] = NAN;
    assert_int_equal(convlstm_predict(s, img, mask[0], 1, T, H, W, alone, NULL), NBASE_ERR_NUMERIC);
    /* Weights changed after the session was made are seen. */
    img[5] = 0.5f;
    float before[2], after[2], bias[2] = {1, -1};
    assert_int_equal(convlstm_predict(s, img, NULL, 1, T, H, W, before, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_set(m, "batch_normalization_1/beta", bias, 2), NBASE_OK);
    assert_int_equal(convlstm_predict(s, img, NULL, 1, T, H, W, after, NULL), NBASE_OK);
    assert_memory_not_equal(before, after, sizeof before);
    convlstm_session_free(s);
    convlstm_session_free(a);
    convlstm_session_free(NULL);
    convlstm_model_free(m);
    convlstm_model_free(any);
    free(img);
}

/* No allocation after the first call of a size; each one failing leaves a session that works when
 * there is memory again. */
static void memory(void **state)
{
    (void)state;
    help_memory memory;
    nbase_env env = help_env(&memory);
    convlstm_model *m = help_small(&env, "skincredible-gap", H, W);
    float *img = help_uniform(B * T * 12 * 12 * 3, 1), probs[B * 2], expected[B * 2];
    convlstm_session_options options = {.num_threads = 2};
    convlstm_session *s = NULL;
    for (size_t n = 1; !s; n++) {
        size_t live = memory.live;
        memory.fail_at = memory.calls + n;
        nbase_status status = convlstm_session_create(m, &options, &s, NULL);
        assert_int_equal(status, s ? NBASE_OK : NBASE_ERR_NOMEM);
        if (!s) assert_int_equal(memory.live, live);
        assert_true(n < 1000);
    }
    memory.fail_at = 0;
    assert_int_equal(convlstm_predict(s, img, masks[0], B, T, H, W, expected, NULL), NBASE_OK);
    size_t calls = memory.calls;
    assert_int_equal(convlstm_predict(s, img, masks[0], 3, T, H, W, probs, NULL), NBASE_OK);
    assert_int_equal(memory.calls, calls);
    /* Another size: every allocation fails once, and the session goes on with the old size. */
    nbase_status status = NBASE_ERR_NOMEM;
    for (size_t n = 1; status; n++) {
        memory.fail_at = memory.calls + n;
        status = convlstm_predict(s, img, masks[0], B, T, 12, 12, probs, NULL);
        if (!status) break;
        assert_int_equal(status, NBASE_ERR_NOMEM);
        memory.fail_at = 0;
        assert_int_equal(convlstm_predict(s, img, masks[0], B, T, H, W, probs, NULL), NBASE_OK);
        assert_memory_equal(probs, expected, sizeof probs);
        assert_true(n < 1000);
    }
    memory.fail_at = 0;
    convlstm_session_free(s);
    convlstm_model_free(m);
    assert_int_equal(memory.live, 0);
    free(img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(convolutions_beyond_one),
        cmocka_unit_test(streaming),
        cmocka_unit_test(bad_state),
        cmocka_unit_test(errors),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
