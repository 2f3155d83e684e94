/* direct_check.h - the direct backend's kernels on the tile unit beside those in plain C, which
 * must give the same bits. No test framework (see kernel_check.h). */
#ifndef DIRECT_CHECK_H
#define DIRECT_CHECK_H

#include <stdint.h>

#include "winograd_check.h"

/* Runs the problem's steps on both, from random x and weights, with a map of x and a map of h if
 * `mapped`, and compares all that they write. The problem's scale is that of the weights. Number of
 * failed comparisons, each reported on stdout; 0 where there is no tile unit. */
int direct_check_bits(const winograd_problem *p, bool mapped, uint64_t seed);

#endif
