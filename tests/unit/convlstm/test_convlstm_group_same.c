/* What the ranks of a group must have in common, and networks of several outputs in a group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "grad_check.h"
#include "group_threads.h"

#define B 7
#define T 4
#define H 6
#define W 5
#define C 2
#define FRAME (H * W * C)
#define RANKS 3
#define STEPS 3

#define LSTM " conv_lstm2d padding=same recurrent_activation=sigmoid kernel_size=3"

static const uint8_t masks[B][T] = {{1, 1, 1, 1}, {0, 1, 0, 1}, {0, 0, 0, 0}, {1, 0, 0, 1},
                                    {1, 1, 0, 1}, {0, 0, 0, 0}, {0, 0, 1, 1}};

static convlstm_model *model(void)
{
    char *layers = grad_network("\"height\":6,\"width\":5,\"channels\":2",
                                LSTM " filters=2 name=a return_sequences=true;" LSTM
                                     " filters=2; flatten; dense units=2 activation=sigmoid "
                                     "name=d"),
         json[2000];
    snprintf(json, sizeof json, "%.*s,\"outputs\":[\"d\",\"a\"]}", (int)strlen(layers) - 1, layers);
    free(layers);
    return help_model(NULL, json, 7);
}

typedef struct rank_result {
    convlstm_model *model;
    nbase_status status;
    /* Of the steps, of the outputs in the last one, of an evaluation and of the outputs in it. */
    double losses[STEPS + 5];
    char error[400];
} rank_result;

typedef struct run {
    const size_t *shares; /* per rank, B in all */
    size_t micro_batch;
    /* What rank 1 has otherwise: an option's place in `options`, or something of the losses. */
    size_t odd;
    const float *images, *targets[2]; /* of d and of a */
    rank_result ranks[RANKS];
} run;

/* ---- options ---- */

typedef struct option {
    const char *name;
    size_t offset;
    enum { NUMBER, FLAG, COUNT, SEED, LOSS, OPTIMIZER, OUTPUT_LOSS, OUTPUT_WEIGHT } kind;
} option;

#define OPTION(name, kind)                                                                         \
    {                                                                                              \
#name, offsetof(convlstm_trainer_options, name), kind                                      \
    }
static const option options[] = {OPTION(loss, LOSS),
                                 OPTION(optimizer, OPTIMIZER),
                                 OPTION(momentum, NUMBER),
                                 OPTION(nesterov, FLAG),
                                 OPTION(beta1, NUMBER),
                                 OPTION(beta2, NUMBER),
                                 OPTION(epsilon, NUMBER),
                                 OPTION(weight_decay, NUMBER),
                                 OPTION(clip_norm, NUMBER),
                                 OPTION(class_weight[0], NUMBER),
                                 OPTION(class_weight[1], NUMBER),
                                 OPTION(label_smoothing, NUMBER),
                                 OPTION(micro_batch, COUNT),
                                 OPTION(seed, SEED),
                                 OPTION(exact_gates, FLAG),
                                 OPTION(bf16, FLAG),
                                 OPTION(recompute_gates, FLAG),
                                 OPTION(rho, NUMBER),
                                 OPTION(centered, FLAG),
                                 OPTION(initial_accumulator, NUMBER),
                                 OPTION(clip_value, NUMBER),
                                 OPTION(huber_delta, NUMBER),
                                 OPTION(focal_gamma, NUMBER),
                                 OPTION(focal_alpha, NUMBER),
                                 {"an output's loss", 0, OUTPUT_LOSS},
                                 {"an output's weight", 0, OUTPUT_WEIGHT}};
enum { OPTIONS = sizeof options / sizeof *options, SAME = OPTIONS };

/* Another value that is allowed, too. */
static void change(convlstm_trainer_options *o, convlstm_output_loss *loss, const option *which)
{
    void *at = (char *)o + which->offset;
    switch (which->kind) {
    case NUMBER: *(double *)at = *(double *)at * 0.5 + 0.25; break;
    case FLAG: *(int *)at = !*(int *)at; break;
    case COUNT: ++*(size_t *)at; break;
    case SEED: ++*(uint64_t *)at; break;
    case LOSS: o->loss = CONVLSTM_LOSS_FOCAL; break;
    case OPTIMIZER: o->optimizer = CONVLSTM_ADAMW; break;
    case OUTPUT_LOSS: loss->loss = CONVLSTM_LOSS_HUBER; break;
    case OUTPUT_WEIGHT: loss->weight = 3; break;
    }
}

/* ---- runs ---- */

/* The targets of items first..first+count-1, the outputs one behind the other. */
static float *targets_of(const run *r, size_t first, size_t count)
{
    const size_t floats[2] = {2, T * H * W * 2};
    float *targets = malloc((count + 1) * (floats[0] + floats[1]) * sizeof *targets), *to = targets;
    for (int k = 0; k < 2; to += count * floats[k], k++)
        memcpy(to, r->targets[k] + first * floats[k], count * floats[k] * sizeof *to);
    return targets;
}

static convlstm_trainer *trainer(const run *r, const convlstm_group *group, convlstm_model *m)
{
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_ADAM);
    convlstm_output_loss of_a = {"a", CONVLSTM_LOSS_MSE, 0.5};
    o.num_threads = 1;
    o.micro_batch = r->micro_batch;
    if (r->odd != SAME && group && group->rank == 1) change(&o, &of_a, &options[r->odd]);
    o.losses = &of_a;
    o.loss_count = 1;
    o.group = group;
    convlstm_trainer *t = NULL;
    return convlstm_trainer_create(m, &o, &t, NULL) ? NULL : t;
}

/* What is left to compare after the steps. */
static void finish(convlstm_trainer *t, const convlstm_batch *in, const float *targets,
                   rank_result *result)
{
    convlstm_step_result evaluated = {0};
    double *to = result->losses + STEPS;
    for (size_t k = 0; k < 2; k++) *to++ = convlstm_trainer_output_loss(t, k);
    result->status = convlstm_trainer_evaluate(t, in, targets, NULL, &evaluated);
    *to++ = evaluated.loss;
    for (size_t k = 0; k < 2; k++) *to++ = convlstm_trainer_output_loss(t, k);
}

static void run_rank(const convlstm_group *group, void *ctx)
{
    run *r = ctx;
    size_t rank = group ? group->rank : 0, first = 0, count = r->shares[rank];
    rank_result *result = &r->ranks[rank];
    for (size_t i = 0; i < rank; i++) first += r->shares[i];
    convlstm_trainer *t = trainer(r, group, result->model);
    float *targets = targets_of(r, first, count);
    convlstm_batch in = {r->images + first * T * FRAME, masks[first], count, T, H, W, NULL};
    if (!count) in = (convlstm_batch){0};
    result->status = t ? NBASE_OK : NBASE_ERR_NOMEM;
    for (size_t s = 0; s < STEPS && !result->status; s++) {
        convlstm_step_result step;
        result->status = convlstm_trainer_step_batch(t, &in, count ? targets : NULL, NULL, &step);
        result->losses[s] = step.loss;
    }
    if (!result->status) finish(t, &in, count ? targets : NULL, result);
    snprintf(result->error, sizeof result->error, "%s", convlstm_trainer_error(t));
    convlstm_trainer_free(t);
    free(targets);
}

/* As one process if ranks is 0. The caller frees the models. */
static void go(run *r, size_t ranks)
{
    float *images = help_uniform(B * T * FRAME, 2), *d = help_uniform(B * 2, 3),
          *a = help_uniform(B * T * H * W * 2, 4);
    r->images = images;
    r->targets[0] = d;
    r->targets[1] = a;
    for (size_t i = 0; i < (ranks ? ranks : 1); i++) r->ranks[i].model = model();
    if (ranks) {
        help_group *g = help_group_create(ranks, 50);
        help_group_run(g, run_rank, r);
        assert_string_equal(help_group_complaint(g), "");
        help_group_free(g);
    } else {
        run_rank(NULL, r);
    }
    free(images);
    free(d);
    free(a);
}

/* ---- tests ---- */

/* Whether this machine has what an option asks for: only `bf16` asks for anything. */
static bool allowed(size_t which)
{
    if (which == SAME || strcmp(options[which].name, "bf16")) return true;
    convlstm_model *m = model();
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_ADAM);
    o.bf16 = 1;
    convlstm_trainer *t = NULL;
    bool has = convlstm_trainer_create(m, &o, &t, NULL) == NBASE_OK;
    convlstm_trainer_free(t);
    convlstm_model_free(m);
    return has;
}

/* An option that differs on one rank is found on all, before the first step. */
static void options_compared(void **state)
{
    (void)state;
    static const size_t shares[RANKS] = {4, 3, 0};
    for (size_t odd = 0; odd <= OPTIONS; odd++) {
        if (!allowed(odd)) continue;
        run r = {.shares = shares, .odd = odd};
        go(&r, RANKS);
        for (size_t i = 0; i < RANKS; i++) {
            bool right = odd == SAME ? r.ranks[i].status == NBASE_OK
                                     : r.ranks[i].status == NBASE_ERR_ARG &&
                                           strstr(r.ranks[i].error, "rank 1 has other options");
            if (!right)
                fail_msg("%s: rank %zu: %d '%s'", odd == SAME ? "all the same" : options[odd].name,
                         i, (int)r.ranks[i].status, r.ranks[i].error);
            convlstm_model_free(r.ranks[i].model);
        }
    }
}

/* Two outputs with a loss and a weight each: the bits of one process. */
static void outputs_together(void **state)
{
    (void)state;
    static const size_t whole[] = {B}, shares[][RANKS] = {{3, 2, 2}, {0, 7, 0}, {4, 0, 3}};
    for (size_t micro = 0; micro < 4; micro += 3) {
        run one = {.shares = whole, .micro_batch = micro, .odd = SAME};
        go(&one, 0);
        assert_int_equal(one.ranks[0].status, NBASE_OK);
        for (size_t d = 0; d < sizeof shares / sizeof *shares; d++) {
            run r = {.shares = shares[d], .micro_batch = micro, .odd = SAME};
            go(&r, RANKS);
            for (size_t i = 0; i < RANKS; i++) {
                if (r.ranks[i].status) fail_msg("rank %zu: %s", i, r.ranks[i].error);
                assert_memory_equal(r.ranks[i].losses, one.ranks[0].losses,
                                    sizeof one.ranks[0].losses);
                assert_true(help_same_weights(r.ranks[i].model, one.ranks[0].model));
                convlstm_model_free(r.ranks[i].model);
            }
        }
        convlstm_model_free(one.ranks[0].model);
    }
}

int main(void)
{
    alarm(300); /* whatever waits for ever */
    const struct CMUnitTest tests[] = {cmocka_unit_test(options_compared),
                                       cmocka_unit_test(outputs_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
