/* Gradients of every weight against finite differences of a reference in double precision, and the forward pass with them: masks with holes, the losses,
 * both modes of BatchNormalization, activations, kernel shapes, and both presets at a small size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "convlstm_ref.h"
#include "trainer/trainer.h"

#define B 4
#define T 5

/* All valid; holes; leading masked and one valid; none valid (left out). */
static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1}, {1, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 0}};

typedef struct grad_case {
    const char *name, *preset, *json; /* one of preset and json */
    size_t height, width;
    ref_loss loss;
    const char *mode; /* of BatchNormalization */
} grad_case;

#define PLAIN {1, 1}, 0

static const grad_case cases[] = {
    {"flatten bce masked", "skincredible", NULL, 5, 6, {CONVLSTM_LOSS_BCE, PLAIN}, "masked"},
    {"flatten bce compat", "skincredible", NULL, 4, 5, {CONVLSTM_LOSS_BCE, PLAIN}, "compat_tf22"},
    {"gap softmax masked", "skincredible-gap", NULL, 5, 4, {CONVLSTM_LOSS_SOFTMAX, {0.7, 1.9}, 0.1}, "masked"},
    {"gap compat compat", "skincredible-gap", NULL, 4, 4, {CONVLSTM_LOSS_COMPAT_TF22, {2, 0.5}, 0.2}, "compat_tf22"},
    {"sigmoid gates, 2x4 kernel, relu", NULL,
     "{\"format\":1,\"input\":{\"height\":7,\"width\":6,\"channels\":2},\"layers\":["
     "{\"type\":\"conv_lstm2d\",\"filters\":3,\"kernel_size\":[2,4],\"padding\":\"same\",\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true},"
     "{\"type\":\"activation\",\"activation\":\"relu\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":3,\"padding\":\"same\",\"strides\":2,\"recurrent_activation\":\"hard_sigmoid_k3\",\"use_bias\":false},"
     "{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},{\"type\":\"batch_normalization\"},"
     "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\",\"use_bias\":false}]}",
     7, 6, {CONVLSTM_LOSS_BCE, PLAIN}, NULL},
    {"dilation, valid, three recurrent layers", NULL,
     "{\"format\":1,\"input\":{\"height\":9,\"width\":8,\"channels\":1},\"layers\":[{\"type\":\"batch_normalization\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":[3,2],\"padding\":\"same\",\"dilation_rate\":[2,1],\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true},"
     "{\"type\":\"batch_normalization\"},{\"type\":\"batch_normalization\"},"
     "{\"type\":\"conv_lstm2d\",\"filters\":3,\"kernel_size\":[3,3],\"padding\":\"valid\",\"recurrent_activation\":\"hard_sigmoid_k2\",\"return_sequences\":true},"
     "{\"type\":\"conv_lstm2d\",\"filters\":2,\"kernel_size\":[1,1],\"recurrent_activation\":\"sigmoid\",\"activation\":\"linear\"},"
     "{\"type\":\"activation\",\"activation\":\"softmax\"},{\"type\":\"global_average_pool\"},"
     "{\"type\":\"dense\",\"units\":2},{\"type\":\"activation\",\"activation\":\"softmax\"}]}",
     9, 8, {CONVLSTM_LOSS_SOFTMAX, PLAIN}, NULL},
};

static convlstm_model *model_of(const grad_case *c)
{
    const char *mode[] = {"\"masked\"", c->mode && c->mode[0] == 'c' ? "\"compat_tf22\"" : "\"masked\"", NULL};
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
    return i ? convlstm__backend_default() : (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_GENERAL, .isa = NBASE_ISA_REF};
}

#define CHECKED 40 /* weights of a tensor that are checked, spread over it */
static size_t stride_of(const nbase_array *a) { return a->count > CHECKED ? a->count / CHECKED | 1 : 1; }

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

/* Largest difference of a tensor's gradient, relative to the tensor's largest; tensors that hardly matter (a bias before BatchNormalization) are
 * measured against a thousandth of the network's largest. */
static void differences(convlstm_trainer *const t[BACKENDS], ref_net *r, const ref_batch *b, const ref_loss *l, const nbase_array *a, double network,
                        double worst[BACKENDS])
{
    double largest = 1e-3 * network, difference[BACKENDS] = {0};
    for (size_t k = 0; k < a->count; k += stride_of(a)) {
        double expected = ref_gradient(r, b, l, a->name, k);
        largest = fmax(largest, fabs(expected));
        for (int i = 0; i < BACKENDS; i++) difference[i] = fmax(difference[i], fabs(expected - convlstm_trainer_gradient(t[i], a->name)[k]));
    }
    for (int i = 0; i < BACKENDS; i++) worst[i] = fmax(worst[i], difference[i] / largest);
}

static void check_case(const grad_case *c)
{
    convlstm_model *m = model_of(c);
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    float *img = help_uniform(B * T * c->height * c->width * info.channels, 11), labels[B * 2], probs[BACKENDS][B * 2];
    for (size_t i = 0; i < B; i++) labels[2 * i] = (float)(i & 1), labels[2 * i + 1] = 1 - labels[2 * i];

    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    options.num_threads = 2;
    options.loss = c->loss.loss;
    options.label_smoothing = c->loss.label_smoothing;
    memcpy(options.class_weight, c->loss.class_weight, sizeof options.class_weight);
    convlstm_trainer *t[BACKENDS];
    convlstm_step_result result[BACKENDS];
    nbase_error err = {NBASE_OK, ""};
    for (int i = 0; i < BACKENDS; i++) {
        if (convlstm__trainer_create(m, &options, backend_of(i), &t[i], &err)) fail_msg("%s: %s", c->name, err.text);
        if (convlstm_trainer_gradients(t[i], img, masks[0], labels, B, T, c->height, c->width, probs[i], &result[i]))
            fail_msg("%s: %s", c->name, convlstm_trainer_error(t[i]));
        assert_int_equal(result[i].used, 3);
    }

    ref_net *r = ref_create(m); /* after the trainers, which may have set the output activation */
    ref_batch batch = {img, masks[0], labels, B, T, c->height, c->width};
    double expected[B * 2] = {0}, loss = ref_train_loss(r, &batch, &c->loss, expected, false), worst[BACKENDS] = {0};
    double network = largest_gradient(m, t[0]);
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        if (convlstm_trainer_gradient(t[0], a->name)) differences(t, r, &batch, &c->loss, a, network, worst);
    }
    for (int i = 0; i < BACKENDS; i++) {
        double prob_error = 0, loss_error = fabs(result[i].loss - loss);
        for (size_t k = 0; k < B * 2; k++) prob_error = fmax(prob_error, fabs(expected[k] - probs[i][k]));
        printf("%-42s %-8s loss %.1e, probabilities %.1e, gradients %.1e\n", c->name, backend_names[i], loss_error, prob_error, worst[i]);
        assert_true(loss_error < 2e-6);
        assert_true(prob_error < 2e-6);
        assert_true(worst[i] < 2e-5);
        convlstm_trainer_free(t[i]);
    }
    ref_free(r);
    convlstm_model_free(m);
    free(img);
}

static void gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
