/* gemm.h - internal: the one seam to BLAS. It runs on the calling thread alone, so that its sums
 * come in one order. Under a limit on addresses calls may wait for each other. */
#ifndef NBASE_GEMM_H
#define NBASE_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/* C = alpha * op(A) * op(B) + beta * C, all row-major.
 *
 * trans_a, trans_b  op transposes its matrix
 * m, n, k           op(A) is (m,k), op(B) is (k,n), C is (m,n)
 * lda, ldb, ldc     floats from row to row, of the matrices as they are stored
 * beta              0: C is not read */
void nbase__sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                  size_t ldc);

#endif
