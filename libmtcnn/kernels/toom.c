#include "toom.h"

#include <math.h>

/* G of each filter: row i gives product i's factor from the r taps. */
static const double G43[6][3] = {{1, 0, 0},
                                 {-2.0 / 3, -2.0 / 3 * M_SQRT1_2, -1.0 / 3},
                                 {-2.0 / 3, 2.0 / 3 * M_SQRT1_2, -1.0 / 3},
                                 {1.0 / 6, M_SQRT2 / 6, 1.0 / 3},
                                 {1.0 / 6, -M_SQRT2 / 6, 1.0 / 3},
                                 {0, 0, 1}};
static const double G33[5][3] = {{1.0 / 2, 0, 0},
                                 {-1.0 / 2, -1.0 / 2, -1.0 / 2},
                                 {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                 {1.0 / 6, 1.0 / 3, 2.0 / 3},
                                 {0, 0, 1}};
static const double G32[4][3] = {{-1, 0}, {0.5, 0.5}, {0.5, -0.5}, {0, 1}};

typedef struct filter {
    size_t n, taps;
    const double (*g)[3];
} filter;

static filter filter_of(mtcnn__toom kind)
{
    switch (kind) {
    case MTCNN__TOOM_4_3: return (filter){6, 3, G43};
    case MTCNN__TOOM_3_3: return (filter){5, 3, G33};
    case MTCNN__TOOM_3_2: return (filter){4, 2, G32};
    case MTCNN__TOOM_NONE: break;
    }
    return (filter){0, 0, NULL};
}

size_t mtcnn__toom_count(mtcnn__toom kind, size_t in, size_t out)
{
    size_t n = filter_of(kind).n;
    return n * n * in * out;
}

void mtcnn__toom_transform(mtcnn__toom kind, size_t in, size_t out, const float *kernel, float *to)
{
    filter f = filter_of(kind);
    for (size_t i = 0; i < f.n; i++)
        for (size_t j = 0; j < f.n; j++)
            for (size_t ck = 0; ck < in * out; ck++) {
                double sum = 0;
                for (size_t dy = 0; dy < f.taps; dy++)
                    for (size_t dx = 0; dx < f.taps; dx++)
                        sum += f.g[i][dy] * f.g[j][dx] * kernel[(dy * f.taps + dx) * in * out + ck];
                *to++ = (float)sum;
            }
}
