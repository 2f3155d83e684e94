/* Trainers: creation, and what a host reads and sets. Their work is in step.c. */
#include "trainer.h"

#include <math.h>
#include <string.h>

#include "layers/conv_lstm2d_node.h"
#include "loss.h"

/* ---- creation ---- */

static nbase_status check_options(const convlstm_trainer_options *o, nbase_error *err)
{
    if (o->loss < CONVLSTM_LOSS_BCE || o->loss > CONVLSTM_LOSS_SSIM)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: unknown loss %d", (int)o->loss);
    if (o->optimizer < CONVLSTM_SGD || o->optimizer > CONVLSTM_NADAM)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: unknown optimizer %d", (int)o->optimizer);
    const struct {
        const char *name;
        double value, min, max;
    } ranges[] = {{"learning_rate", o->learning_rate, 0, 1e6},
                  {"momentum", o->momentum, 0, 1},
                  {"beta1", o->beta1, 0, 0.999999999},
                  {"beta2", o->beta2, 0, 0.999999999},
                  {"epsilon", o->epsilon, 0, 1},
                  {"weight_decay", o->weight_decay, 0, 1e3},
                  {"rho", o->rho, 0, 0.999999999},
                  {"initial_accumulator", o->initial_accumulator, 0, 1e30},
                  {"clip_value", o->clip_value, 0, 1e30},
                  {"huber_delta", o->huber_delta, 0, 1e30},
                  {"focal_gamma", o->focal_gamma, 0, 100},
                  {"focal_alpha", o->focal_alpha, 0, 1},
                  {"clip_norm", o->clip_norm, 0, 1e30},
                  {"label_smoothing", o->label_smoothing, 0, 1},
                  {"class_weight[0]", o->class_weight[0], 0, 1e9},
                  {"class_weight[1]", o->class_weight[1], 0, 1e9}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].min && ranges[i].value <= ranges[i].max))
            return nbase__fail(err, NBASE_ERR_ARG, "trainer: %s: expected %g to %g, got %g",
                               ranges[i].name, ranges[i].min, ranges[i].max, ranges[i].value);
    if (!(o->class_weight[0] + o->class_weight[1] > 0))
        return nbase__fail(err, NBASE_ERR_ARG,
                           "trainer: class weights are all zero (set them to 1)");
    return NBASE_OK;
}

static nbase_status check_rates(const convlstm_trainer_options *o, nbase_error *err)
{
    if (o->rate_count && !o->rates)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: rates: a null argument");
    for (size_t i = 0; i < o->rate_count; i++) {
        const convlstm_rate *rate = &o->rates[i];
        if (!rate->name) return nbase__fail(err, NBASE_ERR_ARG, "trainer: rates: a null name");
        if (!(rate->factor >= 0 && rate->factor <= 1e6))
            return nbase__fail(err, NBASE_ERR_ARG, "trainer: rates: %s: expected 0 to 1e6, got %g",
                               rate->name, rate->factor);
    }
    return NBASE_OK;
}

static nbase_status check_group(const convlstm_group *group, nbase_error *err)
{
    if (!group) return NBASE_OK;
    if (!group->size || group->rank >= group->size)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: group: no rank %zu among %zu", group->rank,
                           group->size);
    if (!group->broadcast || !group->gather || !group->sum)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: group: a null function");
    return NBASE_OK;
}

static nbase_status check_bf16(const convlstm_model *m, const convlstm_trainer_options *o,
                               nbase_isa isa, nbase_error *err)
{
    const convlstm__cell_desc usual = {.height = 1,
                                       .width = 1,
                                       .channels = 1,
                                       .filters = 1,
                                       .kernel_h = 3,
                                       .kernel_w = 3,
                                       .stride_h = 1,
                                       .stride_w = 1,
                                       .dilation_h = 1,
                                       .dilation_w = 1,
                                       .activation = CONVLSTM__TANH,
                                       .recurrent_activation = CONVLSTM__SIGMOID};
    if (!convlstm__cell_trains_bf16(&usual, isa))
        return nbase__fail(
            err, NBASE_ERR_UNSUPPORTED,
            "trainer: bf16: this processor (%s) has no products of bfloat16 that are "
            "faster than fp32 (they take AVX512_BF16 on an AMD processor): train "
            "without bf16",
            nbase_isa_name(isa));
    if (o->recompute_gates)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "trainer: recompute_gates: not with bf16: train without one of the two");
    size_t found = 0;
    for (size_t i = 0; i < m->layer_count; i++) {
        if (m->layers[i]->class != &convlstm__conv_lstm2d_class) continue;
        found++;
        if (!convlstm__conv_lstm2d_trains_bf16(m->layers[i], isa))
            return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                               "trainer: bf16: layer %s: expected a kernel of 3x3, stride and "
                               "dilation 1, padding same, tanh or relu, no peepholes and no "
                               "dropout inside the cell: train without bf16",
                               m->layers[i]->name);
    }
    if (!found)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "trainer: bf16: the network has no conv_lstm2d layer, and only those "
                           "have products of bfloat16: train without bf16");
    return NBASE_OK;
}

/* The activation at the end of an output's layer, which a loss on logits may set; null: none. */
static int *end_of(const convlstm_model *m, size_t k)
{
    convlstm__layer *l = m->layers[m->outputs[k]];
    return l->class->activation_offset ? (int *)((char *)l + l->class->activation_offset) : NULL;
}

static nbase_status check_end(const convlstm_model *m, size_t k, nbase_error *err)
{
    const int *activation = end_of(m, k);
    if (activation && (*activation == CONVLSTM__LINEAR || *activation == CONVLSTM__SIGMOID ||
                       *activation == CONVLSTM__SOFTMAX))
        return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                       "trainer: for this loss the network must end in dense, conv2d, conv3d "
                       "or activation with sigmoid, softmax or linear, got %s; "
                       "mse, mae and huber take any network",
                       m->layers[m->outputs[k]]->class->type);
}

/* Gives the model the output activations that go with the losses. */
static nbase_status set_outputs(convlstm_trainer *t, nbase_error *err)
{
    convlstm_model *m = t->model;
    int before[CONVLSTM__OUTPUTS] = {0};
    bool changed = false;
    nbase_status status = NBASE_OK;
    for (size_t k = 0; k < m->output_count && !status; k++)
        if (convlstm__loss_on_logits(t->of_output[k].loss)) status = check_end(m, k, err);
    for (size_t k = 0; k < m->output_count && !status; k++) {
        if (!convlstm__loss_on_logits(t->of_output[k].loss)) continue;
        int wanted = (int)convlstm__loss_activation(t->of_output[k].loss);
        before[k] = *end_of(m, k);
        changed = changed || before[k] != wanted;
        *end_of(m, k) = wanted;
        t->backend.logits |= 1u << k;
    }
    if (status || !changed || !convlstm__describe_again(m)) return status;
    for (size_t k = 0; k < m->output_count; k++)
        if (t->backend.logits >> k & 1) *end_of(m, k) = before[k];
    return nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory");
}

/* The losses of the outputs and what they count. */
static nbase_status take_losses(convlstm_trainer *t, const convlstm_trainer_options *o,
                                nbase_error *err)
{
    const convlstm_model *m = t->model;
    if (o->loss_count && !o->losses)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: losses: a null argument");
    for (size_t k = 0; k < m->output_count; k++) {
        t->of_output[k] = t->optimizer.options;
        t->weights[k] = 1;
    }
    for (size_t i = 0; i < o->loss_count; i++) {
        const convlstm_output_loss *one = &o->losses[i];
        size_t k = 0;
        while (k < m->output_count && one->name &&
               strcmp(one->name, m->layers[m->outputs[k]]->name))
            k++;
        if (!one->name || k == m->output_count)
            return nbase__fail(err, NBASE_ERR_ARG,
                               "trainer: losses: the network has no output '%s'",
                               one->name ? one->name : "");
        if (one->loss < CONVLSTM_LOSS_BCE || one->loss > CONVLSTM_LOSS_SSIM ||
            !(one->weight >= 0 && one->weight <= 1e9))
            return nbase__fail(err, NBASE_ERR_ARG,
                               "trainer: losses: %s: a loss that is not known (%d), or a weight "
                               "that is not in 0 to 1e9 (%g)",
                               one->name, (int)one->loss, one->weight);
        t->of_output[k].loss = one->loss;
        t->weights[k] = one->weight;
    }
    return NBASE_OK;
}

nbase_status convlstm__trainer_create(convlstm_model *m, const convlstm_trainer_options *options,
                                      convlstm__backend_choice backend, convlstm_trainer **out,
                                      nbase_error *err)
{
    if (!m || !options || !out)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_trainer_create: a null argument");
    *out = NULL;
#ifdef NBASE_NO_TRAINING
    return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                       "trainer: this build has no training: build it without TRAIN=0");
#endif
    nbase_status status = check_options(options, err);
    if (!status) status = check_rates(options, err);
    if (!status) status = check_group(options->group, err);
    if (!status && backend.bf16) status = check_bf16(m, options, backend.isa, err);
    if (status) return status;
    convlstm_trainer *t = nbase__calloc(&m->env, 1, sizeof *t);
    if (!t) return nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory");
    t->env = m->env;
    t->model = m;
    t->backend = backend;
    t->backend.train = &convlstm__cell_training_all;
    t->threads = nbase__thread_count(options->num_threads);
    if (convlstm__shares_init(&t->shares, &t->env, options->group))
        status = nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory for the group");
    if (!status) status = convlstm__optimizer_init(&t->optimizer, m, options, err);
    if (!status) status = take_losses(t, options, err);
    if (!status) status = set_outputs(t, err);
    if (status) {
        convlstm_trainer_free(t);
        return status;
    }
    *out = t;
    return NBASE_OK;
}

nbase_status convlstm_trainer_create(convlstm_model *m, const convlstm_trainer_options *options,
                                     convlstm_trainer **out, nbase_error *err)
{
    convlstm__backend_choice backend = convlstm__backend_default();
    backend.compact_gates = options && !options->exact_gates;
    backend.bf16 = options && options->bf16;
    backend.gates_again = options && options->recompute_gates;
    return convlstm__trainer_create(m, options, backend, out, err);
}

void convlstm_trainer_free(convlstm_trainer *t)
{
    if (!t) return;
    convlstm__net_free(t->net);
    convlstm__shares_free(&t->shares);
    convlstm__optimizer_free(&t->optimizer);
    convlstm__release(&t->env, &t->samples.memory);
    convlstm__release(&t->env, &t->output_gradient);
    convlstm__release(&t->env, &t->losses);
    convlstm__release(&t->env, &t->ssim);
    convlstm__release(&t->env, &t->all_losses);
    convlstm__release(&t->env, &t->evaluated);
    convlstm_session_free(t->evaluator);
    convlstm_trainer_reset(t);
    nbase_env env = t->env;
    nbase__free(&env, t);
}

const char *convlstm_trainer_error(const convlstm_trainer *t) { return t ? t->error.text : ""; }

void convlstm_trainer_reset(convlstm_trainer *t)
{
    if (!t) return;
    nbase_archive_free(t->states);
    nbase_archive_free(t->states_after);
    t->states = t->states_after = NULL;
    t->states_whole = false;
}

/* ---- what a host reads and sets ---- */

const float *convlstm_trainer_gradient(const convlstm_trainer *t, const char *name)
{
    const convlstm__tensor *tensor = t && name ? convlstm__model_tensor(t->model, name) : NULL;
    return tensor ? t->optimizer.gradients[tensor - t->model->tensors] : NULL;
}

void convlstm_trainer_set_learning_rate(convlstm_trainer *t, double learning_rate)
{
    if (t) t->optimizer.options.learning_rate = learning_rate;
}

double convlstm_trainer_learning_rate(const convlstm_trainer *t)
{
    return t ? t->optimizer.options.learning_rate : 0;
}

double convlstm_trainer_output_loss(const convlstm_trainer *t, size_t k)
{
    return t && k < t->model->output_count ? t->output_loss[k] : NAN;
}

uint64_t convlstm_trainer_steps(const convlstm_trainer *t) { return t ? t->optimizer.steps : 0; }
