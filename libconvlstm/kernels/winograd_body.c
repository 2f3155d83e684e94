/* winograd_body.c - the recurrent step, forward and backward: a template (see vec.h). Parameters:
 *   TAPS      the width of the square kernels: 1, 3 or 5
 *   BF16      1: weights, transformed input and transformed gradients in bfloat16, sums and all
 *             else in fp32; 0: all in fp32
 *   FINE      1: fine transforms (winograd_points_fine.h), and some vectors forward alone; 0, the
 *             default: all else
 * NBASE_NO_TRAINING (make TRAIN=0) leaves the step back out. */
#if !defined(TAPS) || !defined(BF16)
#error "TAPS and BF16 must be defined: see the Makefile's templates"
#endif

#ifndef FINE
#define FINE 0
#endif

#include "kernels.h"
#include "vec.h"
#include "winograd_columns.h"
#include "winograd_forward.h"
#if !FINE && !defined(NBASE_NO_TRAINING)
#include "winograd_backward.h"
#endif

#ifndef FORWARD_VECTORS
#define FORWARD_VECTORS GEMM_VECTORS
#endif

const convlstm__winograd_kernels TABLE_NAME(convlstm__) = {
    .lanes = LANES,
    .rows = GEMM_ROWS,
    .group = GROUP,
    .forward_vectors = FORWARD_VECTORS,
    .most_vectors = GEMM_VECTORS,
    .backward_vectors = GEMM_VECTORS,
    .bf16 = BF16,
#if FINE
    .forward_some = forward_some,
#else
    .forward = forward,
#if HAS_COLUMNS
    .forward_columns = forward_columns,
#endif
#if !BF16
    .forward_pair = forward_pair,
#if HAS_COLUMNS
    .forward_pair_columns = forward_pair_columns,
#endif
#endif
#endif
};

#if !FINE && !defined(NBASE_NO_TRAINING)
const convlstm__winograd_training TRAINING_TABLE_NAME(convlstm__) = {
    .backward = backward,
    .output_again = output_again,
};
#endif
