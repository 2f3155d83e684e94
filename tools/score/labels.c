#include "labels.h"

#include <math.h>
#include <stdlib.h>

static double probability_of(const prediction *p, int label)
{
    double improved = prediction_score(p);
    return label ? improved : 1 - improved;
}

/* The mean probability of a class among the people who have that label. */
static double usual(const prediction *p, size_t n, int label)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i].label == label) sum += probability_of(&p[i], label), count++;
    return count ? sum / (double)count : INFINITY;
}

static int least_probable_first(const void *a, const void *b)
{
    const label_doubt *x = a, *y = b;
    if (x->probability != y->probability) return x->probability < y->probability ? -1 : 1;
    return (x->who > y->who) - (x->who < y->who);
}

label_doubt *label_doubts(const prediction *p, size_t n)
{
    label_doubt *list = malloc((n ? n : 1) * sizeof *list);
    if (!list) return NULL;
    const double threshold[2] = {usual(p, n, 0), usual(p, n, 1)};
    for (size_t i = 0; i < n; i++) {
        int label = p[i].label;
        double given = probability_of(&p[i], label), other = probability_of(&p[i], !label);
        list[i] =
            (label_doubt){&p[i], given, other >= threshold[!label] && given < threshold[label]};
    }
    qsort(list, n, sizeof *list, least_probable_first);
    return list;
}
