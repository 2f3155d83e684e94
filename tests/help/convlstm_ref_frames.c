/* Layers of convlstm_ref.h that work on each frame alone and change its size. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm_ref_value.h"

static size_t size_of(json_t *layer, const char *key)
{
    return (size_t)json_integer_value(json_object_get(layer, key));
}

/* As written in Keras's documents: each input pixel adds its kernel to the output. */
static value conv2d_transpose(ref_net *r, json_t *layer, const value *in)
{
    size_t k[2], s[2], out[2], pad[2], filters = size_of(layer, "filters");
    json_t *more = json_object_get(layer, "output_padding");
    bool valid = !strcmp(ref_text(layer, "padding"), "valid");
    for (size_t d = 0; d < 2; d++) {
        size_t length = d ? in->width : in->height, total;
        k[d] = ref_pair(layer, "kernel_size", d);
        s[d] = ref_pair(layer, "strides", d);
        out[d] = length * s[d] + (valid && k[d] > s[d] ? k[d] - s[d] : 0);
        if (more)
            out[d] = (length - 1) * s[d] + k[d] - (valid ? 0 : 2 * (k[d] / 2)) +
                     (size_t)json_integer_value(
                         json_array_get(more, json_array_size(more) == 2 ? d : 0));
        total = (length - 1) * s[d] + k[d] > out[d] ? (length - 1) * s[d] + k[d] - out[d] : 0;
        pad[d] = valid ? 0 : total / 2;
    }
    const double *kernel = ref_layer_weights(r, layer, "kernel"),
                 *bias = ref_layer_weights(r, layer, "bias");
    value v = ref_make(in->batch, in->frames, out[0], out[1], filters, in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++) {
        double *to = v.data + f * frame_size(&v);
        for (size_t i = 0; i < frame_size(&v); i++) to[i] = bias ? bias[i % filters] : 0;
        for (size_t i = 0; i < frame_size(in); i++)
            for (size_t t = 0; t < k[0] * k[1]; t++) {
                size_t p = i / in->channels, c = i % in->channels;
                long y = (long)(p / in->width * s[0] + t / k[1]) - (long)pad[0],
                     x = (long)(p % in->width * s[1] + t % k[1]) - (long)pad[1];
                if (y < 0 || x < 0 || y >= (long)out[0] || x >= (long)out[1]) continue;
                for (size_t o = 0; o < filters; o++)
                    to[((size_t)y * out[1] + (size_t)x) * filters + o] +=
                        in->data[f * frame_size(in) + i] *
                        kernel[(t * filters + o) * in->channels + c];
            }
    }
    return v;
}

/* Each channel by its own kernels, and the separable one's sum of them. */
static value depthwise(ref_net *r, json_t *layer, const value *in, bool separable)
{
    size_t k[2], s[2], d[2], pad[2], out[2],
        multiplier = size_of(layer, "depth_multiplier"), middle = in->channels * multiplier,
        filters = separable ? size_of(layer, "filters") : middle;
    for (size_t i = 0; i < 2; i++) {
        k[i] = ref_pair(layer, "kernel_size", i);
        s[i] = ref_pair(layer, "strides", i);
        d[i] = ref_pair(layer, "dilation_rate", i);
        out[i] = ref_out_length(i ? in->width : in->height, k[i], s[i], d[i],
                                !strcmp(ref_text(layer, "padding"), "valid"), &pad[i]);
    }
    const double *deep = ref_layer_weights(r, layer, "depthwise_kernel"),
                 *points = ref_layer_weights(r, layer, "pointwise_kernel"),
                 *bias = ref_layer_weights(r, layer, "bias");
    /* the whole kernel: (kh, kw, channels, filters) */
    double *kernel = calloc(k[0] * k[1] * in->channels * filters, sizeof *kernel);
    for (size_t t = 0; t < k[0] * k[1]; t++)
        for (size_t m = 0; m < middle; m++)
            for (size_t f = 0; f < filters; f++)
                kernel[(t * in->channels + m / multiplier) * filters + f] +=
                    deep[t * middle + m] * (separable ? points[m * filters + f] : m == f);
    value v = ref_make(in->batch, in->frames, out[0], out[1], filters, in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++) {
        double *to = v.data + f * frame_size(&v);
        for (size_t i = 0; bias && i < frame_size(&v); i++) to[i] = bias[i % filters];
        ref_convolve(in->data + f * frame_size(in), in->height, in->width, in->channels, kernel,
                     k[0], k[1], s, d, pad, to, out[0], out[1], filters);
    }
    free(kernel);
    return v;
}

/* A pixel of a frame; zero outside of it. */
static double pixel(const value *v, size_t f, long y, long x, size_t c)
{
    if (y < 0 || x < 0 || y >= (long)v->height || x >= (long)v->width) return 0;
    return v->data[f * frame_size(v) + ((size_t)y * v->width + (size_t)x) * v->channels + c];
}

/* sign 1: padding, -1: cropping. */
static value border(json_t *layer, const value *in, const char *key, long sign)
{
    long b[4];
    for (size_t d = 0; d < 4; d++) b[d] = sign * (long)ref_pair(layer, key, d);
    value v = ref_make(in->batch, in->frames, (size_t)((long)in->height + b[0] + b[1]),
                       (size_t)((long)in->width + b[2] + b[3]), in->channels, in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++)
        for (size_t i = 0; i < frame_size(&v); i++) {
            long p = (long)(i / v.channels), w = (long)v.width;
            v.data[f * frame_size(&v) + i] =
                pixel(in, f, p / w - b[0], p % w - b[2], i % v.channels);
        }
    return v;
}

static double clamp(double x, double most) { return fmin(fmax(x, 0), most); }

static value up_sampling(json_t *layer, const value *in)
{
    size_t s[2] = {ref_pair(layer, "size", 0), ref_pair(layer, "size", 1)};
    bool nearest = !strcmp(ref_text(layer, "interpolation"), "nearest");
    value v = ref_make(in->batch, in->frames, in->height * s[0], in->width * s[1], in->channels,
                       in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++)
        for (size_t i = 0; i < frame_size(&v); i++) {
            size_t p = i / v.channels, c = i % v.channels, oy = p / v.width, ox = p % v.width;
            double y = clamp(((double)oy + 0.5) / (double)s[0] - 0.5, (double)in->height - 1),
                   x = clamp(((double)ox + 0.5) / (double)s[1] - 0.5, (double)in->width - 1),
                   sum = 0;
            if (nearest) y = (double)(oy / s[0]), x = (double)(ox / s[1]);
            for (int k = 0; k < 4; k++) {
                double yy = floor(y) + k / 2, xx = floor(x) + k % 2;
                double share = (1 - fabs(y - yy)) * (1 - fabs(x - xx));
                if (share > 0) sum += share * pixel(in, f, (long)yy, (long)xx, c);
            }
            v.data[f * frame_size(&v) + i] = sum;
        }
    return v;
}

value ref_moving_layer(ref_net *r, json_t *layer, const value *in)
{
    const char *type = ref_text(layer, "type");
    if (!strcmp(type, "conv2d_transpose")) return conv2d_transpose(r, layer, in);
    if (!strcmp(type, "depthwise_conv2d")) return depthwise(r, layer, in, false);
    if (!strcmp(type, "separable_conv2d")) return depthwise(r, layer, in, true);
    if (!strcmp(type, "zero_padding2d")) return border(layer, in, "padding", 1);
    if (!strcmp(type, "cropping2d")) return border(layer, in, "cropping", -1);
    if (!strcmp(type, "up_sampling2d")) return up_sampling(layer, in);
    return (value){.data = NULL};
}
