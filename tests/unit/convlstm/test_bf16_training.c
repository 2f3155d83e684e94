/* Training with products of bfloat16 (convlstm_trainer_options.bf16): it follows fp32, has the same
 * bits for any number of threads, and is refused with a reason where it cannot be had. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cells/cell.h"
#include "convlstm_help.h"
#include "kernels/kernels.h"
#include "network_json.h"
#include "tuning.h"

#define B 5
#define T 6
#define H 18
#define W 21
#define FRAME (H * W * 3)
#define STEPS 20

static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1, 1},
                                    {1, 0, 1, 0, 1, 1},
                                    {0, 1, 1, 1, 0, 0},
                                    {0, 0, 0, 0, 0, 1},
                                    {1, 1, 1, 1, 1, 0}};

/* clang-format off */
static const char network[] = JSON({
    "format": 1, "input": {"height": 18, "width": 21, "channels": 3}, "layers": [
        {"type": "conv_lstm2d", "name": "one", "filters": 7, "kernel_size": 3,
         "padding": "same", "recurrent_activation": "hard_sigmoid_k2",
         "return_sequences": true},
        {"type": "batch_normalization"},
        {"type": "conv_lstm2d", "name": "two", "filters": 4, "kernel_size": 3,
         "padding": "same", "recurrent_activation": "hard_sigmoid_k2"},
        {"type": "batch_normalization"},
        {"type": "flatten"},
        {"type": "dense", "units": 2, "activation": "softmax"}
    ]});

/* What cannot be trained so, and why. */
static const struct {
    const char *json, *reason;
} never[] = {
    {JSON({
         "format": 1, "input": {"height": 18, "width": 21, "channels": 3}, "layers": [
             {"type": "conv_lstm2d", "name": "one", "filters": 3, "kernel_size": 3,
              "padding": "same", "recurrent_activation": "hard_sigmoid_k2",
              "return_sequences": true},
             {"type": "conv_lstm2d", "name": "wide", "filters": 3, "kernel_size": 5,
              "padding": "same", "recurrent_activation": "hard_sigmoid_k2"},
             {"type": "batch_normalization"},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "softmax"}
         ]}),
     "layer wide"},
    {JSON({
         "format": 1, "input": {"height": 18, "width": 21, "channels": 3}, "layers": [
             {"type": "conv_lstm2d", "name": "one", "filters": 3, "kernel_size": 3,
              "padding": "same", "recurrent_activation": "hard_sigmoid_k2", "peepholes": "channel"},
             {"type": "batch_normalization"},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "softmax"}
         ]}),
     "layer one"},
    {JSON({
         "format": 1, "input": {"height": 18, "width": 21, "channels": 3}, "layers": [
             {"type": "conv_lstm2d", "name": "one", "filters": 3, "kernel_size": 3,
              "padding": "same", "recurrent_activation": "hard_sigmoid_k2", "dropout": 0.5},
             {"type": "batch_normalization"},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "softmax"}
         ]}),
     "layer one"},
    {JSON({
         "format": 1, "input": {"height": 18, "width": 21, "channels": 3}, "layers": [
             {"type": "global_average_pool"},
             {"type": "dense", "units": 2, "activation": "softmax"}
         ]}),
     "no conv_lstm2d layer"},
};
/* clang-format on */

/* Whether this machine, with NBASE_MAX_ISA as it is, has what the option needs. */
static bool available(void)
{
    nbase_isa isa = nbase_isa_active();
    return convlstm__kernels_for(isa).winograd_bf16 &&
           (isa == NBASE_ISA_REF || nbase__tuning_active()->bf16_dots);
}

static nbase_status try(convlstm_model *m, int threads, bool bf16, convlstm_trainer **t,
                        nbase_error *err)
{
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_SGD);
    o.loss = CONVLSTM_LOSS_SOFTMAX;
    o.num_threads = threads;
    o.learning_rate = 0.002;
    o.bf16 = bf16;
    return convlstm_trainer_create(m, &o, t, err);
}

/* Trains a new model; losses of the steps to `losses`. */
static convlstm_model *train(int threads, bool bf16, double *losses)
{
    nbase_error err = {0};
    convlstm_model *m = help_model(NULL, network, 3);
    convlstm_trainer *t = NULL;
    if (try(m, threads, bf16, &t, &err)) fail_msg("%s", err.text);
    float *img = help_uniform(B * T * FRAME, 1), labels[B * 2];
    for (size_t i = 0; i < B; i++) labels[2 * i] = i % 2, labels[2 * i + 1] = 1 - labels[2 * i];
    for (size_t s = 0; s < STEPS; s++) {
        convlstm_step_result r;
        if (convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W, NULL, &r))
            fail_msg("%s", convlstm_trainer_error(t));
        losses[s] = r.loss;
    }
    free(img);
    convlstm_trainer_free(t);
    return m;
}

static void follows_fp32(void **state)
{
    (void)state;
    if (!available()) skip();
    double losses[2][STEPS], worst = 0;
    for (int bf16 = 0; bf16 < 2; bf16++) convlstm_model_free(train(2, bf16, losses[bf16]));
    for (size_t s = 0; s < STEPS; s++) worst = fmax(worst, fabs(losses[1][s] - losses[0][s]));
    printf("loss from %.4f to %.4f, in bfloat16 to %.4f; they differ by up to %.1e\n", losses[0][0],
           losses[0][STEPS - 1], losses[1][STEPS - 1], worst);
    assert_true(losses[0][STEPS - 1] < 0.8 * losses[0][0]); /* or there is nothing to follow */
    assert_true(worst < 1e-2 && worst > 0);
}

static void same_bits_for_any_threads(void **state)
{
    (void)state;
    if (!available()) skip();
    double expected[STEPS], got[STEPS];
    convlstm_model *one = train(1, true, expected);
    for (int threads = 2; threads <= 4; threads++) {
        convlstm_model *more = train(threads, true, got);
        assert_memory_equal(got, expected, sizeof got);
        assert_true(help_same_weights(one, more));
        convlstm_model_free(more);
    }
    convlstm_model_free(one);
}

static void refused(const char *json, const char *reason)
{
    nbase_error err = {0};
    convlstm_model *m = help_model(NULL, json, 3);
    convlstm_trainer *t = NULL;
    assert_int_equal(try(m, 1, true, &t, &err), NBASE_ERR_UNSUPPORTED);
    assert_null(t);
    if (!strstr(err.text, reason)) fail_msg("expected '%s' in: %s", reason, err.text);
    convlstm_model_free(m);
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    if (!available()) {
        refused(network, "no products of bfloat16");
        return;
    }
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        refused(never[i].json, never[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_fp32),
                                       cmocka_unit_test(same_bits_for_any_threads),
                                       cmocka_unit_test(refuses_with_a_reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
