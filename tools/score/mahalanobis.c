#include "mahalanobis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a number varies at least by, and as a share of what the numbers vary by on average: one that
 * is the same for everyone says something when it is another, but not infinitely much. */
#define LEAST_SCALE 1e-6
#define LEAST_SHARE 0.01

enum { PARTS = 10 };

void mahalanobis_free(mahalanobis *m)
{
    free(m->mean);
    free(m->scale);
    free(m->inverse);
    free(m->distance);
    *m = (mahalanobis){0};
}

static bool reserve(mahalanobis *m, size_t n, size_t size)
{
    *m = (mahalanobis){.size = size,
                       .mean = calloc(size, sizeof *m->mean),
                       .scale = calloc(size, sizeof *m->scale),
                       .inverse = calloc(size * size, sizeof *m->inverse),
                       .distance = calloc(n, sizeof *m->distance)};
    if (m->mean && m->scale && m->inverse && m->distance) return true;
    mahalanobis_free(m);
    return false;
}

/* ---- mean, scale, covariance ---- */

/* Which rows count: those of the other parts than `without`, or all (-1). */
static bool counts(size_t row, int without) { return (int)(row % PARTS) != without; }

static size_t centre(mahalanobis *m, const double *rows, size_t n, int without)
{
    size_t used = 0;
    memset(m->mean, 0, m->size * sizeof *m->mean);
    memset(m->scale, 0, m->size * sizeof *m->scale);
    for (size_t i = 0; i < n; i++) {
        if (!counts(i, without)) continue;
        used++;
        for (size_t k = 0; k < m->size; k++) m->mean[k] += rows[i * m->size + k];
    }
    for (size_t k = 0; k < m->size; k++) m->mean[k] /= (double)used;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; counts(i, without) && k < m->size; k++)
            m->scale[k] += pow(rows[i * m->size + k] - m->mean[k], 2);
    double squares = 0;
    for (size_t k = 0; k < m->size; k++) squares += m->scale[k] /= (double)used;
    double least = fmax(LEAST_SHARE * sqrt(squares / (double)m->size), LEAST_SCALE);
    for (size_t k = 0; k < m->size; k++) m->scale[k] = fmax(sqrt(m->scale[k]), least);
    return used;
}

static void standardise(const mahalanobis *m, const double *row, double *out)
{
    for (size_t k = 0; k < m->size; k++) out[k] = (row[k] - m->mean[k]) / m->scale[k];
}

/* Adds the covariance to m->inverse, and to *fourth the sum over the rows of |y|^4. `y` has room
 * for a row. */
static void spread(mahalanobis *m, const double *rows, size_t n, int without, size_t used,
                   double *y, double *fourth)
{
    size_t p = m->size;
    memset(m->inverse, 0, p * p * sizeof *m->inverse);
    for (size_t i = 0; i < n; i++) {
        if (!counts(i, without)) continue;
        double square = 0;
        standardise(m, rows + i * p, y);
        for (size_t a = 0; a < p; a++) {
            square += y[a] * y[a];
            for (size_t b = 0; b <= a; b++) m->inverse[a * p + b] += y[a] * y[b];
        }
        *fourth += square * square;
    }
    for (size_t a = 0; a < p; a++)
        for (size_t b = 0; b <= a; b++)
            m->inverse[b * p + a] = m->inverse[a * p + b] /= (double)used;
}

/* Ledoit and Wolf's estimate of how far to go towards the identity: the error of the covariance's
 * numbers over their distance from it. */
static double shrink(mahalanobis *m, size_t used, double fourth)
{
    size_t p = m->size;
    double trace = 0, square = 0;
    for (size_t a = 0; a < p; a++) {
        trace += m->inverse[a * p + a];
        for (size_t b = 0; b < p; b++) square += m->inverse[a * p + b] * m->inverse[a * p + b];
    }
    double even = trace / (double)p, distance = square - even * trace,
           error = (fourth / (double)used - square) / (double)used;
    double by = distance > 0 ? fmin(1, fmax(0, error / distance)) : 1;
    for (size_t a = 0; a < p; a++)
        for (size_t b = 0; b < p; b++)
            m->inverse[a * p + b] = (1 - by) * m->inverse[a * p + b] + (a == b ? by * even : 0);
    return by;
}

/* ---- the inverse, by Cholesky's decomposition, in place ---- */

static bool decompose(double *a, size_t p)
{
    for (size_t j = 0; j < p; j++) {
        double d = a[j * p + j];
        for (size_t k = 0; k < j; k++) d -= a[j * p + k] * a[j * p + k];
        if (!(d > 0)) return false;
        a[j * p + j] = sqrt(d);
        for (size_t i = j + 1; i < p; i++) {
            double v = a[i * p + j];
            for (size_t k = 0; k < j; k++) v -= a[i * p + k] * a[j * p + k];
            a[i * p + j] = v / a[j * p + j];
        }
    }
    return true;
}

/* From L in the lower triangle to L^-1 there. */
static void invert_triangle(double *a, size_t p)
{
    for (size_t j = 0; j < p; j++) {
        a[j * p + j] = 1 / a[j * p + j];
        for (size_t i = j + 1; i < p; i++) {
            double v = 0;
            for (size_t k = j; k < i; k++) v -= a[i * p + k] * a[k * p + j];
            a[i * p + j] = v / a[i * p + i];
        }
    }
}

/* (L L^T)^-1 = L^-T L^-1, both triangles. Entry (i, j), j <= i, is the sum over k >= i of
 * L^-1(k, i) L^-1(k, j): the rows above are done with. */
static bool invert(double *a, size_t p)
{
    if (!decompose(a, p)) return false;
    invert_triangle(a, p);
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j <= i; j++) {
            double v = 0;
            for (size_t k = i; k < p; k++) v += a[k * p + i] * a[k * p + j];
            a[i * p + j] = v;
        }
    for (size_t i = 0; i < p; i++)
        for (size_t j = i + 1; j < p; j++) a[i * p + j] = a[j * p + i];
    return true;
}

/* ---- fitting ---- */

static bool fit_without(mahalanobis *m, const double *rows, size_t n, int without)
{
    double *y = malloc(m->size * sizeof *y), fourth = 0;
    if (!y) return false;
    size_t used = centre(m, rows, n, without);
    spread(m, rows, n, without, used, y, &fourth);
    m->shrinkage = shrink(m, used, fourth);
    free(y);
    return invert(m->inverse, m->size);
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool mahalanobis_fit(const double *rows, size_t n, size_t size, mahalanobis *out)
{
    *out = (mahalanobis){0};
    for (size_t i = 0; i < n * size; i++)
        if (!isfinite(rows[i])) return false;
    if (n < MAHALANOBIS_LEAST || !size || !reserve(out, n, size)) return false;
    bool ok = true;
    for (int part = 0; ok && part < PARTS; part++) {
        ok = fit_without(out, rows, n, part);
        for (size_t i = (size_t)part; ok && i < n; i += PARTS)
            out->distance[i] = mahalanobis_distance(out, rows + i * size);
    }
    ok = ok && fit_without(out, rows, n, -1);
    out->people = n;
    qsort(out->distance, n, sizeof *out->distance, rising);
    if (!ok) mahalanobis_free(out);
    return ok;
}

/* ---- judging ---- */

double mahalanobis_distance(const mahalanobis *m, const double *vector)
{
    double sum = 0;
    for (size_t a = 0; a < m->size; a++) {
        double inner = 0, y = (vector[a] - m->mean[a]) / m->scale[a];
        for (size_t b = 0; b < m->size; b++)
            inner += m->inverse[a * m->size + b] * (vector[b] - m->mean[b]) / m->scale[b];
        sum += y * inner;
    }
    return sqrt(fmax(0, sum) / (double)m->size);
}

double mahalanobis_p(const mahalanobis *m, double distance)
{
    size_t nearer = 0;
    while (nearer < m->people && m->distance[nearer] < distance) nearer++;
    return (1 + (double)(m->people - nearer)) / (1 + (double)m->people);
}
