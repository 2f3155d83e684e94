#include "plots.h"

#include <math.h>
#include <string.h>

#include "svg.h"

static const char *const class_names[2] = {"deteriorated", "improved"};

/* ---- confusion matrix ---- */

static void confusion_cell(FILE *out, const metrics *m, int truth, int said)
{
    double size = 130, x = 150 + said * size, y = 62 + truth * size;
    size_t count = m->confusion[truth][said];
    double share = m->with_label[truth] ? (double)count / (double)m->with_label[truth] : 0;
    svg_rect(out, x + 2, y + 2, size - 4, size - 4, truth == said ? "blue" : "orange",
             0.08 + 0.92 * share);
    const char *big = share > 0.5 ? "big invert" : "big ink",
               *small = share > 0.5 ? "invert" : "ink";
    svg_text(out, x + size / 2, y + size / 2 + 4, big, "middle", "%zu", count);
    svg_text(out, x + size / 2, y + size / 2 + 26, small, "middle", "%.0f %%", 100 * share);
}

void plot_confusion(FILE *out, const metrics *m)
{
    char about[200];
    snprintf(about, sizeof about,
             "Confusion matrix: deteriorated judged right %zu, wrong %zu; improved judged right "
             "%zu, wrong %zu",
             m->confusion[0][0], m->confusion[0][1], m->confusion[1][1], m->confusion[1][0]);
    svg_begin(out, 440, 350, about);
    svg_text(out, 280, 24, "ink bold", "middle", "judged");
    svg_text_up(out, 24, 192, "ink bold", "truth");
    for (int c = 0; c < 2; c++) {
        svg_text(out, 215 + c * 130, 50, "ink", "middle", "%s", class_names[c]);
        svg_text(out, 140, 126 + c * 130, "ink", "end", "%s", class_names[c]);
        svg_text(out, 140, 143 + c * 130, "muted small", "end", "%zu people", m->with_label[c]);
    }
    for (int truth = 0; truth < 2; truth++)
        for (int said = 0; said < 2; said++) confusion_cell(out, m, truth, said);
    svg_text(out, 280, 342, "muted small", "middle", "percentages are of the row");
    svg_end(out);
}

/* ---- ROC ---- */

static void roc_area(FILE *out, const svg_axes *a, const roc_point *curve, size_t n)
{
    fputs("<polygon class=\"blue\" opacity=\"0.12\" points=\"", out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%.1f,%.1f ", svg_x(a, curve[i].false_positive_rate),
                svg_y(a, curve[i].true_positive_rate));
    fprintf(out, "%.1f,%.1f\"/>\n<polyline class=\"line-blue\" points=\"", svg_x(a, 1),
            svg_y(a, 0));
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%.1f,%.1f ", svg_x(a, curve[i].false_positive_rate),
                svg_y(a, curve[i].true_positive_rate));
    fputs("\"/>\n", out);
}

void plot_roc(FILE *out, const roc_point *curve, size_t points, const metrics *m)
{
    char about[100];
    snprintf(about, sizeof about, "ROC curve, area %.3f", m->roc_auc);
    svg_begin(out, 440, 350, curve ? about : "ROC curve: not defined, a class is empty");
    svg_axes a = {.left = 70, .top = 20, .width = 350, .height = 270, .x1 = 1, .y1 = 1};
    svg_axes_draw(out, &a, "deteriorated judged improved (false positives)", "improved found", 5);
    svg_line(out, svg_x(&a, 0), svg_y(&a, 0), svg_x(&a, 1), svg_y(&a, 1), "frame dash");
    if (curve) {
        roc_area(out, &a, curve, points);
        double x = svg_x(&a, 1 - m->recall[0]), y = svg_y(&a, m->recall[1]);
        svg_dot(out, x, y, 5, "orange");
        svg_text(out, svg_x(&a, 0.97), svg_y(&a, 0.16), "ink bold", "end", "area %.3f", m->roc_auc);
        svg_text(out, svg_x(&a, 0.97), svg_y(&a, 0.09), "muted small", "end",
                 "dot: the threshold in use; dashed: guessing");
    } else {
        svg_text(out, svg_x(&a, 0.5), svg_y(&a, 0.5), "ink", "middle",
                 "not defined: a class is empty");
    }
    svg_end(out);
}

/* ---- scores ---- */

enum { SCORE_BINS = 20 };

static size_t count_scores(const prediction *p, size_t n, size_t counts[2][SCORE_BINS])
{
    size_t most = 1;
    memset(counts, 0, 2 * sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        size_t b = (size_t)(prediction_score(&p[i]) * SCORE_BINS);
        size_t *cell = &counts[p[i].label][b < SCORE_BINS ? b : SCORE_BINS - 1];
        if (++*cell > most) most = *cell;
    }
    return most;
}

void plot_scores(FILE *out, const prediction *p, size_t n, double threshold)
{
    size_t counts[2][SCORE_BINS];
    double most = (double)count_scores(p, n, counts);
    svg_begin(out, 440, 350,
              "Histogram of scores: improved people upwards, deteriorated people downwards");
    svg_axes a = {.left = 70,
                  .top = 20,
                  .width = 350,
                  .height = 270,
                  .x1 = 1,
                  .y0 = -most * 1.08,
                  .y1 = most * 1.08};
    double middle = svg_y(&a, 0), bar = a.width / SCORE_BINS,
           step = fmax(1, svg_round_step(most, 3));
    for (double v = -floor(most / step) * step; v <= most; v += step) {
        svg_line(out, a.left, svg_y(&a, v), a.left + a.width, svg_y(&a, v), "grid");
        svg_text(out, a.left - 8, svg_y(&a, v) + 4, "muted small", "end", "%g", fabs(v));
    }
    for (int i = 0; i <= 5; i++)
        svg_text(out, svg_x(&a, i / 5.0), a.top + a.height + 17, "muted small", "middle", "%g",
                 i / 5.0);
    for (int b = 0; b < SCORE_BINS; b++) {
        double up = middle - svg_y(&a, (double)counts[1][b]),
               down = svg_y(&a, -(double)counts[0][b]) - middle;
        if (up > 0) svg_rect(out, a.left + b * bar + 1, middle - up, bar - 2, up, "blue", 1);
        if (down > 0) svg_rect(out, a.left + b * bar + 1, middle, bar - 2, down, "orange", 1);
    }
    svg_line(out, a.left, middle, a.left + a.width, middle, "frame");
    svg_line(out, svg_x(&a, threshold), a.top, svg_x(&a, threshold), a.top + a.height,
             "frame dash");
    svg_text(out, a.left + 8, a.top + 14, "ink small", "start", "improved (up)");
    svg_text(out, a.left + 8, a.top + a.height - 6, "ink small", "start", "deteriorated (down)");
    svg_text(out, a.left + a.width / 2, a.top + a.height + 38, "ink", "middle",
             "score (0 deteriorated, 1 improved)");
    svg_text_up(out, a.left - 42, a.top + a.height / 2, "ink", "people");
    svg_end(out);
}

/* ---- calibration ---- */

void plot_calibration(FILE *out, const prediction *p, size_t n)
{
    calibration_bin bins[METRICS_BINS];
    metrics_calibration(p, n, bins);
    svg_begin(
        out, 440, 350,
        "Calibration: share of improved people against the mean score, by tenths of the score");
    svg_axes a = {.left = 70, .top = 20, .width = 350, .height = 270, .x1 = 1, .y1 = 1};
    svg_axes_draw(out, &a, "mean score", "share that had improved", 5);
    svg_line(out, svg_x(&a, 0), svg_y(&a, 0), svg_x(&a, 1), svg_y(&a, 1), "frame dash");
    double x[METRICS_BINS], y[METRICS_BINS];
    for (size_t b = 0; b < METRICS_BINS; b++) {
        x[b] = bins[b].mean_score;
        y[b] = bins[b].count ? (double)bins[b].improved / (double)bins[b].count : NAN;
        if (!bins[b].count) continue;
        interval ci = metrics_wilson(bins[b].improved, bins[b].count);
        svg_line(out, svg_x(&a, x[b]), svg_y(&a, ci.low), svg_x(&a, x[b]), svg_y(&a, ci.high),
                 "line-blue thin");
        svg_dot(out, svg_x(&a, x[b]), svg_y(&a, y[b]), 3 + fmin(6, sqrt((double)bins[b].count)),
                "blue");
    }
    svg_end(out);
}

/* ---- risk ---- */

void plot_risk(FILE *out, const risk_point *points, size_t n)
{
    double most = 0.05;
    for (size_t i = 0; i < n; i++) most = fmax(most, points[i].wrong);
    svg_begin(out, 440, 350,
              "Share of wrong answers if only the surest people are answered, by their share");
    svg_axes a = {
        .left = 70, .top = 20, .width = 350, .height = 270, .x1 = 1, .y1 = fmin(1, 1.1 * most)};
    svg_axes_draw(out, &a, "share of people answered, the surest first", "wrong answers", 5);
    fputs("<polyline class=\"line-blue\" points=\"", out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%.1f,%.1f ", svg_x(&a, points[i].answered), svg_y(&a, points[i].wrong));
    fputs("\"/>\n", out);
    svg_end(out);
}

/* ---- training ---- */

/* Smallest and largest finite value of up to two columns, widened a little. */
static void limits(const double *a, const double *b, size_t n, double *low, double *high)
{
    *low = INFINITY, *high = -INFINITY;
    const double *columns[2] = {a, b};
    for (int c = 0; c < 2; c++)
        for (size_t i = 0; columns[c] && i < n; i++)
            if (isfinite(columns[c][i]))
                *low = fmin(*low, columns[c][i]), *high = fmax(*high, columns[c][i]);
    if (!(*low <= *high)) *low = 0, *high = 1;
    double pad = fmax(0.05 * (*high - *low), 1e-6);
    *low -= pad, *high += pad;
}

static size_t lowest(const double *v, size_t n)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]) && (best == n || v[i] <= v[best])) best = i;
    return best;
}

typedef struct panel {
    double left;
    const char *x_name, *name, *validation_name; /* columns */
    const char *label;
} panel;

static void training_panel(FILE *out, const train_log *log, const panel *p, double best_x)
{
    const double *x = train_log_column(log, p->x_name), *y = train_log_column(log, p->name),
                 *v = train_log_column(log, p->validation_name);
    svg_axes a = {.left = p->left, .top = 20, .width = 330, .height = 270};
    if (!x || !y || !log->rows) {
        svg_text(out, a.left + a.width / 2, a.top + a.height / 2, "muted", "middle",
                 "no %s in the log", p->label);
        return;
    }
    a.x0 = x[0], a.x1 = log->rows > 1 ? x[log->rows - 1] : x[0] + 1;
    limits(y, v, log->rows, &a.y0, &a.y1);
    svg_axes_draw(out, &a, p->x_name, p->label, 5);
    if (!isnan(best_x))
        svg_line(out, svg_x(&a, best_x), a.top, svg_x(&a, best_x), a.top + a.height, "frame dash");
    svg_curve(out, &a, x, y, log->rows, "line-blue");
    if (v) svg_curve(out, &a, x, v, log->rows, "line-orange");
    /* a line of one point shows nothing */
    if (log->rows == 1) svg_dot(out, svg_x(&a, x[0]), svg_y(&a, y[0]), 3, "blue");
    if (log->rows == 1 && v && isfinite(v[0]))
        svg_dot(out, svg_x(&a, x[0]), svg_y(&a, v[0]), 3, "orange");
}

void plot_training(FILE *out, const train_log *log)
{
    svg_begin(out, 840, 370, "Loss and accuracy of training and validation by epoch");
    const double *epoch = train_log_column(log, "epoch"),
                 *val_loss = train_log_column(log, "val_loss");
    size_t best = val_loss ? lowest(val_loss, log->rows) : log->rows;
    double best_x = epoch && best < log->rows ? epoch[best] : NAN;
    const char *x_name = epoch ? "epoch" : "step";
    training_panel(out, log, &(panel){70, x_name, "loss", "val_loss", "loss"}, best_x);
    training_panel(out, log, &(panel){490, x_name, "accuracy", "val_accuracy", "accuracy"}, best_x);
    static const char *const names[] = {"training", "validation",
                                        "best validation loss: the model kept"};
    static const char *const classes[] = {"line-blue", "line-orange", "frame dash"};
    for (size_t i = 0; i < (isnan(best_x) ? 1 : 3); i++)
        svg_legend(out, 70 + 130 * (double)i, 360, &names[i], &classes[i], 1);
    svg_end(out);
}
