/* BatchNormalization over the channel axis (Ioffe and Szegedy 2015; Keras's momentum and moving
 * averages).
 *
 *   y = gamma (x - mean)/sqrt(var + epsilon) + beta
 *
 * In training mean and var (biased) are those of the batch, at inference they are moving averages.
 *
 * Modes say which frames the statistics cover:
 *
 *   masked         the valid ones.
 *   compat_tf22    every frame of every sample that has a valid one, as TensorFlow 2.2 computes
 *                  them. There a masked frame is the repeated output of the layer before, or zeros
 *                  at the
 *                  start of the sequence: a valid frame counts as often as it is repeated, and the
 *                  zeros count in the divisor only. The moving variance is unbiased where there is
 *                  one frame per sample (4-D in Keras, which takes its fused kernel).
 *   compat_keras3  what Keras 3 does where the mask does not reach it: the same frames, and a
 *                  biased variance everywhere.
 *
 * Frames are not stored: forward and backward are affine maps of frames that other nodes store,
 * computed when a neighbour asks. */
#include <math.h>
#include <string.h>

#include "cells/frame.h"
#include "net.h"

enum { MODE_MASKED, MODE_COMPAT_TF22, MODE_COMPAT_KERAS3 };
enum { GAMMA, BETA, MOVING_MEAN, MOVING_VARIANCE };

typedef struct batch_normalization {
    convlstm__layer base;
    int mode;
    double momentum, epsilon;
} batch_normalization;

static const batch_normalization defaults = {
    .mode = MODE_MASKED, .momentum = 0.99, .epsilon = 1e-3};
static const convlstm__choice modes[] = {{"masked", MODE_MASKED},
                                         {"compat_tf22", MODE_COMPAT_TF22},
                                         {"compat_keras3", MODE_COMPAT_KERAS3},
                                         {NULL, 0}};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(batch_normalization, mode, CHOICE, .choices = modes),
    CONVLSTM__FIELD(batch_normalization, momentum, NUMBER, .min = 0, .max = 1),
    CONVLSTM__FIELD(batch_normalization, epsilon, NUMBER, .min = 1e-12, .max = 1),
    CONVLSTM__FIELDS_END,
};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    *out = *in;
    if (((const batch_normalization *)layer)->mode == MODE_MASKED || in->rank != CONVLSTM__SEQUENCE)
        return NBASE_OK;
    if (prev && prev->class == &convlstm__conv_lstm2d_class) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                       "mode %s on a sequence needs a conv_lstm2d before it, got %s",
                       convlstm__choice_name(modes, ((const batch_normalization *)layer)->mode),
                       prev ? prev->class->type : "the input");
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    (void)layer;
    specs[GAMMA] = (convlstm__tensor_spec){"gamma", 1, {in->channels}, CONVLSTM__ONES, true};
    specs[BETA] = (convlstm__tensor_spec){"beta", 1, {in->channels}, CONVLSTM__ZEROS, true};
    specs[MOVING_MEAN] =
        (convlstm__tensor_spec){"moving_mean", 1, {in->channels}, CONVLSTM__ZEROS, false};
    specs[MOVING_VARIANCE] =
        (convlstm__tensor_spec){"moving_variance", 1, {in->channels}, CONVLSTM__ONES, false};
    return 4;
}

/* ---- the node ---- */

typedef struct bn_node {
    convlstm__node base;
    const batch_normalization *layer;
    /* Inference: the map from the moving averages, an array of C each. */
    float *scale, *shift;
    /* Training, an array of C each. The statistics of the batch, where inverse is
     * 1/sqrt(variance + epsilon); and what follows from them:
     *
     *   y  = batch_scale x + batch_shift
     *   dx = dx_dy dy + dx_x x + dx_1      of frames
     *
     * For vectors, dx_x holds dgamma and dx_1 dbeta of this part of the batch (row_gradient). */
    double *mean, *variance, *inverse;
    float *batch_scale, *batch_shift, *dx_dy, *dx_x, *dx_1;
    /* The moving averages before the batch, and after its parts so far. */
    float *old_mean, *old_variance, *new_mean, *new_variance;
    convlstm__buffer constants; /* all of the arrays above */
    double old_share;           /* the weight of the old averages in the new ones */
    double count;               /* values per channel in the statistics */
    /* Per sample, (2,C): sums of x and of x^2; on the way back of dy and of dy.x. In a group also
     * those of all ranks' samples. */
    convlstm__buffer sums, all_sums;
    convlstm__buffer per_thread; /* two frames, then (4,C) doubles */
    size_t frame_floats, per_thread_bytes;
    /* Of vectors, per sample: the output and the gradient to the input. */
    convlstm__buffer rows, row_gradients;
} bn_node;

static size_t channels_of(const bn_node *n) { return n->base.in.channels; }
static bool is_vector(const bn_node *n) { return n->base.in.rank == CONVLSTM__VECTOR; }

static void free_node(convlstm__node *node)
{
    bn_node *n = (bn_node *)node;
    convlstm__buffer *const buffers[] = {&n->constants,  &n->sums, &n->all_sums,
                                         &n->per_thread, &n->rows, &n->row_gradients};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(node->env, buffers[i]);
}

static void prepare(convlstm__node *node, bool train)
{
    (void)train;
    bn_node *n = (bn_node *)node;
    const float *gamma = convlstm__weights(node, GAMMA), *beta = convlstm__weights(node, BETA),
                *mean = convlstm__weights(node, MOVING_MEAN),
                *variance = convlstm__weights(node, MOVING_VARIANCE);
    for (size_t c = 0; c < channels_of(n); c++) {
        double scale = gamma[c] / sqrt(variance[c] + n->layer->epsilon);
        n->scale[c] = (float)scale;
        n->shift[c] = (float)(beta[c] - scale * mean[c]);
    }
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const bn_node *n = (const bn_node *)node;
    convlstm__frame_affine_part(&node->in_layout, channels_of(n), call->in, n->scale, n->shift,
                                call->lane, call->part, call->parts);
}

static convlstm__affine affine(const convlstm__node *node)
{
    return (convlstm__affine){((const bn_node *)node)->scale, ((const bn_node *)node)->shift};
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    bn_node *n = (bn_node *)node;
    size_t c = channels_of(n),
           frame = nbase__round_up(n->frame_floats * sizeof(float), NBASE_ALIGN);
    n->per_thread_bytes = 2 * frame + nbase__round_up(4 * c * sizeof(double), NBASE_ALIGN);
    nbase_status status =
        convlstm__reserve(node->env, &n->sums, batch->max_samples, 2 * c * sizeof(double));
    if (!status && batch->divided)
        status =
            convlstm__reserve(node->env, &n->all_sums, batch->all_items, 2 * c * sizeof(double));
    if (!status)
        status = convlstm__reserve(node->env, &n->per_thread, (size_t)batch->threads,
                                   n->per_thread_bytes);
    if (!status && is_vector(n))
        status = convlstm__reserve(node->env, &n->rows, batch->max_samples, c * sizeof(float));
    if (!status && is_vector(n))
        status =
            convlstm__reserve(node->env, &n->row_gradients, batch->max_samples, c * sizeof(float));
    return status;
}

static float *thread_frame(const bn_node *n, int thread, size_t which)
{
    return (float *)((char *)n->per_thread.data + (size_t)thread * n->per_thread_bytes +
                     which * nbase__round_up(n->frame_floats * sizeof(float), NBASE_ALIGN));
}
static double *thread_sums(const bn_node *n, int thread)
{
    return (double *)thread_frame(n, thread, 2);
}
static double *sample_sums(const bn_node *n, size_t sample)
{
    return (double *)n->sums.data + sample * 2 * channels_of(n);
}

/* The sums of a sample by its number among those of all ranks. */
static const double *any_sums(const bn_node *n, const convlstm__batch *batch, size_t sample)
{
    const convlstm__buffer *sums = batch->divided ? &n->all_sums : &n->sums;
    return (const double *)sums->data + sample * 2 * channels_of(n);
}

static convlstm__sample_rows rows_of_sums(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)batch;
    const bn_node *n = (const bn_node *)node;
    return (convlstm__sample_rows){n->sums.data, n->all_sums.data,
                                   2 * channels_of(n) * sizeof(double)};
}

/* How many times a frame counts in the statistics. */
static size_t repeats(const bn_node *n, const convlstm__batch *batch, size_t sample, size_t step)
{
    if (n->layer->mode == MODE_MASKED || n->base.in.rank != CONVLSTM__SEQUENCE) return 1;
    return convlstm__steps_repeat(&batch->steps[sample], n->base.in.reversed, step);
}

/* Whether the neighbour shows its frames (node.h), so that no pass over them is needed here. */
static bool shown_by(const convlstm__node *neighbour)
{
    return neighbour && neighbour->ops->training.announces;
}

/* ---- forward ---- */

static void observe_sums(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                         size_t step, const double *more, int thread)
{
    (void)thread;
    const bn_node *n = (const bn_node *)node;
    size_t c = channels_of(n), count = repeats(n, batch, sample, step);
    double *sums = sample_sums(n, sample);
    if (step == 0) memset(sums, 0, 2 * c * sizeof *sums);
    for (size_t i = 0; i < 2 * c; i++) sums[i] += (double)count * more[i];
}

static void observe(convlstm__node *node, const convlstm__batch *batch, size_t sample, size_t step,
                    const float *in, int thread)
{
    const bn_node *n = (const bn_node *)node;
    size_t c = channels_of(n);
    double *one = thread_sums(n, thread);
    memset(one, 0, 2 * c * sizeof *one);
    convlstm__frame_moments(&node->in_layout, c, in, one, one + c);
    observe_sums(node, batch, sample, step, one, thread);
}

static size_t unless_shown(const convlstm__node *node, const convlstm__batch *batch)
{
    return shown_by(node->from[0]) ? 0 : batch->samples;
}

static void sum_sample(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                       int thread)
{
    for (size_t s = 0; s < convlstm__value_frames(batch, &node->in, sample); s++)
        observe(node, batch, sample, s, convlstm__pull(node, batch, sample, s, thread), thread);
}

static double values_per_channel(const bn_node *n, const convlstm__batch *batch)
{
    const convlstm__shape *in = &n->base.in;
    size_t frames = batch->all_samples;
    if (in->rank == CONVLSTM__SEQUENCE)
        frames = n->layer->mode == MODE_MASKED ? batch->all_steps : frames * batch->frames;
    return (double)frames * (double)(in->height * in->width);
}

/* A vector per sample: there are few values, and their variance may be small beside the mean, so
 * this follows the formula exactly. */
static void normalise_row(const bn_node *n, const float *gamma, const float *beta, const float *x,
                          float *y)
{
    for (size_t c = 0; c < channels_of(n); c++)
        y[c] = (float)(gamma[c] * (x[c] - n->mean[c]) * n->inverse[c] + beta[c]);
}

/* Each part of a batch moves the averages; the model gets them with the step. */
static void move_averages(bn_node *n, const convlstm__batch *batch)
{
    const convlstm__node *node = &n->base;
    float *mean = n->new_mean, *variance = n->new_variance;
    size_t bytes = channels_of(n) * sizeof *mean;
    if (batch->first_part) {
        memcpy(mean, convlstm__weights(node, MOVING_MEAN), bytes);
        memcpy(variance, convlstm__weights(node, MOVING_VARIANCE), bytes);
        memcpy(n->old_mean, mean, bytes);
        memcpy(n->old_variance, variance, bytes);
        n->old_share = 1;
    }
    n->old_share *= n->layer->momentum;
    bool unbiased =
        n->layer->mode == MODE_COMPAT_TF22 && node->in.rank == CONVLSTM__FRAME && n->count > 1;
    double keep = n->layer->momentum, correction = unbiased ? n->count / (n->count - 1) : 1;
    for (size_t c = 0; c < channels_of(n); c++) {
        mean[c] = (float)(keep * mean[c] + (1 - keep) * n->mean[c]);
        variance[c] = (float)(keep * variance[c] + (1 - keep) * correction * n->variance[c]);
    }
}

static void statistics(convlstm__node *node, const convlstm__batch *batch, size_t task, int thread)
{
    (void)task;
    bn_node *n = (bn_node *)node;
    size_t channels = channels_of(n);
    const float *gamma = convlstm__weights(node, GAMMA), *beta = convlstm__weights(node, BETA);
    n->count = values_per_channel(n, batch);
    for (size_t c = 0; c < channels; c++) {
        double sum = 0, sum_sq = 0;
        for (size_t sample = 0; sample < batch->all_samples; sample++) {
            sum += any_sums(n, batch, sample)[c];
            sum_sq += any_sums(n, batch, sample)[channels + c];
        }
        double mean = sum / n->count, variance = sum_sq / n->count - mean * mean;
        n->mean[c] = mean;
        n->variance[c] = variance > 0 ? variance : 0; /* rounding */
        n->inverse[c] = 1 / sqrt(n->variance[c] + n->layer->epsilon);
        n->batch_scale[c] = (float)(gamma[c] * n->inverse[c]);
        n->batch_shift[c] = (float)(beta[c] - gamma[c] * n->inverse[c] * mean);
    }
    move_averages(n, batch);
    for (size_t sample = 0; is_vector(n) && sample < batch->samples; sample++)
        normalise_row(n, gamma, beta, convlstm__pull(node, batch, sample, 0, thread),
                      (float *)n->rows.data + sample * channels);
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    const bn_node *n = (const bn_node *)node;
    size_t channels = channels_of(n);
    if (is_vector(n)) return (const float *)n->rows.data + sample * channels;
    float *frame = thread_frame(n, thread, 0);
    convlstm__frame_affine(&node->in_layout, channels,
                           convlstm__pull(node, batch, sample, step, thread), n->batch_scale,
                           n->batch_shift, frame);
    return frame;
}

/* ---- backward ----
 *
 * With xhat = (x - mean) inverse, over the N values of a channel:
 *
 *   dbeta  = sum dy
 *   dgamma = sum dy.xhat
 *   dx     = gamma inverse (dy - dbeta/N - xhat dgamma/N)
 *
 * dy is zero at a masked frame, but dx is not: a repeat of x adds its share to the frame that it
 * repeats. */

static void observe_gradient_sums(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                                  size_t step, const double *more, int thread)
{
    (void)thread;
    const bn_node *n = (const bn_node *)node;
    size_t c = channels_of(n);
    double *sums = sample_sums(n, sample);
    if (step == convlstm__value_frames(batch, &node->in, sample) - 1)
        memset(sums, 0, 2 * c * sizeof *sums);
    for (size_t i = 0; i < 2 * c; i++) sums[i] += more[i];
}

static void observe_gradient(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                             size_t step, const float *gradient, int thread)
{
    const bn_node *n = (const bn_node *)node;
    size_t c = channels_of(n);
    double *one = thread_sums(n, thread);
    memset(one, 0, 2 * c * sizeof *one);
    convlstm__frame_dot(&node->in_layout, c, gradient,
                        convlstm__pull(node, batch, sample, step, thread), one, one + c);
    observe_gradient_sums(node, batch, sample, step, one, thread);
}

static size_t unless_gradient_shown(const convlstm__node *node, const convlstm__batch *batch)
{
    return shown_by(node->to) ? 0 : batch->samples;
}

static void sum_gradients(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                          int thread)
{
    for (size_t s = convlstm__value_frames(batch, &node->in, sample); s-- > 0;)
        observe_gradient(node, batch, sample, s,
                         convlstm__pull_gradient(node, batch, sample, s, thread), thread);
}

/* The gradient to a vector, by the formula above. */
static void row_gradient(const bn_node *n, const float *gamma, const float *x, const float *dy,
                         float *dx)
{
    for (size_t c = 0; c < channels_of(n); c++) {
        double xhat = (x[c] - n->mean[c]) * n->inverse[c];
        dx[c] = (float)(gamma[c] * n->inverse[c] *
                        (dy[c] - (n->dx_1[c] + xhat * n->dx_x[c]) / n->count));
    }
}

static void coefficients(convlstm__node *node, const convlstm__batch *batch, size_t task,
                         int thread)
{
    (void)task;
    bn_node *n = (bn_node *)node;
    size_t channels = channels_of(n);
    const float *gamma = convlstm__weights(node, GAMMA);
    float *dgamma = convlstm__weights_gradient(node, batch, GAMMA),
          *dbeta = convlstm__weights_gradient(node, batch, BETA);
    for (size_t c = 0; c < channels; c++) {
        double sum_dy = 0, sum_dyx = 0;
        for (size_t sample = 0; sample < batch->all_samples; sample++) {
            sum_dy += any_sums(n, batch, sample)[c];
            sum_dyx += any_sums(n, batch, sample)[channels + c];
        }
        double inverse = n->inverse[c], sum_dyxhat = (sum_dyx - n->mean[c] * sum_dy) * inverse,
               p = gamma[c] * inverse;
        dgamma[c] = (batch->first_part ? 0.0f : dgamma[c]) + (float)sum_dyxhat;
        dbeta[c] = (batch->first_part ? 0.0f : dbeta[c]) + (float)sum_dy;
        if (is_vector(n)) {
            n->dx_x[c] = (float)sum_dyxhat;
            n->dx_1[c] = (float)sum_dy;
            continue;
        }
        n->dx_dy[c] = (float)p;
        n->dx_x[c] = (float)(-p * inverse * sum_dyxhat / n->count);
        n->dx_1[c] = (float)(p * (n->mean[c] * inverse * sum_dyxhat - sum_dy) / n->count);
    }
    for (size_t sample = 0; is_vector(n) && node->wants_gradient && sample < batch->samples;
         sample++)
        row_gradient(n, gamma, convlstm__pull(node, batch, sample, 0, thread),
                     convlstm__pull_gradient(node, batch, sample, 0, thread),
                     (float *)n->row_gradients.data + sample * channels);
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    const bn_node *n = (const bn_node *)node;
    size_t channels = channels_of(n), count = repeats(n, batch, sample, step);
    if (is_vector(n)) return (const float *)n->row_gradients.data + sample * channels;
    const float *dx_x = n->dx_x, *dx_1 = n->dx_1;
    if (count != 1) {
        float *scaled = (float *)thread_sums(n, thread);
        for (size_t c = 0; c < channels; c++) {
            scaled[c] = (float)count * n->dx_x[c];
            scaled[channels + c] = (float)count * n->dx_1[c];
        }
        dx_x = scaled;
        dx_1 = scaled + channels;
    }
    float *frame = thread_frame(n, thread, 1);
    convlstm__frame_combine(
        &node->in_layout, channels, convlstm__pull_gradient(node, batch, sample, step, thread),
        convlstm__pull(node, batch, sample, step, thread), n->dx_dy, dx_x, dx_1, frame);
    return frame;
}

/* Writes a moving average to the model. Where a layer is used several times, it has a node for each
 * use, all of which began with the same old average, and each moves the model's once: what another
 * node has moved already counts as a part of the old average, of which old_share is left. */
static void commit_average(const bn_node *n, const float *old, const float *new, float *average)
{
    for (size_t c = 0; c < channels_of(n); c++)
        average[c] = average[c] == old[c]
                         ? new[c]
                         : (float)(new[c] + n->old_share *((double)average[c] - old[c]));
}

static void commit(convlstm__node *node)
{
    const bn_node *n = (const bn_node *)node;
    commit_average(n, n->old_mean, n->new_mean, convlstm__state_tensor(node, MOVING_MEAN));
    commit_average(n, n->old_variance, n->new_variance,
                   convlstm__state_tensor(node, MOVING_VARIANCE));
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .prepare = prepare,
    .inference = {.step = infer, .output = convlstm__lane_output, .affine = affine},
    .training = {.reserve = reserve,
                 .forward = {{unless_shown, sum_sample, rows_of_sums},
                             {convlstm__once, statistics, NULL}},
                 .backward = {{unless_gradient_shown, sum_gradients, rows_of_sums},
                              {convlstm__once, coefficients, NULL}},
                 .output = output,
                 .gradient = gradient,
                 .observe = observe,
                 .observe_gradient = observe_gradient,
                 .observe_sums = observe_sums,
                 .observe_gradient_sums = observe_gradient_sums,
                 .commit = commit},
};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    convlstm__layout layout = convlstm__net_layout(net);
    bn_node *n =
        (bn_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &layout, out, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->layer = (const batch_normalization *)layer;
    n->frame_floats = convlstm__frame_floats(&layout, in->channels);
    n->base.lane_floats = n->frame_floats;
    size_t c = in->channels;
    nbase_status status =
        convlstm__reserve(n->base.env, &n->constants, c, 3 * sizeof(double) + 11 * sizeof(float));
    if (status) return status;
    n->mean = n->constants.data;
    n->variance = n->mean + c;
    n->inverse = n->variance + c;
    float **const arrays[] = {&n->scale,        &n->shift,    &n->batch_scale, &n->batch_shift,
                              &n->dx_dy,        &n->dx_x,     &n->dx_1,        &n->new_mean,
                              &n->new_variance, &n->old_mean, &n->old_variance};
    float *next = (float *)(n->inverse + c);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++, next += c) *arrays[i] = next;
    return NBASE_OK;
}

const convlstm__layer_class convlstm__batch_normalization_class = {
    .type = "batch_normalization",
    .size = sizeof(batch_normalization),
    .fields = fields,
    .defaults = &defaults,
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
