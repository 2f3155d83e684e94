/* Training steps: gradients, the optimizer, and what else a step changes. */
#include "gradients.h"

static nbase_status gradients(convlstm_trainer *t, bool step, const convlstm_batch *in,
                              const float *targets, float *out, convlstm_step_result *result)
{
    *result = (convlstm_step_result){0};
    return convlstm__gradients_run(t, step, in, targets, out, result);
}

/* Moving statistics, and the states of stateful layers. */
static void commit(convlstm_trainer *t)
{
    for (convlstm__node *n = t->net->first; n; n = n->next)
        if (n->ops->training.commit) n->ops->training.commit(n);
    nbase_archive *before = t->states;
    t->states = t->states_after;
    t->states_after = before;
}

nbase_status convlstm_trainer_step_batch(convlstm_trainer *t, const convlstm_batch *in,
                                         const float *targets, float *out,
                                         convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    convlstm_step_result r;
    nbase_status status = gradients(t, true, in, targets, out, &r);
    if (result) *result = r;
    if (status) return status;
    convlstm__optimizer_step(&t->optimizer, t->model, r.grad_norm, t->threads);
    commit(t);
    t->model->version++;
    t->shares.compared = t->model->version + 1; /* all ranks made the same step */
    return NBASE_OK;
}

nbase_status convlstm_trainer_gradients_batch(convlstm_trainer *t, const convlstm_batch *in,
                                              const float *targets, float *out,
                                              convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    convlstm_step_result r;
    nbase_status status = gradients(t, false, in, targets, out, &r);
    if (result) *result = r;
    return status;
}

nbase_status convlstm_trainer_step(convlstm_trainer *t, const float *img, const uint8_t *mask,
                                   const float *labels, size_t batch, size_t frames, size_t height,
                                   size_t width, float *probs, convlstm_step_result *result)
{
    const convlstm_batch in = {img, mask, batch, frames, height, width, NULL};
    return convlstm_trainer_step_batch(t, &in, labels, probs, result);
}

nbase_status convlstm_trainer_gradients(convlstm_trainer *t, const float *img, const uint8_t *mask,
                                        const float *labels, size_t batch, size_t frames,
                                        size_t height, size_t width, float *probs,
                                        convlstm_step_result *result)
{
    const convlstm_batch in = {img, mask, batch, frames, height, width, NULL};
    return convlstm_trainer_gradients_batch(t, &in, labels, probs, result);
}
