#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

void train_state_init(train_state *s)
{
    *s = (train_state){
        .best_loss = NAN, .best_accuracy = NAN, .last_loss = NAN, .last_accuracy = NAN};
    convlstm_watch_begin(&s->plateau);
}

static json_t *number_or_null(double v) { return isnan(v) ? json_null() : json_real(v); }
static double number_of(const json_t *v) { return json_is_number(v) ? json_number_value(v) : NAN; }

char *train_state_write(const train_state *s, const char *log, const json_t *settings)
{
    const epoch_sums *e = &s->sums;
    json_t *o = json_pack(
        "{s:I,s:I,s:{s:f,s:I,s:I,s:I,s:I,s:f},s:o,s:o,s:o,s:o,s:I,s:{s:o,s:I,s:I,s:I},s:s,s:O,s:s}",
        "epoch", (json_int_t)s->epoch, "step", (json_int_t)s->step, "sums", "loss", e->loss,
        "samples", (json_int_t)e->samples, "right", (json_int_t)e->right, "said",
        (json_int_t)e->said, "said_right", (json_int_t)e->said_right, "seconds", e->seconds,
        "best_loss", number_or_null(s->best_loss), "best_accuracy",
        number_or_null(s->best_accuracy), "last_loss", number_or_null(s->last_loss),
        "last_accuracy", number_or_null(s->last_accuracy), "best_epoch", (json_int_t)s->best_epoch,
        "plateau", "best", s->plateau.seen ? json_real(s->plateau.best) : json_null(), "seen",
        (json_int_t)s->plateau.seen, "best_at", (json_int_t)s->plateau.best_at, "waited",
        (json_int_t)s->plateau.waited, "log", log, "settings", settings, "isa",
        nbase_isa_name(nbase_isa_active()));
    char *text = o ? json_dumps(o, JSON_REAL_PRECISION(17)) : NULL;
    json_decref(o);
    return text;
}

/* The value of a setting as it is shown. */
static const char *shown(const json_t *value)
{
    return value ? json_string_value(value) : "not set";
}

static bool same_setting(const json_t *then, const json_t *now, const char *key, const char *path,
                         nbase_error *err)
{
    const json_t *old = json_object_get(then, key), *value = json_object_get(now, key);
    if (old && value && json_equal(old, value)) return true;
    return tool_fail(
        err, NBASE_ERR_ARG,
        "%s: the run had %s %s, now it is %s: give the same options and data, or start "
        "anew without --restore",
        path, key, shown(old), shown(value));
}

/* One that is missing on either side differs too. */
static bool same_settings(const json_t *then, const json_t *now, const char *path, nbase_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)now, key, value)
    {
        if (!same_setting(then, now, key, path, err)) return false;
    }
    json_object_foreach((json_t *)then, key, value)
    {
        if (!same_setting(then, now, key, path, err)) return false;
    }
    return true;
}

typedef struct count {
    const char *name;
    json_int_t value, most;
} count;

/* Whether each count can be one of a run; the first that cannot is named. */
static bool plausible(const count *counts, size_t n, const char *path, nbase_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (counts[i].value < 0 || counts[i].value > counts[i].most)
            return tool_fail(err, NBASE_ERR_FORMAT, "%s: %s is %lld; expected 0 to %lld", path,
                             counts[i].name, (long long)counts[i].value, (long long)counts[i].most);
    return true;
}

/* A figure that may be missing (NaN), else from 0 to `most`. */
static bool figure_ok(const char *name, double value, double most, const char *path,
                      nbase_error *err)
{
    if (isnan(value) || (value >= 0 && value <= most)) return true;
    return tool_fail(err, NBASE_ERR_FORMAT, "%s: %s is %g; expected 0 to %g", path, name, value,
                     most);
}

bool train_state_fits(const train_state *s, const train_frame *run, const char *path,
                      nbase_error *err)
{
    /* Losses are means over samples: what is beyond this was no number on the way. */
    const double loss = 1e30;
    const count counts[] = {
        {"step", (json_int_t)s->step, (json_int_t)run->steps_per_epoch},
        {"seen", (json_int_t)s->plateau.seen, (json_int_t)s->epoch},
        {"best_at", (json_int_t)s->plateau.best_at, (json_int_t)s->plateau.seen},
        {"waited", (json_int_t)s->plateau.waited, (json_int_t)s->plateau.seen},
        {"samples", (json_int_t)s->sums.samples, (json_int_t)(s->step * run->batch)},
        {"said", (json_int_t)s->sums.said, 2 * (json_int_t)s->sums.samples}};
    if (s->epoch > run->trainer_steps ||
        s->epoch * run->steps_per_epoch + s->step != run->trainer_steps)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: %zu epochs of %zu steps and %zu steps more do not make the %zu steps "
                         "that the optimizer has done",
                         path, s->epoch, run->steps_per_epoch, s->step, run->trainer_steps);
    double best = isinf(s->plateau.best) ? NAN : s->plateau.best; /* infinite: none yet */
    return plausible(counts, sizeof counts / sizeof *counts, path, err) &&
           figure_ok("best_loss", s->best_loss, loss, path, err) &&
           figure_ok("last_loss", s->last_loss, loss, path, err) &&
           figure_ok("best", best, loss, path, err) &&
           figure_ok("loss", s->sums.loss, loss * (double)s->sums.samples, path, err) &&
           figure_ok("best_accuracy", s->best_accuracy, 1, path, err) &&
           figure_ok("last_accuracy", s->last_accuracy, 1, path, err);
}

/* What the JSON of a state holds, before anything of it is checked. */
typedef struct stored_state {
    json_int_t epoch, step, samples, right, said, said_right, best_epoch, seen, best_at, waited;
    double loss, seconds;
    /* numbers or null; the first alone must be there */
    json_t *best_loss, *best_accuracy, *last_loss, *last_accuracy, *plateau_best;
    json_t *settings;
    const char *log, *isa; /* isa may be null */
} stored_state;

/* Fills in *s, which borrows from the JSON. */
static bool unpack(json_t *o, stored_state *s)
{
    *s = (stored_state){0};
    return o && !json_unpack(
                    o,
                    "{s:I,s:I,s:{s:F,s:I,s:I,s:I,s:I,s:F},s:o,s?o,s?o,s?o,s:I,s?{s:o,s:I,s:I,"
                    "s:I},s:s,s:o,s?s}",
                    "epoch", &s->epoch, "step", &s->step, "sums", "loss", &s->loss, "samples",
                    &s->samples, "right", &s->right, "said", &s->said, "said_right", &s->said_right,
                    "seconds", &s->seconds, "best_loss", &s->best_loss, "best_accuracy",
                    &s->best_accuracy, "last_loss", &s->last_loss, "last_accuracy",
                    &s->last_accuracy, "best_epoch", &s->best_epoch, "plateau", "best",
                    &s->plateau_best, "seen", &s->seen, "best_at", &s->best_at, "waited",
                    &s->waited, "log", &s->log, "settings", &s->settings, "isa", &s->isa);
}

/* Whether the numbers can be those of a run. */
static bool stored_ok(const stored_state *s, const char *path, nbase_error *err)
{
    const json_int_t most = (json_int_t)1 << 53;
    const count counts[] = {{"epoch", s->epoch, most},
                            {"step", s->step, most},
                            {"samples", s->samples, most},
                            {"right", s->right, s->samples},
                            {"said", s->said, most},
                            {"said_right", s->said_right, s->said},
                            {"best_epoch", s->best_epoch, s->epoch},
                            {"seen", s->seen, most},
                            {"best_at", s->best_at, most},
                            {"waited", s->waited, most}};
    if (s->step > 0 && !s->samples)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: samples is 0 after step %lld of the epoch",
                         path, (long long)s->step);
    if (!plausible(counts, sizeof counts / sizeof *counts, path, err)) return false;
    if (s->loss >= 0 && s->loss < INFINITY && s->seconds >= 0 && s->seconds < INFINITY) return true;
    return tool_fail(err, NBASE_ERR_FORMAT, "%s: loss or seconds is no number of 0 or more", path);
}

static train_state state_of(const stored_state *s)
{
    const json_t *best = s->plateau_best;
    return (train_state){
        .epoch = (size_t)s->epoch,
        .step = (size_t)s->step,
        .sums = {.loss = s->loss,
                 .samples = (size_t)s->samples,
                 .right = (size_t)s->right,
                 .said = (size_t)s->said,
                 .said_right = (size_t)s->said_right,
                 .seconds = s->seconds},
        .best_loss = number_of(s->best_loss),
        .best_accuracy = number_of(s->best_accuracy),
        .last_loss = number_of(s->last_loss),
        .last_accuracy = number_of(s->last_accuracy),
        .best_epoch = (size_t)s->best_epoch,
        .plateau = {.best = json_is_number(best) ? json_number_value(best) : INFINITY,
                    .seen = (size_t)s->seen,
                    .best_at = (size_t)s->best_at,
                    .waited = (size_t)s->waited}};
}

bool train_state_read(const char *text, const json_t *settings, const char *path, train_state *out,
                      char **log, nbase_error *err)
{
    const char *active = nbase_isa_name(nbase_isa_active());
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;
    stored_state s;
    *log = NULL;
    bool ok = unpack(o, &s) ||
              tool_fail(err, NBASE_ERR_FORMAT, "%s: not a checkpoint of skin-train", path);
    ok = ok && stored_ok(&s, path, err) && same_settings(s.settings, settings, path, err);
    if (ok) {
        *out = state_of(&s);
        ok = (*log = strdup(s.log)) || tool_no_memory(err);
        if (s.isa && strcmp(s.isa, active))
            cli_warn("%s was written with the instruction set %s, this run uses %s: its bits may "
                     "differ from those of an undisturbed run",
                     path, s.isa, active);
    }
    json_decref(o);
    return ok;
}
