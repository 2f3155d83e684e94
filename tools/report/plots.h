/* plots.h - the pictures of a report, each a complete SVG that stands alone or inside HTML. Write
 * errors show in ferror(out). */
#ifndef SKIN_PLOTS_H
#define SKIN_PLOTS_H

#include <stdio.h>

#include "score/metrics.h"
#include "trainlog.h"

/* Truth in rows, prediction in columns; each cell its count and its share of the row. */
void plot_confusion(FILE *out, const metrics *m);

/* The curve with its area, the chosen threshold as a dot, guessing as a dashed line. `curve` may be
 * null (a class is empty): axes and a note. */
void plot_roc(FILE *out, const roc_point *curve, size_t points, const metrics *m);

/* Scores of the improved upwards, of the deteriorated downwards, with the threshold. */
void plot_scores(FILE *out, const prediction *p, size_t n, double threshold);

/* Share improved against mean score by tenths, with Wilson intervals. */
void plot_calibration(FILE *out, const prediction *p, size_t n);

/* Loss and accuracy by epoch (or loss by step, for a run on arrays); the epoch of the best
 * validation loss is marked. */
void plot_training(FILE *out, const train_log *log);

#endif
