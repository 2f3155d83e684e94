/* Initial weights with Keras's distributions (keras.initializers); the numbers come from nbase_rng,
 * so a seed gives the same weights everywhere. */
#include <math.h>
#include <string.h>

#include "model.h"

void convlstm__glorot_uniform(const nbase_array *a, nbase_rng *rng)
{
    size_t area = 1;
    for (int d = 0; d + 2 < a->ndim; d++) area *= a->shape[d];
    double fans = (double)area * (double)(a->shape[a->ndim - 2] + a->shape[a->ndim - 1]),
           limit = sqrt(6.0 / fans);
    float *w = a->data;
    for (size_t i = 0; i < a->count; i++) w[i] = (float)((2 * nbase_rng_uniform(rng) - 1) * limit);
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Saxe et al. 2013: Q of the QR decomposition of a normal matrix, its columns signed so that R's
 * diagonal is positive. That Q is what Gram and Schmidt's process gives; a second pass over each
 * vector keeps it orthogonal to rounding. A wide matrix is made transposed. */
static nbase_status orthogonal(const nbase_env *env, const nbase_array *a, nbase_rng *rng)
{
    size_t columns = a->shape[a->ndim - 1], rows = a->count / columns;
    size_t length = rows > columns ? rows : columns, vectors = rows > columns ? columns : rows;
    double *q = nbase__calloc(env, a->count, sizeof *q); /* (vectors, length) */
    if (!q) return NBASE_ERR_NOMEM;
    for (size_t v = 0; v < vectors; v++) {
        double *now = q + v * length;
        for (size_t i = 0; i < length; i++) now[i] = nbase_rng_normal(rng);
        for (int pass = 0; pass < 2; pass++)
            for (size_t u = 0; u < v; u++) {
                double share = dot(q + u * length, now, length);
                for (size_t i = 0; i < length; i++) now[i] -= share * q[u * length + i];
            }
        double norm = sqrt(dot(now, now, length));
        for (size_t i = 0; i < length; i++) now[i] /= norm;
    }
    float *w = a->data;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            w[r * columns + c] = (float)(rows > columns ? q[c * length + r] : q[r * length + c]);
    nbase__free(env, q);
    return NBASE_OK;
}

static void fill(const nbase_array *a, size_t first, size_t last, float value)
{
    for (size_t i = first; i < last; i++) ((float *)a->data)[i] = value;
}

nbase_status convlstm__initialise(convlstm_model *m, uint64_t seed)
{
    for (size_t i = 0; i < m->tensor_count; i++) {
        const nbase_array *a = &m->tensors[i].array;
        nbase_rng rng;
        nbase_rng_seed(&rng, seed, i);
        fill(a, 0, a->count, 0.0f);
        switch (m->tensors[i].init) {
        case CONVLSTM__ZEROS: break;
        case CONVLSTM__ONES: fill(a, 0, a->count, 1.0f); break;
        case CONVLSTM__FORGET_ONES: fill(a, a->count / 4, a->count / 2, 1.0f); break;
        case CONVLSTM__GLOROT_UNIFORM: convlstm__glorot_uniform(a, &rng); break;
        case CONVLSTM__ORTHOGONAL:
            if (orthogonal(&m->env, a, &rng)) return NBASE_ERR_NOMEM;
            break;
        }
    }
    m->version++;
    return NBASE_OK;
}
