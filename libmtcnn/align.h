/* align.h - a face turned upright by its landmarks. */
#ifndef MTCNN_ALIGN_H
#define MTCNN_ALIGN_H

#include "internal.h"

/* x' = a x - b y + dx
 * y' = b x + a y + dy */
typedef struct mtcnn__similarity {
    double a, b, dx, dy;
} mtcnn__similarity;

/* The similarity, without mirroring, that takes the `count` points of `from` to those of `to` with
 * the least sum of squared distances. False if the points of `from` coincide. */
bool mtcnn__fit_similarity(const mtcnn_point *from, const mtcnn_point *to, size_t count,
                           mtcnn__similarity *out);

/* Where the landmarks lie in a crop of size x size pixels with a margin, which is a part of the
 * template's side, on each side. */
void mtcnn__face_template(size_t size, double margin, mtcnn_point points[5]);

/* Fills out (size x size RGB) with the picture under t, which takes the picture's coordinates to
 * the crop's. Each value is the mean of n x n bilinear samples, n just so large that they lie no
 * more than a pixel of the picture apart. Black outside the picture. */
void mtcnn__warp(const nbase_image *image, const mtcnn__similarity *t, size_t size, uint8_t *out);

#endif
