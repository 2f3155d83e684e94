/* One batch in training: forward through the net node by node, loss, and back; in parts
 * ("micro-batches") where the options ask for it.
 *
 * A part is computed like a batch of its own but for three things: the loss is divided by what the
 * whole batch has; the nodes add their gradients to those of the parts before, in the order of the
 * samples; and BatchNormalization moves its averages from where the part before left them. */
#include "gradients.h"

#include <math.h>
#include <string.h>

#include "cells/activation.h"
#include "layers/activation_layer.h"
#include "loss.h"
#include "model/build.h"
#include "model/states.h"

/* What a caller gives and wants. */
typedef struct train_call {
    const convlstm_batch *in;
    const float *targets;
    float *out;
} train_call;

/* ---- nodes ---- */

typedef struct phase_call {
    convlstm__node *node;
    const convlstm__batch *batch;
    const convlstm__phase *phase;
} phase_call;

static void call_task(void *ctx, size_t i, int thread)
{
    const phase_call *call = ctx;
    call->phase->body(call->node, call->batch, i, thread);
}

static void run_phases(convlstm__node *node, const convlstm__batch *batch,
                       const convlstm__phase phases[CONVLSTM__PHASES])
{
    for (int i = 0; i < CONVLSTM__PHASES && phases[i].body; i++) {
        phase_call call = {node, batch, &phases[i]};
        size_t tasks = phases[i].tasks(node, batch);
        if (phases[i].tasks == convlstm__once)
            call_task(&call, 0, 0); /* too short to wake the other threads */
        else if (tasks)
            nbase__parallel_for(batch->threads, tasks, call_task, &call);
    }
}

#define STRETCH 16384 /* values of a sum per task */

typedef struct sum_call {
    convlstm__node *node;
    const convlstm__batch *batch;
    size_t floats;
} sum_call;

static void sum_task(void *ctx, size_t i, int thread)
{
    const sum_call *call = ctx;
    size_t first = i * STRETCH, left = call->floats - first;
    call->node->ops->training.sum.add(call->node, call->batch, first,
                                      left < STRETCH ? left : STRETCH, thread);
}

/* The gradients of a node's weights. */
static void run_sum(convlstm__node *node, const convlstm__batch *batch)
{
    const convlstm__sum *sum = &node->ops->training.sum;
    sum_call call = {node, batch, sum->floats ? sum->floats(node) : 0};
    if (!call.floats) return;
    nbase__parallel_for(batch->threads, (call.floats + STRETCH - 1) / STRETCH, sum_task, &call);
    if (batch->last_part && sum->finish) sum->finish(node, batch);
}

/* The node whose output the loss is of: for a loss on logits the one before the output
 * activation. */
static convlstm__node *loss_node(const convlstm__net *net, convlstm_loss loss)
{
    bool before = convlstm__loss_on_logits(loss) && convlstm__node_is_activation(net->last) &&
                  net->last->from[0];
    return before ? net->last->from[0] : net->last;
}

static convlstm__node *next_node(const convlstm__node *n, const convlstm__batch *batch)
{
    return n == batch->last ? NULL : n->next;
}

/* ---- loss ---- */

static double class_weight(const convlstm_trainer_options *o, const float *labels, size_t outputs)
{
    size_t class = 0;
    for (size_t k = 1; k < outputs; k++)
        if (labels[k] > labels[class]) class = k;
    return class < 2 ? o->class_weight[class] : 1;
}

typedef struct evaluation {
    convlstm_trainer *trainer;
    const convlstm__batch *batch;
    const train_call *call;
    double divisor; /* samples of the batch, or valid frames where the network gives a sequence */
} evaluation;

/* The loss of a sample, the gradient to its outputs, and the outputs themselves if wanted. */
static void evaluate_sample(void *ctx, size_t sample, int thread)
{
    const evaluation *e = ctx;
    const convlstm__batch *batch = e->batch;
    const convlstm_trainer_options *o = &e->trainer->optimizer.options;
    const convlstm__shape *shape = &batch->last->out;
    size_t floats = convlstm__shape_floats(shape),
           rows = o->loss == CONVLSTM_LOSS_SOFTMAX ? shape->height * shape->width : 1,
           row = floats / rows;
    size_t item = batch->items[sample], at = item * batch->output_frames * floats;
    float *gradient = (float *)batch->output_gradient + sample * batch->output_frames * floats;
    double sum = 0;
    for (size_t s = 0; s < convlstm__value_frames(batch, shape, sample); s++) {
        const float *y = batch->last->ops->training.output(batch->last, batch, sample, s, thread);
        size_t frame =
            at + (shape->rank == CONVLSTM__SEQUENCE
                      ? convlstm__steps_time(&batch->steps[sample], shape->reversed, s) * floats
                      : 0);
        double weight =
            shape->rank == CONVLSTM__VECTOR ? class_weight(o, e->call->targets + frame, floats) : 1;
        sum += convlstm__loss(o->loss, rows, row, y, e->call->targets + frame, o->label_smoothing,
                              weight / e->divisor, gradient + s * floats);
        if (!e->call->out) continue;
        convlstm__activation activation = convlstm__loss_on_logits(o->loss)
                                              ? convlstm__loss_activation(o->loss)
                                              : CONVLSTM__LINEAR;
        for (size_t r = 0; r < rows; r++)
            convlstm__activate(activation, row, y + r * row, e->call->out + frame + r * row);
    }
    ((double *)e->trainer->losses.data)[sample] = sum;
}

/* The masked frames of the outputs, once those of the valid ones are written. */
static void fill_masked(const convlstm__batch *batch, float *out)
{
    const convlstm__shape *shape = &batch->last->out;
    size_t floats = convlstm__shape_floats(shape);
    for (size_t sample = 0; sample < batch->samples; sample++)
        convlstm__steps_fill_masked(&batch->steps[sample], shape->reversed, floats,
                                    out + batch->items[sample] * batch->frames * floats);
}

static double evaluate(convlstm_trainer *t, const convlstm__batch *batch, const train_call *call,
                       double divisor)
{
    evaluation e = {t, batch, call, divisor};
    nbase__parallel_for(batch->threads, batch->samples, evaluate_sample, &e);
    double loss = 0;
    for (size_t s = 0; s < batch->samples; s++) loss += ((const double *)t->losses.data)[s];
    if (call->out && batch->last->out.rank == CONVLSTM__SEQUENCE) fill_masked(batch, call->out);
    return loss;
}

/* ---- what a batch must be ---- */

/* The targets of one step of a sample, or of what the network gives once for it. */
static nbase_status check_row(convlstm_trainer *t, const float *targets, size_t count, size_t item)
{
    bool share = convlstm__loss_on_logits(t->optimizer.options.loss);
    for (size_t i = 0; i < count; i++) {
        if (share ? targets[i] >= 0.0f && targets[i] <= 1.0f : isfinite(targets[i])) continue;
        return nbase__fail(&t->error, NBASE_ERR_ARG,
                           "training step: label %g of sample %zu is not %s", targets[i], item,
                           share ? "in 0..1" : "finite");
    }
    return NBASE_OK;
}

/* Those of masked frames, and of samples without a valid frame, are not looked at. */
static nbase_status check_targets(convlstm_trainer *t, const train_call *call,
                                  const convlstm__shape *shape)
{
    const convlstm__samples *samples = &t->samples;
    bool sequence = shape->rank == CONVLSTM__SEQUENCE;
    size_t frames = sequence ? call->in->frames : 1, floats = convlstm__shape_floats(shape);
    nbase_status status = NBASE_OK;
    for (size_t s = 0; !status && s < samples->count; s++) {
        const convlstm__steps *steps = &samples->steps[s];
        const float *targets = call->targets + samples->item[s] * frames * floats;
        for (size_t k = 0; !status && k < (sequence ? steps->count : 1); k++) {
            size_t time = sequence ? convlstm__steps_time(steps, shape->reversed, k) : 0;
            status = check_row(t, targets + time * floats, floats, samples->item[s]);
        }
    }
    return status;
}

static nbase_status check_batch(convlstm_trainer *t, const train_call *call)
{
    const convlstm_model *m = t->model;
    const convlstm_batch *in = call->in;
    size_t floats;
    if (!in || !in->img || !call->targets || !in->batch || !in->frames || !in->height || !in->width)
        return nbase__fail(&t->error, NBASE_ERR_ARG, "training step: a null or empty argument");
    if (!m->any_size && (in->height != m->height || in->width != m->width))
        return nbase__fail(&t->error, NBASE_ERR_SHAPE,
                           "training step: images of %zux%zu expected, got %zux%zu", m->height,
                           m->width, in->height, in->width);
    nbase_status status = convlstm__check_frames(m, in->frames, "training step: ", &t->error);
    if (status) return status;
    if (in->height <= CONVLSTM__MAX_SIDE && in->width <= CONVLSTM__MAX_SIDE &&
        nbase__mul(in->height * in->width, m->channels, &floats) &&
        nbase__mul(floats, in->frames, &floats) && nbase__mul(floats, in->batch, &floats) &&
        nbase__mul(floats, sizeof(float), &floats))
        return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_LIMIT,
                       "training step: a batch of %zux%zux%zux%zu is too large", in->batch,
                       in->frames, in->height, in->width);
}

/* A net for this image size, unless the trainer has it. */
static nbase_status ready_net(convlstm_trainer *t, size_t height, size_t width)
{
    if (t->net && t->net->height == height && t->net->width == width) return NBASE_OK;
    convlstm__net *net;
    nbase_status status =
        convlstm__net_create(t->model, t->backend, height, width, &net, &t->error);
    if (status) return status;
    convlstm__net_free(t->net);
    t->net = net;
    return NBASE_OK;
}

/* ---- states ---- */

/* Checks what the caller gives, and that what stateful layers kept is of this batch's size. */
static nbase_status check_states(convlstm_trainer *t, const convlstm_batch *in, bool stateful)
{
    nbase_status status = NBASE_OK;
    if (in->initial_state)
        status = convlstm__states_check(in->initial_state, t->net, in->batch, false, false,
                                        "initial state", &t->error);
    if (!status && t->states && stateful)
        status =
            convlstm__states_check(t->states, t->net, in->batch, true, false,
                                   "kept states (convlstm_trainer_reset forgets them)", &t->error);
    return status;
}

/* Archives for the states before and after the step. Those of a network without stateful layers are
 * replaced if they are of another size. */
static nbase_status reserve_states(convlstm_trainer *t, size_t batch)
{
    if (t->states && convlstm__states_check(t->states, t->net, batch, true, false, "", NULL))
        convlstm_trainer_reset(t);
    if (t->states) return NBASE_OK;
    nbase_archive **const both[] = {&t->states, &t->states_after};
    for (size_t i = 0; i < 2; i++)
        if (convlstm__states_create(&t->env, t->net, CONVLSTM__EVERY_LAYER, batch, both[i])) {
            convlstm_trainer_reset(t);
            return nbase__fail(&t->error, NBASE_ERR_NOMEM,
                               "training step: out of memory for the states of %zu samples", batch);
        }
    return NBASE_OK;
}

/* Sets what a recurrent layer begins with, and as the state after the step too: a sample without a
 * valid frame stays there. */
static void begin_state(convlstm_trainer *t, const convlstm__node *n, int which,
                        const nbase_archive *initial)
{
    const nbase_array *before = convlstm__state_find(t->states, n, which),
                      *after = convlstm__state_find(t->states_after, n, which),
                      *given = convlstm__state_find(initial, n, which);
    size_t bytes = before->count * sizeof(float);
    if (given)
        memcpy(before->data, given->data, bytes);
    else if (!convlstm__node_in(n, CONVLSTM__STATEFUL))
        memset(before->data, 0, bytes);
    memcpy(after->data, before->data, bytes);
}

/* States that the recurrent layers begin with, if any is asked for: the caller's, what stateful
 * layers kept, else zeros. */
static nbase_status ready_states(convlstm_trainer *t, const convlstm_batch *in)
{
    bool stateful = convlstm__model_has(t->model, CONVLSTM__STATEFUL);
    if (!stateful && !in->initial_state) return NBASE_OK;
    nbase_status status = check_states(t, in, stateful);
    if (!status) status = reserve_states(t, in->batch);
    if (status) return status;
    for (const convlstm__node *n = t->net->first; n; n = n->next)
        for (int which = 0; which < 2 && convlstm__node_in(n, CONVLSTM__EVERY_LAYER); which++)
            begin_state(t, n, which, in->initial_state);
    return NBASE_OK;
}

/* ---- parts ---- */

/* Whether the machine has the memory, so that asking for it cannot end the process later: a frame
 * of each layer is kept at least. */
static nbase_status check_memory(convlstm_trainer *t, const convlstm__batch *batch)
{
    const double gib = (double)((size_t)1 << 30), most = (double)nbase_memory_limit();
    double floats = 0;
    for (convlstm__node *n = t->net->first; n; n = next_node(n, batch))
        if (n->ops->training.reserve && n->out.rank == CONVLSTM__SEQUENCE)
            floats += (double)convlstm__shape_floats(&n->out);
    double bytes = floats * sizeof(float) * (double)batch->max_samples * (double)batch->frames;
    if (bytes <= most) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_LIMIT,
                       "training step: %zu samples of %zu frames at a time need at least %.1f GiB "
                       "of memory; this machine, or its limit for this process, has %.1f GiB: "
                       "smaller parts (micro_batch) need less",
                       batch->max_samples, batch->frames, bytes / gib, most / gib);
}

/* Memory for parts of batch->max_samples samples. */
static nbase_status reserve(convlstm_trainer *t, convlstm__batch *batch)
{
    nbase_status status = check_memory(t, batch);
    if (status) return status;
    size_t floats = batch->output_frames * convlstm__shape_floats(&batch->last->out);
    for (convlstm__node *n = t->net->first; n && !status; n = next_node(n, batch))
        if (n->ops->training.reserve) status = n->ops->training.reserve(n, batch);
    if (!status)
        status = convlstm__reserve(&t->env, &t->output_gradient, batch->max_samples,
                                   floats * sizeof(float));
    if (!status)
        status = convlstm__reserve(&t->env, &t->losses, batch->max_samples, sizeof(double));
    if (status)
        return nbase__fail(&t->error, status,
                           "training step: out of memory for a batch of %zu samples of %zu frames",
                           batch->max_samples, batch->frames);
    batch->output_gradient = t->output_gradient.data;
    return NBASE_OK;
}

static size_t part_size(const convlstm_trainer *t, size_t batch)
{
    size_t most = t->optimizer.options.micro_batch;
    return most && most < batch ? most : batch;
}

/* Checks the call, and fills in *batch but for what differs between parts. */
static nbase_status begin(convlstm_trainer *t, const train_call *call, convlstm__batch *batch)
{
    const convlstm_batch *in = call->in;
    nbase_status status = check_batch(t, call);
    if (!status) status = ready_net(t, in->height, in->width);
    if (status) return status;
    convlstm__node *last = loss_node(t->net, t->optimizer.options.loss);
    status = convlstm__samples_fill(&t->env, &t->samples, in,
                                    in->height * in->width * t->model->channels);
    if (status) return nbase__fail(&t->error, status, "training step: out of memory");
    if (!t->samples.count)
        return nbase__fail(&t->error, NBASE_ERR_NO_VALID_FRAMES,
                           "training step: no sample of the batch has a valid frame");
    status = check_targets(t, call, &last->out);
    if (!status) status = ready_states(t, in);
    if (status) return status;
    *batch = (convlstm__batch){
        .frames = in->frames,
        .image_floats = in->height * in->width * t->model->channels,
        .last = last,
        .output_frames = last->out.rank == CONVLSTM__SEQUENCE ? in->frames : 1,
        .gradients = t->optimizer.gradients,
        .max_samples = part_size(t, in->batch),
        .max_frames = in->frames,
        .threads = t->threads,
        .dropout_seed = t->optimizer.options.seed + t->optimizer.steps * 0x9E3779B97F4A7C15u,
        .dropout_masks = t->dropout_masks,
        .initial_state = t->states};
    status = reserve(t, batch);
    if (!status) convlstm__net_prepare(t->net, t->model->version, true);
    return status;
}

/* every: the batch for nodes that run every frame; null: there are none. */
static double run_part(convlstm_trainer *t, convlstm__batch *batch, convlstm__batch *every,
                       const train_call *call, size_t first, double divisor)
{
    size_t left = t->samples.count - first;
    batch->before = first;
    batch->samples = left < batch->max_samples ? left : batch->max_samples;
    batch->steps = t->samples.steps + first;
    batch->images = t->samples.images + first;
    batch->items = t->samples.item + first;
    batch->first_part = first == 0;
    batch->last_part = batch->samples == left;
    if (every) {
        batch->every = every;
        batch->valid = batch;
        *every = *batch;
        every->steps = t->samples.every + first;
    }
    for (convlstm__node *n = t->net->first; n; n = next_node(n, batch))
        run_phases(n, convlstm__batch_of(batch, n), n->ops->training.forward);
    double loss = evaluate(t, batch, call, divisor);
    for (convlstm__node *n = (convlstm__node *)batch->last; n; n = n->prev)
        if (convlstm__node_learns(n)) {
            run_phases(n, convlstm__batch_of(batch, n), n->ops->training.backward);
            run_sum(n, convlstm__batch_of(batch, n));
        }
    return loss;
}

/* Notes where stateful layers stopped. */
static void keep_states(convlstm_trainer *t, const convlstm__batch *batch)
{
    for (const convlstm__node *n = t->net->first; batch->initial_state && n;
         n = next_node(n, batch)) {
        if (!convlstm__node_in(n, CONVLSTM__STATEFUL)) continue;
        float *h = convlstm__state_find(t->states_after, n, 0)->data,
              *c = convlstm__state_find(t->states_after, n, 1)->data;
        size_t floats = convlstm__shape_floats(&n->out);
        for (size_t s = 0; s < batch->samples; s++)
            n->ops->state.trained(n, convlstm__batch_of(batch, n), s, h + batch->items[s] * floats,
                                  c + batch->items[s] * floats);
    }
}

nbase_status convlstm__gradients_run(convlstm_trainer *t, const convlstm_batch *in,
                                     const float *targets, float *out, convlstm_step_result *result)
{
    t->error.text[0] = '\0';
    const train_call call = {in, targets, out};
    convlstm__batch batch, every;
    nbase_status status = begin(t, &call, &batch);
    if (status) return status;
    bool some_every = false;
    for (const convlstm__node *n = t->net->first; n; n = n->next)
        some_every = some_every || n->in.every;
    size_t floats = convlstm__shape_floats(&batch.last->out), valid = 0, samples = t->samples.count;
    for (size_t s = 0; s < samples; s++) valid += t->samples.steps[s].count;
    bool sequence = batch.last->out.rank == CONVLSTM__SEQUENCE;
    if (out) memset(out, 0, in->batch * batch.output_frames * floats * sizeof *out);
    result->used = samples;
    for (size_t first = 0; first < samples; first += batch.max_samples) {
        result->loss += run_part(t, &batch, some_every ? &every : NULL, &call, first,
                                 (double)(sequence ? valid : samples));
        keep_states(t, &batch);
    }
    convlstm__add_shared_gradients(&t->optimizer, t->model);
    result->grad_norm = convlstm__gradient_norm(&t->optimizer, t->threads);
    if (isfinite(result->loss) && isfinite(result->grad_norm)) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NUMERIC,
                       "training step: the loss (%g) or the gradient's norm (%g) is not finite",
                       result->loss, result->grad_norm);
}
