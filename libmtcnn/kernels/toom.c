#include "toom.h"

#include "toom_cook.h"

/* The most products of a filter in one dimension, and taps. */
enum { MOST_PRODUCTS = 6, MOST_TAPS = 3 };

typedef struct filter {
    size_t products, taps; /* in one dimension */
    const double *points;  /* products - 1, without infinity */
} filter;

static filter filter_of(mtcnn__toom kind)
{
    static const double points_43[] = NBASE__F43_POINTS, points_33[] = {0, 1, -1, 2},
                        points_32[] = {0, 1, -1};
    switch (kind) {
    case MTCNN__TOOM_4_3: return (filter){6, 3, points_43};
    case MTCNN__TOOM_3_3: return (filter){5, 3, points_33};
    case MTCNN__TOOM_3_2: return (filter){4, 2, points_32};
    case MTCNN__TOOM_NONE: break;
    }
    return (filter){0, 0, NULL};
}

size_t mtcnn__toom_count(mtcnn__toom kind, size_t in, size_t out)
{
    size_t n = filter_of(kind).products;
    return n * n * in * out;
}

void mtcnn__toom_transform(mtcnn__toom kind, size_t in, size_t out, const float *kernel, float *to)
{
    const filter f = filter_of(kind);
    double g[MOST_PRODUCTS * MOST_TAPS];
    if (!f.products) return;
    nbase__toom_cook(f.points, f.products - 1, f.taps, g);
    for (size_t i = 0; i < f.products; i++)
        for (size_t j = 0; j < f.products; j++)
            for (size_t ck = 0; ck < in * out; ck++) {
                double sum = 0;
                for (size_t dy = 0; dy < f.taps; dy++)
                    for (size_t dx = 0; dx < f.taps; dx++)
                        sum += g[i * f.taps + dy] * g[j * f.taps + dx] *
                               kernel[(dy * f.taps + dx) * in * out + ck];
                *to++ = (float)sum;
            }
}
