#include "kinds.h"

#include <string.h>

#define MEMBERS(...)                                                                               \
    (const keras_member[])                                                                         \
    {                                                                                              \
        __VA_ARGS__, { NULL, 0, NULL, NULL }                                                       \
    }
#define RULES(...)                                                                                 \
    (const keras_rule[])                                                                           \
    {                                                                                              \
        __VA_ARGS__, { NULL, NULL }                                                                \
    }
#define NO_MEMBERS                                                                                 \
    (const keras_member[])                                                                         \
    {                                                                                              \
        {                                                                                          \
            NULL, 0, NULL, NULL                                                                    \
        }                                                                                          \
    }
#define NO_RULES                                                                                   \
    (const keras_rule[])                                                                           \
    {                                                                                              \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }
#define COPY(name)                                                                                 \
    {                                                                                              \
        name, KERAS_COPY, NULL, NULL                                                               \
    }
#define COPY_UNLESS(name, value)                                                                   \
    {                                                                                              \
        name, KERAS_COPY, value, NULL                                                              \
    }
#define FUNCTION(name)                                                                             \
    {                                                                                              \
        name, KERAS_ACTIVATION, NULL, NULL                                                         \
    }
#define SLIDING                                                                                    \
    COPY("filters"), COPY("kernel_size"), COPY("strides"), COPY("padding"), COPY("dilation_rate")
#define SPATIAL(name)                                                                              \
    {                                                                                              \
        name, KERAS_SPATIAL, NULL, NULL                                                            \
    }
#define CHANNELS_LAST                                                                              \
    {                                                                                              \
        "data_format", "\"channels_last\""                                                         \
    }

/* Rows that differ in little: a layer that merges inputs and has no members; pooling over all
 * pixels, whose last arguments are more fields; and a border that is added or cut off. */
#define MERGE(its_type, its_class)                                                                 \
    {                                                                                              \
        .type = its_type, .class_name = its_class, .passes_mask = true, .merges = true,            \
        .counted = its_type, .inner = "", .members = NO_MEMBERS, .rules = NO_RULES                 \
    }
#define GLOBAL_POOL(its_type, its_class, its_count, ...)                                           \
    {                                                                                              \
        .type = its_type, .class_name = its_class, .counted = its_count, .inner = "", .axes = 2,   \
        .members = NO_MEMBERS, .rules = RULES(CHANNELS_LAST, {"keepdims", "false"}), __VA_ARGS__   \
    }
#define BORDER(its_type, its_class, its_count, member, form, input)                                \
    {                                                                                              \
        .type = its_type, .class_name = its_class, .counted = its_count, .inner = "", input,       \
        .members = MEMBERS({member, form, NULL, NULL}), .rules = RULES(CHANNELS_LAST)              \
    }

/* A member is listed if it changes inference. Initialisers, regularisers and constraints matter
 * only for training in Keras. */
const keras_kind keras_kinds[] = {
    {
        .type = "conv_lstm2d",
        .class_name = "ConvLSTM2D",
        .passes_mask = true,
        .takes = 5,
        .counted = "conv_lstm2d",
        .inner = "cell",
        .members = MEMBERS(SLIDING, FUNCTION("activation"), FUNCTION("recurrent_activation"),
                           COPY("use_bias"), COPY("unit_forget_bias"), COPY("return_sequences"),
                           COPY_UNLESS("return_state", "false"),
                           COPY_UNLESS("go_backwards", "false"), COPY_UNLESS("stateful", "false"),
                           COPY_UNLESS("dropout", "0.0"), COPY_UNLESS("recurrent_dropout", "0.0")),
        .rules = RULES(CHANNELS_LAST, {"zero_output_for_mask", "false"}, {"time_major", "false"}),
        .parts = {{.name = "kernel"},
                  {.name = "recurrent_kernel"},
                  {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "conv_lstm2d",
        .class_name = "LSTM",
        .passes_mask = true,
        .takes = 3,
        .counted = "lstm",
        .inner = "cell",
        .leading_ones = true,
        .fixed = "{\"kernel_size\":[1,1]}",
        .members = MEMBERS({"filters", KERAS_COPY, NULL, "units"}, FUNCTION("activation"),
                           FUNCTION("recurrent_activation"), COPY("use_bias"),
                           COPY("unit_forget_bias"), COPY("return_sequences"),
                           COPY_UNLESS("go_backwards", "false"), COPY_UNLESS("stateful", "false"),
                           COPY_UNLESS("dropout", "0.0"), COPY_UNLESS("recurrent_dropout", "0.0")),
        .rules = RULES({"zero_output_for_mask", "false"}, {"time_major", "false"}),
        .parts = {{.name = "kernel"},
                  {.name = "recurrent_kernel"},
                  {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "conv2d",
        .class_name = "Conv2D",
        .counted = "conv2d",
        .inner = "",
        .timed = true,
        .members = MEMBERS(SLIDING, FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES(CHANNELS_LAST, {"groups", "1"}, {"lora_rank", "null"}),
        .parts = {{.name = "kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "conv3d",
        .class_name = "Conv3D",
        .takes = 5,
        .counted = "conv3d",
        .inner = "",
        .members = MEMBERS(SLIDING, FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES(CHANNELS_LAST, {"groups", "1"}, {"lora_rank", "null"}),
        .parts = {{.name = "kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "max_pool2d",
        .class_name = "MaxPooling2D",
        .counted = "max_pooling2d",
        .inner = "",
        .timed = true,
        .members = MEMBERS(COPY("pool_size"), COPY_UNLESS("strides", "[0,0]"), COPY("padding")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "average_pool2d",
        .class_name = "AveragePooling2D",
        .counted = "average_pooling2d",
        .inner = "",
        .timed = true,
        .members = MEMBERS(COPY("pool_size"), COPY_UNLESS("strides", "[0,0]"), COPY("padding")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "batch_normalization",
        .class_name = "BatchNormalization",
        .passes_mask = true,
        .counted = "batch_normalization",
        .inner = "",
        .axis = KERAS_CHANNELS,
        .members = MEMBERS(COPY("momentum"), COPY("epsilon")),
        .rules = RULES({"renorm", "false"}, {"virtual_batch_size", "null"}),
        .parts = {{.name = "gamma", .without = "scale", .fill = 1, .filled = true},
                  {.name = "beta", .without = "center", .filled = true},
                  {.name = "moving_mean"},
                  {.name = "moving_variance"}},
    },
    {
        .type = "layer_normalization",
        .class_name = "LayerNormalization",
        .passes_mask = true,
        .counted = "layer_normalization",
        .inner = "",
        .axis = KERAS_OVER,
        .members = MEMBERS(COPY("epsilon")),
        .rules = RULES({"rms_scaling", "false"}),
        .parts = {{.name = "gamma", .without = "scale", .fill = 1, .filled = true},
                  {.name = "beta", .without = "center", .filled = true}},
    },
    {.type = "dropout",
     .class_name = "Dropout",
     .passes_mask = true,
     .counted = "dropout",
     .inner = "",
     .members = MEMBERS(COPY("rate")),
     .rules = RULES({"noise_shape", "null"})},
    {.type = "spatial_dropout",
     .class_name = "SpatialDropout3D",
     .passes_mask = true,
     .counted = "spatial_dropout3d",
     .inner = "",
     .takes = 5,
     .members = MEMBERS(COPY("rate")),
     .rules = RULES(CHANNELS_LAST)},
    {.type = "spatial_dropout",
     .class_name = "SpatialDropout2D",
     .passes_mask = true,
     .each_frame = true,
     .counted = "spatial_dropout2d",
     .inner = "",
     .takes = 4,
     .members = MEMBERS(COPY("rate")),
     .rules = RULES(CHANNELS_LAST)},
    {.type = "flatten",
     .class_name = "Flatten",
     .each_frame = true,
     .counted = "flatten",
     .inner = "",
     .axes = 2,
     .members = NO_MEMBERS,
     .rules = RULES(CHANNELS_LAST)},
    GLOBAL_POOL("global_average_pool", "GlobalAveragePooling2D", "global_average_pooling2d",
                .takes = 4, .each_frame = true),
    GLOBAL_POOL("global_average_pool", "GlobalAveragePooling3D", "global_average_pooling3d",
                .takes = 5),
    {
        .type = "dense",
        .class_name = "Dense",
        .passes_mask = true,
        .counted = "dense",
        .inner = "",
        .members = MEMBERS(COPY("units"), FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES({"lora_rank", "null"}),
        .parts = {{.name = "kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {.type = "activation",
     .class_name = "Activation",
     .passes_mask = true,
     .counted = "activation",
     .inner = "",
     .members = MEMBERS(FUNCTION("activation")),
     .rules = NO_RULES},
    {
        .type = "relu",
        .class_name = "ReLU",
        .passes_mask = true,
        .counted = "re_lu",
        .inner = "",
        .members =
            MEMBERS(COPY_UNLESS("max_value", "0"), COPY("negative_slope"), COPY("threshold")),
        .rules = NO_RULES,
    },
    {
        .type = "relu",
        .class_name = "ThresholdedReLU",
        .passes_mask = true,
        .counted = "thresholded_re_lu",
        .inner = "",
        .members = MEMBERS({"threshold", KERAS_COPY, NULL, "theta"}),
        .rules = NO_RULES,
    },
    {
        .type = "elu",
        .class_name = "ELU",
        .passes_mask = true,
        .counted = "elu",
        .inner = "",
        .members = MEMBERS(COPY("alpha")),
        .rules = NO_RULES,
    },
    {
        .type = "prelu",
        .class_name = "PReLU",
        .passes_mask = true,
        .counted = "p_re_lu",
        .inner = "",
        .axis = KERAS_SHARED,
        .leading_ones = true,
        .members = NO_MEMBERS,
        .rules = NO_RULES,
        .parts = {{.name = "alpha"}},
    },
    {.type = "activation",
     .class_name = "Softmax",
     .passes_mask = true,
     .counted = "softmax",
     .inner = "",
     .fixed = "{\"activation\":\"softmax\"}",
     .members = NO_MEMBERS,
     .rules = RULES({"axis", "-1"})},
    {
        .type = "leaky_relu",
        .class_name = "LeakyReLU",
        .passes_mask = true,
        .counted = "leaky_re_lu",
        .inner = "",
        .members = MEMBERS({"negative_slope", KERAS_COPY, NULL, "alpha"}),
        .rules = NO_RULES,
    },
    {
        .type = "max_pool2d",
        .class_name = "MaxPooling3D",
        .counted = "max_pooling3d",
        .inner = "",
        .takes = 5,
        .members = MEMBERS(SPATIAL("pool_size"), SPATIAL("strides"), COPY("padding")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "max_pool3d",
        .class_name = "MaxPooling3D",
        .counted = "max_pooling3d",
        .inner = "",
        .takes = 5,
        .members = MEMBERS(COPY("pool_size"), COPY_UNLESS("strides", "[0,0,0]"), COPY("padding")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "average_pool2d",
        .class_name = "AveragePooling3D",
        .counted = "average_pooling3d",
        .inner = "",
        .takes = 5,
        .members = MEMBERS(SPATIAL("pool_size"), SPATIAL("strides"), COPY("padding")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "average_pool3d",
        .class_name = "AveragePooling3D",
        .counted = "average_pooling3d",
        .inner = "",
        .takes = 5,
        .members = MEMBERS(COPY("pool_size"), COPY_UNLESS("strides", "[0,0,0]"), COPY("padding")),
        .rules = RULES(CHANNELS_LAST),
    },
    GLOBAL_POOL("global_max_pool", "GlobalMaxPooling2D", "global_max_pooling2d", .takes = 4,
                .each_frame = true),
    GLOBAL_POOL("global_max_pool", "GlobalMaxPooling3D", "global_max_pooling3d", .takes = 5),
    GLOBAL_POOL("global_max_pool", "GlobalMaxPooling1D", "global_max_pooling1d", .takes = 3),
    GLOBAL_POOL("global_average_pool", "GlobalAveragePooling1D", "global_average_pooling1d",
                .takes = 3, .passes_mask = true),
    BORDER("zero_padding2d", "ZeroPadding2D", "zero_padding2d", "padding", KERAS_BORDER,
           .timed = true),
    BORDER("zero_padding2d", "ZeroPadding3D", "zero_padding3d", "padding", KERAS_BORDER,
           .takes = 5),
    BORDER("zero_padding3d", "ZeroPadding3D", "zero_padding3d", "padding", KERAS_BORDER3D,
           .takes = 5),
    BORDER("cropping2d", "Cropping2D", "cropping2d", "cropping", KERAS_BORDER, .timed = true),
    BORDER("cropping2d", "Cropping3D", "cropping3d", "cropping", KERAS_BORDER, .takes = 5),
    BORDER("cropping3d", "Cropping3D", "cropping3d", "cropping", KERAS_BORDER3D, .takes = 5),
    {
        .type = "up_sampling2d",
        .class_name = "UpSampling2D",
        .counted = "up_sampling2d",
        .inner = "",
        .timed = true,
        .members = MEMBERS(COPY("size"), COPY("interpolation")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "up_sampling2d",
        .class_name = "UpSampling3D",
        .counted = "up_sampling3d",
        .inner = "",
        .takes = 5,
        .members = MEMBERS(SPATIAL("size")),
        .rules = RULES(CHANNELS_LAST),
    },
    {
        .type = "up_sampling3d",
        .class_name = "UpSampling3D",
        .counted = "up_sampling3d",
        .inner = "",
        .takes = 5,
        .members = MEMBERS(COPY("size")),
        .rules = RULES(CHANNELS_LAST),
    },
    {.type = "repeat_vector",
     .class_name = "RepeatVector",
     .counted = "repeat_vector",
     .inner = "",
     .takes = 2,
     .axes = 3,
     .members = MEMBERS(COPY("n")),
     .rules = NO_RULES},
    {
        .type = "reshape",
        .class_name = "Reshape",
        .counted = "reshape",
        .inner = "",
        .members = MEMBERS({"target_shape", KERAS_SHAPE, NULL, NULL}),
        .rules = NO_RULES,
    },
    {
        .type = "conv2d_transpose",
        .class_name = "Conv2DTranspose",
        .counted = "conv2d_transpose",
        .inner = "",
        .timed = true,
        .members = MEMBERS(COPY("filters"), COPY("kernel_size"), COPY("strides"), COPY("padding"),
                           COPY("output_padding"), FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES(CHANNELS_LAST, {"dilation_rate", "[1,1]"}, {"groups", "1"}),
        .parts = {{.name = "kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "conv3d_transpose",
        .class_name = "Conv3DTranspose",
        .takes = 5,
        .counted = "conv3d_transpose",
        .inner = "",
        .members = MEMBERS(COPY("filters"), COPY("kernel_size"), COPY("strides"), COPY("padding"),
                           COPY("output_padding"), FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES(CHANNELS_LAST, {"dilation_rate", "[1,1,1]"}, {"groups", "1"}),
        .parts = {{.name = "kernel"}, {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "depthwise_conv2d",
        .class_name = "DepthwiseConv2D",
        .counted = "depthwise_conv2d",
        .inner = "",
        .timed = true,
        .members =
            MEMBERS(COPY("kernel_size"), COPY("strides"), COPY("padding"), COPY("dilation_rate"),
                    COPY("depth_multiplier"), FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES(CHANNELS_LAST),
        .parts = {{.name = "depthwise_kernel", .also = "kernel"},
                  {.name = "bias", .without = "use_bias"}},
    },
    {
        .type = "separable_conv2d",
        .class_name = "SeparableConv2D",
        .counted = "separable_conv2d",
        .inner = "",
        .timed = true,
        .members =
            MEMBERS(SLIDING, COPY("depth_multiplier"), FUNCTION("activation"), COPY("use_bias")),
        .rules = RULES(CHANNELS_LAST),
        .parts = {{.name = "depthwise_kernel"},
                  {.name = "pointwise_kernel"},
                  {.name = "bias", .without = "use_bias"}},
    },
    {.type = "rescaling",
     .class_name = "Rescaling",
     .counted = "rescaling",
     .inner = "",
     .members = MEMBERS(COPY("scale"), COPY("offset")),
     .rules = NO_RULES},
    {.type = "gaussian_noise",
     .class_name = "GaussianNoise",
     .passes_mask = true,
     .counted = "gaussian_noise",
     .inner = "",
     .members = MEMBERS(COPY("stddev")),
     .rules = NO_RULES},
    {.type = "gaussian_dropout",
     .class_name = "GaussianDropout",
     .counted = "gaussian_dropout",
     .inner = "",
     .members = MEMBERS(COPY("rate")),
     .rules = NO_RULES},
    {.type = "identity",
     .class_name = "Identity",
     .passes_mask = true,
     .counted = "identity",
     .inner = "",
     .members = NO_MEMBERS,
     .rules = NO_RULES},
    {.type = "identity",
     .class_name = "ActivityRegularization",
     .passes_mask = true,
     .counted = "activity_regularization",
     .inner = "",
     .members = NO_MEMBERS,
     .rules = NO_RULES},
    MERGE("add", "Add"),
    MERGE("subtract", "Subtract"),
    MERGE("multiply", "Multiply"),
    MERGE("average", "Average"),
    MERGE("maximum", "Maximum"),
    MERGE("minimum", "Minimum"),
    {.type = "concatenate",
     .class_name = "Concatenate",
     .passes_mask = true,
     .merges = true,
     .counted = "concatenate",
     .inner = "",
     .axis = KERAS_CHANNELS,
     .members = NO_MEMBERS,
     .rules = NO_RULES},
    {.type = NULL},
};

const keras_kind keras_mask_kind = {.type = "mask",
                                    .class_name = "mask",
                                    .counted = "mask",
                                    .inner = "",
                                    .members = NO_MEMBERS,
                                    .rules = NO_RULES};

const keras_kind keras_reverse = {
    .type = "reverse", .counted = "reverse", .inner = "", .members = NO_MEMBERS, .rules = NO_RULES};

const keras_kind *keras_kind_of_class(const char *class_name)
{
    for (const keras_kind *k = keras_kinds; k->type; k++)
        if (!strcmp(k->class_name, class_name)) return k;
    return NULL;
}

const keras_kind *keras_kind_after(const keras_kind *kind)
{
    const char *class_name = kind->class_name;
    for (kind++; kind->type; kind++)
        if (!strcmp(kind->class_name, class_name)) return kind;
    return NULL;
}

const keras_kind *keras_kind_of_type(const char *type, int axes)
{
    for (const keras_kind *k = keras_kinds; k->type; k++)
        if (!strcmp(k->type, type) && (!axes || !k->takes || k->takes == axes)) return k;
    return strcmp(type, keras_mask_kind.type) ? NULL : &keras_mask_kind;
}
