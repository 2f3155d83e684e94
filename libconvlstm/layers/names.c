/* What layers have in common: names of activations, shapes. */
#include <stdio.h>
#include <string.h>

#include "layer.h"

/* What gates may have, and what cells and layers may have as well. */
/* clang-format off */
#define GATES                                                                                      \
    {"sigmoid", CONVLSTM__SIGMOID},                                                                \
    {"hard_sigmoid_k2", CONVLSTM__HARD_SIGMOID_K2},                                                \
    {"hard_sigmoid_k3", CONVLSTM__HARD_SIGMOID_K3}
#define OTHERS                                                                                     \
    {"linear", CONVLSTM__LINEAR}, {"relu", CONVLSTM__RELU}, {"leaky_relu", CONVLSTM__LEAKY_RELU},  \
    {"tanh", CONVLSTM__TANH}, {"relu6", CONVLSTM__RELU6}, {"elu", CONVLSTM__ELU},                  \
    {"selu", CONVLSTM__SELU}, {"softplus", CONVLSTM__SOFTPLUS},                                    \
    {"softsign", CONVLSTM__SOFTSIGN}, {"hard_tanh", CONVLSTM__HARD_TANH},                          \
    {"exponential", CONVLSTM__EXPONENTIAL}, {"log_sigmoid", CONVLSTM__LOG_SIGMOID},                \
    {"silu", CONVLSTM__SILU}, {"gelu", CONVLSTM__GELU}, {"gelu_tanh", CONVLSTM__GELU_TANH},        \
    {"mish", CONVLSTM__MISH}, {"hard_silu", CONVLSTM__HARD_SILU},                                  \
    {"softmax", CONVLSTM__SOFTMAX}, {"log_softmax", CONVLSTM__LOG_SOFTMAX}
/* clang-format on */

const convlstm__choice convlstm__gate_activation_names[] = {GATES, {NULL, 0}};
const convlstm__choice convlstm__activation_names[] = {GATES, OTHERS, {NULL, 0}};

const char *convlstm__choice_name(const convlstm__choice *choices, int value)
{
    for (; choices->name; choices++)
        if (choices->value == value) return choices->name;
    return "";
}

const char *convlstm__shape_text(const convlstm__shape *s, char text[CONVLSTM__SHAPE_TEXT])
{
    if (s->rank == CONVLSTM__VECTOR)
        snprintf(text, CONVLSTM__SHAPE_TEXT, "a vector of %zu", s->channels);
    else if (s->vectors)
        snprintf(text, CONVLSTM__SHAPE_TEXT, "a sequence of vectors of %zu", s->channels);
    else
        snprintf(text, CONVLSTM__SHAPE_TEXT, "a %s of %zux%zux%zu",
                 s->rank == CONVLSTM__FRAME ? "frame" : "sequence", s->height, s->width,
                 s->channels);
    return text;
}

nbase_status convlstm__same_shape(const convlstm__layer *layer, const convlstm__layer *prev,
                                  const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)layer, (void)prev, (void)err;
    *out = *in;
    return NBASE_OK;
}
