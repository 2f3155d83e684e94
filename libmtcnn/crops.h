/* crops.h - the inputs of R- and O-Net: a window of the picture, black outside it, resized to a small square and normalised. */
#ifndef MTCNN_CROPS_H
#define MTCNN_CROPS_H

#include "internal.h"

/* May reach beyond the picture on every side. */
typedef struct mtcnn__window {
    ptrdiff_t x, y; /* of the upper left pixel */
    size_t width, height;
} mtcnn__window;

/* Bytes of scratch for a window of at most side x side pixels. */
size_t mtcnn__crop_scratch(size_t side, size_t size);
/* Resizes as cv::resize with INTER_AREA does on double precision, then (v - 127.5) / 128. Value (channel, y, x) of the size x size result goes to
 * out[((channel * size + y) * size + x) * lanes]. */
void mtcnn__crop_area(const nbase_image *image, const mtcnn__window *window, size_t size, void *scratch, float *out, size_t lanes);

#endif
