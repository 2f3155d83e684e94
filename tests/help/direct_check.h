/* direct_check.h - the direct backend's kernels on the tile unit beside those in plain C, which
 * must give the same bits. No test framework (see kernel_check.h). */
#ifndef DIRECT_CHECK_H
#define DIRECT_CHECK_H

#include <stdint.h>

#include "winograd_check.h"

/* What the weights take care of (cell_ops.pack_map): nothing, a map of x, a centre of h. */
typedef enum direct_weights { DIRECT_PLAIN, DIRECT_MAPPED, DIRECT_CENTRED } direct_weights;

/* Runs the problem's steps on both, from random x and weights, if DIRECT_MAPPED with a map of h,
 * too, and compares all that they write. The problem's scale is that of the weights. Number of
 * failed comparisons, each reported on stdout; 0 where there is no tile unit. */
int direct_check_bits(const winograd_problem *p, direct_weights weights, uint64_t seed);

/* In plain C, a cell with random centres beside one without: h may differ by `limit` of the largest
 * of it and of the centres. And a centred frame must survive being floats. */
int direct_check_centre(const winograd_problem *p, double limit, uint64_t seed);

#endif
