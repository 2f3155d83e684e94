#include "crops.h"

#include <string.h>

#include "pixels.h"
#include "resize.h"

size_t mtcnn__crop_scratch(size_t side, size_t size)
{
    size_t plan = mtcnn__resize_storage(side, side, size, size) * sizeof(float), rows = 2 * 3 * size * sizeof(double);
    return rows + plan + 2 * 3 * side + NBASE_ALIGN;
}

/* A row of the window as packed RGB: `row`, or null if it lies outside. `tmp` has room for a row too. */
static const uint8_t *window_row(const nbase_image *image, const mtcnn__window *w, size_t y, uint8_t *row, uint8_t *tmp)
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

/* A row along x, to 3 * dst sums. */
static void across(const mtcnn__resize *r, const uint8_t *row, double *out)
{
    const mtcnn__axis *x = &r->x;
    for (size_t i = 0; i < x->dst; i++, out += 3) {
        double v[3] = {0, 0, 0};
        if (r->kind == MTCNN__COPY || r->kind == MTCNN__BOX) {
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

void mtcnn__crop_area(const nbase_image *image, const mtcnn__window *window, size_t size, void *scratch, float *out, size_t lanes)
{
    mtcnn__resize r;
    double *part = scratch, *sum = part + 3 * size;
    float *plan = (float *)(sum + 3 * size);
    uint8_t *row = (uint8_t *)(plan + mtcnn__resize_storage(window->width, window->height, size, size)), *tmp = row + 3 * window->width;
    mtcnn__resize_plan(&r, window->width, window->height, size, size, plan);
    bool whole = r.kind == MTCNN__COPY || r.kind == MTCNN__BOX;
    size_t box = r.kind == MTCNN__BOX ? r.y.taps : 1;
    for (size_t y = 0; y < size; y++) {
        memset(sum, 0, 3 * size * sizeof *sum);
        for (size_t t = 0, n = whole ? box : r.y.count[y]; t < n; t++) {
            size_t sy = whole ? y * box + t : r.y.first[y] + t;
            const uint8_t *pixels = window_row(image, window, sy < window->height ? sy : window->height - 1, row, tmp);
            if (!pixels) continue; /* black */
            across(&r, pixels, part);
            double weight = whole ? 1 : r.y.weight[t * size + y];
            for (size_t i = 0; i < 3 * size; i++) sum[i] += weight * part[i];
        }
        double scale = r.kind == MTCNN__BOX ? 1.0f / (float)(r.x.taps * r.y.taps) : 1.0;
        for (size_t i = 0; i < 3 * size; i++) {
            size_t x = i / 3, c = i % 3;
            out[((c * size + y) * size + x) * lanes] = (float)((sum[i] * scale - 127.5) * 0.0078125);
        }
    }
}
