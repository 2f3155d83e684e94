/* mtcnn_kernel_check.h - every kernel of a table of libmtcnn against the plain C one, on random and
 * on whole numbers, odd sizes and tails, in guarded buffers. No test framework, so that it also
 * runs on a bare cross-compiled build (check-neon.sh). */
#ifndef MTCNN_KERNEL_CHECK_H
#define MTCNN_KERNEL_CHECK_H

#include "kernels/net_kernels.h"

/* 0 if all is well. What fails is told on stdout with kernel, instruction set, shape, worst element
 * and seed. */
int mtcnn_kernel_check(const mtcnn__kernels *k, const mtcnn__params *p, uint64_t seed);

#endif
