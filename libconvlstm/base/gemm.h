/* gemm.h - internal: the one seam to BLAS. */
#ifndef NBASE_GEMM_H
#define NBASE_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/* C (m,n) = alpha * op(A) (m,k) * op(B) (k,n) + beta * C, row-major; lda, ldb, ldc are the row
 * strides of the arrays as stored. Single-threaded when called from a body of threads.h. beta 0
 * does not read C. */
void nbase__sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                  size_t ldc);
/* y (m) += alpha * A (m,n) * x, A row-major with row stride lda. */
void nbase__sgemv(size_t m, size_t n, float alpha, const float *a, size_t lda, const float *x,
                  float *y);

#endif
