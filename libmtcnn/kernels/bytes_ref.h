/* bytes_ref.h - what the resizing kernels do with 8-bit pixels, in plain C, and what it means in
 * every bytes_*.h.
 *
 *   b_interleave(rows, n, to)  n packed RGB pixels of each of LANES / 4 rows -> (n, LANES / 4, 4)
 *                           bytes, every fourth of them zero. n is a multiple of 4; up to
 *                           MTCNN__BYTES_OVER bytes after the pixels of a row are read
 *   b_load(p)               LANES bytes as floats
 *   b_parts(part, p, out, row)  only where a strip has several rows: the target's sums along x of
 *                           each of them, LANES / 4 pixels, `row` doubles apart. p: the target's
 *                           first source in a strip
 *   b_pixel(p, v)           red, green and blue of a packed pixel, and a number without meaning
 *   b_sum_few(p, n, v)      their sums over n packed pixels, 0 to 4; up to MTCNN__BYTES_OVER bytes
 *                           after the last one are read
 *   b_sum(p, n, v)          the same for any number of pixels */
#ifndef MTCNN_BYTES_REF_H
#define MTCNN_BYTES_REF_H

#include <stddef.h>
#include <stdint.h>

#include "resize_kernels.h"

static inline void b_interleave(const uint8_t *const *rows, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i++, to += 4) {
        for (size_t c = 0; c < 3; c++) to[c] = rows[0][3 * i + c];
        to[3] = 0;
    }
}

static inline vec b_load(const uint8_t *p) { V_EACH(v, p[i]); }

static inline void b_pixel(const uint8_t *p, mtcnn__pixel *v)
{
    *v = (mtcnn__pixel){p[0], p[1], p[2], 0};
}

static inline void b_sum(const uint8_t *p, size_t n, mtcnn__pixel *v)
{
    int32_t sum[3] = {0, 0, 0};
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++) sum[c] += p[3 * i + c];
    *v = (mtcnn__pixel){sum[0], sum[1], sum[2], 0};
}

static inline void b_sum_few(const uint8_t *p, size_t n, mtcnn__pixel *v) { b_sum(p, n, v); }

#endif
