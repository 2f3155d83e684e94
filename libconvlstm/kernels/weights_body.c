/* weights_body.c - the transforms of weights and of their gradients: a template (see vec.h) without
 * parameters. In double precision, and without fused operations: every instruction set gives the
 * same bits. */
#include "kernels.h"
#include "vec.h"
#include "winograd.h"

enum { SIDE = WINOGRAD_MOST_SIDE, TAPS = WINOGRAD_MOST_TAPS };

/* The same value of CONVLSTM__WEIGHTS_CHUNK kernels. */
typedef double chunk
    __attribute__((vector_size(CONVLSTM__WEIGHTS_CHUNK * sizeof(double)), aligned(8), may_alias));

/* out = sum over i < count of factor[i*step] * values[i*apart]. */
INLINE void add_up(const size_t count, const double *factor, size_t step, const chunk *values,
                   size_t apart, chunk *out)
{
    chunk sum = {0};
    for (size_t i = 0; i < count; i++) sum += factor[i * step] * values[i * apart];
    *out = sum;
}

INLINE void transform(const size_t rows, const size_t taps, const double *g, const chunk *in,
                      chunk *out)
{
    chunk half[SIDE * TAPS];
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < taps; j++)
            add_up(taps, g + r * taps, 1, in + j, taps, &half[r * taps + j]);
    for (size_t r = 0; r < rows; r++)
        for (size_t q = 0; q < rows; q++)
            add_up(taps, g + q * taps, 1, half + r * taps, 1, &out[r * rows + q]);
}

INLINE void transform_back(const size_t rows, const size_t taps, const double *g, const chunk *in,
                           chunk *out)
{
    chunk half[TAPS * SIDE];
    for (size_t i = 0; i < taps; i++)
        for (size_t q = 0; q < rows; q++)
            add_up(rows, g + i, taps, in + q, rows, &half[i * rows + q]);
    for (size_t i = 0; i < taps; i++)
        for (size_t j = 0; j < taps; j++)
            add_up(rows, g + j, taps, half + i * rows, 1, &out[i * taps + j]);
}

/* The common case has constants. */

static void to_frequencies(size_t rows, size_t taps, const double *g, const double *in, double *out)
{
    if (rows == 6 && taps == 3)
        transform(6, 3, g, (const chunk *)in, (chunk *)out);
    else
        transform(rows, taps, g, (const chunk *)in, (chunk *)out);
}

static void to_taps(size_t rows, size_t taps, const double *g, const double *in, double *out)
{
    if (rows == 6 && taps == 3)
        transform_back(6, 3, g, (const chunk *)in, (chunk *)out);
    else
        transform_back(rows, taps, g, (const chunk *)in, (chunk *)out);
}

const convlstm__weights_kernels TABLE_NAME(convlstm__) = {
    .to_frequencies = to_frequencies,
    .to_taps = to_taps,
};
