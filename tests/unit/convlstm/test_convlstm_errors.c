/* Networks that cannot be, and calls that a network cannot answer: errors say layer, what, expected
 * and got. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "network_json.h"

#define H 8
#define W 7
#define FRAME (H * W * 2)

/* Where the number of frames is not fixed, sequences of which nothing would be left. */
static void short_sequences(void **state)
{
    (void)state;
    convlstm_model *m =
        help_model(NULL, NET({"type" : "cropping3d", "cropping" : [ 2, 1, 0, 0, 0, 0 ]}, LAST), 7);
    convlstm_session *s;
    nbase_error err;
    float *img = help_uniform(4 * FRAME, 1), out[8 * 7 * 2];
    size_t shape[4];
    assert_int_equal(convlstm_model_output_shape(m, 3, H, W, shape, &err), NBASE_ERR_SHAPE);
    assert_non_null(
        strstr(err.text, "layer cropping3d (cropping3d): of sequences of 3 frames none"));
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    assert_int_equal(
        convlstm_run(s, &(convlstm_batch){img, NULL, 1, 3, H, W, NULL}, out, NULL, NULL),
        NBASE_ERR_SHAPE);
    assert_int_equal(
        convlstm_run(s, &(convlstm_batch){img, NULL, 1, 4, H, W, NULL}, out, NULL, NULL), NBASE_OK);
    convlstm_session_free(s);
    convlstm_model_free(m);
    free(img);
}

static void networks(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *json;
        nbase_status status;
        const char *text;
    } cases[] = {
        {NET({"type": "conv2d", "kernel_size": 3}), NBASE_ERR_FORMAT,
         "layer conv2d (conv2d): member \"filters\" is missing"},
        {NET({"type": "flatten"}), NBASE_ERR_SHAPE, "layer flatten (flatten): needs a frame"},
        {NET(LAST, {"type": "conv3d", "filters": 1, "kernel_size": 3, "padding": "same"}),
         NBASE_ERR_SHAPE, "needs a sequence of frames, got a frame of 8x7x2"},
        {NET(LAST, {"type": "max_pool3d"}), NBASE_ERR_SHAPE,
         "needs a sequence of frames, got a frame of 8x7x2"},
        {NET({"type": "cropping3d", "cropping": [1, 2, 3]}), NBASE_ERR_FORMAT,
         "cropping: expected one or six whole numbers"},
        {NET({"type": "repeat_vector", "n": 3}), NBASE_ERR_SHAPE,
         "needs a vector, got a sequence of 8x7x2"},
        {JSON({"format": 1, "input": {"height": 8, "width": 7, "channels": 2, "frames": 3},
               "layers": [{"type": "conv3d", "filters": 1, "kernel_size": [4, 1, 1],
                           "padding": "valid"}]}),
         NBASE_ERR_SHAPE, "of 3 frames none are left"},
        {NET({"type": "max_pool3d", "name": "p"}, {"type": "add", "inputs": ["p", "p"]},
             {"type": "up_sampling3d"},
             {"type": "concatenate", "inputs": ["input", "up_sampling3d"]}),
         NBASE_ERR_SHAPE, "needs inputs of one shape"},
        {NET({"type": "conv3d", "filters": 1, "kernel_size": [1, 2], "padding": "same"}),
         NBASE_ERR_FORMAT,
         "kernel_size: expected one or three whole numbers from 1 to 255, got an array"},
        {NET({"type": "conv2d", "filters": 1, "kernel_size": 9}), NBASE_ERR_SHAPE,
         "a 9x9 kernel dilated 1x1 does not fit into a sequence of 8x7x2"},
        {NET({"type": "dropout", "rate": 1.5}), NBASE_ERR_FORMAT,
         "layer dropout: rate: expected a number from 0 to 0.999, got 1.5"},
        {NET({"type": "conv_lstm2d", "filters": 2, "kernel_size": 3,
              "recurrent_activation": "sigmoid", "peepholes": "row"}),
         NBASE_ERR_UNSUPPORTED,
         "peepholes: expected one of none, channel, pixel, got \"row\""},
        {NET(LAST, {"type": "max_pool2d", "pool_size": [9, 9]}), NBASE_ERR_SHAPE,
         "does not fit into a frame of 8x7x2"},
        {NET({"type": "conv2d", "filters": 1, "kernel_size": 1},
             {"type": "batch_normalization", "mode": "compat_keras3"}),
         NBASE_ERR_UNSUPPORTED,
         "mode compat_keras3 on a sequence needs a conv_lstm2d before it, got conv2d"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        convlstm_model *m = NULL;
        nbase_error err = {NBASE_OK, ""};
        assert_int_equal(convlstm_model_create(NULL, cases[i].json, 1, &m, &err), cases[i].status);
        if (!strstr(err.text, cases[i].text))
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, err.text, cases[i].text);
        assert_null(m);
    }
}

static void calls(void **state)
{
    (void)state;
    convlstm_session *s;
    nbase_error err;
    convlstm_model *idle = help_model(NULL, NET({"type" : "dropout", "rate" : 0.5}), 1);
    assert_int_equal(convlstm_session_create(idle, NULL, &s, &err), NBASE_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "computes"));
    convlstm_model_free(idle);
    convlstm_model *m = help_model(NULL, NET(EACH), 1);
    convlstm_trainer_options o;
    convlstm_trainer *t;
    convlstm_trainer_defaults(&o, CONVLSTM_SGD);
    assert_int_equal(convlstm_trainer_create(m, &o, &t, &err), NBASE_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "mse, mae and huber take any network"));
    float out[2 * FRAME], *img = help_uniform(FRAME, 1);
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    assert_int_equal(convlstm_predict(s, img, NULL, 1, 1, H, W, out, NULL), NBASE_ERR_UNSUPPORTED);
    assert_non_null(strstr(convlstm_session_error(s), "convlstm_run"));
    convlstm_session_free(s);
    convlstm_model_free(m);
    free(img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_sequences),
                                       cmocka_unit_test(networks), cmocka_unit_test(calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
