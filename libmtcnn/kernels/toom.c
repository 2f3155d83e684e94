#include "toom.h"

/* G of each filter: row i gives product i's factor from the r taps. */
static const double G43[6][3] = {{1.0 / 4, 0, 0},           {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                 {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1}};
static const double G33[5][3] = {{1.0 / 2, 0, 0}, {-1.0 / 2, -1.0 / 2, -1.0 / 2}, {-1.0 / 6, 1.0 / 6, -1.0 / 6}, {1.0 / 6, 1.0 / 3, 2.0 / 3}, {0, 0, 1}};
static const double G32[4][3] = {{-1, 0}, {0.5, 0.5}, {0.5, -0.5}, {0, 1}};

typedef struct filter {
    size_t n, taps;
    const double (*g)[3];
} filter;

static filter filter_of(mtcnn__toom kind)
{
    switch (kind) {
    case MTCNN__TOOM_4_3_DOWN:
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
    return (kind == MTCNN__TOOM_4_3_DOWN ? 3 * n : n * n) * in * out;
}

static void down(const filter *f, size_t in, size_t out, const float *kernel, float *to)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t c = 0; c < in; c++)
            for (size_t dx = 0; dx < 3; dx++)
                for (size_t k = 0; k < out; k++) {
                    double sum = 0;
                    for (size_t dy = 0; dy < 3; dy++) sum += f->g[i][dy] * kernel[((dy * 3 + dx) * in + c) * out + k];
                    *to++ = (float)sum;
                }
}

static void both_ways(const filter *f, size_t in, size_t out, const float *kernel, float *to)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->n; j++)
            for (size_t ck = 0; ck < in * out; ck++) {
                double sum = 0;
                for (size_t dy = 0; dy < f->taps; dy++)
                    for (size_t dx = 0; dx < f->taps; dx++) sum += f->g[i][dy] * f->g[j][dx] * kernel[(dy * f->taps + dx) * in * out + ck];
                *to++ = (float)sum;
            }
}

void mtcnn__toom_transform(mtcnn__toom kind, size_t in, size_t out, const float *kernel, float *to)
{
    filter f = filter_of(kind);
    if (kind == MTCNN__TOOM_4_3_DOWN) down(&f, in, out, kernel, to);
    else if (kind != MTCNN__TOOM_NONE) both_ways(&f, in, out, kernel, to);
}
