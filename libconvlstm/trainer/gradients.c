/* One batch in training: forward through the net node by node, loss, and back; in parts
 * ("micro-batches") where the options ask for it, and of a group's batch this rank's share.
 *
 * A part is computed like a batch of its own but for three things: the loss is divided by what the
 * whole batch has; the nodes add their gradients to those of the parts before, in the order of the
 * samples; and BatchNormalization moves its averages from where the part before left them. */
#include "gradients.h"

#include <math.h>
#include <string.h>

#include "batch_states.h"
#include "cells/activation.h"
#include "loss.h"
#include "model/build.h"
#include "passes.h"
#include "ssim.h"

/* What a caller gives and wants. */
typedef struct train_call {
    bool step;         /* the gradients are for a step of the optimizer */
    convlstm_batch in; /* this rank's share */
    const float *targets;
    float *out;
} train_call;

/* ---- loss ---- */

/* The weight of a sample's class, the one whose label is largest. The options have weights for the
 * first two classes; others count 1. */
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
    size_t first; /* samples in the parts before */
} evaluation;

/* Where a sample's values of output k begin in the caller's `targets` and `out`, which hold all of
 * the batch for one output, then for the next. */
static size_t output_at(const evaluation *e, size_t k, size_t sample)
{
    const convlstm__batch *batch = e->batch;
    size_t at = 0;
    for (size_t i = 0; i < k; i++)
        at += e->call->in.batch * batch->outputs[i].frames * batch->outputs[i].floats;
    return at + batch->items[sample] * batch->outputs[k].frames * batch->outputs[k].floats;
}

/* What the loss of output k is a mean over: the samples of the whole batch or, where the output is
 * a sequence, the frames of all samples, of which the valid ones count. */
static double divisor_of(const evaluation *e, size_t k, const convlstm__node *n)
{
    const convlstm__shares *shares = &e->trainer->shares;
    if (n->out.rank != CONVLSTM__SEQUENCE) return (double)shares->samples;
    if (n->out.clock == CONVLSTM__VALID_FRAMES) return (double)shares->steps;
    return (double)(shares->samples * e->batch->outputs[k].frames);
}

/* An output of the network, or one step of it where it is a sequence: a frame or vector. Softmax is
 * over the channels, so that there each pixel is a row of its own; else all values are one row. */
typedef struct output_value {
    const convlstm_trainer_options *options; /* with the output's loss */
    const convlstm__shape *shape;
    size_t rows, row; /* rows, and values of a row */
    const float *y;   /* what the node gives that the loss is of */
    const float *target;
} output_value;

/* The loss of a value times `weight`, and the gradient to y, which is written. */
static double loss_of(const evaluation *e, const output_value *v, double weight, float *gradient,
                      int thread)
{
    if (v->options->loss == CONVLSTM_LOSS_SSIM)
        return convlstm__ssim(v->shape, v->y, v->target, weight, gradient,
                              convlstm__ssim_of_thread(e->trainer, thread));
    if (v->shape->rank == CONVLSTM__VECTOR) weight *= class_weight(v->options, v->target, v->row);
    return convlstm__loss(v->options, v->rows, v->row, v->y, v->target, weight, gradient);
}

/* What the network gives for a value: a loss on logits is of what its last activation takes. */
static void write_output(const output_value *v, float *out)
{
    const convlstm_loss loss = v->options->loss;
    convlstm__activation activation =
        convlstm__loss_on_logits(loss) ? convlstm__loss_activation(loss) : CONVLSTM__LINEAR;
    for (size_t r = 0; r < v->rows; r++)
        convlstm__activate(activation, v->row, v->y + r * v->row, out + r * v->row);
}

/* The loss of output k of a sample, times the output's weight and divided by what the whole batch
 * has, and the gradient to it; the output itself if wanted. */
static double evaluate_output(const evaluation *e, size_t k, size_t sample, int thread)
{
    const convlstm_trainer *t = e->trainer;
    const convlstm__node *n = t->net->losses[k];
    const convlstm__batch *batch = e->batch, *own = convlstm__batch_on(batch, n->out.clock);
    const convlstm__shape *shape = &n->out;
    const bool sequence = shape->rank == CONVLSTM__SEQUENCE;
    const size_t floats = batch->outputs[k].floats, at = output_at(e, k, sample);
    output_value v = {.options = &t->of_output[k], .shape = shape};
    v.rows = v.options->loss == CONVLSTM_LOSS_SOFTMAX ? shape->height * shape->width : 1;
    v.row = floats / v.rows;
    float *gradient = batch->outputs[k].gradient + sample * batch->outputs[k].frames * floats,
          *out = e->call->out;
    double sum = 0, share = t->weights[k] / divisor_of(e, k, n);
    for (size_t s = 0; s < convlstm__value_frames(own, shape, sample); s++) {
        size_t time = sequence ? convlstm__steps_time(&own->steps[sample], shape->reversed, s) : 0;
        v.y = n->ops->training.output(n, convlstm__batch_of(batch, n), sample, s, thread);
        v.target = e->call->targets + at + time * floats;
        sum += loss_of(e, &v, share, gradient + s * floats, thread);
        if (out) write_output(&v, out + at + time * floats);
    }
    if (out && sequence)
        convlstm__steps_fill_masked(&own->steps[sample], shape->reversed, floats, out + at);
    return sum;
}

static void evaluate_sample(void *ctx, size_t sample, int thread)
{
    const evaluation *e = ctx;
    size_t count = e->trainer->net->output_count;
    double *losses = (double *)e->trainer->losses.data + (e->first + sample) * count;
    for (size_t k = 0; k < count; k++) losses[k] = evaluate_output(e, k, sample, thread);
}

static void evaluate(convlstm_trainer *t, const convlstm__batch *batch, const train_call *call,
                     size_t first)
{
    evaluation e = {t, batch, call, first};
    nbase__parallel_for(batch->threads, batch->samples, evaluate_sample, &e);
}

static size_t part_size(const convlstm_trainer *t, size_t batch)
{
    size_t most = t->optimizer.options.micro_batch;
    return most && most < batch ? most : batch;
}

/* Adds up the losses of all samples: first those of each part of the batch, then the parts. *sum
 * gets the loss of all outputs, each times its weight, and t->output_loss that of each alone,
 * without its weight. */
static nbase_status sum_losses(convlstm_trainer *t, double *sum)
{
    const convlstm__shares *shares = &t->shares;
    const double *losses = t->losses.data;
    size_t count = t->net->output_count, part = part_size(t, shares->items);
    if (shares->group) {
        const convlstm__sample_rows rows = {losses, t->all_losses.data, count * sizeof *losses};
        nbase_status status = convlstm__shares_gather(shares, &rows, shares->samples_of, &t->error);
        if (status) return status;
        losses = t->all_losses.data;
    }
    *sum = 0;
    memset(t->output_loss, 0, sizeof t->output_loss);
    for (size_t first = 0; first < shares->samples; first += part) {
        double of_part = 0;
        for (size_t s = first; s < first + part && s < shares->samples; s++) {
            double of_sample = 0;
            for (size_t k = 0; k < count; k++) {
                of_sample += losses[s * count + k];
                t->output_loss[k] += losses[s * count + k];
            }
            of_part += of_sample;
        }
        *sum += of_part;
    }
    for (size_t k = 0; k < count; k++)
        t->output_loss[k] = t->weights[k] > 0 ? t->output_loss[k] / t->weights[k] : NAN;
    return NBASE_OK;
}

/* ---- what a batch must be ---- */

/* The targets of one step of a sample, or of what the network gives once for it. */
static nbase_status check_row(convlstm_trainer *t, size_t output, const float *targets,
                              size_t count, size_t item)
{
    bool share = convlstm__loss_on_logits(t->of_output[output].loss);
    for (size_t i = 0; i < count; i++) {
        if (share ? targets[i] >= 0.0f && targets[i] <= 1.0f : isfinite(targets[i])) continue;
        return nbase__fail(&t->error, NBASE_ERR_ARG,
                           "training step: label %g of sample %zu is not %s", targets[i], item,
                           share ? "in 0..1" : "finite");
    }
    return NBASE_OK;
}

/* Those of masked frames, and of samples without a valid frame, are not looked at. targets: of the
 * output. */
static nbase_status check_targets(convlstm_trainer *t, size_t output, const float *targets,
                                  size_t frames)
{
    const convlstm__samples *samples = &t->samples;
    const convlstm__shape *shape = &t->net->losses[output]->out;
    bool sequence = shape->rank == CONVLSTM__SEQUENCE;
    size_t floats = convlstm__shape_floats(shape);
    nbase_status status = NBASE_OK;
    for (size_t s = 0; !status && s < samples->count; s++) {
        const convlstm__steps *steps = &samples->on_clock[shape->clock][s];
        const float *own = targets + samples->item[s] * frames * floats;
        for (size_t k = 0; !status && k < (sequence ? steps->count : 1); k++) {
            size_t time = sequence ? convlstm__steps_time(steps, shape->reversed, k) : 0;
            status = check_row(t, output, own + time * floats, floats, samples->item[s]);
        }
    }
    return status;
}

/* Frames that an output has for a sample. */
static size_t frames_of(const convlstm__node *n, const convlstm_batch *in)
{
    return n->out.rank == CONVLSTM__SEQUENCE
               ? convlstm__clock_frames(n->net->clocks, n->out.clock, in->frames)
               : 1;
}

static nbase_status check_all_targets(convlstm_trainer *t, const train_call *call)
{
    const float *targets = call->targets;
    nbase_status status = NBASE_OK;
    for (size_t k = 0; k < t->net->output_count && !status; k++) {
        const convlstm__node *n = t->net->losses[k];
        size_t frames = frames_of(n, &call->in);
        status = check_targets(t, k, targets, frames);
        targets += call->in.batch * frames * convlstm__shape_floats(&n->out);
    }
    return status;
}

static nbase_status check_batch(convlstm_trainer *t, const train_call *call)
{
    const convlstm_model *m = t->model;
    const convlstm_batch *in = &call->in;
    size_t floats;
    if (!in->img || !call->targets || !in->batch || !in->frames || !in->height || !in->width)
        return nbase__fail(&t->error, NBASE_ERR_ARG, "training step: a null or empty argument");
    if (!m->any_size && (in->height != m->height || in->width != m->width))
        return nbase__fail(&t->error, NBASE_ERR_SHAPE,
                           "training step: images of %zux%zu expected, got %zux%zu", m->height,
                           m->width, in->height, in->width);
    nbase_status status = convlstm__check_frames(m, in->frames, "training step: ", &t->error);
    if (status) return status;
    if (in->height <= CONVLSTM__MAX_SIDE && in->width <= CONVLSTM__MAX_SIDE &&
        nbase__mul(convlstm__image_floats(m, in->height, in->width), in->frames, &floats) &&
        nbase__mul(floats, in->batch, &floats) && nbase__mul(floats, sizeof(float), &floats))
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

/* Room for the similarity of frames, where an output has it as its loss. */
static nbase_status ready_ssim(convlstm_trainer *t)
{
    nbase_status status = NBASE_OK;
    for (size_t k = 0; k < t->net->output_count && !status; k++)
        if (t->of_output[k].loss == CONVLSTM_LOSS_SSIM)
            status = convlstm__ssim_ready(t, k, &t->net->losses[k]->out);
    return status;
}

/* ---- parts ---- */

/* Whether the machine has the memory, so that asking for it cannot end the process later: a frame
 * of each layer is kept at least. */
static nbase_status check_memory(convlstm_trainer *t, const convlstm__batch *batch)
{
    const double gib = (double)((size_t)1 << 30), most = (double)nbase_memory_limit();
    double floats = 0;
    for (convlstm__node *n = t->net->first; n; n = convlstm__next_node(n))
        if (n->ops->training.reserve && n->out.rank == CONVLSTM__SEQUENCE)
            floats += (double)convlstm__shape_floats(&n->out) *
                      (double)convlstm__clock_frames(t->net->clocks, n->out.clock, batch->frames);
    double bytes = floats * sizeof(float) * (double)batch->max_samples;
    if (bytes <= most) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_LIMIT,
                       "training step: %zu samples of %zu frames at a time need at least %.1f GiB "
                       "of memory; this machine, or its limit for this process, has %.1f GiB: "
                       "smaller parts (micro_batch) need less",
                       batch->max_samples, batch->frames, bytes / gib, most / gib);
}

static size_t at_least_1(size_t n) { return n ? n : 1; }

/* Floats of a sample's outputs. */
static size_t output_floats(const convlstm__net *net, const convlstm__batch *batch)
{
    size_t floats = 0;
    for (size_t k = 0; k < net->output_count; k++)
        floats += batch->outputs[k].frames * batch->outputs[k].floats;
    return floats;
}

/* Memory for parts of batch->max_samples samples. */
static nbase_status reserve(convlstm_trainer *t, const train_call *call, convlstm__batch *batch)
{
    nbase_status status = check_memory(t, batch);
    if (status) return status;
    size_t floats = output_floats(t->net, batch);
    for (convlstm__node *n = t->net->first; n && !status; n = convlstm__next_node(n))
        if (n->ops->training.reserve)
            status = n->ops->training.reserve(n, convlstm__batch_of(batch, n));
    if (!status) status = convlstm__net_reserve_calls(t->net, batch->threads);
    if (!status)
        status = convlstm__reserve(&t->env, &t->output_gradient, batch->max_samples,
                                   floats * sizeof(float));
    size_t losses = t->net->output_count * sizeof(double); /* of a sample */
    if (!status)
        status = convlstm__reserve(&t->env, &t->losses, at_least_1(call->in.batch), losses);
    if (!status && batch->divided)
        status = convlstm__reserve(&t->env, &t->all_losses, batch->all_items, losses);
    if (status)
        return nbase__fail(&t->error, status,
                           "training step: out of memory for a batch of %zu samples of %zu frames",
                           batch->max_samples, batch->frames);
    float *gradient = t->output_gradient.data;
    for (size_t k = 0; k < t->net->output_count; k++) {
        batch->outputs[k].gradient = gradient;
        gradient += batch->max_samples * batch->outputs[k].frames * batch->outputs[k].floats;
    }
    return NBASE_OK;
}

/* Checks what can be checked of this rank's share before the other ranks' are known, and finds its
 * samples. */
static nbase_status check_share(convlstm_trainer *t, const train_call *call)
{
    const convlstm_batch *in = &call->in;
    t->samples.count = 0;
    if (t->shares.group && !in->batch) return NBASE_OK;
    nbase_status status = check_batch(t, call);
    if (!status) status = ready_net(t, in->height, in->width);
    if (!status) status = ready_ssim(t);
    if (status) return status;
    status = convlstm__samples_fill(&t->env, &t->samples, in,
                                    convlstm__image_floats(t->model, in->height, in->width),
                                    &t->model->clocks);
    if (status) return nbase__fail(&t->error, status, "training step: out of memory");
    return check_all_targets(t, call);
}

static bool normalises_batches(const convlstm_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++)
        if (m->layers[i]->class == &convlstm__batch_normalization_class) return true;
    return false;
}

/* Checks what can be checked once the shares of all ranks are known. */
static nbase_status check_whole(convlstm_trainer *t)
{
    const convlstm__shares *shares = &t->shares;
    if (!shares->samples)
        return nbase__fail(&t->error, NBASE_ERR_NO_VALID_FRAMES,
                           "training step: no sample of the batch has a valid frame");
    if (!shares->group || part_size(t, shares->items) == shares->items ||
        !normalises_batches(t->model))
        return NBASE_OK;
    return nbase__fail(
        &t->error, NBASE_ERR_UNSUPPORTED,
        "training step: parts of %zu samples (micro_batch) of a batch of %zu: "
        "batch_normalization has the statistics of a part, and in a group only those "
        "of the whole batch can be had",
        t->optimizer.options.micro_batch, shares->items);
}

/* Whether a net has sequences on other clocks than the valid frames. */
static bool has_clocks(const convlstm__net *net)
{
    for (const convlstm__node *n = net->first; n; n = n->next)
        if (n->in.clock != CONVLSTM__VALID_FRAMES || n->out.clock != CONVLSTM__VALID_FRAMES)
            return true;
    return false;
}

/* clocks[0] is a part of the batch, on the valid frames, that begins with sample `first`. Fills in
 * the others: the same part on each other clock of the net (layers/clock.h). */
static void set_clocks(const convlstm_trainer *t, convlstm__batch *clocks, size_t first)
{
    const convlstm__clocks *known = &t->model->clocks;
    clocks[0].on_clock = has_clocks(t->net) ? clocks : NULL;
    for (size_t c = 1; clocks[0].on_clock && c < convlstm__clock_count(known); c++) {
        convlstm__batch *own = &clocks[c];
        *own = clocks[0];
        own->frames = own->max_frames =
            convlstm__clock_frames(known, (convlstm__clock)c, clocks[0].frames);
        own->steps = t->samples.on_clock[c] + first;
        own->all_steps = own->all_samples * own->frames;
    }
}

/* Fills in *batch but for what differs between parts, and reserves its memory. batch: the first of
 * those on all clocks. */
static nbase_status ready_batch(convlstm_trainer *t, const train_call *call, convlstm__batch *batch)
{
    const convlstm_batch *in = &call->in;
    bool divided = t->shares.group != NULL;
    nbase_status status = ready_net(t, in->height, in->width);
    const nbase_archive *begin_with = NULL;
    if (!status) status = convlstm__states_ready(t, in, &begin_with);
    if (status) return status;
    size_t part = at_least_1(part_size(t, in->batch));
    *batch = (convlstm__batch){
        .frames = in->frames,
        .image_floats = convlstm__image_floats(t->model, in->height, in->width),
        .gradients = t->optimizer.gradients,
        .divided = divided,
        .kept = divided ? at_least_1(in->batch) : part,
        .all_items = t->shares.items,
        .max_samples = part,
        .max_frames = in->frames,
        .threads = t->threads,
        .dropout_seed = t->optimizer.options.seed + t->optimizer.steps * 0x9E3779B97F4A7C15u,
        .dropout_masks = t->dropout_masks,
        .initial_state = begin_with};
    for (size_t k = 0; k < t->net->output_count; k++) {
        batch->outputs[k].frames = frames_of(t->net->losses[k], in);
        batch->outputs[k].floats = convlstm__shape_floats(&t->net->losses[k]->out);
    }
    set_clocks(t, batch, 0);
    t->net->prepares_fine = convlstm__samples_note_unscaled(&t->samples, batch->image_floats,
                                                            has_clocks(t->net), t->threads);
    return reserve(t, call, batch);
}

/* Checks the call together with the other ranks, and makes *batch ready. */
static nbase_status begin_call(convlstm_trainer *t, train_call *call, convlstm__batch *batch)
{
    nbase_status status = check_share(t, call);
    const convlstm__meeting meeting = {.call = call->step ? CONVLSTM__STEP : CONVLSTM__GRADIENTS,
                                       .status = status,
                                       .in = &call->in,
                                       .samples = t->samples.count,
                                       .steps = convlstm__samples_steps(&t->samples)};
    status = convlstm__shares_meet(t, &meeting, &t->error);
    if (!status) status = check_whole(t);
    if (status) return status;
    status = convlstm__shares_agree(&t->shares, ready_batch(t, call, batch), &t->error);
    if (!status) convlstm__net_prepare(t->net, t->model->version, true, t->threads);
    return status;
}

/* Forward, loss and back for the part of this rank's share that begins with sample `first`. */
static nbase_status run_part(convlstm_trainer *t, convlstm__batch *batch, const train_call *call,
                             size_t first)
{
    const convlstm__shares *shares = &t->shares;
    size_t left = t->samples.count - first;
    batch->before = shares->samples_before + first;
    batch->samples = left < batch->max_samples ? left : batch->max_samples;
    batch->steps = t->samples.steps + first;
    batch->images = t->samples.images + first;
    batch->unscaled = (const bool *const *)(t->samples.unscaled + first);
    batch->items = t->samples.item + first;
    batch->first_part = first == 0;
    batch->last_part = batch->samples == left;
    batch->first_kept = batch->divided ? first : 0;
    batch->all_samples = batch->divided ? shares->samples : batch->samples;
    batch->all_steps = shares->steps;
    if (!batch->divided)
        for (size_t s = batch->all_steps = 0; s < batch->samples; s++)
            batch->all_steps += batch->steps[s].count;
    set_clocks(t, batch, first);
    nbase_status status = convlstm__forward(t, batch);
    if (status) return status;
    evaluate(t, batch, call, first);
    return convlstm__backward(t, batch);
}

/* All parts of this rank's share: one, if it is empty. */
static nbase_status run_parts(convlstm_trainer *t, convlstm__batch *batch, const train_call *call)
{
    nbase_status status = NBASE_OK;
    size_t first = 0;
    if (batch->divided) convlstm__shares_begin_sums(&t->shares);
    do {
        status = run_part(t, batch, call, first);
        if (!status) convlstm__states_keep(t, batch);
        first += batch->max_samples;
    } while (!status && first < t->samples.count);
    if (!batch->divided) return status;
    if (status) convlstm__shares_begin_sums(&t->shares); /* drops the sums that wait */
    nbase_status ended = convlstm__shares_end_sums(&t->shares, t->threads, &t->error);
    return status ? status : ended;
}

nbase_status convlstm__gradients_run(convlstm_trainer *t, bool step, const convlstm_batch *in,
                                     const float *targets, float *out, convlstm_step_result *result)
{
    t->error.text[0] = '\0';
    train_call call = {step, {0}, targets, out};
    if (in) call.in = *in;
    convlstm__batch clocks[CONVLSTM__MAX_CLOCKS], *batch = clocks;
    nbase_status status = begin_call(t, &call, batch);
    if (status) return status;
    if (out) memset(out, 0, call.in.batch * output_floats(t->net, batch) * sizeof *out);
    result->used = t->shares.samples;
    status = run_parts(t, batch, &call);
    if (!status) status = sum_losses(t, &result->loss);
    if (status) return status;
    convlstm__add_shared_gradients(&t->optimizer, t->model);
    convlstm__clip_values(&t->optimizer, t->threads);
    result->grad_norm = convlstm__gradient_norm(&t->optimizer, t->threads);
    if (isfinite(result->loss) && isfinite(result->grad_norm)) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NUMERIC,
                       "training step: the loss (%g) or the gradient's norm (%g) is not finite",
                       result->loss, result->grad_norm);
}
