/* bytes_wasm.h - what it means: bytes_ref.h. */
#ifndef MTCNN_BYTES_WASM_H
#define MTCNN_BYTES_WASM_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#include "resize_kernels.h"

static inline void b_interleave(const uint8_t *const *rows, size_t n, uint8_t *to)
{
    const v128_t order = wasm_u8x16_const(0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
    for (size_t i = 0; i < n; i += 4, to += 16)
        wasm_v128_store(to, wasm_i8x16_swizzle(wasm_v128_load(rows[0] + 3 * i), order));
}

static inline vec b_load(const uint8_t *p)
{
    v128_t shorts = wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p));
    return wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(shorts));
}

static inline void b_pixel(const uint8_t *p, mtcnn__pixel *v)
{
    *v = (mtcnn__pixel){p[0], p[1], p[2], 0};
}

/* The first n of four packed pixels added up by colour. */
static inline v128_t b_few(const uint8_t *p, size_t n)
{
    static const uint8_t by_colour[5][16] = {
        {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
        {0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 255, 255, 255, 255},
        {0, 3, 255, 255, 1, 4, 255, 255, 2, 5, 255, 255, 255, 255, 255, 255},
        {0, 3, 6, 255, 1, 4, 7, 255, 2, 5, 8, 255, 255, 255, 255, 255},
        {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, 255, 255, 255, 255}};
    v128_t sorted = wasm_i8x16_swizzle(wasm_v128_load(p), wasm_v128_load(by_colour[n]));
    return wasm_u32x4_extadd_pairwise_u16x8(wasm_u16x8_extadd_pairwise_u8x16(sorted));
}

static inline void b_sum(const uint8_t *p, size_t n, mtcnn__pixel *v)
{
    v128_t total = wasm_i32x4_splat(0);
    for (; n > 4; n -= 4, p += 12) total = wasm_i32x4_add(total, b_few(p, 4));
    total = wasm_i32x4_add(total, b_few(p, n));
    *v = (mtcnn__pixel){wasm_i32x4_extract_lane(total, 0), wasm_i32x4_extract_lane(total, 1),
                        wasm_i32x4_extract_lane(total, 2), 0};
}

static inline void b_sum_few(const uint8_t *p, size_t n, mtcnn__pixel *v) { b_sum(p, n, v); }

#endif
