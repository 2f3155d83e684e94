#include "few_filters.h"

#include "gemm.h"

#define PIXELS 64 /* of a row that are multiplied at once: their products stay in the cache */

bool convlstm__few_filters(const convlstm__conv *v, size_t filters)
{
    return v->stride_h == 1 && v->stride_w == 1 && v->dilation_h == 1 && v->dilation_w == 1 &&
           v->kernel_h * v->kernel_w > 1 && 2 * filters <= v->channels;
}

size_t convlstm__few_scratch(const convlstm__conv *v, size_t filters)
{
    return PIXELS * v->kernel_h * v->kernel_w * filters;
}

/* Channels first; the columns of the kernel from the last to the first, so that what a pixel gives
 * to a row of the output lies as it is added. */
void convlstm__few_turn(const convlstm__conv *v, size_t filters, const float *kernel, float *turned)
{
    size_t kw = v->kernel_w, taps = v->kernel_h * kw;
    for (size_t c = 0; c < v->channels; c++)
        for (size_t t = 0; t < taps; t++) {
            size_t from = t / kw * kw + kw - 1 - t % kw;
            for (size_t k = 0; k < filters; k++)
                turned[(c * taps + t) * filters + k] =
                    kernel[(from * v->channels + c) * filters + k];
        }
}

size_t convlstm__few_blocks(const convlstm__conv *v)
{
    return (v->out_height + CONVLSTM__FEW_ROWS - 1) / CONVLSTM__FEW_ROWS;
}

/* Adds what pixel x of a row gives through one row of the kernel to a row of the output. */
static void add_taps(const convlstm__conv *v, size_t filters, const float *taps, size_t x,
                     float *out_row)
{
    size_t kw = v->kernel_w, at = x + v->pad_left, /* the last tap lies kw - 1 before it */
        first = at + 1 < kw ? kw - 1 - at : 0, end = kw;
    if (at + 1 > v->out_width) end = kw > at + 1 - v->out_width ? kw - (at + 1 - v->out_width) : 0;
    if (first >= end) return;
    float *to = out_row + (at + 1 + first - kw) * filters;
    taps += first * filters;
    for (size_t i = 0; i < (end - first) * filters; i++) to[i] += taps[i];
}

void convlstm__few_add(const convlstm__conv *v, size_t filters, const float *turned,
                       const float *in, size_t block, float *out, float *scratch)
{
    size_t row = v->kernel_w * filters, all = v->kernel_h * row, r0 = block * CONVLSTM__FEW_ROWS,
           r1 = r0 + CONVLSTM__FEW_ROWS < v->out_height ? r0 + CONVLSTM__FEW_ROWS : v->out_height;
    for (size_t iy = r0 > v->pad_top ? r0 - v->pad_top : 0; iy < v->height; iy++) {
        size_t at =
            iy + v->pad_top; /* row of the output that the first row of the kernel reaches */
        if (at >= r1 + v->kernel_h - 1) break;
        size_t ky0 = at >= r1 ? at - r1 + 1 : 0, ky1 = at - r0 + 1; /* those that reach the block */
        if (ky1 > v->kernel_h) ky1 = v->kernel_h;
        size_t columns = (ky1 - ky0) * row;
        for (size_t x0 = 0; x0 < v->width; x0 += PIXELS) {
            size_t count = v->width - x0 < PIXELS ? v->width - x0 : PIXELS;
            nbase__sgemm(false, false, count, columns, v->channels, 1.0f,
                         in + (iy * v->width + x0) * v->channels, v->channels, turned + ky0 * row,
                         all, 0.0f, scratch, columns);
            for (size_t ky = ky0; ky < ky1; ky++)
                for (size_t x = 0; x < count; x++)
                    add_taps(v, filters, scratch + x * columns + (ky - ky0) * row, x0 + x,
                             out + (at - ky) * v->out_width * filters);
        }
    }
}
