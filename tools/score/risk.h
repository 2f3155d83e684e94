/* risk.h - how often the model is wrong if it may leave the doubtful people unanswered (El-Yaniv
 * and Wiener, "On the Foundations of Noise-free Selective Classification", 2010). */
#ifndef SKIN_SCORE_RISK_H
#define SKIN_SCORE_RISK_H

#include "metrics.h"

/* One more person answered, in order of confidence. */
typedef struct risk_point {
    double answered; /* share of the people, 0..1 */
    double wrong;    /* share of those answered that are judged wrongly */
} risk_point;

/* The curve over n people, the most confident first: confidence is the distance of the score from
 * the threshold. People of one confidence are answered together. *points is malloc'ed, *count at
 * most n. False: out of memory. */
bool risk_curve(const prediction *p, size_t n, double threshold, risk_point **points,
                size_t *count);

#endif
