/* Networks in bfloat16: the direct backend in plain C and, where there is a tile unit, on that,
 * which must give the same bits for any number of threads, any batch, in streams, with masks; and
 * close to fp32. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "cpu.h"
#include "model/session.h"
#include "network_json.h"
#include "tuning.h"

#define B 4
#define T 5
#define H 9
#define W 21
#define FRAME (H * W * 3)

static const uint8_t masks[B][T] = {
    {1, 1, 1, 1, 1}, {1, 0, 1, 0, 1}, {0, 1, 1, 1, 0}, {0, 0, 255, 0, 0}};

/* clang-format off */
static const char *const networks[] = {
    /* a pair with a map, and a third layer */
    JSON({
        "format": 1, "input": {"height": 9, "width": 21, "channels": 3}, "layers": [
            {"type": "conv_lstm2d", "filters": 9, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "hard_sigmoid_k2", "return_sequences": true},
            {"type": "batch_normalization"},
            {"type": "conv_lstm2d", "filters": 6, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "sigmoid", "return_sequences": true},
            {"type": "batch_normalization"},
            {"type": "conv_lstm2d", "filters": 5, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "hard_sigmoid_k3"},
            {"type": "batch_normalization"},
            {"type": "global_average_pool"},
            {"type": "dense", "units": 2, "activation": "softmax"}
        ]}),
    /* a pair without one */
    JSON({
        "format": 1, "input": {"height": 9, "width": 21, "channels": 3}, "layers": [
            {"type": "conv_lstm2d", "filters": 6, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "sigmoid", "return_sequences": true},
            {"type": "conv_lstm2d", "filters": 7, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "hard_sigmoid_k2"},
            {"type": "batch_normalization"},
            {"type": "global_average_pool"},
            {"type": "dense", "units": 2, "activation": "softmax"}
        ]}),
    /* kernels of different sizes, relu, a layer in between that is none of the backend's */
    JSON({
        "format": 1, "input": {"height": 9, "width": 21, "channels": 3}, "layers": [
            {"type": "conv_lstm2d", "filters": 6, "kernel_size": 5, "padding": "same",
             "recurrent_activation": "hard_sigmoid_k2", "return_sequences": true},
            {"type": "batch_normalization"},
            {"type": "conv_lstm2d", "filters": 3, "kernel_size": 1, "padding": "same",
             "recurrent_activation": "hard_sigmoid_k2", "return_sequences": true,
             "activation": "relu"},
            {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "sigmoid", "return_sequences": true},
            {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same"},
            {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
             "recurrent_activation": "sigmoid"},
            {"type": "batch_normalization"},
            {"type": "global_average_pool"},
            {"type": "dense", "units": 2, "activation": "softmax"}
        ]}),
};
/* clang-format on */

enum { NETWORKS = sizeof networks / sizeof *networks };

static convlstm__backend_choice direct(bool tiles)
{
    return (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_DIRECT,
                                      .isa = tiles ? NBASE_ISA_AVX512 : NBASE_ISA_REF,
                                      .bf16 = true};
}

static convlstm_session *session(const convlstm_model *m, convlstm__backend_choice choice,
                                 int threads)
{
    convlstm_session *s = NULL;
    nbase_error err = {NBASE_OK, ""};
    convlstm_session_options options = {.num_threads = threads};
    if (convlstm__session_create(m, &options, choice, &s, &err)) fail_msg("%s", err.text);
    return s;
}

static void predict(convlstm_session *s, const float *img, const uint8_t *mask, size_t batch,
                    float *probs)
{
    if (convlstm_predict(s, img, mask, batch, T, H, W, probs, NULL))
        fail_msg("%s", convlstm_session_error(s));
}

/* Any number of threads, batches and single items, which teams run. */
static void check_divisions(const convlstm_model *m, bool tiles, const float *img,
                            const float *expected)
{
    float probs[B * 2];
    for (int threads = 1; threads <= 5; threads += 1 + threads / 3) {
        convlstm_session *s = session(m, direct(tiles), threads);
        for (size_t batch = 1; batch <= B; batch++) {
            predict(s, img, masks[0], batch, probs);
            assert_memory_equal(probs, expected, batch * 2 * sizeof *probs);
        }
        for (size_t i = 0; i < B; i++) {
            predict(s, img + i * T * FRAME, masks[i], 1, probs);
            assert_memory_equal(probs, expected + 2 * i, 2 * sizeof *probs);
        }
        convlstm_session_free(s);
    }
}

/* Frame by frame, the state moving between two sessions. */
static void check_stream(const convlstm_model *m, bool tiles, const float *img,
                         const float *expected)
{
    convlstm_session *s[2] = {session(m, direct(tiles), 1), session(m, direct(tiles), 2)};
    for (size_t i = 0; i < B; i++) {
        float probs[2];
        assert_int_equal(convlstm_stream_begin(s[0], H, W), NBASE_OK);
        for (size_t t = 0; t < T; t++) {
            nbase_archive *saved;
            nbase_status status =
                convlstm_stream_step(s[t % 2], img + (i * T + t) * FRAME, masks[i][t], probs);
            assert_true(status == NBASE_OK || status == NBASE_ERR_NO_VALID_FRAMES);
            assert_int_equal(convlstm_stream_state(s[t % 2], &saved), NBASE_OK);
            assert_int_equal(convlstm_stream_restore(s[(t + 1) % 2], saved), NBASE_OK);
            nbase_archive_free(saved);
        }
        assert_memory_equal(probs, expected + 2 * i, sizeof probs);
    }
    convlstm_session_free(s[0]);
    convlstm_session_free(s[1]);
}

static void same_bits(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 1);
    for (size_t i = 0; i < NETWORKS; i++) {
        convlstm_model *m = help_model(NULL, networks[i], 3);
        float expected[B * 2];
        convlstm_session *s = session(m, direct(false), 1);
        predict(s, img, masks[0], B, expected);
        convlstm_session_free(s);
        for (int tiles = 0; tiles < (nbase__amx() ? 2 : 1); tiles++) {
            check_divisions(m, tiles, img, expected);
            check_stream(m, tiles, img, expected);
        }
        convlstm_model_free(m);
    }
    free(img);
}

/* Fused and node by node: as close to each other as to fp32, whose difference is that of
 * products. */
static void close_to_fp32(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 1);
    for (size_t i = 0; i < NETWORKS; i++) {
        convlstm_model *m = help_model(NULL, networks[i], 3);
        convlstm__backend_choice alone = direct(false);
        alone.unfused = true;
        convlstm_session *s[3] = {session(m, convlstm__backend_default(), 2),
                                  session(m, direct(false), 2), session(m, alone, 2)};
        float probs[3][B * 2], worst = 0;
        for (int k = 0; k < 3; k++) predict(s[k], img, masks[0], B, probs[k]);
        for (int k = 0; k < 3; k++) convlstm_session_free(s[k]);
        for (size_t j = 0; j < B * 2; j++)
            for (int k = 1; k < 3; k++) worst = fmaxf(worst, fabsf(probs[k][j] - probs[0][j]));
        printf("network %zu: probabilities differ by up to %.1e\n", i, worst);
        assert_true(worst < 2e-3 && worst > 0);
        convlstm_model_free(m);
    }
    free(img);
}

/* The option takes tiles where they are, and changes nothing where nothing is faster than fp32. */
static void option(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 1), got[B * 2], plain[B * 2], tiles[B * 2];
    convlstm_model *m = help_model(NULL, networks[0], 3);
    convlstm_session *s[3] = {NULL, session(m, convlstm__backend_default(), 2),
                              session(m, direct(false), 2)};
    assert_int_equal(
        convlstm_session_create(m, &(convlstm_session_options){.bf16 = 1}, &s[0], NULL), NBASE_OK);
    float *const probs[] = {got, plain, tiles};
    for (int k = 0; k < 3; k++) predict(s[k], img, masks[0], B, probs[k]);
    for (int k = 0; k < 3; k++) convlstm_session_free(s[k]);
    if (nbase__amx())
        assert_memory_equal(got, tiles, sizeof got);
    else if (nbase_isa_active() == NBASE_ISA_AVX512 && !nbase__tuning_active()->bf16_dots)
        assert_memory_equal(got, plain, sizeof got);
    convlstm_model_free(m);
    free(img);
}

int main(void)
{
    printf("tiles: %s\n", nbase__amx() ? "yes" : "no");
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits), cmocka_unit_test(close_to_fp32),
                                       cmocka_unit_test(option)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
