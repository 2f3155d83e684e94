/* gemm_plain.h - internal: the product of gemm.h without a BLAS. */
#ifndef NBASE_GEMM_PLAIN_H
#define NBASE_GEMM_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* As nbase__sgemm, whose sums its differ from in their last bits. It needs no memory but 40 KB of
 * the stack. */
void nbase__plain_sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                        const float *a, size_t lda, const float *b, size_t ldb, float beta,
                        float *c, size_t ldc);

#endif
