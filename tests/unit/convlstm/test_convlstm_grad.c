/* Gradients of every weight against finite differences of a reference in double precision, and the
 * forward pass with them: masks with holes, the losses, both modes of BatchNormalization,
 * activations, kernel shapes, and both presets at a small size. More layers:
 * test_convlstm_grad_layers.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grad_check.h"

/* Networks in short: `layers` is the inside of the JSON array. */
#define NET(h, w, c, layers)                                                                       \
    "{\"format\":1,\"input\":{\"height\":" #h ",\"width\":" #w ",\"channels\":" #c                 \
    "},\"layers\":[" layers "]}"
#define LSTM(filters, kernel, more)                                                                \
    "{\"type\":\"conv_lstm2d\",\"filters\":" #filters ",\"kernel_size\":" #kernel                  \
    ",\"padding\":\"same\",\"recurrent_activation\":\"sigmoid\"" more "}"
#define SEQUENCES ",\"return_sequences\":true"
#define END ",{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\"}"
#define BN ",{\"type\":\"batch_normalization\"},"

#define PLAIN {1, 1}, 0

static const grad_case cases[] = {
    {"flatten bce masked",
     "skincredible",
     NULL,
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     "masked",
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"flatten bce compat",
     "skincredible",
     NULL,
     4,
     5,
     {CONVLSTM_LOSS_BCE, PLAIN},
     "compat_tf22",
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"gap softmax masked",
     "skincredible-gap",
     NULL,
     5,
     4,
     {CONVLSTM_LOSS_SOFTMAX, {0.7, 1.9}, 0.1},
     "masked",
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"gap compat compat",
     "skincredible-gap",
     NULL,
     4,
     4,
     {CONVLSTM_LOSS_COMPAT_TF22, {2, 0.5}, 0.2},
     "compat_tf22",
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    /* epsilon is ten times the default: Dense's three outputs vary so little that with 0.001
     * BatchNormalization multiplies their gradients by 31 before the bias adds them up to a
     * fiftieth; what rounding of single floats leaves of that is 1 to 3e-5, on any processor. */
    {"sigmoid gates, 2x4 kernel, relu",
     NULL,
     "{\"format\":1,\"input\":{\"height\":7,\"width\":6,\"channels\":2},\"layers\":["
     "{\"type\":\"conv_lstm2d\",\"filters\":3,\"kernel_size\":[2,4],\"padding\":\"same\","
     "\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true},"
     "{\"type\":\"activation\",\"activation\":\"relu\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":3,\"padding\":\"same\",\"strides\":2,"
     "\"recurrent_activation\":\"hard_sigmoid_k3\",\"use_bias\":false},"
     "{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},{\"type\":"
     "\"batch_normalization\",\"epsilon\":0.01},"
     "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\",\"use_bias\":false}]}",
     7,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"dilation, valid, three recurrent layers",
     NULL,
     "{\"format\":1,\"input\":{\"height\":9,\"width\":8,\"channels\":1},\"layers\":[{\"type\":"
     "\"batch_normalization\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":[3,2],\"padding\":\"same\","
     "\"dilation_rate\":[2,1],\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true},"
     "{\"type\":\"batch_normalization\"},{\"type\":\"batch_normalization\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":3,\"kernel_size\":[3,3],\"padding\":\"valid\","
     "\"recurrent_activation\":\"hard_sigmoid_k2\",\"return_sequences\":true},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":[1,1],\"recurrent_activation\":"
     "\"sigmoid\",\"activation\":\"linear\"},"
     "{\"type\":\"activation\",\"activation\":\"softmax\"},{\"type\":\"global_average_pool\"},"
     "{\"type\":\"dense\",\"units\":2},{\"type\":\"activation\",\"activation\":\"softmax\"}]}",
     9,
     8,
     {CONVLSTM_LOSS_SOFTMAX, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"peepholes of channels, initial state",
     NULL,
     NET(5, 6, 2,
         LSTM(3, 3, SEQUENCES ",\"peepholes\":\"channel\"") BN LSTM(
             2, 2, ",\"peepholes\":\"channel\",\"use_bias\":false,\"activation\":\"leaky_relu\"")
             END),
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     true,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"peepholes of pixels, strides",
     NULL,
     NET(5, 6, 2,
         LSTM(3, 3, SEQUENCES ",\"peepholes\":\"pixel\",\"strides\":2,\"dropout\":0.3") "," LSTM(
             2, 3, ",\"peepholes\":\"pixel\"") END),
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     true,
     true,
     NULL,
     0,
     false,
     false,
     false},
    {"backwards twice, compat statistics",
     NULL,
     NET(5, 4, 2,
         LSTM(2, 3,
              SEQUENCES
              ",\"go_backwards\":true") ",{\"type\":\"batch_normalization\","
                                        "\"mode\":\"compat_keras3\"}," LSTM(
                                            3, 3, SEQUENCES) ","
                                                             "{\"type\":\"conv3d\","
                                                             "\"filters\":2,\"kernel_"
                                                             "size\":[2,3,3],\"padding\":"
                                                             "\"same\",\"activation\":"
                                                             "\"tanh\"}," LSTM(
                                                                 2, 3, ",\"go_backwards\":true")
                                                                 END),
     5,
     4,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"dropout of inputs and states",
     NULL,
     NET(5, 4, 2,
         LSTM(3, 3, SEQUENCES ",\"dropout\":0.4,\"recurrent_dropout\":0.3")
             BN LSTM(2, 3, ",\"recurrent_dropout\":0.5,\"use_bias\":false") END),
     5,
     4,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     true,
     true,
     NULL,
     0,
     false,
     false,
     false},
    {"dropout layers on frames and vectors",
     NULL,
     NET(4, 5, 2,
         "{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":2},{\"type\":\"dropout\",\"rate\":0."
         "3}" BN "{\"type\":\"spatial_dropout\",\"rate\":0.4}," LSTM(
             3, 3, "") ",{\"type\":\"spatial_dropout\",\"rate\":0.4},{\"type\":\"flatten\"},{"
                       "\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},{\"type\":"
                       "\"dropout\",\"rate\":0.5},"
                       "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\"}"),
     4,
     5,
     {CONVLSTM_LOSS_SOFTMAX, {0.5, 2}, 0.1},
     NULL,
     false,
     true,
     NULL,
     0,
     false,
     false,
     false},
    {"convolution, pooling, leaky relu of frames",
     NULL,
     NET(9, 8, 2,
         "{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":[3,2],\"padding\":\"same\","
         "\"strides\":[1,2],\"activation\":\"tanh\"}" BN
         "{\"type\":\"max_pool2d\",\"pool_size\":[2,3],\"strides\":[2,1],\"padding\":\"same\"},{"
         "\"type\":\"leaky_relu\"},"
         "{\"type\":\"average_pool2d\",\"pool_size\":3,\"strides\":1,\"padding\":\"same\"}," LSTM(
             2, 3, "") ",{\"type\":\"conv2d\",\"filters\":2,\"kernel_size\":2,"
                       "\"dilation_rate\":2,\"use_bias\":false},{\"type\":\"average_pool2d\"},{"
                       "\"type\":\"activation\",\"activation\":\"leaky_relu\"}" END),
     9,
     8,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"layer normalization, mean over time",
     NULL,
     NET(4, 5, 3,
         "{\"type\":\"layer_normalization\"}," LSTM(
             3, 3, SEQUENCES) ",{\"type\":\"layer_normalization\",\"over\":\"frame\"},{\"type\":"
                              "\"global_average_pool\"},"
                              "{\"type\":\"layer_normalization\"},{\"type\":\"dense\",\"units\":2,"
                              "\"activation\":\"sigmoid\"}"),
     4,
     5,
     {CONVLSTM_LOSS_COMPAT_TF22, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"next frames: conv3d, bce a pixel",
     NULL,
     NET(5, 6, 1,
         LSTM(4, 3, SEQUENCES) BN LSTM(3, 1, SEQUENCES) BN
         "{\"type\":\"conv3d\",\"filters\":1,\"kernel_size\":3,\"padding\":\"same\",\"activation\":"
         "\"sigmoid\"}"),
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"conv3d: dilated, deep, strided, mse",
     NULL,
     NET(7, 6, 2,
         "{\"type\":\"conv3d\",\"filters\":3,\"kernel_size\":[3,2,2],\"padding\":\"same\","
         "\"dilation_rate\":[2,1,1],\"strides\":[1,2,2]}," LSTM(
             2, 3, SEQUENCES) ","
                              "{\"type\":\"conv3d\",\"filters\":2,\"kernel_size\":[1,2,2],"
                              "\"padding\":\"valid\",\"use_bias\":false}"),
     7,
     6,
     {CONVLSTM_LOSS_MSE, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"a frame, softmax a pixel",
     NULL,
     NET(4, 5, 2,
         LSTM(3, 3, "") ",{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":1,\"activation\":"
                        "\"softmax\"}"),
     4,
     5,
     {CONVLSTM_LOSS_SOFTMAX, {1, 1}, 0.1},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
    {"sequences of states, mae",
     NULL,
     NET(8, 8, 3, LSTM(4, 3, SEQUENCES) BN LSTM(3, 3, SEQUENCES)),
     8,
     8,
     {CONVLSTM_LOSS_MAE, PLAIN},
     NULL,
     false,
     false,
     NULL,
     0,
     false,
     false,
     false},
};

static double broken;

static void gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) grad_check(&cases[i], broken);
}

static void inference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) grad_check_inference(&cases[i]);
}

/* test_convlstm_grad --break 0.001: multiplies a gradient by 1.001 first, and must fail. */
int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--break")) broken = atof(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(inference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
