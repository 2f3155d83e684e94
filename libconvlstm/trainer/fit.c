/* Whole runs: epochs of steps, a validation pass, the schedule, early stopping, and the host's
 * callbacks. */
#include <math.h>
#include <string.h>

#include "trainer.h"

typedef struct pass {
    convlstm_trainer *trainer;
    const convlstm_fit_options *options;
    convlstm_progress progress;
    bool cancelled;
} pass;

/* All batches of an epoch, or of a validation pass; the mean loss over the samples to *loss (NaN:
 * there was no batch). */
static nbase_status run_pass(pass *p, bool validation, double *loss)
{
    const convlstm_fit_options *o = p->options;
    convlstm_trainer *t = p->trainer;
    double sum = 0, samples = 0;
    convlstm_fit_batch b;
    int got = 1;
    for (size_t i = 0; !p->cancelled; i++) {
        memset(&b, 0, sizeof b);
        got = o->next(o->ctx, validation, p->progress.epoch, i, &b);
        if (got <= 0) break;
        convlstm_step_result r;
        if (!validation && o->schedule.kind != CONVLSTM_SCHEDULE_PLATEAU)
            convlstm_trainer_set_learning_rate(
                t, convlstm_schedule_rate(&o->schedule, convlstm_trainer_steps(t)));
        nbase_status status = validation
                                  ? convlstm_trainer_evaluate(t, &b.in, b.targets, NULL, &r)
                                  : convlstm_trainer_step_batch(t, &b.in, b.targets, NULL, &r);
        if (status) return status;
        sum += r.loss * (double)r.used;
        samples += (double)r.used;
        *loss = sum / samples;
        if (validation) continue;
        p->progress.step = i + 1;
        p->progress.loss = *loss;
        p->progress.step_loss = r.loss;
        p->progress.learning_rate = convlstm_trainer_learning_rate(t);
        p->cancelled = o->on_step && o->on_step(o->ctx, &p->progress);
    }
    return got < 0 ? nbase__fail(&t->error, NBASE_ERR_IO,
                                 "fit: the callback `next` could not give a batch")
                   : NBASE_OK;
}

/* An epoch with its validation pass; *judged is the loss that counts. */
static nbase_status run_epoch(pass *p, size_t epoch, double *judged)
{
    const convlstm_fit_options *o = p->options;
    p->progress = (convlstm_progress){.epoch = epoch, .loss = NAN, .validation_loss = NAN};
    nbase_status status = run_pass(p, false, &p->progress.loss);
    double validation = NAN;
    if (!status && !p->cancelled && o->validate) status = run_pass(p, true, &validation);
    if (status || p->cancelled) return status;
    p->progress.validation_loss = validation;
    *judged = isnan(validation) ? p->progress.loss : validation;
    return NBASE_OK;
}

static nbase_status run_epochs(pass *p, convlstm_fit_result *result)
{
    const convlstm_fit_options *o = p->options;
    convlstm_watch stop, plateau;
    convlstm_watch_begin(&stop);
    convlstm_watch_begin(&plateau);
    nbase_status status = NBASE_OK;
    for (size_t epoch = 0; epoch < o->epochs && !result->stopped_early; epoch++) {
        double judged = NAN, rate;
        status = run_epoch(p, epoch, &judged);
        if (status || p->cancelled) break;
        p->progress.best = convlstm_watch_see(&stop, judged, o->min_delta);
        convlstm_watch_see(&plateau, judged, o->min_delta);
        rate = convlstm_trainer_learning_rate(p->trainer);
        convlstm_trainer_set_learning_rate(p->trainer,
                                           convlstm_plateau_rate(&o->schedule, &plateau, rate));
        result->epochs = epoch + 1;
        p->cancelled = o->on_epoch && o->on_epoch(o->ctx, &p->progress);
        result->stopped_early = o->early_stop && stop.waited >= o->early_stop;
        if (p->cancelled) break;
    }
    result->best_loss = stop.seen ? stop.best : NAN;
    result->best_epoch = stop.best_at;
    return status;
}

nbase_status convlstm_fit(convlstm_trainer *t, const convlstm_fit_options *o,
                          convlstm_fit_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    t->error.text[0] = '\0';
    if (!o || !o->next) return nbase__fail(&t->error, NBASE_ERR_ARG, "fit: a null argument");
    pass p = {.trainer = t, .options = o};
    convlstm_fit_result r = {.best_loss = NAN};
    if (o->schedule.kind == CONVLSTM_SCHEDULE_PLATEAU)
        convlstm_trainer_set_learning_rate(t, o->schedule.rate);
    nbase_status status = run_epochs(&p, &r);
    r.cancelled = p.cancelled;
    if (result) *result = r;
    if (status || !p.cancelled) return status;
    return nbase__fail(&t->error, NBASE_ERR_CANCELLED, "fit: a callback asked to stop");
}
