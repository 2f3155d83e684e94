#include "array_validation.h"

#include <stdlib.h>

#include "fail.h"
#include "feed/loader.h"

typedef struct loss_sum {
    array_losses losses; /* each times the number of its sequences */
    size_t used;
} loss_sum;

static bool add_batch(train_run *r, const batch *b, loss_sum *sum, nbase_error *err)
{
    const convlstm_batch in = loader_batch(&r->validation, b);
    convlstm_step_result result;
    nbase_status status = convlstm_trainer_evaluate(r->trainer, &in, b->targets, NULL, &result);
    if (status == NBASE_ERR_NO_VALID_FRAMES) return true;
    if (status != NBASE_OK)
        return tool_fail(err, status, "validation: %s", convlstm_trainer_error(r->trainer));
    const array_losses losses = array_losses_of(r, result.loss);
    sum->losses.all += losses.all * (double)result.used;
    for (size_t k = 0; k < r->options->output_count; k++)
        sum->losses.output[k] += losses.output[k] * (double)result.used;
    sum->used += result.used;
    return true;
}

/* All batches in the order of the file. */
static bool add_all(train_run *r, const size_t *order, loss_sum *sum, nbase_error *err)
{
    const train_options *o = r->options;
    const loader_plan plan = {.source = &r->validation,
                              .items = order,
                              .count = r->validation.count,
                              .batch = o->batch,
                              .rank = (size_t)ranks_rank(o->ranks),
                              .ranks = (size_t)ranks_size(o->ranks)};
    loader *l = loader_start(&plan, err);
    bool ok = ranks_agree(o->ranks, l != NULL, err);
    while (ok) {
        const batch *b = loader_next(l);
        ok = ranks_agree(o->ranks, b || !loader_failed(l, err), err);
        if (!b || !ok) break;
        ok = add_batch(r, b, sum, err);
    }
    loader_stop(l);
    return ok;
}

bool train_array_losses(train_run *r, array_losses *losses, nbase_error *err)
{
    size_t n = r->validation.count, *order = malloc((n ? n : 1) * sizeof *order);
    loss_sum sum = {0};
    for (size_t i = 0; order && i < n; i++) order[i] = i;
    bool ok = ranks_agree(r->options->ranks, order || tool_no_memory(err), err) &&
              add_all(r, order, &sum, err);
    free(order);
    if (ok && !sum.used)
        return tool_fail(err, NBASE_ERR_NO_VALID_FRAMES,
                         "%s: no sequence to validate on has a valid frame",
                         r->options->validation);
    if (!ok) return false;
    losses->all = sum.losses.all / (double)sum.used;
    for (size_t k = 0; k < r->options->output_count; k++)
        losses->output[k] = sum.losses.output[k] / (double)sum.used;
    return true;
}
