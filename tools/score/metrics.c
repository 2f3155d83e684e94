#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nbase.h"
#include "ranout.h"

#define Z95 1.959963984540054 /* 97.5 % quantile of the standard normal */

double prediction_score(const prediction *p)
{
    double sum = p->positive + p->negative;
    return sum > 0 ? p->positive / sum : 0.5;
}

/* The score is above the threshold; without the division, so that 0.5 compares the outputs
 * exactly. */
int prediction_class(const prediction *p, double threshold)
{
    return p->positive * (1 - threshold) > p->negative * threshold;
}

static double ratio(double a, double b) { return b > 0 ? a / b : NAN; }

typedef struct scored {
    double score;
    int label;
} scored;

static int by_score_descending(const void *a, const void *b)
{
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

static scored *sorted_scores(const prediction *p, size_t n)
{
    scored *s = malloc((n ? n : 1) * sizeof *s);
    for (size_t i = 0; s && i < n; i++) s[i] = (scored){prediction_score(&p[i]), p[i].label};
    if (s)
        qsort(s, n, sizeof *s, by_score_descending);
    else
        ranout_note(); /* the area under the curve will be NaN */
    return s;
}

/* Area under the ROC curve as the Mann-Whitney statistic: of all pairs (improved, deteriorated),
 * the share in which the improved scores higher. `s` is in descending order; pairs within a tie
 * count half. */
static double sorted_auc(const scored *s, size_t n)
{
    double pairs = 0, above = 0, improved = 0, deteriorated = 0;
    for (size_t i = 0; i < n;) {
        double tied[2] = {0, 0};
        size_t j = i;
        for (; j < n && s[j].score == s[i].score; j++) tied[s[j].label]++;
        above += tied[0] * (improved + tied[1] / 2);
        improved += tied[1];
        deteriorated += tied[0];
        i = j;
    }
    pairs = improved * deteriorated;
    return ratio(above, pairs);
}

static double auc(const prediction *p, size_t n)
{
    scored *s = sorted_scores(p, n);
    double area = s ? sorted_auc(s, n) : NAN;
    free(s);
    return area;
}

/* Keras's Precision() on two-column outputs and one-hot labels: every cell above 0.5 is a positive,
 * right if its label is 1. */
static double precision_both_columns(const prediction *p, size_t n)
{
    double right = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        bool says[2] = {p[i].negative > 0.5, p[i].positive > 0.5};
        all += says[0] + says[1];
        right += says[p[i].label];
    }
    return ratio(right, all);
}

void metrics_calibration(const prediction *p, size_t n, calibration_bin bins[METRICS_BINS])
{
    double sum[METRICS_BINS] = {0};
    memset(bins, 0, METRICS_BINS * sizeof *bins);
    for (size_t i = 0; i < n; i++) {
        double score = prediction_score(&p[i]);
        size_t b = (size_t)(score * METRICS_BINS);
        if (b >= METRICS_BINS) b = METRICS_BINS - 1;
        bins[b].count++;
        bins[b].improved += (size_t)p[i].label;
        sum[b] += score;
    }
    for (size_t b = 0; b < METRICS_BINS; b++)
        bins[b].mean_score = ratio(sum[b], (double)bins[b].count);
}

static double calibration_error(const prediction *p, size_t n)
{
    calibration_bin bins[METRICS_BINS];
    metrics_calibration(p, n, bins);
    double error = 0;
    for (size_t b = 0; b < METRICS_BINS; b++)
        if (bins[b].count)
            error += fabs(bins[b].mean_score * (double)bins[b].count - (double)bins[b].improved);
    return ratio(error, (double)n);
}

/* Everything that follows from the four counts. */
static void rates(metrics *m)
{
    double right = 0;
    for (int c = 0; c < 2; c++) {
        double hits = (double)m->confusion[c][c],
               said = (double)(m->confusion[0][c] + m->confusion[1][c]);
        right += hits;
        m->precision[c] = ratio(hits, said);
        m->recall[c] = ratio(hits, (double)m->with_label[c]);
        m->f1[c] = ratio(2 * hits, said + (double)m->with_label[c]);
    }
    m->accuracy = ratio(right, (double)m->count);
    m->balanced_accuracy = (m->recall[0] + m->recall[1]) / 2;
    m->macro_f1 = (m->f1[0] + m->f1[1]) / 2;
    double tn = (double)m->confusion[0][0], fp = (double)m->confusion[0][1],
           fn = (double)m->confusion[1][0], tp = (double)m->confusion[1][1];
    m->matthews = ratio(tp * tn - fp * fn, sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)));
}

void metrics_compute(const prediction *p, size_t n, double threshold, metrics *out)
{
    memset(out, 0, sizeof *out);
    out->count = n;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        out->with_label[p[i].label]++;
        out->confusion[p[i].label][prediction_class(&p[i], threshold)]++;
        double off = prediction_score(&p[i]) - p[i].label;
        squares += off * off;
    }
    rates(out);
    out->brier = ratio(squares, (double)n);
    out->roc_auc = auc(p, n);
    out->precision_tf = precision_both_columns(p, n);
    out->calibration_error = calibration_error(p, n);
}

interval metrics_wilson(size_t hits, size_t n)
{
    if (!n) return (interval){NAN, NAN};
    double count = (double)n, share = (double)hits / count, z2 = Z95 * Z95;
    double centre = (share + z2 / (2 * count)) / (1 + z2 / count);
    double half =
        Z95 / (1 + z2 / count) * sqrt(share * (1 - share) / count + z2 / (4 * count * count));
    return (interval){hits ? fmax(0, centre - half) : 0, hits < n ? fmin(1, centre + half) : 1};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile of sorted values with linear interpolation between neighbours. */
static double quantile(const double *sorted, size_t n, double q)
{
    double place = q * (double)(n - 1);
    size_t i = (size_t)place;
    return i + 1 < n ? sorted[i] + (place - (double)i) * (sorted[i + 1] - sorted[i])
                     : sorted[n - 1];
}

static interval percentile_interval(double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(values[i])) return (interval){NAN, NAN};
    qsort(values, n, sizeof *values, ascending);
    return (interval){quantile(values, n, 0.025), quantile(values, n, 0.975)};
}

/* `order` lists the people of class 0, then those of class 1. A draw keeps the class sizes. */
static void resample(const prediction *p, const size_t *order, const size_t with_label[2],
                     nbase_rng *rng, prediction *drawn)
{
    for (int c = 0; c < 2; c++) {
        const size_t *members = order + (c ? with_label[0] : 0);
        for (size_t i = 0; i < with_label[c]; i++)
            *drawn++ = p[members[nbase_rng_below(rng, (uint32_t)with_label[c])]];
    }
}

static void by_class(const prediction *p, size_t n, size_t *order)
{
    size_t at = 0;
    for (int c = 0; c < 2; c++)
        for (size_t i = 0; i < n; i++)
            if (p[i].label == c) order[at++] = i;
}

bool metrics_bootstrap(const prediction *p, size_t n, double threshold, uint64_t seed,
                       metrics_intervals *out)
{
    size_t *order = malloc((n ? n : 1) * sizeof *order);
    prediction *drawn = malloc((n ? n : 1) * sizeof *drawn);
    double(*values)[METRICS_RESAMPLES] = malloc(3 * sizeof *values);
    bool ok = order && drawn && values;
    if (ok) {
        nbase_rng rng;
        nbase_rng_seed(&rng, seed, 0);
        by_class(p, n, order);
        metrics m;
        metrics_compute(p, n, threshold, &m);
        size_t with_label[2] = {m.with_label[0], m.with_label[1]};
        for (size_t r = 0; r < METRICS_RESAMPLES; r++) {
            resample(p, order, with_label, &rng, drawn);
            metrics_compute(drawn, n, threshold, &m);
            values[0][r] = m.balanced_accuracy;
            values[1][r] = m.macro_f1;
            values[2][r] = m.roc_auc;
        }
        out->balanced_accuracy = percentile_interval(values[0], METRICS_RESAMPLES);
        out->macro_f1 = percentile_interval(values[1], METRICS_RESAMPLES);
        out->roc_auc = percentile_interval(values[2], METRICS_RESAMPLES);
    }
    free(order);
    free(drawn);
    free(values);
    return ok;
}

bool metrics_roc(const prediction *p, size_t n, roc_point **points, size_t *count)
{
    *points = NULL;
    *count = 0;
    size_t with_label[2] = {0, 0};
    for (size_t i = 0; i < n; i++) with_label[p[i].label]++;
    if (!with_label[0] || !with_label[1]) return false;
    scored *s = sorted_scores(p, n);
    roc_point *curve = malloc((n + 1) * sizeof *curve);
    if (!s || !curve) {
        ranout_note(); /* false means that there is none, otherwise */
        free(s);
        free(curve);
        return false;
    }
    size_t seen[2] = {0, 0}, at = 0;
    curve[at++] = (roc_point){0, 0, INFINITY};
    for (size_t i = 0; i < n; i++) {
        seen[s[i].label]++;
        if (i + 1 < n && s[i + 1].score == s[i].score) continue;
        curve[at++] = (roc_point){(double)seen[0] / (double)with_label[0],
                                  (double)seen[1] / (double)with_label[1], s[i].score};
    }
    free(s);
    *points = curve;
    *count = at;
    return true;
}
