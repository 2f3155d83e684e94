/* A training step: forward through the net node by node, loss, back, optimiser. */
#include "trainer.h"

#include <math.h>
#include <string.h>

#include "../layers/activation.h"
#include "../layers/dense.h"

/* ---- creation ---- */

static nbase_status check_options(const convlstm_trainer_options *o, nbase_error *err)
{
    if (o->loss < CONVLSTM_LOSS_BCE || o->loss > CONVLSTM_LOSS_COMPAT_TF22) return nbase__fail(err, NBASE_ERR_ARG, "trainer: unknown loss %d", (int)o->loss);
    if (o->optimizer < CONVLSTM_SGD || o->optimizer > CONVLSTM_ADAMW)
        return nbase__fail(err, NBASE_ERR_ARG, "trainer: unknown optimizer %d", (int)o->optimizer);
    const struct {
        const char *name;
        double value, min, max;
    } ranges[] = {{"learning_rate", o->learning_rate, 0, 1e6}, {"momentum", o->momentum, 0, 1},         {"beta1", o->beta1, 0, 0.999999999},
                  {"beta2", o->beta2, 0, 0.999999999},         {"epsilon", o->epsilon, 0, 1},           {"weight_decay", o->weight_decay, 0, 1e3},
                  {"clip_norm", o->clip_norm, 0, 1e30},        {"label_smoothing", o->label_smoothing, 0, 1},
                  {"class_weight[0]", o->class_weight[0], 0, 1e9}, {"class_weight[1]", o->class_weight[1], 0, 1e9}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].min && ranges[i].value <= ranges[i].max))
            return nbase__fail(err, NBASE_ERR_ARG, "trainer: %s: expected %g to %g, got %g", ranges[i].name, ranges[i].min, ranges[i].max, ranges[i].value);
    if (!(o->class_weight[0] + o->class_weight[1] > 0)) return nbase__fail(err, NBASE_ERR_ARG, "trainer: class weights are all zero (set them to 1)");
    return NBASE_OK;
}

/* Gives the model the output activation that goes with the loss. */
static nbase_status set_output(convlstm_model *m, convlstm_loss loss, nbase_error *err)
{
    convlstm__layer *last = m->layers[m->layer_count - 1];
    int *activation = last->class->activation_offset ? (int *)((char *)last + last->class->activation_offset) : NULL;
    if (m->output.rank != CONVLSTM__VECTOR || !activation ||
        (*activation != CONVLSTM__LINEAR && *activation != CONVLSTM__SIGMOID && *activation != CONVLSTM__SOFTMAX))
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "trainer: the network must end in dense or activation with sigmoid, softmax or linear");
    int before = *activation, wanted = (int)convlstm__loss_activation(loss);
    if (before == wanted) return NBASE_OK;
    *activation = wanted;
    if (!convlstm__describe_again(m)) return NBASE_OK;
    *activation = before;
    return nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory");
}

nbase_status convlstm__trainer_create(convlstm_model *m, const convlstm_trainer_options *options, convlstm__backend_choice backend,
                                      convlstm_trainer **out, nbase_error *err)
{
    if (!m || !options || !out) return nbase__fail(err, NBASE_ERR_ARG, "convlstm_trainer_create: a null argument");
    *out = NULL;
    nbase_status status = check_options(options, err);
    if (status) return status;
    convlstm_trainer *t = nbase__calloc(&m->env, 1, sizeof *t);
    if (!t) return nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory");
    t->env = m->env;
    t->model = m;
    t->backend = backend;
    t->threads = nbase__thread_count(options->num_threads);
    if (convlstm__optimizer_init(&t->optimizer, m, options)) status = nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory for the optimizer");
    if (!status) status = set_output(m, options->loss, err);
    if (status) {
        convlstm_trainer_free(t);
        return status;
    }
    *out = t;
    return NBASE_OK;
}

nbase_status convlstm_trainer_create(convlstm_model *m, const convlstm_trainer_options *options, convlstm_trainer **out, nbase_error *err)
{
    return convlstm__trainer_create(m, options, convlstm__backend_default(), out, err);
}

void convlstm_trainer_free(convlstm_trainer *t)
{
    if (!t) return;
    convlstm__net_free(t->net);
    convlstm__optimizer_free(&t->optimizer);
    convlstm__release(&t->env, &t->batch.memory);
    convlstm__release(&t->env, &t->logits_gradient);
    nbase_env env = t->env;
    nbase__free(&env, t);
}

const char *convlstm_trainer_error(const convlstm_trainer *t) { return t ? t->error.text : ""; }

/* ---- one batch ---- */

typedef struct phase_call {
    convlstm__node *node;
    const convlstm__run *run;
    const convlstm__phase *phase;
} phase_call;

static void call_task(void *ctx, size_t i, int thread)
{
    const phase_call *call = ctx;
    call->phase->body(call->node, call->run, i, thread);
}

static void run_phases(convlstm__node *node, const convlstm__run *run, const convlstm__phase phases[CONVLSTM__PHASES])
{
    for (int i = 0; i < CONVLSTM__PHASES && phases[i].body; i++) {
        phase_call call = {node, run, &phases[i]};
        size_t tasks = phases[i].tasks(node, run);
        if (phases[i].tasks == convlstm__once) call_task(&call, 0, 0); /* short: not worth waking the others */
        else if (tasks) nbase__parallel_for(run->threads, tasks, call_task, &call);
    }
}

/* The node whose output are the logits: before the output activation. */
static convlstm__node *logits_node(const convlstm__net *net)
{
    return convlstm__node_is_activation(net->last) && net->last->prev ? net->last->prev : net->last;
}

static double class_weight(const convlstm_trainer_options *o, const float *labels, size_t outputs)
{
    size_t class = 0;
    for (size_t k = 1; k < outputs; k++)
        if (labels[k] > labels[class]) class = k;
    return class < 2 ? o->class_weight[class] : 1;
}

/* Loss, its gradient to the logits, and probabilities if wanted. */
static double evaluate(convlstm_trainer *t, const convlstm__run *run, const float *labels, float *probs)
{
    const convlstm_trainer_options *o = &t->optimizer.options;
    size_t outputs = run->last->out.channels;
    double loss = 0;
    for (size_t s = 0; s < run->samples; s++) {
        const float *logits = run->last->ops->output(run->last, run, s, 0, 0), *label = labels + t->batch.item[s] * outputs;
        double weight = class_weight(o, label, outputs) / (double)run->samples;
        loss += convlstm__loss(o->loss, outputs, logits, label, o->label_smoothing, weight, (float *)t->logits_gradient.data + s * outputs);
        if (probs) convlstm__activate(convlstm__loss_activation(o->loss), outputs, logits, probs + t->batch.item[s] * outputs);
    }
    return loss;
}

static nbase_status check_batch(convlstm_trainer *t, const float *img, const float *labels, size_t batch, size_t frames, size_t height, size_t width)
{
    const convlstm_model *m = t->model;
    size_t floats;
    if (!img || !labels || !batch || !frames || !height || !width)
        return nbase__fail(&t->error, NBASE_ERR_ARG, "training step: a null or empty argument");
    if (!m->any_size && (height != m->height || width != m->width))
        return nbase__fail(&t->error, NBASE_ERR_SHAPE, "training step: images of %zux%zu expected, got %zux%zu", m->height, m->width, height, width);
    if (height > 65536 || width > 65536 || !nbase__mul(height * width, m->channels, &floats) || !nbase__mul(floats, frames, &floats) ||
        !nbase__mul(floats, batch, &floats) || !nbase__mul(floats, sizeof(float), &floats))
        return nbase__fail(&t->error, NBASE_ERR_LIMIT, "training step: a batch of %zux%zux%zux%zu is too large", batch, frames, height, width);
    for (size_t i = 0; i < batch * m->output.channels; i++)
        if (!(labels[i] >= 0.0f && labels[i] <= 1.0f))
            return nbase__fail(&t->error, NBASE_ERR_ARG, "training step: label %g of sample %zu is not in 0..1", labels[i], i / m->output.channels);
    return NBASE_OK;
}

/* The net for this image size and memory for this batch. */
static nbase_status make_ready(convlstm_trainer *t, convlstm__run *run, size_t height, size_t width)
{
    nbase_status status = NBASE_OK;
    if (!t->net || t->net->height != height || t->net->width != width) {
        convlstm__net *net;
        status = convlstm__net_create(t->model, t->backend, height, width, &net, &t->error);
        if (status) return status;
        convlstm__net_free(t->net);
        t->net = net;
    }
    run->last = logits_node(t->net);
    for (convlstm__node *n = t->net->first; n && !status; n = n == run->last ? NULL : n->next)
        if (n->ops->reserve) status = n->ops->reserve(n, run);
    if (!status) status = convlstm__reserve(&t->env, &t->logits_gradient, run->max_samples, t->model->output.channels * sizeof(float));
    if (status) return nbase__fail(&t->error, status, "training step: out of memory for a batch of %zu samples of %zu frames", run->max_samples, run->frames);
    run->logits_gradient = t->logits_gradient.data;
    return NBASE_OK;
}

static nbase_status gradients(convlstm_trainer *t, const float *img, const uint8_t *mask, const float *labels, size_t batch, size_t frames, size_t height,
                              size_t width, float *probs, convlstm__run *run, convlstm_step_result *result)
{
    t->error.text[0] = '\0';
    nbase_status status = check_batch(t, img, labels, batch, frames, height, width);
    if (status) return status;
    status = convlstm__batch_fill(&t->env, &t->batch, img, mask, batch, frames, height * width * t->model->channels);
    if (status) return nbase__fail(&t->error, status, "training step: out of memory");
    if (!t->batch.samples) return nbase__fail(&t->error, NBASE_ERR_NO_VALID_FRAMES, "training step: no sample of the batch has a valid frame");
    *run = (convlstm__run){.samples = t->batch.samples, .frames = frames, .steps = t->batch.steps, .images = t->batch.images,
                           .gradients = t->optimizer.gradients, .max_samples = batch, .max_frames = frames, .threads = t->threads};
    status = make_ready(t, run, height, width);
    if (status) return status;
    convlstm__net_prepare(t->net, true);
    for (convlstm__node *n = t->net->first; n; n = n == run->last ? NULL : n->next) run_phases(n, run, n->ops->forward);
    if (probs) memset(probs, 0, batch * t->model->output.channels * sizeof *probs);
    result->used = run->samples;
    result->loss = evaluate(t, run, labels, probs);
    for (convlstm__node *n = (convlstm__node *)run->last; n; n = n->prev) run_phases(n, run, n->ops->backward);
    result->grad_norm = convlstm__gradient_norm(&t->optimizer, t->threads);
    if (isfinite(result->loss) && isfinite(result->grad_norm)) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NUMERIC, "training step: the loss (%g) or the gradient's norm (%g) is not finite", result->loss, result->grad_norm);
}

nbase_status convlstm_trainer_gradients(convlstm_trainer *t, const float *img, const uint8_t *mask, const float *labels, size_t batch, size_t frames,
                                        size_t height, size_t width, float *probs, convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    convlstm__run run;
    convlstm_step_result r = {0};
    nbase_status status = gradients(t, img, mask, labels, batch, frames, height, width, probs, &run, &r);
    if (result) *result = r;
    return status;
}

nbase_status convlstm_trainer_step(convlstm_trainer *t, const float *img, const uint8_t *mask, const float *labels, size_t batch, size_t frames,
                                   size_t height, size_t width, float *probs, convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    convlstm__run run;
    convlstm_step_result r = {0};
    nbase_status status = gradients(t, img, mask, labels, batch, frames, height, width, probs, &run, &r);
    if (result) *result = r;
    if (status) return status;
    convlstm__optimizer_step(&t->optimizer, t->model, r.grad_norm, t->threads);
    for (convlstm__node *n = t->net->first; n; n = n == run.last ? NULL : n->next)
        if (n->ops->commit) n->ops->commit(n, &run);
    t->model->version++;
    return NBASE_OK;
}

/* ---- looking inside ---- */

const float *convlstm_trainer_gradient(const convlstm_trainer *t, const char *name)
{
    const convlstm__tensor *tensor = t && name ? convlstm__model_tensor(t->model, name) : NULL;
    return tensor ? t->optimizer.gradients[tensor - t->model->tensors] : NULL;
}

void convlstm_trainer_set_learning_rate(convlstm_trainer *t, double learning_rate)
{
    if (t) t->optimizer.options.learning_rate = learning_rate;
}

double convlstm_trainer_learning_rate(const convlstm_trainer *t) { return t ? t->optimizer.options.learning_rate : 0; }

uint64_t convlstm_trainer_steps(const convlstm_trainer *t) { return t ? t->optimizer.steps : 0; }
