/* gemm_plain.c - the matrix product by loops of which compilers make vectors.
 *
 * A block of op(B) is packed first, so that whatever the layouts the innermost loop goes along rows
 * of it and of C. An element of C is summed in the order of k. */
#include "gemm_plain.h"

#include <string.h>

/* Floats: of the block of op(B), rows and columns: 32 KB, on the stack. */
#define DEEP ((size_t)64)
#define WIDE ((size_t)128)

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* packed[p][j] = op(B)[p][j], for `deep` rows and `wide` columns. b is the first element. */
static void pack(bool trans_b, size_t deep, size_t wide, const float *b, size_t ldb,
                 float packed[DEEP][WIDE])
{
    for (size_t p = 0; p < deep; p++)
        for (size_t j = 0; j < wide; j++) packed[p][j] = trans_b ? b[j * ldb + p] : b[p * ldb + j];
}

/* Adds alpha * op(A) * packed to four rows of C. next_row, next: floats from a row of op(A) to the
 * next, and from one of its elements to the next. */
static void four_rows(size_t deep, size_t wide, float alpha, const float *a, size_t next_row,
                      size_t next, float packed[DEEP][WIDE], float *restrict c, size_t ldc)
{
    float sums[4][WIDE];
    for (size_t i = 0; i < 4; i++) memcpy(sums[i], c + i * ldc, wide * sizeof *c);
    for (size_t p = 0; p < deep; p++, a += next) {
        const float x0 = alpha * a[0], x1 = alpha * a[next_row];
        const float x2 = alpha * a[2 * next_row], x3 = alpha * a[3 * next_row];
        const float *row = packed[p];
        for (size_t j = 0; j < wide; j++) {
            sums[0][j] += x0 * row[j];
            sums[1][j] += x1 * row[j];
            sums[2][j] += x2 * row[j];
            sums[3][j] += x3 * row[j];
        }
    }
    for (size_t i = 0; i < 4; i++) memcpy(c + i * ldc, sums[i], wide * sizeof *c);
}

static void one_row(size_t deep, size_t wide, float alpha, const float *a, size_t next,
                    float packed[DEEP][WIDE], float *restrict c)
{
    for (size_t p = 0; p < deep; p++) {
        const float x = alpha * a[p * next];
        for (size_t j = 0; j < wide; j++) c[j] += x * packed[p][j];
    }
}

void nbase__plain_sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                        const float *a, size_t lda, const float *b, size_t ldb, float beta,
                        float *c, size_t ldc)
{
    float packed[DEEP][WIDE];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = beta != 0 ? beta * c[i * ldc + j] : 0;
    if (alpha == 0) return; /* as BLAS: A and B are not read */
    size_t next_row = trans_a ? 1 : lda, next = trans_a ? lda : 1;
    for (size_t j = 0; j < n; j += WIDE)
        for (size_t p = 0; p < k; p += DEEP) {
            size_t deep = least(DEEP, k - p), wide = least(WIDE, n - j), i = 0;
            pack(trans_b, deep, wide, b + (trans_b ? j * ldb + p : p * ldb + j), ldb, packed);
            const float *from = a + p * next;
            for (; i + 4 <= m; i += 4)
                four_rows(deep, wide, alpha, from + i * next_row, next_row, next, packed,
                          c + i * ldc + j, ldc);
            for (; i < m; i++)
                one_row(deep, wide, alpha, from + i * next_row, next, packed, c + i * ldc + j);
        }
}
