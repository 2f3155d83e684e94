/* tiles_body.c - passes over rows of tiles: a template without parameters of its own (see vec.h).
 *
 * Products and sums are rounded one by one, and sums have 16 partial sums on every instruction set,
 * so all of them give the same bits. */
#include "kernels.h"
#include "vec.h"

static void tiles_affine(size_t count, const float *in, float scale, float shift, float *out)
{
    vec p = v_set(scale), r = v_set(shift);
    for (size_t i = 0; i < count; i += LANES) v_store(out + i, v_add(v_mul(p, v_load(in + i)), r));
}

static void tiles_combine(size_t count, const float *a, const float *b, float p, float q, float r,
                          float *out)
{
    vec pp = v_set(p), qq = v_set(q), rr = v_set(r);
    for (size_t i = 0; i < count; i += LANES)
        v_store(out + i, v_add(v_add(v_mul(pp, v_load(a + i)), v_mul(qq, v_load(b + i))), rr));
}

static void tiles_dot(size_t count, const float *a, const float *b, double *partial)
{
    double sum[16], product[16];
    for (int k = 0; k < 16; k++) sum[k] = partial[k], product[k] = partial[16 + k];
    for (size_t i = 0; i < count; i += 16)
        for (int k = 0; k < 16; k++) {
            sum[k] += a[i + k];
            product[k] += (double)a[i + k] * b[i + k];
        }
    for (int k = 0; k < 16; k++) partial[k] = sum[k], partial[16 + k] = product[k];
}

const convlstm__tiles_kernels TABLE_NAME(convlstm__) = {
    .affine = tiles_affine,
    .combine = tiles_combine,
    .dot = tiles_dot,
};
