/* Gradients of every weight against finite differences of a reference in double precision, and the
 * forward pass with them: masks with holes, the losses, both modes of BatchNormalization,
 * activations, kernel shapes, and both presets at a small size. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "convlstm_ref.h"
#include "model/session.h"
#include "trainer/trainer.h"

#define B 4
#define T 5

/* All valid; holes; leading masked and one valid; none valid (left out). */
static const uint8_t masks[B][T] = {
    {1, 1, 1, 1, 1}, {1, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 0}};

typedef struct grad_case {
    const char *name, *preset, *json; /* one of preset and json */
    size_t height, width;
    ref_loss loss;
    const char *mode; /* of BatchNormalization; null: as it is */
    bool states;      /* an initial state that is not zero, in every recurrent layer */
    bool dropout;     /* factors of the test's own for every dropout */
} grad_case;

/* Networks in short: `layers` is the inside of the JSON array. */
#define NET(h, w, c, layers)                                                                       \
    "{\"format\":1,\"input\":{\"height\":" #h ",\"width\":" #w ",\"channels\":" #c                 \
    "},\"layers\":[" layers "]}"
#define LSTM(filters, kernel, more)                                                                \
    "{\"type\":\"conv_lstm2d\",\"filters\":" #filters ",\"kernel_size\":" #kernel                  \
    ",\"padding\":\"same\",\"recurrent_activation\":\"sigmoid\"" more "}"
#define SEQUENCES ",\"return_sequences\":true"
#define END ",{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\"}"
#define BN ",{\"type\":\"batch_normalization\"},"

#define PLAIN {1, 1}, 0

static const grad_case cases[] = {
    {"flatten bce masked",
     "skincredible",
     NULL,
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     "masked",
     false,
     false},
    {"flatten bce compat",
     "skincredible",
     NULL,
     4,
     5,
     {CONVLSTM_LOSS_BCE, PLAIN},
     "compat_tf22",
     false,
     false},
    {"gap softmax masked",
     "skincredible-gap",
     NULL,
     5,
     4,
     {CONVLSTM_LOSS_SOFTMAX, {0.7, 1.9}, 0.1},
     "masked",
     false,
     false},
    {"gap compat compat",
     "skincredible-gap",
     NULL,
     4,
     4,
     {CONVLSTM_LOSS_COMPAT_TF22, {2, 0.5}, 0.2},
     "compat_tf22",
     false,
     false},
    /* epsilon is ten times the default: Dense's three outputs vary so little that with 0.001
     * BatchNormalization multiplies their gradients by 31 before the bias adds them up to a
     * fiftieth; what rounding of single floats leaves of that is 1 to 3e-5, on any processor. */
    {"sigmoid gates, 2x4 kernel, relu",
     NULL,
     "{\"format\":1,\"input\":{\"height\":7,\"width\":6,\"channels\":2},\"layers\":["
     "{\"type\":\"conv_lstm2d\",\"filters\":3,\"kernel_size\":[2,4],\"padding\":\"same\","
     "\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true},"
     "{\"type\":\"activation\",\"activation\":\"relu\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":3,\"padding\":\"same\",\"strides\":2,"
     "\"recurrent_activation\":\"hard_sigmoid_k3\",\"use_bias\":false},"
     "{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},{\"type\":"
     "\"batch_normalization\",\"epsilon\":0.01},"
     "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\",\"use_bias\":false}]}",
     7,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false},
    {"dilation, valid, three recurrent layers",
     NULL,
     "{\"format\":1,\"input\":{\"height\":9,\"width\":8,\"channels\":1},\"layers\":[{\"type\":"
     "\"batch_normalization\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":[3,2],\"padding\":\"same\","
     "\"dilation_rate\":[2,1],\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true},"
     "{\"type\":\"batch_normalization\"},{\"type\":\"batch_normalization\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":3,\"kernel_size\":[3,3],\"padding\":\"valid\","
     "\"recurrent_activation\":\"hard_sigmoid_k2\",\"return_sequences\":true},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":[1,1],\"recurrent_activation\":"
     "\"sigmoid\",\"activation\":\"linear\"},"
     "{\"type\":\"activation\",\"activation\":\"softmax\"},{\"type\":\"global_average_pool\"},"
     "{\"type\":\"dense\",\"units\":2},{\"type\":\"activation\",\"activation\":\"softmax\"}]}",
     9,
     8,
     {CONVLSTM_LOSS_SOFTMAX, PLAIN},
     NULL,
     false,
     false},
    {"peepholes of channels, initial state",
     NULL,
     NET(5, 6, 2,
         LSTM(3, 3, SEQUENCES ",\"peepholes\":\"channel\"") BN LSTM(
             2, 2, ",\"peepholes\":\"channel\",\"use_bias\":false,\"activation\":\"leaky_relu\"")
             END),
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     true,
     false},
    {"peepholes of pixels, strides",
     NULL,
     NET(5, 6, 2,
         LSTM(3, 3, SEQUENCES ",\"peepholes\":\"pixel\",\"strides\":2,\"dropout\":0.3") "," LSTM(
             2, 3, ",\"peepholes\":\"pixel\"") END),
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     true,
     true},
    {"backwards twice, compat statistics",
     NULL,
     NET(5, 4, 2,
         LSTM(2, 3,
              SEQUENCES
              ",\"go_backwards\":true") ",{\"type\":\"batch_normalization\","
                                        "\"mode\":\"compat_keras3\"}," LSTM(
                                            3, 3, SEQUENCES) ","
                                                             "{\"type\":\"conv3d\","
                                                             "\"filters\":2,\"kernel_"
                                                             "size\":[2,3,3],\"padding\":"
                                                             "\"same\",\"activation\":"
                                                             "\"tanh\"}," LSTM(
                                                                 2, 3, ",\"go_backwards\":true")
                                                                 END),
     5,
     4,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false},
    {"dropout of inputs and states",
     NULL,
     NET(5, 4, 2,
         LSTM(3, 3, SEQUENCES ",\"dropout\":0.4,\"recurrent_dropout\":0.3")
             BN LSTM(2, 3, ",\"recurrent_dropout\":0.5,\"use_bias\":false") END),
     5,
     4,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     true,
     true},
    {"dropout layers on frames and vectors",
     NULL,
     NET(4, 5, 2,
         "{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":2},{\"type\":\"dropout\",\"rate\":0."
         "3}" BN "{\"type\":\"spatial_dropout\",\"rate\":0.4}," LSTM(
             3, 3, "") ",{\"type\":\"spatial_dropout\",\"rate\":0.4},{\"type\":\"flatten\"},{"
                       "\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},{\"type\":"
                       "\"dropout\",\"rate\":0.5},"
                       "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\"}"),
     4,
     5,
     {CONVLSTM_LOSS_SOFTMAX, {0.5, 2}, 0.1},
     NULL,
     false,
     true},
    {"convolution, pooling, leaky relu of frames",
     NULL,
     NET(9, 8, 2,
         "{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":[3,2],\"padding\":\"same\","
         "\"strides\":[1,2],\"activation\":\"tanh\"}" BN
         "{\"type\":\"max_pool2d\",\"pool_size\":[2,3],\"strides\":[2,1],\"padding\":\"same\"},{"
         "\"type\":\"leaky_relu\"},"
         "{\"type\":\"average_pool2d\",\"pool_size\":3,\"strides\":1,\"padding\":\"same\"}," LSTM(
             2, 3, "") ",{\"type\":\"conv2d\",\"filters\":2,\"kernel_size\":2,"
                       "\"dilation_rate\":2,\"use_bias\":false},{\"type\":\"average_pool2d\"},{"
                       "\"type\":\"activation\",\"activation\":\"leaky_relu\"}" END),
     9,
     8,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false},
    {"layer normalization, mean over time",
     NULL,
     NET(4, 5, 3,
         "{\"type\":\"layer_normalization\"}," LSTM(
             3, 3, SEQUENCES) ",{\"type\":\"layer_normalization\",\"over\":\"frame\"},{\"type\":"
                              "\"global_average_pool\"},"
                              "{\"type\":\"layer_normalization\"},{\"type\":\"dense\",\"units\":2,"
                              "\"activation\":\"sigmoid\"}"),
     4,
     5,
     {CONVLSTM_LOSS_COMPAT_TF22, PLAIN},
     NULL,
     false,
     false},
    {"next frames: conv3d, bce a pixel",
     NULL,
     NET(5, 6, 1,
         LSTM(4, 3, SEQUENCES) BN LSTM(3, 1, SEQUENCES) BN
         "{\"type\":\"conv3d\",\"filters\":1,\"kernel_size\":3,\"padding\":\"same\",\"activation\":"
         "\"sigmoid\"}"),
     5,
     6,
     {CONVLSTM_LOSS_BCE, PLAIN},
     NULL,
     false,
     false},
    {"conv3d: dilated, deep, strided, mse",
     NULL,
     NET(7, 6, 2,
         "{\"type\":\"conv3d\",\"filters\":3,\"kernel_size\":[3,2,2],\"padding\":\"same\","
         "\"dilation_rate\":[2,1,1],\"strides\":[1,2,2]}," LSTM(
             2, 3, SEQUENCES) ","
                              "{\"type\":\"conv3d\",\"filters\":2,\"kernel_size\":[1,2,2],"
                              "\"padding\":\"valid\",\"use_bias\":false}"),
     7,
     6,
     {CONVLSTM_LOSS_MSE, PLAIN},
     NULL,
     false,
     false},
    {"a frame, softmax a pixel",
     NULL,
     NET(4, 5, 2,
         LSTM(3, 3, "") ",{\"type\":\"conv2d\",\"filters\":3,\"kernel_size\":1,\"activation\":"
                        "\"softmax\"}"),
     4,
     5,
     {CONVLSTM_LOSS_SOFTMAX, {1, 1}, 0.1},
     NULL,
     false,
     false},
    {"sequences of states, mae",
     NULL,
     NET(8, 8, 3, LSTM(4, 3, SEQUENCES) BN LSTM(3, 3, SEQUENCES)),
     8,
     8,
     {CONVLSTM_LOSS_MAE, PLAIN},
     NULL,
     false,
     false},
};

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

static convlstm_model *model_of(const grad_case *c)
{
    const char *mode[] = {"\"masked\"",
                          c->mode && c->mode[0] == 'c' ? "\"compat_tf22\"" : "\"masked\"", NULL};
    char *json = c->preset ? help_preset(c->preset, c->height, c->width, mode) : strdup(c->json);
    convlstm_model *m = help_model(NULL, json, 7);
    free(json);
    return m;
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
static double output_error(const convlstm_model_info *info, size_t items, size_t values,
                           const float *out, const double *expected)
{
    size_t frames = info->output_dims == 4 ? T : 1, each = values / frames;
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

/* Broken on purpose, to see that the check finds it: one gradient off by this part of itself. */
static double broken;

static void check_case(const grad_case *c)
{
    convlstm_model *m = model_of(c);
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    size_t shape[4] = {1, 1, 1, 1}, values = 1;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm_model_output_shape(m, T, c->height, c->width, shape, &err))
        fail_msg("%s: %s", c->name, err.text);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    float *img = help_uniform(B * T * c->height * c->width * info.channels, 11),
          *labels = help_uniform(B * values, 12), *out[BACKENDS];
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
        double error = output_error(&info, B, values, out[i], expected),
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

/* The same networks at inference, moving statistics and no dropout. */
static void check_inference(const grad_case *c)
{
    convlstm_model *m = model_of(c);
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    size_t shape[4] = {1, 1, 1, 1}, values = 1;
    assert_int_equal(convlstm_model_output_shape(m, T, c->height, c->width, shape, NULL), NBASE_OK);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    float *img = help_uniform(B * T * c->height * c->width * info.channels, 13),
          *out = calloc(B * values, sizeof *out);
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
            error = fmax(error, output_error(&info, 3, values, out, expected));
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

static void gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

static void inference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_inference(&cases[i]);
}

/* test_convlstm_grad --break 0.001: multiplies a gradient by 1.001 first, and must fail. */
int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--break")) broken = atof(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(inference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
