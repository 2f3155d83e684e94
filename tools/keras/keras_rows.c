#include "keras_rows.h"

#include <string.h>

#include "calls.h"

/* Members of one number, which of frames are two, the first that of the rows. */
static const struct {
    const char *member;
    int first;
} numbers[] = {{"kernel_size", 1}, {"strides", 1},        {"dilation_rate", 1},
               {"pool_size", 1},   {"output_padding", 0}, {"size", 1}};

static const char *const borders[] = {"padding", "cropping"};

/* Classes by the name without its dimension. Global pooling of a sequence of vectors stays. */
static const char *const classes[] = {
    "ConvLSTM",   "Conv",           "SeparableConv", "DepthwiseConv", "MaxPooling",
    "UpSampling", "AveragePooling", "ZeroPadding",   "Cropping",      "SpatialDropout"};

/* "ConvLSTM1D" to "ConvLSTM2D"; false: the class is none of rows. */
static bool frame_class(const char *name, bool frame, char out[64])
{
    size_t n = strlen(name);
    bool known = !strcmp(name, "Conv1DTranspose") || (frame && !strncmp(name, "Global", 6));
    if (n >= 64 || !strstr(name, "1D")) return false;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        known = known || (strlen(classes[i]) + 2 == n && !strncmp(name, classes[i], n - 2));
    strcpy(out, name);
    if (known) *strstr(out, "1D") = '2';
    return known;
}

static json_t *first_number(const json_t *value)
{
    const json_t *number = json_is_array(value) ? json_array_get(value, 0) : value;
    return json_is_integer(number) ? json_incref((json_t *)number) : NULL;
}

static void widen_members(json_t *config)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_t *number = first_number(json_object_get(config, numbers[i].member));
        if (!number) continue;
        json_object_set_new(config, numbers[i].member,
                            json_pack("[i,o]", numbers[i].first, number));
    }
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++) {
        json_t *border = json_object_get(config, borders[i]);
        if (!border || json_is_string(border)) continue; /* a convolution's padding is a name */
        json_t *pair =
            json_is_array(border) ? json_incref(border) : json_pack("[O,O]", border, border);
        json_object_set_new(config, borders[i], json_pack("[[i,i],o]", 0, 0, pair));
    }
}

json_t *keras_layer_of_frames(const json_t *layer, bool frame)
{
    json_t *copy = json_deep_copy(layer), *config = json_object_get(copy, "config");
    const char *class_name = keras_text(copy, "class_name");
    char name[64];
    bool timed = !strcmp(class_name, "TimeDistributed");
    if (timed || !strcmp(class_name, "Bidirectional")) {
        static const char *const inner[] = {"layer", "backward_layer"};
        for (size_t i = 0; i < 2; i++) {
            const json_t *own = json_object_get(config, inner[i]);
            if (json_is_object(own))
                json_object_set_new(config, inner[i], keras_layer_of_frames(own, timed));
        }
        return copy;
    }
    if (!frame_class(class_name, frame, name)) return copy;
    json_object_set_new(copy, "class_name", json_string(name));
    widen_members(config);
    return copy;
}
