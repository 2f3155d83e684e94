/* toom_body.h - the transforms of toom.h on vectors: B^T (data) and A^T (sums). For templates. */
#ifndef MTCNN_TOOM_BODY_H
#define MTCNN_TOOM_BODY_H

#include "vec.h"
#include "vec_f43.h"

INLINE void data_43(const vec *d, vec *v)
{
    vec most = v_set(2.5f);
    f43_input_rows(false, d, v);
    v[0] = v_add(d[0], v_fnma(most, d[2], d[4]));
    v[5] = v_add(d[1], v_fnma(most, d[3], d[5]));
}

INLINE void sums_43(const vec *t, vec *y)
{
    vec a = v_add(t[1], t[2]), b = v_sub(t[1], t[2]), c = v_add(t[3], t[4]), e = v_sub(t[3], t[4]);
    y[0] = v_add(v_add(t[0], a), c);
    y[1] = v_mul(v_set(F43_A), v_fma(v_set(2), e, b));
    y[2] = v_fma(v_set(2), c, v_mul(v_set(0.5f), a));
    y[3] = v_fma(v_set(F43_A), v_fma(v_set(4), e, v_mul(v_set(0.5f), b)), t[5]);
}

/* Along rows and columns: 4x4 results from 36 sums of products, `apart` floats each. */
INLINE void square_sums(const float *sums, size_t apart, vec out[4][4])
{
    vec half[4][6];
    UNROLL_ALL(6)
    for (size_t j = 0; j < 6; j++) {
        vec s[6], y[4];
        for (size_t i = 0; i < 6; i++) s[i] = v_load(sums + (i * 6 + j) * apart);
        sums_43(s, y);
        for (size_t i = 0; i < 4; i++) half[i][j] = y[i];
    }
    for (size_t i = 0; i < 4; i++) sums_43(half[i], out[i]);
}

INLINE void data_33(const vec *d, vec *v)
{
    vec two = v_set(2), a = v_sub(d[3], d[1]);
    v[0] = v_fma(two, v_sub(d[0], d[2]), a);
    v[1] = v_fnma(two, d[1], v_sub(d[3], d[2]));
    v[2] = v_fma(two, d[1], v_fnma(v_set(3), d[2], d[3]));
    v[3] = a;
    v[4] = v_fnma(two, a, v_sub(d[4], d[2]));
}

INLINE void sums_33(const vec *t, vec *y)
{
    vec a = v_add(t[1], t[2]);
    y[0] = v_add(v_add(t[0], a), t[3]);
    y[1] = v_fma(v_set(2), t[3], v_sub(t[1], t[2]));
    y[2] = v_add(v_fma(v_set(4), t[3], a), t[4]);
}

INLINE void data_32(const vec *d, vec *v)
{
    v[0] = v_sub(d[2], d[0]);
    v[1] = v_add(d[1], d[2]);
    v[2] = v_sub(d[2], d[1]);
    v[3] = v_sub(d[3], d[1]);
}

INLINE void sums_32(const vec *t, vec *y)
{
    vec a = v_add(t[1], t[2]);
    y[0] = v_add(t[0], a);
    y[1] = v_sub(t[1], t[2]);
    y[2] = v_add(a, t[3]);
}

/* max(v, 0) + slope min(v, 0). */
INLINE vec v_prelu(vec v, float slope)
{
    vec zero = v_set(0);
    return v_fma(v_set(slope), v_min(v, zero), v_max(v, zero));
}

#endif
