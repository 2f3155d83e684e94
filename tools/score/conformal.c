#include "conformal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const conformal_answers[3] = {"deteriorated", "improved", "unsure"};

void conformal_free(conformal *c)
{
    free(c->evidence[0]);
    free(c->evidence[1]);
    *c = (conformal){0};
}

bool conformal_reserve(conformal *c, const size_t count[2])
{
    *c = (conformal){0};
    for (int k = 0; k < 2; k++) {
        c->evidence[k] = malloc((count[k] ? count[k] : 1) * sizeof *c->evidence[k]);
        if (!c->evidence[k]) {
            conformal_free(c);
            return false;
        }
    }
    return true;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool conformal_fit(const double *evidence, const int *labels, size_t n, conformal *out)
{
    size_t count[2] = {0, 0};
    *out = (conformal){0};
    for (size_t i = 0; i < n; i++) count[labels[i] == 1]++;
    if (!count[0] || !count[1] || !conformal_reserve(out, count)) return false;
    for (size_t i = 0; i < n; i++) {
        int k = labels[i] == 1;
        out->evidence[k][out->count[k]++] = evidence[i];
    }
    for (int k = 0; k < 2; k++)
        qsort(out->evidence[k], out->count[k], sizeof *out->evidence[k], rising);
    return true;
}

/* ---- judging ---- */

/* How many of n rising values are at most v. */
static size_t at_most(const double *values, size_t n, double v)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (values[middle] <= v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many of n rising values are below v. */
static size_t below(const double *values, size_t n, double v)
{
    return at_most(values, n, nextafter(v, -INFINITY));
}

double conformal_p(const conformal *c, int label, double evidence)
{
    size_t n = c->count[label];
    /* evidence speaks for improved: for the other class, more of it is less */
    size_t as_odd =
        label ? at_most(c->evidence[1], n, evidence) : n - below(c->evidence[0], n, evidence);
    return (1 + (double)as_odd) / (1 + (double)n);
}

bool conformal_possible(const conformal *c, int label, double evidence, double coverage)
{
    /* 1 - 0.9 is a little less than 0.1: a p-value of 1/10 must not pass for more */
    return conformal_p(c, label, evidence) > 1 - coverage + 1e-12;
}

conformal_answer conformal_judge(const conformal *c, double evidence, double coverage)
{
    bool worse = conformal_possible(c, 0, evidence, coverage),
         better = conformal_possible(c, 1, evidence, coverage);
    if (worse == better) return ANSWER_UNSURE;
    return better ? ANSWER_IMPROVED : ANSWER_DETERIORATED;
}

size_t conformal_least(double coverage) { return (size_t)ceil(1 / (1 - coverage) - 1 - 1e-9); }
