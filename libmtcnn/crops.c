#include "crops.h"

#include <math.h>
#include <string.h>

#include "pixels.h"

/* The part of the picture that is read; may reach beyond it on every side. */
typedef struct window {
    ptrdiff_t x, y; /* of the upper left pixel */
    size_t width, height;
} window;

size_t mtcnn__crop_scratch(size_t side, size_t size)
{
    size_t longest = side + 2; /* samples between the corners touch a pixel more on each side */
    size_t plan = mtcnn__resize_storage(longest, longest, size, size) * sizeof(float), rows = 2 * 3 * size * sizeof(double);
    return rows + plan + 2 * 3 * longest + NBASE_ALIGN;
}

/* ---- planning ----------------------------------------------------------------------------------------------------------- */

/* Pixels x1 - 1 .. x2 - 1 (the ports count from 1 here, as MATLAB), cut at the picture's edges or not. */
static window corner_window(const mtcnn__box *box, const nbase_image *image, bool cut)
{
    ptrdiff_t x1 = (ptrdiff_t)box->x1 - 1, y1 = (ptrdiff_t)box->y1 - 1, x2 = (ptrdiff_t)box->x2, y2 = (ptrdiff_t)box->y2;
    if (cut) {
        if (x1 < 0) x1 = 0;
        if (y1 < 0) y1 = 0;
        if (x2 > (ptrdiff_t)image->width) x2 = (ptrdiff_t)image->width;
        if (y2 > (ptrdiff_t)image->height) y2 = (ptrdiff_t)image->height;
    }
    return (window){x1, y1, x2 > x1 ? (size_t)(x2 - x1) : 0, y2 > y1 ? (size_t)(y2 - y1) : 0};
}

/* Bilinear samples at a->dst places from `begin` to `end`, in the units and the single precision of TensorFlow's crop_and_resize: corners over the side's
 * length, times length - 1. A place outside the picture has no taps. *offset gets the first pixel read, from which sources count; returns how many are read. */
static size_t plan_samples(mtcnn__axis *a, size_t length, double begin, double end, ptrdiff_t *offset)
{
    float from = (float)(begin / (double)length), to = (float)(end / (double)length), last = (float)(length - 1);
    float step = (to - from) * last / (float)(a->dst - 1), start = from * last;
    ptrdiff_t lowest = PTRDIFF_MAX, highest = -1;
    for (size_t i = 0; i < a->dst; i++) {
        float at = start + (float)i * step, below = floorf(at);
        a->count[i] = 0;
        if (!(at >= 0 && at <= last)) continue;
        ptrdiff_t first = (ptrdiff_t)below, end_pixel = at > below ? first + 1 : first;
        a->first[i] = (uint32_t)first;
        a->count[i] = (uint32_t)(end_pixel - first) + 1;
        a->weight[i] = 1 - (at - below);
        a->weight[a->dst + i] = at - below;
        if (first < lowest) lowest = first;
        if (end_pixel > highest) highest = end_pixel;
    }
    *offset = highest < 0 ? 0 : lowest;
    for (size_t i = 0; i < a->dst; i++)
        if (a->count[i]) a->first[i] -= (uint32_t)*offset;
    return highest < 0 ? 1 : (size_t)(highest - lowest) + 1;
}

static window plan_crop(const mtcnn__profile *profile, const nbase_image *image, const mtcnn__box *box, size_t size, mtcnn__resize *r, float *storage)
{
    window w;
    if (profile->crop_rule == MTCNN__CROP_SAMPLED) {
        r->kind = MTCNN__SEPARABLE;
        r->x = mtcnn__axis_new(1, size, storage);
        r->y = mtcnn__axis_new(1, size, storage + mtcnn__axis_storage(1, size));
        w.width = plan_samples(&r->x, image->width, box->x1, box->x2, &w.x);
        w.height = plan_samples(&r->y, image->height, box->y1, box->y2, &w.y);
        r->x.src = w.width;
        r->y.src = w.height;
        return w;
    }
    w = corner_window(box, image, profile->crop_rule == MTCNN__CROP_CLAMPED);
    if (w.width && w.height) mtcnn__resize_plan(r, profile->filter, w.width, w.height, size, size, storage);
    return w;
}

/* ---- resizing in double precision ------------------------------------------------------------------------------------------ */

/* A row of the window as packed RGB, black outside the picture: `row`, or where it lies; null if all of it is outside. `tmp` has room for a row too. */
static const uint8_t *window_row(const nbase_image *image, const window *w, size_t y, uint8_t *row, uint8_t *tmp)
{
    ptrdiff_t top = w->y + (ptrdiff_t)y, left = w->x, right = w->x + (ptrdiff_t)w->width;
    if (left < 0) left = 0;
    if (right > (ptrdiff_t)image->width) right = (ptrdiff_t)image->width;
    if (top < 0 || top >= (ptrdiff_t)image->height || left >= right) return NULL;
    size_t before = 3 * (size_t)(left - w->x), n = 3 * (size_t)(right - left);
    const uint8_t *pixels = mtcnn__rgb_row(image, (size_t)left, (size_t)top, (size_t)(right - left), tmp);
    if (n == 3 * w->width) return pixels;
    memset(row, 0, before);
    memcpy(row + before, pixels, n);
    memset(row + before + n, 0, 3 * w->width - before - n);
    return row;
}

static bool whole_pixels(const mtcnn__resize *r) { return r->kind == MTCNN__COPY || r->kind == MTCNN__BOX; }

/* A row along x, to 3 * dst sums. */
static void across(const mtcnn__resize *r, const uint8_t *row, double *out)
{
    const mtcnn__axis *x = &r->x;
    for (size_t i = 0; i < x->dst; i++, out += 3) {
        double v[3] = {0, 0, 0};
        if (whole_pixels(r)) {
            size_t n = r->kind == MTCNN__COPY ? 1 : x->taps;
            const uint8_t *p = row + 3 * i * n;
            for (size_t t = 0; t < n; t++, p += 3)
                for (size_t c = 0; c < 3; c++) v[c] += p[c];
        } else {
            for (uint32_t t = 0; t < x->count[i]; t++) {
                size_t s = x->first[i] + t;
                const uint8_t *p = row + 3 * (s < x->src ? s : x->src - 1);
                double weight = x->weight[t * x->dst + i];
                for (size_t c = 0; c < 3; c++) v[c] += p[c] * weight;
            }
        }
        for (size_t c = 0; c < 3; c++) out[c] = v[c];
    }
}

/* Sums of row y of the result. */
static void crop_row(const mtcnn__resize *r, const nbase_image *image, const window *w, size_t y, double *part, uint8_t *row, double *sum)
{
    size_t size = r->x.dst, n = whole_pixels(r) ? (r->kind == MTCNN__BOX ? r->y.taps : 1) : r->y.count[y];
    memset(sum, 0, 3 * size * sizeof *sum);
    for (size_t t = 0; t < n; t++) {
        size_t sy = whole_pixels(r) ? y * n + t : r->y.first[y] + t;
        const uint8_t *pixels = window_row(image, w, sy < w->height ? sy : w->height - 1, row, row + 3 * w->width);
        if (!pixels) continue; /* black */
        across(r, pixels, part);
        double weight = whole_pixels(r) ? 1 : r->y.weight[t * size + y];
        for (size_t i = 0; i < 3 * size; i++) sum[i] += weight * part[i];
    }
    if (r->kind != MTCNN__BOX) return;
    double scale = 1.0f / (float)(r->x.taps * r->y.taps); /* OpenCV's factor is a float */
    for (size_t i = 0; i < 3 * size; i++) sum[i] *= scale;
}

void mtcnn__crop(const mtcnn__profile *profile, const nbase_image *image, const mtcnn__box *box, size_t size, void *scratch, float *out, size_t lanes)
{
    mtcnn__resize r;
    double *part = scratch, *sum = part + 3 * size;
    float *plan = (float *)(sum + 3 * size);
    window w = plan_crop(profile, image, box, size, &r, plan);
    bool empty = !w.width || !w.height, sampled = profile->crop_rule == MTCNN__CROP_SAMPLED;
    uint8_t *row = (uint8_t *)(plan + (empty ? 0 : mtcnn__resize_storage(w.width, w.height, size, size)));
    for (size_t y = 0; y < size; y++) {
        if (empty) memset(sum, 0, 3 * size * sizeof *sum);
        else crop_row(&r, image, &w, y, part, row, sum);
        for (size_t i = 0; i < 3 * size; i++) {
            size_t x = i / 3, c = i % 3;
            double v = sampled && (!r.x.count[x] || !r.y.count[y]) ? 0 : (sum[i] - 127.5) * 0.0078125;
            out[((c * size + y) * size + x) * lanes] = (float)v;
        }
    }
}
