/* The loss of a batch without training: a validation pass. */
#include <math.h>
#include <string.h>

#include "loss.h"
#include "model/session.h"
#include "ssim.h"
#include "trainer.h"

/* An output, and the losses of its rows: valid frames, or the frame or vector of each sample. */
typedef struct judged_output {
    convlstm_output of;
    convlstm__shape shape; /* of a frame of it, or of all that it is */
    size_t frames;         /* per item; 1 where it is no sequence */
    size_t first, rows;    /* in the trainer's losses: where its own begin; how many are there */
} judged_output;

/* A batch on its way. */
typedef struct evaluation {
    const convlstm_batch *in;
    const float *outputs, *targets; /* one output behind the other */
    size_t values;                  /* that the network gives for an item */
    size_t rows;                    /* room for so many losses */
    judged_output each[CONVLSTM__OUTPUTS];
} evaluation;

/* A session on the model as it is, and room for what it gives. */
static nbase_status ready(convlstm_trainer *t, size_t floats)
{
    convlstm__backend_choice backend = t->backend;
    backend.train = NULL;
    const convlstm_session_options options = {.num_threads = t->threads};
    nbase_status status = NBASE_OK;
    if (!t->evaluator)
        status = convlstm__session_create(t->model, &options, backend, &t->evaluator, &t->error);
    if (!status && convlstm__reserve(&t->env, &t->evaluated, floats, sizeof(float)))
        status = nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    return status;
}

/* What the network gives for a batch of this size, without rows yet. */
static nbase_status describe(convlstm_trainer *t, const convlstm_batch *in, evaluation *e)
{
    const convlstm_model *m = t->model;
    convlstm__shape shapes[CONVLSTM__MAX_LAYERS];
    e->in = in;
    for (size_t k = 0; k < m->output_count; k++) {
        judged_output *o = &e->each[k];
        nbase_status status =
            convlstm_model_output(m, k, in->frames, in->height, in->width, &o->of, &t->error);
        if (!status && !k)
            status = convlstm__layer_shapes(m, in->height, in->width, shapes, &t->error);
        if (status) return status;
        o->shape = shapes[m->outputs[k]];
        o->frames = o->shape.rank == CONVLSTM__SEQUENCE ? o->of.shape[0] : 1;
        o->first = e->rows;
        e->values += o->of.floats;
        e->rows += in->batch * o->frames;
    }
    return NBASE_OK;
}

/* Appends the losses of a sample's rows. */
static void add_sample(convlstm_trainer *t, const evaluation *e, size_t k, size_t sample,
                       judged_output *o)
{
    const convlstm_trainer_options *options = &t->of_output[k];
    const convlstm__steps *steps = &t->samples.on_clock[o->shape.clock][sample];
    bool sequence = o->shape.rank == CONVLSTM__SEQUENCE, reversed = o->shape.reversed;
    size_t floats = o->of.floats / o->frames,
           row = options->loss == CONVLSTM_LOSS_SOFTMAX ? o->shape.channels : floats,
           rows = sequence ? steps->count : 1,
           item = e->in->batch * o->of.before + t->samples.item[sample] * o->of.floats;
    double *losses = (double *)t->losses.data + o->first + o->rows;
    for (size_t v = 0; v < rows; v++) {
        size_t s = reversed ? rows - 1 - v : v, /* in the order of the caller's frames */
            at = item + (sequence ? convlstm__steps_time(steps, reversed, s) : 0) * floats;
        if (options->loss == CONVLSTM_LOSS_SSIM)
            losses[v] =
                convlstm__ssim(&o->shape, e->outputs + at, e->targets + at, 1, NULL, t->ssim.data);
        else
            convlstm__loss_of_outputs(options, e->outputs + at, e->targets + at, floats / row, row,
                                      &losses[v]);
    }
    o->rows += rows;
}

/* What the network gives, zeros for items without a valid frame. */
static nbase_status run_network(convlstm_trainer *t, const convlstm_batch *in, float *outputs,
                                size_t floats)
{
    convlstm_session_reset(t->evaluator);
    memset(outputs, 0, floats * sizeof *outputs);
    nbase_status status = convlstm_run(t->evaluator, in, outputs, NULL, NULL);
    if (status && (status != NBASE_ERR_NO_VALID_FRAMES || !(t->samples.count || t->shares.group)))
        return nbase__fail(&t->error, status, "evaluation: %s", t->evaluator->error.text);
    return NBASE_OK;
}

/* This rank's share: its outputs, and the losses of their rows. */
static nbase_status run_share(convlstm_trainer *t, const convlstm_batch *in, const float *targets,
                              float *out, evaluation *e)
{
    size_t floats;
    t->samples.count = 0;
    if (t->shares.group && in && !in->batch) return NBASE_OK;
    if (!in || !in->img || !targets || !in->batch || !in->frames)
        return nbase__fail(&t->error, NBASE_ERR_ARG, "evaluation: a null or empty argument");
    nbase_status status = describe(t, in, e);
    if (status) return status;
    if (!nbase__mul(in->batch, e->values, &floats))
        return nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    status = ready(t, floats);
    if (status) return status;
    if (convlstm__samples_fill(&t->env, &t->samples, in,
                               convlstm__image_floats(t->model, in->height, in->width),
                               &t->model->clocks) ||
        convlstm__reserve(&t->env, &t->losses, e->rows, sizeof(double)))
        return nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    for (size_t k = 0; k < t->model->output_count && !status; k++)
        if (t->of_output[k].loss == CONVLSTM_LOSS_SSIM)
            status = convlstm__ssim_ready(t, k, &e->each[k].shape);
    if (status) return status;
    float *outputs = t->evaluated.data;
    status = run_network(t, in, outputs, floats);
    if (status) return status;
    e->outputs = outputs;
    e->targets = targets;
    for (size_t k = 0; k < t->model->output_count; k++)
        for (size_t s = 0; t->weights[k] > 0 && s < t->samples.count; s++)
            add_sample(t, e, k, s, &e->each[k]);
    if (out) memcpy(out, outputs, floats * sizeof *out);
    return NBASE_OK;
}

/* The mean loss of an output over the rows of all ranks. */
static nbase_status mean_loss(convlstm_trainer *t, const judged_output *o, double *mean)
{
    const convlstm__shares *shares = &t->shares;
    const double *losses = (const double *)t->losses.data + o->first;
    bool by_steps = o->of.masked;
    size_t each = by_steps ? 1 : o->frames, /* rows of a step, or of a sample */
        rows = (by_steps ? shares->steps : shares->samples) * each;
    nbase_status status = NBASE_OK;
    if (shares->group) {
        status = convlstm__reserve(&t->env, &t->all_losses, rows, sizeof *losses);
        if (status) nbase__fail(&t->error, status, "evaluation: out of memory");
        status = convlstm__shares_agree(shares, status, &t->error);
        const convlstm__sample_rows all = {losses, t->all_losses.data, each * sizeof *losses};
        const size_t *counts = by_steps ? shares->steps_of : shares->samples_of;
        if (!status) status = convlstm__shares_gather(shares, &all, counts, &t->error);
        losses = t->all_losses.data;
    }
    if (status) return status;
    double sum = 0;
    for (size_t i = 0; i < rows; i++) sum += losses[i];
    *mean = sum / (double)rows;
    return NBASE_OK;
}

/* The sum of the outputs' losses, each times its weight. */
static nbase_status sum_losses(convlstm_trainer *t, const evaluation *e, double *sum)
{
    *sum = 0;
    for (size_t k = 0; k < t->model->output_count; k++) {
        t->output_loss[k] = NAN;
        if (!(t->weights[k] > 0)) continue;
        nbase_status status = mean_loss(t, &e->each[k], &t->output_loss[k]);
        if (status) return status;
        *sum += t->weights[k] * t->output_loss[k];
    }
    if (isfinite(*sum)) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NUMERIC, "evaluation: the loss (%g) is not finite",
                       *sum);
}

static nbase_status evaluate(convlstm_trainer *t, const convlstm_batch *in, const float *targets,
                             float *out, convlstm_step_result *result)
{
    convlstm_batch share = {0};
    evaluation e = {0};
    nbase_status status = run_share(t, in, targets, out, &e);
    if (in) share = *in;
    const convlstm__meeting meeting = {.call = CONVLSTM__EVALUATION,
                                       .status = status,
                                       .in = &share,
                                       .samples = t->samples.count,
                                       .steps = convlstm__samples_steps(&t->samples)};
    status = convlstm__shares_meet(t, &meeting, &t->error);
    /* a share without items now has the size of the others */
    if (!status && !share.batch) status = describe(t, &share, &e);
    if (status) return status;
    if (!t->shares.samples)
        return nbase__fail(&t->error, NBASE_ERR_NO_VALID_FRAMES,
                           "evaluation: no sample of the batch has a valid frame");
    result->used = t->shares.samples;
    return sum_losses(t, &e, &result->loss);
}

nbase_status convlstm_trainer_evaluate(convlstm_trainer *t, const convlstm_batch *in,
                                       const float *targets, float *out,
                                       convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    t->error.text[0] = '\0';
    convlstm_step_result r = {0};
    nbase_status status = evaluate(t, in, targets, out, &r);
    if (result) *result = r;
    return status;
}
