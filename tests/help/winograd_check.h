/* winograd_check.h - runs a sequence forward and back through the Winograd backend and through
 * naive_cell.c, and compares. No test framework, so that it also runs on a bare cross-compiled
 * build (check-neon.sh). */
#ifndef WINOGRAD_CHECK_H
#define WINOGRAD_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "cells/cell.h"

typedef struct winograd_problem {
    size_t height, width, channels, filters, steps;
    convlstm__activation recurrent_activation;
    bool initial_state; /* random h and c before the first step; else zeros, given as null */
    double scale;       /* of the weights, times Keras's initialisation */
    size_t taps;        /* of the kernels: 1, 3 or 5 */
    bool rectified;     /* relu in place of tanh */
} winograd_problem;

/* The cell of a problem, for inference and training in fp32. */
convlstm__cell_desc winograd_problem_desc(const winograd_problem *p);

/* The sequence and its results in double precision. Free with winograd_case_free. */
typedef struct winograd_case winograd_case;
winograd_case *winograd_case_new(const winograd_problem *p, uint64_t seed);
/* The same with x within -size and size: in all of the frame, and its steps are told so
 * (convlstm__cell_step.unscaled); or in the lower half of it, which they must see. */
winograd_case *winograd_case_large(const winograd_problem *p, uint64_t seed, double size, bool all);
void winograd_case_free(winograd_case *c);

/* What is kept for the way back: gates and c in fp32; in 16-bit fixed point; or c alone, in
 * that. */
typedef enum winograd_gates {
    WINOGRAD_EXACT,
    WINOGRAD_COMPACT,
    WINOGRAD_ODD_STATES, /* and c of odd steps alone */
    WINOGRAD_AGAIN
} winograd_gates;

/* Number of failed comparisons, each told on stdout with
 * problem, isa, seed, the worst element and its error. Errors are relative to the largest value of
 * the tensor: forward_limit for h and c, backward_limit for gradients. */
int winograd_check(const winograd_case *c, nbase_isa isa, winograd_gates gates,
                   double forward_limit, double backward_limit);

/* The forward steps of a 3x3 problem with products of bfloat16, as inference runs them; nothing if
 * the machine has none for the instruction set. */
int winograd_check_bf16(const winograd_case *c, nbase_isa isa, double limit);
/* The same for training steps. */
int winograd_check_bf16_training(const winograd_case *c, nbase_isa isa, double forward_limit,
                                 double backward_limit);

/* The forward steps through the direct backend, with their parts, maps and pairs; nothing if the
 * machine has no tiles for the instruction set. */
int winograd_check_direct(const winograd_case *c, nbase_isa isa, double limit);

#endif
