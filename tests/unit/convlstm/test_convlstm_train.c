/* Training: optimisers and moving statistics against the reference, the same bits for any thread
 * count and padding, checkpoints, memory, errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "convlstm_ref.h"
#include "grad_check.h"
#include "trainer/trainer.h"

#define B 5
#define T 4
#define H 6
#define W 7
#define FRAME (H * W * 3)

static const uint8_t masks[B][T] = {
    {1, 1, 1, 1}, {0, 1, 0, 1}, {0, 0, 0, 0}, {1, 0, 0, 0}, {1, 1, 0, 1}};
static const float labels[B * 2] = {0, 1, 1, 0, 1, 0, 0, 1, 1, 0};

static convlstm_trainer *trainer(convlstm_model *m, convlstm_optimizer optimizer, int threads,
                                 void (*change)(convlstm_trainer_options *))
{
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, optimizer);
    options.num_threads = threads;
    if (change) change(&options);
    convlstm_trainer *t = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm_trainer_create(m, &options, &t, &err)) fail_msg("%s", err.text);
    return t;
}

static void step(convlstm_trainer *t, const float *img)
{
    if (convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W, NULL, NULL))
        fail_msg("%s", convlstm_trainer_error(t));
}

/* ---- formulas ----
 *
 * One weight followed by hand in double precision, from the gradients that the trainer reports. */

static void plain(convlstm_trainer_options *o) { o->learning_rate = 0.05; }
static void momentum(convlstm_trainer_options *o) { o->momentum = 0.9; }
static void nesterov(convlstm_trainer_options *o) { o->momentum = 0.8, o->nesterov = 1; }
static void clipped(convlstm_trainer_options *o) { o->clip_norm = 0.01; }

static void centered(convlstm_trainer_options *o) { o->momentum = 0.9, o->centered = 1; }

/* "dense" is not dense_1, and of several entries the last one counts. */
static void by_layer(convlstm_trainer_options *o)
{
    static const convlstm_rate rates[] = {
        {"dense/kernel", 7}, {"dense", 3}, {"dense/kernel", 0.25}, {"conv_lstm2d/kernel", 0}};
    o->rates = rates;
    o->rate_count = sizeof rates / sizeof *rates;
}

static const struct {
    const char *name;
    double factor; /* under by_layer */
} followed[] = {{"conv_lstm2d/kernel", 0},
                {"conv_lstm2d_1/recurrent_kernel", 1},
                {"batch_normalization/gamma", 1},
                {"dense/kernel", 0.25},
                {"dense/bias", 3},
                {"dense_1/kernel", 1}};
#define FOLLOWED (sizeof followed / sizeof *followed)

typedef struct slots {
    double w, m, v;
} slots;

static void follow(slots *s, const convlstm_trainer_options *o, double factor, double g,
                   double norm, double t)
{
    double rate = o->learning_rate * factor;
    if (o->clip_norm > 0 && norm > o->clip_norm) g *= o->clip_norm / norm;
    if (o->optimizer == CONVLSTM_SGD) {
        s->v = o->momentum * s->v - rate * g;
        s->w += o->nesterov ? o->momentum * s->v - rate * g : s->v;
        return;
    }
    if (o->optimizer == CONVLSTM_ADAMW) s->w -= s->w * o->weight_decay * rate;
    s->m += (g - s->m) * (1 - o->beta1);
    s->v += (g * g - s->v) * (1 - o->beta2);
    s->w -= rate * sqrt(1 - pow(o->beta2, t)) / (1 - pow(o->beta1, t)) * s->m /
            (sqrt(s->v) + o->epsilon);
}

static void optimizers(void **state)
{
    (void)state;
    static const struct {
        convlstm_optimizer optimizer;
        void (*change)(convlstm_trainer_options *);
    } cases[] = {{CONVLSTM_SGD, plain},     {CONVLSTM_SGD, momentum}, {CONVLSTM_SGD, nesterov},
                 {CONVLSTM_SGD, clipped},   {CONVLSTM_ADAM, NULL},    {CONVLSTM_ADAM, clipped},
                 {CONVLSTM_ADAMW, NULL},    {CONVLSTM_SGD, by_layer}, {CONVLSTM_ADAM, by_layer},
                 {CONVLSTM_ADAMW, by_layer}};
    float *img = help_uniform(B * T * FRAME, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        convlstm_model *m = help_small(NULL, "skincredible", H, W);
        convlstm_trainer *t = trainer(m, cases[i].optimizer, 2, cases[i].change);
        const convlstm_trainer_options *o = &t->optimizer.options;
        slots s[FOLLOWED] = {{0, 0, 0}};
        for (size_t k = 0; k < FOLLOWED; k++)
            s[k].w = ((const float *)convlstm_model_find(m, followed[k].name)->data)[2];
        for (int n = 1; n <= 10; n++) {
            convlstm_step_result r;
            assert_int_equal(convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W, NULL, &r),
                             NBASE_OK);
            double sum = 0;
            for (size_t k = 0; k < convlstm_model_tensor_count(m); k++) {
                const nbase_array *a = convlstm_model_tensor(m, k);
                const float *g = convlstm_trainer_gradient(t, a->name);
                for (size_t e = 0; g && e < a->count; e++) sum += (double)g[e] * g[e];
            }
            assert_true(fabs(r.grad_norm - sqrt(sum)) < 1e-9 * r.grad_norm);
            for (size_t k = 0; k < FOLLOWED; k++) {
                const char *name = followed[k].name;
                double factor = cases[i].change == by_layer ? followed[k].factor : 1;
                double g = convlstm_trainer_gradient(t, name)[2];
                follow(&s[k], o, factor, g, r.grad_norm, n);
                float w = ((const float *)convlstm_model_find(m, name)->data)[2];
                if (fabs(w - s[k].w) > (factor > 0 ? 2e-6 : 0))
                    fail_msg("case %zu step %d %s: %.9g, expected %.9g", i, n, name, w, s[k].w);
            }
        }
        assert_int_equal(convlstm_trainer_steps(t), 10);
        assert_null(convlstm_trainer_gradient(t, "batch_normalization/moving_mean"));
        convlstm_trainer_free(t);
        convlstm_model_free(m);
    }
    free(img);
}

static void moving_statistics(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 2);
    for (int compat = 0; compat < 2; compat++) {
        const char *changes[] = {"\"masked\"", compat ? "\"compat_tf22\"" : "\"masked\"", NULL};
        char *json = help_preset("skincredible", H, W, changes);
        convlstm_model *m = help_model(NULL, json, 7);
        ref_net *r = ref_create(m);
        ref_batch batch = {img, masks[0], labels, B, T, H, W, NULL, NULL};
        ref_loss loss = {CONVLSTM_LOSS_BCE, {1, 1}, 0};
        ref_train_loss(r, &batch, &loss, NULL, true);
        convlstm_trainer *t = trainer(m, CONVLSTM_SGD, 2, NULL);
        assert_int_equal(
            convlstm_trainer_gradients(t, img, masks[0], labels, B, T, H, W, NULL, NULL), NBASE_OK);
        convlstm_model *unchanged = help_model(NULL, json, 7);
        assert_true(help_same_weights(m, unchanged)); /* gradients alone change nothing */
        step(t, img);
        static const char *const names[] = {
            "batch_normalization/moving_mean", "batch_normalization/moving_variance",
            "batch_normalization_1/moving_mean", "batch_normalization_1/moving_variance"};
        for (int k = 0; k < 4; k++) {
            size_t count;
            const double *expected = ref_weights(r, names[k], &count);
            const float *got = convlstm_model_find(m, names[k])->data;
            for (size_t i = 0; i < count; i++)
                assert_true(fabs(got[i] - expected[i]) < 1e-6 * fabs(expected[i]));
        }
        convlstm_trainer_free(t);
        convlstm_model_free(m);
        convlstm_model_free(unchanged);
        ref_free(r);
        free(json);
    }
    free(img);
}

/* ---- the same bits ---- */

static convlstm_model *trained(convlstm_optimizer optimizer,
                               void (*change)(convlstm_trainer_options *), int threads, int steps,
                               const float *img)
{
    convlstm_model *m = help_small(NULL, "skincredible", H, W);
    convlstm_trainer *t = trainer(m, optimizer, threads, change);
    for (int n = 0; n < steps; n++) step(t, img);
    convlstm_trainer_free(t);
    return m;
}

static void threads(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 2);
    for (int optimizer = 0; optimizer < 3; optimizer++) {
        convlstm_model *one = trained((convlstm_optimizer)optimizer, by_layer, 1, 6, img);
        static const int counts[] = {2, 3, 8};
        for (int i = 0; i < 3; i++) {
            convlstm_model *more =
                trained((convlstm_optimizer)optimizer, by_layer, counts[i], 6, img);
            assert_true(help_same_weights(one, more));
            convlstm_model_free(more);
        }
        convlstm_model *other = trained((convlstm_optimizer)optimizer, by_layer, 1, 5, img);
        assert_false(help_same_weights(one, other));
        convlstm_model_free(other);
        convlstm_model_free(one);
    }
    free(img);
}

/* Frames spread out and padded with masked ones, and samples without any, change nothing in mode
 * masked. */
static void padding(void **state)
{
    (void)state;
    enum { LONG = 30 };
    float *img = help_uniform(B * T * FRAME, 2),
          *wide = malloc((B + 1) * LONG * FRAME * sizeof *wide), wide_labels[(B + 1) * 2] = {1, 0};
    uint8_t wide_mask[(B + 1) * LONG] = {0};
    for (size_t i = 0; i < (B + 1) * LONG * FRAME; i++) wide[i] = NAN;
    for (size_t b = 0; b < B; b++)
        for (size_t t = 0; t < T; t++) {
            size_t at = (b + 1) * LONG + 7 * t + b;
            wide_mask[at] = masks[b][t];
            memcpy(wide + at * FRAME, img + (b * T + t) * FRAME, FRAME * sizeof *wide);
        }
    memcpy(wide_labels + 2, labels, sizeof labels);
    convlstm_model *m = trained(CONVLSTM_ADAM, NULL, 2, 4, img),
                   *padded = help_small(NULL, "skincredible", H, W);
    convlstm_trainer *t = trainer(padded, CONVLSTM_ADAM, 2, NULL);
    convlstm_step_result r;
    for (int n = 0; n < 4; n++)
        assert_int_equal(
            convlstm_trainer_step(t, wide, wide_mask, wide_labels, B + 1, LONG, H, W, NULL, &r),
            NBASE_OK);
    assert_int_equal(r.used, 4);
    assert_true(help_same_weights(m, padded));
    convlstm_trainer_free(t);
    convlstm_model_free(m);
    convlstm_model_free(padded);
    free(img);
    free(wide);
}

/* Frames beyond -1..1 have transforms of their own, in training as at inference; behind a layer
 * that changes the number of frames all have them, if one does. */
static void unscaled(void **state)
{
    (void)state;
    static const char *const networks[] = {
        "conv_lstm2d filters=4 kernel_size=3 padding=same recurrent_activation=sigmoid "
        "return_sequences=true; conv_lstm2d filters=3 kernel_size=5 padding=same "
        "recurrent_activation=sigmoid; flatten; dense units=2 activation=sigmoid",
        "max_pool3d pool_size=[2,1,1]; conv_lstm2d filters=4 kernel_size=3 padding=same "
        "recurrent_activation=sigmoid; flatten; dense units=2 activation=sigmoid",
        "conv2d filters=16 kernel_size=1; conv2d filters=32 kernel_size=3 padding=same; mask; "
        "global_average_pool; dense units=2 activation=sigmoid"};
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
        char *json = grad_network("\"height\":6,\"width\":7,\"channels\":3", networks[n]);
        convlstm_model *m = help_model(NULL, json, 3);
        convlstm_trainer *t = trainer(m, CONVLSTM_SGD, 2, NULL);
        convlstm_session *s = NULL;
        float *img = help_uniform(B * T * FRAME, 4), trained[B * 2], expected[B * 2];
        for (size_t i = 0; i < B * T * FRAME; i++)
            if (i / FRAME % 3 == 1) img[i] *= 5;
        assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
        convlstm_predict(s, img, masks[0], B, T, H, W, expected, NULL); /* item 2 has no frame */
        if (convlstm_trainer_gradients(t, img, masks[0], labels, B, T, H, W, trained, NULL))
            fail_msg("%s", convlstm_trainer_error(t));
        for (size_t b = 0; b < B; b++)
            if (b != 2) assert_memory_equal(trained + 2 * b, expected + 2 * b, 2 * sizeof(float));
        convlstm_session_free(s);
        convlstm_trainer_free(t);
        convlstm_model_free(m);
        free(json);
        free(img);
    }
}

/* ---- both backends ----
 *
 * The preset's own numbers of filters, sizes that fill tiles and vectors and sizes that do not. */

static void backends(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{80, 80}, {13, 17}, {4, 64}, {33, 5}, {1, 1}, {2, 90}};
    char *json;
    assert_int_equal(convlstm_preset_json("skincredible-gap", 0, 0, &json, NULL), NBASE_OK);
    convlstm_model *m = help_model(NULL, json, 7);
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    options.num_threads = 2;
    convlstm_trainer *t[2];
    assert_int_equal(
        convlstm__trainer_create(
            m, &options,
            (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_GENERAL, .isa = NBASE_ISA_REF},
            &t[0], NULL),
        NBASE_OK);
    assert_int_equal(
        convlstm__trainer_create(m, &options, convlstm__backend_default(), &t[1], NULL), NBASE_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t h = sizes[i][0], w = sizes[i][1];
        float *img = help_uniform(B * T * h * w * 3, i);
        convlstm_step_result r[2];
        for (int k = 0; k < 2; k++)
            assert_int_equal(
                convlstm_trainer_gradients(t[k], img, masks[0], labels, B, T, h, w, NULL, &r[k]),
                NBASE_OK);
        double worst = 0;
        for (size_t k = 0; k < convlstm_model_tensor_count(m); k++) {
            const nbase_array *a = convlstm_model_tensor(m, k);
            const float *x = convlstm_trainer_gradient(t[0], a->name),
                        *y = convlstm_trainer_gradient(t[1], a->name);
            for (size_t e = 0; x && e < a->count; e++) worst = fmax(worst, fabs(x[e] - y[e]));
        }
        printf("%zux%zu: losses %.1e, gradients %.1e of their norm apart\n", h, w,
               fabs(r[0].loss - r[1].loss), worst / r[0].grad_norm);
        assert_true(fabs(r[0].loss - r[1].loss) < 1e-6);
        assert_true(worst < 1e-5 * r[0].grad_norm);
        free(img);
    }
    convlstm_trainer_free(t[0]);
    convlstm_trainer_free(t[1]);
    convlstm_model_free(m);
    convlstm_text_free(json);
}

/* ---- checkpoints ---- */

static void resume(void **state)
{
    (void)state;
    char path[] = "/tmp/test_convlstm_XXXXXX";
    close(mkstemp(path));
    float *img = help_uniform(B * T * FRAME, 2);
    static const struct {
        convlstm_optimizer optimizer;
        void (*change)(convlstm_trainer_options *);
    } cases[] = {{CONVLSTM_SGD, NULL},          {CONVLSTM_SGD, momentum},
                 {CONVLSTM_ADAM, NULL},         {CONVLSTM_ADAMW, NULL},
                 {CONVLSTM_ADAMW, by_layer},    {CONVLSTM_RMSPROP, NULL},
                 {CONVLSTM_RMSPROP, centered},  {CONVLSTM_ADAGRAD, NULL},
                 {CONVLSTM_ADADELTA, by_layer}, {CONVLSTM_NADAM, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        convlstm_model *m = help_small(NULL, "skincredible", H, W),
                       *again = help_small(NULL, "skincredible", H, W);
        convlstm_trainer *t = trainer(m, cases[i].optimizer, 2, cases[i].change);
        nbase_error err = {NBASE_OK, ""};
        for (int n = 0; n < 3; n++) step(t, img);
        convlstm_trainer_set_learning_rate(t, 0.1 / 3);
        assert_int_equal(convlstm_trainer_save(t, path, "{\"epoch\":3}", &err), NBASE_OK);
        for (int n = 0; n < 3; n++) step(t, img);

        convlstm_trainer *u = trainer(again, cases[i].optimizer, 1, cases[i].change);
        char *extra = NULL;
        if (convlstm_trainer_restore(u, path, &extra, &err)) fail_msg("%s", err.text);
        assert_string_equal(extra, "{\"epoch\":3}");
        convlstm_text_free(extra);
        assert_int_equal(convlstm_trainer_steps(u), 3);
        assert_true(convlstm_trainer_learning_rate(u) == 0.1 / 3);
        for (int n = 0; n < 3; n++) step(u, img);
        assert_true(help_same_weights(m, again));

        convlstm_model *loaded; /* a checkpoint is a model file too */
        assert_int_equal(convlstm_model_load(NULL, path, &loaded, &err), NBASE_OK);
        convlstm_model_free(loaded);
        convlstm_trainer_free(t);
        convlstm_trainer_free(u);
        convlstm_model_free(m);
        convlstm_model_free(again);
    }
    free(img);
    remove(path);
}

static void wrong_checkpoints(void **state)
{
    (void)state;
    char path[] = "/tmp/test_convlstm_XXXXXX";
    close(mkstemp(path));
    float *img = help_uniform(B * T * FRAME, 2);
    convlstm_model *m = help_small(NULL, "skincredible", H, W),
                   *wide = help_small(NULL, "skincredible", H, W + 1), *kept;
    convlstm_trainer *t = trainer(m, CONVLSTM_SGD, 1, NULL),
                     *adam = trainer(m, CONVLSTM_ADAM, 1, NULL),
                     *other = trainer(wide, CONVLSTM_SGD, 1, NULL),
                     *with_velocity = trainer(m, CONVLSTM_SGD, 1, momentum),
                     *paced = trainer(m, CONVLSTM_SGD, 1, by_layer);
    nbase_error err = {NBASE_OK, ""};
    assert_int_equal(convlstm_trainer_save(t, path, NULL, &err), NBASE_OK);
    step(t, img);
    assert_int_equal(convlstm_model_clone(m, &kept), NBASE_OK);
    assert_int_equal(convlstm_trainer_restore(adam, path, NULL, &err), NBASE_ERR_FORMAT);
    assert_non_null(strstr(err.text, "sgd"));
    assert_int_equal(convlstm_trainer_restore(with_velocity, path, NULL, &err), NBASE_ERR_FORMAT);
    assert_int_equal(convlstm_trainer_restore(other, path, NULL, &err), NBASE_ERR_SHAPE);
    assert_int_equal(convlstm_trainer_restore(paced, path, NULL, &err), NBASE_ERR_FORMAT);
    assert_non_null(strstr(err.text, "conv_lstm2d/kernel was saved with 1 times"));
    assert_int_equal(convlstm_trainer_save(paced, path, NULL, &err), NBASE_OK);
    assert_int_equal(convlstm_trainer_restore(t, path, NULL, &err), NBASE_ERR_FORMAT);
    assert_non_null(strstr(err.text, "conv_lstm2d/kernel was saved with 0 times"));
    convlstm_trainer_free(paced);
    assert_int_equal(convlstm_model_save(m, path, &err), NBASE_OK);
    assert_int_equal(convlstm_trainer_restore(t, path, NULL, &err), NBASE_ERR_FORMAT);
    assert_non_null(strstr(err.text, "not a checkpoint"));
    assert_int_equal(convlstm_trainer_restore(t, "/nonexistent/c", NULL, &err), NBASE_ERR_IO);
    assert_int_equal(convlstm_trainer_save(t, "/nonexistent/c", NULL, &err), NBASE_ERR_IO);
    assert_true(help_same_weights(m, kept));
    assert_int_equal(convlstm_trainer_steps(t), 1);
    convlstm_trainer_free(t);
    convlstm_trainer_free(adam);
    convlstm_trainer_free(other);
    convlstm_trainer_free(with_velocity);
    convlstm_model_free(m);
    convlstm_model_free(wide);
    convlstm_model_free(kept);
    free(img);
    remove(path);
}

/* ---- memory and errors ---- */

static void memory(void **state)
{
    (void)state;
    help_memory memory;
    nbase_env env = help_env(&memory);
    float *img = help_uniform(B * T * FRAME, 2);
    convlstm_model *m = help_small(&env, "skincredible", H, W),
                   *expected = trained(CONVLSTM_ADAM, NULL, 1, 2, img);
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_ADAM);
    options.num_threads = 2;
    convlstm_trainer *t = NULL;
    for (size_t n = 1; !t; n++) {
        size_t live = memory.live;
        memory.fail_at = memory.calls + n;
        nbase_status status = convlstm_trainer_create(m, &options, &t, NULL);
        assert_int_equal(status, t ? NBASE_OK : NBASE_ERR_NOMEM);
        if (!t) assert_int_equal(memory.live, live);
        assert_true(n < 1000);
    }
    /* Each allocation of the first step fails once. A failed step changes nothing, so that two good
     * ones give what two undisturbed ones do. */
    nbase_status status = NBASE_ERR_NOMEM;
    size_t n = 0;
    while (status) {
        memory.fail_at = memory.calls + ++n;
        status = convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W, NULL, NULL);
        assert_true(n < 1000 && (status == NBASE_OK || status == NBASE_ERR_NOMEM));
    }
    memory.fail_at = 0;
    size_t calls = memory.calls;
    step(t, img);
    assert_true(help_same_weights(m, expected));
    for (int k = 0; k < 3; k++) step(t, img);
    /* a smaller batch */
    assert_int_equal(convlstm_trainer_step(t, img, masks[3], labels, 2, T, H, W, NULL, NULL),
                     NBASE_OK);
    assert_int_equal(memory.calls, calls);
    convlstm_trainer_free(t);
    convlstm_model_free(m);
    convlstm_model_free(expected);
    assert_int_equal(memory.live, 0);
    free(img);
}

static void wrong_loss(convlstm_trainer_options *o) { o->loss = CONVLSTM_LOSS_SOFTMAX; }

static void errors(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 2), bad[B * 2];
    convlstm_model *m = help_small(NULL, "skincredible", H, W), *kept;
    convlstm_trainer *t = trainer(m, CONVLSTM_SGD, 2, NULL);
    assert_int_equal(convlstm_model_clone(m, &kept), NBASE_OK);
    uint8_t none[B * T] = {0};
    assert_int_equal(convlstm_trainer_step(t, img, none, labels, B, T, H, W, NULL, NULL),
                     NBASE_ERR_NO_VALID_FRAMES);
    assert_int_equal(convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W + 1, NULL, NULL),
                     NBASE_ERR_SHAPE);
    assert_int_equal(convlstm_trainer_step(t, img, masks[0], NULL, B, T, H, W, NULL, NULL),
                     NBASE_ERR_ARG);
    memcpy(bad, labels, sizeof bad);
    bad[3] = NAN;
    assert_int_equal(convlstm_trainer_step(t, img, masks[0], bad, B, T, H, W, NULL, NULL),
                     NBASE_ERR_ARG);
    img[1] = NAN;
    assert_int_equal(convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W, NULL, NULL),
                     NBASE_ERR_NUMERIC);
    assert_true(strlen(convlstm_trainer_error(t)) > 10);
    assert_true(help_same_weights(m, kept));
    assert_int_equal(convlstm_trainer_steps(t), 0);
    img[1] = 0.5f;
    step(t, img);
    assert_false(help_same_weights(m, kept));
    convlstm_trainer_free(t);

    /* The loss decides the output activation. */
    assert_non_null(strstr(convlstm_model_json(m), "\"activation\":\"sigmoid\""));
    t = trainer(m, CONVLSTM_SGD, 2, wrong_loss);
    assert_non_null(strstr(convlstm_model_json(m), "\"activation\":\"softmax\""));
    float probs[B * 2];
    assert_int_equal(convlstm_trainer_step(t, img, masks[0], labels, B, T, H, W, probs, NULL),
                     NBASE_OK);
    assert_float_equal(probs[0] + probs[1], 1, 1e-6);
    assert_true(probs[4] == 0 && probs[5] == 0); /* the sample without a valid frame */
    convlstm_trainer_free(t);

    convlstm_trainer_options options;
    nbase_error err;
    convlstm_trainer_defaults(&options, CONVLSTM_ADAM);
    options.beta2 = 1;
    assert_int_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_ERR_ARG);
    assert_non_null(strstr(err.text, "beta2"));
    static const convlstm_rate bad_rates[] = {
        {"dense_2", 1}, {"dens", 1},   {"batch_normalization/moving_mean", 1},
        {"dense", NAN}, {"dense", -1}, {"dense", INFINITY},
        {NULL, 1}};
    convlstm_trainer_defaults(&options, CONVLSTM_ADAM);
    options.rate_count = 1;
    assert_int_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_ERR_ARG); /* no rates */
    for (size_t i = 0; i < sizeof bad_rates / sizeof *bad_rates; i++) {
        options.rates = &bad_rates[i];
        assert_int_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_ERR_ARG);
        assert_non_null(strstr(err.text, bad_rates[i].name ? bad_rates[i].name : "null"));
    }
    convlstm_model_free(m);
    convlstm_model_free(kept);
    free(img);
}

/* States that a caller gave are those of one batch: the next one, which may be larger, begins at
 * zero again. */
static void given_states(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * FRAME, 2), *values = help_uniform(2 * H * W * 3, 4);
    convlstm_model *m = help_small(NULL, "skincredible", H, W);
    const size_t shape[4] = {2, H, W, 3};
    nbase_archive *states;
    assert_int_equal(nbase_archive_create(NULL, &states), NBASE_OK);
    assert_int_equal(nbase_archive_add(states, "conv_lstm2d/h", NBASE_F32, 4, shape, values, NULL),
                     NBASE_OK);
    assert_int_equal(nbase_archive_add(states, "conv_lstm2d/c", NBASE_F32, 4, shape, values, NULL),
                     NBASE_OK);
    convlstm_trainer *t = trainer(m, CONVLSTM_SGD, 2, NULL);
    const convlstm_batch plain = {img, masks[0], B, T, H, W, NULL},
                         begun = {img, masks[0], 2, T, H, W, states};
    convlstm_step_result before, given, after;
    assert_int_equal(convlstm_trainer_gradients_batch(t, &plain, labels, NULL, &before), NBASE_OK);
    assert_int_equal(convlstm_trainer_gradients_batch(t, &begun, labels, NULL, &given), NBASE_OK);
    assert_int_equal(convlstm_trainer_gradients_batch(t, &plain, labels, NULL, &after), NBASE_OK);
    assert_true(given.loss != before.loss);
    assert_memory_equal(&before.loss, &after.loss, sizeof after.loss);
    assert_memory_equal(&before.grad_norm, &after.grad_norm, sizeof after.grad_norm);
    convlstm_trainer_free(t);
    convlstm_model_free(m);
    nbase_archive_free(states);
    free(values);
    free(img);
}

static void loss_values(void **state)
{
    (void)state;
    static const float probs[4] = {0.25f, 0.75f, 1, 0}, y[4] = {0, 1, 1, 0};
    double value;
    assert_int_equal(convlstm_loss_value(CONVLSTM_LOSS_BCE, probs, y, 2, &value), NBASE_OK);
    assert_float_equal(value, -log(0.75) / 2, 1e-6);
    assert_int_equal(convlstm_loss_value(CONVLSTM_LOSS_SOFTMAX, probs, y, 2, &value), NBASE_OK);
    assert_float_equal(value, -log(0.75) / 2, 1e-6);
    static const float best[2] = {0, 1}, label[2] = {0, 1};
    assert_int_equal(convlstm_loss_value(CONVLSTM_LOSS_COMPAT_TF22, best, label, 1, &value),
                     NBASE_OK);
    assert_float_equal(value, 0.5032, 1e-4); /* its floor */
    assert_int_equal(convlstm_loss_value(CONVLSTM_LOSS_BCE, NULL, y, 2, &value), NBASE_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers),   cmocka_unit_test(moving_statistics),
        cmocka_unit_test(threads),      cmocka_unit_test(padding),
        cmocka_unit_test(unscaled),     cmocka_unit_test(backends),
        cmocka_unit_test(resume),       cmocka_unit_test(wrong_checkpoints),
        cmocka_unit_test(memory),       cmocka_unit_test(errors),
        cmocka_unit_test(given_states), cmocka_unit_test(loss_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
