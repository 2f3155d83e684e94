/* layer_networks.h - the networks of test_convlstm_layers.c, which have every kind of layer. */
#ifndef LAYER_NETWORKS_H
#define LAYER_NETWORKS_H

#include "network_json.h"

/* clang-format off */
static const char everything[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "conv2d", "filters": 3, "kernel_size": 2, "padding": "same",
         "activation": "leaky_relu"},
        {"type": "layer_normalization"},
        {"type": "dropout", "rate": 0.2},
        {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true, "dropout": 0.3,
         "recurrent_dropout": 0.2, "peepholes": "channel"},
        {"type": "max_pool2d"},
        {"type": "spatial_dropout", "rate": 0.3},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true, "go_backwards": true,
         "peepholes": "pixel"},
        {"type": "leaky_relu"},
        {"type": "conv3d", "filters": 3, "kernel_size": [3, 2, 2], "padding": "same"},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "average_pool2d", "pool_size": [2, 1]},
        {"type": "global_average_pool"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
static const char normalised[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "batch_normalization"},
        {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same"},
        {"type": "batch_normalization"},
        {"type": "conv3d", "filters": 3, "kernel_size": 3, "padding": "same"},
        {"type": "batch_normalization"},
        {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid"},
        {"type": "batch_normalization"},
        {"type": "flatten"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
static const char frames_out[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "batch_normalization"},
        {"type": "conv3d", "filters": 2, "kernel_size": 3, "padding": "same",
         "activation": "sigmoid"}
    ]});
/* Each step sees those before it alone. */
static const char causal[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same"},
        {"type": "conv_lstm2d", "filters": 4, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "batch_normalization"},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "layer_normalization"},
        {"type": "global_average_pool"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
static const char kept[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true, "stateful": true,
         "return_state": true},
        {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "stateful": true},
        {"type": "flatten"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
/* The layers that public networks use. */
static const char in_public[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "zero_padding2d"},
        {"type": "conv2d", "filters": 3, "kernel_size": 4, "strides": 2, "activation": "elu"},
        {"type": "elu", "alpha": 0.5},
        {"type": "cropping2d", "cropping": [0, 1, 0, 0]},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv2d_transpose", "filters": 4, "kernel_size": 5, "strides": [2, 3],
         "padding": "same"},
        {"type": "relu", "max_value": 0.8},
        {"type": "up_sampling2d", "interpolation": "bilinear"},
        {"type": "up_sampling2d", "size": [1, 2]},
        {"type": "dense", "units": 3, "activation": "gelu"},
        {"type": "rescaling", "scale": 0.5},
        {"type": "gaussian_noise", "stddev": 0.1},
        {"type": "separable_conv2d", "filters": 4, "kernel_size": 2, "depth_multiplier": 2},
        {"type": "gaussian_dropout", "rate": 0.2},
        {"type": "depthwise_conv2d", "kernel_size": [2, 3]},
        {"type": "flatten", "each_frame": true},
        {"type": "dense", "units": 6},
        {"type": "batch_normalization"},
        {"type": "reshape", "target_shape": [1, 2, 3]},
        {"type": "global_max_pool", "each_frame": true},
        {"type": "global_max_pool"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
/* Those of them that train in parts of a batch: no statistics of frames. */
static const char in_parts[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "rescaling", "scale": 0.5},
        {"type": "gaussian_noise", "stddev": 0.1},
        {"type": "separable_conv2d", "filters": 4, "kernel_size": 2, "depth_multiplier": 2},
        {"type": "gaussian_dropout", "rate": 0.2},
        {"type": "depthwise_conv2d", "kernel_size": [2, 3]},
        {"type": "zero_padding2d"},
        {"type": "conv2d", "filters": 3, "kernel_size": 4, "strides": 2, "activation": "elu"},
        {"type": "elu", "alpha": 0.5},
        {"type": "cropping2d", "cropping": [0, 1, 0, 0]},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv2d_transpose", "filters": 4, "kernel_size": 5, "strides": [2, 3],
         "padding": "same"},
        {"type": "relu", "max_value": 0.8},
        {"type": "up_sampling2d", "interpolation": "bilinear"},
        {"type": "up_sampling2d", "size": [1, 2]},
        {"type": "dense", "units": 3, "activation": "gelu"},
        {"type": "global_max_pool"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
/* With so many channels that strides go by Winograd's method. */
static const char strided[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2}, "layers": [
        {"type": "conv2d", "filters": 4, "kernel_size": 1},
        {"type": "conv2d", "filters": 16, "kernel_size": 5, "strides": 2, "padding": "same"},
        {"type": "conv2d_transpose", "filters": 4, "kernel_size": 5, "strides": 2,
         "padding": "same"},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "global_max_pool"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
static const char flattened[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2, "frames": 5}, "layers": [
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "max_pool2d"},
        {"type": "spatial_dropout", "rate": 0.3, "each_frame": true},
        {"type": "flatten"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
/* Other numbers of frames: fewer, and as many again, beside those that they were made of. */
static const char remade[] = JSON({
    "format": 1, "input": {"height": 8, "width": 7, "channels": 2, "frames": 5}, "layers": [
        {"type": "conv2d", "name": "a", "filters": 3, "kernel_size": 3, "padding": "same"},
        {"type": "max_pool3d", "padding": "same"},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true, "dropout": 0.2},
        {"type": "prelu"},
        {"type": "conv3d", "filters": 3, "kernel_size": 2, "padding": "same"},
        {"type": "up_sampling3d"},
        {"type": "cropping3d", "cropping": [0, 1, 0, 0, 1, 0]},
        {"type": "concatenate", "inputs": ["a", "cropping3d"]},
        {"type": "conv_lstm2d", "filters": 3, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true, "go_backwards": true},
        {"type": "conv3d", "filters": 2, "kernel_size": [2, 3, 3], "strides": [2, 2, 2],
         "padding": "valid"},
        {"type": "conv3d_transpose", "filters": 2, "kernel_size": 2, "strides": [2, 1, 2],
         "padding": "same"},
        {"type": "flatten"},
        {"type": "dense", "units": 4},
        {"type": "repeat_vector", "n": 3},
        {"type": "reshape", "target_shape": [2, 2, 1]},
        {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid"},
        {"type": "flatten"},
        {"type": "dense", "units": 2, "activation": "sigmoid"}
    ]});
/* clang-format on */

#endif
