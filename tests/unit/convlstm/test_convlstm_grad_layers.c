/* The layers that public networks use, as test_convlstm_grad.c has the others: gradients of every
 * weight against finite differences of a reference in double precision, and what the networks give
 * in training and at inference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grad_check.h"

/* A loss, and the images. */
#define MSE(h, w, c) .height = h, .width = w, .channels = c, .loss = {CONVLSTM_LOSS_MSE, {1, 1}, 0}
#define BCE(h, w, c) .height = h, .width = w, .channels = c, .loss = {CONVLSTM_LOSS_BCE, {1, 1}, 0}

#define CONV " conv2d filters=3 kernel_size=1"
#define LSTM " conv_lstm2d padding=same recurrent_activation=sigmoid kernel_size=3"
#define ALL " return_sequences=true"
#define END "; flatten; dense units=2 activation=sigmoid"

static const grad_case cases[] = {
    {.name = "activations of frames",
     BCE(4, 5, 2),
     .layers =
         CONV " activation=elu;" CONV " activation=selu;" CONV "; activation activation=silu;" CONV
              "; activation activation=gelu;" CONV " activation=gelu_tanh;" CONV
              " activation=softplus;" CONV " activation=softsign;" LSTM " filters=2" END},
    {.name = "more activations of frames",
     MSE(4, 5, 2),
     .layers =
         CONV " activation=exponential;" CONV "; activation activation=mish;" CONV
              " activation=hard_silu;" CONV "; activation activation=hard_tanh;" CONV
              " activation=log_sigmoid;" CONV " activation=relu6;" CONV " activation=log_softmax"},
    {.name = "activations with parameters",
     BCE(4, 5, 2),
     .layers =
         CONV "; elu alpha=0.6;" CONV "; relu max_value=0.9 negative_slope=0.1 threshold=0.07;" CONV
              "; leaky_relu negative_slope=0.05;" LSTM " filters=2" END},
    {.name = "slopes that are learnt",
     BCE(4, 5, 2),
     .layers = CONV "; prelu;" LSTM ALL " filters=2; prelu over=frame; dense units=3; prelu;" LSTM
                    " filters=2; prelu over=frame; flatten; dense units=6; prelu;"
                    "dense units=2 activation=sigmoid"},
    {.name = "activations of vectors",
     MSE(4, 5, 2),
     .layers = LSTM " filters=3; flatten; dense units=6 activation=silu;"
                    "dense units=6 activation=gelu; dense units=6; elu;"
                    "dense units=6 activation=mish; dense units=6 activation=log_softmax;"
                    "dense units=6 activation=hard_silu; dense units=2 activation=softplus"},
    {.name = "activations of cells",
     MSE(4, 3, 2),
     .layers = LSTM ALL " filters=2 activation=elu;" LSTM ALL " filters=2 activation=selu;" LSTM ALL
                        " filters=2 activation=softplus;" LSTM ALL
                        " filters=2 activation=softsign;" LSTM ALL
                        " filters=2 activation=relu6;" LSTM ALL " filters=2 activation=hard_tanh"},
    {.name = "activations of cells that need what they saw",
     MSE(4, 3, 2),
     .layers =
         LSTM ALL " filters=2 activation=silu;" LSTM ALL " filters=2 activation=gelu;" LSTM ALL
                  " filters=2 activation=gelu_tanh;" LSTM ALL " filters=2 activation=mish;" LSTM ALL
                  " filters=2 activation=hard_silu"},
    {.name = "activations of cells over channels",
     MSE(4, 3, 2),
     .layers = LSTM ALL " filters=3 activation=softmax;" LSTM ALL
                        " filters=3 activation=log_softmax;" LSTM ALL
                        " filters=2 activation=log_sigmoid"},
    {.name = "the exponential as the activation of a cell",
     MSE(4, 3, 2),
     .layers = CONV "; rescaling scale=0.1; conv_lstm2d padding=same recurrent_activation=sigmoid "
                    "kernel_size=1 filters=2 activation=exponential" ALL},
    {.name = "activations of cells with peepholes and dropout",
     MSE(4, 3, 2),
     .dropout = true,
     .layers = LSTM ALL " filters=2 activation=silu peepholes=pixel;" LSTM ALL
                        " filters=2 activation=mish dropout=0.3 recurrent_dropout=0.2;" LSTM ALL
                        " filters=3 activation=softmax peepholes=channel dropout=0.2"},
    {.name = "dense of frames and of their vectors",
     BCE(4, 5, 2),
     .layers = LSTM ALL " filters=3; dense units=4 activation=tanh; flatten each_frame=true;"
                        "dense units=5 use_bias=false; global_average_pool;"
                        "dense units=2 activation=sigmoid"},
    {.name = "dense of a frame, flattened frames out",
     MSE(4, 5, 2),
     .layers = "dense units=3 activation=elu;" LSTM ALL
               " filters=2; flatten each_frame=true; dense units=3"},
    {.name = "Huber's loss of frames",
     .height = 4,
     .width = 5,
     .channels = 2,
     .loss = {CONVLSTM_LOSS_HUBER, {1, 1}, 0},
     .layers = LSTM ALL " filters=3;" CONV},
    {.name = "structural similarity of frames",
     .height = 13,
     .width = 12,
     .channels = 1,
     .loss = {CONVLSTM_LOSS_SSIM, {1, 1}, 0},
     .layers = LSTM ALL " filters=2;" CONV " activation=sigmoid"},
    {.name = "focal loss of frames",
     .height = 4,
     .width = 5,
     .channels = 2,
     .loss = {CONVLSTM_LOSS_FOCAL, {1, 1}, 0},
     .layers = LSTM ALL " filters=3;" CONV " activation=sigmoid"},
    {.name = "focal loss of classes",
     .height = 4,
     .width = 5,
     .channels = 2,
     .loss = {CONVLSTM_LOSS_FOCAL, {2, 1}, 0.1},
     .layers = LSTM " filters=2" END},
    {.name = "flatten of a sequence",
     BCE(3, 4, 2),
     .fixed = true,
     .layers = LSTM ALL " filters=3; dropout rate=0;" LSTM ALL " filters=2" END},
    {.name = "flatten of a sequence that ran backwards",
     BCE(3, 4, 2),
     .fixed = true,
     .layers = LSTM ALL " filters=2 go_backwards=true; layer_normalization" END},
    {.name = "global maxima of frames and over time",
     BCE(4, 5, 2),
     .layers = LSTM ALL " filters=4; global_max_pool each_frame=true; dense units=4; "
                        "global_max_pool; dense units=2 activation=sigmoid"},
    {.name = "global mean of each frame, maximum of the last",
     MSE(4, 5, 2),
     .layers = CONV "; global_max_pool each_frame=true; dense units=12;"
                    "reshape target_shape=[2,3,0];" LSTM " filters=3; global_max_pool;"
                    "dense units=6; reshape target_shape=[3,0,1];"
                    "conv2d filters=2 kernel_size=2 padding=same"},
    {.name = "global mean of each frame",
     MSE(4, 5, 2),
     .layers = CONV "; global_average_pool each_frame=true; dense units=3;"
                    "reshape target_shape=[0]"},
    {.name = "transposed convolution: strides, same",
     BCE(2, 2, 2),
     .layers = "conv2d_transpose filters=2 kernel_size=[5,3] strides=[2,3] padding=same "
               "activation=tanh;" LSTM " filters=2;"
               "conv2d_transpose filters=2 kernel_size=[2,4] strides=2 padding=same;"
               "conv2d_transpose filters=2 kernel_size=3 padding=same use_bias=false" END},
    {.name = "transposed convolution: valid, gaps",
     MSE(3, 2, 2),
     .layers = "conv2d filters=2 kernel_size=[2,1];" LSTM " filters=2;"
               "conv2d_transpose filters=2 kernel_size=[4,2] strides=[2,3]"},
    {.name = "transposed convolution: output_padding",
     MSE(3, 2, 2),
     .layers = "conv2d filters=2 kernel_size=[2,1];" LSTM " filters=2;"
               "conv2d_transpose filters=2 kernel_size=3 strides=2 output_padding=[1,0];"
               "conv2d_transpose filters=2 kernel_size=[3,5] strides=[3,2] padding=same "
               "output_padding=[0]"},
    {.name = "padding, cropping, enlarging",
     MSE(3, 4, 2),
     .layers = CONV "; zero_padding2d padding=[1,0,2,1]; cropping2d cropping=[0,1,2,0];"
                    "up_sampling2d size=[2,1];" LSTM ALL
                    " filters=2; up_sampling2d size=[2,3] interpolation=bilinear;"
                    "conv2d filters=2 kernel_size=2 strides=2"},
    {.name = "depthwise and separable convolution",
     BCE(5, 4, 2),
     .layers = "separable_conv2d filters=3 kernel_size=[3,2] padding=same activation=tanh;"
               "depthwise_conv2d kernel_size=2 depth_multiplier=2 dilation_rate=[2,1];" LSTM
               " filters=3; depthwise_conv2d kernel_size=[2,3] padding=same strides=2 "
               "use_bias=false; separable_conv2d filters=2 kernel_size=2 depth_multiplier=3 "
               "padding=same use_bias=false" END},
    {.name = "causal convolution in time",
     MSE(3, 4, 2),
     .layers = "conv3d filters=3 kernel_size=[3,2,2] padding=same causal=true;" LSTM ALL
               " filters=2; conv3d filters=2 kernel_size=[2,1,1] dilation_rate=[2,1,1] "
               "padding=same causal=true"},
    {.name = "few filters",
     MSE(11, 5, 4),
     .layers = "conv2d filters=2 kernel_size=[3,2] padding=same; conv2d filters=4 kernel_size=1;"
               "conv2d filters=1 kernel_size=[2,3]; dense units=4;"
               "conv3d filters=2 kernel_size=[2,3,1] padding=same; dense units=4;" LSTM
               " filters=4; conv2d filters=1 kernel_size=[5,4] padding=same use_bias=false"},
    {.name = "reversed twice",
     MSE(3, 4, 2),
     .layers = CONV "; reverse;" LSTM ALL " filters=2;" LSTM ALL
                    " filters=3 go_backwards=true; reverse;" LSTM ALL " filters=2; reverse"},
    {.name = "images beyond -1..1, statistics, valid",
     BCE(8, 7, 2),
     .unscaled = true,
     .layers = LSTM ALL " filters=3; batch_normalization; conv_lstm2d kernel_size=3 padding=valid "
                        "recurrent_activation=sigmoid return_sequences=true filters=4;"
                        "batch_normalization;" LSTM " filters=2" END},
    {.name = "images beyond -1..1, pooling in time",
     BCE(5, 4, 2),
     .unscaled = true,
     .layers = LSTM ALL " filters=3; max_pool3d pool_size=[2,1,1];" LSTM " filters=2" END},
    {.name = "pooling in time",
     BCE(5, 4, 2),
     .fixed = true,
     .layers = CONV "; max_pool3d padding=same;" LSTM ALL
                    " filters=3; average_pool3d pool_size=[2,1,2] strides=[1,2,1]; dense units=3;"
                    "max_pool3d pool_size=[2,1,1] strides=1" END},
    {.name = "pooling in time, valid and same",
     MSE(5, 4, 2),
     .unmasked = true,
     .layers = LSTM ALL " filters=3; average_pool3d pool_size=[3,2,2] strides=[2,1,2] padding=same;"
                        "dense units=3; max_pool3d pool_size=[2,2,1] strides=[1,1,1];" LSTM ALL
                        " filters=2"},
    {.name = "pooling of as many frames",
     MSE(5, 4, 2),
     .unmasked = true,
     .layers =
         LSTM ALL " filters=4; max_pool3d pool_size=[2,2,2] strides=[1,2,1] padding=same;" LSTM
                  " filters=2; dense units=3"},
    {.name = "statistics of other frames",
     MSE(4, 4, 2),
     .unmasked = true,
     .layers = LSTM ALL " filters=2; max_pool3d padding=same; batch_normalization;"
                        "conv3d filters=3 kernel_size=[2,3,3] padding=same activation=tanh;"
                        "up_sampling3d; batch_normalization;" LSTM ALL " filters=2"},
    {.name = "fewer frames beside those that they were made of",
     MSE(4, 4, 2),
     .fixed = true,
     .unmasked = true,
     .layers = LSTM ALL " filters=2 name=a; average_pool3d padding=same;" LSTM ALL
                        " filters=3; up_sampling3d; cropping3d cropping=[0,1,0,0,0,0] name=b;"
                        "concatenate inputs=[\"a\",\"b\"];" LSTM ALL
                        " filters=2 name=c; subtract inputs=[\"c\",\"a\"]; dense units=2"},
    {.name = "frames repeated, cropped and added",
     MSE(3, 4, 2),
     .unmasked = true,
     .layers = LSTM ALL " filters=2; cropping3d cropping=[1,2,0,1,1,0]; dense units=3;"
                        "up_sampling3d size=[3,2,1];" LSTM ALL
                        " filters=2; zero_padding3d padding=[2,0,1,0,0,1]; dense units=2"},
    {.name = "frames of images repeated and cropped, backwards",
     BCE(3, 4, 2),
     .layers = "up_sampling3d size=[2,1,1];" LSTM ALL
               " filters=2 go_backwards=true; cropping3d cropping=[0,3,0,0,0,0];" LSTM
               " filters=2; flatten; dense units=2 activation=sigmoid"},
    {.name = "convolution with strides in time",
     MSE(4, 4, 2),
     .unmasked = true,
     .layers = LSTM ALL " filters=2; conv3d filters=3 kernel_size=[3,2,2] strides=[2,1,2] "
                        "padding=same activation=tanh; conv3d filters=2 kernel_size=[2,2,1] "
                        "padding=valid use_bias=false"},
    {.name = "convolution that shortens, causal with strides",
     BCE(4, 5, 2),
     .fixed = true,
     .layers = "conv3d filters=3 kernel_size=[2,2,2] padding=valid dilation_rate=[2,1,1];" LSTM ALL
               " filters=2 go_backwards=true; conv3d filters=3 kernel_size=[2,1,3] strides=[2,1,1] "
               "padding=same causal=true" END},
    {.name = "transposed convolution in time",
     MSE(3, 3, 2),
     .unmasked = true,
     .layers =
         LSTM ALL " filters=2; conv3d_transpose filters=3 kernel_size=[3,2,3] "
                  "strides=[2,1,2] padding=same activation=tanh;" LSTM ALL
                  " filters=2; conv3d_transpose filters=2 kernel_size=[2,3,1] use_bias=false"},
    {.name = "transposed convolution of as many frames, and with gaps",
     MSE(3, 2, 2),
     .unmasked = true,
     .layers = "conv3d_transpose filters=2 kernel_size=[4,2,1] padding=same; " LSTM ALL
               " filters=2 go_backwards=true; conv3d_transpose filters=2 kernel_size=[1,1,2] "
               "strides=[3,2,1]; conv3d_transpose filters=2 kernel_size=3 strides=[2,1,3] "
               "padding=same output_padding=[1,0,2]"},
    {.name = "a vector repeated",
     MSE(3, 4, 2),
     .unmasked = true,
     .layers = LSTM " filters=2; flatten; dense units=6 activation=tanh; repeat_vector n=3;"
                    "reshape target_shape=[1,2,3];" LSTM ALL " filters=2;" CONV},
    {.name = "values to sequences and back",
     MSE(3, 4, 2),
     .fixed = true,
     .unmasked = true,
     .layers =
         LSTM ALL " filters=2; reshape target_shape=[5,24]; dense units=4;"
                  "reshape target_shape=[0,10]; dense units=6; reshape target_shape=[2,1,3];" LSTM
                  " filters=3; reshape target_shape=[3,1,2,0]; dense units=2"},
    /* so many channels that they go by Winograd's method */
    {.name = "strides with many channels",
     MSE(8, 8, 4),
     .layers = "conv2d filters=16 kernel_size=5 strides=2 padding=same activation=tanh;"
               "conv2d_transpose filters=4 kernel_size=5 strides=2 padding=same;"
               "conv2d filters=16 kernel_size=[5,4] strides=2 padding=same use_bias=false"},
    {.name = "noise, rescaling, identity",
     BCE(3, 4, 2),
     .dropout = true,
     .layers = "rescaling scale=2 offset=-1; gaussian_noise stddev=0.1;" LSTM
               " filters=3; gaussian_dropout rate=0.3; identity;"
               "rescaling scale=-0.5" END},
};

static void gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) grad_check(&cases[i], 0);
}

static void inference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) grad_check_inference(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(inference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
