#include "patches.h"

#include <stdint.h>
#include <string.h>

size_t convlstm__conv_length(size_t length, size_t kernel, size_t stride, size_t dilation,
                             bool valid)
{
    size_t reach = (kernel - 1) * dilation + 1;
    if (!valid) return (length + stride - 1) / stride;
    return length < reach ? 0 : (length - reach) / stride + 1;
}

static size_t axis(size_t length, size_t kernel, size_t stride, size_t dilation, bool valid,
                   size_t *pad)
{
    size_t out = convlstm__conv_length(length, kernel, stride, dilation, valid),
           span = (out - 1) * stride + (kernel - 1) * dilation + 1;
    *pad = !valid && span > length ? (span - length) / 2 : 0;
    return out;
}

void convlstm__conv_finish(convlstm__conv *v, bool valid)
{
    v->out_height = axis(v->height, v->kernel_h, v->stride_h, v->dilation_h, valid, &v->pad_top);
    v->out_width = axis(v->width, v->kernel_w, v->stride_w, v->dilation_w, valid, &v->pad_left);
    v->patch = v->kernel_h * v->kernel_w * v->channels;
}

void convlstm__gather(const convlstm__conv *v, const float *in, size_t p0, size_t p1, float *rows,
                      size_t stride)
{
    for (size_t p = p0; p < p1; p++, rows += stride) {
        float *to = rows;
        for (size_t ky = 0; ky < v->kernel_h; ky++) {
            size_t y = convlstm__tap(p / v->out_width, v->stride_h, ky, v->dilation_h, v->pad_top,
                                     v->height);
            for (size_t kx = 0; kx < v->kernel_w; kx++, to += v->channels) {
                size_t x = convlstm__tap(p % v->out_width, v->stride_w, kx, v->dilation_w,
                                         v->pad_left, v->width);
                if (y == SIZE_MAX || x == SIZE_MAX)
                    memset(to, 0, v->channels * sizeof *to);
                else
                    memcpy(to, in + (y * v->width + x) * v->channels, v->channels * sizeof *to);
            }
        }
    }
}

void convlstm__scatter(const convlstm__conv *v, const float *rows, size_t stride, size_t p0,
                       size_t p1, float *out)
{
    for (size_t p = p0; p < p1; p++, rows += stride) {
        const float *from = rows;
        for (size_t ky = 0; ky < v->kernel_h; ky++) {
            size_t y = convlstm__tap(p / v->out_width, v->stride_h, ky, v->dilation_h, v->pad_top,
                                     v->height);
            for (size_t kx = 0; kx < v->kernel_w; kx++, from += v->channels) {
                size_t x = convlstm__tap(p % v->out_width, v->stride_w, kx, v->dilation_w,
                                         v->pad_left, v->width);
                if (y == SIZE_MAX || x == SIZE_MAX) continue;
                float *to = out + (y * v->width + x) * v->channels;
                for (size_t c = 0; c < v->channels; c++) to[c] += from[c];
            }
        }
    }
}

#define BLOCK_FLOATS 32768 /* with the products well inside a 1 MiB cache */

size_t convlstm__conv_block(const convlstm__conv *v, size_t more)
{
    size_t block = BLOCK_FLOATS / (v->patch + more), pixels = v->out_height * v->out_width;
    if (block < 16) block = 16;
    return block < pixels ? block : pixels;
}
