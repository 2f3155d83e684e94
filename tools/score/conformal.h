/* conformal.h - answers with a promise: improved, deteriorated, or unsure, such that of the people
 * of either class at most a chosen share is answered wrongly.
 *
 * Split conformal prediction by class (Vovk, Gammerman and Shafer, "Algorithmic Learning in a
 * Random World", 2005: Mondrian; Angelopoulos and Bates, "A Gentle Introduction to Conformal
 * Prediction", 2021). People that the network was not trained on show how its evidence
 * (calibration.h) is spread in each class. A class is possible for a new person unless so few of
 * its people looked as little like it: its p-value is (1 + people of the class with no more
 * evidence for it) / (1 + people of the class). With a coverage of 0.9 a class is possible if its
 * p-value is above 0.1. Where one class is possible it is the answer; where both are, or none, the
 * answer is "unsure".
 *
 * The promise: if the new people are like those (exchangeable), the true class is possible for at
 * least that share of each class, whatever the network is. It is about the average over new people
 * and over draws of those who were measured; docs/training.md says what it is not. */
#ifndef SKIN_SCORE_CONFORMAL_H
#define SKIN_SCORE_CONFORMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* key in the model file's metadata: {"deteriorated": [...], "improved": [...]}, evidence, rising */
#define CONFORMAL_META "conformal"

/* What is promised where the user asks for nothing else. */
#define CONFORMAL_COVERAGE 0.9

/* The most people of a class that are kept. */
enum { CONFORMAL_MOST = 100000 };

typedef struct conformal {
    double *evidence[2]; /* by class, rising; class 1 is improved */
    size_t count[2];     /* both 0: nothing is known, and every answer is unsure */
} conformal;

typedef enum conformal_answer {
    ANSWER_DETERIORATED,
    ANSWER_IMPROVED,
    ANSWER_UNSURE
} conformal_answer;

/* "deteriorated", "improved", "unsure". */
extern const char *const conformal_answers[3];

/* Keeps the evidence of n people with their labels (1 improved, 0 deteriorated); the caller frees
 * it with conformal_free. False: out of memory, or no one of a class; *out is then empty. */
bool conformal_fit(const double *evidence, const int *labels, size_t n, conformal *out);

/* The p-value of a class for a person with so much evidence, in (0, 1]. */
double conformal_p(const conformal *c, int label, double evidence);

/* Whether the class is possible at a coverage between 0 and 1. */
bool conformal_possible(const conformal *c, int label, double evidence, double coverage);

conformal_answer conformal_judge(const conformal *c, double evidence, double coverage);

/* How many people of each class it takes until a class can be ruled out at all at a coverage: 9 for
 * 0.9, 19 for 0.95. With fewer, every answer is unsure. */
size_t conformal_least(double coverage);

/* Room for so many people of each class, to be filled in rising order, with the counts still 0; the
 * caller frees it with conformal_free. False, and *out empty: out of memory. */
bool conformal_reserve(conformal *c, const size_t count[2]);

/* Reads the metadata's text; null leaves *out empty. The caller frees it. False if it is anything
 * but an object with two lists of finite rising numbers, or if memory runs out. */
bool conformal_parse(const char *text, conformal *out);

/* Reads what a model file promises (a file without it leaves *out empty); the caller frees it with
 * conformal_free. */
bool conformal_of_file(const char *model, conformal *out, nbase_error *err);

/* The text for the metadata; the caller frees it with free(). Null: out of memory. */
char *conformal_text(const conformal *c);

/* Leaves it empty; safe on an empty one. */
void conformal_free(conformal *c);

#endif
