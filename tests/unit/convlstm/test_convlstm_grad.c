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
#include "network_json.h"

#define PLAIN {1, 1}, 0

/* clang-format off */
static const grad_case cases[] = {
    {.name = "flatten bce masked",
     .preset = "skincredible",
     .height = 5, .width = 6,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN},
     .mode = "masked"},
    {.name = "flatten bce compat",
     .preset = "skincredible",
     .height = 4, .width = 5,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN},
     .mode = "compat_tf22"},
    {.name = "gap softmax masked",
     .preset = "skincredible-gap",
     .height = 5, .width = 4,
     .loss = {CONVLSTM_LOSS_SOFTMAX, {0.7, 1.9}, 0.1},
     .mode = "masked"},
    {.name = "gap compat compat",
     .preset = "skincredible-gap",
     .height = 4, .width = 4,
     .loss = {CONVLSTM_LOSS_COMPAT_TF22, {2, 0.5}, 0.2},
     .mode = "compat_tf22"},
    /* epsilon is ten times the default: Dense's three outputs vary so little that with 0.001
     * BatchNormalization multiplies their gradients by 31 before the bias adds them up to a
     * fiftieth; what rounding of single floats leaves of that is 1 to 3e-5, on any processor. */
    {.name = "sigmoid gates, 2x4 kernel, relu",
     .json = JSON({
         "format": 1, "input": {"height": 7, "width": 6, "channels": 2}, "layers": [
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": [2, 4], "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "activation", "activation": "relu"},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "strides": 2, "recurrent_activation": "hard_sigmoid_k3", "use_bias": false},
             {"type": "flatten"},
             {"type": "dense", "units": 4, "activation": "tanh"},
             {"type": "batch_normalization", "epsilon": 0.01},
             {"type": "dense", "units": 2, "activation": "sigmoid", "use_bias": false}
         ]}),
     .height = 7, .width = 6,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN}},
    {.name = "dilation, valid, three recurrent layers",
     .json = JSON({
         "format": 1, "input": {"height": 9, "width": 8, "channels": 1}, "layers": [
             {"type": "batch_normalization"},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": [3, 2], "padding": "same",
              "dilation_rate": [2, 1], "recurrent_activation": "sigmoid",
              "return_sequences": true},
             {"type": "batch_normalization"},
             {"type": "batch_normalization"},
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": [3, 3], "padding": "valid",
              "recurrent_activation": "hard_sigmoid_k2", "return_sequences": true},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": [1, 1],
              "recurrent_activation": "sigmoid", "activation": "linear"},
             {"type": "activation", "activation": "softmax"},
             {"type": "global_average_pool"},
             {"type": "dense", "units": 2},
             {"type": "activation", "activation": "softmax"}
         ]}),
     .height = 9, .width = 8,
     .loss = {CONVLSTM_LOSS_SOFTMAX, PLAIN}},
    {.name = "peepholes of channels, initial state",
     .json = JSON({
         "format": 1, "input": {"height": 5, "width": 6, "channels": 2}, "layers": [
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true, "peepholes": "channel"},
             {"type": "batch_normalization"},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 2, "padding": "same",
              "recurrent_activation": "sigmoid", "peepholes": "channel", "use_bias": false,
              "activation": "leaky_relu"},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 5, .width = 6,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN},
     .states = true},
    {.name = "peepholes of pixels, strides",
     .json = JSON({
         "format": 1, "input": {"height": 5, "width": 6, "channels": 2}, "layers": [
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true, "peepholes": "pixel",
              "strides": 2, "dropout": 0.3},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "peepholes": "pixel"},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 5, .width = 6,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN},
     .states = true,
     .dropout = true},
    {.name = "backwards twice, compat statistics",
     .json = JSON({
         "format": 1, "input": {"height": 5, "width": 4, "channels": 2}, "layers": [
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true, "go_backwards": true},
             {"type": "batch_normalization", "mode": "compat_keras3"},
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "conv3d", "filters": 2, "kernel_size": [2, 3, 3], "padding": "same",
              "activation": "tanh"},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "go_backwards": true},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 5, .width = 4,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN}},
    {.name = "dropout of inputs and states",
     .json = JSON({
         "format": 1, "input": {"height": 5, "width": 4, "channels": 2}, "layers": [
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true, "dropout": 0.4,
              "recurrent_dropout": 0.3},
             {"type": "batch_normalization"},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "recurrent_dropout": 0.5, "use_bias": false},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 5, .width = 4,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN},
     .states = true,
     .dropout = true},
    {.name = "dropout layers on frames and vectors",
     .json = JSON({
         "format": 1, "input": {"height": 4, "width": 5, "channels": 2}, "layers": [
             {"type": "conv2d", "filters": 3, "kernel_size": 2},
             {"type": "dropout", "rate": 0.3},
             {"type": "batch_normalization"},
             {"type": "spatial_dropout", "rate": 0.4},
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid"},
             {"type": "spatial_dropout", "rate": 0.4},
             {"type": "flatten"},
             {"type": "dense", "units": 5, "activation": "tanh"},
             {"type": "dropout", "rate": 0.5},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 4, .width = 5,
     .loss = {CONVLSTM_LOSS_SOFTMAX, {0.5, 2}, 0.1},
     .dropout = true},
    {.name = "convolution, pooling, leaky relu of frames",
     .json = JSON({
         "format": 1, "input": {"height": 9, "width": 8, "channels": 2}, "layers": [
             {"type": "conv2d", "filters": 3, "kernel_size": [3, 2], "padding": "same",
              "strides": [1, 2], "activation": "tanh"},
             {"type": "batch_normalization"},
             {"type": "max_pool2d", "pool_size": [2, 3], "strides": [2, 1], "padding": "same"},
             {"type": "leaky_relu"},
             {"type": "average_pool2d", "pool_size": 3, "strides": 1, "padding": "same"},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid"},
             {"type": "conv2d", "filters": 2, "kernel_size": 2, "dilation_rate": 2,
              "use_bias": false},
             {"type": "average_pool2d"},
             {"type": "activation", "activation": "leaky_relu"},
             {"type": "flatten"},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 9, .width = 8,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN}},
    {.name = "layer normalization, mean over time",
     .json = JSON({
         "format": 1, "input": {"height": 4, "width": 5, "channels": 3}, "layers": [
             {"type": "layer_normalization"},
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "layer_normalization", "over": "frame"},
             {"type": "global_average_pool"},
             {"type": "layer_normalization"},
             {"type": "dense", "units": 2, "activation": "sigmoid"}
         ]}),
     .height = 4, .width = 5,
     .loss = {CONVLSTM_LOSS_COMPAT_TF22, PLAIN}},
    {.name = "next frames: conv3d, bce a pixel",
     .json = JSON({
         "format": 1, "input": {"height": 5, "width": 6, "channels": 1}, "layers": [
             {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "batch_normalization"},
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 1, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "batch_normalization"},
             {"type": "conv3d", "filters": 1, "kernel_size": 3, "padding": "same",
              "activation": "sigmoid"}
         ]}),
     .height = 5, .width = 6,
     .loss = {CONVLSTM_LOSS_BCE, PLAIN}},
    {.name = "conv3d: dilated, deep, strided, mse",
     .json = JSON({
         "format": 1, "input": {"height": 7, "width": 6, "channels": 2}, "layers": [
             {"type": "conv3d", "filters": 3, "kernel_size": [3, 2, 2], "padding": "same",
              "dilation_rate": [2, 1, 1], "strides": [1, 2, 2]},
             {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "conv3d", "filters": 2, "kernel_size": [1, 2, 2], "padding": "valid",
              "use_bias": false}
         ]}),
     .height = 7, .width = 6,
     .loss = {CONVLSTM_LOSS_MSE, PLAIN}},
    {.name = "a frame, softmax a pixel",
     .json = JSON({
         "format": 1, "input": {"height": 4, "width": 5, "channels": 2}, "layers": [
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid"},
             {"type": "conv2d", "filters": 3, "kernel_size": 1, "activation": "softmax"}
         ]}),
     .height = 4, .width = 5,
     .loss = {CONVLSTM_LOSS_SOFTMAX, {1, 1}, 0.1}},
    {.name = "sequences of states, mae",
     .json = JSON({
         "format": 1, "input": {"height": 8, "width": 8, "channels": 3}, "layers": [
             {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true},
             {"type": "batch_normalization"},
             {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
              "recurrent_activation": "sigmoid", "return_sequences": true}
         ]}),
     .height = 8, .width = 8,
     .loss = {CONVLSTM_LOSS_MAE, PLAIN}},
};
/* clang-format on */

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
