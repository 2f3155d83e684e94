/* Each network is as its authors have it, but for dropout: with it no two programs train to the
 * same numbers. */
#include "known_networks.h"

#include "cli.h"

/* A description as it stands. */
#define JSON(...) #__VA_ARGS__

/* clang-format off */

/* The network of the tutorials on recognising actions in UCF50 (Soomro and Zamir's videos): 20
 * frames of 64x64, four classes. */
static const char ucf50[] = JSON({
    "format": 1, "input": {"height": 64, "width": 64, "channels": 3, "frames": 20}, "layers": [
        {"type": "conv_lstm2d", "name": "a", "filters": 4, "kernel_size": 3, "padding": "valid",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "max_pool2d", "padding": "same"},
        {"type": "conv_lstm2d", "name": "b", "filters": 8, "kernel_size": 3, "padding": "valid",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "max_pool2d", "padding": "same"},
        {"type": "conv_lstm2d", "name": "c", "filters": 14, "kernel_size": 3, "padding": "valid",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "max_pool2d", "padding": "same"},
        {"type": "conv_lstm2d", "name": "d", "filters": 16, "kernel_size": 3, "padding": "valid",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "max_pool2d", "padding": "same"},
        {"type": "flatten"},
        {"type": "dense", "name": "e", "units": 4, "activation": "softmax"}
    ]});

/* Chong and Tay 2017 (arXiv:1701.01546), as the copies in Keras have it: an autoencoder of 10
 * frames of 227x227, for anomalies in the videos of UCSD. */
static const char anomaly[] = JSON({
    "format": 1, "input": {"height": 227, "width": 227, "channels": 1}, "layers": [
        {"type": "conv2d", "name": "a", "filters": 128, "kernel_size": 11, "strides": 4,
         "activation": "tanh"},
        {"type": "conv2d", "name": "b", "filters": 64, "kernel_size": 5, "strides": 2,
         "activation": "tanh"},
        {"type": "conv_lstm2d", "name": "c", "filters": 64, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv_lstm2d", "name": "d", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv_lstm2d", "name": "e", "filters": 64, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv2d_transpose", "name": "f", "filters": 128, "kernel_size": 5, "strides": 2,
         "activation": "tanh"},
        {"type": "conv2d_transpose", "name": "g", "filters": 1, "kernel_size": 11, "strides": 4,
         "activation": "tanh"}
    ]});

/* Shi et al. 2015 (arXiv:1506.04214), figure 3: three layers encode 10 frames of 64x64, three more
 * begin with their states, the last with the first's, and a 1x1 convolution over all of these gives
 * 10 frames. */
static const char forecaster[] = JSON({
    "format": 1, "input": {"height": 64, "width": 64, "channels": 1}, "layers": [
        {"type": "conv_lstm2d", "name": "a", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv_lstm2d", "name": "b", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv_lstm2d", "name": "c", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv_lstm2d", "name": "d", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true,
         "inputs": ["c", "c:h", "c:c"]},
        {"type": "conv_lstm2d", "name": "e", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true,
         "inputs": ["d", "b:h", "b:c"]},
        {"type": "conv_lstm2d", "name": "f", "filters": 32, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true,
         "inputs": ["e", "a:h", "a:c"]},
        {"type": "concatenate", "inputs": ["d", "e", "f"]},
        {"type": "conv2d", "name": "g", "filters": 1, "kernel_size": 1, "activation": "sigmoid"}
    ]});

/* A classifier of two Bidirectional(ConvLSTM2D) layers, as skin-import reads them from Keras: 20
 * frames of 64x64, four classes. */
static const char two_ways[] = JSON({
    "format": 1, "input": {"height": 64, "width": 64, "channels": 3}, "layers": [
        {"type": "conv_lstm2d", "name": "a", "filters": 16, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true},
        {"type": "conv_lstm2d", "name": "b", "filters": 16, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "return_sequences": true, "go_backwards": true,
         "inputs": ["input"]},
        {"type": "reverse", "name": "b_turned"},
        {"type": "concatenate", "name": "both", "inputs": ["a", "b_turned"]},
        {"type": "max_pool2d", "name": "pool"},
        {"type": "conv_lstm2d", "name": "c", "filters": 16, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "inputs": ["pool"]},
        {"type": "conv_lstm2d", "name": "d", "filters": 16, "kernel_size": 3, "padding": "same",
         "recurrent_activation": "sigmoid", "go_backwards": true, "inputs": ["pool"]},
        {"type": "concatenate", "inputs": ["c", "d"]},
        {"type": "global_average_pool"},
        {"type": "dense", "name": "e", "units": 4, "activation": "softmax"}
    ]});

/* clang-format on */

/* Multiplications of a 3x3 cell. */
#define CELL_PRODUCTS(side, channels, filters)                                                     \
    ((double)(side) * (side)*9 * ((channels) + (filters)) * 4 * (filters))
#define INPUT_PRODUCTS(side, channels, filters)                                                    \
    ((double)(side) * (side)*9 * (channels)*4 * (filters))
#define CONV_PRODUCTS(side, kernel, channels, filters)                                             \
    ((double)(side) * (side) * (kernel) * (kernel) * (channels) * (filters))

static const known_network networks[] = {
    [UCF50 - UCF50] = {ucf50, 20, 64, 64, 3, 0, CONVLSTM_LOSS_SOFTMAX,
                       CELL_PRODUCTS(62, 3, 4) + CELL_PRODUCTS(29, 4, 8) +
                           CELL_PRODUCTS(13, 8, 14) + CELL_PRODUCTS(5, 14, 16),
                       INPUT_PRODUCTS(62, 3, 4)},
    [ANOMALY - UCF50] = {anomaly, 10, 227, 227, 1, 67, CONVLSTM_LOSS_MSE,
                         CONV_PRODUCTS(55, 11, 1, 128) + CONV_PRODUCTS(26, 5, 128, 64) +
                             CELL_PRODUCTS(26, 64, 64) + CELL_PRODUCTS(26, 64, 32) +
                             CELL_PRODUCTS(26, 32, 64) + CONV_PRODUCTS(26, 5, 64, 128) +
                             CONV_PRODUCTS(55, 11, 128, 1),
                         CONV_PRODUCTS(55, 11, 1, 128)},
    [FORECASTER - UCF50] = {forecaster, 10, 64, 64, 1, 12, CONVLSTM_LOSS_BCE,
                            CELL_PRODUCTS(64, 1, 32) + 5 * CELL_PRODUCTS(64, 32, 32) +
                                CONV_PRODUCTS(64, 1, 96, 1),
                            INPUT_PRODUCTS(64, 1, 32)},
    [TWO_WAYS - UCF50] = {two_ways, 20, 64, 64, 3, 12, CONVLSTM_LOSS_SOFTMAX,
                          2 * CELL_PRODUCTS(64, 3, 16) + 2 * CELL_PRODUCTS(32, 32, 16),
                          2 * INPUT_PRODUCTS(64, 3, 16)},
};

const known_network *known_network_of(descriptor_kind kind) { return &networks[kind - UCF50]; }

bool known_network_write(const descriptor *d, const char *path)
{
    if (d->kind < UCF50 || d->kind > TWO_WAYS) {
        cli_error("%s is none of the networks ucf50, anomaly, forecaster, two_ways", d->name);
        return false;
    }
    nbase_error err = {.text = "out of memory"};
    convlstm_model *model = NULL;
    bool ok = !convlstm_model_create(NULL, known_network_of(d->kind)->json, 1, &model, &err) &&
              !convlstm_model_save(model, path, &err);
    if (!ok) cli_report(&err);
    convlstm_model_free(model);
    return ok;
}
