/* array_metrics.h - how good a network's answers for arrays are, by the kind of what it gives. */
#ifndef SKIN_ARRAY_METRICS_H
#define SKIN_ARRAY_METRICS_H

#include <jansson.h>

#include "array_run.h"
#include "arrays/array_targets.h"

typedef enum array_kind {
    /* a vector, or one per frame: the largest value's class is said; right is the largest
     * target's */
    ARRAY_CLASSES,
    ARRAY_NUMBERS, /* a vector of numbers, or one per frame */
    ARRAY_FRAMES   /* frames, or sequences of them, of which valid frames count */
} array_kind;

enum { ARRAY_THRESHOLDS = 8 };

typedef struct array_metrics {
    array_kind kind;
    size_t items, left_out; /* sequences judged, and those without an answer */

    /* ARRAY_CLASSES */
    size_t classes;
    size_t *confusion; /* (classes, classes), row: truth, column: said */
    double accuracy;
    double balanced_accuracy; /* mean recall of the classes that occur */
    double log_loss;          /* mean of -log of the true class's value, kept 1e-7 away from 0 */

    /* ARRAY_NUMBERS and ARRAY_FRAMES, over all values */
    double mae, mse;
    double r2; /* 1 - sum of squares / that of the mean of each output; NaN if all are the same */

    /* ARRAY_FRAMES */
    double psnr; /* 10 log10(range^2 / mse) */
    double ssim; /* mean over frames and channels; NaN for frames smaller than its window */
    size_t threshold_count;
    double threshold[ARRAY_THRESHOLDS];
    double csi[ARRAY_THRESHOLDS]; /* hits / (hits + misses + false alarms); NaN: no event */
} array_metrics;

typedef struct array_metrics_options {
    array_kind kind;
    double range; /* of the values of frames, from 0 on */
    size_t threshold_count;
    double threshold[ARRAY_THRESHOLDS]; /* an event is a value of at least this */
} array_metrics_options;

/* What an output's targets ask for: classes where the file has them, or where the output ends in a
 * softmax; else numbers, or frames. */
array_kind array_kind_of(const convlstm_model *m, const array_targets *t);

/* Of the output that `t` is about. The caller frees *out with array_metrics_free, after a failure
 * too. NBASE_ERR_NO_VALID_FRAMES if no sequence has an answer. */
bool array_metrics_compute(const array_set *a, const array_targets *t, const array_answers *o,
                           const array_metrics_options *options, array_metrics *out,
                           nbase_error *err);

void array_metrics_free(array_metrics *m); /* safe on an empty one */

/* A class's share of its true ones that were said (recall), and of the said ones that were true
 * (precision); NaN where there are none. */
double array_recall(const array_metrics *m, size_t class_number);
double array_precision(const array_metrics *m, size_t class_number);

/* The structural similarity of two frames' channel: Wang et al. 2004, with a Gaussian window of 11
 * x 11 (sigma 1.5) that lies wholly inside, as tf.image.ssim. NaN for smaller frames, and if memory
 * runs out.
 *
 * a, b  (height, width) at a distance of `step` values */
double array_ssim(const float *a, const float *b, size_t height, size_t width, size_t step,
                  double range);

#endif
