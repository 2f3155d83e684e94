#include "statistics.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle_of(const double *sorted, size_t n)
{
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

interval median_interval(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    /* below: the probability that at most `k` values are below the median */
    double term = pow(0.5, (double)n), below = term;
    size_t k = 0;
    while (k + 1 < (n + 1) / 2) {
        double next = term * (double)(n - k) / (double)(k + 1);
        if (1 - 2 * (below + next) < CONFIDENCE) break;
        term = next;
        below += next;
        k++;
    }
    return (interval){.middle = middle_of(v, n),
                      .low = v[k],
                      .high = v[n - 1 - k],
                      .level = fmax(0, 1 - 2 * below)};
}

/* ---- ratios ---- */

enum { EXACT = 50 };

/* How many of the orders of m and n values have the statistic u of Mann and Whitney, for every u up
 * to m*n: the coefficients of the Gaussian binomial, a product of (1 - q^(n+i)) / (1 - q^i). */
static double *orders(size_t m, size_t n)
{
    size_t most = m * n;
    double *count = calloc(most + 1, sizeof *count);
    if (!count) return NULL;
    count[0] = 1;
    for (size_t i = 1; i <= m; i++) {
        for (size_t u = most + 1; u-- > n + i;) count[u] -= count[u - n - i];
        for (size_t u = i; u <= most; u++) count[u] += count[u - i];
    }
    return count;
}

/* How many of the m*n sorted ratios lie outside the interval at either end, and the confidence of
 * the rest. */
static int cut_exactly(size_t m, size_t n, size_t *cut, double *level)
{
    double *count = orders(m, n), all = 0, below = 0;
    if (!count) return 0;
    for (size_t u = 0; u <= m * n; u++) all += count[u];
    below = count[0];
    *cut = 0;
    while (2 * *cut + 3 < m * n && 1 - 2 * (below + count[*cut + 1]) / all >= CONFIDENCE)
        below += count[++*cut];
    *level = fmax(0, 1 - 2 * below / all);
    free(count);
    return 1;
}

static void cut_normally(size_t m, size_t n, size_t *cut, double *level)
{
    double pairs = (double)m * (double)n, deviation = sqrt(pairs * (double)(m + n + 1) / 12);
    double at = pairs / 2 - 1.96 * deviation - 0.5;
    *cut = at > 0 ? (size_t)at : 0;
    *level = CONFIDENCE;
}

int ratio_interval(const double *a, size_t m, const double *b, size_t n, interval *out)
{
    double *ratios = malloc(m * n * sizeof *ratios), level;
    size_t cut;
    if (m > EXACT || n > EXACT)
        cut_normally(m, n, &cut, &level);
    else if (!ratios || !cut_exactly(m, n, &cut, &level))
        return free(ratios), 0;
    if (!ratios) return 0;
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < n; k++) ratios[i * n + k] = b[k] / a[i];
    qsort(ratios, m * n, sizeof *ratios, ascending);
    *out = (interval){.middle = middle_of(ratios, m * n),
                      .low = ratios[cut],
                      .high = ratios[m * n - 1 - cut],
                      .level = level};
    free(ratios);
    return 1;
}
