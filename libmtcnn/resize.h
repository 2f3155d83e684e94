/* resize.h - a picture made smaller (or larger), a row at a time, by the filters of the published
 * cascades.
 *
 * OPENCV_AREA    OpenCV's cv::resize with INTER_AREA on 8-bit RGB, to the last bit (OpenCV 4 and 5,
 *                modules/imgproc/src/resize.cpp). The order of the additions is kept, because ties
 *                are common. It is one of four things:
 *                  the same size                a copy
 *                  both ratios whole numbers    the mean of a box: (sum + 2) >> 2 for 2x2, else
 *                                               sum * (float)(1 / n), rounded half to even
 *                  both ratios at least 1       weights of the covered parts of pixels, in float:
 *                                               along x first, then along y, rounded half to even
 *                  any other (a side grows)     two taps with weights of 11 bits, placed so that
 *                                               pixels keep their area
 * OPENCV_LINEAR  OpenCV's INTER_LINEAR on 8-bit RGB, to the last bit: samples at the middles of
 *                pixels, or the mean of a box for exactly 2x2
 *
 * These do not round to 8 bits:
 *
 * AREA           the covered parts of pixels, as TensorFlow's tf.image.resize with AREA
 *                (core/kernels/image/resize_area_op.cc)
 * MEAN           the plain mean of every pixel touched, as PyTorch's interpolate with mode="area"
 *                (adaptive_avg_pool2d)
 * PIOTR          covered parts where a side shrinks, half-pixel bilinear where it grows, as
 *                imResample of Piotr's MATLAB toolbox */
#ifndef MTCNN_RESIZE_H
#define MTCNN_RESIZE_H

#include "internal.h"

typedef enum mtcnn__filter {
    MTCNN__FILTER_OPENCV_AREA,
    MTCNN__FILTER_OPENCV_LINEAR,
    MTCNN__FILTER_AREA,
    MTCNN__FILTER_MEAN,
    MTCNN__FILTER_PIOTR
} mtcnn__filter;

/* What the networks read: (v - MTCNN__GREY) * MTCNN__PER_GREY, for a byte v about -1..1. */
#define MTCNN__GREY 127.5f
#define MTCNN__PER_GREY 0.0078125f

/* Longest side of a picture or level that is resized. */
#define MTCNN__MAX_LEVEL ((size_t)1 << 20)

/* What a resize comes down to. The filters that are not OpenCV's are all SEPARABLE. */
typedef enum mtcnn__resize_kind {
    MTCNN__COPY,
    MTCNN__BOX,
    MTCNN__AREA,
    MTCNN__LINEAR,
    MTCNN__SEPARABLE
} mtcnn__resize_kind;

/* One axis. Target i is the sum over k < count[i] of weight[k * dst + i] times source first[i] + k.
 * For LINEAR count is 2, and sources (signed: the first may be -1) are clamped to the ends. first,
 * count and weight are not set for COPY and BOX. */
typedef struct mtcnn__axis {
    size_t src, dst;
    size_t taps; /* the largest count */
    uint32_t *first, *count;
    float *weight; /* (taps, dst), zeros beyond count */
} mtcnn__axis;

typedef struct mtcnn__resize {
    mtcnn__resize_kind kind;
    mtcnn__axis x, y;
} mtcnn__resize;

/* Plans width x height -> new_width x new_height, all in 1..MTCNN__MAX_LEVEL.
 *
 * storage  mtcnn__resize_storage floats for the same sizes; the plan points into it */
void mtcnn__resize_plan(mtcnn__resize *r, mtcnn__filter filter, size_t width, size_t height,
                        size_t new_width, size_t new_height, float *storage);

size_t mtcnn__resize_storage(size_t width, size_t height, size_t new_width, size_t new_height);

/* Computes row y of the target as packed RGB: 3 * new_width values of 0..255, whole numbers for
 * OpenCV's filters.
 *
 * scratch  mtcnn__resize_scratch floats for the same widths */
void mtcnn__resize_row(const mtcnn__resize *r, const nbase_image *image, size_t y, float *scratch,
                       float *out);

size_t mtcnn__resize_scratch(size_t width, size_t new_width);

/* Resizes a whole picture by one of OpenCV's filters to packed RGB, 3 * new_width * new_height
 * bytes at out. `scratch` may hold anything before and after. NBASE_ERR_NOMEM is the only error. */
nbase_status mtcnn__resize_picture(const nbase_env *env, mtcnn__buffer *scratch,
                                   mtcnn__filter filter, const nbase_image *image, size_t new_width,
                                   size_t new_height, uint8_t *out);

/* ---- one axis, for those who plan it themselves ---- */

/* An axis src -> dst without weights, in mtcnn__axis_storage floats. */
mtcnn__axis mtcnn__axis_new(size_t src, size_t dst, float *storage);

size_t mtcnn__axis_storage(size_t src, size_t dst);

/* Sets the weights of AREA, MEAN or PIOTR. */
void mtcnn__axis_plan(mtcnn__axis *a, mtcnn__filter filter);

#endif
