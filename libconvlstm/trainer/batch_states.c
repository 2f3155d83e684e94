/* States of recurrent layers between the batches of a training run. */
#include "batch_states.h"

#include <string.h>

#include "model/states.h"

/* Rows of an archive for a share, which an empty one has too. */
static size_t rows_of(const convlstm_batch *in) { return in->batch ? in->batch : 1; }

/* Checks what the caller gives, and that what stateful layers kept is of this batch's size. */
static nbase_status check_states(convlstm_trainer *t, const convlstm_batch *in, bool stateful)
{
    nbase_status status = NBASE_OK;
    if (in->initial_state)
        status = convlstm__states_check(in->initial_state, t->net, rows_of(in), false, false,
                                        "initial state", &t->error);
    if (!status && t->states && stateful)
        status = convlstm__states_check(
            t->states, t->net, t->states_whole ? t->shares.items : rows_of(in), true, false,
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
    for (size_t r = 0; t->shares.group && r < t->shares.group->size; r++)
        t->shares.kept_of[r] = t->shares.items_of[r];
    return NBASE_OK;
}

/* Of states that were restored, this rank's rows. */
static nbase_status take_share(convlstm_trainer *t, const convlstm_batch *in)
{
    nbase_archive *whole = t->states;
    nbase_archive_free(t->states_after);
    t->states = t->states_after = NULL;
    t->states_whole = false;
    nbase_status status = reserve_states(t, rows_of(in));
    for (const convlstm__node *n = t->net->first; n && !status; n = n->next)
        for (int which = 0; which < 2 && convlstm__node_in(n, CONVLSTM__EVERY_LAYER); which++) {
            size_t floats = convlstm__shape_floats(&n->out);
            memcpy(convlstm__state_find(t->states, n, which)->data,
                   (const float *)convlstm__state_find(whole, n, which)->data +
                       t->shares.items_before * floats,
                   in->batch * floats * sizeof(float));
        }
    nbase_archive_free(whole);
    return status;
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

nbase_status convlstm__states_ready(convlstm_trainer *t, const convlstm_batch *in,
                                    const nbase_archive **begin)
{
    *begin = NULL;
    bool stateful = convlstm__model_has(t->model, CONVLSTM__STATEFUL);
    if (!stateful && !in->initial_state) return NBASE_OK;
    nbase_status status = check_states(t, in, stateful);
    if (!status && t->states_whole) status = take_share(t, in);
    if (!status) status = reserve_states(t, rows_of(in));
    if (status) return status;
    for (const convlstm__node *n = t->net->first; n; n = n->next)
        for (int which = 0; which < 2 && convlstm__node_in(n, CONVLSTM__EVERY_LAYER); which++)
            begin_state(t, n, which, in->initial_state);
    *begin = t->states;
    return NBASE_OK;
}

void convlstm__states_keep(convlstm_trainer *t, const convlstm__batch *batch)
{
    for (const convlstm__node *n = t->net->first; batch->initial_state && n; n = n->next) {
        if (!convlstm__node_in(n, CONVLSTM__STATEFUL)) continue;
        float *h = convlstm__state_find(t->states_after, n, 0)->data,
              *c = convlstm__state_find(t->states_after, n, 1)->data;
        size_t floats = convlstm__shape_floats(&n->out);
        for (size_t s = 0; s < batch->samples; s++)
            n->ops->state.trained(n, convlstm__batch_of(batch, n), s, h + batch->items[s] * floats,
                                  c + batch->items[s] * floats);
    }
}

/* ---- of all ranks ---- */

nbase_status convlstm__states_gather(const convlstm_trainer *t, const nbase_archive **out,
                                     nbase_archive **made, nbase_error *err)
{
    const convlstm__shares *shares = &t->shares;
    *out = *made = NULL;
    if (!t->states || !convlstm__model_has(t->model, CONVLSTM__STATEFUL)) return NBASE_OK;
    *out = t->states;
    if (!shares->group || t->states_whole) return NBASE_OK;
    size_t items = 0;
    for (size_t r = 0; r < shares->group->size; r++) items += shares->kept_of[r];
    nbase_status status =
        convlstm__states_create(&t->env, t->net, CONVLSTM__EVERY_LAYER, items, made);
    if (status)
        nbase__fail(err, status, "checkpoint: out of memory for the states of %zu samples", items);
    status = convlstm__shares_agree(shares, status, err);
    for (size_t i = 0; !status && i < nbase_archive_count(*made); i++) {
        const nbase_array *to = nbase_archive_at(*made, i),
                          *from = nbase_archive_find(t->states, to->name);
        const convlstm__sample_rows rows = {from->data, to->data,
                                            to->count / items * sizeof(float)};
        status = convlstm__shares_gather(shares, &rows, shares->kept_of, err);
    }
    *out = *made;
    return status;
}
