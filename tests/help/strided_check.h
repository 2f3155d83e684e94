/* strided_check.h - convolutions by Winograd's method from grid to grid (cells/strided.h), compared
 * with plain loops in double precision. No test framework, like winograd_check.h. */
#ifndef STRIDED_CHECK_H
#define STRIDED_CHECK_H

#include <stdint.h>

#include "nbase.h"

typedef struct strided_problem {
    size_t height, width, channels, filters;
    size_t kernel_h, kernel_w, stride_h, stride_w;
    int valid; /* padding */
    int fine;  /* by the fine transforms, which have no gradient of the weights */
} strided_problem;

/* The convolution, its transpose, and the gradient of the weights of two frames, whole and in
 * parts, which must give the same bits. Number of failed comparisons, each told on stdout; errors
 * are relative to the largest value. The problem's kernel covers 3x3 places at most. */
int strided_check(const strided_problem *p, nbase_isa isa, uint64_t seed, double limit);

#endif
