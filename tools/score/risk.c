#include "risk.h"

#include <math.h>
#include <stdlib.h>

typedef struct judged {
    double confidence;
    bool wrong;
} judged;

static int surest_first(const void *a, const void *b)
{
    double x = ((const judged *)a)->confidence, y = ((const judged *)b)->confidence;
    return (x < y) - (x > y);
}

bool risk_curve(const prediction *p, size_t n, double threshold, risk_point **points, size_t *count)
{
    judged *all = malloc((n ? n : 1) * sizeof *all);
    *points = malloc((n ? n : 1) * sizeof **points);
    *count = 0;
    if (!all || !*points) {
        free(all);
        free(*points);
        *points = NULL;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        all[i] = (judged){fabs(prediction_score(&p[i]) - threshold),
                          prediction_class(&p[i], threshold) != p[i].label};
    qsort(all, n, sizeof *all, surest_first);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        wrong += all[i].wrong;
        if (i + 1 < n && all[i + 1].confidence == all[i].confidence) continue;
        (*points)[(*count)++] =
            (risk_point){(double)(i + 1) / (double)n, (double)wrong / (double)(i + 1)};
    }
    free(all);
    return true;
}
