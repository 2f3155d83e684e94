/* A training run: its epochs over people's photos, or its passes over arrays.
 *
 * Why this is no convlstm_fit: a run resumes in the middle of an epoch, with the epoch's sums so
 * far; --steps ends it there too; it needs the outputs of every step for the accuracy, and those
 * of validation for figures that a loss cannot give. convlstm_fit begins with an epoch, ends
 * with one, and keeps no outputs. What both do alike, the rates and the watch on the loss, is
 * the library's. */
#include "run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array_validation.h"
#include "cli.h"
#include "fail.h"
#include "feed/loader.h"
#include "fileio.h"
#include "model_file.h"
#include "progress.h"
#include "ranks/ranks_gather.h"
#include "schedule.h"
#include "score/score.h"
#include "system.h"

static const char epoch_columns[] =
    "epoch,loss,accuracy,precision,val_loss,val_accuracy,val_precision,val_balanced_accuracy,val_"
    "roc_auc,learning_rate,seconds";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- checkpoints ---- */

static bool save_checkpoint(train_run *r, nbase_error *err)
{
    ranks *all = r->options->ranks;
    bool writes = ranks_rank(all) == 0;
    char *extra = writes ? train_state_write(&r->state, r->log.text, r->settings) : NULL;
    bool ok = ranks_agree(all, !writes || extra || tool_no_memory(err), err) &&
              convlstm_trainer_save(r->trainer, r->checkpoint_path, extra, err) == NBASE_OK;
    free(extra);
    return ok;
}

static bool save_model(train_run *r, nbase_error *err)
{
    ranks *all = r->options->ranks;
    return ranks_agree(all, ranks_rank(all) || train_model_save(r, err), err);
}

/* ---- one epoch ---- */

/* Adds a step's forward pass to the epoch's figures. Samples without a valid frame took no part.
 * probs null: there are no two classes to count. */
static void add_to_sums(epoch_sums *e, const batch *b, const float *probs,
                        const convlstm_step_result *result)
{
    e->loss += result->loss * (double)result->used;
    e->samples += result->used;
    for (size_t i = 0; probs && i < b->count; i++) {
        if (!batch_item_valid(b, i)) continue;
        const float *p = probs + 2 * i, *label = b->targets + 2 * i;
        e->right += (p[1] > p[0]) == (label[1] > label[0]);
        for (int k = 0; k < 2; k++) {
            e->said += p[k] > 0.5f;
            e->said_right += p[k] > 0.5f && label[k] > 0.5f;
        }
    }
}

static bool run_step(train_run *r, const batch *b, float *probs, nbase_error *err)
{
    const train_options *o = r->options;
    size_t step = (size_t)convlstm_trainer_steps(r->trainer);
    convlstm_schedule schedule = train_options_schedule(o, r->learning_rate, r->total_steps);
    if (schedule.kind != CONVLSTM_SCHEDULE_PLATEAU)
        convlstm_trainer_set_learning_rate(r->trainer, convlstm_schedule_rate(&schedule, step));
    convlstm_step_result result;
    const float *all_probs = NULL;
    const convlstm_batch in = loader_batch(&r->train, b);
    nbase_status status = convlstm_trainer_step_batch(r->trainer, &in, b->targets, probs, &result);
    if (status != NBASE_OK)
        return tool_fail(
            err, status, "step %zu: %s%s", step + 1, convlstm_trainer_error(r->trainer),
            status == NBASE_ERR_NUMERIC ? "; try a smaller --learning-rate or --clip-norm 1" : "");
    r->state.step++;
    if (!o->npz && !together_batch_gather(&r->together, b, probs, &b, &all_probs, err))
        return false;
    add_to_sums(&r->state.sums, b, all_probs, &result);
    if (!o->npz)
        train_watch_step(&r->watch, r->trainer, r->state.step, r->steps_per_epoch, b, all_probs,
                         &result);
    const array_losses losses = array_losses_of(r, result.loss);
    bool ok = !o->npz || ranks_rank(o->ranks) || array_log_step(r, step + 1, &losses, err);
    return ranks_agree(o->ranks, ok, err);
}

static bool steps_left(const train_run *r)
{
    return r->state.step < r->steps_per_epoch &&
           (!r->options->npz || convlstm_trainer_steps(r->trainer) < r->total_steps);
}

void train_run_order(train_run *r)
{
    const train_options *o = r->options;
    size_t n = r->train.count;
    if (o->no_shuffle)
        for (size_t i = 0; i < n; i++) r->order[i] = i;
    else
        schedule_order(r->order, n, o->seed, r->state.epoch);
    if (o->augment_kinds & AUGMENT_REVERSE) schedule_pairs(r->order, n);
}

static void show_progress(const train_run *r, progress *bar)
{
    const epoch_sums *sums = &r->state.sums;
    char note[40];
    snprintf(note, sizeof note, "loss %.4f",
             sums->loss / (double)(sums->samples ? sums->samples : 1));
    progress_update(bar, r->state.step, note);
}

/* --checkpoint-steps */
static bool checkpoint_due(const train_run *r)
{
    size_t every = r->options->checkpoint_steps;
    return every && convlstm_trainer_steps(r->trainer) % every == 0;
}

/* The next batch; null: there is none on any rank, or *ok is false. */
static const batch *next_batch(const train_run *r, loader *l, bool *ok, nbase_error *err)
{
    if (!*ok || !steps_left(r)) return NULL;
    const batch *b = loader_next(l);
    *ok = ranks_agree(r->options->ranks, b || !loader_failed(l, err), err);
    return *ok ? b : NULL;
}

/* Runs the steps of the epoch under way, from where the state is. Ctrl-C writes a checkpoint and
 * fails. */
static bool run_epoch(train_run *r, nbase_error *err)
{
    const train_options *o = r->options;
    if (!steps_left(r)) return true;
    train_run_order(r);
    const loader_plan plan = {.source = &r->train,
                              .items = r->order,
                              .count = r->entries,
                              .batch = o->batch,
                              .first = r->state.step,
                              .augment = o->augment_kinds,
                              .seed = o->seed,
                              .epoch = r->state.epoch,
                              .rank = (size_t)ranks_rank(o->ranks),
                              .ranks = (size_t)ranks_size(o->ranks)};
    loader *l = loader_start(&plan, err);
    float *probs = o->npz ? NULL : malloc(o->batch * 2 * sizeof *probs);
    char what[48];
    snprintf(what, sizeof what, "epoch %zu/%zu", r->state.epoch + 1,
             o->npz ? (r->total_steps + r->steps_per_epoch - 1) / r->steps_per_epoch : o->epochs);
    progress bar = {0};
    if (!o->quiet) progress_start(&bar, what, r->steps_per_epoch);
    bool ok = l && (probs || o->npz || tool_no_memory(err)), stopped = false;
    ok = ranks_agree(o->ranks, ok, err);
    double begin = now(), before = r->state.sums.seconds;
    for (const batch *b; !stopped && (b = next_batch(r, l, &ok, err));) {
        ok = run_step(r, b, probs, err);
        r->state.sums.seconds = before + now() - begin;
        show_progress(r, &bar);
        ok = ok && together_stop(o->ranks, &stopped, err);
        if (ok && (stopped || checkpoint_due(r))) ok = save_checkpoint(r, err);
    }
    progress_end(&bar);
    loader_stop(l);
    free(probs);
    if (ok && stopped)
        ok = tool_fail(err, NBASE_ERR_CANCELLED,
                       "stopped in epoch %zu after step %zu%s; resume with --restore",
                       r->state.epoch + 1, r->state.step, ranks_interrupted_by(o->ranks));
    return ok;
}

/* ---- the end of an epoch ---- */

/* This rank's share of the validation people. */
static bool score_share(const train_run *r, prediction *p, nbase_error *err)
{
    const train_options *o = r->options;
    size_t rank = (size_t)ranks_rank(o->ranks), size = (size_t)ranks_size(o->ranks),
           n = r->validation.count, first = ranks_first(n, rank, size),
           count = ranks_first(n, rank + 1, size) - first;
    const score_options options = {
        .batch = o->batch, .threads = o->threads, .first = first, .count = count};
    return !count || score_source(r->model, &r->validation, &options, p, err);
}

static bool validate(train_run *r, train_epoch *e, nbase_error *err)
{
    const train_options *o = r->options;
    size_t n = r->validation.count;
    prediction *p = malloc((n ? n : 1) * sizeof *p);
    bool ok = p ? score_share(r, p, err) : tool_no_memory(err);
    ok = ranks_agree(o->ranks, ok, err) && together_predictions(o->ranks, &r->validation, p, err);
    if (ok) {
        metrics_compute(p, n, METRICS_THRESHOLD, &e->validation);
        e->validation_loss = score_loss(r->loss, p, n);
    }
    if (ok) train_watch_validation(&r->watch, r->state.epoch + 1, p, n);
    free(p);
    return ok;
}

/* A cell of log.csv: nothing for NaN. */
static const char *cell(char *text, size_t size, double v)
{
    if (isnan(v))
        text[0] = 0;
    else
        snprintf(text, size, "%.9g", v);
    return text;
}

static bool log_epoch(train_run *r, const train_epoch *e, nbase_error *err)
{
    const metrics *v = &e->validation;
    const double values[] = {e->loss,
                             e->accuracy,
                             e->precision,
                             e->validation_loss,
                             v->accuracy,
                             v->precision_tf,
                             v->balanced_accuracy,
                             v->roc_auc,
                             convlstm_trainer_learning_rate(r->trainer)};
    char cells[sizeof values / sizeof *values][32];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cell(cells[i], sizeof cells[i], values[i]);
    return runlog_row(&r->log, err, "%zu,%s,%s,%s,%s,%s,%s,%s,%s,%s,%.1f", r->state.epoch + 1,
                      cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6],
                      cells[7], cells[8], e->seconds);
}

/* Sets the learning rate of the next epoch, if the schedule follows the loss. */
static void follow_plateau(train_run *r, double loss)
{
    convlstm_schedule schedule =
        train_options_schedule(r->options, r->learning_rate, r->total_steps);
    convlstm_watch_see(&r->state.plateau, loss, 0);
    double rate = convlstm_trainer_learning_rate(r->trainer);
    convlstm_trainer_set_learning_rate(r->trainer,
                                       convlstm_plateau_rate(&schedule, &r->state.plateau, rate));
}

/* The figures of the steps of an epoch; validation is filled in later. */
static train_epoch figures_of(const epoch_sums *s)
{
    double samples = (double)s->samples;
    train_epoch e = {.loss = s->loss / samples,
                     .accuracy = (double)s->right / samples,
                     .precision = s->said ? (double)s->said_right / (double)s->said : NAN,
                     .validation_loss = NAN};
    metrics_compute(NULL, 0, METRICS_THRESHOLD, &e.validation);
    return e;
}

/* Whether an epoch, or a pass, with this validation loss is at least as good as the best one so
 * far. Without validation every epoch is: its loss is NaN, and the best one's stays so. */
static bool is_best(const train_run *r, double validation_loss)
{
    const train_state *s = &r->state;
    if (r->validation.count && isnan(validation_loss)) return false;
    return isnan(s->best_loss) || validation_loss <= s->best_loss;
}

static void begin_next_epoch(train_state *s)
{
    s->epoch++;
    s->step = 0;
    s->sums = (epoch_sums){0};
}

/* Validates, logs, keeps the model if it is the best, writes a checkpoint. Only the checkpoint
 * moves the run forward: if the process is killed before it, the end of the epoch is done again
 * with the same result. */
static bool finish_epoch(train_run *r, nbase_error *err)
{
    bool validated = r->validation.count > 0;
    train_state *s = &r->state;
    train_epoch e = figures_of(&s->sums);
    double begin = now();
    if (validated && !validate(r, &e, err))
        return err->status == NBASE_ERR_CANCELLED && save_checkpoint(r, err) &&
               tool_fail(err, NBASE_ERR_CANCELLED,
                         "stopped at the end of epoch %zu%s; resume with --restore", s->epoch + 1,
                         ranks_interrupted_by(r->options->ranks));
    e.seconds = s->sums.seconds += now() - begin;
    bool best = is_best(r, e.validation_loss);
    if (r->on_epoch) r->on_epoch(r, &e);
    train_watch_epoch(&r->watch, s->epoch + 1, e.loss, e.accuracy);
    ranks *all = r->options->ranks;
    if (!ranks_agree(all, ranks_rank(all) || log_epoch(r, &e, err), err)) return false;
    follow_plateau(r, validated ? e.validation_loss : e.loss);
    if ((best || r->options->keep == KEEP_LAST) && !save_model(r, err)) return false;
    begin_next_epoch(s);
    if (best) {
        s->best_loss = e.validation_loss;
        s->best_epoch = s->epoch;
        s->best_accuracy = e.validation.accuracy;
    }
    s->last_loss = e.validation_loss;
    s->last_accuracy = e.validation.accuracy;
    return save_checkpoint(r, err);
}

/* Whether --early-stop ends the run. With the cosine schedule patience begins in the middle of the
 * run: while the rate is high, the moving statistics of batch normalisation lag behind the weights,
 * and validation losses with them. */
static bool patience_over(const train_run *r)
{
    const train_options *o = r->options;
    const size_t passes =
        o->npz ? (r->total_steps + r->steps_per_epoch - 1) / r->steps_per_epoch : o->epochs;
    size_t since = r->state.best_epoch;
    if (o->schedule == CONVLSTM_SCHEDULE_COSINE && since < passes / 2) since = passes / 2;
    return o->early_stop && r->validation.count && r->state.epoch >= since + o->early_stop;
}

kept_figures train_run_kept(const train_run *r)
{
    const train_state *s = &r->state;
    return r->options->keep == KEEP_LAST ? (kept_figures){s->last_accuracy, s->last_loss}
                                         : (kept_figures){s->best_accuracy, s->best_loss};
}

static bool run_epochs(train_run *r, nbase_error *err)
{
    while (r->state.epoch < r->options->epochs && !patience_over(r))
        if (!run_epoch(r, err) || !finish_epoch(r, err)) return false;
    if (patience_over(r))
        cli_note("stopped early: no better validation loss for %zu epochs", r->options->early_stop);
    if (r->validation.count && r->options->keep == KEEP_BEST)
        cli_note("%s: epoch %zu, validation loss %.6g", r->model_path, r->state.best_epoch,
                 r->state.best_loss);
    kept_figures kept = train_run_kept(r);
    if (r->validation.count && !isnan(kept.accuracy))
        train_watch_end(&r->validation, r->loss, &kept);
    return true;
}

/* A row of log.csv for a validation, behind the step that it follows. */
static bool log_validation(train_run *r, const array_losses *losses, nbase_error *err)
{
    ranks *all = r->options->ranks;
    size_t step = (size_t)convlstm_trainer_steps(r->trainer);
    bool ok = ranks_rank(all) != 0 || array_log_validation(r, step, losses, err);
    return ranks_agree(all, ok, err);
}

/* Validates after a pass over arrays, and keeps the model if it is the best. whole: the pass was
 * not cut short. */
static bool validate_pass(train_run *r, bool whole, nbase_error *err)
{
    train_state *s = &r->state;
    train_epoch e = {.loss = s->sums.loss / (double)s->sums.samples};
    array_losses losses;
    if (!train_array_losses(r, &losses, err) || !log_validation(r, &losses, err)) return false;
    e.validation_loss = losses.all; /* finite, or it had failed */
    bool best = is_best(r, e.validation_loss);
    if (r->on_epoch) r->on_epoch(r, &e);
    if (whole) follow_plateau(r, e.validation_loss);
    if (best && r->options->keep == KEEP_BEST && !save_model(r, err)) return false;
    if (best) {
        s->best_loss = e.validation_loss;
        s->best_epoch = s->epoch + 1;
    }
    s->last_loss = e.validation_loss;
    return true;
}

/* The end of a pass over arrays, which --steps may have cut short: then the next does not begin. */
static bool finish_pass(train_run *r, bool whole, nbase_error *err)
{
    if (r->validation.count && !validate_pass(r, whole, err)) return false;
    if (!whole) return true;
    begin_next_epoch(&r->state);
    return !r->validation.count || save_checkpoint(r, err);
}

static bool run_steps(train_run *r, nbase_error *err)
{
    bool whole = true;
    while (whole && !patience_over(r) &&
           (convlstm_trainer_steps(r->trainer) < r->total_steps ||
            r->state.step == r->steps_per_epoch)) {
        if (!run_epoch(r, err)) return false;
        whole = r->state.step == r->steps_per_epoch; /* else cut short by --steps */
        if (!finish_pass(r, whole, err)) return false;
    }
    if (patience_over(r))
        cli_note("stopped early: no better validation loss for %zu passes", r->options->early_stop);
    bool best = r->validation.count && r->options->keep == KEEP_BEST;
    if (best)
        cli_note("%s: pass %zu, validation loss %.6g", r->model_path, r->state.best_epoch,
                 r->state.best_loss);
    return (best || save_model(r, err)) && save_checkpoint(r, err);
}

bool train_run_go(train_run *r, nbase_error *err)
{
    const train_options *o = r->options;
    cli_note("seed %llu, kernels %s%s%s", (unsigned long long)o->seed,
             nbase_isa_name(nbase_isa_active()), o->ranks ? ", " : "",
             o->ranks ? ranks_describe(o->ranks) : "");
    bool ok = together_batch_init(&r->together, o->ranks, o->batch, err);
    if (!ranks_agree(o->ranks, ok, err)) return false;
    return r->options->npz ? run_steps(r, err) : run_epochs(r, err);
}

/* ---- begin and end ---- */

static bool restore(train_run *r, char **log, nbase_error *err)
{
    char *extra = NULL;
    if (!file_exists(r->checkpoint_path))
        return tool_fail(err, NBASE_ERR_IO,
                         "%s: there is no run to restore; start one without --restore",
                         r->checkpoint_path);
    if (convlstm_trainer_restore(r->trainer, r->checkpoint_path, &extra, err) != NBASE_OK)
        return false;
    bool ok = train_state_read(extra, r->settings, r->checkpoint_path, &r->state, log, err);
    convlstm_text_free(extra);
    const train_frame run = {(size_t)convlstm_trainer_steps(r->trainer), r->steps_per_epoch,
                             r->options->batch};
    ok = ok && train_state_fits(&r->state, &run, r->checkpoint_path, err);
    if (ok) cli_note("restored: %zu epochs and %zu steps done", r->state.epoch, r->state.step);
    return ok;
}

static bool begin_log(train_run *r, const char *log, nbase_error *err)
{
    if (!runlog_open(&r->log, r->log_path, log, err)) return false;
    if (r->log.size) return true;
    return r->options->npz ? array_log_columns(r, err)
                           : runlog_row(&r->log, err, "%s", epoch_columns);
}

static bool claim(train_run *r, nbase_error *err)
{
    const train_options *o = r->options;
    r->model_path = file_join(o->out, "model.safetensors", err);
    r->checkpoint_path = file_join(o->out, "checkpoint.safetensors", err);
    r->log_path = file_join(o->out, "log.csv", err);
    if (!r->model_path || !r->checkpoint_path || !r->log_path) return false;
    if (ranks_rank(o->ranks)) return true;
    if (!output_lock_folder(&r->lock, o->out, err)) return false;
    const char *found = file_exists(r->checkpoint_path) ? r->checkpoint_path
                        : file_exists(r->model_path)    ? r->model_path
                                                        : NULL;
    if (!found || o->restore || o->force) return true;
    return tool_fail(
        err, NBASE_ERR_ARG,
        "%s exists: resume this run with --restore, replace it with --force, or choose "
        "another folder",
        found);
}

bool train_run_claim(train_run *r, nbase_error *err)
{
    return ranks_agree(r->options->ranks, claim(r, err), err);
}

/* Removes an earlier run, its model first: whatever is left then is not taken for a result. */
static bool remove_earlier(const train_run *r, nbase_error *err)
{
    const char *const paths[] = {r->model_path, r->checkpoint_path, r->log_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!system_remove(paths[i]) && errno != ENOENT)
            return tool_fail(err, NBASE_ERR_IO, "%s: cannot remove: %s", paths[i], strerror(errno));
    return true;
}

bool train_run_open(train_run *r, nbase_error *err)
{
    const train_options *o = r->options;
    char *log = NULL;
    train_state_init(&r->state);
    r->order = malloc(r->entries * sizeof *r->order);
    bool ok = (r->order || tool_no_memory(err)) &&
              (o->restore || ranks_rank(o->ranks) || remove_earlier(r, err)) &&
              (!o->restore || restore(r, &log, err));
    ok = ok && (ranks_rank(o->ranks) || begin_log(r, log, err));
    ok = ranks_agree(o->ranks, ok, err);
    /* if RUN cannot be written, this shows it now and not after an hour */
    if (ok && !o->restore) ok = save_checkpoint(r, err);
    free(log);
    return ok;
}

void train_run_close(train_run *r)
{
    train_watch_free(&r->watch);
    together_batch_free(&r->together);
    convlstm_trainer_free(r->trainer);
    convlstm_model_free(r->model);
    source_free(&r->train);
    source_free(&r->validation);
    runlog_close(&r->log);
    json_decref(r->settings);
    free(r->order);
    free(r->model_path);
    free(r->checkpoint_path);
    free(r->log_path);
    output_lock_release(&r->lock);
}
