/* calibration.h - from the network's two outputs to one probability that means what it says.
 *
 * A network's outputs rank people; how often a score comes true is measured on people that the
 * network was not trained on. Their outcomes are fitted by a logistic curve of one number, the
 * evidence (Platt 1999, with the Newton method of Lin, Lin and Weng 2007). skin-evaluate
 * --calibrate fits it and stores it in the model file; skin-serve applies it. */
#ifndef SKIN_CALIBRATION_H
#define SKIN_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

/* key in the model file's metadata: {"slope": 0.5, "offset": 0, "people": 60} */
#define CALIBRATION_META "calibration"
/* a sentence about the model that people are to read beside its answers */
#define CALIBRATION_NOTE_META "note"

typedef struct calibration {
    double slope, offset;
    size_t people; /* on whom it was fitted; 0: none, it is the mean of the two logits */
} calibration;

/* Slope 1/2, offset 0: the mean of logit(improved) and -logit(deteriorated). */
calibration calibration_none(void);

/* logit(positive) - logit(negative) of the two outputs, each kept 1e-7 away from 0 and 1. */
double calibration_evidence(double negative, double positive);

/* The probability that the skin improved: the logistic of slope * evidence + offset. */
double calibration_apply(const calibration *c, double negative, double positive);

/* Fits the curve by maximum likelihood to n pairs of evidence and label (1 improved, 0
 * deteriorated), with Platt's targets (n1+1)/(n1+2) and 1/(n0+2), which keep it finite where the
 * classes do not overlap. False if there is no such curve: one class is missing, or the evidence
 * does not rise with the truth (a slope that is not above zero). */
bool calibration_fit(const double *evidence, const int *labels, size_t n, calibration *out);

/* Reads the metadata's text; null gives calibration_none. False if it is anything but an object
 * with finite numbers slope (above zero) and offset. */
bool calibration_parse(const char *text, calibration *out);

/* The text for the metadata; the caller frees it with free(). Null: out of memory. */
char *calibration_text(const calibration *c);

#endif
