/* Networks that are graphs: branches, sums, concatenations. Gradients against finite differences of
 * a reference in double precision; the same bits for threads, batches, streams and fused passes;
 * what a description may say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "grad_check.h"
#include "model/build.h"
#include "model/session.h"

#define LSTM " conv_lstm2d padding=same recurrent_activation=sigmoid kernel_size=3"
#define ALL " return_sequences=true"
#define CONV " conv2d padding=same kernel_size=3"
#define END "; flatten; dense units=2 activation=sigmoid"

/* A loss, and the images. */
#define MSE(h, w, c) .height = h, .width = w, .channels = c, .loss = {CONVLSTM_LOSS_MSE, {1, 1}, 0}
#define BCE(h, w, c) .height = h, .width = w, .channels = c, .loss = {CONVLSTM_LOSS_BCE, {1, 1}, 0}

/* Two branches of frames and their merge, of three recurrent layers and one that is computed each
 * time. */
#define BRANCHES(merge)                                                                            \
    LSTM ALL " filters=2 name=a;" LSTM ALL " filters=2 name=b;" CONV                               \
             " filters=2 name=c inputs=[\"a\"];"                                                   \
             " activation activation=tanh name=d inputs=[\"b\"];" merge                            \
             " inputs=[\"a\",\"c\",\"d\"];" LSTM " filters=2" END
/* The same of frames and vectors. */
#define HEADS(merge)                                                                               \
    LSTM " filters=2 name=a;" CONV " filters=2 name=b; " merge                                     \
         " inputs=[\"a\",\"b\"]; flatten name=f; dense units=5 activation=tanh name=d;"            \
         " dense units=5 name=e inputs=[\"f\"]; " merge                                            \
         " inputs=[\"d\",\"e\"]; dense units=2 activation=sigmoid"

static const grad_case cases[] = {
    {.name = "add of frames", BCE(5, 4, 2), .layers = BRANCHES("add")},
    {.name = "multiply of frames", BCE(5, 4, 2), .layers = BRANCHES("multiply")},
    {.name = "average of frames", BCE(5, 4, 2), .layers = BRANCHES("average")},
    {.name = "maximum of frames", BCE(5, 4, 2), .layers = BRANCHES("maximum")},
    {.name = "minimum of frames", BCE(5, 4, 2), .layers = BRANCHES("minimum")},
    {.name = "concatenate of frames", BCE(5, 4, 2), .layers = BRANCHES("concatenate")},
    {.name = "add of vectors", BCE(4, 4, 2), .layers = HEADS("add")},
    {.name = "subtract of vectors", BCE(4, 4, 2), .layers = HEADS("subtract")},
    {.name = "multiply of vectors", BCE(4, 4, 2), .layers = HEADS("multiply")},
    {.name = "concatenate of vectors", BCE(4, 4, 2), .layers = HEADS("concatenate")},
    {.name = "skips around skips",
     BCE(5, 4, 2),
     .layers = CONV
     " filters=2 name=a; batch_normalization name=b; add name=c inputs=[\"a\",\"b\"];" CONV
     " filters=2 activation=relu name=d; add name=e inputs=[\"d\",\"c\"]; batch_normalization "
     "name=f; add name=g inputs=[\"f\",\"e\",\"c\",\"e\"];" LSTM " filters=2" END},
    {.name = "the images once more",
     BCE(5, 4, 2),
     .layers =
         LSTM ALL " filters=2 name=a; batch_normalization name=b; concatenate "
                  "inputs=[\"input\",\"b\",\"a\"];" LSTM " filters=2; batch_normalization" END},
    {.name = "a loss on a sum",
     BCE(4, 4, 2),
     .layers =
         LSTM ALL " filters=2 name=a;" CONV " filters=2 name=b; add inputs=[\"a\",\"b\"];" LSTM
                  " filters=2 name=c; flatten name=d; dense units=2 name=e; dense units=2 "
                  "name=f inputs=[\"d\"]; add inputs=[\"e\",\"f\"]; activation "
                  "activation=sigmoid"},
    {.name = "an encoder and a forecaster",
     MSE(5, 4, 2),
     .layers = LSTM ALL " filters=2 name=a;" LSTM ALL " filters=3 name=b;" LSTM ALL
                        " filters=2 name=c inputs=[\"b\",\"a:h\",\"a:c\"];" LSTM
                        " filters=3 name=d inputs=[\"c\",\"b:h\",\"b:c\"]"},
    {.name = "states as frames",
     BCE(5, 4, 2),
     .layers = LSTM " filters=2 name=a;" LSTM ALL
                    " filters=2 name=b inputs=[\"input\"]; batch_normalization inputs=[\"a:c\"]; "
                    "multiply inputs=[\"batch_normalization\",\"b:h\",\"a:h\",\"a\",\"a:c\"]" END},
    {.name = "a state that was computed",
     BCE(5, 4, 2),
     .layers = LSTM " filters=2 name=a;" CONV
                    " filters=2 name=b; activation activation=tanh name=t inputs=[\"a:c\"];" LSTM
                    " filters=2 name=c peepholes=channel inputs=[\"input\",\"b\",\"t\"]; add "
                    "inputs=[\"c\",\"c:c\"]" END},
    {.name = "a mask from the second layer on",
     BCE(5, 4, 2),
     .layers = LSTM ALL " filters=2 name=a; batch_normalization; mask;" LSTM " filters=3" END},
    {.name = "a mask of one branch and another",
     BCE(5, 4, 2),
     .layers = LSTM ALL
     " filters=2 name=a; mask name=m;" LSTM ALL
     " filters=2 name=b; batch_normalization name=n inputs=[\"m\"]; add name=s "
     "inputs=[\"n\",\"b\",\"m\"]; global_average_pool name=g; global_average_pool name=e "
     "inputs=[\"a\"]; flatten name=c inputs=[\"a:c\"]; dense units=2 name=d; multiply "
     "inputs=[\"g\",\"e\",\"d\"]; dense units=2 activation=sigmoid"},
    {.name = "a mask of a sequence that runs backwards",
     BCE(5, 4, 2),
     .layers = LSTM ALL " filters=2 name=a go_backwards=true; mask;" LSTM " filters=3" END},
    {.name = "weights of recurrent layers, convolutions and normalisations in several places",
     BCE(5, 4, 2),
     .layers = LSTM ALL
     " filters=2 name=a;" CONV " filters=2 name=c; batch_normalization name=n;"
     " batch_normalization name=o shares=n inputs=[\"a\"];" LSTM ALL
     " filters=2 name=b shares=a;" CONV
     " filters=2 name=d shares=c activation=tanh; batch_normalization name=p shares=o; "
     "add inputs=[\"n\",\"p\",\"b\"];" LSTM " filters=2 shares=b" END},
    {.name = "weights of dense layers and of separable convolutions in several places",
     MSE(4, 4, 2),
     .layers = "separable_conv2d filters=2 kernel_size=3 padding=same name=s; layer_normalization "
               "name=l;" LSTM " filters=2; separable_conv2d filters=2 kernel_size=3 padding=same "
               "shares=s; layer_normalization shares=l; global_average_pool name=g; dense units=2 "
               "name=d activation=tanh; dense units=2 name=e shares=d; dense units=2 name=f "
               "shares=e inputs=[\"g\"]; subtract inputs=[\"e\",\"f\"]"},
    {.name = "two means",
     .height = 4,
     .width = 4,
     .channels = 2,
     .loss = {CONVLSTM_LOSS_SOFTMAX, {1, 1}, 0},
     .layers = LSTM ALL " filters=2 name=a; global_average_pool name=m;" LSTM
                        " filters=2 inputs=[\"a\"]; global_average_pool name=n; multiply "
                        "inputs=[\"m\",\"n\"]; activation activation=softmax"},
};
enum { CASES = sizeof cases / sizeof *cases };

static void gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) grad_check(&cases[i], 0);
}

static void inference(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) grad_check_inference(&cases[i]);
}

/* ---- the same bits ---- */

#define B 3
#define T 6
#define H 7
#define W 6
#define C 2
static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1, 1}, {0, 1, 0, 0, 1, 1}, {0, 0, 1, 0, 0, 0}};

/* Branches of different lengths, so that what a step gives must last; steps that look ahead, over
 * which others reach; pairs of which one has a branch, and maps. */
static const char *const networks[] = {
    LSTM ALL " filters=3 name=a;" LSTM ALL " filters=3;" LSTM ALL " filters=3;" LSTM ALL
             " filters=3 name=d; add inputs=[\"a\",\"d\"]",
    LSTM ALL " filters=3 name=a;" CONV " filters=3;" CONV " filters=3;" CONV " filters=3;" CONV
             " filters=3 name=d; add inputs=[\"a\",\"d\",\"conv2d\"]; "
             "global_average_pool",
    LSTM ALL " filters=3 name=a; batch_normalization name=n;" LSTM ALL
             " filters=3 name=b; concatenate inputs=[\"n\",\"b\"];" LSTM " filters=2",
    LSTM ALL " filters=3 name=a; batch_normalization name=n;" LSTM ALL
             " filters=3 name=b; concatenate inputs=[\"a\",\"b\"]",
    LSTM ALL " filters=3 name=a; conv3d filters=3 kernel_size=3 padding=same name=b; add name=c "
             "inputs=[\"a\",\"b\"]; conv3d filters=3 kernel_size=3 padding=same name=d; add "
             "inputs=[\"c\",\"d\",\"a\"]",
    "conv3d filters=2 kernel_size=3 padding=same name=a; multiply inputs=[\"a\",\"input\"]",
    "conv3d filters=2 kernel_size=3 padding=same name=a; conv3d filters=2 kernel_size=3 "
    "padding=same name=b inputs=[\"input\"]; maximum inputs=[\"a\",\"b\"]; global_average_pool",
    LSTM ALL " filters=2 go_backwards=true name=a;" LSTM ALL
             " filters=2 go_backwards=true name=b inputs=[\"input\"]; average "
             "inputs=[\"a\",\"b\"];" LSTM " filters=2; flatten; dense units=2",
    LSTM ALL " filters=3 name=a;" LSTM ALL " filters=2 name=b inputs=[\"input\"];" LSTM ALL
             " filters=3 name=c inputs=[\"a\",\"a:h\",\"a:c\"];" LSTM ALL
             " filters=2 name=d inputs=[\"c\",\"b:h\",\"b:c\"]; conv2d filters=1 kernel_size=1",
    LSTM ALL " filters=3 name=a;" LSTM ALL " filters=3; mask;" LSTM ALL " filters=3;" LSTM ALL
             " filters=2",
    LSTM ALL " filters=3 name=a; mask name=m; conv3d filters=3 kernel_size=3 padding=same; mask "
             "name=k inputs=[\"a\"]; add inputs=[\"conv3d\",\"m\",\"k\"]",
    LSTM ALL " filters=3 name=a;" LSTM ALL " filters=2 name=b; flatten inputs=[\"a:c\"]; dense "
             "units=3 name=e; flatten inputs=[\"b:c\"]; concatenate inputs=[\"flatten_1\",\"e\"]",
    LSTM ALL " filters=2 name=a;" LSTM ALL
             " filters=2 shares=a; batch_normalization name=n; conv3d "
             "filters=2 kernel_size=3 padding=same name=c; batch_normalization shares=n; conv3d "
             "filters=2 kernel_size=3 padding=same shares=c;" LSTM " filters=2 shares=a",
    LSTM " filters=2 name=a;" LSTM " filters=3 name=b inputs=[\"input\"]; concatenate "
         "inputs=[\"a\",\"b\"]; flatten name=f; dense units=3 name=d; add inputs=[\"d\",\"d\"]; "
         "concatenate inputs=[\"add\",\"f\"]",
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static char *json_of(const char *layers)
{
    return grad_network("\"height\":7,\"width\":6,\"channels\":2", layers);
}

static convlstm_session *session_of(const convlstm_model *m, bool unfused, int threads)
{
    convlstm__backend_choice choice = convlstm__backend_default();
    choice.unfused = unfused;
    convlstm_session *s = NULL;
    assert_int_equal(convlstm__session_create(
                         m, &(convlstm_session_options){.num_threads = threads}, choice, &s, NULL),
                     NBASE_OK);
    return s;
}

static size_t output_floats(const convlstm_model *m)
{
    size_t shape[4], floats = 1;
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    assert_int_equal(convlstm_model_output_shape(m, T, H, W, shape, NULL), NBASE_OK);
    for (int d = 0; d < info.output_dims; d++) floats *= shape[d];
    return floats;
}

static void same_bits(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * H * W * C, 1);
    for (size_t k = 0; k < NETWORKS; k++) {
        char *json = json_of(networks[k]);
        convlstm_model *m = help_model(NULL, json, 5);
        size_t floats = output_floats(m);
        float *plain = calloc(B * floats, sizeof *plain), *out = calloc(B * floats, sizeof *out);
        const convlstm_batch in = {img, masks[0], B, T, H, W, NULL};
        for (int run = 0; run < 9; run++) { /* the first: node by node, one thread */
            convlstm_session *s = session_of(m, run == 0, run ? (run + 1) / 2 : 1);
            assert_int_equal(convlstm_run(s, &in, run ? out : plain, NULL, NULL), NBASE_OK);
            if (run && !strstr(networks[k], "batch_norm"))
                assert_memory_equal(out, plain, B * floats * sizeof *out);
            for (size_t i = 0; run && i < B * floats; i++) /* a folded map is rounded once more */
                if (!(fabsf(out[i] - plain[i]) <= 2e-6f)) fail_msg("%s", networks[k]);
            if (run > 1) { /* threads change nothing */
                float *again = calloc(B * floats, sizeof *again);
                convlstm_session *one = session_of(m, false, 1);
                assert_int_equal(convlstm_run(one, &in, again, NULL, NULL), NBASE_OK);
                assert_memory_equal(out, again, B * floats * sizeof *out);
                convlstm_session_free(one);
                free(again);
            }
            convlstm_session_free(s);
        }
        free(out);
        free(plain);
        convlstm_model_free(m);
        free(json);
    }
    free(img);
}

/* Frame by frame as a whole, where nothing looks ahead. */
static void streaming(void **state)
{
    (void)state;
    float *img = help_uniform(T * H * W * C, 4);
    for (size_t k = 0; k < NETWORKS; k++) {
        char *json = json_of(networks[k]);
        convlstm_model *m = help_model(NULL, json, 5);
        bool ahead = strstr(networks[k], "mask") || strstr(networks[k], "conv3d") ||
                     strstr(networks[k], "backwards") ||
                     strstr(networks[k], "a:h"); /* the last state comes before a first frame */
        convlstm_session *s = session_of(m, false, 3), *whole = session_of(m, false, 1);
        nbase_status status = convlstm_stream_begin(s, H, W);
        assert_int_equal(status, ahead ? NBASE_ERR_UNSUPPORTED : NBASE_OK);
        size_t floats = output_floats(m);
        convlstm_model_info info;
        convlstm_model_get_info(m, &info);
        float *out = calloc(floats, sizeof *out), *latest = calloc(floats, sizeof *latest);
        for (size_t t = 0; t < T && !ahead; t++) {
            const convlstm_batch in = {img, NULL, 1, t + 1, H, W, NULL};
            size_t frame = info.output_dims == 4 ? floats / T : floats;
            assert_int_equal(convlstm_run(whole, &in, out, NULL, NULL), NBASE_OK);
            assert_int_equal(convlstm_stream_step(s, img + t * H * W * C, 1, latest), NBASE_OK);
            assert_memory_equal(latest, out + (info.output_dims == 4 ? t * frame : 0),
                                frame * sizeof *out);
        }
        free(out);
        free(latest);
        convlstm_session_free(s);
        convlstm_session_free(whole);
        convlstm_model_free(m);
        free(json);
    }
    free(img);
}

/* A training step gives the same bits for any number of threads and parts of the batch. */
static void training(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * H * W * C, 1);
    for (size_t k = 0; k < NETWORKS; k++) {
        char *json = json_of(networks[k]);
        float *weights[4] = {NULL};
        size_t count = 0;
        for (int run = 0; run < 4; run++) {
            convlstm_model *m = help_model(NULL, json, 5);
            float *labels = help_uniform(B * output_floats(m), 9);
            convlstm_trainer_options o;
            convlstm_trainer_defaults(&o, CONVLSTM_SGD);
            o.num_threads = 1 + run % 3;
            o.loss = CONVLSTM_LOSS_MSE;
            convlstm_trainer *t = NULL;
            assert_int_equal(convlstm_trainer_create(m, &o, &t, NULL), NBASE_OK);
            const convlstm_batch in = {img, masks[0], B, T, H, W, NULL};
            for (int n = 0; n < 2; n++)
                assert_int_equal(convlstm_trainer_step_batch(t, &in, labels, NULL, NULL), NBASE_OK);
            count = 0;
            for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
                const nbase_array *a = convlstm_model_tensor(m, i);
                weights[run] = realloc(weights[run], (count + a->count) * sizeof(float));
                memcpy(weights[run] + count, a->data, a->count * sizeof(float));
                count += a->count;
            }
            convlstm_trainer_free(t);
            convlstm_model_free(m);
            free(labels);
        }
        for (int run = 1; run < 4; run++)
            assert_memory_equal(weights[run], weights[0], count * sizeof(float));
        for (int run = 0; run < 4; run++) free(weights[run]);
        free(json);
    }
    free(img);
}

/* Averages of a layer that is used twice move twice in a step. */
static void moving_averages(void **state)
{
    (void)state;
    char *json = json_of(CONV " filters=2; batch_normalization name=n momentum=0.7;" CONV
                              " filters=2; batch_normalization shares=n; global_average_pool");
    convlstm_model *m = help_model(NULL, json, 5);
    float *img = help_uniform(B * T * H * W * C, 1), *labels = help_uniform(B * 2, 2);
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_SGD);
    o.loss = CONVLSTM_LOSS_MSE;
    convlstm_trainer *t = NULL;
    assert_int_equal(convlstm_trainer_create(m, &o, &t, NULL), NBASE_OK);
    ref_net *r = ref_create(m);
    const convlstm_batch in = {img, masks[0], B, T, H, W, NULL};
    ref_batch batch = {img, masks[0], labels, B, T, H, W, NULL, NULL};
    ref_loss loss = {CONVLSTM_LOSS_MSE, {1, 1}, 0};
    double outputs[B * 2];
    ref_train_loss(r, &batch, &loss, outputs, true);
    assert_int_equal(convlstm_trainer_step_batch(t, &in, labels, NULL, NULL), NBASE_OK);
    static const char *const names[] = {"n/moving_mean", "n/moving_variance"};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2; k++) {
            double expected = ref_weights(r, names[i], NULL)[k],
                   got = ((const float *)convlstm_model_find(m, names[i])->data)[k];
            if (!(fabs(got - expected) <= 1e-6))
                fail_msg("%s: %g, not %g", names[i], got, expected);
        }
    ref_free(r);
    convlstm_trainer_free(t);
    convlstm_model_free(m);
    free(labels);
    free(img);
    free(json);
}

/* ---- descriptions ---- */

static void descriptions(void **state)
{
    (void)state;
    static const struct {
        const char *layers, *words;
    } bad[] = {
        {LSTM " filters=2 name=a; add inputs=[\"a\"]",
         "inputs: expected an array of 2 to 32 names"},
        {LSTM " filters=2 name=a; add", "inputs: expected an array of 2 to 32 names"},
        {LSTM " filters=2 name=a; add inputs=[\"a\",\"b\"]", "got \"b\""},
        {LSTM " filters=2 name=a; add inputs=[\"a\",3]", "got \"no text\""},
        {"add name=b inputs=[\"input\",\"a\"];" LSTM " filters=2 name=a", "got \"a\""},
        {LSTM " filters=2 name=a; flatten inputs=[\"a\",\"a\"]", "an array of one name of layers"},
        {LSTM ALL " filters=2 name=a;" LSTM " filters=2 inputs=[\"a\",\"a:h\"]",
         "an array of one name, or of three (the sequence, h, c), of layers"},
        {LSTM ALL " filters=2 name=a;" LSTM " filters=3 inputs=[\"a\",\"a:h\",\"a:c\"]",
         "needs a frame of 7x6x3 for its state h, got a frame of 7x6x2"},
        {LSTM ALL " filters=2 name=a;" LSTM " filters=2 inputs=[\"a\",\"a:h\",\"a\"]",
         "needs a frame of 7x6x2 for its state c, got a sequence of 7x6x2"},
        {LSTM " filters=2 name=a; flatten inputs=[\"a:d\"]", "got \"a:d\""},
        {CONV " filters=2 name=a; flatten inputs=[\"a:h\"]", "got \"a:h\""},
        {LSTM " filters=2 name=a;" LSTM " filters=2 name=b inputs=[\"input\"]",
         "layer a (conv_lstm2d): no layer takes its output"},
        {LSTM " filters=2 name=a; add inputs=[\"a\",\"input\"]",
         "needs inputs of one shape, got a frame of 7x6x2 and a sequence of 7x6x2"},
        {LSTM ALL " filters=3 name=a; add inputs=[\"a\",\"input\"]",
         "got a sequence of 7x6x3 and a sequence of 7x6x2"},
        {LSTM ALL " filters=2 go_backwards=true name=a; add inputs=[\"input\",\"a\"]",
         "that runs backwards"},
        {CONV " filters=2 name=a;" CONV " filters=2 shares=b", "shares: expected the name"},
        {CONV " filters=2 name=a; dense units=2 shares=a", "of the same type, got \"a\""},
        {CONV " filters=2 name=a;" CONV " filters=3 shares=a",
         "it needs other weights than layer a has"},
        {CONV " filters=2 name=a;" CONV " filters=2 use_bias=false shares=a",
         "it needs other weights than layer a has"},
        {"mask name=a; mask", "stands behind another"},
        {LSTM " filters=2 name=a; mask", "needs a sequence, got a frame"},
        {LSTM ALL " filters=2 name=a; mask name=b; add inputs=[\"a\",\"b\"]",
         "of which one has the mask"},
        {"subtract inputs=[\"input\",\"input\",\"input\"]", "needs two inputs, got 3"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *json = json_of(bad[i].layers);
        convlstm_model *m;
        nbase_error err;
        if (!convlstm_model_create(NULL, json, 0, &m, &err)) fail_msg("taken: %s", json);
        if (!strstr(err.text, bad[i].words)) fail_msg("\"%s\", not \"%s\"", err.text, bad[i].words);
        free(json);
    }
    /* written again as it was read; a layer called "input" hides the images */
    char *json =
        json_of(LSTM ALL " filters=2 name=input; add inputs=[\"input\",\"input\"]; average "
                         "inputs=[\"add\",\"input\"]; flatten inputs=[\"lstm\"]");
    char *end = strstr(json, ",{\"type\":\"flatten\"");
    strcpy(end, "]}");
    convlstm_model *m = help_model(NULL, json, 1), *again;
    assert_non_null(strstr(convlstm_model_json(m), "\"inputs\":[\"add\",\"input\"]"));
    assert_null(strstr(convlstm_model_json(m), "conv_lstm2d\",\"name\":\"input\",\"inputs\""));
    assert_int_equal(convlstm_model_create(NULL, convlstm_model_json(m), 0, &again, NULL),
                     NBASE_OK);
    assert_string_equal(convlstm_model_json(m), convlstm_model_json(again));
    convlstm_model_free(again);
    convlstm_model_free(m);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions),   cmocka_unit_test(same_bits), cmocka_unit_test(streaming),
        cmocka_unit_test(training),       cmocka_unit_test(inference), cmocka_unit_test(gradients),
        cmocka_unit_test(moving_averages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
