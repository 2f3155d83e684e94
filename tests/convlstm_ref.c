#include "convlstm_ref.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct weight {
    char name[NBASE_MAX_NAME];
    size_t count;
    double *values;
} weight;

struct ref_net {
    json_t *json;
    weight *weights;
    size_t weight_count;
};

/* What flows: (batch, frames, height, width, channels); frames 1 once a layer gave its last output only. */
typedef struct value {
    size_t batch, frames, height, width, channels;
    bool sequence;
    double *data;
} value;

static size_t frame_size(const value *v) { return v->height * v->width * v->channels; }
static double *frame(const value *v, size_t b, size_t t) { return v->data + (b * v->frames + t) * frame_size(v); }

static value make(size_t batch, size_t frames, size_t height, size_t width, size_t channels, bool sequence)
{
    value v = {batch, frames, height, width, channels, sequence, NULL};
    v.data = calloc(batch * frames * frame_size(&v) + 1, sizeof *v.data);
    return v;
}

ref_net *ref_create(const convlstm_model *m)
{
    ref_net *r = calloc(1, sizeof *r);
    r->json = json_loads(convlstm_model_json(m), 0, NULL);
    r->weight_count = convlstm_model_tensor_count(m);
    r->weights = calloc(r->weight_count, sizeof *r->weights);
    for (size_t i = 0; i < r->weight_count; i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        weight *w = &r->weights[i];
        strcpy(w->name, a->name);
        w->count = a->count;
        w->values = malloc(a->count * sizeof *w->values);
        for (size_t k = 0; k < a->count; k++) w->values[k] = ((const float *)a->data)[k];
    }
    return r;
}

void ref_free(ref_net *r)
{
    for (size_t i = 0; i < r->weight_count; i++) free(r->weights[i].values);
    free(r->weights);
    json_decref(r->json);
    free(r);
}

double *ref_weights(ref_net *r, const char *name, size_t *count)
{
    for (size_t i = 0; i < r->weight_count; i++)
        if (!strcmp(r->weights[i].name, name)) {
            if (count) *count = r->weights[i].count;
            return r->weights[i].values;
        }
    return NULL;
}

static double *layer_weights(ref_net *r, json_t *layer, const char *name)
{
    char full[NBASE_MAX_NAME];
    snprintf(full, sizeof full, "%s/%s", json_string_value(json_object_get(layer, "name")), name);
    return ref_weights(r, full, NULL);
}

static const char *text(json_t *layer, const char *key) { return json_string_value(json_object_get(layer, key)); }
static size_t pair(json_t *layer, const char *key, size_t i) { return (size_t)json_integer_value(json_array_get(json_object_get(layer, key), i)); }

static double activate(const char *name, double x)
{
    if (!strcmp(name, "relu")) return x > 0 ? x : 0;
    if (!strcmp(name, "tanh")) return tanh(x);
    if (!strcmp(name, "sigmoid")) return 1 / (1 + exp(-x));
    if (!strcmp(name, "hard_sigmoid_k2")) return fmin(fmax(0.2 * x + 0.5, 0), 1);
    if (!strcmp(name, "hard_sigmoid_k3")) return fmin(fmax(x + 3, 0), 6) / 6;
    return x; /* linear */
}

static void activate_row(const char *name, size_t n, double *x)
{
    if (strcmp(name, "softmax")) {
        for (size_t i = 0; i < n; i++) x[i] = activate(name, x[i]);
        return;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] = exp(x[i]);
    for (size_t i = 0; i < n; i++) x[i] /= sum;
}

/* ---- ConvLSTM2D ---- */

/* z (outputs a pixel) += cross-correlation of in with w (kh, kw, channels, outputs). */
static void convolve(const double *in, size_t height, size_t width, size_t channels, const double *w, size_t kh, size_t kw, const size_t stride[2],
                     const size_t dilation[2], const size_t pad[2], double *z, size_t out_height, size_t out_width, size_t outputs)
{
    for (size_t y = 0; y < out_height; y++)
        for (size_t x = 0; x < out_width; x++)
            for (size_t i = 0; i < kh; i++)
                for (size_t j = 0; j < kw; j++) {
                    long yy = (long)(y * stride[0] + i * dilation[0]) - (long)pad[0], xx = (long)(x * stride[1] + j * dilation[1]) - (long)pad[1];
                    if (yy < 0 || xx < 0 || yy >= (long)height || xx >= (long)width) continue;
                    for (size_t c = 0; c < channels; c++)
                        for (size_t k = 0; k < outputs; k++)
                            z[(y * out_width + x) * outputs + k] += in[((size_t)yy * width + (size_t)xx) * channels + c] * w[((i * kw + j) * channels + c) * outputs + k];
                }
}

static size_t out_length(size_t length, size_t kernel, size_t stride, size_t dilation, bool valid, size_t *pad)
{
    size_t reach = (kernel - 1) * dilation + 1;
    *pad = 0;
    if (valid) return (length - reach) / stride + 1;
    size_t out = (length + stride - 1) / stride;
    long total = (long)((out - 1) * stride + reach) - (long)length;
    if (total > 0) *pad = (size_t)total / 2;
    return out;
}

static value conv_lstm(ref_net *r, json_t *layer, const value *in, const ref_batch *batch)
{
    size_t filters = (size_t)json_integer_value(json_object_get(layer, "filters")), kh = pair(layer, "kernel_size", 0), kw = pair(layer, "kernel_size", 1);
    size_t stride[2], dilation[2], pad[2], out[2], one[2] = {1, 1}, half[2] = {(kh - 1) / 2, (kw - 1) / 2};
    for (size_t d = 0; d < 2; d++) {
        stride[d] = pair(layer, "strides", d);
        dilation[d] = pair(layer, "dilation_rate", d);
        out[d] = out_length(d ? in->width : in->height, d ? kw : kh, stride[d], dilation[d], !strcmp(text(layer, "padding"), "valid"), &pad[d]);
    }
    bool sequences = json_is_true(json_object_get(layer, "return_sequences"));
    const double *kernel = layer_weights(r, layer, "kernel"), *recurrent = layer_weights(r, layer, "recurrent_kernel"), *bias = layer_weights(r, layer, "bias");
    const char *act = text(layer, "activation"), *gate = text(layer, "recurrent_activation");
    value result = make(in->batch, sequences ? in->frames : 1, out[0], out[1], filters, sequences);
    size_t pixels = out[0] * out[1], n = pixels * filters;
    double *h = malloc(n * sizeof *h), *c = malloc(n * sizeof *c), *z = malloc(4 * n * sizeof *z);
    for (size_t b = 0; b < in->batch; b++) {
        memset(h, 0, n * sizeof *h);
        memset(c, 0, n * sizeof *c);
        for (size_t t = 0; t < in->frames; t++) {
            if (batch->mask[b * batch->frames + t]) {
                for (size_t i = 0; i < 4 * n; i++) z[i] = bias ? bias[i % (4 * filters)] : 0;
                convolve(frame(in, b, t), in->height, in->width, in->channels, kernel, kh, kw, stride, dilation, pad, z, out[0], out[1], 4 * filters);
                convolve(h, out[0], out[1], filters, recurrent, kh, kw, one, one, half, z, out[0], out[1], 4 * filters);
                for (size_t i = 0; i < n; i++) {
                    const double *g = z + i / filters * 4 * filters + i % filters;
                    c[i] = activate(gate, g[filters]) * c[i] + activate(gate, g[0]) * activate(act, g[2 * filters]);
                    h[i] = activate(gate, g[3 * filters]) * activate(act, c[i]);
                }
            }
            /* A masked step: h and c stay, and the output repeats. */
            if (sequences) memcpy(frame(&result, b, t), h, n * sizeof *h);
        }
        if (!sequences) memcpy(frame(&result, b, 0), h, n * sizeof *h);
    }
    free(h);
    free(c);
    free(z);
    return result;
}

/* ---- BatchNormalization ---- */

static bool used(const ref_batch *batch, size_t b)
{
    for (size_t t = 0; t < batch->frames; t++)
        if (batch->mask[b * batch->frames + t]) return true;
    return false;
}

/* Whether frame (b, t) counts in the statistics. */
static bool counts(const value *in, const ref_batch *batch, size_t b, size_t t, bool all)
{
    if (!used(batch, b)) return false;
    return !in->sequence || all || batch->mask[b * batch->frames + t];
}

static void batch_normalization(ref_net *r, json_t *layer, value *in, const ref_batch *batch, bool train, bool move)
{
    double *gamma = layer_weights(r, layer, "gamma"), *beta = layer_weights(r, layer, "beta"), *moving_mean = layer_weights(r, layer, "moving_mean"),
           *moving_variance = layer_weights(r, layer, "moving_variance");
    double epsilon = json_number_value(json_object_get(layer, "epsilon")), momentum = json_number_value(json_object_get(layer, "momentum"));
    bool all = !strcmp(text(layer, "mode"), "compat_tf22");
    size_t pixels = in->height * in->width;
    for (size_t c = 0; c < in->channels; c++) {
        double mean = moving_mean[c], variance = moving_variance[c];
        if (train) {
            double n = 0, sum = 0, squares = 0;
            for (int pass = 0; pass < 2; pass++) {
                if (pass) mean = sum / n;
                for (size_t b = 0; b < in->batch; b++)
                    for (size_t t = 0; t < in->frames; t++)
                        for (size_t p = 0; counts(in, batch, b, t, all) && p < pixels; p++) {
                            double x = frame(in, b, t)[p * in->channels + c];
                            if (pass) squares += (x - mean) * (x - mean);
                            else sum += x, n++;
                        }
            }
            variance = squares / n;
            if (move) {
                bool unbiased = all && !in->sequence && pixels > 0 && in->height * in->width > 1;
                moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * mean;
                moving_variance[c] = momentum * moving_variance[c] + (1 - momentum) * variance * (unbiased ? n / (n - 1) : 1);
            }
        }
        for (size_t i = c; i < in->batch * in->frames * frame_size(in); i += in->channels)
            in->data[i] = gamma[c] * (in->data[i] - mean) / sqrt(variance + epsilon) + beta[c];
    }
}

/* ---- the rest ---- */

static value dense(ref_net *r, json_t *layer, const value *in)
{
    size_t units = (size_t)json_integer_value(json_object_get(layer, "units"));
    const double *kernel = layer_weights(r, layer, "kernel"), *bias = layer_weights(r, layer, "bias");
    value out = make(in->batch, 1, 1, 1, units, false);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t j = 0; j < units; j++) {
            double sum = bias ? bias[j] : 0;
            for (size_t i = 0; i < in->channels; i++) sum += frame(in, b, 0)[i] * kernel[i * units + j];
            frame(&out, b, 0)[j] = sum;
        }
    return out;
}

static value average(const value *in)
{
    value out = make(in->batch, 1, 1, 1, in->channels, false);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t i = 0; i < frame_size(in); i++) frame(&out, b, 0)[i % in->channels] += frame(in, b, 0)[i] / (double)(in->height * in->width);
    return out;
}

/* The whole net. `logits` (may be null): what the last activation is applied to; its name to *last. */
static value run(ref_net *r, const ref_batch *b, bool train, bool move, double *logits, const char **last)
{
    json_t *layers = json_object_get(r->json, "layers"), *layer;
    value v = make(b->batch, b->frames, b->height, b->width, (size_t)json_integer_value(json_object_get(json_object_get(r->json, "input"), "channels")), true);
    for (size_t i = 0; i < b->batch * b->frames * frame_size(&v); i++) v.data[i] = b->img[i];
    size_t index;
    json_array_foreach(layers, index, layer)
    {
        const char *type = text(layer, "type"), *activation = NULL;
        value next = v;
        if (!strcmp(type, "conv_lstm2d")) next = conv_lstm(r, layer, &v, b);
        else if (!strcmp(type, "dense")) next = dense(r, layer, &v);
        else if (!strcmp(type, "global_average_pool")) next = average(&v);
        else if (!strcmp(type, "flatten")) next.channels = frame_size(&v), next.height = next.width = 1;
        else if (!strcmp(type, "batch_normalization")) batch_normalization(r, layer, &v, b, train, move);
        if (next.data != v.data) free(v.data);
        v = next;
        if (!strcmp(type, "dense") || !strcmp(type, "activation")) activation = text(layer, "activation");
        if (!activation) continue;
        if (index + 1 == json_array_size(layers) && last) {
            memcpy(logits, v.data, v.batch * v.channels * sizeof *logits);
            *last = activation;
        }
        for (size_t row = 0; row < v.batch * v.frames * v.height * v.width; row++) activate_row(activation, v.channels, v.data + row * v.channels);
    }
    return v;
}

void ref_predict(ref_net *r, const ref_batch *b, double *probs)
{
    value v = run(r, b, false, false, NULL, NULL);
    for (size_t i = 0; i < b->batch; i++)
        if (used(b, i)) memcpy(probs + i * v.channels, frame(&v, i, 0), v.channels * sizeof *probs);
    free(v.data);
}

static double sigmoid_cross_entropy(double x, double y) { return -y * log(1 / (1 + exp(-x))) - (1 - y) * log(1 - 1 / (1 + exp(-x))); }

double ref_train_loss(ref_net *r, const ref_batch *b, const ref_loss *l, double *probs, bool move)
{
    double logits[256], total = 0, samples = 0;
    const char *last = "";
    value v = run(r, b, true, move, logits, &last);
    size_t k = v.channels;
    for (size_t i = 0; i < b->batch; i++) {
        if (!used(b, i)) continue;
        const float *labels = b->labels + i * k;
        size_t class = 0;
        double loss = 0, sum = 0;
        for (size_t j = 1; j < k; j++)
            if (labels[j] > labels[class]) class = j;
        for (size_t j = 0; j < k; j++) sum += exp(logits[i * k + j]);
        for (size_t j = 0; j < k; j++) {
            double y = labels[j] * (1 - l->label_smoothing) + l->label_smoothing / (double)k, x = logits[i * k + j];
            if (l->loss == CONVLSTM_LOSS_BCE) loss += sigmoid_cross_entropy(x, y) / (double)k;
            else if (l->loss == CONVLSTM_LOSS_SOFTMAX) loss += -y * log(exp(x) / sum);
            else loss += sigmoid_cross_entropy(1 / (1 + exp(-x)), y) / (double)k;
        }
        total += loss * l->class_weight[class];
        samples++;
        if (probs) memcpy(probs + i * k, frame(&v, i, 0), k * sizeof *probs);
    }
    free(v.data);
    return total / samples;
}

double ref_gradient(ref_net *r, const ref_batch *b, const ref_loss *l, const char *name, size_t index)
{
    double *w = ref_weights(r, name, NULL) + index, keep = *w, step = 1e-5;
    *w = keep + step;
    double above = ref_train_loss(r, b, l, NULL, false);
    *w = keep - step;
    double below = ref_train_loss(r, b, l, NULL, false);
    *w = keep;
    return (above - below) / (2 * step);
}
