/* plots.h - the pictures of a report, each a complete SVG that stands alone or inside HTML. Write
 * errors show in ferror(out). */
#ifndef SKIN_PLOTS_H
#define SKIN_PLOTS_H

#include <stdio.h>

#include "score/course.h"
#include "score/metrics.h"
#include "score/risk.h"
#include "trainlog.h"

/* The confusion matrix: truth in rows, prediction in columns; in each cell the count and its share
 * of the row. */
void plot_confusion(FILE *out, const metrics *m);

/* The ROC curve with its area; the chosen threshold is a dot, guessing a dashed line. A null
 * `curve` (a class is empty) gives axes and a note. */
void plot_roc(FILE *out, const roc_point *curve, size_t points, const metrics *m);

/* The scores of the improved upwards, of the deteriorated downwards, with the threshold. */
void plot_scores(FILE *out, const prediction *p, size_t n, double threshold);

/* The share of improved people against the mean score, by tenths of the score, with Wilson
 * intervals. */
void plot_calibration(FILE *out, const prediction *p, size_t n);

/* The share of wrong answers against the share of people answered, the surest first. */
void plot_risk(FILE *out, const risk_point *points, size_t n);

/* The scores of both classes as more and more of each person's photos were seen: the median, and
 * the range of the middle half. `room` holds n numbers. */
void plot_course(FILE *out, const course *courses, const prediction *p, size_t n, double threshold,
                 double *room);

/* Loss and accuracy by epoch (or loss by step, for a run on arrays); the epoch of the best
 * validation loss is marked. */
void plot_training(FILE *out, const train_log *log);

#endif
