/* Training by several processes together (threads with a trainer each stand in for them): the bits
 * of one, for every kind of layer, any number of ranks, and shares of any size; checkpoints; what
 * is refused; a group that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "grad_check.h"
#include "group_threads.h"

#define B 7
#define T 5
#define H 6
#define W 5
#define C 2
#define FRAME (H * W * C)
#define STEPS 4
#define MOST 9 /* ranks */

#define LSTM " conv_lstm2d padding=same recurrent_activation=sigmoid kernel_size=3"
#define ALL " return_sequences=true"
#define CONV " conv2d padding=same kernel_size=3 filters=2"
#define END "; flatten; dense units=12 activation=tanh; dense units=2 activation=sigmoid"

typedef struct network {
    const char *name, *layers;
    convlstm_loss loss;
    bool parts;  /* may be run in parts: there is no batch normalisation */
    bool fixed;  /* T frames */
    bool states; /* stateful */
} network;

static const network networks[] = {
    {"normalised",
     LSTM ALL " filters=3; batch_normalization;" LSTM
              " filters=2; batch_normalization; flatten; dense units=12; "
              "batch_normalization; dense units=2 activation=sigmoid",
     CONVLSTM_LOSS_BCE, false, false, false},
    {"as in TensorFlow 2.2",
     LSTM ALL " filters=2; batch_normalization mode=\"compat_tf22\";" LSTM
              " filters=2; batch_normalization mode=\"compat_tf22\"" END,
     CONVLSTM_LOSS_COMPAT_TF22, false, false, false},
    {"dropout",
     CONV " activation=leaky_relu; layer_normalization; dropout rate=0.2; gaussian_noise "
          "stddev=0.1;" LSTM ALL
          " filters=3 dropout=0.3 recurrent_dropout=0.2 peepholes=channel; spatial_dropout "
          "rate=0.3; gaussian_dropout rate=0.2;" LSTM
          " filters=2 go_backwards=true peepholes=pixel" END,
     CONVLSTM_LOSS_BCE, true, false, false},
    {"stateful",
     LSTM ALL " filters=3 stateful=true return_state=true; max_pool2d;" LSTM
              " filters=2 stateful=true" END,
     CONVLSTM_LOSS_BCE, true, false, true},
    {"convolutions",
     " depthwise_conv2d kernel_size=2; separable_conv2d filters=3 kernel_size=2; conv2d_transpose "
     "filters=2 kernel_size=3; relu max_value=0.8; dense units=3 activation=gelu; "
     "average_pool2d;" LSTM ALL
     " filters=2; conv3d filters=2 kernel_size=2 padding=same; rescaling scale=0.5; "
     "global_max_pool; dense units=2 activation=softmax",
     CONVLSTM_LOSS_SOFTMAX, true, false, false},
    {"frames out",
     LSTM ALL " filters=3; batch_normalization; conv3d filters=2 kernel_size=2 "
              "padding=same activation=sigmoid",
     CONVLSTM_LOSS_BCE, false, false, false},
    {"vectors out", LSTM ALL " filters=3; global_average_pool each_frame=true; dense units=2",
     CONVLSTM_LOSS_MSE, true, false, false},
    {"a whole sequence", CONV "; flatten; dense units=2 activation=sigmoid", CONVLSTM_LOSS_BCE,
     true, true, false},
    {"other numbers of frames",
     CONV " name=a; prelu; max_pool3d padding=same;" LSTM ALL
          " filters=3; batch_normalization; up_sampling3d; cropping3d cropping=[1,0,0,0,0,1] "
          "name=b; concatenate inputs=[\"a\",\"b\"]; conv3d filters=2 kernel_size=2 strides=2 "
          "padding=same;" LSTM " filters=2; flatten; dense units=6; repeat_vector n=3;"
          "reshape target_shape=[1,2,3];" LSTM ALL
          " filters=2; conv3d_transpose filters=2 kernel_size=[2,2,1]; dense units=2",
     CONVLSTM_LOSS_MSE, false, true, false},
    {"a graph",
     LSTM ALL " filters=2 name=a;" CONV " name=c; activation activation=tanh name=d "
              "inputs=[\"a\"]; add inputs=[\"a\",\"c\",\"d\"] name=s;" LSTM ALL
              " filters=2 name=e inputs=[\"s\",\"a:h\",\"a:c\"]; concatenate "
              "inputs=[\"e\",\"c\"]; global_average_pool; dense units=2",
     CONVLSTM_LOSS_MAE, true, false, false},
    {"a layer used twice",
     CONV " name=a; batch_normalization name=b;" CONV
          " name=c shares=\"a\"; batch_normalization shares=\"b\";" LSTM " filters=2" END,
     CONVLSTM_LOSS_BCE, false, false, false},
    {"a mask from the second layer on",
     LSTM ALL " filters=2; batch_normalization; mask;" LSTM " filters=3" END, CONVLSTM_LOSS_BCE,
     false, false, false},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

/* Samples with holes, samples without a valid frame, at the ends and in the middle of shares. */
static const uint8_t masks[2][B][T] = {{{1, 1, 1, 1, 1},
                                        {0, 1, 0, 1, 1},
                                        {0, 0, 0, 0, 0},
                                        {1, 0, 0, 0, 0},
                                        {1, 1, 0, 1, 0},
                                        {0, 0, 0, 0, 0},
                                        {0, 0, 1, 1, 1}},
                                       {{0, 0, 0, 0, 0},
                                        {0, 0, 0, 0, 0},
                                        {1, 1, 1, 0, 1},
                                        {1, 1, 1, 1, 1},
                                        {0, 1, 1, 1, 1},
                                        {0, 0, 0, 0, 1},
                                        {0, 0, 0, 0, 0}}};

/* ---- runs ---- */

/* A run of some steps, and what it gave. */
typedef struct run {
    const network *net;
    int threads;
    size_t micro_batch, first_step, steps;
    const size_t *shares;          /* per rank, B in all */
    const char *restore, *save;    /* checkpoints; null: none */
    const float *images, *targets; /* of two batches */
    size_t values;                 /* that the network gives, per item */

    struct rank_result {
        convlstm_model *model;
        convlstm_step_result steps[2 * STEPS], evaluation;
        float *gradients[64];
        nbase_status status;
        char error[400];
    } ranks[MOST];
    float *outputs; /* of the last step and of the evaluation, all items */
} run;

static convlstm_trainer *trainer(const run *r, const convlstm_group *group, convlstm_model *m)
{
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_ADAM);
    o.num_threads = r->threads;
    o.micro_batch = r->micro_batch;
    o.loss = r->net->loss;
    o.clip_norm = 0.1;
    o.seed = 3;
    o.group = group;
    convlstm_trainer *t = NULL;
    return convlstm_trainer_create(m, &o, &t, NULL) ? NULL : t;
}

/* The share of rank `rank` of batch `which`; its first item. */
static size_t share_of(const run *r, size_t rank, size_t which, convlstm_batch *in)
{
    size_t first = 0;
    for (size_t i = 0; i < rank; i++) first += r->shares[i];
    *in = (convlstm_batch){r->images + (which * B + first) * T * FRAME,
                           masks[which][first],
                           r->shares[rank],
                           T,
                           H,
                           W,
                           NULL};
    if (!in->batch) *in = (convlstm_batch){0};
    return first;
}

static void keep_gradients(struct rank_result *result, const convlstm_trainer *t)
{
    for (size_t i = 0; i < convlstm_model_tensor_count(result->model) && i < 64; i++) {
        const nbase_array *a = convlstm_model_tensor(result->model, i);
        const float *g = convlstm_trainer_gradient(t, a->name);
        if (!g) continue;
        result->gradients[i] = malloc(a->count * sizeof *g);
        memcpy(result->gradients[i], g, a->count * sizeof *g);
    }
}

static nbase_status all_steps(run *r, convlstm_trainer *t, size_t rank)
{
    struct rank_result *result = &r->ranks[rank];
    nbase_status status = NBASE_OK;
    convlstm_batch in;
    for (size_t s = 0; s < r->steps && !status; s++) {
        size_t which = (r->first_step + s) & 1, first = share_of(r, rank, which, &in);
        status = convlstm_trainer_step_batch(
            t, &in, in.batch ? r->targets + (which * B + first) * r->values : NULL,
            r->outputs + first * r->values, &result->steps[r->first_step + s]);
    }
    if (!status) keep_gradients(result, t);
    size_t first = share_of(r, rank, 0, &in);
    if (!status)
        status =
            convlstm_trainer_evaluate(t, &in, in.batch ? r->targets + first * r->values : NULL,
                                      r->outputs + (B + first) * r->values, &result->evaluation);
    return status;
}

static void run_rank(const convlstm_group *group, void *ctx)
{
    run *r = ctx;
    size_t rank = group ? group->rank : 0;
    struct rank_result *result = &r->ranks[rank];
    convlstm_trainer *t = trainer(r, group, result->model);
    nbase_error err = {NBASE_OK, ""};
    if (t && r->restore) result->status = convlstm_trainer_restore(t, r->restore, NULL, &err);
    if (t && !result->status) result->status = all_steps(r, t, rank);
    if (t && !result->status && r->save)
        result->status = convlstm_trainer_save(t, rank ? NULL : r->save, "{}", &err);
    snprintf(result->error, sizeof result->error, "%s",
             err.text[0] ? err.text : convlstm_trainer_error(t));
    if (!t) result->status = NBASE_ERR_ARG;
    convlstm_trainer_free(t);
}

static convlstm_model *model(const network *net)
{
    char *json = grad_network(net->fixed ? "\"height\":6,\"width\":5,\"channels\":2,\"frames\":5"
                                         : "\"height\":6,\"width\":5,\"channels\":2",
                              net->layers);
    convlstm_model *m = help_model(NULL, json, 7);
    free(json);
    return m;
}

static void begin(run *r, size_t ranks)
{
    for (size_t i = 0; i < ranks; i++) r->ranks[i].model = model(r->net);
    size_t shape[4], values = 1;
    convlstm_model_info info;
    convlstm_model_get_info(r->ranks[0].model, &info);
    assert_int_equal(convlstm_model_output_shape(r->ranks[0].model, T, H, W, shape, NULL),
                     NBASE_OK);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    r->values = values;
    r->images = help_uniform(2 * B * T * FRAME, 2);
    float *targets = help_uniform(2 * B * values, 5);
    for (size_t i = 0; i < 2 * B * values; i++) targets[i] = targets[i] > 0.5f;
    r->targets = targets;
    r->outputs = calloc(2 * B * values, sizeof *r->outputs);
}

static void end(run *r, size_t ranks)
{
    for (size_t i = 0; i < ranks; i++) {
        convlstm_model_free(r->ranks[i].model);
        for (size_t k = 0; k < 64; k++) free(r->ranks[i].gradients[k]);
    }
    free((float *)r->images);
    free((float *)r->targets);
    free(r->outputs);
}

static void run_group(run *r, size_t ranks, size_t stretch)
{
    begin(r, ranks);
    help_group *g = help_group_create(ranks, stretch);
    help_group_run(g, run_rank, r);
    if (help_group_complaint(g)[0]) fail_msg("%s: %s", r->net->name, help_group_complaint(g));
    help_group_free(g);
}

static void run_alone(run *r)
{
    static const size_t whole[] = {B};
    r->shares = whole;
    begin(r, 1);
    run_rank(NULL, r);
    if (r->ranks[0].status) fail_msg("%s: %s", r->net->name, r->ranks[0].error);
}

static void assert_same_result(const convlstm_step_result *a, const convlstm_step_result *b)
{
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->grad_norm, &b->grad_norm, sizeof a->grad_norm);
    assert_int_equal(a->used, b->used);
}

/* Every rank has the weights, gradients and losses of `one`, and they have its outputs together. */
static void assert_same(const run *one, const run *r, size_t ranks)
{
    for (size_t i = 0; i < ranks; i++) {
        const struct rank_result *a = &one->ranks[0], *b = &r->ranks[i];
        if (b->status) fail_msg("%s: rank %zu: %s", r->net->name, i, b->error);
        if (!help_same_weights(a->model, b->model))
            fail_msg("%s: %zu ranks: the weights of rank %zu differ", r->net->name, ranks, i);
        for (size_t s = r->first_step; s < r->first_step + r->steps; s++)
            assert_same_result(&a->steps[s], &b->steps[s]);
        assert_same_result(&a->evaluation, &b->evaluation);
        for (size_t k = 0; k < 64; k++)
            if (a->gradients[k])
                assert_memory_equal(a->gradients[k], b->gradients[k],
                                    convlstm_model_tensor(a->model, k)->count * sizeof(float));
    }
    assert_memory_equal(one->outputs, r->outputs, 2 * B * r->values * sizeof(float));
}

/* ---- the same bits ---- */

typedef struct division {
    size_t ranks, shares[MOST];
} division;

static const division divisions[] = {
    {1, {7}},          {2, {4, 3}},
    {3, {3, 2, 2}},    {3, {0, 7, 0}},
    {4, {1, 0, 5, 1}}, {8, {1, 1, 1, 1, 1, 1, 1, 0}},
    {2, {2, 5}},       {9, {0, 2, 0, 1, 0, 0, 3, 1, 0}},
};
enum { DIVISIONS = sizeof divisions / sizeof *divisions };

static void same_bits(void **state)
{
    (void)state;
    for (size_t n = 0; n < NETWORKS; n++)
        for (size_t micro = 0; micro <= (networks[n].parts ? 2 : 0); micro += 2) {
            run one = {.net = &networks[n], .threads = 1, .micro_batch = micro, .steps = STEPS};
            run_alone(&one);
            for (size_t d = 0; d < DIVISIONS; d++) {
                run r = {.net = &networks[n],
                         .threads = 1 + (int)(d & 1),
                         .micro_batch = micro,
                         .steps = STEPS,
                         .shares = divisions[d].shares};
                run_group(&r, divisions[d].ranks, d & 1 ? 7 : 1000);
                assert_same(&one, &r, divisions[d].ranks);
                end(&r, divisions[d].ranks);
            }
            end(&one, 1);
        }
}

/* ---- checkpoints ---- */

static const char first_file[] = "group_first.safetensors",
                  whole_file[] = "group_whole.safetensors",
                  other_file[] = "group_other.safetensors";

static char *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void assert_same_files(const char *a, const char *b)
{
    size_t sizes[2];
    char *bytes[2] = {read_all(a, &sizes[0]), read_all(b, &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* A run that three ranks began, and any number ended: what one process does in one go, the states
 * that stateful layers keep included. */
static void checkpoints(void **state)
{
    (void)state;
    static const size_t three[] = {2, 1, 4};
    for (size_t n = 0; n < NETWORKS; n++) {
        run one = {.net = &networks[n], .threads = 2, .steps = 2 * STEPS, .save = whole_file};
        run_alone(&one);
        run first = {.net = &networks[n],
                     .threads = 1,
                     .steps = STEPS - 1,
                     .shares = three,
                     .save = first_file};
        run_group(&first, 3, 100);
        if (first.ranks[0].status) fail_msg("%s", first.ranks[0].error);
        end(&first, 3);
        for (size_t d = 0; d < DIVISIONS; d++) {
            run r = {.net = &networks[n],
                     .threads = 1,
                     .first_step = STEPS - 1,
                     .steps = STEPS + 1,
                     .shares = divisions[d].shares,
                     .restore = first_file,
                     .save = other_file};
            run_group(&r, divisions[d].ranks, 100);
            assert_same(&one, &r, divisions[d].ranks);
            assert_same_files(whole_file, other_file);
            end(&r, divisions[d].ranks);
        }
        end(&one, 1);
    }
    unlink(first_file);
    unlink(whole_file);
    unlink(other_file);
}

/* ---- failures ---- */

/* A group that fails at any call of any rank: every rank has a status and a text, and no one waits
 * for ever. Ranks that did all their steps are as one process after them. */
static void group_failures(void **state)
{
    (void)state;
    static const size_t shares[] = {3, 0, 4};
    const network *nets[] = {&networks[0], &networks[3]};
    for (size_t n = 0; n < 2; n++)
        for (size_t rank = 0; rank < 3; rank++) {
            size_t call = 1, failed = 3;
            for (; failed; call++) {
                run r = {
                    .net = nets[n], .threads = 1, .steps = 2, .shares = shares, .save = other_file};
                begin(&r, 3);
                help_group *g = help_group_create(3, 50);
                help_group_fail(g, rank, call);
                help_group_run(g, run_rank, &r);
                assert_string_equal(help_group_complaint(g), "");
                help_group_free(g);
                failed = 0;
                for (size_t i = 0; i < 3; i++) {
                    failed += r.ranks[i].status != NBASE_OK;
                    if (r.ranks[i].status) assert_int_equal(r.ranks[i].status, NBASE_ERR_IO);
                    if (r.ranks[i].status) assert_non_null(strstr(r.ranks[i].error, " failed"));
                }
                end(&r, 3);
            }
            assert_true(call > 20); /* it did fail, at one call after the other */
        }
    unlink(other_file);
}

/* A rank's own failure, told to all. */
typedef struct refusal {
    const char *text;
    nbase_status status;
    size_t rank; /* that differs */
    size_t micro_batch, frames, steps_before;
    double rate;
    float target;
    bool weights, evaluates, options, none;
} refusal;

static const refusal refusals[] = {
    {.text = "rank 2: training step: label 3 of sample 0 is not in 0..1",
     .status = NBASE_ERR_ARG,
     .rank = 2,
     .target = 3},
    {.text = "rank 0 has a share with 5 frames of 6x5, rank 1 one with 4",
     .status = NBASE_ERR_SHAPE,
     .rank = 1,
     .frames = 4},
    {.text = "rank 1 has other weights", .status = NBASE_ERR_ARG, .rank = 1, .weights = true},
    {.text = "rank 2 has another learning rate", .status = NBASE_ERR_ARG, .rank = 2, .rate = 0.5},
    {.text = "rank 1 is in another call", .status = NBASE_ERR_ARG, .rank = 1, .evaluates = true},
    {.text = "rank 2 has other options", .status = NBASE_ERR_ARG, .rank = 2, .options = true},
    {.text = "parts of 3 samples", .status = NBASE_ERR_UNSUPPORTED, .rank = MOST, .micro_batch = 3},
    {.text = "no sample of the batch has a valid frame",
     .status = NBASE_ERR_NO_VALID_FRAMES,
     .rank = MOST,
     .none = true},
};

typedef struct refused_run {
    const refusal *wanted;
    convlstm_model *models[3];
    nbase_status status[3], again[3];
    char errors[3][400];
} refused_run;

static void refused_rank(const convlstm_group *group, void *ctx)
{
    refused_run *r = ctx;
    const refusal *w = r->wanted;
    size_t rank = group->rank;
    bool odd = rank == w->rank;
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_SGD);
    o.num_threads = 1;
    o.group = group;
    o.micro_batch = w->micro_batch;
    if (odd && w->options) o.seed = 99;
    convlstm_trainer *t;
    if (convlstm_trainer_create(r->models[rank], &o, &t, NULL)) return;
    if (odd && w->rate > 0) convlstm_trainer_set_learning_rate(t, w->rate);
    static const uint8_t all[2 * T] = {1, 1, 1, 1, 1, 0, 1, 0, 1, 1}, none[2 * T] = {0};
    float *img = help_uniform(2 * T * FRAME, 2), targets[4] = {0, 1, 1, 0};
    if (odd && w->target > 0) targets[0] = w->target;
    const convlstm_batch in = {img, w->none ? none : all, 2, odd && w->frames ? w->frames : T, H, W,
                               NULL};
    r->status[rank] = odd && w->evaluates
                          ? convlstm_trainer_evaluate(t, &in, targets, NULL, NULL)
                          : convlstm_trainer_step_batch(t, &in, targets, NULL, NULL);
    snprintf(r->errors[rank], sizeof r->errors[rank], "%s", convlstm_trainer_error(t));
    /* and what comes after it, done right */
    if (odd && w->rate > 0) convlstm_trainer_set_learning_rate(t, 0.01);
    targets[0] = 0;
    const convlstm_batch right = {img, all, 2, T, H, W, NULL};
    r->again[rank] = convlstm_trainer_step_batch(t, &right, targets, NULL, NULL);
    convlstm_trainer_free(t);
    free(img);
}

static void refused_together(void **state)
{
    (void)state;
    static const float other[1] = {0.25f};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *w = &refusals[i];
        refused_run r = {.wanted = w};
        for (size_t k = 0; k < 3; k++) r.models[k] = model(&networks[0]);
        convlstm_model *kept = model(&networks[0]);
        if (w->weights) {
            const nbase_array *a = convlstm_model_find(r.models[w->rank], "dense_1/bias");
            assert_non_null(a);
            float values[2] = {other[0], 0};
            assert_int_equal(convlstm_model_set(r.models[w->rank], a->name, values, a->count),
                             NBASE_OK);
        }
        help_group *g = help_group_create(3, 50);
        help_group_run(g, refused_rank, &r);
        assert_string_equal(help_group_complaint(g), "");
        help_group_free(g);
        bool lasting = w->weights || w->options || w->micro_batch;
        for (size_t k = 0; k < 3; k++) {
            if (r.status[k] != w->status || !strstr(r.errors[k], w->text))
                fail_msg("rank %zu: wanted '%s', got %d '%s'", k, w->text, (int)r.status[k],
                         r.errors[k]);
            assert_int_equal(r.again[k], lasting ? w->status : NBASE_OK);
            if (lasting && k != w->rank) assert_true(help_same_weights(r.models[k], kept));
        }
        for (size_t k = 0; k < 3; k++) convlstm_model_free(r.models[k]);
        convlstm_model_free(kept);
    }
}

static nbase_status broadcast(void *context, size_t root, void *data, size_t bytes)
{
    (void)context, (void)root, (void)data, (void)bytes;
    return NBASE_OK;
}

static nbase_status gather(void *context, const void *mine, void *all, const size_t *bytes)
{
    (void)context;
    memcpy(all, mine, bytes[0]);
    return NBASE_OK;
}

static nbase_status sum(void *context, float *total, size_t count,
                        void (*add)(void *adder, size_t first, size_t n), void *adder)
{
    (void)context, (void)total;
    add(adder, 0, count);
    return NBASE_OK;
}

static void refused_at_once(void **state)
{
    (void)state;
    static const convlstm_group alone = {0, 1, NULL, broadcast, gather, sum, NULL};
    const struct {
        convlstm_group group;
        const char *text;
    } wrong[] = {
        {{0, 0, NULL, broadcast, gather, sum, NULL}, "no rank 0 among 0"},
        {{1, 1, NULL, broadcast, gather, sum, NULL}, "no rank 1 among 1"},
        {{0, 1, NULL, NULL, gather, sum, NULL}, "a null function"},
        {{0, 1, NULL, broadcast, NULL, sum, NULL}, "a null function"},
        {{0, 1, NULL, broadcast, gather, NULL, NULL}, "a null function"},
    };
    convlstm_model *m = help_small(NULL, "skincredible-gap", 6, 6);
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    convlstm_trainer *t;
    nbase_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.group = &wrong[i].group;
        assert_int_not_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_OK);
        assert_non_null(strstr(err.text, wrong[i].text));
    }
    options.group = &alone;
    assert_int_equal(convlstm_trainer_create(m, &options, &t, &err), NBASE_OK);
    convlstm_trainer_free(t);
    convlstm_model_free(m);
}

int main(void)
{
    alarm(900); /* whatever waits for ever */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits),       cmocka_unit_test(checkpoints),
        cmocka_unit_test(group_failures),  cmocka_unit_test(refused_together),
        cmocka_unit_test(refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
