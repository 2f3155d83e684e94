/* toom.h - the kernels of small filters, transformed for convolutions with fewer multiplications
 * (base/toom_cook.h).
 *
 * The points of interpolation are 0, 1, -1 and 2, as many as needed; those of F(4, 3) are
 * libconvlstm's. Kernels are transformed once, when weights are loaded, in double precision; one
 * layout serves every instruction set. */
#ifndef MTCNN_TOOM_H
#define MTCNN_TOOM_H

#include <stddef.h>

typedef enum mtcnn__toom {
    MTCNN__TOOM_NONE,
    MTCNN__TOOM_3_3, /* F(3x3, 3x3): (25, in, out) */
    MTCNN__TOOM_4_3, /* F(4x4, 3x3): (36, in, out) */
    MTCNN__TOOM_3_2  /* F(3x3, 2x2): (16, in, out) */
} mtcnn__toom;

/* Floats of the transformed kernel; 0 for NONE. */
size_t mtcnn__toom_count(mtcnn__toom kind, size_t in, size_t out);

/* kernel (side, side, in, out) to its transformed form. */
void mtcnn__toom_transform(mtcnn__toom kind, size_t in, size_t out, const float *kernel, float *to);

#endif
