/* Whole runs: epochs of steps, a validation pass, the schedule, early stopping, and the host's
 * callbacks. And the loss of a batch without training. */
#include <math.h>
#include <string.h>

#include "../model/session.h"
#include "trainer.h"

/* ---- evaluation ---- */

nbase_status convlstm_trainer_evaluate(convlstm_trainer *t, const convlstm_batch *in,
                                       const float *targets, float *out,
                                       convlstm_step_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    t->error.text[0] = '\0';
    convlstm_step_result r = {0};
    if (result) *result = r;
    if (!in || !in->img || !targets || !in->batch || !in->frames)
        return nbase__fail(&t->error, NBASE_ERR_ARG, "evaluation: a null or empty argument");
    size_t shape[4], values = 1, frames = 1;
    nbase_status status =
        convlstm_model_output_shape(t->model, in->frames, in->height, in->width, shape, &t->error);
    if (status) return status;
    convlstm_model_info info;
    convlstm_model_get_info(t->model, &info);
    for (int d = 0; d < info.output_dims; d++) values *= shape[d];
    if (info.output_dims == 4) frames = in->frames;
    convlstm__backend_choice backend = t->backend;
    backend.train = false;
    if (!t->evaluator)
        status = convlstm__session_create(t->model,
                                          &(convlstm_session_options){.num_threads = t->threads},
                                          backend, &t->evaluator, &t->error);
    if (!status && convlstm__reserve(&t->env, &t->evaluated, in->batch, values * sizeof(float)))
        status = NBASE_ERR_NOMEM;
    if (!status)
        status = convlstm__batch_fill(&t->env, &t->batch, in->img, in->mask, in->batch, in->frames,
                                      in->height * in->width * t->model->channels);
    if (status)
        return status == NBASE_ERR_NOMEM
                   ? nbase__fail(&t->error, status, "evaluation: out of memory")
                   : status;
    float *y = t->evaluated.data;
    convlstm_session_reset(t->evaluator);
    status = convlstm_run(t->evaluator, in, y, NULL, NULL);
    if (status && (status != NBASE_ERR_NO_VALID_FRAMES || !t->batch.samples))
        return nbase__fail(&t->error, status, "evaluation: %s", t->evaluator->error.text);
    size_t each = values / frames, divisor = 0,
           row = t->optimizer.options.loss == CONVLSTM_LOSS_SOFTMAX ? info.outputs : each;
    bool reversed = t->model->output.reversed, sequence = info.output_dims == 4;
    for (size_t s = 0; s < t->batch.samples; s++) {
        const convlstm__steps *steps = &t->batch.steps[s];
        size_t count = sequence ? steps->count : 1;
        for (size_t v = 0; v < count; v++) {
            size_t time = sequence ? convlstm__steps_time(steps, reversed, v) : 0,
                   at = t->batch.item[s] * values + time * each;
            double one;
            convlstm_loss_of_outputs(t->optimizer.options.loss, y + at, targets + at, each / row,
                                     row, &one);
            r.loss += one;
            divisor++;
        }
    }
    r.loss /= (double)divisor;
    r.used = t->batch.samples;
    if (out) memcpy(out, y, in->batch * values * sizeof *out);
    if (result) *result = r;
    return isfinite(r.loss) ? NBASE_OK
                            : nbase__fail(&t->error, NBASE_ERR_NUMERIC,
                                          "evaluation: the loss (%g) is not finite", r.loss);
}

/* ---- runs ---- */

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

nbase_status convlstm_fit(convlstm_trainer *t, const convlstm_fit_options *o,
                          convlstm_fit_result *result)
{
    if (!t) return NBASE_ERR_ARG;
    t->error.text[0] = '\0';
    if (!o || !o->next) return nbase__fail(&t->error, NBASE_ERR_ARG, "fit: a null argument");
    pass p = {.trainer = t, .options = o};
    convlstm_watch stop, plateau;
    convlstm_watch_begin(&stop);
    convlstm_watch_begin(&plateau);
    convlstm_fit_result r = {.best_loss = NAN};
    if (o->schedule.kind == CONVLSTM_SCHEDULE_PLATEAU)
        convlstm_trainer_set_learning_rate(t, o->schedule.rate);
    nbase_status status = NBASE_OK;
    for (size_t epoch = 0; epoch < o->epochs && !status && !p.cancelled && !r.stopped_early;
         epoch++) {
        p.progress = (convlstm_progress){.epoch = epoch, .loss = NAN, .validation_loss = NAN};
        double validation = NAN;
        status = run_pass(&p, false, &p.progress.loss);
        if (!status && !p.cancelled && o->validate) status = run_pass(&p, true, &validation);
        if (status || p.cancelled) break;
        p.progress.validation_loss = validation;
        double judged = isnan(validation) ? p.progress.loss : validation;
        p.progress.best = convlstm_watch_see(&stop, judged, o->min_delta);
        convlstm_watch_see(&plateau, judged, o->min_delta);
        convlstm_trainer_set_learning_rate(
            t, convlstm_plateau_rate(&o->schedule, &plateau, convlstm_trainer_learning_rate(t)));
        r.epochs = epoch + 1;
        p.cancelled = o->on_epoch && o->on_epoch(o->ctx, &p.progress);
        r.stopped_early = o->early_stop && stop.waited >= o->early_stop;
    }
    r.cancelled = p.cancelled;
    r.best_loss = stop.seen ? stop.best : NAN;
    r.best_epoch = stop.best_at;
    if (result) *result = r;
    return status || !p.cancelled
               ? status
               : nbase__fail(&t->error, NBASE_ERR_CANCELLED, "fit: a callback asked to stop");
}
