/* promise.h - how the answers improved, deteriorated and unsure of a model file
 * (../score/conformal.h) come out on the people of a report. */
#ifndef SKIN_REPORT_PROMISE_H
#define SKIN_REPORT_PROMISE_H

#include <jansson.h>
#include <stdio.h>

#include "score/conformal.h"
#include "score/metrics.h"

typedef struct promise {
    const conformal *measured; /* null, or empty: the model file promises nothing */
    double coverage;           /* asked for */
    /* filled by promise_compute, by true class */
    size_t people[2];
    size_t possible[2]; /* whose true class was possible: this share is promised */
    size_t unsure[2], right[2];
} promise;

/* Whether there is anything to say. */
bool promise_made(const promise *p);

void promise_compute(promise *p, const prediction *predictions, size_t n);

/* "improved", "deteriorated" or "unsure". */
const char *promise_answer(const promise *p, const prediction *who);

/* For metrics.json: a new reference, or null without memory. JSON null if nothing is promised. */
json_t *promise_json(const promise *p);

/* A line each for the terminal. */
void promise_print(FILE *out, const promise *p);

/* A section of the page. */
void promise_html(FILE *out, const promise *p);

#endif
