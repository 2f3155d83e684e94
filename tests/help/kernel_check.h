/* kernel_check.h - every kernel of libconvlstm/kernels/kernels.inc that this processor runs,
 * checked on random data. No test framework, so that it also runs on a bare cross-compiled build
 * (check-neon.sh). */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <stdint.h>

#include "nbase.h"

/* Checks the kernels of instruction sets up to `highest`; 0 if all is well. What fails is told on
 * stdout with kernel, seed and worst element. math: error in units in the last place, over every
 * `float_step`-th of all 2^32 floats. */
int kernel_check_all(nbase_isa highest, uint64_t seed, uint32_t float_step);

#endif
