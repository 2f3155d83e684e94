/* Networks of several inputs: gradients by finite differences, the same bits for any number of
 * threads, in batches and in streams, and what a description of inputs may say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "grad_check.h"
#include "model/session.h"

#define LSTM " conv_lstm2d padding=same recurrent_activation=sigmoid kernel_size=3"
#define ALL " return_sequences=true"
#define BCE .loss = {CONVLSTM_LOSS_BCE, {1, 1}, 0}
#define MSE .loss = {CONVLSTM_LOSS_MSE, {1, 1}, 0}

/* Two cameras of one size, or of two, and what a sensor measured at each frame. */
#define PAIR                                                                                       \
    "\"inputs\":[{\"name\":\"left\",\"height\":6,\"width\":5,\"channels\":2},"                     \
    "{\"name\":\"right\",\"height\":6,\"width\":5,\"channels\":1}]"
#define THREE                                                                                      \
    "\"inputs\":[{\"name\":\"left\",\"height\":6,\"width\":8,\"channels\":2},"                     \
    "{\"name\":\"right\",\"height\":3,\"width\":4,\"channels\":3},"                                \
    "{\"name\":\"sensor\",\"channels\":4}]"
#define FIXED                                                                                      \
    "\"inputs\":[{\"name\":\"sensor\",\"channels\":3,\"frames\":5},"                               \
    "{\"name\":\"film\",\"height\":4,\"width\":5,\"channels\":1,\"frames\":5}]"

static const grad_case cases[] = {
    {.name = "two inputs, one cell",
     .height = 6,
     .width = 5,
     BCE,
     .inputs = PAIR,
     .layers = "concatenate inputs=[\"right\",\"left\"];" LSTM
               " filters=3; flatten; dense units=2 activation=sigmoid"},
    {.name = "a cell for each input, of shared weights, before they are merged",
     .height = 6,
     .width = 5,
     MSE,
     .inputs = PAIR,
     .layers =
         LSTM ALL " filters=2 name=a inputs=[\"left\"];"
                  "conv2d filters=2 kernel_size=2 padding=same name=w inputs=[\"right\"];" LSTM ALL
                  " filters=2 name=b shares=a;"
                  "multiply inputs=[\"a\",\"b\"]; batch_normalization"},
    {.name = "three inputs of other sizes, one of vectors",
     .height = 6,
     .width = 8,
     BCE,
     .inputs = THREE,
     .layers = LSTM ALL
     " filters=3 name=a inputs=[\"left\"];"
     "batch_normalization name=n inputs=[\"right\"];" LSTM ALL " filters=2 name=b;"
     "up_sampling2d size=2 name=u; concatenate inputs=[\"u\",\"a\"] name=both;" LSTM
     " filters=2; global_average_pool name=g;"
     "dense units=3 activation=tanh name=v inputs=[\"sensor\"]; global_average_pool name=m;"
     "concatenate inputs=[\"g\",\"m\"]; dense units=2 activation=sigmoid"},
    {.name = "vectors first, masks that hold later, a number of frames",
     .height = 1,
     .width = 1,
     MSE,
     .inputs = FIXED,
     .layers =
         "conv3d filters=2 kernel_size=[3,2,2] padding=same name=c inputs=[\"film\"]; mask;" LSTM
         " filters=2; global_max_pool name=f; mask name=k inputs=[\"sensor\"];"
         "dense units=4 activation=elu; global_average_pool name=s;"
         "concatenate inputs=[\"f\",\"s\"]; dense units=2"},
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

/* ---- bits ---- */

#define B 3
#define T 5
static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1}, {0, 1, 0, 1, 1}, {0, 0, 1, 0, 0}};

static convlstm_model *model_of(const grad_case *c)
{
    char *json = grad_network_of(c->inputs, c->layers);
    convlstm_model *m = help_model(NULL, json, 5);
    free(json);
    return m;
}

static size_t frame_floats(const convlstm_model *m)
{
    convlstm_input last;
    assert_int_equal(convlstm_model_input(m, convlstm_model_input_count(m) - 1, &last), NBASE_OK);
    return last.before + last.floats;
}

static convlstm_session *session_of(const convlstm_model *m, int threads)
{
    convlstm_session *s = NULL;
    nbase_error err;
    if (convlstm_session_create(m, &(convlstm_session_options){.num_threads = threads}, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

/* The items of a batch, alone and together, on any number of threads. */
static void same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const grad_case *c = &cases[i];
        convlstm_model *m = model_of(c);
        convlstm_output o;
        assert_int_equal(convlstm_model_output(m, 0, T, c->height, c->width, &o, NULL), NBASE_OK);
        size_t floats = frame_floats(m);
        float *img = help_uniform(B * T * floats, 3), *all = calloc(B * o.floats, sizeof *all),
              *one = calloc(o.floats, sizeof *one);
        const convlstm_batch in = {img, masks[0], B, T, c->height, c->width, NULL};
        for (int threads = 1; threads < 5; threads++) {
            convlstm_session *s = session_of(m, threads);
            assert_int_equal(convlstm_run(s, &in, all, NULL, NULL), NBASE_OK);
            for (size_t b = 0; b < B; b++) {
                const convlstm_batch alone = {
                    img + b * T * floats, masks[b], 1, T, c->height, c->width, NULL};
                assert_int_equal(convlstm_run(s, &alone, one, NULL, NULL), NBASE_OK);
                assert_memory_equal(one, all + b * o.floats, o.floats * sizeof *one);
            }
            convlstm_session_free(s);
        }
        free(img);
        free(all);
        free(one);
        convlstm_model_free(m);
    }
}

/* A frame of all inputs at a time. */
static void streams(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i += 2) {
        const grad_case *c = &cases[i];
        convlstm_model *m = model_of(c);
        size_t floats = frame_floats(m);
        float *img = help_uniform(T * floats, 4), whole[2], streamed[2];
        convlstm_session *s = session_of(m, 2);
        assert_int_equal(convlstm_stream_begin(s, c->height, c->width), NBASE_OK);
        for (size_t t = 0; t < T; t++) {
            const convlstm_batch in = {img, masks[1], 1, t + 1, c->height, c->width, NULL};
            nbase_status status = convlstm_stream_step(s, img + t * floats, masks[1][t], streamed);
            assert_int_equal(convlstm_run(s, &in, whole, NULL, NULL), status);
            if (!status) assert_memory_equal(whole, streamed, sizeof whole);
        }
        convlstm_session_free(s);
        convlstm_model_free(m);
        free(img);
    }
}

/* ---- descriptions ---- */

static void described(void **state)
{
    (void)state;
    convlstm_model *m = model_of(&cases[2]), *again;
    convlstm_model_info info;
    convlstm_input in;
    convlstm_model_get_info(m, &info);
    assert_int_equal(info.channels, 0);
    assert_int_equal(info.any_size, 0);
    assert_int_equal(info.layers, 11);
    assert_int_equal(convlstm_model_input_count(m), 3);
    assert_int_equal(convlstm_model_input(m, 1, &in), NBASE_OK);
    assert_string_equal(in.name, "right");
    assert_int_equal(in.before, 6 * 8 * 2);
    assert_int_equal(in.floats, 3 * 4 * 3);
    assert_int_equal(convlstm_model_input(m, 2, &in), NBASE_OK);
    assert_int_equal(in.dims, 2);
    assert_int_equal(convlstm_model_input(m, 3, &in), NBASE_ERR_ARG);
    assert_int_equal(convlstm_model_create(NULL, convlstm_model_json(m), 5, &again, NULL),
                     NBASE_OK);
    assert_string_equal(convlstm_model_json(m), convlstm_model_json(again));
    convlstm_model_free(again);
    convlstm_model_free(m);
    m = help_model(NULL,
                   "{\"format\":1,\"input\":{\"height\":4,\"width\":5,\"channels\":2},"
                   "\"layers\":[{\"type\":\"global_average_pool\"}]}",
                   0);
    assert_int_equal(convlstm_model_input_count(m), 1);
    assert_int_equal(convlstm_model_input(m, 0, &in), NBASE_OK);
    assert_string_equal(in.name, "input");
    assert_int_equal(in.floats, 40);
    convlstm_model_free(m);
}

#define A "{\"name\":\"a\",\"channels\":2}"
#define F "{\"name\":\"f\",\"height\":2,\"width\":3,\"channels\":1}"
#define POOL "{\"type\":\"global_average_pool\",\"inputs\":[\"f\"],\"name\":\"p\"}"
#define BOTH POOL ",{\"type\":\"global_average_pool\",\"inputs\":[\"a\"],\"name\":\"q\"}"

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } bad[] = {
        {"\"inputs\":[" A "],\"layers\":[" POOL "]", "array of 2 to 16 inputs"},
        {"\"inputs\":7,\"layers\":[" POOL "]", "array of 2 to 16 inputs"},
        {"\"inputs\":[" A "," A "],\"layers\":[" POOL "]", "each name once"},
        {"\"inputs\":[" A ",{\"channels\":2}],\"layers\":[" POOL "]", "inputs: 1: name"},
        {"\"inputs\":[" A "," F "],\"input\":{\"height\":2,\"width\":3,\"channels\":1},"
         "\"layers\":[" POOL "]",
         "both there"},
        {"\"inputs\":[" A ",{\"name\":\"f\",\"height\":2,\"channels\":1}],\"layers\":[" POOL "]",
         "width being a whole number"},
        {"\"inputs\":[" A ",{\"name\":\"f\",\"channels\":0}],\"layers\":[" POOL "]",
         "input f: expected \"channels\""},
        {"\"inputs\":[" A ",{\"name\":\"f\",\"channels\":1,\"colour\":1}],\"layers\":[" POOL "]",
         "input f: an unknown member"},
        {"\"inputs\":[" A ",{\"name\":\"f\",\"channels\":1,\"frames\":4}],\"layers\":[" POOL "]",
         "all inputs have the same, 0, got 4"},
        {"\"inputs\":[" A "," F "],\"layers\":[" POOL "]", "layer a (input): no layer takes"},
        {"\"inputs\":[" A "," F "],\"layers\":[{\"type\":\"global_average_pool\"}]",
         "expected the name of the one that this layer takes"},
        {"\"inputs\":[" A "," F "],\"layers\":[{\"type\":\"global_average_pool\",\"inputs\":"
         "[\"input\"]}]",
         "got \"input\""},
        {"\"inputs\":[" A "," F "],\"layers\":[" BOTH "],\"outputs\":[\"p\",\"a\"]", "got \"a\""},
        {"\"inputs\":[" A "," F "],\"layers\":[{\"type\":\"input\",\"name\":\"z\"}]",
         "unknown type \"input\""},
        {"\"inputs\":[" A "," F "],\"layers\":[{\"type\":\"dropout\",\"rate\":0.5,\"name\":\"a\","
         "\"inputs\":[\"f\"]}]",
         "the name \"a\" is used twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[700];
        convlstm_model *m;
        nbase_error err;
        snprintf(json, sizeof json, "{\"format\":1,%s}", bad[i].json);
        if (!convlstm_model_create(NULL, json, 0, &m, &err)) fail_msg("taken: %s", json);
        if (!strstr(err.text, bad[i].words)) fail_msg("\"%s\", not \"%s\"", err.text, bad[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(inference),
                                       cmocka_unit_test(same_bits), cmocka_unit_test(streams),
                                       cmocka_unit_test(described), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
