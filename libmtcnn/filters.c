/* filters.c - weights of the filters that do not round to 8 bits (resize.h). */
#include <math.h>

#include "resize.h"

static void set_tap(mtcnn__axis *a, size_t i, size_t source, float weight)
{
    if (!a->count[i]) a->first[i] = (uint32_t)source;
    a->weight[a->count[i]++ * a->dst + i] = weight;
}

/* TensorFlow: in single precision, as its kernel. */
static void plan_area(mtcnn__axis *a, size_t i)
{
    float scale = (float)a->src / (float)a->dst, begin = (float)i * scale,
          end = (float)(i + 1) * scale;
    for (ptrdiff_t s = (ptrdiff_t)floorf(begin), stop = (ptrdiff_t)ceilf(end); s < stop; s++) {
        float covered = fminf((float)(s + 1), end) - fmaxf((float)s, begin);
        if (s < (ptrdiff_t)a->src) set_tap(a, i, (size_t)s, covered / scale);
    }
}

static void plan_mean(mtcnn__axis *a, size_t i)
{
    size_t begin = i * a->src / a->dst, end = ((i + 1) * a->src + a->dst - 1) / a->dst;
    for (size_t s = begin; s < end; s++) set_tap(a, i, s, 1.0f / (float)(end - begin));
}

static void plan_piotr(mtcnn__axis *a, size_t i)
{
    double ratio = (double)a->dst / (double)a->src, inverse = 1 / ratio;
    if (a->src <= a->dst) {
        double at = ((double)i + 0.5) * inverse - 0.5, below = floor(at);
        if (below < 0 || below >= (double)(a->src - 1)) {
            set_tap(a, i, below < 0 ? 0 : a->src - 1, 1);
        } else {
            set_tap(a, i, (size_t)below, (float)(1 - (at - below)));
            set_tap(a, i, (size_t)below + 1, (float)(at - below));
        }
        return;
    }
    /* Parts under a thousandth of a pixel are left out, and the rest is scaled back only if it adds
     * up to more than 1. */
    double begin = (double)i * inverse, end = begin + inverse, total = 0;
    for (ptrdiff_t s = (ptrdiff_t)ceil(begin) - 1; s <= (ptrdiff_t)end && s < (ptrdiff_t)a->src;
         s++) {
        double part = (fmin((double)(s + 1), end) - fmax((double)s, begin)) * ratio;
        if (part <= 1e-3 * ratio || s < 0) continue;
        set_tap(a, i, (size_t)s, (float)part);
        total += part;
    }
    for (uint32_t k = 0; total > 1 && k < a->count[i]; k++)
        a->weight[k * a->dst + i] = (float)(a->weight[k * a->dst + i] / total);
}

void mtcnn__axis_plan(mtcnn__axis *a, mtcnn__filter filter)
{
    for (size_t i = 0; i < a->dst; i++) {
        a->count[i] = 0;
        switch (filter) {
        case MTCNN__FILTER_OPENCV_AREA:
        case MTCNN__FILTER_OPENCV_LINEAR: break; /* planned in resize.c */
        case MTCNN__FILTER_AREA: plan_area(a, i); break;
        case MTCNN__FILTER_MEAN: plan_mean(a, i); break;
        case MTCNN__FILTER_PIOTR: plan_piotr(a, i); break;
        }
        for (size_t k = a->count[i]; k < a->taps; k++) a->weight[k * a->dst + i] = 0;
    }
}
