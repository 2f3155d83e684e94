/* Frames of pixels to frames of floats, resized as tf.image.resize does it: bilinear, half-pixel
 * centres, no antialiasing. */
#include <math.h>
#include <string.h>

#include "convlstm.h"
#include "core.h"

/* Above this a float does not hold every whole number, as `locate` needs. */
#define MAX_LENGTH (1 << 24)

/* Where output i of `out` falls among `in` inputs: between `low` and `high`, `share` of the way. */
typedef struct position {
    size_t low, high;
    float share;
} position;

static position locate(size_t i, size_t in, size_t out)
{
    float at = ((float)i + 0.5f) * ((float)in / (float)out) - 0.5f, below = floorf(at);
    size_t low = below < 0 ? 0 : (size_t)below, high = at < 0 ? 0 : (size_t)ceilf(at);
    return (position){low < in ? low : in - 1, high < in ? high : in - 1, at - below};
}

static inline float mix(float a, float b, float share) { return a + (b - a) * share; }

/* Number i of a frame. */
static inline float value(const void *in, bool bytes, size_t i)
{
    return bytes ? (float)((const uint8_t *)in)[i] : ((const float *)in)[i];
}

/* One frame. Inlined for each type of pixel. */
static inline void resize(const void *in, bool bytes, size_t height, size_t width, size_t channels,
                          size_t out_height, size_t out_width, float *out)
{
    float unit = bytes ? 255.0f : 1.0f;
    for (size_t y = 0; y < out_height; y++) {
        position row = locate(y, height, out_height);
        for (size_t x = 0; x < out_width; x++) {
            position column = locate(x, width, out_width);
            size_t a = (row.low * width + column.low) * channels,
                   b = (row.low * width + column.high) * channels;
            size_t c = (row.high * width + column.low) * channels,
                   d = (row.high * width + column.high) * channels;
            for (size_t k = 0; k < channels; k++) {
                float top = mix(value(in, bytes, a + k), value(in, bytes, b + k), column.share);
                float bottom = mix(value(in, bytes, c + k), value(in, bytes, d + k), column.share);
                *out++ = mix(top, bottom, row.share) / unit;
            }
        }
    }
}

/* Numbers of a frame before and after. */
static nbase_status sizes(size_t n, size_t height, size_t width, size_t channels, size_t out_height,
                          size_t out_width, size_t *in, size_t *out)
{
    size_t all;
    if (!height || !width || !channels || !out_height || !out_width) return NBASE_ERR_ARG;
    if (height > MAX_LENGTH || width > MAX_LENGTH || out_height > MAX_LENGTH ||
        out_width > MAX_LENGTH)
        return NBASE_ERR_LIMIT;
    if (!nbase__mul(height * width, channels, in) ||
        !nbase__mul(out_height * out_width, channels, out) || !nbase__mul(*in, n, &all) ||
        !nbase__mul(*out, n, &all) || !nbase__mul(all, sizeof(float), &all))
        return NBASE_ERR_LIMIT;
    return NBASE_OK;
}

nbase_status convlstm_frames_from_u8(const uint8_t *frames, size_t n, size_t height, size_t width,
                                     size_t channels, size_t out_height, size_t out_width,
                                     float *out)
{
    size_t from, to;
    if (!frames || !out) return NBASE_ERR_ARG;
    nbase_status status = sizes(n, height, width, channels, out_height, out_width, &from, &to);
    if (status) return status;
    for (size_t f = 0; f < n; f++, frames += from, out += to) {
        if (height == out_height && width == out_width)
            for (size_t i = 0; i < from; i++) out[i] = (float)frames[i] / 255.0f;
        else
            resize(frames, true, height, width, channels, out_height, out_width, out);
    }
    return NBASE_OK;
}

nbase_status convlstm_frames_from_f32(const float *frames, size_t n, size_t height, size_t width,
                                      size_t channels, size_t out_height, size_t out_width,
                                      float *out)
{
    size_t from, to;
    if (!frames || !out) return NBASE_ERR_ARG;
    nbase_status status = sizes(n, height, width, channels, out_height, out_width, &from, &to);
    if (status) return status;
    for (size_t f = 0; f < n; f++, frames += from, out += to) {
        if (height == out_height && width == out_width)
            memmove(out, frames, from * sizeof *out);
        else
            resize(frames, false, height, width, channels, out_height, out_width, out);
    }
    return NBASE_OK;
}
