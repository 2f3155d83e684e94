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
