/* Networks of several outputs: what they give at inference, in streams and in training, beside a
 * reference in double precision and networks with one of the outputs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "convlstm_help.h"
#include "grad_check.h"
#include "model/session.h"

#define LSTM " conv_lstm2d padding=same recurrent_activation=sigmoid kernel_size=3"
#define ALL " return_sequences=true"

#define B 3
#define T 6
#define H 7
#define W 6
#define C 2
static const uint8_t masks[B][T] = {{1, 1, 1, 1, 1, 1}, {0, 1, 0, 0, 1, 1}, {0, 0, 1, 0, 0, 0}};

static char *json_of(const char *layers)
{
    return grad_network("\"height\":7,\"width\":6,\"channels\":2", layers);
}

static convlstm_session *session_of(const convlstm_model *m, bool unfused, int threads)
{
    convlstm__backend_choice choice = convlstm__backend_default();
    choice.unfused = unfused;
    convlstm_session *s = NULL;
    assert_int_equal(convlstm__session_create(
                         m, &(convlstm_session_options){.num_threads = threads}, choice, &s, NULL),
                     NBASE_OK);
    return s;
}

/* Layers, and the outputs as JSON has them: sequences, frames and vectors, before and behind masks,
 * in pairs, as maps, and what others take. */
static const struct {
    const char *layers;
    const char *outputs[5];
    bool streams;
} several[] = {
    {LSTM ALL " filters=3 name=a;" LSTM ALL " filters=2 name=b;" LSTM
              " filters=2 name=c; flatten; dense units=3 name=d activation=sigmoid",
     {"d", "a", "c", "b"},
     true},
    {LSTM ALL " filters=3 name=a; batch_normalization name=n;" LSTM ALL
              " filters=3 name=b; conv2d filters=1 kernel_size=1 name=f inputs=[\"a\"]",
     {"n", "f", "b"},
     true},
    {LSTM ALL " filters=3 name=a; global_average_pool name=g; dense units=2 name=d; "
              "global_max_pool each_frame=true name=m inputs=[\"a\"]",
     {"m", "g", "d"},
     true},
    {LSTM ALL " filters=3 name=a; mask name=k;" LSTM ALL
              " filters=2 name=b; conv3d filters=2 kernel_size=3 padding=same name=w",
     {"a", "w", "k", "b"},
     false},
    {LSTM ALL " filters=2 go_backwards=true name=a; reverse name=r;" LSTM
              " filters=3 name=b; activation activation=linear name=c inputs=[\"a:c\"]",
     {"r", "a", "c", "b"},
     false},
};
enum { SEVERAL = sizeof several / sizeof *several };

/* A network with its first outputs. */
static convlstm_model *model_with(size_t i, size_t count)
{
    char *json = json_of(several[i].layers), *end = json + strlen(json) - 1;
    char all[1200];
    size_t used = (size_t)snprintf(all, sizeof all, "%.*s", (int)(end - json), json);
    for (size_t k = 0; k < count; k++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s\"%s\"",
                                 k ? "," : ",\"outputs\":[", several[i].outputs[k]);
    snprintf(all + used, sizeof all - used, "]}");
    free(json);
    return help_model(NULL, all, 5);
}

static size_t count_outputs(size_t i)
{
    size_t count = 0;
    while (count < 5 && several[i].outputs[count]) count++;
    return count;
}

/* All outputs are those of the reference, for any number of threads, fused or not. */
static void outputs(void **state)
{
    (void)state;
    float *img = help_uniform(B * T * H * W * C, 1);
    const convlstm_batch in = {img, masks[0], B, T, H, W, NULL};
    for (size_t i = 0; i < SEVERAL; i++) {
        size_t count = count_outputs(i), floats = 0;
        convlstm_model *m = model_with(i, count);
        convlstm_output o[5];
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(convlstm_model_output(m, k, T, H, W, &o[k], NULL), NBASE_OK);
            assert_string_equal(o[k].name, several[i].outputs[k]);
            assert_int_equal(o[k].before, floats);
            floats += o[k].floats;
        }
        float *plain = calloc(B * floats, sizeof *plain), *out = calloc(B * floats, sizeof *out);
        for (int run = 0; run < 5; run++) {
            convlstm_session *s = session_of(m, run == 0, run ? run : 1);
            assert_int_equal(convlstm_run(s, &in, run ? out : plain, NULL, NULL), NBASE_OK);
            for (size_t n = 0; run && n < B * floats; n++) /* folded maps round once more */
                if (!(fabsf(out[n] - plain[n]) <= 2e-6f)) fail_msg("network %zu, value %zu", i, n);
            convlstm_session_free(s);
        }
        ref_net *r = ref_create(m);
        ref_batch batch = {img, masks[0], NULL, B, T, H, W, NULL, NULL};
        for (size_t k = 0; k < count; k++) {
            double *expected = calloc(B * o[k].floats, sizeof *expected);
            ref_predict_layer(r, &batch, o[k].name, expected);
            bool frames = o[k].dims % 2 == 0;
            size_t each = o[k].floats / (frames ? T : 1);
            for (size_t n = 0; n < B * o[k].floats; n++) {
                size_t item = n / o[k].floats, t = n % o[k].floats / each;
                bool every = strstr(several[i].layers, "mask") && o[k].name[0] == 'a';
                bool back = strstr(several[i].layers, "backwards") && o[k].name[0] == 'a';
                float got = out[B * o[k].before + n];
                if (frames && !every && !masks[item][back ? T - 1 - t : t]) {
                    if (got != (t ? out[B * o[k].before + n - each] : 0))
                        fail_msg("network %zu, %s: a masked frame", i, o[k].name);
                } else if (!(fabs(got - expected[n]) <= 4e-6)) {
                    fail_msg("network %zu, %s: %g, not %g", i, o[k].name, (double)got, expected[n]);
                }
            }
            free(expected);
        }
        ref_free(r);
        free(plain);
        free(out);
        convlstm_model_free(m);
    }
    free(img);
}

/* A stream gives the latest of each output. */
static void outputs_streamed(void **state)
{
    (void)state;
    float *img = help_uniform(T * H * W * C, 4);
    for (size_t i = 0; i < SEVERAL; i++) {
        size_t count = count_outputs(i), floats = 0;
        convlstm_model *m = model_with(i, count);
        convlstm_session *s = session_of(m, false, 3), *whole = session_of(m, false, 1);
        assert_int_equal(convlstm_stream_begin(s, H, W),
                         several[i].streams ? NBASE_OK : NBASE_ERR_UNSUPPORTED);
        for (size_t t = 0; several[i].streams && t < T; t++) {
            convlstm_output o[5];
            const convlstm_batch in = {img, NULL, 1, t + 1, H, W, NULL};
            for (size_t k = floats = 0; k < count; k++, floats += o[k - 1].floats)
                assert_int_equal(convlstm_model_output(m, k, t + 1, H, W, &o[k], NULL), NBASE_OK);
            float *out = calloc(floats, sizeof *out), *latest = calloc(floats, sizeof *latest),
                  *at = latest;
            assert_int_equal(convlstm_run(whole, &in, out, NULL, NULL), NBASE_OK);
            assert_int_equal(convlstm_stream_step(s, img + t * H * W * C, 1, latest), NBASE_OK);
            for (size_t k = 0; k < count; k++) {
                size_t each = o[k].floats / (o[k].dims % 2 ? 1 : t + 1);
                assert_memory_equal(at, out + o[k].before + o[k].floats - each, each * sizeof *at);
                at += each;
            }
            free(out);
            free(latest);
        }
        convlstm_session_free(s);
        convlstm_session_free(whole);
        convlstm_model_free(m);
    }
    free(img);
}

/* Marks a layer of a description and all that it takes, by their places. */
static void mark_needed(json_t *layers, size_t index, bool *needed)
{
    if (needed[index]) return;
    needed[index] = true;
    json_t *inputs = json_object_get(json_array_get(layers, index), "inputs"), *name;
    size_t i;
    if (!inputs && index) mark_needed(layers, index - 1, needed);
    json_array_foreach(inputs, i, name)
    {
        const char *text = json_string_value(name);
        for (size_t k = 0; k < index; k++) {
            const char *own = json_string_value(json_object_get(json_array_get(layers, k), "name"));
            if (strlen(own) == strcspn(text, ":") && !strncmp(own, text, strlen(own)))
                mark_needed(layers, k, needed);
        }
    }
}

/* The network with one output alone: the layers that it needs, and the weights of `whole`. */
static convlstm_model *model_of_output(const convlstm_model *whole, const char *name)
{
    json_t *root = json_loads(convlstm_model_json(whole), 0, NULL),
           *layers = json_object_get(root, "layers"), *layer, *kept = json_array();
    bool needed[20] = {false};
    size_t i;
    json_array_foreach(layers, i, layer)
    {
        if (!strcmp(json_string_value(json_object_get(layer, "name")), name))
            mark_needed(layers, i, needed);
        /* by name, as the layer before may go */
        if (i && !json_object_get(layer, "inputs"))
            json_object_set_new(
                layer, "inputs",
                json_pack("[O]", json_object_get(json_array_get(layers, i - 1), "name")));
    }
    json_array_foreach(layers, i, layer) if (needed[i]) json_array_append(kept, layer);
    json_object_set_new(root, "layers", kept);
    json_object_del(root, "outputs");
    char *json = json_dumps(root, JSON_COMPACT);
    convlstm_model *m = help_model(NULL, json, 1);
    for (i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *a = convlstm_model_tensor(m, i),
                          *from = convlstm_model_find(whole, a->name);
        convlstm_model_set(m, a->name, from->data, from->count);
    }
    json_decref(root);
    free(json);
    return m;
}

static convlstm_trainer *trainer_with(convlstm_model *m, const convlstm_output_loss *losses,
                                      size_t count, int threads, size_t micro_batch)
{
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_SGD);
    o.loss = CONVLSTM_LOSS_MSE;
    o.losses = losses;
    o.loss_count = count;
    o.num_threads = threads;
    o.micro_batch = micro_batch;
    o.exact_gates = 1;
    convlstm_trainer *t = NULL;
    nbase_error err;
    if (convlstm_trainer_create(m, &o, &t, &err)) fail_msg("%s", err.text);
    return t;
}

/* A network of several outputs whose loss and gradients were computed. */
typedef struct trained {
    size_t network; /* of `several` */
    convlstm_model *m;
    size_t count, floats; /* of outputs; of all of them, per item */
    convlstm_output o[5];
    convlstm_output_loss losses[5];
    convlstm_batch in;
    float *img, *targets, *out;
    convlstm_trainer *t;
    convlstm_step_result all;
} trained;

static void train(trained *r, size_t network)
{
    static const double weights[] = {1, 0.5, 3, 0.25};
    *r = (trained){.network = network, .count = count_outputs(network)};
    r->m = model_with(network, r->count);
    for (size_t k = 0; k < r->count; r->floats += r->o[k++].floats) {
        convlstm_output *o = &r->o[k];
        assert_int_equal(convlstm_model_output(r->m, k, T, H, W, o, NULL), NBASE_OK);
        bool logits = o->name[0] == 'd' && o->dims == 1;
        r->losses[k] = (convlstm_output_loss){
            o->name, logits ? CONVLSTM_LOSS_BCE : CONVLSTM_LOSS_MSE, weights[k % 4]};
    }
    r->img = help_uniform(B * T * H * W * C, 1);
    r->targets = help_uniform(B * r->floats, 2);
    r->out = calloc(B * r->floats, sizeof *r->out);
    r->in = (convlstm_batch){r->img, masks[0], B, T, H, W, NULL};
    r->t = trainer_with(r->m, r->losses, r->count, 1, 0);
    assert_int_equal(convlstm_trainer_gradients_batch(r->t, &r->in, r->targets, r->out, &r->all),
                     NBASE_OK);
}

static void end(trained *r)
{
    convlstm_trainer_free(r->t);
    convlstm_model_free(r->m);
    free(r->img);
    free(r->targets);
    free(r->out);
}

/* More threads, and parts where the network allows them: the same bits, of the loss but for the
 * order in which parts are added. */
static void assert_same_with(const trained *r, int threads)
{
    bool parts = !strstr(several[r->network].layers, "batch_norm");
    convlstm_trainer *u =
        trainer_with(r->m, r->losses, r->count, threads, parts ? (size_t)threads - 1 : 0);
    float *again = calloc(B * r->floats, sizeof *again);
    convlstm_step_result other;
    assert_int_equal(convlstm_trainer_gradients_batch(u, &r->in, r->targets, again, &other),
                     NBASE_OK);
    assert_true(fabs(other.loss - r->all.loss) <= 1e-12 * r->all.loss);
    assert_memory_equal(r->out, again, B * r->floats * sizeof *again);
    for (size_t a = 0; a < convlstm_model_tensor_count(r->m); a++) {
        const nbase_array *w = convlstm_model_tensor(r->m, a);
        const float *g = convlstm_trainer_gradient(r->t, w->name);
        if (g) assert_memory_equal(g, convlstm_trainer_gradient(u, w->name), w->count * sizeof *g);
    }
    convlstm_trainer_free(u);
    free(again);
}

/* Whether two losses are the same but for the order of a sum. */
static void assert_loss(const trained *r, const char *name, double loss, double wanted)
{
    if (!(fabs(loss - wanted) <= 1e-6 * fabs(wanted)))
        fail_msg("network %zu, %s: loss %.9g, not %.9g", r->network, name, loss, wanted);
}

/* Trains the network with output k alone, which must give the same output, and adds its gradients
 * times what it counts to `sums`, one for each tensor of the whole. `before`: floats of all items
 * in the outputs before. Returns its loss, times that. */
static double add_alone(const trained *r, size_t k, size_t before, double *sums[])
{
    const convlstm_output *o = &r->o[k];
    double weight = r->losses[k].weight;
    convlstm_model *one = model_of_output(r->m, o->name);
    convlstm_output_loss alone = {o->name, r->losses[k].loss, 1};
    convlstm_trainer *u = trainer_with(one, &alone, 1, 2, 0);
    /* before the mask layer, which this network lacks, every frame is taken */
    bool every = strstr(several[r->network].layers, "mask") && o->name[0] == 'a';
    uint8_t ones[B * T];
    memset(ones, 1, sizeof ones);
    convlstm_batch in = r->in;
    if (every) in.mask = ones;
    float *out = calloc(B * o->floats, sizeof *out);
    convlstm_step_result other;
    if (convlstm_trainer_gradients_batch(u, &in, r->targets + before, out, &other))
        fail_msg("%s", convlstm_trainer_error(u));
    assert_loss(r, o->name, convlstm_trainer_output_loss(r->t, k), other.loss);
    for (size_t n = 0; n < B * o->floats; n++)
        if (!(fabsf(r->out[before + n] - out[n]) <= 1e-6f))
            fail_msg("network %zu, %s: output %g, not %g", r->network, o->name,
                     (double)r->out[before + n], (double)out[n]);
    for (size_t a = 0; a < convlstm_model_tensor_count(r->m); a++) {
        const nbase_array *w = convlstm_model_tensor(r->m, a);
        const float *g = convlstm_trainer_gradient(u, w->name);
        for (size_t n = 0; g && n < w->count; n++) sums[a][n] += weight * g[n];
    }
    convlstm_trainer_free(u);
    convlstm_model_free(one);
    free(out);
    return weight * other.loss;
}

static void assert_gradient(const trained *r, const nbase_array *w, const double *sum)
{
    const float *g = convlstm_trainer_gradient(r->t, w->name);
    double largest = 1e-6;
    for (size_t n = 0; g && n < w->count; n++) largest = fmax(largest, fabs(sum[n]));
    for (size_t n = 0; g && n < w->count; n++)
        if (!(fabs(g[n] - sum[n]) <= 1e-5 * largest))
            fail_msg("network %zu, %s: gradient %g, not %g", r->network, w->name, (double)g[n],
                     sum[n]);
}

/* The loss and the gradients of several outputs are the sums of those of networks with one output
 * each, times what they count; for any number of threads and parts the same bits. */
static void outputs_trained(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEVERAL; i++) {
        trained r;
        double *sums[40], loss = 0;
        size_t before = 0;
        train(&r, i);
        for (int threads = 2; threads < 4; threads++) assert_same_with(&r, threads);
        size_t tensors = convlstm_model_tensor_count(r.m);
        assert_true(tensors <= 40);
        for (size_t a = 0; a < tensors; a++)
            sums[a] = calloc(convlstm_model_tensor(r.m, a)->count, sizeof(double));
        for (size_t k = 0; k < r.count; before += B * r.o[k++].floats)
            loss += add_alone(&r, k, before, sums);
        if (!(fabs(r.all.loss - loss) <= 1e-6 * loss))
            fail_msg("network %zu: loss %.9g, not %.9g", i, r.all.loss, loss);
        for (size_t a = 0; a < tensors; a++) {
            assert_gradient(&r, convlstm_model_tensor(r.m, a), sums[a]);
            free(sums[a]);
        }
        end(&r);
    }
}

/* The loss of output k in an evaluation of the network that has it alone. */
static double evaluate_alone(const trained *r, size_t k, size_t before)
{
    convlstm_model *one = model_of_output(r->m, r->o[k].name);
    convlstm_output_loss alone = r->losses[k];
    convlstm_trainer *u = trainer_with(one, &alone, 1, 2, 0);
    bool every = strstr(several[r->network].layers, "mask") && r->o[k].name[0] == 'a';
    uint8_t ones[B * T];
    memset(ones, 1, sizeof ones);
    convlstm_batch in = r->in;
    if (every) in.mask = ones;
    convlstm_step_result other;
    assert_int_equal(convlstm_trainer_evaluate(u, &in, r->targets + before, NULL, &other),
                     NBASE_OK);
    assert_loss(r, "alone", other.loss, alone.weight * convlstm_trainer_output_loss(u, 0));
    convlstm_trainer_free(u);
    convlstm_model_free(one);
    return other.loss;
}

/* Evaluating is likewise the sum of evaluations of one output each, times what they count; an
 * output that counts nothing has no loss. */
static void outputs_evaluated(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEVERAL; i++) {
        trained r;
        double sum = 0;
        size_t before = 0;
        train(&r, i);
        convlstm_step_result all, less;
        assert_int_equal(convlstm_trainer_evaluate(r.t, &r.in, r.targets, r.out, &all), NBASE_OK);
        for (size_t k = 0; k < r.count; before += B * r.o[k++].floats) {
            double one = evaluate_alone(&r, k, before);
            assert_loss(&r, r.o[k].name, r.losses[k].weight * convlstm_trainer_output_loss(r.t, k),
                        one);
            sum += one;
        }
        assert_loss(&r, "all", all.loss, sum);
        double first = convlstm_trainer_output_loss(r.t, 0);
        r.losses[0].weight = 0;
        convlstm_trainer *u = trainer_with(r.m, r.losses, r.count, 2, 0);
        assert_int_equal(convlstm_trainer_evaluate(u, &r.in, r.targets, NULL, &less), NBASE_OK);
        assert_true(isnan(convlstm_trainer_output_loss(u, 0)));
        assert_loss(&r, "without the first", less.loss + first, all.loss);
        assert_true(isnan(convlstm_trainer_output_loss(u, r.count)));
        convlstm_trainer_free(u);
        end(&r);
    }
}

/* What a description of outputs may say, and who refuses several. */
static void outputs_described(void **state)
{
    (void)state;
    static const struct {
        const char *outputs, *words;
    } bad[] = {{"[]", "expected an array of 1 to 16 names"},
               {"[\"a\",\"a\"]", "names of different layers, got \"a\""},
               {"[\"a\",\"b:h\"]", "got \"b:h\""},
               {"[\"a\",\"input\"]", "got \"input\""},
               {"[\"a\"]", "layer b (conv_lstm2d): no layer takes its output"},
               {"[\"b\",\"a\"],\"labels\":[\"x\",\"y\"]", "labels are of one output"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[600], *layers = json_of(LSTM ALL " filters=2 name=a;" LSTM " filters=2 name=b");
        snprintf(json, sizeof json, "%.*s,\"outputs\":%s}", (int)strlen(layers) - 1, layers,
                 bad[i].outputs);
        convlstm_model *m;
        nbase_error err;
        if (!convlstm_model_create(NULL, json, 0, &m, &err)) fail_msg("taken: %s", json);
        if (!strstr(err.text, bad[i].words)) fail_msg("\"%s\", not \"%s\"", err.text, bad[i].words);
        free(layers);
    }
    convlstm_model *m = model_with(0, 4), *again;
    size_t shape[4];
    nbase_error err;
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    assert_int_equal(info.output_count, 4);
    assert_int_equal(info.output_dims, 0);
    assert_int_equal(convlstm_model_output_shape(m, T, H, W, shape, &err), NBASE_ERR_UNSUPPORTED);
    assert_int_equal(convlstm_model_create(NULL, convlstm_model_json(m), 0, &again, NULL),
                     NBASE_OK);
    assert_string_equal(convlstm_model_json(m), convlstm_model_json(again));
    convlstm_model_free(again);
    convlstm_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs), cmocka_unit_test(outputs_streamed),
        cmocka_unit_test(outputs_trained), cmocka_unit_test(outputs_evaluated),
        cmocka_unit_test(outputs_described)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
