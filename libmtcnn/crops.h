/* crops.h - the inputs of R- and O-Net: a part of the picture, resized to a small square and
 * normalised. */
#ifndef MTCNN_CROPS_H
#define MTCNN_CROPS_H

#include "pyramid.h"

/* Bytes of scratch for crops of size x size from boxes whose sides are at most `side` pixels. */
size_t mtcnn__crop_scratch(size_t side, size_t size);

/* Cuts out the box's pixels and resizes them as the profile does, then normalises them to
 * (v - 127.5) / 128.
 *
 * strips   the picture's, which are read where that is faster; null, or without data: none
 * box      its sides are 1..MTCNN__MAX_LEVEL
 * scratch  mtcnn__crop_scratch bytes at any address
 * out      value (channel, y, x) goes to out[((channel * size + y) * size + x) * lanes], so that
 *          `lanes` crops can be interleaved */
void mtcnn__crop(const mtcnn__resizer *kernels, const mtcnn__profile *profile,
                 const nbase_image *image, const mtcnn__strips *strips, const mtcnn__box *box,
                 size_t size, void *scratch, float *out, size_t lanes);

#endif
