#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm_ref_value.h"

static value conv2d(ref_net *r, json_t *layer, const value *in)
{
    size_t k[2], stride[2], dilation[2], pad[2], out[2],
        filters = (size_t)json_integer_value(json_object_get(layer, "filters"));
    for (size_t d = 0; d < 2; d++) {
        k[d] = ref_pair(layer, "kernel_size", d);
        stride[d] = ref_pair(layer, "strides", d);
        dilation[d] = ref_pair(layer, "dilation_rate", d);
        out[d] = ref_out_length(d ? in->width : in->height, k[d], stride[d], dilation[d],
                                !strcmp(ref_text(layer, "padding"), "valid"), &pad[d]);
    }
    const double *kernel = ref_layer_weights(r, layer, "kernel"),
                 *bias = ref_layer_weights(r, layer, "bias");
    value v = ref_make(in->batch, in->frames, out[0], out[1], filters, in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++) {
        double *to = v.data + f * frame_size(&v);
        for (size_t i = 0; bias && i < frame_size(&v); i++) to[i] = bias[i % filters];
        ref_convolve(in->data + f * frame_size(in), in->height, in->width, in->channels, kernel,
                     k[0], k[1], stride, dilation, pad, to, out[0], out[1], filters);
    }
    return v;
}

static value pool2d(json_t *layer, const value *in, bool maximum)
{
    size_t k[2], stride[2], pad[2], out[2];
    for (size_t d = 0; d < 2; d++) {
        k[d] = ref_pair(layer, "pool_size", d);
        stride[d] = ref_pair(layer, "strides", d) ? ref_pair(layer, "strides", d) : k[d];
        out[d] = ref_out_length(d ? in->width : in->height, k[d], stride[d], 1,
                                !strcmp(ref_text(layer, "padding"), "valid"), &pad[d]);
    }
    value v = ref_make(in->batch, in->frames, out[0], out[1], in->channels, in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++)
        for (size_t i = 0; i < frame_size(&v); i++) {
            size_t c = i % v.channels, y = i / v.channels / out[1], x = i / v.channels % out[1],
                   count = 0;
            double best = -INFINITY, sum = 0;
            for (size_t a = 0; a < k[0] * k[1]; a++) {
                long yy = (long)(y * stride[0] + a / k[1]) - (long)pad[0],
                     xx = (long)(x * stride[1] + a % k[1]) - (long)pad[1];
                if (yy < 0 || xx < 0 || yy >= (long)in->height || xx >= (long)in->width) continue;
                double got = in->data[f * frame_size(in) +
                                      ((size_t)yy * in->width + (size_t)xx) * in->channels + c];
                best = fmax(best, got);
                sum += got;
                count++;
            }
            v.data[f * frame_size(&v) + i] = maximum ? best : sum / (double)count;
        }
    return v;
}

static value copy_of(const value *in)
{
    value v = ref_make(in->batch, in->frames, in->height, in->width, in->channels, in->sequence);
    memcpy(v.data, in->data, in->batch * in->frames * frame_size(in) * sizeof *v.data);
    return v;
}

static value layer_normalization(ref_net *r, json_t *layer, const value *in)
{
    const double *gamma = ref_layer_weights(r, layer, "gamma"),
                 *beta = ref_layer_weights(r, layer, "beta");
    double epsilon = json_number_value(json_object_get(layer, "epsilon"));
    size_t row = strcmp(ref_text(layer, "over"), "frame") ? in->channels : frame_size(in);
    value v = copy_of(in);
    for (size_t at = 0; at < in->batch * in->frames * frame_size(in); at += row) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < row; i++) mean += in->data[at + i] / (double)row;
        for (size_t i = 0; i < row; i++) variance += pow(in->data[at + i] - mean, 2) / (double)row;
        for (size_t i = 0; i < row; i++)
            v.data[at + i] =
                gamma[i] * (in->data[at + i] - mean) / sqrt(variance + epsilon) + beta[i];
    }
    return v;
}

/* Training: the noise that the test gives, as dropout's factors below. */
static value noise(json_t *layer, const value *in, const ref_batch *batch, bool multiplies,
                   bool train)
{
    value v = copy_of(in);
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/noise", ref_text(layer, "name"));
    const nbase_array *a = batch->dropout ? nbase_archive_find(batch->dropout, name) : NULL;
    for (size_t b = 0; train && a && b < in->batch; b++) {
        const float *row = (const float *)a->data + b * (a->count / a->shape[0]);
        for (size_t t = 0; t < in->frames; t++) {
            if (!ref_valid(in, batch, b, t)) continue;
            for (size_t i = 0; i < frame_size(in); i++, row++)
                frame(&v, b, t)[i] =
                    multiplies ? frame(&v, b, t)[i] * (1 + *row) : frame(&v, b, t)[i] + *row;
        }
    }
    return v;
}

/* The factors that the test gives: an item a row, of the valid steps one after the other, or of
 * channels. */
static value dropout(json_t *layer, const value *in, const ref_batch *batch, bool spatial,
                     bool train)
{
    value v = copy_of(in);
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/dropout", ref_text(layer, "name"));
    const nbase_array *a = batch->dropout ? nbase_archive_find(batch->dropout, name) : NULL;
    for (size_t b = 0; train && a && b < in->batch; b++) {
        const float *row = (const float *)a->data + b * (a->count / a->shape[0]);
        for (size_t t = 0, step = 0; t < in->frames; t++) {
            if (!ref_valid(in, batch, b, t)) continue;
            for (size_t i = 0; i < frame_size(in); i++)
                frame(&v, b, t)[i] *= row[spatial ? i % in->channels : step * frame_size(in) + i];
            step++;
        }
    }
    return v;
}

static value mean_over_time(const value *in, const ref_batch *batch)
{
    value v = ref_make(in->batch, 1, 1, 1, in->channels, false);
    for (size_t b = 0; b < in->batch; b++) {
        double count = 0;
        for (size_t t = 0; t < in->frames; t++) {
            if (!ref_valid(in, batch, b, t)) continue;
            count++;
            for (size_t i = 0; i < frame_size(in); i++)
                frame(&v, b, 0)[i % in->channels] += frame(in, b, t)[i];
        }
        for (size_t c = 0; c < in->channels; c++)
            frame(&v, b, 0)[c] /= count ? count * (double)(in->height * in->width) : 1;
    }
    return v;
}

static bool each_frame(json_t *layer) { return json_is_true(json_object_get(layer, "each_frame")); }

/* A masked frame is its last valid one again, as in the network's outputs. */
static value flatten_sequence(const value *in, const ref_batch *batch)
{
    value v = ref_make(in->batch, 1, 1, 1, in->frames * frame_size(in), false);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t t = 0, last = SIZE_MAX; t < in->frames; t++) {
            if (ref_valid(in, batch, b, t)) last = t;
            if (last != SIZE_MAX)
                memcpy(v.data + (b * in->frames + t) * frame_size(in), frame(in, b, last),
                       frame_size(in) * sizeof *v.data);
        }
    return v;
}

/* The same values, of another shape. */
static value reshape(json_t *layer, const value *in)
{
    json_t *target = json_object_get(layer, "target_shape");
    value v = copy_of(in);
    size_t sizes[3] = {1, 1, 1}, n = json_array_size(target), known = 1;
    for (size_t d = 0; d < n; d++)
        sizes[3 - n + d] = (size_t)json_integer_value(json_array_get(target, d));
    for (size_t d = 0; d < 3; d++) known *= sizes[d] ? sizes[d] : 1;
    for (size_t d = 0; d < 3; d++)
        if (!sizes[d]) sizes[d] = frame_size(in) / known;
    v.height = sizes[0], v.width = sizes[1], v.channels = sizes[2];
    return v;
}

static value max_over_time(const value *in, const ref_batch *batch)
{
    value v = ref_make(in->batch, 1, 1, 1, in->channels, false);
    for (size_t b = 0; b < in->batch; b++) {
        for (size_t c = 0; c < in->channels; c++) frame(&v, b, 0)[c] = -INFINITY;
        for (size_t t = 0; t < in->frames; t++)
            for (size_t i = 0; ref_valid(in, batch, b, t) && i < frame_size(in); i++) {
                double *most = &frame(&v, b, 0)[i % in->channels];
                *most = fmax(*most, frame(in, b, t)[i]);
            }
    }
    return v;
}

static value reverse(const value *in)
{
    value v = copy_of(in);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t t = 0; t < in->frames; t++)
            memcpy(frame(&v, b, t), frame(in, b, in->frames - 1 - t),
                   frame_size(in) * sizeof *v.data);
    return v;
}

/* Each frame's mean or maximum of every channel. */
static value pool_frames(const value *in, bool maximum)
{
    value v = ref_make(in->batch, in->frames, 1, 1, in->channels, in->sequence);
    for (size_t f = 0; f < in->batch * in->frames; f++)
        for (size_t c = 0; c < in->channels; c++) {
            double *to = &v.data[f * in->channels + c], most = -INFINITY, sum = 0;
            for (size_t i = c; i < frame_size(in); i += in->channels) {
                sum += in->data[f * frame_size(in) + i];
                most = fmax(most, in->data[f * frame_size(in) + i]);
            }
            *to = maximum ? most : sum / (double)(in->height * in->width);
        }
    return v;
}

static double number(json_t *layer, const char *key)
{
    return json_number_value(json_object_get(layer, key));
}

/* Of leaky_relu, relu, elu and rescaling; a member that a layer lacks is 0. */
static double rectify(json_t *layer, double x)
{
    double threshold = number(layer, "threshold"), most = number(layer, "max_value");
    if (!strcmp(ref_text(layer, "type"), "rescaling"))
        return number(layer, "scale") * x + number(layer, "offset");
    if (!strcmp(ref_text(layer, "type"), "elu"))
        return x > 0 ? x : number(layer, "alpha") * (exp(x) - 1);
    if (x < threshold) return number(layer, "negative_slope") * (x - threshold);
    return most > 0 && x > most ? most : x;
}

static value rectified(json_t *layer, const value *in)
{
    value v = copy_of(in);
    for (size_t i = 0; i < in->batch * in->frames * frame_size(in); i++)
        v.data[i] = rectify(layer, v.data[i]);
    return v;
}

/* alpha is of channels, or of all values of a frame. */
static value prelu(ref_net *r, json_t *layer, const value *in)
{
    const double *alpha = ref_layer_weights(r, layer, "alpha");
    size_t count = strcmp(ref_text(layer, "over"), "frame") ? in->channels : frame_size(in);
    value v = copy_of(in);
    for (size_t i = 0; i < in->batch * in->frames * frame_size(in); i++)
        v.data[i] *= v.data[i] > 0 ? 1 : alpha[i % count];
    return v;
}

/* ---- merging ---- */

static double merged(const char *type, double a, double b)
{
    if (!strcmp(type, "multiply")) return a * b;
    if (!strcmp(type, "subtract")) return a - b;
    if (!strcmp(type, "maximum")) return a > b ? a : b;
    if (!strcmp(type, "minimum")) return a < b ? a : b;
    return a + b;
}

value ref_merge(json_t *layer, const value *const *ins, size_t count)
{
    static const char *const types[] = {"add",     "subtract", "multiply",   "average",
                                        "maximum", "minimum",  "concatenate"};
    const char *type = ref_text(layer, "type");
    bool joins = !strcmp(type, "concatenate"), known = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        known = known || !strcmp(type, types[i]);
    if (!known) return (value){.data = NULL};
    size_t channels = 0, at = 0;
    for (size_t k = 0; k < count; k++) channels += joins || !k ? ins[k]->channels : 0;
    value out = ref_make(ins[0]->batch, ins[0]->frames, ins[0]->height, ins[0]->width, channels,
                         ins[0]->sequence);
    out.reversed = ins[0]->reversed;
    size_t pixels = out.batch * out.frames * out.height * out.width;
    for (size_t k = 0; k < count; at += ins[k++]->channels)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < ins[k]->channels; c++) {
                double x = ins[k]->data[p * ins[k]->channels + c],
                       *y = &out.data[p * channels + c + (joins ? at : 0)];
                *y = joins || !k ? x : merged(type, *y, x);
            }
    for (size_t i = 0; i < pixels * channels && !strcmp(type, "average"); i++)
        out.data[i] /= (double)count;
    return out;
}

value ref_frame_layer(ref_net *r, json_t *layer, const value *in, const ref_batch *batch,
                      bool train)
{
    const char *type = ref_text(layer, "type");
    value v = ref_time_layer(r, layer, in, batch);
    if (v.data) return v;
    v = ref_moving_layer(r, layer, in);
    if (!strcmp(type, "conv2d"))
        v = conv2d(r, layer, in);
    else if (!strcmp(type, "max_pool2d"))
        v = pool2d(layer, in, true);
    else if (!strcmp(type, "average_pool2d"))
        v = pool2d(layer, in, false);
    else if (!strcmp(type, "prelu"))
        v = prelu(r, layer, in);
    else if (!strcmp(type, "layer_normalization"))
        v = layer_normalization(r, layer, in);
    else if (!strcmp(type, "dropout"))
        v = dropout(layer, in, batch, false, train);
    else if (!strcmp(type, "spatial_dropout"))
        v = dropout(layer, in, batch, true, train);
    else if (!strcmp(type, "gaussian_noise"))
        v = noise(layer, in, batch, false, train);
    else if (!strcmp(type, "gaussian_dropout"))
        v = noise(layer, in, batch, true, train);
    else if (!strcmp(type, "leaky_relu") || !strcmp(type, "relu") || !strcmp(type, "elu") ||
             !strcmp(type, "rescaling"))
        v = rectified(layer, in);
    else if (!strcmp(type, "global_average_pool"))
        v = in->sequence && !each_frame(layer) ? mean_over_time(in, batch) : pool_frames(in, false);
    else if (!strcmp(type, "global_max_pool"))
        v = in->sequence && !each_frame(layer) ? max_over_time(in, batch) : pool_frames(in, true);
    else if (!strcmp(type, "flatten") && in->sequence && !each_frame(layer))
        v = flatten_sequence(in, batch);
    else if (!strcmp(type, "flatten")) {
        v = copy_of(in);
        v.channels = frame_size(in), v.height = v.width = 1;
    } else if (!strcmp(type, "reshape"))
        v = reshape(layer, in);
    else if (!strcmp(type, "reverse"))
        v = reverse(in);
    v.reversed = in->reversed != !strcmp(type, "reverse") && v.sequence;
    return v;
}
