/* bytes_neon.h - what it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_NEON_H
#define MTCNN_BYTES_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "resize_kernels.h"

static inline void b_interleave(const uint8_t *const *rows, size_t n, uint8_t *to)
{
    static const uint8_t apart[16] = {0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255};
    const uint8x16_t order = vld1q_u8(apart);
    for (size_t i = 0; i < n; i += 4, to += 16)
        vst1q_u8(to, vqtbl1q_u8(vld1q_u8(rows[0] + 3 * i), order));
}

static inline vec b_load(const uint8_t *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bytes)))));
}

static inline void b_pixel(const uint8_t *p, mtcnn__pixel *v)
{
    *v = (mtcnn__pixel){p[0], p[1], p[2], 0};
}

/* The first n of four packed pixels added up by colour. */
static inline uint32x4_t b_few(const uint8_t *p, size_t n)
{
    static const uint8_t by_colour[5][16] = {
        {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
        {0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 255, 255, 255, 255},
        {0, 3, 255, 255, 1, 4, 255, 255, 2, 5, 255, 255, 255, 255, 255, 255},
        {0, 3, 6, 255, 1, 4, 7, 255, 2, 5, 8, 255, 255, 255, 255, 255},
        {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, 255, 255, 255, 255}};
    return vpaddlq_u16(vpaddlq_u8(vqtbl1q_u8(vld1q_u8(p), vld1q_u8(by_colour[n]))));
}

static inline void b_sum(const uint8_t *p, size_t n, mtcnn__pixel *v)
{
    uint32x4_t total = vdupq_n_u32(0);
    for (; n > 4; n -= 4, p += 12) total = vaddq_u32(total, b_few(p, 4));
    total = vaddq_u32(total, b_few(p, n));
    *v = (mtcnn__pixel){vgetq_lane_u32(total, 0), vgetq_lane_u32(total, 1),
                        vgetq_lane_u32(total, 2), 0};
}

static inline void b_sum_few(const uint8_t *p, size_t n, mtcnn__pixel *v) { b_sum(p, n, v); }

#endif
