/* resize.c - OpenCV's filters, and the rows of any resize in plain C. */
#include "resize.h"

#include <math.h>
#include <string.h>

#include "pixels.h"

/* ---- planning OpenCV's filter ---- */

/* The parts of source pixels under target i, when the axis shrinks. */
static void plan_area(mtcnn__axis *a, double scale)
{
    for (size_t i = 0; i < a->dst; i++) {
        double begin = (double)i * scale, end = begin + scale,
               cell = fmin(scale, (double)a->src - begin);
        ptrdiff_t last = (ptrdiff_t)a->src - 1;
        ptrdiff_t to = (ptrdiff_t)floor(end), from = (ptrdiff_t)ceil(begin);
        if (to > last) to = last;
        if (from > to) from = to;
        size_t n = 0;
        a->first[i] = (uint32_t)from;
        if ((double)from - begin > 1e-3) {
            a->first[i] = (uint32_t)(from - 1);
            a->weight[n++ * a->dst + i] = (float)(((double)from - begin) / cell);
        }
        for (ptrdiff_t s = from; s < to; s++) a->weight[n++ * a->dst + i] = (float)(1.0 / cell);
        if (end - (double)to > 1e-3)
            a->weight[n++ * a->dst + i] = (float)(fmin(fmin(end - (double)to, 1.0), cell) / cell);
        a->count[i] = (uint32_t)n;
        for (; n < a->taps; n++) a->weight[n * a->dst + i] = 0;
    }
}

/* Two taps. `area`: OpenCV's stand-in for area when an axis grows; otherwise half-pixel centres.
 * `cut` is set for x only: there a source beyond an end gets the whole weight, while along y both
 * weights stay and meet in the same row. */
static void plan_linear(mtcnn__axis *a, double scale, double inverse, bool area, bool cut)
{
    for (size_t i = 0; i < a->dst; i++) {
        ptrdiff_t s;
        float f;
        if (area) {
            s = (ptrdiff_t)floor((double)i * scale);
            f = (float)((double)(i + 1) - (double)(s + 1) * inverse);
            f = f <= 0 ? 0 : f - floorf(f);
        } else {
            f = (float)(((double)i + 0.5) * scale - 0.5);
            s = (ptrdiff_t)floorf(f);
            f -= (float)s;
        }
        if (cut && (s < 0 || s + 1 >= (ptrdiff_t)a->src)) {
            f = 0;
            s = s < 0 ? 0 : (ptrdiff_t)a->src - 1;
        }
        a->first[i] = (uint32_t)s;
        a->count[i] = 2;
        a->weight[i] = 1.0f - f;
        a->weight[a->dst + i] = f;
    }
}

static size_t taps_of(size_t src, size_t dst) { return src > dst ? src / dst + 3 : 3; }

static bool is_whole(double ratio)
{
    return fabs(ratio - nearbyint(ratio)) < 2.220446049250313e-16;
}

size_t mtcnn__axis_storage(size_t src, size_t dst) { return dst * (2 + taps_of(src, dst)); }

size_t mtcnn__resize_storage(size_t width, size_t height, size_t new_width, size_t new_height)
{
    return mtcnn__axis_storage(width, new_width) + mtcnn__axis_storage(height, new_height);
}

mtcnn__axis mtcnn__axis_new(size_t src, size_t dst, float *storage)
{
    mtcnn__axis a = {.src = src, .dst = dst, .taps = taps_of(src, dst)};
    a.first = (uint32_t *)storage;
    a.count = (uint32_t *)storage + dst;
    a.weight = storage + 2 * dst;
    return a;
}

void mtcnn__resize_plan(mtcnn__resize *r, mtcnn__filter filter, size_t width, size_t height,
                        size_t new_width, size_t new_height, float *storage)
{
    double inverse_x = (double)new_width / (double)width,
           inverse_y = (double)new_height / (double)height;
    double scale_x = 1.0 / inverse_x, scale_y = 1.0 / inverse_y;
    r->x = mtcnn__axis_new(width, new_width, storage);
    r->y = mtcnn__axis_new(height, new_height, storage + mtcnn__axis_storage(width, new_width));
    bool area = filter == MTCNN__FILTER_OPENCV_AREA, linear = filter == MTCNN__FILTER_OPENCV_LINEAR;
    bool shrinks = scale_x >= 1 && scale_y >= 1,
         whole = shrinks && is_whole(scale_x) && is_whole(scale_y);
    if (!area && !linear) {
        r->kind = MTCNN__SEPARABLE;
        mtcnn__axis_plan(&r->x, filter);
        mtcnn__axis_plan(&r->y, filter);
    } else if (width == new_width && height == new_height) {
        r->kind = MTCNN__COPY;
    } else if (whole && (area || (width == 2 * new_width && height == 2 * new_height))) {
        r->kind = MTCNN__BOX;
        r->x.taps = (size_t)nearbyint(scale_x);
        r->y.taps = (size_t)nearbyint(scale_y);
    } else if (area && shrinks) {
        r->kind = MTCNN__AREA;
        plan_area(&r->x, scale_x);
        plan_area(&r->y, scale_y);
    } else {
        r->kind = MTCNN__LINEAR;
        plan_linear(&r->x, scale_x, inverse_x, area, true);
        plan_linear(&r->y, scale_y, inverse_y, area, false);
    }
}

/* ---- rows ---- */

/* Room for a source row in RGB and in float, and two rows of the target. */
size_t mtcnn__resize_scratch(size_t width, size_t new_width)
{
    return (3 * width + 3) / 4 + 1 + 3 * width + 2 + 6 * new_width;
}

/* Half to even: beyond 2^23 a float has no fraction, so adding 1.5 * 2^23 rounds. */
static float round_to_byte(float v)
{
    const float whole = 12582912.0f;
    float r = (v + whole) - whole;
    return r < 0 ? 0 : r > 255 ? 255 : r;
}

static void box_row(const mtcnn__resize *r, const nbase_image *image, size_t y, uint8_t *source,
                    uint32_t *sum, float *out)
{
    size_t n = 3 * r->x.dst, bx = r->x.taps, by = r->y.taps;
    memset(sum, 0, n * sizeof *sum);
    for (size_t k = 0; k < by; k++) {
        const uint8_t *s = mtcnn__rgb_row(image, 0, y * by + k, r->x.src, source);
        for (size_t i = 0; i < r->x.dst; i++)
            for (size_t j = 0; j < bx; j++, s += 3)
                for (size_t c = 0; c < 3; c++) sum[3 * i + c] += s[c];
    }
    if (bx == 2 && by == 2) {
        for (size_t i = 0; i < n; i++) out[i] = (float)((sum[i] + 2) >> 2);
        return;
    }
    float scale = 1.0f / (float)(bx * by);
    for (size_t i = 0; i < n; i++) out[i] = round_to_byte((float)sum[i] * scale);
}

typedef float quad __attribute__((vector_size(16)));

/* The sums along x. A pixel and the value behind it make a vector, so that the three sums go side
 * by side; each adds its taps in their order. Reads a value beyond `pixels` (3 * src) and writes
 * one beyond `out` (3 * dst). */
static void sum_across(const mtcnn__axis *x, const float *pixels, float *out)
{
    for (size_t i = 0; i < x->dst; i++) {
        const float *p = pixels + 3 * (size_t)x->first[i];
        quad v = {0, 0, 0, 0}, d;
        for (uint32_t t = 0; t < x->count[i]; t++, p += 3) {
            memcpy(&d, p, sizeof d);
            v += d * x->weight[t * x->dst + i];
        }
        memcpy(out + 3 * i, &v, sizeof v);
    }
}

/* AREA and SEPARABLE. */
static void area_row(const mtcnn__resize *r, const nbase_image *image, size_t y, uint8_t *source,
                     float *across, float *out)
{
    const mtcnn__axis *x = &r->x;
    float *pixels = across + 3 * x->dst + 1;
    pixels[3 * x->src] = 0;
    for (uint32_t k = 0; k < r->y.count[y]; k++) {
        const uint8_t *s = mtcnn__rgb_row(image, 0, r->y.first[y] + k, x->src, source);
        for (size_t i = 0; i < 3 * x->src; i++) pixels[i] = s[i];
        sum_across(x, pixels, across);
        float beta = r->y.weight[k * r->y.dst + y];
        if (k == 0)
            for (size_t i = 0; i < 3 * x->dst; i++) out[i] = beta * across[i];
        else
            for (size_t i = 0; i < 3 * x->dst; i++) out[i] += beta * across[i];
    }
    if (r->kind == MTCNN__AREA)
        for (size_t i = 0; i < 3 * x->dst; i++) out[i] = round_to_byte(out[i]);
}

/* Weights of 11 bits, and the two shifts that OpenCV's vectors of 16 bits brought in. */
static int32_t fixed_weight(float w) { return (int32_t)nearbyintf(w * 2048.0f); }

static void linear_row(const mtcnn__resize *r, const nbase_image *image, size_t y, uint8_t *source,
                       int32_t *rows, float *out)
{
    const mtcnn__axis *x = &r->x;
    size_t n = 3 * x->dst;
    for (size_t k = 0; k < 2; k++) {
        ptrdiff_t sy = (int32_t)r->y.first[y] + (ptrdiff_t)k, last = (ptrdiff_t)r->y.src - 1;
        const uint8_t *s = mtcnn__rgb_row(image, 0,
                                          (size_t)(sy < 0      ? 0
                                                   : sy > last ? last
                                                               : sy),
                                          x->src, source);
        for (size_t i = 0; i < x->dst; i++) {
            const uint8_t *p = s + 3 * (size_t)x->first[i],
                          *q = x->first[i] + 1 < x->src ? p + 3 : p;
            int32_t a = fixed_weight(x->weight[i]), b = fixed_weight(x->weight[x->dst + i]);
            for (size_t c = 0; c < 3; c++) rows[k * n + 3 * i + c] = p[c] * a + q[c] * b;
        }
    }
    int32_t a = fixed_weight(r->y.weight[y]), b = fixed_weight(r->y.weight[r->y.dst + y]);
    for (size_t i = 0; i < n; i++)
        out[i] =
            (float)((((a * (rows[i] >> 4)) >> 16) + ((b * (rows[n + i] >> 4)) >> 16) + 2) >> 2);
}

void mtcnn__resize_row(const mtcnn__resize *r, const nbase_image *image, size_t y, float *scratch,
                       float *out)
{
    size_t n = 3 * r->x.dst;
    uint8_t *source = (uint8_t *)(scratch + 2 * n + 3 * r->x.src + 2);
    switch (r->kind) {
    case MTCNN__COPY: {
        const uint8_t *s = mtcnn__rgb_row(image, 0, y, r->x.src, source);
        for (size_t i = 0; i < n; i++) out[i] = s[i];
        return;
    }
    case MTCNN__BOX: box_row(r, image, y, source, (uint32_t *)scratch, out); return;
    case MTCNN__AREA:
    case MTCNN__SEPARABLE: area_row(r, image, y, source, scratch, out); return;
    case MTCNN__LINEAR: linear_row(r, image, y, source, (int32_t *)scratch, out); return;
    }
}

nbase_status mtcnn__resize_picture(const nbase_env *env, mtcnn__buffer *scratch,
                                   mtcnn__filter filter, const nbase_image *image, size_t new_width,
                                   size_t new_height, uint8_t *out)
{
    size_t plan = mtcnn__resize_storage(image->width, image->height, new_width, new_height),
           rest = mtcnn__resize_scratch(image->width, new_width);
    if (!mtcnn__reserve(env, scratch, plan + rest + 3 * new_width, sizeof(float)))
        return NBASE_ERR_NOMEM;
    float *storage = scratch->data, *row = storage + plan + rest;
    mtcnn__resize r;
    mtcnn__resize_plan(&r, filter, image->width, image->height, new_width, new_height, storage);
    for (size_t y = 0; y < new_height; y++) {
        mtcnn__resize_row(&r, image, y, storage + plan, row);
        for (size_t i = 0; i < 3 * new_width; i++) *out++ = (uint8_t)row[i];
    }
    return NBASE_OK;
}
