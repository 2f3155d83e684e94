/* The loss of a batch without training: a validation pass. */
#include <math.h>
#include <string.h>

#include "model/session.h"
#include "trainer.h"

/* A batch on its way: what the network gave, `values` floats per item in `frames` frames. */
typedef struct evaluation {
    convlstm_trainer *trainer;
    const float *outputs, *targets;
    size_t values, frames;
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

/* Adds the losses of a sample's valid frames, or of its frame or vector, to *sum, and their number
 * to *count. */
static void add_sample(const evaluation *e, size_t sample, double *sum, size_t *count)
{
    const convlstm_trainer *t = e->trainer;
    const convlstm__shape *shape = &t->model->output;
    const convlstm__steps *steps = &t->samples.steps[sample];
    convlstm_loss loss = t->optimizer.options.loss;
    bool sequence = shape->rank == CONVLSTM__SEQUENCE;
    size_t floats = e->values / e->frames,
           row = loss == CONVLSTM_LOSS_SOFTMAX ? shape->channels : floats,
           rows = sequence ? steps->count : 1;
    for (size_t v = 0; v < rows; v++) {
        size_t s = shape->reversed ? rows - 1 - v : v, /* in the order of the caller's frames */
            time = sequence ? convlstm__steps_time(steps, shape->reversed, s) : 0,
               at = t->samples.item[sample] * e->values + time * floats;
        double one;
        convlstm_loss_of_outputs(loss, e->outputs + at, e->targets + at, floats / row, row, &one);
        *sum += one;
    }
    *count += rows;
}

static nbase_status evaluate(convlstm_trainer *t, const convlstm_batch *in, const float *targets,
                             float *out, convlstm_step_result *result)
{
    size_t shape[4], values = 1, count = 0;
    nbase_status status =
        convlstm_model_output_shape(t->model, in->frames, in->height, in->width, shape, &t->error);
    if (status) return status;
    convlstm_model_info info;
    convlstm_model_get_info(t->model, &info);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    size_t floats;
    if (!nbase__mul(in->batch, values, &floats))
        return nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    status = ready(t, floats);
    if (status) return status;
    if (convlstm__samples_fill(&t->env, &t->samples, in,
                               in->height * in->width * t->model->channels))
        return nbase__fail(&t->error, NBASE_ERR_NOMEM, "evaluation: out of memory");
    float *outputs = t->evaluated.data;
    convlstm_session_reset(t->evaluator);
    status = convlstm_run(t->evaluator, in, outputs, NULL, NULL);
    if (status && (status != NBASE_ERR_NO_VALID_FRAMES || !t->samples.count))
        return nbase__fail(&t->error, status, "evaluation: %s", t->evaluator->error.text);
    bool each_frame = info.output_dims == 2 || info.output_dims == 4;
    const evaluation e = {t, outputs, targets, values, each_frame ? in->frames : 1};
    for (size_t s = 0; s < t->samples.count; s++) add_sample(&e, s, &result->loss, &count);
    result->loss /= (double)count;
    result->used = t->samples.count;
    if (out) memcpy(out, outputs, floats * sizeof *out);
    if (isfinite(result->loss)) return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NUMERIC, "evaluation: the loss (%g) is not finite",
                       result->loss);
}

nbase_status convlstm_trainer_evaluate(convlstm_trainer *t, const convlstm_batch *in,
                                       const float *targets, float *out,
                                       convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    t->error.text[0] = '\0';
    convlstm_step_result r = {0};
    nbase_status status;
    if (!in || !in->img || !targets || !in->batch || !in->frames)
        status = nbase__fail(&t->error, NBASE_ERR_ARG, "evaluation: a null or empty argument");
    else
        status = evaluate(t, in, targets, out, &r);
    if (result) *result = r;
    return status;
}
