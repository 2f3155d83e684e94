/* toom_body.h - the transforms of toom.h on vectors: B^T (data) and A^T (sums). Included once an
 * instruction set, after its vec_*.h. */

#define SQRT_2 1.41421356237309505f
#define SQRT_HALF 0.70710678118654752f

static inline __attribute__((always_inline)) void data_43(const vec *d, vec *v)
{
    vec half = v_set(0.5f), two = v_set(2), most = v_set(2.5f), near = v_set(SQRT_HALF),
        far = v_set(SQRT_2);
    vec a = v_fnma(two, d[2], d[4]), b = v_fnma(two, d[1], d[3]), c = v_fnma(half, d[2], d[4]),
        e = v_fnma(half, d[1], d[3]);
    v[0] = v_add(d[0], v_fnma(most, d[2], d[4]));
    v[1] = v_fma(near, b, a);
    v[2] = v_fnma(near, b, a);
    v[3] = v_fma(far, e, c);
    v[4] = v_fnma(far, e, c);
    v[5] = v_add(d[1], v_fnma(most, d[3], d[5]));
}

static inline __attribute__((always_inline)) void sums_43(const vec *t, vec *y)
{
    vec a = v_add(t[1], t[2]), b = v_sub(t[1], t[2]), c = v_add(t[3], t[4]), e = v_sub(t[3], t[4]);
    y[0] = v_add(v_add(t[0], a), c);
    y[1] = v_mul(v_set(SQRT_HALF), v_fma(v_set(2), e, b));
    y[2] = v_fma(v_set(2), c, v_mul(v_set(0.5f), a));
    y[3] = v_fma(v_set(SQRT_HALF), v_fma(v_set(4), e, v_mul(v_set(0.5f), b)), t[5]);
}

/* Both ways: 4x4 results from 36 sums of products, `apart` floats each. */
static inline __attribute__((always_inline)) void square_sums(const float *sums, size_t apart,
                                                              vec out[4][4])
{
    vec half[4][6];
#pragma GCC unroll 6
    for (size_t j = 0; j < 6; j++) {
        vec s[6], y[4];
        for (size_t i = 0; i < 6; i++) s[i] = v_load(sums + (i * 6 + j) * apart);
        sums_43(s, y);
        for (size_t i = 0; i < 4; i++) half[i][j] = y[i];
    }
    for (size_t i = 0; i < 4; i++) sums_43(half[i], out[i]);
}

static inline __attribute__((always_inline)) void data_33(const vec *d, vec *v)
{
    vec two = v_set(2), a = v_sub(d[3], d[1]);
    v[0] = v_fma(two, v_sub(d[0], d[2]), a);
    v[1] = v_fnma(two, d[1], v_sub(d[3], d[2]));
    v[2] = v_fma(two, d[1], v_fnma(v_set(3), d[2], d[3]));
    v[3] = a;
    v[4] = v_fnma(two, a, v_sub(d[4], d[2]));
}

static inline __attribute__((always_inline)) void sums_33(const vec *t, vec *y)
{
    vec a = v_add(t[1], t[2]);
    y[0] = v_add(v_add(t[0], a), t[3]);
    y[1] = v_fma(v_set(2), t[3], v_sub(t[1], t[2]));
    y[2] = v_add(v_fma(v_set(4), t[3], a), t[4]);
}

static inline __attribute__((always_inline)) void data_32(const vec *d, vec *v)
{
    v[0] = v_sub(d[2], d[0]);
    v[1] = v_add(d[1], d[2]);
    v[2] = v_sub(d[2], d[1]);
    v[3] = v_sub(d[3], d[1]);
}

static inline __attribute__((always_inline)) void sums_32(const vec *t, vec *y)
{
    vec a = v_add(t[1], t[2]);
    y[0] = v_add(t[0], a);
    y[1] = v_sub(t[1], t[2]);
    y[2] = v_add(a, t[3]);
}

/* max(v, 0) + slope min(v, 0). */
static inline __attribute__((always_inline)) vec v_prelu(vec v, float slope)
{
    vec zero = v_set(0);
    return v_fma(v_set(slope), v_min(v, zero), v_max(v, zero));
}
