#include "grad_check.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "model/session.h"
#include "trainer/trainer.h"

#define B 4
#define T 5

/* All valid; holes; leading masked and one valid; none valid (left out). */
static const uint8_t masks[B][T] = {
    {1, 1, 1, 1, 1}, {1, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 0}};

/* ---- what the cases ask for ---- */

/* States, or factors of dropout, of every layer that has them. */
static nbase_archive *extras_of(const grad_case *c, const convlstm_model *m, bool states)
{
    nbase_archive *a = NULL;
    assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
    json_t *root = json_loads(convlstm_model_json(m), 0, NULL), *layer;
    size_t i,
        h = c->height, w = c->width,
        channels =
            (size_t)json_integer_value(json_object_get(json_object_get(root, "input"), "channels"));
    json_array_foreach(json_object_get(root, "layers"), i, layer)
    {
        const char *type = json_string_value(json_object_get(layer, "type"));
        size_t filters = (size_t)json_integer_value(json_object_get(layer, "filters")),
               units = (size_t)json_integer_value(json_object_get(layer, "units"));
        json_t *strides = json_object_get(layer, "strides");
        size_t sh = strides ? (size_t)json_integer_value(json_array_get(strides, 0)) : 1,
               sw = strides ? (size_t)json_integer_value(json_array_get(strides, 1)) : 1;
        size_t oh = (h + sh - 1) / sh, ow = (w + sw - 1) / sw, in = h * w * channels,
               out = oh * ow * filters;
        bool valid = json_object_get(layer, "padding") &&
                     !strcmp(json_string_value(json_object_get(layer, "padding")), "valid");
        if (valid && !strcmp(type, "conv2d"))
            oh = h -
                 (size_t)json_integer_value(
                     json_array_get(json_object_get(layer, "kernel_size"), 0)) +
                 1,
            ow = w -
                 (size_t)json_integer_value(
                     json_array_get(json_object_get(layer, "kernel_size"), 1)) +
                 1;
        const struct {
            const char *name;
            bool wanted;
            size_t count;
        } arrays[] = {
            {"h", states && !strcmp(type, "conv_lstm2d"), out},
            {"c", states && !strcmp(type, "conv_lstm2d"), out},
            {"dropout", !states && json_number_value(json_object_get(layer, "dropout")) > 0,
             4 * in},
            {"recurrent_dropout",
             !states && json_number_value(json_object_get(layer, "recurrent_dropout")) > 0,
             4 * out},
            {"dropout", !states && !strcmp(type, "dropout"), T * in},
            {"noise", !states && !strncmp(type, "gaussian_", 9), T * in},
            {"dropout", !states && !strcmp(type, "spatial_dropout"), channels}};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
            if (!arrays[k].wanted) continue;
            char name[NBASE_MAX_NAME];
            snprintf(name, sizeof name, "%s/%s", json_string_value(json_object_get(layer, "name")),
                     arrays[k].name);
            size_t shape[4] = {B, oh, ow, filters};
            if (!states) shape[1] = arrays[k].count, shape[2] = shape[3] = 1;
            float *values = help_uniform(B * arrays[k].count, 50 + i + k);
            for (size_t e = 0; e < B * arrays[k].count; e++)
                values[e] = states ? values[e] - 0.5f : values[e] < 0.4f ? 0 : 1 / 0.6f;
            assert_int_equal(nbase_archive_add(a, name, NBASE_F32, 4, shape, values, NULL),
                             NBASE_OK);
            free(values);
        }
        if (filters) h = oh, w = ow, channels = filters;
        if (units) h = w = 1, channels = units;
        if (!strcmp(type, "flatten")) channels *= h * w, h = w = 1;
    }
    json_decref(root);
    return a;
}

char *grad_network(const char *input, const char *layers)
{
    char member[400];
    snprintf(member, sizeof member, "\"input\":{%s}", input);
    return grad_network_of(member, layers);
}

char *grad_network_of(const char *inputs, const char *layers)
{
    size_t room = strlen(inputs) + 8 * strlen(layers) + 100;
    char *json = malloc(room), *at = json, *copy = strdup(layers), *rest = copy, *layer;
    at += sprintf(at, "{\"format\":1,%s,\"layers\":[", inputs);
    while ((layer = strtok_r(rest, ";", &rest))) {
        char *words, *word = strtok_r(layer, " \n", &words);
        at += sprintf(at, "%s{\"type\":\"%s\"", at[-1] == '[' ? "" : ",", word);
        while ((word = strtok_r(NULL, " \n", &words))) {
            char *value = strchr(word, '=') + 1;
            bool quoted =
                *value >= 'a' && *value <= 'z' && strcmp(value, "true") && strcmp(value, "false");
            at += sprintf(at, quoted ? ",\"%.*s\":\"%s\"" : ",\"%.*s\":%s", (int)(value - 1 - word),
                          word, value);
        }
        at += sprintf(at, "}");
    }
    sprintf(at, "]}");
    free(copy);
    return json;
}

static char *json_of(const grad_case *c)
{
    const char *mode[] = {"\"masked\"",
                          c->mode && c->mode[0] == 'c' ? "\"compat_tf22\"" : "\"masked\"", NULL};
    char input[160], frames[40] = "";
    if (c->fixed) snprintf(frames, sizeof frames, ",\"frames\":%d", T);
    snprintf(input, sizeof input, "\"height\":%zu,\"width\":%zu,\"channels\":%zu%s", c->height,
             c->width, c->channels, frames);
    if (c->inputs) return grad_network_of(c->inputs, c->layers);
    if (c->layers) return grad_network(input, c->layers);
    return c->preset ? help_preset(c->preset, c->height, c->width, mode) : strdup(c->json);
}

static convlstm_model *model_of(const grad_case *c)
{
    char *json = json_of(c);
    convlstm_model *m = help_model(NULL, json, 7);
    free(json);
    return m;
}

/* To be freed with free(). */
static float *images_of(const grad_case *c, const convlstm_model *m, uint64_t seed)
{
    size_t floats = 0;
    for (size_t k = 0; k < convlstm_model_input_count(m); k++) {
        convlstm_input in;
        assert_int_equal(convlstm_model_input(m, k, &in), NBASE_OK);
        floats += k || in.dims == 2 ? in.floats : c->height * c->width * in.channels;
    }
    size_t count = B * T * floats;
    float *img = help_uniform(count, seed);
    for (size_t i = 0; c->unscaled && i < count; i++) img[i] = 8 * img[i] - 4;
    return img;
}

/* The general backend, and the best one of this machine. */
enum { BACKENDS = 2 };
static const char *const backend_names[BACKENDS] = {"general", "best"};

static convlstm__backend_choice backend_of(int i)
{
    return i ? convlstm__backend_default()
             : (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_GENERAL,
                                          .isa = NBASE_ISA_REF};
}

#define CHECKED 40 /* weights of a tensor that are checked, spread over it */
static size_t stride_of(const nbase_array *a)
{
    return a->count > CHECKED ? a->count / CHECKED | 1 : 1;
}

static double largest_gradient(const convlstm_model *m, convlstm_trainer *t)
{
    double largest = 0;
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        const float *g = convlstm_trainer_gradient(t, a->name);
        for (size_t k = 0; g && k < a->count; k++) largest = fmax(largest, fabs(g[k]));
    }
    return largest;
}

/* Largest difference of a tensor's gradient, relative to the tensor's largest; tensors that hardly
 * matter (a bias before BatchNormalization) are measured against a thousandth of the network's
 * largest. */
static void differences(convlstm_trainer *const t[BACKENDS], ref_net *r, const ref_batch *b,
                        const ref_loss *l, const nbase_array *a, double network,
                        double worst[BACKENDS])
{
    double largest = 1e-3 * network, difference[BACKENDS] = {0};
    for (size_t k = 0; k < a->count; k += stride_of(a)) {
        double expected = ref_gradient(r, b, l, a->name, k);
        largest = fmax(largest, fabs(expected));
        for (int i = 0; i < BACKENDS; i++)
            difference[i] =
                fmax(difference[i], fabs(expected - convlstm_trainer_gradient(t[i], a->name)[k]));
    }
    for (int i = 0; i < BACKENDS; i++) worst[i] = fmax(worst[i], difference[i] / largest);
}

/* Largest difference of the outputs of `items` samples. The frame of a masked step repeats the one
 * before, zeros before the first. */
static double output_error(const grad_case *c, const convlstm_model_info *info, size_t items,
                           size_t values, const float *out, const double *expected)
{
    size_t frames = info->output_dims % 2 == 0 && !c->unmasked ? T : 1, each = values / frames;
    double error = 0;
    for (size_t i = 0; i < items * frames; i++, out += each, expected += each) {
        bool masked = frames == T && !masks[i / T][i % T];
        for (size_t k = 0; k < each; k++)
            error = fmax(error, fabs(out[k] - (!masked ? expected[k]
                                               : i % T ? out[(long)k - (long)each]
                                                       : 0)));
    }
    return error;
}

void grad_check(const grad_case *c, double broken)
{
    convlstm_model *m = model_of(c);
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    size_t shape[4] = {1, 1, 1, 1}, values = 1;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm_model_output_shape(m, T, c->height, c->width, shape, &err))
        fail_msg("%s: %s", c->name, err.text);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    float *img = images_of(c, m, 11), *labels = help_uniform(B * values, 12), *out[BACKENDS];
    for (size_t i = 0; info.output_dims == 1 && i < B; i++)
        labels[2 * i] = (float)(i & 1), labels[2 * i + 1] = 1 - labels[2 * i];
    nbase_archive *states = c->states ? extras_of(c, m, true) : NULL,
                  *dropout = c->dropout ? extras_of(c, m, false) : NULL;
    const convlstm_batch in = {img, masks[0], B, T, c->height, c->width, states};

    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    options.num_threads = 2;
    options.exact_gates = 1;
    options.loss = c->loss.loss;
    options.label_smoothing = c->loss.label_smoothing;
    options.huber_delta = REF_DELTA;
    options.focal_gamma = REF_GAMMA;
    options.focal_alpha = REF_ALPHA;
    memcpy(options.class_weight, c->loss.class_weight, sizeof options.class_weight);
    convlstm_trainer *t[BACKENDS];
    convlstm_step_result result[BACKENDS];
    for (int i = 0; i < BACKENDS; i++) {
        if (convlstm__trainer_create(m, &options, backend_of(i), &t[i], &err))
            fail_msg("%s: %s", c->name, err.text);
        t[i]->dropout_masks = dropout;
        out[i] = calloc(B * values, sizeof **out);
        if (convlstm_trainer_gradients_batch(t[i], &in, labels, out[i], &result[i]))
            fail_msg("%s: %s", c->name, convlstm_trainer_error(t[i]));
        assert_int_equal(result[i].used, 3);
        const nbase_array *first = convlstm_model_tensor(m, 0);
        for (size_t k = 0; broken != 0 && k < first->count; k++)
            ((float *)convlstm_trainer_gradient(t[i], first->name))[k] *= (float)(1 + broken);
    }

    ref_net *r = ref_create(m); /* after the trainers, which may have set the output activation */
    ref_batch batch = {img, masks[0], labels, B, T, c->height, c->width, states, dropout};
    double *expected = calloc(B * values, sizeof *expected),
           loss = ref_train_loss(r, &batch, &c->loss, expected, false), worst[BACKENDS] = {0};
    double network = largest_gradient(m, t[0]);
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        if (convlstm_trainer_gradient(t[0], a->name))
            differences(t, r, &batch, &c->loss, a, network, worst);
    }
    for (int i = 0; i < BACKENDS; i++) {
        double error = output_error(c, &info, B, values, out[i], expected),
               loss_error = fabs(result[i].loss - loss);
        printf("%-42s %-8s loss %.1e, outputs %.1e, gradients %.1e\n", c->name, backend_names[i],
               loss_error, error, worst[i]);
        assert_true(loss_error < 2e-6);
        assert_true(error < 4e-6);
        assert_true(worst[i] < 2e-5);
        convlstm_trainer_free(t[i]);
        free(out[i]);
    }
    ref_free(r);
    convlstm_model_free(m);
    nbase_archive_free(states);
    nbase_archive_free(dropout);
    free(expected);
    free(labels);
    free(img);
}

void grad_check_inference(const grad_case *c)
{
    convlstm_model *m = model_of(c);
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    size_t shape[4] = {1, 1, 1, 1}, values = 1;
    assert_int_equal(convlstm_model_output_shape(m, T, c->height, c->width, shape, NULL), NBASE_OK);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    float *img = images_of(c, m, 13), *out = calloc(B * values, sizeof *out);
    double *expected = calloc(B * values, sizeof *expected), error = 0;
    nbase_archive *states = c->states ? extras_of(c, m, true) : NULL;
    const convlstm_batch in = {img, masks[0], B, T, c->height, c->width, states};
    ref_batch batch = {img, masks[0], NULL, B, T, c->height, c->width, states, NULL};
    ref_net *r = ref_create(m);
    ref_predict(r, &batch, expected);
    nbase_status status[B];
    for (int i = 0; i < BACKENDS; i++)
        for (int threads = 1; threads < 4; threads++) {
            convlstm_session_options options = {.num_threads = threads};
            convlstm_session *s;
            assert_int_equal(convlstm__session_create(m, &options, backend_of(i), &s, NULL),
                             NBASE_OK);
            assert_int_equal(convlstm_run(s, &in, out, NULL, status), NBASE_ERR_NO_VALID_FRAMES);
            assert_int_equal(status[3], NBASE_ERR_NO_VALID_FRAMES);
            error = fmax(error, output_error(c, &info, 3, values, out, expected));
            convlstm_session_free(s);
        }
    printf("%-42s inference: outputs %.1e\n", c->name, error);
    assert_true(error < 4e-6);
    ref_free(r);
    nbase_archive_free(states);
    convlstm_model_free(m);
    free(expected);
    free(img);
    free(out);
}
