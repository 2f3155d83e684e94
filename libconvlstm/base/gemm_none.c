/* gemm_none.c - gemm.h in a build without a BLAS: make BLAS=none. */
#include "gemm.h"
#include "gemm_plain.h"

void nbase__sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                  size_t ldc)
{
    nbase__plain_sgemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
