/* report.html: the figures in words that someone who is not a statistician can check, with the
 * pictures inline. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fairness.h"
#include "page.h"
#include "plots.h"
#include "ranout.h"
#include "report.h"
#include "svg.h"

/* "91.2 %" or "0.912"; "not defined" for NaN. */
static void put_share(FILE *out, double v)
{
    if (isnan(v))
        fputs("not defined", out);
    else
        fprintf(out, "%.1f&nbsp;%%", 100 * v);
}

static void put_number(FILE *out, double v)
{
    if (isnan(v))
        fputs("not defined", out);
    else
        fprintf(out, "%.3f", v);
}

static void put_range(FILE *out, interval ci, void (*put)(FILE *, double))
{
    if (isnan(ci.low)) return;
    put(out, ci.low);
    fputs(" to ", out);
    put(out, ci.high);
}

static void card(FILE *out, const char *name, double v, interval ci, void (*put)(FILE *, double))
{
    fputs("<div class=\"card\"><span>", out);
    svg_escape(out, name);
    fputs("</span><b>", out);
    put(out, v);
    fputs("</b><span>", out);
    put_range(out, ci, put);
    fputs("</span></div>\n", out);
}

static void summary(FILE *out, const report *r)
{
    bool training = !strcmp(r->partition, "train");
    fprintf(out, "<p class=\"sub\">SkinCredible</p>\n<h1>How well the model judges %s</h1>\n",
            training ? "the people it was trained on" : "people it was not trained on");
    if (training)
        fputs("<div class=\"warn\">The model was trained on these people: the figures say "
              "nothing about others.</div>\n",
              out);
    fputs("<div class=\"warn\"><strong>Not a diagnosis.</strong> The model estimates from photos "
          "whether facial skin looks better or worse than before. It "
          "does not know why, can be wrong about any one person, and does not replace a "
          "dermatologist.</div>\n<div class=\"cards\">\n",
          out);
    const metrics *m = &r->metrics;
    size_t right = m->confusion[0][0] + m->confusion[1][1];
    card(out, "Balanced accuracy", m->balanced_accuracy, r->intervals.balanced_accuracy, put_share);
    card(out, "Area under the ROC curve", m->roc_auc, r->intervals.roc_auc, put_number);
    card(out, "Accuracy", m->accuracy, metrics_wilson(right, m->count), put_share);
    fprintf(out,
            "<div class=\"card\"><span>People judged</span><b>%zu</b><span>%zu improved, %zu "
            "deteriorated</span></div>\n</div>\n",
            m->count, m->with_label[1], m->with_label[0]);
    fputs("<p class=\"note\">Ranges are 95 % intervals: Wilson's for plain shares, bootstrap over "
          "people for the others. The fewer people, the wider.</p>\n",
          out);
}

static void evaluated(FILE *out, const report *r)
{
    fputs("<h2>What was evaluated</h2>\n<div class=\"scroll\"><table>\n<tr><td>Model</td><td>",
          out);
    svg_escape(out, r->model);
    fputs(" (", out);
    svg_escape(out, r->network);
    fputs(")</td></tr>\n<tr><td>Partition</td><td>", out);
    svg_escape(out, r->partition);
    fprintf(out,
            ": %zu people judged, %zu left out because no photo of theirs was usable</td></tr>\n",
            r->count, r->skipped);
    fprintf(out,
            "<tr><td>Photos</td><td>%zu, of which %zu (%.1f %%) were masked because no face was "
            "found or the photo was poor</td></tr>\n",
            r->frames, r->masked, r->frames ? 100.0 * (double)r->masked / (double)r->frames : 0);
    size_t unfamiliar = 0;
    for (size_t i = 0; r->familiar && i < r->count; i++) unfamiliar += r->familiar[i].unfamiliar;
    if (r->familiar)
        fprintf(out,
                "<tr><td>Unfamiliar</td><td>%zu people, whose photos are not like those of the "
                "people that the model was calibrated on; the reasons are in predictions.csv. Of "
                "people like those up to 1 in 20 is expected</td></tr>\n",
                unfamiliar);
    fprintf(out, "<tr><td>Threshold</td><td>judged improved when the score is above %g</td></tr>\n",
            r->threshold);
    fputs("<tr><td>Score</td><td>improved / (improved + deteriorated) of the two outputs: 0 "
          "deteriorated, 1 improved</td></tr>\n</table></div>\n",
          out);
    fputs("<p class=\"note\">The truth here is taken by a program from the doctor's latest "
          "note: an approximation, with mistakes of its own. People are divided "
          "between training and evaluation as persons, never as photos; a leak between the parts "
          "stops the tools.</p>\n",
          out);
}

typedef struct metric_row {
    const char *name;
    double value;
    interval ci;
    void (*put)(FILE *, double);
    const char *meaning;
} metric_row;

static void metric_table(FILE *out, const report *r)
{
    const metrics *m = &r->metrics;
    interval none = {NAN, NAN};
    size_t said[2] = {m->confusion[0][0] + m->confusion[1][0],
                      m->confusion[0][1] + m->confusion[1][1]};
    const metric_row rows[] = {
        {"Accuracy", m->accuracy, metrics_wilson(m->confusion[0][0] + m->confusion[1][1], m->count),
         put_share,
         "People judged right. Misleading alone: a model that always chooses the commoner class "
         "already reaches its share."},
        {"Balanced accuracy", m->balanced_accuracy, r->intervals.balanced_accuracy, put_share,
         "Mean of the two recalls below. 50 % is guessing, whatever the mix of classes."},
        {"Recall, deteriorated", m->recall[0], metrics_wilson(m->confusion[0][0], m->with_label[0]),
         put_share, "Of those who got worse, how many were found."},
        {"Recall, improved", m->recall[1], metrics_wilson(m->confusion[1][1], m->with_label[1]),
         put_share, "Of those who got better, how many were found."},
        {"Precision, deteriorated", m->precision[0], metrics_wilson(m->confusion[0][0], said[0]),
         put_share, "When the model says worse, how often it is right."},
        {"Precision, improved", m->precision[1], metrics_wilson(m->confusion[1][1], said[1]),
         put_share, "When the model says better, how often it is right."},
        {"F1, deteriorated", m->f1[0], none, put_number,
         "Harmonic mean of that class's precision and recall."},
        {"F1, improved", m->f1[1], none, put_number, "The same for the other class."},
        {"F1, mean of classes", m->macro_f1, r->intervals.macro_f1, put_number,
         "Both classes count alike."},
        {"Area under the ROC curve", m->roc_auc, r->intervals.roc_auc, put_number,
         "Chance that someone who improved scores above someone who got worse. Needs no threshold; "
         "0.5 is guessing."},
        {"Matthews correlation", m->matthews, none, put_number,
         "Correlation of truth and judgement, from -1 to 1."},
        {"Brier score", m->brier, none, put_number,
         "Mean squared error of the score: 0 is perfect, 0.25 is a constant 0.5."},
        {"Calibration error", m->calibration_error, none, put_number,
         "How far scores are from the shares they claim, on average."},
        {"precision_tf", m->precision_tf, none, put_share,
         "Keras's Precision() over both outputs at 0.5, as the original software reported it."},
    };
    fputs("<h2>All figures</h2>\n<div class=\"scroll\"><table>\n<tr><th>Figure</th><th "
          "class=\"n\">Value</th><th class=\"n\">95 % interval</th><th>Meaning</th></tr>\n",
          out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fprintf(out, "<tr><td>%s</td><td class=\"n\">", rows[i].name);
        rows[i].put(out, rows[i].value);
        fputs("</td><td class=\"n\">", out);
        put_range(out, rows[i].ci, rows[i].put);
        fprintf(out, "</td><td>%s</td></tr>\n", rows[i].meaning);
    }
    fputs("</table></div>\n", out);
}

static void caption(FILE *out, const char *text)
{
    fprintf(out, "<figcaption>%s</figcaption></figure>\n", text);
}

static void pictures(FILE *out, const report *r)
{
    fputs("<h2>Pictures</h2>\n<div class=\"plots\">\n<figure>", out);
    plot_confusion(out, &r->metrics);
    caption(
        out,
        "Confusion matrix: blue is right, orange is wrong; stronger is a larger share of the row.");
    fputs("<figure>", out);
    plot_roc(out, r->curve, r->curve_points, &r->metrics);
    caption(out, "Every threshold at once: how many improved people are found against how many "
                 "deteriorated ones are mistaken for them.");
    fputs("<figure>", out);
    plot_scores(out, r->predictions, r->count, r->threshold);
    caption(out, "Scores of all people. Well apart is good; bars on the wrong side of the dashed "
                 "line are mistakes.");
    fputs("<figure>", out);
    plot_calibration(out, r->predictions, r->count);
    caption(out, "Does a score of 0.8 mean that 8 in 10 improved? On the dashed line it does. A "
                 "larger dot is more people; the bars are 95 % intervals.");
    fputs("<figure>", out);
    plot_risk(out, r->risk, r->risk_points);
    caption(out, "How often the model is wrong if it answers only the surest people and leaves the "
                 "others to a doctor. A curve that falls to the left is what one hopes for.");
    if (r->courses) {
        fputs("<figure>", out);
        plot_course(out, r->courses, r->predictions, r->count, r->threshold, r->room);
        caption(out, "What the model would have said as each person's photos came in: the middle "
                     "person of each class, and between the quartiles. Where the bands part, "
                     "enough photos have been seen.");
    }
    if (r->log) {
        fputs("<figure class=\"wide\">", out);
        plot_training(out, r->log);
        caption(out, "The course of training. Validation people are not trained on; validation "
                     "loss chose the model.");
    }
    fputs("</div>\n", out);
}

static int by_distance(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Misjudged people, the surest mistakes first. */
static void misjudged(FILE *out, const report *r)
{
    typedef struct mistake {
        double distance;
        const prediction *who;
    } mistake;
    mistake *list = malloc((r->count ? r->count : 1) * sizeof *list);
    size_t n = 0;
    if (!list) ranout_note(); /* the table will be empty */
    for (size_t i = 0; list && i < r->count; i++) {
        const prediction *p = &r->predictions[i];
        if (prediction_class(p, r->threshold) != p->label)
            list[n++] = (mistake){fabs(prediction_score(p) - r->threshold), p};
    }
    fprintf(out,
            "<h2>Misjudged people</h2>\n<p class=\"note\">%zu of %zu, the surest mistakes first. "
            "Only ids are kept here: no photo, no note.</p>\n",
            n, r->count);
    if (n) {
        qsort(list, n, sizeof *list, by_distance);
        fputs("<div class=\"scroll\"><table>\n<tr><th>Id</th><th>Truth</th><th>Judged</th><th "
              "class=\"n\">Score</th><th class=\"n\">Photos</th>"
              "<th class=\"n\">of them masked</th></tr>\n",
              out);
        for (size_t i = 0; i < n; i++) {
            const prediction *p = list[i].who;
            fputs("<tr><td>", out);
            svg_escape(out, p->id);
            fprintf(out,
                    "</td><td>%s</td><td>%s</td><td class=\"n\">%.3f</td><td "
                    "class=\"n\">%zu</td><td class=\"n\">%zu</td></tr>\n",
                    p->label ? "improved" : "deteriorated", p->label ? "deteriorated" : "improved",
                    prediction_score(p), p->frames, p->frames - p->valid);
        }
        fputs("</table></div>\n", out);
    }
    free(list);
}

#define SHOWN_LABELS 20

/* Labels that are probably wrong, the most doubtful first. */
static void doubtful_labels(FILE *out, const report *r)
{
    size_t shown = 0;
    fputs("<h2>Labels worth a second look</h2>\n<p class=\"note\">The labels are taken from notes "
          "by a program. These people's photos speak against theirs, by confident learning "
          "(Northcutt et al. 2021): read their notes again. All people, the most doubtful label "
          "first, are in review.csv.</p>\n<div class=\"scroll\"><table>\n<tr><th>Id</th>"
          "<th>Label</th><th class=\"n\">Its probability</th></tr>\n",
          out);
    for (size_t i = 0; i < r->count && shown < SHOWN_LABELS; i++) {
        const label_doubt *d = &r->doubts[i];
        if (!d->likely_wrong) continue;
        fputs("<tr><td>", out);
        svg_escape(out, d->who->id);
        fprintf(out, "</td><td>%s</td><td class=\"n\">%.3f</td></tr>\n",
                d->who->label ? "improved" : "deteriorated", d->probability);
        shown++;
    }
    fputs("</table></div>\n", out);
    if (!shown) fputs("<p class=\"note\">None.</p>\n", out);
}

void report_html(FILE *out, const report *r)
{
    page_begin(out, "SkinCredible: evaluation");
    summary(out, r);
    evaluated(out, r);
    pictures(out, r);
    promise_html(out, &r->promise);
    fairness_html(out, &r->fairness, promise_made(&r->promise), r->familiar != NULL);
    metric_table(out, r);
    misjudged(out, r);
    doubtful_labels(out, r);
    page_end(out);
}
