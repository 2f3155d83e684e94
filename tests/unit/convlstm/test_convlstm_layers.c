/* Networks of every layer at work: the same bits for threads, parts of a batch, padding, streams
 * and restored runs; stateful layers; whole runs with callbacks; memory. What the layers compute is
 * checked by test_convlstm_grad and test_convlstm_keras, their errors by test_convlstm_errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "layer_networks.h"

#define B 5
#define T 5
#define H 8
#define W 7
#define C 2
#define FRAME (H * W * C)

static const uint8_t masks[B][T] = {
    {1, 1, 1, 1, 1}, {0, 1, 0, 1, 1}, {0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {1, 1, 0, 1, 0}};
static const float labels[B * 2] = {0, 1, 1, 0, 1, 0, 0, 1, 1, 0};

static convlstm_trainer *trainer(convlstm_model *m, int threads, size_t micro_batch,
                                 convlstm_loss loss)
{
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_ADAM);
    o.num_threads = threads;
    o.micro_batch = micro_batch;
    o.loss = loss;
    o.seed = 3;
    convlstm_trainer *t = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm_trainer_create(m, &o, &t, &err)) fail_msg("%s", err.text);
    return t;
}

static void step(convlstm_trainer *t, const convlstm_batch *in, const float *targets)
{
    if (convlstm_trainer_step_batch(t, in, targets, NULL, NULL))
        fail_msg("%s", convlstm_trainer_error(t));
}

/* Three passes over two batches. */
static convlstm_model *trained(const char *json, int threads, size_t micro_batch)
{
    convlstm_model *m = help_model(NULL, json, 7);
    convlstm_trainer *t = trainer(m, threads, micro_batch, CONVLSTM_LOSS_BCE);
    float *img = help_uniform(2 * B * T * FRAME, 2);
    for (int n = 0; n < 6; n++)
        step(t, &(convlstm_batch){img + (n & 1) * B * T * FRAME, masks[0], B, T, H, W, NULL},
             labels);
    convlstm_trainer_free(t);
    free(img);
    return m;
}

/* One sequence by one thread, and each step of it shared by several. */
static void same_outputs(const char *json)
{
    convlstm_model *m = help_model(NULL, json, 7);
    float *img = help_uniform(T * FRAME, 9), *out[3];
    for (int k = 0; k < 3; k++) {
        convlstm_session *s;
        out[k] = calloc(T * FRAME, sizeof **out);
        assert_int_equal(convlstm_session_create(
                             m, &(convlstm_session_options){.num_threads = 1 + 2 * k}, &s, NULL),
                         NBASE_OK);
        assert_int_equal(
            convlstm_run(s, &(convlstm_batch){img, masks[1], 1, T, H, W, NULL}, out[k], NULL, NULL),
            NBASE_OK);
        assert_memory_equal(out[0], out[k], T * FRAME * sizeof **out);
        convlstm_session_free(s);
    }
    for (int k = 0; k < 3; k++) free(out[k]);
    convlstm_model_free(m);
    free(img);
}

static void same_bits(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int threads;
        size_t micro_batch;
    } cases[] = {{everything, 2, 0}, {everything, 8, 0}, {everything, 1, 1}, {everything, 2, 2},
                 {everything, 8, 3}, {strided, 2, 0},    {strided, 8, 2},    {normalised, 2, 0},
                 {normalised, 8, 0}, {in_public, 2, 0},  {in_public, 8, 0},  {in_parts, 1, 2},
                 {in_parts, 2, 1},   {in_parts, 8, 3},   {flattened, 2, 0},  {flattened, 8, 3},
                 {remade, 2, 0},     {remade, 8, 3},     {remade, 1, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        convlstm_model *one = trained(cases[i].json, 1, 0),
                       *other = trained(cases[i].json, cases[i].threads, cases[i].micro_batch);
        if (!help_same_weights(one, other))
            fail_msg("%d threads, parts of %zu: other bits", cases[i].threads,
                     cases[i].micro_batch);
        convlstm_model_free(one);
        convlstm_model_free(other);
    }
    static const char *const nets[] = {everything, frames_out, in_public,
                                       strided,    flattened,  remade};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) same_outputs(nets[i]);
    /* the statistics are the parts' own */
    convlstm_model *whole = trained(normalised, 1, 0), *parts = trained(normalised, 1, 2);
    assert_false(help_same_weights(whole, parts));
    convlstm_model_free(whole);
    convlstm_model_free(parts);
}

/* T = 5 padded to 30 with masked frames that hold NaN. */
static void padding(void **state)
{
    (void)state;
    enum { LONG = 30 };
    static const char *const nets[] = {everything, normalised, frames_out, in_public, strided};
    float *img = help_uniform(B * T * FRAME, 2), *wide = malloc(B * LONG * FRAME * sizeof *wide);
    uint8_t wide_mask[B * LONG] = {0};
    for (size_t i = 0; i < B * LONG * FRAME; i++) wide[i] = NAN;
    for (size_t b = 0; b < B; b++) {
        memcpy(wide_mask + b * LONG, masks[b], T);
        memcpy(wide + b * LONG * FRAME, img + b * T * FRAME, T * FRAME * sizeof *wide);
    }
    const convlstm_batch narrow_in = {img, masks[0], B, T, H, W, NULL},
                         wide_in = {wide, wide_mask, B, LONG, H, W, NULL};
    for (size_t n = 0; n < 4; n++) {
        convlstm_model *m = help_model(NULL, nets[n], 7), *padded = help_model(NULL, nets[n], 7);
        size_t floats = nets[n] == frames_out ? FRAME : 2, frames = nets[n] == frames_out ? T : 1,
               wide_frames = frames == T ? LONG : 1;
        float *targets = help_uniform(B * LONG * floats, 5),
              *narrow_targets = malloc(B * frames * floats * sizeof *targets), *out[2];
        for (size_t b = 0; b < B; b++)
            memcpy(narrow_targets + b * frames * floats, targets + b * wide_frames * floats,
                   frames * floats * sizeof *targets);
        convlstm_trainer *t = trainer(m, 2, 0, CONVLSTM_LOSS_BCE),
                         *u = trainer(padded, 2, 0, CONVLSTM_LOSS_BCE);
        for (int k = 0; k < 3; k++) {
            step(t, &narrow_in, narrow_targets);
            step(u, &wide_in, targets);
        }
        assert_true(help_same_weights(m, padded));
        convlstm_session *s;
        assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
        for (int k = 0; k < 2; k++) {
            out[k] = calloc(B * LONG * floats, sizeof **out);
            assert_int_equal(convlstm_run(s, k ? &wide_in : &narrow_in, out[k], NULL, NULL),
                             NBASE_ERR_NO_VALID_FRAMES);
        }
        for (size_t b = 0; b < B; b++)
            if (b != 2)
                assert_memory_equal(out[0] + b * frames * floats, out[1] + b * wide_frames * floats,
                                    frames * floats * sizeof **out);
        convlstm_session_free(s);
        convlstm_trainer_free(t);
        convlstm_trainer_free(u);
        convlstm_model_free(m);
        convlstm_model_free(padded);
        free(out[0]);
        free(out[1]);
        free(targets);
        free(narrow_targets);
    }
    free(img);
    free(wide);
}

/* A stream that cannot be, and why. */
static void refuse_stream(const char *json, const char *why)
{
    convlstm_model *m = help_model(NULL, json, 7);
    convlstm_session *s;
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    assert_int_equal(convlstm_stream_begin(s, H, W), NBASE_ERR_UNSUPPORTED);
    if (!strstr(convlstm_session_error(s), why)) fail_msg("%s", convlstm_session_error(s));
    convlstm_session_free(s);
    convlstm_model_free(m);
}

static void stream_of(const char *causal_net)
{
    enum { PHOTOS = 30 };
    float *img = help_uniform(PHOTOS * FRAME, 4), whole[2], now[2];
    uint8_t mask[PHOTOS];
    for (size_t i = 0; i < PHOTOS; i++) mask[i] = i % 4 != 1;
    convlstm_model *m = help_model(NULL, causal_net, 7), *ahead = help_model(NULL, everything, 7);
    convlstm_session *s, *blind;
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    assert_int_equal(convlstm_stream_begin(s, H, W), NBASE_OK);
    for (size_t i = 0; i < PHOTOS; i++) {
        assert_int_equal(convlstm_stream_step(s, img + i * FRAME, mask[i], now), NBASE_OK);
        assert_int_equal(convlstm_predict(s, img, mask, 1, i + 1, H, W, whole, NULL), NBASE_OK);
        assert_memory_equal(now, whole, sizeof now);
        if (i != PHOTOS / 2) continue;
        /* taken up again by another session, with others' frames in between */
        nbase_archive *saved;
        assert_int_equal(convlstm_stream_state(s, &saved), NBASE_OK);
        assert_int_equal(convlstm_stream_begin(s, H, W), NBASE_OK);
        assert_int_equal(convlstm_stream_step(s, img, 1, now), NBASE_OK);
        convlstm_session_free(s);
        assert_int_equal(
            convlstm_session_create(m, &(convlstm_session_options){.num_threads = 3}, &s, NULL),
            NBASE_OK);
        if (convlstm_stream_restore(s, saved)) fail_msg("%s", convlstm_session_error(s));
        nbase_archive_free(saved);
    }
    assert_int_equal(convlstm_session_create(ahead, NULL, &blind, NULL), NBASE_OK);
    assert_int_equal(convlstm_stream_begin(blind, H, W), NBASE_ERR_UNSUPPORTED);
    assert_non_null(strstr(convlstm_session_error(blind), "frames to come"));
    convlstm_session_free(s);
    convlstm_session_free(blind);
    convlstm_model_free(m);
    convlstm_model_free(ahead);
    free(img);
}

static void streaming(void **state)
{
    (void)state;
    stream_of(causal);
    stream_of(in_public);
    stream_of(strided);
    refuse_stream(NET({"type" : "max_pool3d"}, LAST),
                  "layer max_pool3d (max_pool3d) makes a sequence of other frames");
    refuse_stream(NET(LAST, {"type" : "flatten"}, {"type" : "repeat_vector", "n" : 2}),
                  "layer repeat_vector (repeat_vector) makes a sequence of other frames");
    convlstm_model *m = help_model(NULL, flattened, 7);
    convlstm_session *s;
    float *img = help_uniform(6 * FRAME, 4), out[2];
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    assert_int_equal(convlstm_stream_begin(s, H, W), NBASE_ERR_UNSUPPORTED);
    assert_non_null(strstr(convlstm_session_error(s), "needs all frames at once"));
    assert_int_equal(convlstm_predict(s, img, NULL, 1, 6, H, W, out, NULL), NBASE_ERR_SHAPE);
    assert_non_null(strstr(convlstm_session_error(s), "sequences of 5 frames expected, got 6"));
    convlstm_session_free(s);
    convlstm_model_free(m);
    free(img);
}

/* A stateful network in two halves gives the whole's bits; in training it goes on as from an
 * initial state. */
static void stateful(void **state)
{
    (void)state;
    enum { HALF = 3 };
    float *img = help_uniform(2 * 2 * HALF * FRAME, 6), *halves[2], whole[4], last[4];
    for (int k = 0; k < 2; k++) {
        halves[k] = malloc(2 * HALF * FRAME * sizeof **halves);
        for (int b = 0; b < 2; b++)
            memcpy(halves[k] + b * HALF * FRAME, img + (b * 2 + k) * HALF * FRAME,
                   HALF * FRAME * sizeof **halves);
    }
    convlstm_model *m = help_model(NULL, kept, 7);
    convlstm_session *s;
    nbase_archive *states[2] = {NULL, NULL};
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    assert_int_equal(convlstm_run(s, &(convlstm_batch){img, NULL, 2, 2 * HALF, H, W, NULL}, whole,
                                  &states[0], NULL),
                     NBASE_OK);
    convlstm_session_reset(s);
    for (int k = 0; k < 2; k++) {
        nbase_archive_free(states[1]);
        assert_int_equal(convlstm_run(s, &(convlstm_batch){halves[k], NULL, 2, HALF, H, W, NULL},
                                      last, &states[1], NULL),
                         NBASE_OK);
    }
    assert_memory_equal(whole, last, sizeof whole);
    assert_int_equal(nbase_archive_count(states[0]), 2); /* of the layer with return_state */
    for (size_t i = 0; i < 2; i++)
        assert_memory_equal(nbase_archive_at(states[0], i)->data,
                            nbase_archive_at(states[1], i)->data,
                            nbase_archive_at(states[0], i)->count * 4);
    assert_int_equal(
        convlstm_run(s, &(convlstm_batch){img, NULL, 1, HALF, H, W, NULL}, last, NULL, NULL),
        NBASE_ERR_SHAPE);
    assert_non_null(strstr(convlstm_session_error(s), "convlstm_session_reset"));
    nbase_archive *odd;
    const size_t shape[4] = {2, H, W, 5};
    assert_int_equal(nbase_archive_create(NULL, &odd), NBASE_OK);
    assert_int_equal(nbase_archive_add(odd, "conv_lstm2d/h", NBASE_F32, 4, shape, NULL, NULL),
                     NBASE_OK);
    assert_int_equal(
        convlstm_run(s, &(convlstm_batch){img, NULL, 2, HALF, H, W, odd}, last, NULL, NULL),
        NBASE_ERR_SHAPE);
    assert_non_null(strstr(convlstm_session_error(s), "conv_lstm2d/h: expected float32 (2,8,7,3)"));

    convlstm_trainer *t = trainer(m, 2, 0, CONVLSTM_LOSS_BCE);
    convlstm_step_result first, second, again;
    assert_int_equal(
        convlstm_trainer_gradients_batch(t, &(convlstm_batch){halves[1], NULL, 2, HALF, H, W, NULL},
                                         labels, NULL, &first),
        NBASE_OK);
    convlstm_trainer_set_learning_rate(t, 0); /* the weights stay */
    step(t, &(convlstm_batch){halves[0], NULL, 2, HALF, H, W, NULL}, labels);
    assert_int_equal(
        convlstm_trainer_gradients_batch(t, &(convlstm_batch){halves[1], NULL, 2, HALF, H, W, NULL},
                                         labels, NULL, &second),
        NBASE_OK);
    assert_true(fabs(second.loss - first.loss) > 1e-6);
    double expected;
    assert_int_equal(convlstm_loss_of_outputs(CONVLSTM_LOSS_BCE, whole, labels, 2, 2, &expected),
                     NBASE_OK);
    assert_true(fabs(second.loss - expected) < 1e-5);
    char path[] = "/tmp/test_convlstm_XXXXXX"; /* what is kept is in a checkpoint too */
    close(mkstemp(path));
    convlstm_trainer *u = trainer(m, 1, 0, CONVLSTM_LOSS_BCE);
    nbase_error err = {NBASE_OK, ""};
    assert_int_equal(convlstm_trainer_save(t, path, NULL, &err), NBASE_OK);
    if (convlstm_trainer_restore(u, path, NULL, &err)) fail_msg("%s", err.text);
    assert_int_equal(
        convlstm_trainer_gradients_batch(u, &(convlstm_batch){halves[1], NULL, 2, HALF, H, W, NULL},
                                         labels, NULL, &again),
        NBASE_OK);
    assert_true(again.loss == second.loss);
    convlstm_trainer_reset(t);
    assert_int_equal(
        convlstm_trainer_gradients_batch(t, &(convlstm_batch){halves[1], NULL, 2, HALF, H, W, NULL},
                                         labels, NULL, &again),
        NBASE_OK);
    assert_true(fabs(again.loss - first.loss) < 1e-6);
    remove(path);
    convlstm_trainer_free(t);
    convlstm_trainer_free(u);
    convlstm_session_free(s);
    nbase_archive_free(states[0]);
    nbase_archive_free(states[1]);
    nbase_archive_free(odd);
    convlstm_model_free(m);
    free(halves[0]);
    free(halves[1]);
    free(img);
}

/* A run with dropout that is restored at any step ends with the same bits. */
static void resume(void **state)
{
    (void)state;
    char path[] = "/tmp/test_convlstm_XXXXXX";
    close(mkstemp(path));
    float *img = help_uniform(B * T * FRAME, 2);
    const convlstm_batch in = {img, masks[0], B, T, H, W, NULL};
    for (int cut = 1; cut < 4; cut++) {
        convlstm_model *m = help_model(NULL, everything, 7),
                       *again = help_model(NULL, everything, 7);
        convlstm_trainer *t = trainer(m, 2, 0, CONVLSTM_LOSS_BCE),
                         *u = trainer(again, 1, 2, CONVLSTM_LOSS_BCE);
        nbase_error err = {NBASE_OK, ""};
        for (int n = 0; n < 4; n++) {
            if (n == cut) assert_int_equal(convlstm_trainer_save(t, path, NULL, &err), NBASE_OK);
            step(t, &in, labels);
        }
        if (convlstm_trainer_restore(u, path, NULL, &err)) fail_msg("%s", err.text);
        for (int n = cut; n < 4; n++) step(u, &in, labels);
        assert_true(help_same_weights(m, again));
        convlstm_trainer_free(t);
        convlstm_trainer_free(u);
        convlstm_model_free(m);
        convlstm_model_free(again);
    }
    remove(path);
    free(img);
}

/* Every allocation of a step, an evaluation and a run fails once; later ones need none. */
static void memory(void **state)
{
    (void)state;
    static const char *const nets[] = {everything, normalised, kept,  in_public,
                                       strided,    flattened,  remade};
    float *img = help_uniform(B * T * FRAME, 2), out[B * 2];
    for (size_t k = 0; k < 5; k++) {
        help_memory memory;
        nbase_env env = help_env(&memory);
        convlstm_model *m = help_model(&env, nets[k], 7);
        convlstm_trainer *t = trainer(m, 2, 2, CONVLSTM_LOSS_BCE);
        convlstm_session *s;
        assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
        const convlstm_batch in = {img, masks[0], B, T, H, W, NULL};
        for (int what = 0; what < 3; what++) {
            nbase_status status = NBASE_ERR_NOMEM;
            for (size_t n = 1; status == NBASE_ERR_NOMEM && n < 1000; n++) {
                memory.fail_at = memory.calls + n;
                status = what == 0   ? convlstm_trainer_step_batch(t, &in, labels, NULL, NULL)
                         : what == 1 ? convlstm_trainer_evaluate(t, &in, labels, NULL, NULL)
                                     : convlstm_run(s, &in, out, NULL, NULL);
            }
            memory.fail_at = 0;
            assert_int_equal(status, what == 2 ? NBASE_ERR_NO_VALID_FRAMES : NBASE_OK);
            size_t calls = memory.calls;
            for (int n = 0; n < 3; n++) {
                if (what == 0)
                    step(t, &in, labels);
                else if (what == 1)
                    assert_int_equal(convlstm_trainer_evaluate(t, &in, labels, NULL, NULL),
                                     NBASE_OK);
                else
                    convlstm_run(s, &in, out, NULL, NULL);
            }
            /* an evaluation begins a stateful network anew */
            if (what != 1 || nets[k] != kept) assert_int_equal(memory.calls, calls);
        }
        convlstm_session_free(s);
        convlstm_trainer_free(t);
        convlstm_model_free(m);
        assert_int_equal(memory.live, 0);
    }
    free(img);
}

/* ---- whole runs ---- */

typedef struct job {
    float *img;
    size_t steps, epochs, cancel_at;
    double first, last;
} job;

static int next(void *ctx, int validation, size_t epoch, size_t index, convlstm_fit_batch *out)
{
    (void)epoch;
    const job *j = ctx;
    if (index == 2 || (validation && index == 1)) return 0;
    *out = (convlstm_fit_batch){{j->img + index * 2 * T * FRAME, NULL, 2, T, H, W, NULL}, labels};
    return 1;
}

static int on_step(void *ctx, const convlstm_progress *p)
{
    job *j = ctx;
    assert_true(p->step >= 1 && p->step <= 2 && isfinite(p->step_loss));
    return ++j->steps == j->cancel_at;
}

static int on_epoch(void *ctx, const convlstm_progress *p)
{
    job *j = ctx;
    if (!j->epochs++) j->first = p->loss;
    j->last = p->loss;
    assert_true(isfinite(p->validation_loss));
    return 0;
}

static void whole_runs(void **state)
{
    (void)state;
    job j = {.img = help_uniform(4 * T * FRAME, 2)};
    convlstm_model *m = help_model(NULL, normalised, 7);
    convlstm_trainer *t = trainer(m, 2, 0, CONVLSTM_LOSS_BCE);
    convlstm_fit_options o = {.epochs = 12,
                              .next = next,
                              .on_step = on_step,
                              .on_epoch = on_epoch,
                              .ctx = &j,
                              .validate = 1,
                              .schedule = {.rate = 0.01, .warmup = 3}};
    convlstm_fit_result r;
    if (convlstm_fit(t, &o, &r)) fail_msg("%s", convlstm_trainer_error(t));
    assert_true(r.epochs == 12 && j.epochs == 12 && j.steps == 24 && !r.cancelled &&
                j.last < j.first);
    o.early_stop = 2;
    o.min_delta = 100; /* nothing is better by that */
    assert_int_equal(convlstm_fit(t, &o, &r), NBASE_OK);
    assert_true(r.stopped_early && r.epochs == 3 && r.best_epoch == 1);
    j.steps = 0;
    j.cancel_at = 3;
    assert_int_equal(convlstm_fit(t, &o, &r), NBASE_ERR_CANCELLED);
    assert_true(r.cancelled && j.steps == 3 && r.epochs == 1);
    convlstm_trainer_free(t);
    convlstm_model_free(m);
    free(j.img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits), cmocka_unit_test(padding),
                                       cmocka_unit_test(streaming), cmocka_unit_test(stateful),
                                       cmocka_unit_test(resume),    cmocka_unit_test(memory),
                                       cmocka_unit_test(whole_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
