/* statistics.h - medians of few measurements, with intervals that assume nothing about how the
 * times are distributed. Times are positive; rounds are taken to be independent of each other. */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

#include <stddef.h>

/* The confidence that intervals have, where there are measurements enough for it. */
#define CONFIDENCE 0.95

typedef struct interval {
    double middle, low, high;
    double level; /* the true value lies between low and high with this probability or more */
} interval;

/* The median of n > 0 values with an interval for it between two order statistics, the k-th from
 * either end: the number of values below the true median is binomial (W. J. Conover, "Practical
 * Nonparametric Statistics", on intervals for quantiles). With fewer than 6 values the whole range
 * has less confidence than CONFIDENCE, and `level` says how much. Sorts v. */
interval median_interval(double *v, size_t n);

/* By how much the values b are as large as the values a: the median of all ratios b/a (Hodges and
 * Lehmann 1963), with the interval that belongs to the rank test of Mann, Whitney and Wilcoxon
 * (Moses's interval: Hollander and Wolfe, "Nonparametric Statistical Methods"), on the logarithms.
 * The distribution of the test is exact up to 50 values each, else approximated by the normal one.
 * False without memory. */
int ratio_interval(const double *a, size_t m, const double *b, size_t n, interval *out);

#endif
