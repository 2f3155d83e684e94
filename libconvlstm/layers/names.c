/* Names of what layers have in common: activations, shapes. */
#include <stdio.h>
#include <string.h>

#include "layer.h"

#define GATE_ACTIVATIONS                                                                           \
    {"sigmoid", CONVLSTM__SIGMOID}, {"hard_sigmoid_k2", CONVLSTM__HARD_SIGMOID_K2},                \
    {                                                                                              \
        "hard_sigmoid_k3", CONVLSTM__HARD_SIGMOID_K3                                               \
    }
#define CELL_ACTIVATIONS                                                                           \
    GATE_ACTIVATIONS, {"linear", CONVLSTM__LINEAR}, {"relu", CONVLSTM__RELU},                      \
        {"leaky_relu", CONVLSTM__LEAKY_RELU},                                                      \
    {                                                                                              \
        "tanh", CONVLSTM__TANH                                                                     \
    }

const convlstm__choice convlstm__gate_activation_names[] = {GATE_ACTIVATIONS, {NULL, 0}};
const convlstm__choice convlstm__cell_activation_names[] = {CELL_ACTIVATIONS, {NULL, 0}};
const convlstm__choice convlstm__activation_names[] = {
    CELL_ACTIVATIONS, {"softmax", CONVLSTM__SOFTMAX}, {NULL, 0}};

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
    else
        snprintf(text, CONVLSTM__SHAPE_TEXT, "a %s of %zux%zux%zu",
                 s->rank == CONVLSTM__FRAME ? "frame" : "sequence", s->height, s->width,
                 s->channels);
    return text;
}
