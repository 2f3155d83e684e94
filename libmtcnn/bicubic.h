/* bicubic.h - Pillow's Image.resize(..., BICUBIC) on 8-bit RGB, to the last bit
 * (src/libImaging/Resample.c): a cubic kernel (Keys 1981, a = -0.5), widened by the ratio when
 * shrinking, in two passes; weights in fixed point of 22 bits; each pass is rounded to 8 bits. */
#ifndef MTCNN_BICUBIC_H
#define MTCNN_BICUBIC_H

#include "internal.h"

/* Scratch. Zero-initialise; end with mtcnn__bicubic_release. */
typedef struct mtcnn__bicubic {
    mtcnn__buffer weights, rows;
} mtcnn__bicubic;

/* Resizes the picture to size x size packed RGB at out.
 *
 * always_x_first  as in Pillow 12 and before; else the order of the passes depends on the sizes
 *
 * NBASE_ERR_NOMEM is the only error. */
nbase_status mtcnn__bicubic_resize(const nbase_env *env, mtcnn__bicubic *b,
                                   const nbase_image *image, size_t size, bool always_x_first,
                                   uint8_t *out);

void mtcnn__bicubic_release(const nbase_env *env, mtcnn__bicubic *b);

#endif
