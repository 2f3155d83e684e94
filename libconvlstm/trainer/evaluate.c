/* The loss of a batch without training: a validation pass. */
#include <math.h>
#include <string.h>

#include "loss.h"
#include "model/session.h"
#include "trainer.h"

/* A batch on its way: what the network gave, `values` floats per item in `frames` frames. */
typedef struct evaluation {
    convlstm_trainer *trainer;
    const float *outputs, *targets;
    size_t values, frames;
    double *losses; /* of each row: a valid frame, or a frame or vector for the sample */
} evaluation;

/* A session on the model as it is, and room for what it gives. */
static nbase_status ready(convlstm_trainer *t, size_t floats)
{
    convlstm__backend_choice backend = t->backend;
    backend.train = false;
    const convlstm_session_options options = {.num_threads = t->threads};
    nbase_status status = NBASE_OK;
    if (!t->evaluator)
        status = convlstm__session_create(t->model, &options, backend, &t->evaluator, &t->error);
    if (!status && convlstm__reserve(&t->env, &t->evaluated, floats, sizeof(float)))
        status = nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    return status;
}

/* Appends the losses of a sample's valid frames, or of its frame or vector, to those of `count`
 * rows, and returns the number of rows then. */
static size_t add_sample(const evaluation *e, size_t sample, size_t count)
{
    const convlstm_trainer *t = e->trainer;
    const convlstm__shape *shape = &t->model->output;
    const convlstm__steps *steps = &t->samples.on_clock[shape->clock][sample];
    convlstm_loss loss = t->optimizer.options.loss;
    bool sequence = shape->rank == CONVLSTM__SEQUENCE;
    size_t floats = e->values / e->frames,
           row = loss == CONVLSTM_LOSS_SOFTMAX ? shape->channels : floats,
           rows = sequence ? steps->count : 1;
    for (size_t v = 0; v < rows; v++) {
        size_t s = shape->reversed ? rows - 1 - v : v, /* in the order of the caller's frames */
            time = sequence ? convlstm__steps_time(steps, shape->reversed, s) : 0,
               at = t->samples.item[sample] * e->values + time * floats;
        convlstm__loss_of_outputs(&t->optimizer.options, e->outputs + at, e->targets + at,
                                  floats / row, row, &e->losses[count + v]);
    }
    return count + rows;
}

/* This rank's share: its outputs, and the losses of `*rows` rows in t->losses. */
static nbase_status run_share(convlstm_trainer *t, const convlstm_batch *in, const float *targets,
                              float *out, size_t *rows)
{
    size_t shape[4], values = 1, floats;
    t->samples.count = 0;
    if (t->shares.group && in && !in->batch) return NBASE_OK;
    if (!in || !in->img || !targets || !in->batch || !in->frames)
        return nbase__fail(&t->error, NBASE_ERR_ARG, "evaluation: a null or empty argument");
    nbase_status status =
        convlstm_model_output_shape(t->model, in->frames, in->height, in->width, shape, &t->error);
    if (status) return status;
    convlstm_model_info info;
    convlstm_model_get_info(t->model, &info);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    if (!nbase__mul(in->batch, values, &floats))
        return nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    status = ready(t, floats);
    if (status) return status;
    if (convlstm__samples_fill(&t->env, &t->samples, in,
                               in->height * in->width * t->model->channels, &t->model->clocks) ||
        convlstm__reserve(&t->env, &t->losses,
                          in->batch * convlstm__clock_most(&t->model->clocks, in->frames),
                          sizeof(double)))
        return nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    float *outputs = t->evaluated.data;
    convlstm_session_reset(t->evaluator);
    memset(outputs, 0, floats * sizeof *outputs); /* items without a valid frame are not written */
    status = convlstm_run(t->evaluator, in, outputs, NULL, NULL);
    if (status && (status != NBASE_ERR_NO_VALID_FRAMES || !(t->samples.count || t->shares.group)))
        return nbase__fail(&t->error, status, "evaluation: %s", t->evaluator->error.text);
    bool each_frame = info.output_dims == 2 || info.output_dims == 4;
    const evaluation e = {t, outputs, targets, values, each_frame ? shape[0] : 1, t->losses.data};
    for (size_t s = 0; s < t->samples.count; s++) *rows = add_sample(&e, s, *rows);
    if (out) memcpy(out, outputs, floats * sizeof *out);
    return NBASE_OK;
}

/* The mean over the rows of all ranks. */
static nbase_status mean_loss(convlstm_trainer *t, double *mean)
{
    const convlstm__shares *shares = &t->shares;
    const double *losses = t->losses.data;
    nbase_status status = NBASE_OK;
    if (shares->group) {
        status = convlstm__reserve(&t->env, &t->all_losses, shares->steps, sizeof *losses);
        if (status) nbase__fail(&t->error, status, "evaluation: out of memory");
        status = convlstm__shares_agree(shares, status, &t->error);
        const convlstm__sample_rows rows = {losses, t->all_losses.data, sizeof *losses};
        if (!status) status = convlstm__shares_gather(shares, &rows, shares->steps_of, &t->error);
        losses = t->all_losses.data;
    }
    if (status) return status;
    double sum = 0;
    for (size_t i = 0; i < shares->steps; i++) sum += losses[i];
    *mean = sum / (double)shares->steps;
    if (isfinite(*mean)) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NUMERIC, "evaluation: the loss (%g) is not finite",
                       *mean);
}

static nbase_status evaluate(convlstm_trainer *t, const convlstm_batch *in, const float *targets,
                             float *out, convlstm_step_result *result)
{
    convlstm_batch share = {0};
    size_t rows = 0;
    nbase_status status = run_share(t, in, targets, out, &rows);
    if (in) share = *in;
    const convlstm__meeting meeting = {.call = CONVLSTM__EVALUATION,
                                       .status = status,
                                       .in = &share,
                                       .samples = t->samples.count,
                                       .steps = rows};
    status = convlstm__shares_meet(t, &meeting, &t->error);
    if (status) return status;
    if (!t->shares.samples)
        return nbase__fail(&t->error, NBASE_ERR_NO_VALID_FRAMES,
                           "evaluation: no sample of the batch has a valid frame");
    result->used = t->shares.samples;
    return mean_loss(t, &result->loss);
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
