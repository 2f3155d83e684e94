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

/* Taps kx0..kx1-1 of a row of the kernel lie within the input, at column x and those after it;
 * dilation 1. */
typedef struct span {
    size_t kx0, kx1, x;
} span;

static span span_at(const convlstm__conv *v, size_t ox)
{
    size_t first = ox * v->stride_w, end = v->width + v->pad_left;
    span s = {first < v->pad_left ? v->pad_left - first : 0,
              end > first ? end - first : 0, /* taps before the input's end */
              first < v->pad_left ? 0 : first - v->pad_left};
    if (s.kx1 > v->kernel_w) s.kx1 = v->kernel_w;
    if (s.kx0 > s.kx1) s.kx0 = s.kx1;
    return s;
}

/* `count` floats, for the short rows that a kernel sees: a call of memcpy costs as much. */
static inline void copy(float *restrict to, const float *restrict from, size_t count)
{
    if (count > 64)
        memcpy(to, from, count * sizeof *to);
    else
        for (size_t i = 0; i < count; i++) to[i] = from[i];
}

static inline void clear(float *to, size_t count)
{
    if (count) memset(to, 0, count * sizeof *to);
}

/* A row of taps with gaps between them. */
static void gather_dilated(const convlstm__conv *v, const float *in_row, size_t ox, float *to)
{
    for (size_t kx = 0; kx < v->kernel_w; kx++, to += v->channels) {
        size_t x = convlstm__tap(ox, v->stride_w, kx, v->dilation_w, v->pad_left, v->width);
        if (x == SIZE_MAX)
            clear(to, v->channels);
        else
            copy(to, in_row + x * v->channels, v->channels);
    }
}

void convlstm__gather(const convlstm__conv *v, const float *in, size_t p0, size_t p1, float *rows,
                      size_t stride)
{
    size_t c = v->channels, row = v->kernel_w * c;
    for (size_t p = p0; p < p1; p++, rows += stride) {
        size_t oy = p / v->out_width, ox = p % v->out_width;
        const span s = span_at(v, ox);
        float *to = rows;
        for (size_t ky = 0; ky < v->kernel_h; ky++, to += row) {
            size_t y = convlstm__tap(oy, v->stride_h, ky, v->dilation_h, v->pad_top, v->height);
            if (y == SIZE_MAX) {
                clear(to, row);
            } else if (v->dilation_w > 1) {
                gather_dilated(v, in + y * v->width * c, ox, to);
            } else {
                clear(to, s.kx0 * c);
                copy(to + s.kx0 * c, in + (y * v->width + s.x) * c, (s.kx1 - s.kx0) * c);
                clear(to + s.kx1 * c, row - s.kx1 * c);
            }
        }
    }
}

static void scatter_dilated(const convlstm__conv *v, const float *from, size_t ox, float *out_row)
{
    for (size_t kx = 0; kx < v->kernel_w; kx++, from += v->channels) {
        size_t x = convlstm__tap(ox, v->stride_w, kx, v->dilation_w, v->pad_left, v->width);
        if (x == SIZE_MAX) continue;
        float *to = out_row + x * v->channels;
        for (size_t c = 0; c < v->channels; c++) to[c] += from[c];
    }
}

void convlstm__scatter(const convlstm__conv *v, const float *rows, size_t stride, size_t p0,
                       size_t p1, float *out)
{
    size_t c = v->channels, row = v->kernel_w * c;
    for (size_t p = p0; p < p1; p++, rows += stride) {
        size_t oy = p / v->out_width, ox = p % v->out_width;
        const span s = span_at(v, ox);
        const float *from = rows;
        for (size_t ky = 0; ky < v->kernel_h; ky++, from += row) {
            size_t y = convlstm__tap(oy, v->stride_h, ky, v->dilation_h, v->pad_top, v->height);
            if (y == SIZE_MAX) continue;
            if (v->dilation_w > 1) {
                scatter_dilated(v, from, ox, out + y * v->width * c);
                continue;
            }
            float *to = out + (y * v->width + s.x) * c;
            const float *taps = from + s.kx0 * c;
            for (size_t i = 0; i < (s.kx1 - s.kx0) * c; i++) to[i] += taps[i];
        }
    }
}

/* In stretches that each have a sum of their own, since rounding grows with the length of a sum. */
void convlstm__add_channels(size_t pixels, size_t channels, const float *in, float *sums)
{
    enum { CHANNELS = 64, PIXELS = 256 };
    for (size_t p = 0; p < pixels; p += PIXELS)
        for (size_t c = 0; c < channels; c += CHANNELS) {
            const size_t count = channels - c < CHANNELS ? channels - c : CHANNELS,
                         end = p + PIXELS < pixels ? p + PIXELS : pixels;
            float sum[CHANNELS] = {0};
            for (size_t q = p; q < end; q++)
                for (size_t k = 0; k < count; k++) sum[k] += in[q * channels + c + k];
            for (size_t k = 0; k < count; k++) sums[c + k] += sum[k];
        }
}

#define BLOCK_FLOATS 32768 /* with the products well inside a 1 MiB cache */

size_t convlstm__conv_block(const convlstm__conv *v, size_t more)
{
    size_t block = BLOCK_FLOATS / (v->patch + more), pixels = v->out_height * v->out_width;
    if (block < 16) block = 16;
    return block < pixels ? block : pixels;
}
