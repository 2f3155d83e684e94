/* Inference plans: what runs fused in the presets and in networks of other kinds, in which stages
 * and waves; and that a plan changes no bit of the result. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "model/build.h"
#include "model/session.h"

#define H 9
#define W 10

#define NETWORK(layers)                                                                            \
    "{\"format\":1,\"name\":\"t\",\"input\":{\"height\":9,\"width\":10,\"channels\":3},"           \
    "\"crop\":\"\",\"labels\":[],\"layers\":[" layers "]}"
#define LSTM(filters, more)                                                                        \
    "{\"type\":\"conv_lstm2d\",\"filters\":" filters ",\"kernel_size\":3,\"padding\":\"same\","    \
    "\"recurrent_activation\":\"hard_sigmoid_k2\",\"return_sequences\":true" more "}"
#define LSTM_LAST                                                                                  \
    "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":3,\"padding\":\"same\","              \
    "\"recurrent_activation\":\"hard_sigmoid_k2\"}"
#define NORM "{\"type\":\"batch_normalization\"}"
#define CONV "{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":3,\"padding\":\"same\"}"
#define CONV3D "{\"type\":\"conv3d\",\"filters\":2,\"kernel_size\":3,\"padding\":\"same\"}"
#define DROPOUT "{\"type\":\"dropout\",\"rate\":0.5}"
#define POOL "{\"type\":\"global_average_pool\"}"

/* ---- what is in a plan ---- */

static convlstm__backend_choice winograd(void)
{
    convlstm__backend_choice choice = convlstm__backend_default();
    choice.backend = CONVLSTM__BACKEND_WINOGRAD;
    return choice;
}

static convlstm__backend_choice general(void)
{
    return (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_GENERAL, .isa = NBASE_ISA_REF};
}

static convlstm__backend_choice direct(void)
{
    return (convlstm__backend_choice){
        .backend = CONVLSTM__BACKEND_DIRECT, .isa = NBASE_ISA_REF, .bf16 = true};
}

/* A model, its net and its plan. */
typedef struct planned {
    convlstm_model *model;
    convlstm__net *net;
    convlstm__plan *plan;
} planned;

static planned plan_of(const char *json, convlstm__backend_choice choice)
{
    planned p = {.model = help_model(NULL, json, 3)};
    assert_int_equal(convlstm__net_create(p.model, choice, H, W, &p.net, NULL), NBASE_OK);
    assert_int_equal(convlstm__plan_create(p.net, &p.plan), NBASE_OK);
    return p;
}

static void free_planned(planned *p)
{
    convlstm__plan_free(p->plan);
    convlstm__net_free(p->net);
    convlstm_model_free(p->model);
}

/* "frames 0-3, once 3-9" */
static void check_stages(const convlstm__plan *plan, const char *expected)
{
    static const char *const kinds[] = {"frames", "whole", "once"};
    char text[200] = "";
    for (size_t k = 0; k < plan->stage_count; k++) {
        const convlstm__stage *stage = &plan->stages[k];
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %zu-%zu", k ? ", " : "", kinds[stage->kind],
                 stage->first, stage->end);
    }
    assert_string_equal(text, expected);
}

/* Memory in a lane: aligned, one behind the other, none for what does nothing. */
static void check_memory(const convlstm__plan *plan)
{
    size_t end = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        const convlstm__plan_step *step = &plan->steps[i];
        const convlstm__node *n = step->node;
        assert_int_equal(step->memory, end);
        assert_int_equal(step->memory * sizeof(float) % NBASE_ALIGN, 0);
        assert_true(plan->scratch_bytes >= n->scratch_bytes);
        if (step->operation == CONVLSTM__FOLDED || step->operation == CONVLSTM__WHOLE) continue;
        size_t floats = nbase__round_up(n->lane_floats, NBASE_ALIGN / sizeof(float));
        bool two = n->out.rank == CONVLSTM__SEQUENCE && !n->ops->state.begin;
        assert_int_equal(step->place_floats, two ? floats : 0);
        end += floats + step->place_floats;
    }
    assert_int_equal(plan->lane_floats, end);
}

/* The steps as convlstm__plan_text begins, without their number; null ends them. */
static void check(const char *json, convlstm__backend_choice choice, const char *stages,
                  const char *const *steps)
{
    planned p = plan_of(json, choice);
    for (size_t i = 0; i < p.plan->step_count; i++) {
        char text[CONVLSTM__PLAN_TEXT], expected[CONVLSTM__PLAN_TEXT];
        convlstm__plan_text(p.plan, i, text);
        if (!*steps) fail_msg("one step more than expected: %s", text);
        snprintf(expected, sizeof expected, "step %zu: %s, memory ", i, *steps++);
        if (strncmp(text, expected, strlen(expected)) != 0)
            fail_msg("expected \"%s\", got \"%s\"", expected, text);
    }
    if (*steps) fail_msg("missing: %s", *steps);
    check_stages(p.plan, stages);
    check_memory(p.plan);
    free_planned(&p);
}

#define CHECK(json, choice, stages, ...)                                                           \
    check(json, choice, stages, (const char *const[]){__VA_ARGS__, NULL})

static void presets(void **state)
{
    (void)state;
    char *flat = help_preset("skincredible", H, W, NULL),
         *gap = help_preset("skincredible-gap", H, W, NULL);
    CHECK(flat, winograd(), "frames 0-4, once 4-10",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: first of a pair with conv_lstm2d_1; input step 0, lag 0 (in a team 1)",
          "batch_normalization: folded into conv_lstm2d_1; input step 1, lag 0 (in a team 1)",
          "conv_lstm2d_1: second of a pair with conv_lstm2d; input step 1, lag 1 (in a team 2)",
          "batch_normalization_1: alone; input step 3, lag 0 (in a team 0)",
          "flatten: alone; input step 4, lag 0 (in a team 0)",
          "dense: alone; input step 5, lag 0 (in a team 0)",
          "dense (activation): alone; input step 6, lag 0 (in a team 0)",
          "dense_1: alone; input step 7, lag 0 (in a team 0)",
          "dense_1 (activation): alone; input step 8, lag 0 (in a team 0)");
    CHECK(gap, general(), "frames 0-3, once 3-9",
          "conv_lstm2d: alone; input images, lag 0 (in a team 0)",
          "batch_normalization: alone; input step 0, lag 0 (in a team 1)",
          "conv_lstm2d_1: alone; input step 1, lag 0 (in a team 2)",
          "batch_normalization_1: alone; input step 2, lag 0 (in a team 0)",
          "global_average_pool: alone; input step 3, lag 0 (in a team 0)",
          "dense: alone; input step 4, lag 0 (in a team 0)",
          "dense (activation): alone; input step 5, lag 0 (in a team 0)",
          "dense_1: alone; input step 6, lag 0 (in a team 0)",
          "dense_1 (activation): alone; input step 7, lag 0 (in a team 0)");
    free(flat);
    free(gap);
}

/* Layers in bfloat16 are pairs, too, unless the second has so few channels that it takes them
 * spread. */
static void bfloat16(void **state)
{
    (void)state;
    char *flat = help_preset("skincredible", H, W, NULL);
    CHECK(NETWORK(LSTM("6", "") "," NORM "," LSTM_LAST "," POOL), direct(), "frames 0-4, once 4-5",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: first of a pair with conv_lstm2d_1; input step 0, lag 0 (in a team 1)",
          "batch_normalization: folded into conv_lstm2d_1; input step 1, lag 0 (in a team 1)",
          "conv_lstm2d_1: second of a pair with conv_lstm2d; input step 1, lag 1 (in a team 2)",
          "global_average_pool: alone; input step 3, lag 0 (in a team 0)");
    /* three filters: the second layer takes them spread */
    CHECK(flat, direct(), "frames 0-5, once 5-11",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: with its map batch_normalization; input step 0, lag 0 (in a team 1)",
          "batch_normalization: written by conv_lstm2d; input step 1, lag 0 (in a team 1)",
          "conversion: alone; input step 2, lag 0 (in a team 2)",
          "conv_lstm2d_1: alone; input step 3, lag 0 (in a team 3)",
          "batch_normalization_1: alone; input step 4, lag 0 (in a team 0)",
          "flatten: alone; input step 5, lag 0 (in a team 0)",
          "dense: alone; input step 6, lag 0 (in a team 0)",
          "dense (activation): alone; input step 7, lag 0 (in a team 0)",
          "dense_1: alone; input step 8, lag 0 (in a team 0)",
          "dense_1 (activation): alone; input step 9, lag 0 (in a team 0)");
    free(flat);
}

/* Two layers are a pair if nothing is computed between them but a map. */
static void pairs(void **state)
{
    (void)state;
    CHECK(NETWORK(LSTM("3", "") "," DROPOUT "," LSTM_LAST), winograd(), "frames 0-3, once 3-4",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: first of a pair with conv_lstm2d_1; input step 0, lag 0 (in a team 1)",
          "conv_lstm2d_1: second of a pair with conv_lstm2d; input step 1, lag 1 (in a team 2)",
          "conversion: alone; input step 2, lag 0 (in a team 0)");
    CHECK(NETWORK(LSTM("3", "") "," CONV "," LSTM_LAST), winograd(), "frames 0-6, once 6-7",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: alone; input step 0, lag 0 (in a team 1)",
          "conversion: alone; input step 1, lag 0 (in a team 2)",
          "conv2d: alone; input step 2, lag 0 (in a team 3)",
          "conversion: alone; input step 3, lag 0 (in a team 4)",
          "conv_lstm2d_1: alone; input step 4, lag 0 (in a team 5)",
          "conversion: alone; input step 5, lag 0 (in a team 0)");
    /* Of three the last has nobody left. */
    CHECK(NETWORK(LSTM("3", "") "," LSTM("3", "") "," LSTM("3", "")), winograd(), "frames 0-5",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: first of a pair with conv_lstm2d_1; input step 0, lag 0 (in a team 1)",
          "conv_lstm2d_1: second of a pair with conv_lstm2d; input step 1, lag 1 (in a team 2)",
          "conv_lstm2d_2: alone; input step 2, lag 1 (in a team 3)",
          "conversion: alone; input step 3, lag 1 (in a team 4)");
}

/* A map that no pair folds in is written by the layer before it; not by the second of a pair. */
static void maps(void **state)
{
    (void)state;
    CHECK(NETWORK(LSTM("3", "") "," NORM "," CONV), winograd(), "frames 0-5",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: with its map batch_normalization; input step 0, lag 0 (in a team 1)",
          "batch_normalization: written by conv_lstm2d; input step 1, lag 0 (in a team 1)",
          "conversion: alone; input step 2, lag 0 (in a team 2)",
          "conv2d: alone; input step 3, lag 0 (in a team 3)");
    CHECK(NETWORK(LSTM("3", "") "," NORM "," LSTM("3", "") "," NORM), winograd(), "frames 0-6",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: first of a pair with conv_lstm2d_1; input step 0, lag 0 (in a team 1)",
          "batch_normalization: folded into conv_lstm2d_1; input step 1, lag 0 (in a team 1)",
          "conv_lstm2d_1: second of a pair with conv_lstm2d; input step 1, lag 1 (in a team 2)",
          "batch_normalization_1: alone; input step 3, lag 1 (in a team 3)",
          "conversion: alone; input step 4, lag 1 (in a team 4)");
}

/* Nodes that look ahead part a plan into stages, and pairs do not reach over them. */
static void stages(void **state)
{
    (void)state;
    CHECK(NETWORK(LSTM("3", "") "," LSTM("2", ",\"go_backwards\":true") "," POOL), winograd(),
          "frames 0-3, whole 3-4, frames 4-7",
          "conversion: alone; input images, lag 0 (in a team 0)",
          "conv_lstm2d: alone; input step 0, lag 0 (in a team 1)",
          "conversion: alone; input step 1, lag 0 (in a team 2)",
          "conv_lstm2d_1 (reverse): whole sequence; input step 2, lag 0 (in a team 0)",
          "conversion: alone; input step 3, lag 0 (in a team 0)",
          "conv_lstm2d_1: alone; input step 4, lag 0 (in a team 1)",
          "global_average_pool: alone; input step 5, lag 0 (in a team 2)");
    CHECK(NETWORK(CONV3D "," CONV3D), general(), "frames 0-0, whole 0-1, frames 1-1, whole 1-2",
          "conv3d: whole sequence; input images, lag 0 (in a team 0)",
          "conv3d_1: whole sequence; input step 0, lag 0 (in a team 0)");
}

/* ---- what a plan must not change ---- */

#define B 3
#define T 5
static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1}, {0, 1, 0, 0, 1}, {0, 0, 1, 0, 0}};

static void predict(const convlstm_model *m, bool unfused, int threads, const float *img,
                    float *out)
{
    convlstm__backend_choice choice = winograd();
    choice.unfused = unfused;
    convlstm_session *s = NULL;
    assert_int_equal(convlstm__session_create(
                         m, &(convlstm_session_options){.num_threads = threads}, choice, &s, NULL),
                     NBASE_OK);
    const convlstm_batch in = {
        .img = img, .mask = masks[0], .batch = B, .frames = T, .height = H, .width = W};
    assert_int_equal(convlstm_run(s, &in, out, NULL, NULL), NBASE_OK);
    convlstm_session_free(s);
}

/* The largest difference between a network run node by node by one thread, and fused or not by 1 to
 * 4
 * threads: with 1 each item alone, with 2 some of them in a team, with 4 all. */
static double worst_difference(const char *json)
{
    convlstm_model *m = help_model(NULL, json, 5);
    size_t shape[4], floats = B;
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    assert_int_equal(convlstm_model_output_shape(m, T, H, W, shape, NULL), NBASE_OK);
    for (int d = 0; d < info.output_dims; d++) floats *= shape[d];
    float *img = help_uniform(B * T * H * W * 3, 1), *plain = calloc(floats, sizeof *plain),
          *out = calloc(floats, sizeof *out);
    predict(m, true, 1, img, plain);
    double worst = 0, largest = 0;
    for (int k = 0; k < 8; k++) {
        predict(m, k % 2, 1 + k / 2, img, out);
        for (size_t i = 0; i < floats; i++) worst = fmax(worst, fabs(plain[i] - out[i]));
    }
    for (size_t i = 0; i < floats; i++) largest = fmax(largest, fabs(plain[i]));
    assert_true(largest > 0);
    free(img);
    free(plain);
    free(out);
    convlstm_model_free(m);
    return worst;
}

static void same_bits(void **state)
{
    (void)state;
    static const char *const networks[] = {
        NETWORK(LSTM("3", "") "," LSTM_LAST),
        NETWORK(LSTM("3", "") "," DROPOUT "," LSTM("4", "")),
        NETWORK(LSTM("3", "") "," LSTM("3", "") "," LSTM("3", "")),
        NETWORK(LSTM("3", "") "," NORM "," CONV),
        NETWORK(LSTM("3", "") "," NORM "," POOL),
        NETWORK(LSTM("3", "") "," NORM "," LSTM("2", ",\"go_backwards\":true") "," NORM),
        NETWORK(CONV3D "," LSTM("3", "") "," LSTM("2", "") "," CONV3D),
    };
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (worst_difference(networks[i]) != 0) fail_msg("not the same bits: %s", networks[i]);
}

/* Weights with a map folded in are rounded once more. */
static void folded_map(void **state)
{
    (void)state;
    double worst = worst_difference(NETWORK(LSTM("3", "") "," NORM "," LSTM("2", "")));
    printf("a folded map differs by %.1e\n", worst);
    assert_true(worst > 0 && worst < 2e-6);
}

/* A plan that runs out of memory leaves nothing behind. */
static void no_memory(void **state)
{
    (void)state;
    for (size_t fail_at = 1;; fail_at++) {
        help_memory memory = {0};
        nbase_env env = help_env(&memory);
        convlstm_model *m = help_model(&env, NETWORK(LSTM("3", "") "," NORM "," LSTM("2", "")), 3);
        convlstm__net *net;
        convlstm__plan *plan = NULL;
        assert_int_equal(convlstm__net_create(m, winograd(), H, W, &net, NULL), NBASE_OK);
        memory.fail_at = memory.calls + fail_at;
        nbase_status status = convlstm__plan_create(net, &plan);
        assert_true(status == NBASE_OK || status == NBASE_ERR_NOMEM);
        assert_int_equal(status == NBASE_OK, plan != NULL);
        memory.fail_at = 0;
        convlstm__plan_free(plan);
        convlstm__net_free(net);
        convlstm_model_free(m);
        assert_int_equal(memory.live, 0);
        if (!status) break;
        assert_true(fail_at < 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets),    cmocka_unit_test(bfloat16),  cmocka_unit_test(pairs),
        cmocka_unit_test(maps),       cmocka_unit_test(stages),    cmocka_unit_test(same_bits),
        cmocka_unit_test(folded_map), cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
