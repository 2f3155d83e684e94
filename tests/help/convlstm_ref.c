#include "convlstm_ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm_ref_value.h"

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

value ref_make(size_t batch, size_t frames, size_t height, size_t width, size_t channels,
               bool sequence)
{
    value v = {batch, frames, height, width, channels, sequence, false, false, NULL};
    v.data = calloc(batch * frames * frame_size(&v) + 1, sizeof *v.data);
    return v;
}

bool ref_used(const ref_batch *batch, size_t b)
{
    for (size_t t = 0; t < batch->frames; t++)
        if (batch->mask[b * batch->frames + t]) return true;
    return false;
}

bool ref_valid(const value *v, const ref_batch *batch, size_t b, size_t t)
{
    if (!v->sequence || v->every) return ref_used(batch, b);
    return batch->mask[b * batch->frames + (v->reversed ? batch->frames - 1 - t : t)];
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

double *ref_layer_weights(ref_net *r, json_t *layer, const char *name)
{
    char full[NBASE_MAX_NAME];
    const char *owner = json_string_value(json_object_get(layer, "shares"));
    if (!owner) owner = json_string_value(json_object_get(layer, "name"));
    snprintf(full, sizeof full, "%s/%s", owner, name);
    return ref_weights(r, full, NULL);
}

const char *ref_text(json_t *layer, const char *key)
{
    return json_string_value(json_object_get(layer, key));
}
size_t ref_pair(json_t *layer, const char *key, size_t i)
{
    return (size_t)json_integer_value(json_array_get(json_object_get(layer, key), i));
}

static double activate(const char *name, double x)
{
    if (!strcmp(name, "relu")) return x > 0 ? x : 0;
    if (!strcmp(name, "leaky_relu")) return x > 0 ? x : 0.2 * x;
    if (!strcmp(name, "tanh")) return tanh(x);
    if (!strcmp(name, "sigmoid")) return 1 / (1 + exp(-x));
    if (!strcmp(name, "hard_sigmoid_k2")) return fmin(fmax(0.2 * x + 0.5, 0), 1);
    if (!strcmp(name, "hard_sigmoid_k3")) return fmin(fmax(x + 3, 0), 6) / 6;
    if (!strcmp(name, "relu6")) return fmin(fmax(x, 0), 6);
    if (!strcmp(name, "elu")) return x > 0 ? x : exp(x) - 1;
    if (!strcmp(name, "selu"))
        return 1.0507009873554804934193349852946 *
               (x > 0 ? x : 1.6732632423543772848170429916717 * (exp(x) - 1));
    if (!strcmp(name, "softplus")) return log(1 + exp(x));
    if (!strcmp(name, "softsign")) return x / (1 + fabs(x));
    if (!strcmp(name, "exponential")) return exp(x);
    if (!strcmp(name, "hard_tanh")) return fmin(fmax(x, -1), 1);
    if (!strcmp(name, "log_sigmoid")) return -log(1 + exp(-x));
    if (!strcmp(name, "silu")) return x / (1 + exp(-x));
    if (!strcmp(name, "gelu")) return x * 0.5 * (1 + erf(x / sqrt(2)));
    if (!strcmp(name, "gelu_tanh"))
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * pow(x, 3))));
    if (!strcmp(name, "mish")) return x * tanh(log(1 + exp(x)));
    if (!strcmp(name, "hard_silu")) return x * fmin(fmax(x + 3, 0), 6) / 6;
    return x; /* linear */
}

static void activate_row(const char *name, size_t n, double *x)
{
    bool logarithm = !strcmp(name, "log_softmax");
    if (!logarithm && strcmp(name, "softmax")) {
        for (size_t i = 0; i < n; i++) x[i] = activate(name, x[i]);
        return;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += exp(x[i]);
    for (size_t i = 0; i < n; i++) x[i] = logarithm ? x[i] - log(sum) : exp(x[i]) / sum;
}

/* ---- ConvLSTM2D ---- */

/* z (outputs a pixel) += cross-correlation of in with w (kh, kw, channels, outputs). */
void ref_convolve(const double *in, size_t height, size_t width, size_t channels, const double *w,
                  size_t kh, size_t kw, const size_t stride[2], const size_t dilation[2],
                  const size_t pad[2], double *z, size_t out_height, size_t out_width,
                  size_t outputs)
{
    for (size_t y = 0; y < out_height; y++)
        for (size_t x = 0; x < out_width; x++)
            for (size_t i = 0; i < kh; i++)
                for (size_t j = 0; j < kw; j++) {
                    long yy = (long)(y * stride[0] + i * dilation[0]) - (long)pad[0],
                         xx = (long)(x * stride[1] + j * dilation[1]) - (long)pad[1];
                    if (yy < 0 || xx < 0 || yy >= (long)height || xx >= (long)width) continue;
                    for (size_t c = 0; c < channels; c++)
                        for (size_t k = 0; k < outputs; k++)
                            z[(y * out_width + x) * outputs + k] +=
                                in[((size_t)yy * width + (size_t)xx) * channels + c] *
                                w[((i * kw + j) * channels + c) * outputs + k];
                }
}

size_t ref_out_length(size_t length, size_t kernel, size_t stride, size_t dilation, bool valid,
                      size_t *pad)
{
    size_t reach = (kernel - 1) * dilation + 1;
    *pad = 0;
    if (valid) return (length - reach) / stride + 1;
    size_t out = (length + stride - 1) / stride;
    long total = (long)((out - 1) * stride + reach) - (long)length;
    if (total > 0) *pad = (size_t)total / 2;
    return out;
}

/* Row b of "LAYER/name" in an archive, or null. */
static const float *row_of(const nbase_archive *archive, json_t *layer, const char *name, size_t b)
{
    char full[NBASE_MAX_NAME];
    snprintf(full, sizeof full, "%s/%s", ref_text(layer, "name"), name);
    const nbase_array *a = archive ? nbase_archive_find(archive, full) : NULL;
    return a ? (const float *)a->data + b * (a->count / a->shape[0]) : NULL;
}

/* One layer's constants, and a step's work. */
typedef struct recurrent {
    size_t filters, kh, kw, stride[2], dilation[2], pad[2], out[2];
    const double *kernel, *recurrent, *bias, *peephole;
    const char *act, *gate;
    bool pixel; /* peepholes of every pixel */
} recurrent;

static recurrent recurrent_of(ref_net *r, json_t *layer, const value *in)
{
    recurrent l = {.filters = (size_t)json_integer_value(json_object_get(layer, "filters")),
                   .kh = ref_pair(layer, "kernel_size", 0),
                   .kw = ref_pair(layer, "kernel_size", 1),
                   .kernel = ref_layer_weights(r, layer, "kernel"),
                   .recurrent = ref_layer_weights(r, layer, "recurrent_kernel"),
                   .bias = ref_layer_weights(r, layer, "bias"),
                   .peephole = ref_layer_weights(r, layer, "peephole"),
                   .act = ref_text(layer, "activation"),
                   .gate = ref_text(layer, "recurrent_activation"),
                   .pixel = !strcmp(ref_text(layer, "peepholes"), "pixel")};
    for (size_t d = 0; d < 2; d++) {
        l.stride[d] = ref_pair(layer, "strides", d);
        l.dilation[d] = ref_pair(layer, "dilation_rate", d);
        l.out[d] =
            ref_out_length(d ? in->width : in->height, d ? l.kw : l.kh, l.stride[d], l.dilation[d],
                           !strcmp(ref_text(layer, "padding"), "valid"), &l.pad[d]);
    }
    return l;
}

/* Each gate sees x and h times factors of its own (null: none). */
static void add_convolutions(const recurrent *l, const value *in, const double *x, const double *h,
                             const float *drop_x, const float *drop_h, double *z)
{
    const size_t one[2] = {1, 1}, half[2] = {(l->kh - 1) / 2, (l->kw - 1) / 2};
    size_t nx = frame_size(in), nh = l->out[0] * l->out[1] * l->filters, four = 4 * l->filters;
    double *xg = malloc(nx * sizeof *xg), *hg = malloc(nh * sizeof *hg),
           *zg = malloc(4 * nh * sizeof *zg);
    for (size_t g = 0; g < 4; g++) {
        for (size_t i = 0; i < nx; i++) xg[i] = x[i] * (drop_x ? drop_x[g * nx + i] : 1);
        for (size_t i = 0; i < nh; i++) hg[i] = h[i] * (drop_h ? drop_h[g * nh + i] : 1);
        memset(zg, 0, 4 * nh * sizeof *zg);
        ref_convolve(xg, in->height, in->width, in->channels, l->kernel, l->kh, l->kw, l->stride,
                     l->dilation, l->pad, zg, l->out[0], l->out[1], four);
        ref_convolve(hg, l->out[0], l->out[1], l->filters, l->recurrent, l->kh, l->kw, one, one,
                     half, zg, l->out[0], l->out[1], four);
        for (size_t i = 0; i < 4 * nh; i++)
            if (i % four / l->filters == g) z[i] += zg[i];
        if (g == 0 && !drop_x && !drop_h) { /* the same for all gates */
            for (size_t i = 0; i < 4 * nh; i++)
                if (i % four / l->filters) z[i] += zg[i];
            break;
        }
    }
    free(xg);
    free(hg);
    free(zg);
}

/* z and c (filters) of one pixel, w its peepholes or null: the new c and h. */
static void recurrent_pixel(const recurrent *l, double *z, const double *w, double *c, double *h)
{
    size_t f = l->filters;
    activate_row(l->act, f, z + 2 * f);
    for (size_t k = 0; k < f; k++) {
        double before = c[k];
        c[k] = activate(l->gate, z[f + k] + (w ? w[f + k] * before : 0)) * before +
               activate(l->gate, z[k] + (w ? w[k] * before : 0)) * z[2 * f + k];
        h[k] = c[k];
    }
    activate_row(l->act, f, h);
    for (size_t k = 0; k < f; k++)
        h[k] *= activate(l->gate, z[3 * f + k] + (w ? w[2 * f + k] * c[k] : 0));
}

static void recurrent_update(const recurrent *l, double *z, double *c, double *h)
{
    size_t f = l->filters;
    for (size_t p = 0; p < l->out[0] * l->out[1]; p++) {
        const double *w = l->peephole ? l->peephole + (l->pixel ? p * 3 * f : 0) : NULL;
        recurrent_pixel(l, z + p * 4 * f, w, c + p * f, h + p * f);
    }
}

/* given: h and c to begin with, or null; last: those after the last step, written. */
static value conv_lstm(ref_net *r, json_t *layer, const value *in, const ref_batch *batch,
                       bool train, const value *const *given, value last[2])
{
    recurrent l = recurrent_of(r, layer, in);
    bool sequences = json_is_true(json_object_get(layer, "return_sequences")),
         back = json_is_true(json_object_get(layer, "go_backwards"));
    value result =
        ref_make(in->batch, sequences ? in->frames : 1, l.out[0], l.out[1], l.filters, sequences);
    result.reversed = sequences && in->reversed != back;
    size_t n = l.out[0] * l.out[1] * l.filters;
    double *h = malloc(n * sizeof *h), *c = malloc(n * sizeof *c), *z = malloc(4 * n * sizeof *z);
    for (int k = 0; k < 2; k++)
        last[k] = ref_make(in->batch, 1, l.out[0], l.out[1], l.filters, false);
    for (size_t b = 0; b < in->batch; b++) {
        const float *h0 = row_of(batch->initial_state, layer, "h", b),
                    *c0 = row_of(batch->initial_state, layer, "c", b);
        const float *drop_x = train ? row_of(batch->dropout, layer, "dropout", b) : NULL;
        const float *drop_h = train ? row_of(batch->dropout, layer, "recurrent_dropout", b) : NULL;
        for (size_t i = 0; i < n; i++) h[i] = h0 ? h0[i] : 0, c[i] = c0 ? c0[i] : 0;
        if (given) memcpy(h, frame(given[0], b, 0), n * sizeof *h);
        if (given) memcpy(c, frame(given[1], b, 0), n * sizeof *c);
        for (size_t t = 0; t < in->frames; t++) {
            size_t from = back ? in->frames - 1 - t : t;
            if (ref_valid(in, batch, b, from)) {
                for (size_t i = 0; i < 4 * n; i++) z[i] = l.bias ? l.bias[i % (4 * l.filters)] : 0;
                add_convolutions(&l, in, frame(in, b, from), h, drop_x, drop_h, z);
                recurrent_update(&l, z, c, h);
            }
            /* A masked step: h and c stay, and the output repeats. */
            if (sequences) memcpy(frame(&result, b, t), h, n * sizeof *h);
        }
        if (!sequences) memcpy(frame(&result, b, 0), h, n * sizeof *h);
        memcpy(frame(&last[0], b, 0), h, n * sizeof *h);
        memcpy(frame(&last[1], b, 0), c, n * sizeof *c);
    }
    free(h);
    free(c);
    free(z);
    return result;
}

/* ---- BatchNormalization ---- */

/* Whether frame (b, t) counts in the statistics. */
static bool counts(const value *in, const ref_batch *batch, size_t b, size_t t, bool all)
{
    if (!ref_used(batch, b)) return false;
    return !in->sequence || all || ref_valid(in, batch, b, t);
}

static void batch_normalization(ref_net *r, json_t *layer, value *in, const ref_batch *batch,
                                bool train, bool move)
{
    double *gamma = ref_layer_weights(r, layer, "gamma"),
           *beta = ref_layer_weights(r, layer, "beta"),
           *moving_mean = ref_layer_weights(r, layer, "moving_mean"),
           *moving_variance = ref_layer_weights(r, layer, "moving_variance");
    double epsilon = json_number_value(json_object_get(layer, "epsilon")),
           momentum = json_number_value(json_object_get(layer, "momentum"));
    bool all = strcmp(ref_text(layer, "mode"), "masked");
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
                            if (pass)
                                squares += (x - mean) * (x - mean);
                            else
                                sum += x, n++;
                        }
            }
            variance = squares / n;
            if (move) {
                bool unbiased =
                    !strcmp(ref_text(layer, "mode"), "compat_tf22") && !in->sequence && pixels > 1;
                moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * mean;
                moving_variance[c] = momentum * moving_variance[c] +
                                     (1 - momentum) * variance * (unbiased ? n / (n - 1) : 1);
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
    const double *kernel = ref_layer_weights(r, layer, "kernel"),
                 *bias = ref_layer_weights(r, layer, "bias");
    value out = ref_make(in->batch, in->frames, in->height, in->width, units, in->sequence);
    for (size_t p = 0; p < in->batch * in->frames * in->height * in->width; p++)
        for (size_t j = 0; j < units; j++) {
            double sum = bias ? bias[j] : 0;
            for (size_t i = 0; i < in->channels; i++)
                sum += in->data[p * in->channels + i] * kernel[i * units + j];
            out.data[p * units + j] = sum;
        }
    out.reversed = in->reversed;
    return out;
}

static value copy_value(const value *v)
{
    value copy = ref_make(v->batch, v->frames, v->height, v->width, v->channels, v->sequence);
    copy.reversed = v->reversed;
    copy.every = v->every;
    memcpy(copy.data, v->data, v->batch * v->frames * frame_size(v) * sizeof *copy.data);
    return copy;
}

/* What layer `index` takes as its input k: of `values`, number 0 being the images, number i + 1 the
 * output of layer i, and behind all those two states for each. */
static const value *input_of(json_t *root, const value *values, size_t index, size_t k)
{
    json_t *layers = json_object_get(root, "layers");
    json_t *inputs = json_object_get(json_array_get(layers, index), "inputs"), *layer;
    const char *name = json_string_value(json_array_get(inputs, k));
    size_t i;
    if (!inputs) return &values[index];
    size_t length = strcspn(name, ":");
    json_array_foreach(layers, i, layer)
    {
        const char *own = ref_text(layer, "name");
        if (strlen(own) != length || strncmp(own, name, length) != 0) continue;
        return name[length]
                   ? &values[json_array_size(layers) + 1 + 2 * i + (name[length + 1] == 'c')]
                   : &values[i + 1];
    }
    json_array_foreach(json_object_get(root, "inputs"), i, layer)
    {
        const char *own = ref_text(layer, "name");
        if (!strcmp(own, name)) return &values[3 * json_array_size(layers) + 1 + i];
    }
    return &values[0];
}

/* Number k of several inputs, of the frames of all of them. */
static value split_input(const value *all, json_t *input, size_t *before)
{
    json_t *height = json_object_get(input, "height");
    value v = ref_make(all->batch, all->frames, height ? (size_t)json_integer_value(height) : 1,
                       height ? (size_t)json_integer_value(json_object_get(input, "width")) : 1,
                       (size_t)json_integer_value(json_object_get(input, "channels")), true);
    v.every = all->every;
    for (size_t b = 0; b < v.batch; b++)
        for (size_t t = 0; t < v.frames; t++)
            memcpy(frame(&v, b, t), frame(all, b, t) + *before, frame_size(&v) * sizeof *v.data);
    *before += frame_size(&v);
    return v;
}

/* The values of a frame of all inputs: height, width and channels in *shape. */
static void image_shape(json_t *root, const ref_batch *b, size_t shape[3])
{
    json_t *inputs = json_object_get(root, "inputs"), *input;
    size_t i, one[3] = {b->height, b->width,
                        (size_t)json_integer_value(
                            json_object_get(json_object_get(root, "input"), "channels"))};
    json_array_foreach(inputs, i, input)
    {
        json_t *height = json_object_get(input, "height");
        if (!i) one[0] = one[1] = 1;
        one[2] += (size_t)(json_integer_value(json_object_get(input, "channels")) *
                           (height ? json_integer_value(height) *
                                         json_integer_value(json_object_get(input, "width"))
                                   : 1));
    }
    memcpy(shape, one, sizeof one);
}

/* A layer without its activation, from `v`, which may be changed or handed on. given, last: of a
 * recurrent one. */
static value run_layer(ref_net *r, json_t *layer, value v, const ref_batch *b, bool train,
                       bool move, const value *const *given, value last[2])
{
    const char *type = ref_text(layer, "type");
    value next = ref_frame_layer(r, layer, &v, b, train);
    if (!next.data) next = v;
    if (!strcmp(type, "conv_lstm2d"))
        next = conv_lstm(r, layer, &v, b, train, given, last);
    else if (!strcmp(type, "dense"))
        next = dense(r, layer, &v);
    else if (!strcmp(type, "batch_normalization"))
        batch_normalization(r, layer, &v, b, train, move);
    if (next.data != v.data) free(v.data);
    return next;
}

static void activate_value(json_t *layer, value *v)
{
    const char *activation = ref_text(layer, "activation");
    if (!activation || !strcmp(ref_text(layer, "type"), "conv_lstm2d")) return;
    for (size_t row = 0; row < v->batch * v->frames * v->height * v->width; row++)
        activate_row(activation, v->channels, v->data + row * v->channels);
}

/* Of sequences that are merged, of which only some have no mask: the others without one, too, in
 * `filled` (data null where there is nothing to do). */
static void fill_inputs(const ref_batch *b, const value **ins, size_t count, value *filled)
{
    bool some = false;
    for (size_t k = 0; k < count; k++) some = some || ins[k]->every;
    for (size_t k = 0; k < count; k++) {
        filled[k].data = NULL;
        if (!some || ins[k]->every || !ins[k]->sequence) continue;
        filled[k] = ref_filled(ins[k], b);
        ins[k] = &filled[k];
    }
}

/* The whole net, and what layer `wanted` gives. *logits (may be null): what the last activation is
 * applied to, else a copy of the output; malloc'ed. */
static value run_to(ref_net *r, size_t wanted, const ref_batch *b, bool train, bool move,
                    double **logits)
{
    json_t *layers = json_object_get(r->json, "layers"), *layer;
    size_t count = json_array_size(layers), index;
    json_t *inputs_json = json_object_get(r->json, "inputs"), *input;
    size_t several = json_array_size(inputs_json), shape[3], before = 0;
    value *values = calloc(3 * count + 1 + several, sizeof *values);
    image_shape(r->json, b, shape);
    values[0] = ref_make(b->batch, b->frames, shape[0], shape[1], shape[2], true);
    json_array_foreach(layers, index, layer)
    {
        if (!strcmp(ref_text(layer, "type"), "mask")) values[0].every = true;
    }
    for (size_t i = 0; i < b->batch * b->frames * frame_size(&values[0]); i++)
        values[0].data[i] = b->img[i];
    json_array_foreach(inputs_json, index, input) values[3 * count + 1 + index] =
        split_input(&values[0], input, &before);
    json_array_foreach(layers, index, layer)
    {
        const value *ins[32];
        size_t inputs = json_array_size(json_object_get(layer, "inputs"));
        for (size_t k = 0; k < inputs || k < 1; k++) ins[k] = input_of(r->json, values, index, k);
        value filled[32];
        fill_inputs(b, ins, inputs, filled);
        value v = ref_merge(layer, ins, inputs);
        for (size_t k = 0; k < inputs; k++) free(filled[k].data);
        if (!v.data)
            v = run_layer(r, layer, copy_value(ins[0]), b, train, move,
                          inputs == 3 ? ins + 1 : NULL, &values[count + 1 + 2 * index]);
        if (logits && index + 1 == count) {
            size_t bytes = v.batch * v.frames * frame_size(&v) * sizeof **logits;
            *logits = memcpy(malloc(bytes), v.data, bytes);
        }
        activate_value(layer, &v);
        v.every = v.sequence && (v.every || ins[0]->every) &&
                  strcmp(ref_text(layer, "type"), "mask") != 0;
        values[index + 1] = v;
    }
    value out = values[wanted + 1];
    for (size_t i = 0; i < 3 * count + 1 + several; i++)
        if (i != wanted + 1) free(values[i].data);
    free(values);
    return out;
}

value ref_run(ref_net *r, const ref_batch *b, bool train, bool move, double **logits)
{
    return run_to(r, json_array_size(json_object_get(r->json, "layers")) - 1, b, train, move,
                  logits);
}

void ref_predict(ref_net *r, const ref_batch *b, double *out)
{
    json_t *layers = json_object_get(r->json, "layers");
    ref_predict_layer(r, b, ref_text(json_array_get(layers, json_array_size(layers) - 1), "name"),
                      out);
}

void ref_predict_layer(ref_net *r, const ref_batch *b, const char *layer, double *out)
{
    json_t *layers = json_object_get(r->json, "layers"), *one;
    size_t index, wanted = 0;
    json_array_foreach(layers, index, one) if (!strcmp(ref_text(one, "name"), layer)) wanted =
        index;
    value v = run_to(r, wanted, b, false, false, NULL);
    size_t floats = v.frames * frame_size(&v);
    for (size_t i = 0; i < b->batch; i++)
        if (ref_used(b, i)) memcpy(out + i * floats, frame(&v, i, 0), floats * sizeof *out);
    free(v.data);
}
