/* crops.h - the inputs of R- and O-Net: a part of the picture resized to a small square and
 * normalised. */
#ifndef MTCNN_CROPS_H
#define MTCNN_CROPS_H

#include "kernels/resize_kernels.h"
#include "profile.h"

/* Bytes of scratch for boxes whose sides are at most `side` pixels long. */
size_t mtcnn__crop_scratch(size_t side, size_t size);
/* Cuts and resizes the box's pixels as the profile does, then (v - 127.5) / 128. Value (channel, y,
 * x) of the size x size result goes to out[((channel * size + y) * size + x) * lanes]. The box's
 * sides are 1..MTCNN__MAX_LEVEL. */
void mtcnn__crop(const mtcnn__resizer *kernels, const mtcnn__profile *profile,
                 const nbase_image *image, const mtcnn__box *box, size_t size, void *scratch,
                 float *out, size_t lanes);

#endif
