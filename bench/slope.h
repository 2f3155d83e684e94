/* slope.h - whether a trainer's loss and gradients are right: by plain loops in double precision
 * (tests/help/convlstm_ref.h), and by the slope of that loss along the gradient. */
#ifndef BENCH_SLOPE_H
#define BENCH_SLOPE_H

#include "convlstm.h"
#include "convlstm_ref.h"

typedef struct slope_check {
    const char *name; /* for messages */
    convlstm_model *model;
    convlstm_trainer *trainer; /* of that model */
    convlstm_loss loss;
    double step;                    /* length of the steps along the gradient */
    double loss_limit, slope_limit; /* relative errors that are allowed */
} slope_check;

/* ref: of the same model; its weights move. b: a batch with its targets, none with states. *error:
 * the larger of both errors. False, perhaps with a message, if they are beyond the limits. */
bool slope_is_right(const slope_check *what, ref_net *ref, const ref_batch *b, double *error);

#endif
