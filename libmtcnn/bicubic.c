/* bicubic.c - Pillow's bicubic resizing, to the last bit. */
#include "bicubic.h"

#include <math.h>
#include <string.h>

#include "pixels.h"

#define WEIGHT_BITS 22 /* 8 bits of value and two of headroom for overshoot in an int */
#define SUPPORT 2.0    /* the cubic is zero from here on */

/* The weights of one axis: target i takes count[i] sources from first[i] on, with weight[i * taps
 * ...]. */
typedef struct axis {
    size_t src, dst, taps;
    uint32_t *first, *count;
    int32_t *weight;
} axis;

static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static size_t taps_of(size_t src, size_t dst)
{
    double scale = (double)src / (double)dst;
    return (size_t)ceil(SUPPORT * fmax(scale, 1.0)) * 2 + 1;
}

static size_t axis_words(size_t src, size_t dst) { return dst * (2 + taps_of(src, dst)); }

static axis plan(size_t src, size_t dst, void *storage)
{
    axis a = {.src = src, .dst = dst, .taps = taps_of(src, dst)};
    a.first = storage;
    a.count = a.first + dst;
    a.weight = (int32_t *)(a.count + dst);
    double scale = (double)src / (double)dst, widening = fmax(scale, 1.0),
           reach = SUPPORT * widening, inverse = 1.0 / widening;
    for (size_t i = 0; i < dst; i++) {
        double center = ((double)i + 0.5) * scale, begin = center - reach + 0.5,
               end = center + reach + 0.5, total = 0;
        size_t from = begin > 0 ? (size_t)begin : 0, to = end < (double)src ? (size_t)end : src;
        /* The kernel is evaluated twice, to normalise without a second array of doubles. */
        for (size_t s = from; s < to; s++)
            total += cubic(((double)(s - from) + (double)from - center + 0.5) * inverse);
        a.first[i] = (uint32_t)from;
        a.count[i] = (uint32_t)(to - from);
        for (size_t s = from; s < to; s++) {
            double w = cubic(((double)(s - from) + (double)from - center + 0.5) * inverse);
            if (total != 0) w *= 1.0 / total;
            a.weight[i * a.taps + s - from] =
                (int32_t)((w < 0 ? -0.5 : 0.5) + w * (1 << WEIGHT_BITS));
        }
    }
    return a;
}

static uint8_t to_byte(int32_t sum)
{
    int32_t v = sum >> WEIGHT_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One row along x: a->src pixels to a->dst. */
static void across(const axis *a, const uint8_t *row, uint8_t *out)
{
    if (a->src == a->dst) {
        memcpy(out, row, 3 * a->dst);
        return;
    }
    for (size_t i = 0; i < a->dst; i++) {
        const int32_t *w = a->weight + i * a->taps;
        const uint8_t *p = row + 3 * (size_t)a->first[i];
        int32_t sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1)};
        for (uint32_t t = 0; t < a->count[i]; t++, p += 3)
            for (size_t c = 0; c < 3; c++) sum[c] += p[c] * w[t];
        for (size_t c = 0; c < 3; c++) *out++ = to_byte(sum[c]);
    }
}

/* Target row i along y, of `bytes` bytes; rows[t * stride] is source row t. */
static void down(const axis *a, size_t i, const uint8_t *rows, size_t stride, size_t bytes,
                 uint8_t *out)
{
    if (a->src == a->dst) {
        memcpy(out, rows + i * stride, bytes);
        return;
    }
    const int32_t *w = a->weight + i * a->taps;
    rows += a->first[i] * stride;
    for (size_t x = 0; x < bytes; x++) {
        int32_t sum = 1 << (WEIGHT_BITS - 1);
        for (uint32_t t = 0; t < a->count[i]; t++) sum += rows[t * stride + x] * w[t];
        out[x] = to_byte(sum);
    }
}

/* Pillow 13's choice (found by trying; 12 and before always went along x first): along y first when
 * the height shrinks by more than twice as many pixels as the width does. */
static bool down_first(size_t width, size_t height, size_t new_width, size_t new_height)
{
    ptrdiff_t dx = (ptrdiff_t)width - (ptrdiff_t)new_width,
              dy = (ptrdiff_t)height - (ptrdiff_t)new_height;
    return dy > 0 && dy > 2 * dx;
}

nbase_status mtcnn__bicubic_resize(const nbase_env *env, mtcnn__bicubic *b,
                                   const nbase_image *image, size_t size, bool always_x_first,
                                   uint8_t *out)
{
    size_t width = image->width, height = image->height;
    bool y_first = !always_x_first && down_first(width, height, size, size);
    size_t words = axis_words(width, size) + axis_words(height, size),
           row_bytes = 3 * (y_first ? width : size), bytes;
    if (!nbase__mul(row_bytes, height, &bytes) ||
        !mtcnn__reserve(env, &b->weights, words, sizeof(int32_t)) ||
        !mtcnn__reserve(env, &b->rows, bytes + 3 * width, 1))
        return NBASE_ERR_NOMEM;
    uint8_t *rows = b->rows.data, *tmp = rows + bytes;
    axis ax = plan(width, size, b->weights.data),
         ay = plan(height, size, (int32_t *)b->weights.data + axis_words(width, size));
    for (size_t i = 0; i < height; i++) {
        const uint8_t *row = mtcnn__rgb_row(image, 0, i, width, tmp);
        if (y_first)
            memcpy(rows + i * row_bytes, row, row_bytes);
        else
            across(&ax, row, rows + i * row_bytes);
    }
    for (size_t i = 0; i < size; i++) {
        down(&ay, i, rows, row_bytes, row_bytes, y_first ? tmp : out + 3 * size * i);
        if (y_first) across(&ax, tmp, out + 3 * size * i);
    }
    return NBASE_OK;
}

void mtcnn__bicubic_release(const nbase_env *env, mtcnn__bicubic *b)
{
    mtcnn__release(env, &b->weights);
    mtcnn__release(env, &b->rows);
}
