/* labels.h - which labels are probably wrong: those that a model which has not learned from the
 * person contradicts with confidence (confident learning: Northcutt, Jiang and Chuang, "Confident
 * Learning: Estimating Uncertainty in Dataset Labels", 2021). */
#ifndef SKIN_SCORE_LABELS_H
#define SKIN_SCORE_LABELS_H

#include "metrics.h"

/* A person's label, and what speaks against it. */
typedef struct label_doubt {
    const prediction *who;
    double probability; /* of the label, by the score: near 0 the model says the opposite */
    /* The score reaches the other class's mean score of its own people, and not that of the
     * label's: confident learning counts the label as wrong. */
    bool likely_wrong;
} label_doubt;

/* The labels of n people, the least probable first (of equal ones, in their order); the caller
 * frees the list with free(). Null: out of memory. */
label_doubt *label_doubts(const prediction *p, size_t n);

#endif
