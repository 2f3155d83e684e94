#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "card_page.h"
#include "fairness.h"
#include "fileio.h"
#include "plots.h"
#include "system.h"

/* Compares the groups, if the report has any. */
static bool compare_groups(report *r)
{
    if (!r->groups) return true;
    const char **of = malloc((r->count + 1) * sizeof *of);
    if (!of) return false;
    for (size_t i = 0; i < r->count; i++)
        of[i] = json_string_value(json_object_get(r->groups, r->predictions[i].id));
    bool ok = group_compare(r->predictions, of, r->count, r->threshold, r->seed, &r->fairness);
    free(of);
    return ok;
}

static group_figures *group_named(group_comparison *g, const char *name)
{
    for (size_t i = 0; name && i < g->count; i++)
        if (!strcmp(g->groups[i].name, name)) return &g->groups[i];
    return NULL;
}

static void count_unsure(report *r)
{
    for (size_t i = 0; r->groups && i < r->count; i++) {
        const prediction *p = &r->predictions[i];
        const char *name = json_string_value(json_object_get(r->groups, p->id));
        group_figures *g = group_named(&r->fairness, name);
        if (!g) continue;
        g->unsure += promise_made(&r->promise) &&
                     !strcmp(promise_answer(&r->promise, p), conformal_answers[ANSWER_UNSURE]);
        g->unfamiliar += r->familiar && r->familiar[i].unfamiliar;
    }
}

bool report_prepare(report *r)
{
    metrics_compute(r->predictions, r->count, r->threshold, &r->metrics);
    for (size_t i = 0; i < r->count; i++) {
        r->frames += r->predictions[i].frames;
        r->masked += r->predictions[i].frames - r->predictions[i].valid;
    }
    bool both = r->metrics.with_label[0] && r->metrics.with_label[1];
    if (both && !metrics_roc(r->predictions, r->count, &r->curve, &r->curve_points)) return false;
    if (!risk_curve(r->predictions, r->count, r->threshold, &r->risk, &r->risk_points))
        return false;
    r->doubts = label_doubts(r->predictions, r->count);
    r->room = malloc((r->count + 1) * sizeof *r->room);
    if (!r->doubts || !r->room || !compare_groups(r)) return false;
    promise_compute(&r->promise, r->predictions, r->count);
    count_unsure(r);
    return metrics_bootstrap(r->predictions, r->count, r->threshold, r->seed, &r->intervals);
}

void report_free(report *r)
{
    free(r->curve);
    free(r->risk);
    free(r->doubts);
    free(r->room);
    group_comparison_free(&r->fairness);
    r->curve = NULL;
    r->risk = NULL;
    r->doubts = NULL;
    r->room = NULL;
}

/* ---- metrics.json ---- */

static json_t *number(double v) { return isfinite(v) ? json_real(v) : json_null(); }
static json_t *range(interval ci) { return json_pack("[o,o]", number(ci.low), number(ci.high)); }
static json_t *by_class(const double v[2])
{
    return json_pack("{s:o,s:o}", "deteriorated", number(v[0]), "improved", number(v[1]));
}

static json_t *intervals_json(const report *r)
{
    const metrics *m = &r->metrics;
    json_t *o = json_object();
    json_object_set_new(o, "accuracy",
                        range(metrics_wilson(m->confusion[0][0] + m->confusion[1][1], m->count)));
    json_object_set_new(o, "recall_deteriorated",
                        range(metrics_wilson(m->confusion[0][0], m->with_label[0])));
    json_object_set_new(o, "recall_improved",
                        range(metrics_wilson(m->confusion[1][1], m->with_label[1])));
    json_object_set_new(o, "balanced_accuracy", range(r->intervals.balanced_accuracy));
    json_object_set_new(o, "macro_f1", range(r->intervals.macro_f1));
    json_object_set_new(o, "roc_auc", range(r->intervals.roc_auc));
    json_object_set_new(
        o, "bootstrap",
        json_pack("{s:i,s:I}", "resamples", (int)METRICS_RESAMPLES, "seed", (json_int_t)r->seed));
    return o;
}

static json_t *calibration_json(const report *r)
{
    calibration_bin bins[METRICS_BINS];
    metrics_calibration(r->predictions, r->count, bins);
    json_t *list = json_array();
    for (int b = 0; b < METRICS_BINS; b++)
        json_array_append_new(list, json_pack("{s:[f,f],s:I,s:I,s:o}", "score", b / 10.0,
                                              (b + 1) / 10.0, "people", (json_int_t)bins[b].count,
                                              "improved", (json_int_t)bins[b].improved,
                                              "mean_score", number(bins[b].mean_score)));
    return list;
}

static size_t likely_wrong(const report *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) count += r->doubts[i].likely_wrong;
    return count;
}

static json_t *unfamiliar_json(const report *r)
{
    size_t count = 0;
    for (size_t i = 0; r->familiar && i < r->count; i++) count += r->familiar[i].unfamiliar;
    return r->familiar ? json_integer((json_int_t)count) : json_null();
}

/* The error if only the surest tenth, two tenths, ... are answered. */
static json_t *risk_json(const report *r)
{
    json_t *list = json_array();
    size_t at = 0;
    for (int tenth = 1; tenth <= 10 && r->risk_points; tenth++) {
        while (at + 1 < r->risk_points && r->risk[at].answered < tenth / 10.0 - 1e-9) at++;
        json_array_append_new(list, json_pack("{s:f,s:f}", "answered", r->risk[at].answered,
                                              "wrong", r->risk[at].wrong));
    }
    return list;
}

/* How well it would have judged after a tenth, two tenths, ... of each person's photos. */
static json_t *course_json(const report *r)
{
    prediction *then = r->courses ? malloc((r->count + 1) * sizeof *then) : NULL;
    if (!then) return json_null();
    json_t *list = json_array();
    for (int tenth = 1; tenth <= 10; tenth++) {
        metrics m;
        for (size_t i = 0; i < r->count; i++) {
            double score = course_score(&r->courses[i], tenth / 10.0);
            then[i] = r->predictions[i];
            then[i].positive = score;
            then[i].negative = 1 - score;
        }
        metrics_compute(then, r->count, r->threshold, &m);
        json_array_append_new(list,
                              json_pack("{s:f,s:o,s:o}", "seen", tenth / 10.0, "balanced_accuracy",
                                        number(m.balanced_accuracy), "roc_auc", number(m.roc_auc)));
    }
    free(then);
    return list;
}

json_t *report_json(const report *r)
{
    const metrics *m = &r->metrics;
    json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:f}", "model", r->model, "partition",
                          r->partition, "people", (json_int_t)r->count, "skipped",
                          (json_int_t)r->skipped, "frames", (json_int_t)r->frames, "masked_frames",
                          (json_int_t)r->masked, "threshold", r->threshold);
    if (!o) return NULL;
    json_object_set_new(o, "confusion_matrix",
                        json_pack("{s:I,s:I,s:I,s:I}", "tn", (json_int_t)m->confusion[0][0], "fp",
                                  (json_int_t)m->confusion[0][1], "fn",
                                  (json_int_t)m->confusion[1][0], "tp",
                                  (json_int_t)m->confusion[1][1]));
    json_object_set_new(o, "accuracy", number(m->accuracy));
    json_object_set_new(o, "balanced_accuracy", number(m->balanced_accuracy));
    json_object_set_new(o, "precision", by_class(m->precision));
    json_object_set_new(o, "recall", by_class(m->recall));
    json_object_set_new(o, "f1", by_class(m->f1));
    json_object_set_new(o, "macro_f1", number(m->macro_f1));
    json_object_set_new(o, "matthews", number(m->matthews));
    json_object_set_new(o, "roc_auc", number(m->roc_auc));
    json_object_set_new(o, "precision_tf", number(m->precision_tf));
    json_object_set_new(o, "brier", number(m->brier));
    json_object_set_new(o, "calibration_error", number(m->calibration_error));
    json_object_set_new(o, "intervals_95", intervals_json(r));
    json_object_set_new(o, "calibration", calibration_json(r));
    json_object_set_new(o, "risk", risk_json(r));
    json_object_set_new(o, "unfamiliar", unfamiliar_json(r));
    json_object_set_new(o, "course", course_json(r));
    json_object_set_new(o, "labels_likely_wrong", json_integer((json_int_t)likely_wrong(r)));
    json_object_set_new(
        o, "fairness", fairness_json(&r->fairness, promise_made(&r->promise), r->familiar != NULL));
    json_object_set_new(o, "promise", promise_json(&r->promise));
    return o;
}

/* ---- the files ---- */

static void write_json(FILE *out, const report *r)
{
    json_t *o = report_json(r);
    if (o) json_dumpf(o, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(o);
    fputc('\n', out);
}

static void write_predictions(FILE *out, const report *r)
{
    bool promised = promise_made(&r->promise);
    fprintf(
        out,
        "id,label,prob_class,judged,negative_prob,positive_prob,score,frames,valid_frames%s%s\n",
        promised ? ",answer" : "", r->familiar ? ",unfamiliar" : "");
    for (size_t i = 0; i < r->count; i++) {
        const prediction *p = &r->predictions[i];
        fprintf(out, "%s,%d,%d,%d,%.9g,%.9g,%.9g,%zu,%zu%s%s%s%s\n", p->id, p->label,
                p->positive > p->negative, prediction_class(p, r->threshold), p->negative,
                p->positive, prediction_score(p), p->frames, p->valid, promised ? "," : "",
                promised ? promise_answer(&r->promise, p) : "", r->familiar ? "," : "",
                r->familiar && r->familiar[i].unfamiliar ? familiar_reasons[r->familiar[i].reason]
                                                         : "");
    }
}

static void write_review(FILE *out, const report *r)
{
    fputs("id,label,probability_of_label,likely_wrong\n", out);
    for (size_t i = 0; i < r->count; i++) {
        const label_doubt *d = &r->doubts[i];
        fprintf(out, "%s,%d,%.9g,%d\n", d->who->id, d->who->label, d->probability, d->likely_wrong);
    }
}

static void write_course(FILE *out, const report *r)
{
    fputs("id,photo,negative_prob,positive_prob,score\n", out);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->courses[i].count; k++) {
            const course_point *p = &r->courses[i].points[k];
            const prediction one = {.negative = p->negative, .positive = p->positive};
            fprintf(out, "%s,%zu,%.9g,%.9g,%.9g\n", r->predictions[i].id, p->frame + 1, p->negative,
                    p->positive, prediction_score(&one));
        }
}
static bool has_courses(const report *r) { return r->courses != NULL; }

static void write_confusion(FILE *out, const report *r) { plot_confusion(out, &r->metrics); }
static void write_roc(FILE *out, const report *r)
{
    plot_roc(out, r->curve, r->curve_points, &r->metrics);
}
static void write_scores(FILE *out, const report *r)
{
    plot_scores(out, r->predictions, r->count, r->threshold);
}
static void write_calibration(FILE *out, const report *r)
{
    plot_calibration(out, r->predictions, r->count);
}
static void write_risk(FILE *out, const report *r) { plot_risk(out, r->risk, r->risk_points); }
static void draw_course(FILE *out, const report *r)
{
    plot_course(out, r->courses, r->predictions, r->count, r->threshold, r->room);
}
static void write_training(FILE *out, const report *r) { plot_training(out, r->log); }
static bool has_log(const report *r) { return r->log != NULL; }
static void write_card(FILE *out, const report *r) { card_html(out, r->card); }
static void write_card_text(FILE *out, const report *r) { card_markdown(out, r->card); }
static bool has_card(const report *r) { return r->card != NULL; }

/* The files of a report, metrics.json last: by that a reader knows a report. */
static const struct report_file {
    const char *name;
    void (*write)(FILE *out, const report *r);
    bool (*has)(const report *r); /* null: every report has it */
} report_files[] = {{"predictions.csv", write_predictions, NULL},
                    {"review.csv", write_review, NULL},
                    {"confusion.svg", write_confusion, NULL},
                    {"roc.svg", write_roc, NULL},
                    {"scores.svg", write_scores, NULL},
                    {"calibration.svg", write_calibration, NULL},
                    {"risk.svg", write_risk, NULL},
                    {"course.csv", write_course, has_courses},
                    {"course.svg", draw_course, has_courses},
                    {"training.svg", write_training, has_log},
                    {"card.html", write_card, has_card},
                    {"card.md", write_card_text, has_card},
                    {"report.html", report_html, NULL},
                    {"metrics.json", write_json, NULL}};
enum { REPORT_FILES = sizeof report_files / sizeof *report_files };

static bool begin_file(outfile *out, const char *dir, const struct report_file *file,
                       const report *r, nbase_error *err)
{
    char *path = file_join(dir, file->name, err);
    bool ok = path && outfile_open(out, path, err);
    if (ok) file->write(out->stream, r);
    free(path);
    return ok;
}

/* What another report left there and this one does not have. */
static void remove_others(const report *r, const char *dir)
{
    for (size_t i = 0; i < REPORT_FILES; i++) {
        if (!report_files[i].has || report_files[i].has(r)) continue;
        char *path = file_join(dir, report_files[i].name, NULL);
        if (path) system_remove(path);
        free(path);
    }
}

bool report_write(const report *r, const char *dir, nbase_error *err)
{
    outfile files[REPORT_FILES] = {0};
    size_t count = 0;
    bool ok = file_make_dirs(dir, err);
    for (size_t i = 0; ok && i < REPORT_FILES; i++) {
        if (report_files[i].has && !report_files[i].has(r)) continue;
        ok = begin_file(&files[count++], dir, &report_files[i], r, err);
    }
    if (ok) {
        remove_others(r, dir);
        return outfile_commit_set(files, count, err);
    }
    for (size_t i = 0; i < count; i++) outfile_discard(&files[i]);
    return false;
}
