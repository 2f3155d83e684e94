/* level_rows.c - the rows of a pyramid level, as P-Net reads them. */
#include <string.h>

#include "pixels.h"
#include "pyramid.h"

enum { BOUNDARY = 16 }; /* floats */

/* The most taps of any target. */
static size_t most_taps(const mtcnn__axis *a)
{
    size_t most = 2; /* two are the fewest that the kernels take */
    for (size_t i = 0; i < a->dst; i++)
        if (a->count[i] > most) most = a->count[i];
    return most < a->taps ? most : a->taps;
}

/* Source rows side by side, and their sums along x. */
typedef struct row_group {
    const mtcnn__resizer *kernels;
    const mtcnn__resize *r;
    const nbase_image *image;
    size_t first; /* number of the first; SIZE_MAX: none is loaded yet */
    size_t taps;
    float *pixels, *across;
    uint8_t *bytes;
} row_group;

static size_t pixel_floats(const mtcnn__resizer *k, const mtcnn__axis *x)
{
    return nbase__round_up((x->src + 3 + x->taps) * k->rows * 4, BOUNDARY);
}

static size_t across_floats(const mtcnn__resizer *k, const mtcnn__axis *x)
{
    return nbase__round_up(x->dst * k->rows * 4, BOUNDARY);
}

static size_t row_bytes(const mtcnn__axis *x) { return 3 * x->src + MTCNN__BYTES_OVER; }

size_t mtcnn__level_scratch(const mtcnn__resizer *k, const mtcnn__resize *r)
{
    size_t taps = pixel_floats(k, &r->x) + across_floats(k, &r->x) + 4 * r->x.dst +
                  k->rows * row_bytes(&r->x) / sizeof(float) + 1 + BOUNDARY;
    size_t plain = mtcnn__resize_scratch(r->x.src, r->x.dst) + 3 * r->x.dst;
    return taps > plain ? taps : plain;
}

static void load_group(row_group *g, size_t row)
{
    const uint8_t *rows[8];
    size_t n = g->kernels->rows;
    g->first = row / n * n;
    for (size_t i = 0; i < n; i++) {
        size_t y = g->first + i < g->r->y.src ? g->first + i : g->r->y.src - 1;
        rows[i] =
            mtcnn__rgb_row_over(g->image, 0, y, g->r->x.src, g->bytes + i * row_bytes(&g->r->x));
    }
    g->kernels->level_across(&g->r->x, g->taps, rows, g->pixels, g->across);
}

/* Sums of row y of the level. */
static void sum_rows(row_group *g, size_t y, float *sum)
{
    const mtcnn__axis *a = &g->r->y;
    size_t n = g->kernels->rows;
    for (size_t k = 0, count; k < a->count[y]; k += count) {
        size_t row = a->first[y] + k, in_group = row % n;
        if (g->first != row - in_group) load_group(g, row);
        count = a->count[y] - k < n - in_group ? a->count[y] - k : n - in_group;
        g->kernels->level_down(g->across + 4 * in_group, a->weight + k * a->dst + y, a->dst, count,
                               g->r->x.dst, k == 0, sum);
    }
}

/* The kinds without taps, and those that grow. */
static void plain_rows(const mtcnn__resize *r, const nbase_image *image, size_t first, size_t rows,
                       float *scratch, float *out)
{
    size_t width = r->x.dst, plane = rows * width;
    float *pixels = scratch + mtcnn__resize_scratch(r->x.src, width);
    for (size_t y = 0; y < rows; y++) {
        mtcnn__resize_row(r, image, first + y, scratch, pixels);
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++)
                out[c * plane + y * width + x] =
                    (pixels[3 * x + c] - MTCNN__GREY) * MTCNN__PER_GREY;
    }
}

void mtcnn__level_rows(const mtcnn__resizer *k, const mtcnn__resize *r, const nbase_image *image,
                       size_t first, size_t rows, float *scratch, float *out)
{
    if (r->kind != MTCNN__AREA && r->kind != MTCNN__SEPARABLE) {
        plain_rows(r, image, first, rows, scratch, out);
        return;
    }
    size_t width = r->x.dst, plane = rows * width;
    row_group g = {
        .kernels = k, .r = r, .image = image, .first = SIZE_MAX, .taps = most_taps(&r->x)};
    g.pixels = scratch + (BOUNDARY - (uintptr_t)scratch / sizeof(float) % BOUNDARY) % BOUNDARY;
    g.across = g.pixels + pixel_floats(k, &r->x);
    float *sum = g.across + across_floats(k, &r->x);
    g.bytes = (uint8_t *)(sum + 4 * width);
    for (size_t y = 0; y < rows; y++) {
        sum_rows(&g, first + y, sum);
        k->level_row(sum, width, r->kind == MTCNN__AREA, out + y * width, plane);
    }
}
