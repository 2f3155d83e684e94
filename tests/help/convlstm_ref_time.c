/* Layers of convlstm_ref.h that see several frames of a sequence, and may change their number. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm_ref_value.h"

static size_t size_of(json_t *layer, const char *key)
{
    return (size_t)json_integer_value(json_object_get(layer, key));
}

value ref_filled(const value *in, const ref_batch *batch)
{
    value v = ref_make(in->batch, in->frames, in->height, in->width, in->channels, in->sequence);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t t = 0, last = SIZE_MAX; t < in->frames; t++) {
            if (ref_valid(in, batch, b, t)) last = t;
            if (last != SIZE_MAX)
                memcpy(frame(&v, b, t), frame(in, b, last), frame_size(in) * sizeof *v.data);
        }
    v.every = true;
    return v;
}

/* A sequence of another length, all of whose frames are valid. */
static value make_every(const value *in, size_t frames, size_t height, size_t width,
                        size_t channels)
{
    value v = ref_make(in->batch, frames, height, width, channels, true);
    v.every = true;
    return v;
}

/* Where an axis of a window ends up: time, rows, columns. */
typedef struct window {
    size_t size[3], stride[3], dilation[3], out[3], pad[3];
} window;

static window window_of(json_t *layer, const char *size, const value *in)
{
    window w;
    const size_t length[3] = {in->frames, in->height, in->width};
    bool valid = !strcmp(ref_text(layer, "padding"), "valid"),
         causal = json_is_true(json_object_get(layer, "causal"));
    for (size_t d = 0; d < 3; d++) {
        w.size[d] = ref_pair(layer, size, d);
        w.stride[d] = ref_pair(layer, "strides", d);
        if (!w.stride[d]) w.stride[d] = w.size[d];
        w.dilation[d] =
            json_object_get(layer, "dilation_rate") ? ref_pair(layer, "dilation_rate", d) : 1;
        w.out[d] = ref_out_length(length[d], w.size[d], w.stride[d], w.dilation[d],
                                  valid && !(d == 0 && causal), &w.pad[d]);
    }
    if (causal) w.pad[0] = (w.size[0] - 1) * w.dilation[0];
    return w;
}

/* A masked frame is zeros to its neighbours, unless the number of frames changes. */
static value conv3d(ref_net *r, json_t *layer, const value *in, const ref_batch *batch)
{
    window w = window_of(layer, "kernel_size", in);
    size_t filters = size_of(layer, "filters"),
           slice = w.size[1] * w.size[2] * in->channels * filters;
    bool valid = !strcmp(ref_text(layer, "padding"), "valid"),
         causal = json_is_true(json_object_get(layer, "causal")),
         changes = w.stride[0] > 1 || (valid && !causal && w.size[0] > 1);
    const double *kernel = ref_layer_weights(r, layer, "kernel"),
                 *bias = ref_layer_weights(r, layer, "bias");
    value filled = ref_filled(in, batch),
          v = changes ? make_every(in, w.out[0], w.out[1], w.out[2], filters)
                      : ref_make(in->batch, in->frames, w.out[1], w.out[2], filters, true);
    v.reversed = !changes && in->reversed;
    for (size_t b = 0; b < in->batch; b++)
        for (size_t t = 0; t < v.frames; t++) {
            double *to = frame(&v, b, t);
            for (size_t i = 0; bias && i < frame_size(&v); i++) to[i] = bias[i % filters];
            for (size_t d = 0; d < w.size[0]; d++) {
                long from = (long)(t * w.stride[0] + d * w.dilation[0]) - (long)w.pad[0];
                if (from < 0 || from >= (long)in->frames ||
                    (!changes && !ref_valid(in, batch, b, (size_t)from)))
                    continue;
                ref_convolve(frame(changes ? &filled : in, b, (size_t)from), in->height, in->width,
                             in->channels, kernel + d * slice, w.size[1], w.size[2], w.stride + 1,
                             w.dilation + 1, w.pad + 1, to, w.out[1], w.out[2], filters);
            }
        }
    free(filled.data);
    return v;
}

/* As written in Keras's documents: each frame adds its kernel to the output. */
static value conv3d_transpose(ref_net *r, json_t *layer, const value *in, const ref_batch *batch)
{
    size_t k[3], s[3], out[3], pad[3], filters = size_of(layer, "filters"), channels = in->channels;
    const size_t length[3] = {in->frames, in->height, in->width};
    json_t *more = json_object_get(layer, "output_padding");
    bool valid = !strcmp(ref_text(layer, "padding"), "valid");
    for (size_t d = 0; d < 3; d++) {
        k[d] = ref_pair(layer, "kernel_size", d);
        s[d] = ref_pair(layer, "strides", d);
        out[d] = length[d] * s[d] + (valid && k[d] > s[d] ? k[d] - s[d] : 0);
        if (more)
            out[d] = (length[d] - 1) * s[d] + k[d] - (valid ? 0 : 2 * (k[d] / 2)) +
                     ref_pair(layer, "output_padding", json_array_size(more) == 3 ? d : 0);
        size_t reach = (length[d] - 1) * s[d] + k[d];
        pad[d] = valid || reach < out[d] ? 0 : (reach - out[d]) / 2;
    }
    bool changes = out[0] != in->frames || more;
    const double *kernel = ref_layer_weights(r, layer, "kernel"),
                 *bias = ref_layer_weights(r, layer, "bias");
    value filled = ref_filled(in, batch),
          v = changes ? make_every(in, out[0], out[1], out[2], filters)
                      : ref_make(in->batch, in->frames, out[1], out[2], filters, true);
    v.reversed = !changes && in->reversed;
    for (size_t i = 0; bias && i < v.batch * v.frames * frame_size(&v); i++)
        v.data[i] = bias[i % filters];
    for (size_t b = 0; b < in->batch; b++)
        for (size_t f = 0; f < in->frames; f++)
            for (size_t i = 0; i < frame_size(in) * k[0] * k[1] * k[2]; i++) {
                size_t tap = i / frame_size(in), at = i % frame_size(in), p = at / channels;
                long t = (long)(f * s[0] + tap / k[2] / k[1]) - (long)pad[0],
                     y = (long)(p / in->width * s[1] + tap / k[2] % k[1]) - (long)pad[1],
                     x = (long)(p % in->width * s[2] + tap % k[2]) - (long)pad[2];
                if (t < 0 || y < 0 || x < 0 || t >= (long)out[0] || y >= (long)out[1] ||
                    x >= (long)out[2] || (!changes && !ref_valid(in, batch, b, f)))
                    continue;
                double *to = frame(&v, b, (size_t)t) + ((size_t)y * out[2] + (size_t)x) * filters;
                for (size_t o = 0; o < filters; o++)
                    to[o] += frame(changes ? &filled : in, b, f)[at] *
                             kernel[(tap * filters + o) * channels + at % channels];
            }
    free(filled.data);
    return v;
}

/* The value of a sequence at a place; false if it has none there. */
static bool at(const value *v, size_t b, const long p[3], size_t c, double *out)
{
    const long length[3] = {(long)v->frames, (long)v->height, (long)v->width};
    for (size_t d = 0; d < 3; d++)
        if (p[d] < 0 || p[d] >= length[d]) return false;
    *out = frame(v, b, (size_t)p[0])[((size_t)p[1] * v->width + (size_t)p[2]) * v->channels + c];
    return true;
}

static double pooled(const value *in, const window *w, size_t b, const size_t o[3], size_t c,
                     bool maximum)
{
    double best = -INFINITY, sum = 0, count = 0, x;
    for (size_t k = 0; k < w->size[0] * w->size[1] * w->size[2]; k++) {
        const size_t tap[3] = {k / w->size[2] / w->size[1], k / w->size[2] % w->size[1],
                               k % w->size[2]};
        long p[3];
        for (size_t d = 0; d < 3; d++)
            p[d] = (long)(o[d] * w->stride[d] + tap[d]) - (long)w->pad[d];
        if (!at(in, b, p, c, &x)) continue;
        best = fmax(best, x);
        sum += x;
        count++;
    }
    return maximum ? best : sum / count;
}

/* Where a place of the output of a layer that moves values comes from. */
static double moved(json_t *layer, const value *in, size_t b, const size_t o[3], size_t c)
{
    const char *type = ref_text(layer, "type");
    double x = 0;
    long p[3];
    for (size_t d = 0; d < 3; d++)
        p[d] = !strcmp(type, "up_sampling3d") ? (long)(o[d] / ref_pair(layer, "size", d))
               : !strcmp(type, "cropping3d")  ? (long)(o[d] + ref_pair(layer, "cropping", 2 * d))
                                             : (long)o[d] - (long)ref_pair(layer, "padding", 2 * d);
    at(in, b, p, c, &x);
    return x;
}

static void moved_shape(json_t *layer, const value *in, size_t out[3])
{
    const char *type = ref_text(layer, "type");
    const size_t length[3] = {in->frames, in->height, in->width};
    for (size_t d = 0; d < 3; d++)
        out[d] = !strcmp(type, "up_sampling3d") ? length[d] * ref_pair(layer, "size", d)
                 : !strcmp(type, "cropping3d")  ? length[d] - ref_pair(layer, "cropping", 2 * d) -
                                                     ref_pair(layer, "cropping", 2 * d + 1)
                                               : length[d] + ref_pair(layer, "padding", 2 * d) +
                                                     ref_pair(layer, "padding", 2 * d + 1);
}

/* Value by value. window null: the layer moves values. */
static value each_value(json_t *layer, const value *in, const ref_batch *batch, const window *w,
                        const size_t out[3])
{
    bool maximum = !strcmp(ref_text(layer, "type"), "max_pool3d");
    value filled = ref_filled(in, batch), v = make_every(in, out[0], out[1], out[2], in->channels);
    /* without a change of their number, the frames keep their mask */
    if (out[0] == in->frames && (!w || (w->size[0] == 1 && w->stride[0] == 1)))
        v.every = in->every, v.reversed = in->reversed;
    for (size_t b = 0; b < in->batch; b++)
        for (size_t i = 0; i < v.frames * frame_size(&v); i++) {
            size_t c = i % v.channels, p = i / v.channels;
            const size_t o[3] = {p / v.width / v.height, p / v.width % v.height, p % v.width};
            frame(&v, b, 0)[i] =
                w ? pooled(&filled, w, b, o, c, maximum) : moved(layer, &filled, b, o, c);
        }
    free(filled.data);
    return v;
}

static value repeat_vector(json_t *layer, const value *in)
{
    value v = make_every(in, size_of(layer, "n"), 1, 1, in->channels);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t t = 0; t < v.frames; t++)
            memcpy(frame(&v, b, t), frame(in, b, 0), frame_size(in) * sizeof *v.data);
    return v;
}

/* The values of a sample, one behind the other, as a sequence. */
static value to_sequence(json_t *layer, const value *in, const ref_batch *batch)
{
    json_t *target = json_object_get(layer, "target_shape");
    size_t sizes[4] = {1, 1, 1, 1}, n = json_array_size(target), known = 1,
           values = in->frames * frame_size(in);
    for (size_t d = 0; d < n; d++)
        sizes[d ? 4 - n + d : 0] = (size_t)json_integer_value(json_array_get(target, d));
    for (size_t d = 0; d < 4; d++) known *= sizes[d] ? sizes[d] : 1;
    for (size_t d = 0; d < 4; d++)
        if (!sizes[d]) sizes[d] = values / known;
    value filled = ref_filled(in, batch),
          v = make_every(in, sizes[0], sizes[1], sizes[2], sizes[3]);
    memcpy(v.data, filled.data, in->batch * values * sizeof *v.data);
    if (in->sequence && in->frames == v.frames) v.every = in->every, v.reversed = in->reversed;
    free(filled.data);
    return v;
}

value ref_time_layer(ref_net *r, json_t *layer, const value *in, const ref_batch *batch)
{
    const char *type = ref_text(layer, "type");
    size_t out[3];
    if (!strcmp(type, "conv3d")) return conv3d(r, layer, in, batch);
    if (!strcmp(type, "conv3d_transpose")) return conv3d_transpose(r, layer, in, batch);
    if (!strcmp(type, "repeat_vector")) return repeat_vector(layer, in);
    if (!strcmp(type, "max_pool3d") || !strcmp(type, "average_pool3d")) {
        window w = window_of(layer, "pool_size", in);
        return each_value(layer, in, batch, &w, w.out);
    }
    if (!strcmp(type, "up_sampling3d") || !strcmp(type, "cropping3d") ||
        !strcmp(type, "zero_padding3d")) {
        moved_shape(layer, in, out);
        return each_value(layer, in, batch, NULL, out);
    }
    if (!strcmp(type, "reshape") &&
        json_array_size(json_object_get(layer, "target_shape")) % 2 == 0)
        return to_sequence(layer, in, batch);
    return (value){.data = NULL};
}
