/* array_evaluate.h - skin-evaluate --npz: a network of any kind, judged by a file of arrays. */
#ifndef SKIN_ARRAY_EVALUATE_H
#define SKIN_ARRAY_EVALUATE_H

#include <stdbool.h>

#include "nbase.h"
#include "ranks/ranks.h"

enum { ARRAY_KIND_UNKNOWN = -1 };

typedef struct array_evaluation {
    ranks *ranks; /* that share the work, or null: rank 0 prints and writes */
    const char *npz;
    const char *out;        /* folder for metrics.json, or null */
    const char *thresholds; /* of events in frames: "0.2,0.5"; null: 0.5 */
    int kind;               /* array_kind (score/array_metrics.h); or ARRAY_KIND_UNKNOWN */
    double range;           /* of frames */
    int threads;
    bool json; /* print metrics.json, not a table */
} array_evaluation;

/* Prints the figures of the network in the file `model`, and writes them if that is wanted. */
bool array_evaluate(const char *model, const array_evaluation *o, nbase_error *err);

#endif
