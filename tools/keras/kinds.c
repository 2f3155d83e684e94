#include "kinds.h"

#include <string.h>

#define MEMBERS(...) (const keras_member[]){__VA_ARGS__, {NULL, 0, NULL}}
#define RULES(...) (const keras_rule[]){__VA_ARGS__, {NULL, NULL}}
#define NO_MEMBERS (const keras_member[]){{NULL, 0, NULL}}
#define NO_RULES (const keras_rule[]){{NULL, NULL}}
#define CHANNELS_LAST {"data_format", "\"channels_last\""}

/* What a member does at inference decides whether it must be carried over; initialisers, regularisers and constraints are for training in Keras. */
const keras_kind keras_kinds[] = {
    {
        .type = "conv_lstm2d", .class_name = "ConvLSTM2D", .counted = "conv_lstm2d", .inner = "cell",
        .members = MEMBERS({"filters", KERAS_COPY, NULL}, {"kernel_size", KERAS_COPY, NULL}, {"strides", KERAS_COPY, NULL}, {"padding", KERAS_COPY, NULL},
                           {"dilation_rate", KERAS_COPY, NULL}, {"activation", KERAS_ACTIVATION, NULL}, {"recurrent_activation", KERAS_ACTIVATION, NULL},
                           {"use_bias", KERAS_COPY, NULL}, {"unit_forget_bias", KERAS_COPY, NULL}, {"return_sequences", KERAS_COPY, NULL},
                           {"return_state", KERAS_COPY, "false"}, {"go_backwards", KERAS_COPY, "false"}, {"stateful", KERAS_COPY, "false"},
                           {"dropout", KERAS_COPY, "0.0"}, {"recurrent_dropout", KERAS_COPY, "0.0"}),
        .rules = RULES(CHANNELS_LAST, {"zero_output_for_mask", "false"}, {"time_major", "false"}),
        .parts = {{.name = "kernel"}, {.name = "recurrent_kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "batch_normalization", .class_name = "BatchNormalization", .counted = "batch_normalization", .inner = "",
        .members = MEMBERS({"momentum", KERAS_COPY, NULL}, {"epsilon", KERAS_COPY, NULL}),
        .rules = RULES({"renorm", "false"}, {"virtual_batch_size", "null"}),
        .parts = {{.name = "gamma", .without = "scale", .fill = 1, .filled = true}, {.name = "beta", .without = "center", .filled = true},
                  {.name = "moving_mean"}, {.name = "moving_variance"}},
    },
    {.type = "flatten", .class_name = "Flatten", .counted = "flatten", .inner = "", .axes = 2, .members = NO_MEMBERS, .rules = RULES(CHANNELS_LAST)},
    {
        .type = "global_average_pool", .class_name = "GlobalAveragePooling2D", .counted = "global_average_pooling2d", .inner = "", .axes = 2,
        .members = NO_MEMBERS, .rules = RULES(CHANNELS_LAST, {"keepdims", "false"}),
    },
    {
        .type = "dense", .class_name = "Dense", .counted = "dense", .inner = "",
        .members = MEMBERS({"units", KERAS_COPY, NULL}, {"activation", KERAS_ACTIVATION, NULL}, {"use_bias", KERAS_COPY, NULL}),
        .rules = RULES({"lora_rank", "null"}, {"quantization_config", "null"}),
        .parts = {{.name = "kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {.type = "activation", .class_name = "Activation", .counted = "activation", .inner = "", .members = MEMBERS({"activation", KERAS_ACTIVATION, NULL}), .rules = NO_RULES},
    {.type = NULL},
};

const keras_kind *keras_kind_of_class(const char *class_name)
{
    for (const keras_kind *k = keras_kinds; k->type; k++)
        if (!strcmp(k->class_name, class_name)) return k;
    return NULL;
}

const keras_kind *keras_kind_of_type(const char *type)
{
    for (const keras_kind *k = keras_kinds; k->type; k++)
        if (!strcmp(k->type, type)) return k;
    return NULL;
}
