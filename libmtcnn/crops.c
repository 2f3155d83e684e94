/* crops.c - the inputs of R- and O-Net, computed in double precision. */
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
    size_t plan = mtcnn__resize_storage(longest, longest, size, size) * sizeof(float),
           rows = size * ((1 + MTCNN__STRIP_ROWS) * 4 * sizeof(double) + sizeof(mtcnn__parts));
    return rows + plan + 2 * (3 * longest + MTCNN__BYTES_OVER) + NBASE_ALIGN;
}

/* ---- planning ---- */

/* Pixels x1 - 1 .. x2 - 1 (the ports count from 1 here, as MATLAB), cut at the picture's edges or
 * not. */
static window corner_window(const mtcnn__box *box, const nbase_image *image, bool cut)
{
    ptrdiff_t x1 = (ptrdiff_t)box->x1 - 1, y1 = (ptrdiff_t)box->y1 - 1, x2 = (ptrdiff_t)box->x2,
              y2 = (ptrdiff_t)box->y2;
    if (cut) {
        if (x1 < 0) x1 = 0;
        if (y1 < 0) y1 = 0;
        if (x2 > (ptrdiff_t)image->width) x2 = (ptrdiff_t)image->width;
        if (y2 > (ptrdiff_t)image->height) y2 = (ptrdiff_t)image->height;
    }
    return (window){x1, y1, x2 > x1 ? (size_t)(x2 - x1) : 0, y2 > y1 ? (size_t)(y2 - y1) : 0};
}

/* Bilinear samples at a->dst places from `begin` to `end`, in the units and the single precision of
 * TensorFlow's crop_and_resize: corners over the side's length, times length - 1. A place outside
 * the picture has no taps. *offset gets the first pixel read, from which sources count; returns how
 * many are read. */
static size_t plan_samples(mtcnn__axis *a, size_t length, double begin, double end,
                           ptrdiff_t *offset)
{
    float from = (float)(begin / (double)length), to = (float)(end / (double)length),
          last = (float)(length - 1);
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

static window plan_crop(const mtcnn__profile *profile, const nbase_image *image,
                        const mtcnn__box *box, size_t size, mtcnn__resize *r, float *storage)
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
    if (w.width && w.height)
        mtcnn__resize_plan(r, profile->filter, w.width, w.height, size, size, storage);
    return w;
}

/* The covered parts of an axis that shrinks, if their sums are exact. Returns the most sources
 * between two outer ones, or SIZE_MAX. */
static size_t plan_parts(const mtcnn__resize *r, mtcnn__parts *parts)
{
    const mtcnn__axis *x = &r->x;
    if (r->kind != MTCNN__AREA || x->src > MTCNN__PARTS_RATIO * x->dst) return SIZE_MAX;
    size_t most = 0;
    for (size_t i = 0; i < x->dst; i++) {
        uint32_t last = x->count[i] - 1;
        parts[i] = (mtcnn__parts){.first = x->first[i],
                                  .last = last,
                                  .between = last > 1 ? last - 1 : 0,
                                  .lead = x->weight[i]};
        if (last > 1) parts[i].middle = x->weight[x->dst + i]; /* all of them have this weight */
        if (last > 0) parts[i].trail = x->weight[last * x->dst + i];
        if (parts[i].between > most) most = parts[i].between;
    }
    return most;
}

/* ---- resizing in double precision ---- */

/* A row of the window as packed RGB, black outside the picture: `row`, or where it lies; null if
 * all of it is outside. MTCNN__BYTES_OVER bytes behind it may be read. `tmp` has room for as much
 * as `row`. */
static const uint8_t *window_row(const nbase_image *image, const window *w, size_t y, uint8_t *row,
                                 uint8_t *tmp)
{
    ptrdiff_t top = w->y + (ptrdiff_t)y, left = w->x, right = w->x + (ptrdiff_t)w->width;
    if (left < 0) left = 0;
    if (right > (ptrdiff_t)image->width) right = (ptrdiff_t)image->width;
    if (top < 0 || top >= (ptrdiff_t)image->height || left >= right) return NULL;
    size_t before = 3 * (size_t)(left - w->x), n = 3 * (size_t)(right - left);
    const uint8_t *pixels =
        mtcnn__rgb_row_over(image, (size_t)left, (size_t)top, (size_t)(right - left), tmp);
    if (n == 3 * w->width) return pixels;
    memset(row, 0, before);
    memcpy(row + before, pixels, n);
    memset(row + before + n, 0, 3 * w->width - before - n);
    return row;
}

static bool whole_pixels(const mtcnn__resize *r)
{
    return r->kind == MTCNN__COPY || r->kind == MTCNN__BOX;
}

/* The state of one crop. A source row often adds to two rows of the result, so the sums along x of
 * the last two source rows are kept, or those of the last strip. */
typedef struct cutter {
    const mtcnn__resizer *kernels;
    const nbase_image *image;
    const mtcnn__strips *strips; /* null: by rows */
    mtcnn__resize r;
    window w;
    mtcnn__parts *parts; /* of the x axis, if `most` is not SIZE_MAX */
    size_t most;
    double *sum;      /* (size, 4) */
    double *part;     /* the same of each source row that is kept */
    size_t number[2]; /* 1 + the number of that row, or of the strip; 0: none */
    bool black[2];    /* that row is outside the picture */
    uint8_t *row, *tmp;
} cutter;

/* Whether the window's rows can be read from the strips: none of its columns is outside. */
static bool in_strips(const cutter *c, const mtcnn__strips *strips)
{
    return strips && strips->data && c->kernels->crop_strip && c->most != SIZE_MAX && c->w.x >= 0 &&
           c->w.x + (ptrdiff_t)c->w.width <= (ptrdiff_t)c->image->width;
}

static const double *part_from_strip(cutter *c, size_t sy)
{
    ptrdiff_t top = c->w.y + (ptrdiff_t)sy;
    if (top < 0 || top >= (ptrdiff_t)c->image->height) return NULL;
    size_t rows = c->kernels->rows, number = (size_t)top / rows, size = c->r.x.dst;
    if (c->number[0] != number + 1) {
        const uint8_t *strip = c->strips->data + number * c->strips->bytes;
        c->kernels->crop_strip(c->parts, size, strip + 4 * rows * (size_t)c->w.x, c->part);
        c->number[0] = number + 1;
    }
    return c->part + (size_t)top % rows * 4 * size;
}

/* The sums along x of a source row, or null if it is black. */
static const double *part_of(cutter *c, size_t sy)
{
    if (c->strips) return part_from_strip(c, sy);
    size_t slot = sy % 2;
    double *part = c->part + slot * 4 * c->r.x.dst;
    if (c->number[slot] != sy + 1) {
        const uint8_t *pixels = window_row(c->image, &c->w, sy, c->row, c->tmp);
        c->black[slot] = !pixels;
        if (pixels && c->most == SIZE_MAX)
            c->kernels->crop_across(&c->r, pixels, part);
        else if (pixels)
            c->kernels->crop_parts(c->parts, c->r.x.dst, c->most, pixels, part);
        c->number[slot] = sy + 1;
    }
    return c->black[slot] ? NULL : part;
}

/* Row y of the result, before normalisation, to c->sum. */
static void sum_rows(cutter *c, size_t y)
{
    const mtcnn__resize *r = &c->r;
    size_t size = r->x.dst,
           n = whole_pixels(r) ? (r->kind == MTCNN__BOX ? r->y.taps : 1) : r->y.count[y];
    bool first = true;
    for (size_t t = 0; t < n; t++) {
        size_t sy = whole_pixels(r) ? y * n + t : r->y.first[y] + t;
        const double *part = part_of(c, sy < c->w.height ? sy : c->w.height - 1);
        if (!part) continue;
        c->kernels->crop_down(part, whole_pixels(r) ? 1 : r->y.weight[t * size + y], size, first,
                              c->sum);
        first = false;
    }
    if (first) memset(c->sum, 0, 4 * size * sizeof *c->sum);
    if (r->kind != MTCNN__BOX) return;
    double scale = 1.0f / (float)(r->x.taps * r->y.taps); /* OpenCV's factor is a float */
    for (size_t i = 0; i < 4 * size; i++) c->sum[i] *= scale;
}

/* Pixels that crop_and_resize takes from outside the picture are mid-grey after the normalisation,
 * whatever the others are. */
static void grey_outside(const mtcnn__resize *r, size_t y, double *sum)
{
    for (size_t x = 0; x < r->x.dst; x++)
        for (size_t c = 0; c < 3; c++)
            if (!r->x.count[x] || !r->y.count[y]) sum[4 * x + c] = MTCNN__GREY;
}

void mtcnn__crop(const mtcnn__resizer *kernels, const mtcnn__profile *profile,
                 const nbase_image *image, const mtcnn__strips *strips, const mtcnn__box *box,
                 size_t size, void *scratch, float *out, size_t lanes)
{
    cutter c = {.kernels = kernels, .image = image};
    c.sum = (double *)(((uintptr_t)scratch + NBASE_ALIGN - 1) / NBASE_ALIGN * NBASE_ALIGN);
    c.part = c.sum + 4 * size;
    c.parts = (mtcnn__parts *)(c.part + MTCNN__STRIP_ROWS * 4 * size);
    float *plan = (float *)(c.parts + size);
    c.w = plan_crop(profile, image, box, size, &c.r, plan);
    bool empty = !c.w.width || !c.w.height;
    c.most = empty ? SIZE_MAX : plan_parts(&c.r, c.parts);
    if (in_strips(&c, strips)) c.strips = strips;
    c.row =
        (uint8_t *)(plan + (empty ? 0 : mtcnn__resize_storage(c.w.width, c.w.height, size, size)));
    c.tmp = c.row + 3 * c.w.width + MTCNN__BYTES_OVER;
    for (size_t y = 0; y < size; y++) {
        if (empty)
            memset(c.sum, 0, 4 * size * sizeof *c.sum);
        else
            sum_rows(&c, y);
        if (profile->crop_rule == MTCNN__CROP_SAMPLED) grey_outside(&c.r, y, c.sum);
        kernels->crop_row(c.sum, size, size * size, out + y * size * lanes, lanes);
    }
}
