/* Layers that change the number of frames of a sequence. */
#include <string.h>

#include "converter.h"

static bool is_type(const keras_kind *kind, const char *type) { return !strcmp(kind->type, type); }

/* Number d of a member, or the number that stands for all of them; else `missing`. */
static json_int_t number_at(const json_t *layer, const char *member, size_t d, json_int_t missing)
{
    const json_t *value = json_object_get(layer, member);
    if (json_is_array(value)) value = json_array_get(value, d);
    return json_is_integer(value) ? json_integer_value(value) : missing;
}

/* Whether a shape keeps the frames of a sequence, as members.c has it. */
static bool keeps_frames(const json_t *target, const keras_flow *in)
{
    json_int_t frames = json_integer_value(json_array_get(target, 0));
    return keras_is_sequence(in->axes) && (frames < 0 || (in->frames && frames == in->frames));
}

bool keras_remakes_frames(const keras_kind *kind, const json_t *config, const keras_flow *in)
{
    static const char *const types[] = {"max_pool3d",     "average_pool3d", "up_sampling3d",
                                        "zero_padding3d", "cropping3d",     "repeat_vector"};
    const json_t *target = json_object_get(config, "target_shape");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_type(kind, types[i])) return true;
    if (is_type(kind, "reshape"))
        return json_array_size(target) % 2 == 0 && !keeps_frames(target, in);
    bool transposed = is_type(kind, "conv3d_transpose"),
         asked = json_is_array(json_object_get(config, "output_padding"));
    if (!transposed && !is_type(kind, "conv3d")) return false;
    return (transposed && asked) || number_at(config, "strides", 0, 1) > 1 ||
           (strcmp(keras_text(config, "padding"), "same") != 0 &&
            number_at(config, "kernel_size", 0, 1) > 1);
}

/* Frames of a transposed convolution, as Keras computes them. */
static json_int_t frames_transposed(const json_t *layer, json_int_t frames)
{
    bool same = !strcmp(keras_text(layer, "padding"), "same");
    json_int_t size = number_at(layer, "kernel_size", 0, 1),
               stride = number_at(layer, "strides", 0, 1);
    size_t given = json_array_size(json_object_get(layer, "output_padding"));
    if (!given) return frames * stride + (!same && size > stride ? size - stride : 0);
    return (frames - 1) * stride + size - (same ? size / 2 * 2 : 0) +
           number_at(layer, "output_padding", 0, 0);
}

/* Places of a window of `span` frames among `frames`. */
static json_int_t places(const json_t *layer, json_int_t span, json_int_t stride, json_int_t frames)
{
    bool same = !strcmp(keras_text(layer, "padding"), "same");
    if (same) return (frames + stride - 1) / stride;
    return frames < span ? 0 : (frames - span) / stride + 1;
}

json_int_t keras_frames_after(const keras_kind *kind, const json_t *layer, json_int_t frames)
{
    json_int_t size, stride;
    if (is_type(kind, "repeat_vector")) return number_at(layer, "n", 0, 0);
    if (is_type(kind, "reshape")) return number_at(layer, "target_shape", 0, 0);
    if (!frames) return 0;
    if (is_type(kind, "up_sampling3d")) return frames * number_at(layer, "size", 0, 2);
    if (is_type(kind, "zero_padding3d"))
        return frames + number_at(layer, "padding", 0, 1) + number_at(layer, "padding", 1, 1);
    if (is_type(kind, "cropping3d"))
        return frames - number_at(layer, "cropping", 0, 0) - number_at(layer, "cropping", 1, 0);
    if (is_type(kind, "conv3d_transpose")) return frames_transposed(layer, frames);
    if (is_type(kind, "conv3d")) {
        size = number_at(layer, "kernel_size", 0, 1);
        size = (size - 1) * number_at(layer, "dilation_rate", 0, 1) + 1;
        return places(layer, size, number_at(layer, "strides", 0, 1), frames);
    }
    size = number_at(layer, "pool_size", 0, 2);
    stride = number_at(layer, "strides", 0, 0);
    return places(layer, size, stride ? stride : size, frames);
}
