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

static bool takes_strips(const mtcnn__resize *r)
{
    return r->kind == MTCNN__AREA || r->kind == MTCNN__SEPARABLE;
}

/* ---- strips ---- */

static size_t row_bytes(size_t width) { return 3 * width + MTCNN__BYTES_OVER; }

mtcnn__strips mtcnn__strips_plan(const mtcnn__resizer *k, const mtcnn__pyramid *p, size_t width,
                                 size_t height)
{
    size_t over = 3; /* the kernel takes four pixels at a time */
    bool any = false;
    for (size_t i = 0; i < p->count; i++) {
        const mtcnn__resize *r = &p->levels[i].resize;
        if (!takes_strips(r)) continue;
        any = true;
        if (r->x.taps > over) over = r->x.taps;
    }
    return (mtcnn__strips){.count = any ? (height + k->rows - 1) / k->rows : 0,
                           .over = over,
                           .bytes = nbase__round_up((width + over) * k->rows * 4, NBASE_ALIGN)};
}

size_t mtcnn__strip_scratch(const mtcnn__resizer *k, size_t width)
{
    return k->rows * row_bytes(width);
}

void mtcnn__strip_fill(const mtcnn__resizer *k, const mtcnn__strips *s, const nbase_image *image,
                       size_t i, uint8_t *scratch, uint8_t *out)
{
    const uint8_t *rows[MTCNN__STRIP_ROWS];
    for (size_t j = 0; j < k->rows; j++) {
        size_t y = i * k->rows + j, last = image->height - 1;
        rows[j] = mtcnn__rgb_row_over(image, 0, y < last ? y : last, image->width,
                                      scratch + j * row_bytes(image->width));
    }
    k->strip(rows, image->width, s->over, out);
}

/* ---- a level's rows ---- */

/* A strip and its sums along x. */
typedef struct strip_sums {
    const mtcnn__resizer *kernels;
    const mtcnn__resize *r;
    const nbase_image *image;
    const mtcnn__strips *strips;
    size_t number; /* of the strip; SIZE_MAX: none yet */
    size_t taps;
    float *across;
    uint8_t *made, *scratch; /* where the strips have no data */
} strip_sums;

static size_t across_floats(const mtcnn__resizer *k, const mtcnn__axis *x)
{
    return nbase__round_up(x->dst * k->rows * 4, BOUNDARY);
}

size_t mtcnn__level_scratch(const mtcnn__resizer *k, const mtcnn__resize *r,
                            const mtcnn__strips *strips)
{
    size_t made = strips->bytes + mtcnn__strip_scratch(k, r->x.src),
           taps = BOUNDARY + across_floats(k, &r->x) + 4 * r->x.dst + made / sizeof(float) + 1,
           plain = mtcnn__resize_scratch(r->x.src, r->x.dst) + 3 * r->x.dst;
    return taps > plain ? taps : plain;
}

static void sum_strip(strip_sums *g, size_t number)
{
    const uint8_t *strip = g->made;
    if (g->strips->data)
        strip = g->strips->data + number * g->strips->bytes;
    else
        mtcnn__strip_fill(g->kernels, g->strips, g->image, number, g->scratch, g->made);
    g->kernels->level_across(&g->r->x, g->taps, strip, g->across);
    g->number = number;
}

/* Sums of row y of the level. */
static void sum_rows(strip_sums *g, size_t y, float *sum)
{
    const mtcnn__axis *a = &g->r->y;
    size_t n = g->kernels->rows;
    for (size_t k = 0, count; k < a->count[y]; k += count) {
        size_t row = a->first[y] + k, in_strip = row % n;
        if (g->number != row / n) sum_strip(g, row / n);
        count = a->count[y] - k < n - in_strip ? a->count[y] - k : n - in_strip;
        g->kernels->level_down(g->across + 4 * in_strip, a->weight + k * a->dst + y, a->dst, count,
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
                       const mtcnn__strips *strips, size_t first, size_t rows, float *scratch,
                       float *out)
{
    if (!takes_strips(r)) {
        plain_rows(r, image, first, rows, scratch, out);
        return;
    }
    size_t width = r->x.dst, plane = rows * width;
    float *across = scratch + (BOUNDARY - (uintptr_t)scratch / sizeof(float) % BOUNDARY) % BOUNDARY,
          *sum = across + across_floats(k, &r->x);
    uint8_t *made = (uint8_t *)(sum + 4 * width);
    strip_sums g = {.kernels = k,
                    .r = r,
                    .image = image,
                    .strips = strips,
                    .number = SIZE_MAX,
                    .taps = most_taps(&r->x),
                    .across = across,
                    .made = made,
                    .scratch = made + strips->bytes};
    for (size_t y = 0; y < rows; y++) {
        sum_rows(&g, first + y, sum);
        k->level_row(sum, width, r->kind == MTCNN__AREA, out + y * width, plane);
    }
}
