/* Optimizers and losses alone beside Keras's, both generations: tests/goldens/keras_steps.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "trainer/loss.h"
#include "trainer/optimizer.h"

#define GOLDENS SKIN_ROOT "/tests/goldens/keras_steps.npz"

static nbase_archive *goldens(void)
{
    nbase_archive *a;
    assert_int_equal(nbase_archive_read(NULL, GOLDENS, &a, NULL), NBASE_OK);
    return a;
}

static const float *values_of(const nbase_archive *a, const char *kind, const char *name,
                              int generation)
{
    char full[100];
    snprintf(full, sizeof full, generation ? "%s/%s/keras%d" : "%s", kind, name, generation);
    const nbase_array *found = nbase_archive_find(a, full);
    if (!found || found->dtype != NBASE_F32) fail_msg("%s is missing", full);
    return found->data;
}

/* ---- optimizers ---- */

typedef struct optimizer_case {
    const char *name;
    convlstm_optimizer optimizer;
    /* 0: the default */
    double rate, rho, momentum, epsilon, accumulator, beta1, beta2, clip_value;
    int centered;
} optimizer_case;

static const optimizer_case optimizer_cases[] = {
    {.name = "rmsprop", CONVLSTM_RMSPROP},
    {.name = "rmsprop_momentum", CONVLSTM_RMSPROP, .rate = 0.01, .rho = 0.8, .momentum = 0.9},
    {.name = "rmsprop_centered", CONVLSTM_RMSPROP, .centered = 1, .epsilon = 1e-5},
    {.name = "rmsprop_centered_momentum",
     CONVLSTM_RMSPROP,
     .centered = 1,
     .momentum = 0.5,
     .rho = 0.95},
    {.name = "adagrad", CONVLSTM_ADAGRAD, .rate = 0.05},
    {.name = "adagrad_started", CONVLSTM_ADAGRAD, .accumulator = 1},
    {.name = "adadelta", CONVLSTM_ADADELTA, .rate = 1},
    {.name = "adadelta_rho", CONVLSTM_ADADELTA, .rho = 0.7, .epsilon = 1e-4},
    {.name = "nadam", CONVLSTM_NADAM},
    {.name = "nadam_betas", CONVLSTM_NADAM, .rate = 0.02, .beta1 = 0.8, .beta2 = 0.9},
    {.name = "sgd_clip_value", CONVLSTM_SGD, .rate = 0.1, .clip_value = 0.3},
    {.name = "adam_clip_value", CONVLSTM_ADAM, .clip_value = 0.2},
};

static convlstm_trainer_options options_of(const optimizer_case *c)
{
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, c->optimizer);
    const struct {
        double value, *to;
    } given[] = {{c->rate, &o.learning_rate}, {c->rho, &o.rho},
                 {c->momentum, &o.momentum},  {c->epsilon, &o.epsilon},
                 {c->beta1, &o.beta1},        {c->accumulator, &o.initial_accumulator},
                 {c->beta2, &o.beta2},        {c->clip_value, &o.clip_value}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i].value > 0) *given[i].to = given[i].value;
    o.centered = c->centered;
    return o;
}

/* The bias of a dense layer of four units goes Keras's way. */
static void optimizers(void **state)
{
    (void)state;
    enum { STEPS = 8, N = 4 };
    nbase_archive *a = goldens();
    for (size_t i = 0; i < sizeof optimizer_cases / sizeof *optimizer_cases; i++)
        for (int generation = 2; generation <= 3; generation++) {
            const optimizer_case *c = &optimizer_cases[i];
            convlstm_model *m = help_model(
                NULL,
                "{\"format\":1,\"input\":{\"height\":1,\"width\":1,\"channels\":1},\"layers\":["
                "{\"type\":\"dense\",\"units\":4}]}",
                1);
            convlstm_trainer_options options = options_of(c);
            convlstm__optimizer o;
            assert_int_equal(convlstm__optimizer_init(&o, m, &options, NULL), NBASE_OK);
            const nbase_array *bias = convlstm_model_find(m, "dense/bias");
            convlstm_model_set(m, "dense/bias", values_of(a, "start", "", 0), N);
            const float *gradients = values_of(a, "gradients", "", 0),
                        *expected = values_of(a, "optimizers", c->name, generation);
            for (size_t n = 0; n < STEPS; n++) {
                memcpy(o.gradients[1], gradients + n * N, N * sizeof(float));
                convlstm__clip_values(&o, 1);
                convlstm__optimizer_step(&o, m, convlstm__gradient_norm(&o, 1), 1);
                for (size_t k = 0; k < N; k++) {
                    double got = ((const float *)bias->data)[k], want = expected[n * N + k];
                    if (!(fabs(got - want) <= 2e-6 * fmax(1, fabs(want))))
                        fail_msg("%s, Keras %d, step %zu: %.8g, not %.8g", c->name, generation,
                                 n + 1, got, want);
                }
            }
            convlstm__optimizer_free(&o);
            convlstm_model_free(m);
        }
    nbase_archive_free(a);
}

/* ---- losses ---- */

typedef struct loss_case {
    const char *name;
    convlstm_loss loss;
    double delta, gamma, alpha, smoothing; /* 0: the default */
} loss_case;

static const loss_case loss_cases[] = {
    {.name = "huber", CONVLSTM_LOSS_HUBER},
    {.name = "huber_delta", CONVLSTM_LOSS_HUBER, .delta = 0.4},
    {.name = "focal", CONVLSTM_LOSS_FOCAL},
    {.name = "focal_gamma", CONVLSTM_LOSS_FOCAL, .gamma = 0.7},
    {.name = "focal_alpha", CONVLSTM_LOSS_FOCAL, .alpha = 0.3},
    {.name = "focal_smoothed", CONVLSTM_LOSS_FOCAL, .smoothing = 0.2},
    {.name = "softmax_five", CONVLSTM_LOSS_SOFTMAX},
};

static void losses(void **state)
{
    (void)state;
    enum { ROWS = 3, OUTPUTS = 5, VALUES = ROWS * OUTPUTS };
    nbase_archive *a = goldens();
    for (size_t i = 0; i < sizeof loss_cases / sizeof *loss_cases; i++)
        for (int generation = 2; generation <= 3; generation++) {
            const loss_case *c = &loss_cases[i];
            convlstm_trainer_options o;
            convlstm_trainer_defaults(&o, CONVLSTM_SGD);
            o.loss = c->loss;
            o.focal_alpha = c->alpha;
            o.label_smoothing = c->smoothing;
            if (c->delta > 0) o.huber_delta = c->delta;
            if (c->gamma > 0) o.focal_gamma = c->gamma;
            bool logits = convlstm__loss_on_logits(c->loss);
            const float *x = values_of(a, logits ? "logits" : "values", "", 0),
                        *y = values_of(a, logits ? "labels" : "targets", "", 0),
                        *expected = values_of(a, "losses", c->name, generation);
            /* Keras moves labels of a binary loss towards a half, for any number of outputs */
            float gradient[VALUES], labels[VALUES];
            for (size_t k = 0; k < VALUES; k++)
                labels[k] = (float)(y[k] * (1 - c->smoothing) + c->smoothing / 2);
            o.label_smoothing = 0;
            double loss = convlstm__loss(&o, ROWS, OUTPUTS, x, labels, 1, gradient), outside;
            if (!(fabs(loss - expected[0]) <= 1e-6))
                fail_msg("%s, Keras %d: %.8g, not %.8g", c->name, generation, loss,
                         (double)expected[0]);
            for (size_t k = 0; k < VALUES; k++)
                if (!(fabs((double)gradient[k] - expected[k + 1]) <= 1e-6))
                    fail_msg("%s, Keras %d: gradient %.8g, not %.8g", c->name, generation,
                             (double)gradient[k], (double)expected[k + 1]);
            /* of outputs, as a validation pass has them */
            float outputs[VALUES];
            for (size_t r = 0; r < ROWS; r++)
                convlstm__activate(!logits ? CONVLSTM__LINEAR : convlstm__loss_activation(c->loss),
                                   OUTPUTS, x + r * OUTPUTS, outputs + r * OUTPUTS);
            assert_int_equal(
                convlstm__loss_of_outputs(&o, outputs, labels, ROWS, OUTPUTS, &outside), NBASE_OK);
            assert_true(fabs(outside - loss) <= 1e-5);
        }
    nbase_archive_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(optimizers), cmocka_unit_test(losses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
