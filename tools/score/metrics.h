/* metrics.h - how good predictions are: counts, rates, curves, and how sure one may be of them
 * (intervals).
 *
 * Class 1 is "improved" (positive), class 0 "deteriorated" (negative). A rate whose denominator is
 * zero is NaN, never a made-up 0. */
#ifndef SKIN_SCORE_METRICS_H
#define SKIN_SCORE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the network said of one person, and the truth. */
typedef struct prediction {
    const char *id; /* borrowed */
    int label;      /* 1 improved, 0 deteriorated */
    /* the two outputs, in file order; two sigmoids need not add up to 1 */
    double negative, positive;
    size_t frames, valid; /* length of the series, and how many of its frames held a face */
} prediction;

/* A score above it is judged improved, where the user asks for no other. */
#define METRICS_THRESHOLD 0.5

/* Where a person stands between deteriorated (0) and improved (1): positive / (positive +
 * negative), which is `positive` itself for a softmax. 0.5 if both are 0. All threshold-free
 * figures rank by it. */
double prediction_score(const prediction *p);

/* The class at a threshold of the score; a tie is deteriorated. At METRICS_THRESHOLD that is the
 * index of the larger output (prob_class). */
int prediction_class(const prediction *p, double threshold);

typedef struct interval {
    double low, high;
} interval;

typedef struct metrics {
    size_t count, with_label[2]; /* people, and people by true class */
    size_t confusion[2][2];      /* [truth][predicted] */
    double accuracy;             /* share judged right */
    /* mean of the two recalls: 0.5 is guessing, whatever the mix of classes */
    double balanced_accuracy;
    double precision[2], recall[2]; /* by class */
    /* harmonic mean of precision and recall; and its mean over classes */
    double f1[2], macro_f1;
    double matthews; /* correlation of truth and prediction, -1..1 (Matthews 1975) */
    /* chance that an improved person scores above a deteriorated one; ties count half */
    double roc_auc;
    double precision_tf; /* Keras's Precision(): both columns, each above 0.5, pooled */
    double brier;        /* mean squared error of the score (Brier 1950) */
    /* mean over people of |score - share improved| by tenths of the score (ECE, Guo et al. 2017) */
    double calibration_error;
} metrics;

/* `n` may be 0: every rate is then NaN. */
void metrics_compute(const prediction *p, size_t n, double threshold, metrics *out);

/* Wilson's score interval of `hits` out of `n` at 95 % (Wilson 1927): right for small n and for
 * rates near 0 and 1. NaN for n = 0. */
interval metrics_wilson(size_t hits, size_t n);

typedef struct metrics_intervals {
    interval balanced_accuracy, macro_f1, roc_auc;
} metrics_intervals;

enum { METRICS_RESAMPLES = 2000 };

/* Percentile bootstrap at 95 %: METRICS_RESAMPLES draws with replacement within each class, from
 * `seed`. False if memory runs out. */
bool metrics_bootstrap(const prediction *p, size_t n, double threshold, uint64_t seed,
                       metrics_intervals *out);

typedef struct roc_point {
    double false_positive_rate, true_positive_rate, threshold;
} roc_point;

/* The ROC curve from (0,0) to (1,1), a point for each distinct score; *points is malloc'ed, *count
 * at most n + 1. A class without people, or memory that runs out, gives false. */
bool metrics_roc(const prediction *p, size_t n, roc_point **points, size_t *count);

enum { METRICS_BINS = 10 };

/* People whose score lies in [i/10, (i+1)/10), the last bin closed. */
typedef struct calibration_bin {
    size_t count, improved;
    double mean_score; /* NaN if empty */
} calibration_bin;

void metrics_calibration(const prediction *p, size_t n, calibration_bin bins[METRICS_BINS]);

#endif
