/* The real Keras's answers (tests/goldens/keras.npz, made by make_keras_goldens.py): probabilities
 * of networks with every mask pattern, gradients, and 20 training steps. Prints the table of cases
 * with the worst errors; `test_convlstm_keras TEXT` runs only cases whose name contains TEXT. */
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

static nbase_archive *goldens;
static const char *group = "layer"; /* the cases a layer that are run */
static const char *wanted = "";

/* ---- data as the script makes it ---- */

static float *uniform(size_t count, uint64_t seed)
{
    float *u = malloc((count ? count : 1) * sizeof *u);
    for (size_t i = 0; i < count; i++) {
        uint32_t h = (uint32_t)(i * 0x9E3779B1u + seed * 0x85EBCA77u);
        h ^= h >> 16;
        h *= 0x7FEB352Du;
        h ^= h >> 15;
        h *= 0x846CA68Bu;
        h ^= h >> 16;
        u[i] = (float)((double)(h >> 8) / (1 << 24));
    }
    return u;
}

static void set_weights(convlstm_model *m)
{
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        float *u = uniform(a->count, 100 + i);
        const char *kind = strchr(a->name, '/') + 1;
        double fan_in = (double)(a->count / a->shape[a->ndim - 1]);
        for (size_t k = 0; k < a->count; k++) {
            double x = u[k];
            if (strstr(kind, "kernel"))
                x = (x - 0.5) * 2 * sqrt(3.0 / fan_in);
            else if (!strcmp(kind, "gamma"))
                x = 0.5 + x;
            else if (!strcmp(kind, "moving_variance"))
                x = 0.05 + 0.2 * x;
            else if (!strcmp(kind, "moving_mean"))
                x = 0.2 * (x - 0.5);
            else
                x = x - 0.5;
            u[k] = (float)x;
        }
        assert_int_equal(convlstm_model_set(m, a->name, u, a->count), NBASE_OK);
        free(u);
    }
}

static const nbase_array *find(const char *set, size_t index, const char *what)
{
    char name[2 * NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/%02zu/%s", set, index, what);
    return nbase_archive_find(goldens, name);
}

static char *find_text(const char *set, size_t index, const char *what)
{
    const nbase_array *a = find(set, index, what);
    return a ? strndup(a->data, a->count) : NULL;
}

/* The case's model, or null if there are no more cases; *skip if it is not wanted. */
static convlstm_model *next_case(const char *set, size_t index, char **name, bool *skip)
{
    *name = find_text(set, index, "name");
    if (!*name) return NULL;
    *skip = !strstr(*name, wanted);
    char *json = find_text(set, index, "json");
    convlstm_model *m = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm_model_create(NULL, json, 1, &m, &err)) fail_msg("%s: %s", *name, err.text);
    set_weights(m);
    free(json);
    return m;
}

static const convlstm__backend_choice general = {.backend = CONVLSTM__BACKEND_GENERAL,
                                                 .isa = NBASE_ISA_REF};

/* ---- inference ---- */

static void predict(void **state)
{
    (void)state;
    char *name;
    bool skip;
    convlstm_model *m;
    for (size_t i = 0; (m = next_case("predict", i, &name, &skip));
         i++, convlstm_model_free(m), free(name)) {
        if (skip) continue;
        const nbase_array *mask = find("predict", i, "mask"),
                          *expected = find("predict", i, "probs");
        convlstm_model_info info;
        convlstm_model_get_info(m, &info);
        size_t batch = mask->shape[0], frames = mask->shape[1];
        float *img = uniform(batch * frames * info.height * info.width * info.channels, i),
              probs[32];
        double worst[2] = {0, 0};
        for (int backend = 0; backend < 2; backend++) {
            convlstm_session_options options = {.num_threads = 2};
            convlstm_session *s;
            assert_int_equal(
                convlstm__session_create(m, &options,
                                         backend ? convlstm__backend_default() : general, &s, NULL),
                NBASE_OK);
            assert_int_equal(convlstm_predict(s, img, mask->data, batch, frames, info.height,
                                              info.width, probs, NULL),
                             NBASE_OK);
            for (size_t k = 0; k < expected->count; k++)
                worst[backend] =
                    fmax(worst[backend], fabs(probs[k] - ((const float *)expected->data)[k]));
            uint8_t none[64] = {0}; /* where Keras makes up a probability */
            assert_int_equal(
                convlstm_predict(s, img, none, 1, frames, info.height, info.width, probs, NULL),
                NBASE_ERR_NO_VALID_FRAMES);
            convlstm_session_free(s);
        }
        printf("%-42s probabilities: general %.1e, %s %.1e\n", name, worst[0],
               nbase_isa_name(nbase_isa_active()), worst[1]);
        assert_true(worst[0] < 1e-5 && worst[1] < 1e-5);
        free(img);
    }
}

/* ---- training ---- */

static convlstm_trainer_options options_of(json_t *spec)
{
    static const char *const losses[] = {"bce", "softmax", "compat_tf22"}, *const optimizers[] = {
                                                                               "sgd", "adam",
                                                                               "adamw"};
    convlstm_trainer_options o;
    int loss = 0, optimizer = 0;
    while (strcmp(losses[loss], json_string_value(json_object_get(spec, "loss")))) loss++;
    while (strcmp(optimizers[optimizer], json_string_value(json_object_get(spec, "optimizer"))))
        optimizer++;
    convlstm_trainer_defaults(&o, (convlstm_optimizer)optimizer);
    o.loss = (convlstm_loss)loss;
    o.num_threads = 2;
    struct {
        const char *key;
        double *out;
    } const numbers[] = {{"learning_rate", &o.learning_rate},
                         {"momentum", &o.momentum},
                         {"weight_decay", &o.weight_decay},
                         {"global_clipnorm", &o.clip_norm},
                         {"label_smoothing", &o.label_smoothing}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (json_object_get(spec, numbers[i].key))
            *numbers[i].out = json_number_value(json_object_get(spec, numbers[i].key));
    o.nesterov = json_is_true(json_object_get(spec, "nesterov"));
    json_t *weights = json_object_get(spec, "class_weight");
    for (size_t i = 0; weights && i < 2; i++)
        o.class_weight[i] = json_number_value(json_array_get(weights, i));
    return o;
}

static size_t stride_of(size_t count) { return count / 97 ? count / 97 : 1; }

/* Largest difference of the kept elements. */
static double difference(const nbase_array *kept, const float *ours, size_t count)
{
    double worst = 0;
    assert_int_equal(kept->count, (count + stride_of(count) - 1) / stride_of(count));
    for (size_t k = 0; k < kept->count; k++)
        worst = fmax(worst, fabs(((const float *)kept->data)[k] - ours[k * stride_of(count)]));
    return worst;
}

typedef struct train_errors {
    double gradient, loss, weight;
} train_errors;

static train_errors train_case(convlstm_model *m, size_t index, convlstm__backend_choice backend)
{
    const nbase_array *mask = find("train", index, "mask"),
                      *labels = find("train", index, "labels"),
                      *losses = find("train", index, "losses");
    char *text = find_text("train", index, "spec");
    json_t *spec = json_loads(text, 0, NULL);
    convlstm_trainer_options options = options_of(spec);
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    convlstm_trainer *t = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (convlstm__trainer_create(m, &options, backend, &t, &err)) fail_msg("%s", err.text);
    size_t batch = mask->shape[0], frames = mask->shape[1],
           floats = batch * frames * info.height * info.width * info.channels;
    train_errors worst = {0, 0, 0};
    for (size_t step = 0; step < losses->count; step++) {
        float *img = uniform(floats, 1000 + 10 * index + step % 3);
        convlstm_step_result r;
        if (convlstm_trainer_step(t, img, mask->data, labels->data, batch, frames, info.height,
                                  info.width, NULL, &r))
            fail_msg("%s", convlstm_trainer_error(t));
        double expected = ((const double *)losses->data)[step];
        worst.loss = fmax(worst.loss, fabs(r.loss - expected) / expected);
        for (size_t i = 0; step == 0 && i < convlstm_model_tensor_count(m); i++) {
            const nbase_array *a = convlstm_model_tensor(m, i);
            char what[NBASE_MAX_NAME + 16];
            snprintf(what, sizeof what, "largest/%s", a->name);
            const nbase_array *largest = find("train", index, what);
            if (!largest) continue;
            snprintf(what, sizeof what, "gradient/%s", a->name);
            double d = difference(find("train", index, what), convlstm_trainer_gradient(t, a->name),
                                  a->count);
            worst.gradient = fmax(worst.gradient, d / *(const float *)largest->data);
        }
        free(img);
    }
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        char what[NBASE_MAX_NAME + 16];
        snprintf(what, sizeof what, "weights/%s", a->name);
        worst.weight =
            fmax(worst.weight, difference(find("train", index, what), a->data, a->count));
    }
    convlstm_trainer_free(t);
    json_decref(spec);
    free(text);
    return worst;
}

/* The general backend, the best one of this machine, and that with the compact gates that a trainer
 * has unless asked for exact ones, and with gates that are computed again. */
enum { BACKENDS = 4 };
static const char *const backend_names[BACKENDS] = {"general", "best", "best, compact",
                                                    "best, again"};

static convlstm__backend_choice backend_of(int i)
{
    convlstm__backend_choice best = convlstm__backend_default();
    best.compact_gates = i >= 2;
    best.gates_again = i == 3;
    return i ? best : general;
}

static void train(void **state)
{
    (void)state;
    char *name;
    bool skip;
    convlstm_model *m;
    for (size_t i = 0; (m = next_case("train", i, &name, &skip));
         i++, convlstm_model_free(m), free(name)) {
        for (int backend = 0; !skip && backend < BACKENDS; backend++) {
            convlstm_model *fresh;
            assert_int_equal(convlstm_model_clone(m, &fresh), NBASE_OK);
            train_errors e = train_case(fresh, i, backend_of(backend));
            printf(
                "%-42s %-15s gradients %.1e of the largest, losses %.1e relative, weights %.1e\n",
                name, backend_names[backend], e.gradient, e.loss, e.weight);
            assert_true(e.gradient < 1e-4);
            assert_true(e.loss < 1e-4);
            convlstm_model_free(fresh);
        }
    }
}

/* ---- a layer and parameter ----
 *
 * Outputs at inference, last states, and in training gradients of the mean squared error and
 * moving statistics. */

/* The arrays "layer/NN/given/NAME" whose name ends as asked, as an archive of their own. */
static nbase_archive *given(size_t index, bool states)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s/%02zu/given/", group, index);
    nbase_archive *a = NULL;
    assert_int_equal(nbase_archive_create(NULL, &a), NBASE_OK);
    for (size_t i = 0; i < nbase_archive_count(goldens); i++) {
        const nbase_array *g = nbase_archive_at(goldens, i);
        if (strncmp(g->name, prefix, strlen(prefix))) continue;
        const char *name = g->name + strlen(prefix), *end = strrchr(name, '/');
        if ((!strcmp(end, "/h") || !strcmp(end, "/c")) == states)
            assert_int_equal(nbase_archive_add(a, name, g->dtype, g->ndim, g->shape, g->data, NULL),
                             NBASE_OK);
    }
    return a;
}

/* Largest difference of outputs at valid frames, kept every `stride` floats; frames that are masked
 * repeat here, and are what Keras makes of repeats there. */
static double outputs_apart(const nbase_array *kept, const nbase_array *valid, bool sequence,
                            size_t count, const float *ours)
{
    double worst = 0;
    size_t frames = valid->count, each = sequence ? count / frames : count / valid->shape[0];
    assert_int_equal(kept->count, (count + stride_of(count) - 1) / stride_of(count));
    for (size_t k = 0; k < kept->count; k++) {
        size_t at = k * stride_of(count);
        if (!sequence || ((const uint8_t *)valid->data)[at / each])
            worst = fmax(worst, fabs(((const float *)kept->data)[k] - ours[at]));
    }
    return worst;
}

typedef struct layer_errors {
    double output, state, loss, gradient, moving;
} layer_errors;

static void infer_layer(const convlstm_model *m, size_t index, convlstm__backend_choice backend,
                        const convlstm_batch *in, size_t count, bool sequence, layer_errors *e)
{
    convlstm_session_options options = {.num_threads = 2};
    convlstm_session *s;
    float *out = malloc(count * sizeof *out);
    nbase_archive *states = NULL;
    assert_int_equal(convlstm__session_create(m, &options, backend, &s, NULL), NBASE_OK);
    if (convlstm_run(s, in, out, &states, NULL)) fail_msg("%s", convlstm_session_error(s));
    e->output = outputs_apart(find(group, index, "outputs"), find(group, index, "valid"), sequence,
                              count, out);
    for (size_t i = 0; i < nbase_archive_count(states); i++) {
        const nbase_array *a = nbase_archive_at(states, i);
        char what[NBASE_MAX_NAME + 16];
        snprintf(what, sizeof what, "last/%s", a->name);
        e->state = fmax(e->state, difference(find(group, index, what), a->data, a->count));
    }
    nbase_archive_free(states);
    convlstm_session_free(s);
    free(out);
}

static void train_layer(convlstm_model *m, size_t index, convlstm__backend_choice backend,
                        const convlstm_batch *in, size_t count, layer_errors *e)
{
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_SGD);
    options.loss = CONVLSTM_LOSS_MSE;
    options.num_threads = 2;
    options.exact_gates = 1;
    convlstm_trainer *t = NULL;
    convlstm_step_result result;
    nbase_archive *masks = given(index, false);
    float *targets = uniform(count, 7000 + index);
    assert_int_equal(convlstm__trainer_create(m, &options, backend, &t, NULL), NBASE_OK);
    t->dropout_masks = masks;
    if (convlstm_trainer_step_batch(t, in, targets, NULL, &result))
        fail_msg("%s", convlstm_trainer_error(t));
    double loss = *(const double *)find(group, index, "loss")->data;
    e->loss = fabs(result.loss - loss) / loss;
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        char what[NBASE_MAX_NAME + 16];
        snprintf(what, sizeof what, "moving/%s", a->name);
        const nbase_array *moving = find(group, index, what);
        for (size_t k = 0; moving && k < a->count; k++)
            e->moving = fmax(e->moving,
                             fabs(((const float *)moving->data)[k] - ((const float *)a->data)[k]));
        snprintf(what, sizeof what, "largest/%s", a->name);
        const nbase_array *largest = find(group, index, what);
        if (!largest) continue;
        snprintf(what, sizeof what, "gradient/%s", a->name);
        double d =
            difference(find(group, index, what), convlstm_trainer_gradient(t, a->name), a->count);
        /* else: a bias before BatchNormalization */
        if (*(const float *)largest->data > 1e-6f)
            e->gradient = fmax(e->gradient, d / *(const float *)largest->data);
    }
    convlstm_trainer_free(t);
    nbase_archive_free(masks);
    free(targets);
}

static void layers(void **state)
{
    (void)state;
    char *name;
    bool skip;
    convlstm_model *m;
    for (size_t i = 0; (m = next_case(group, i, &name, &skip));
         i++, convlstm_model_free(m), free(name)) {
        if (skip) continue;
        const nbase_array *mask = find(group, i, "mask");
        convlstm_model_info info;
        convlstm_model_get_info(m, &info);
        size_t shape[4] = {1, 1, 1, 1}, count = mask->shape[0];
        assert_int_equal(
            convlstm_model_output_shape(m, mask->shape[1], info.height, info.width, shape, NULL),
            NBASE_OK);
        for (int d = 0; d < info.output_dims; d++) count *= shape[d];
        float *img = uniform(mask->count * info.height * info.width * info.channels, 5000 + i);
        nbase_archive *states = given(i, true);
        const convlstm_batch in = {img,         mask->data, mask->shape[0], mask->shape[1],
                                   info.height, info.width, states};
        for (int backend = 0; backend < 2; backend++) {
            layer_errors e = {0};
            convlstm_model *fresh;
            assert_int_equal(convlstm_model_clone(m, &fresh), NBASE_OK);
            infer_layer(m, i, backend ? convlstm__backend_default() : general, &in, count,
                        info.output_dims % 2 == 0, &e);
            train_layer(fresh, i, backend ? convlstm__backend_default() : general, &in, count, &e);
            printf("%-50s %-8s outputs %.1e, states %.1e, loss %.1e, gradients %.1e, moving %.1e\n",
                   name, backend ? nbase_isa_name(nbase_isa_active()) : "general", e.output,
                   e.state, e.loss, e.gradient, e.moving);
            assert_true(e.output < 1e-5 && e.state < 1e-5 && e.moving < 1e-5);
            assert_true(e.loss < 1e-5 && e.gradient < 1e-4);
            convlstm_model_free(fresh);
        }
        nbase_archive_free(states);
        free(img);
    }
}

/* The same for the cases of keras_frames.py. */
static void frames(void **state)
{
    group = "frame";
    layers(state);
}

/* And of keras_time.py. */
static void times(void **state)
{
    group = "time";
    layers(state);
}

/* Adds the arrays of a file to the goldens. */
static bool read_goldens(const char *path)
{
    nbase_error err = {NBASE_OK, ""};
    nbase_archive *more;
    if (nbase_archive_read(NULL, path, &more, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < nbase_archive_count(more) && ok; i++) {
        const nbase_array *a = nbase_archive_at(more, i);
        ok = !nbase_archive_add(goldens, a->name, a->dtype, a->ndim, a->shape, a->data, NULL);
    }
    nbase_archive_free(more);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc > 1) wanted = argv[1];
    if (nbase_archive_create(NULL, &goldens) ||
        !read_goldens(SKIN_ROOT "/tests/goldens/keras.npz") ||
        !read_goldens(SKIN_ROOT "/tests/goldens/keras_frames.npz") ||
        !read_goldens(SKIN_ROOT "/tests/goldens/keras_time.npz"))
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(predict), cmocka_unit_test(train),
                                       cmocka_unit_test(layers), cmocka_unit_test(frames),
                                       cmocka_unit_test(times)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nbase_archive_free(goldens);
    return failed;
}
