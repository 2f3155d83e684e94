/* resize.h - a picture made smaller (or larger), a row at a time, by the filters of the published
 * cascades.
 *
 * MTCNN__FILTER_OPENCV_AREA is OpenCV's cv::resize with INTER_AREA on 8-bit RGB, to the last bit.
 * It has four faces (OpenCV 4 and 5, modules/imgproc/src/resize.cpp):
 *   the same size                         a copy
 *   both ratios whole numbers             the mean of a box: (sum + 2) >> 2 for 2x2, else sum *
 *     (float)(1 / n), rounded half to even
 *   both ratios at least 1                weights of the covered parts of pixels, in float: along
 *     x first, then along y, rounded half to even
 *   any other (one side grows)            two taps with weights of 11 bits, placed so that pixels
 *     keep their area
 * The order of the additions is kept, because ties are common.
 *
 * MTCNN__FILTER_OPENCV_LINEAR is INTER_LINEAR on 8-bit RGB, to the last bit too: LINEAR with
 * samples at the middles of pixels, or BOX for exactly 2x2.
 *
 * The other filters do not round to 8 bits:
 *   AREA    the covered parts of pixels, as TensorFlow's tf.image.resize with AREA
 *           (core/kernels/image/resize_area_op.cc)
 *   MEAN    the plain mean of every pixel touched, as PyTorch's interpolate with mode="area"
 *           (adaptive_avg_pool2d)
 *   PIOTR   covered parts where a side shrinks, half-pixel bilinear where it grows, as imResample
 *           of Piotr's MATLAB toolbox */
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

#define MTCNN__MAX_LEVEL ((size_t)1 << 20)

/* The faces of OpenCV's filters; the others are all SEPARABLE. */
typedef enum mtcnn__resize_kind {
    MTCNN__COPY,
    MTCNN__BOX,
    MTCNN__AREA,
    MTCNN__LINEAR,
    MTCNN__SEPARABLE
} mtcnn__resize_kind;

/* One axis: target i is the sum over k < count[i] of weight[k * dst + i] times source first[i] + k.
 * For MTCNN__LINEAR count is 2, and sources (signed: the first may be -1) are clamped to the ends.
 * Not set for COPY and BOX. */
typedef struct mtcnn__axis {
    size_t src, dst, taps; /* taps: the most of any target */
    uint32_t *first, *count;
    float *weight; /* (taps, dst), zeros beyond count */
} mtcnn__axis;

typedef struct mtcnn__resize {
    mtcnn__resize_kind kind;
    mtcnn__axis x, y;
} mtcnn__resize;

/* Plans width x height -> new_width x new_height, all in 1..MTCNN__MAX_LEVEL. `storage` has room
 * for mtcnn__resize_storage floats of the same sizes and must stay as long as the plan. */
void mtcnn__resize_plan(mtcnn__resize *r, mtcnn__filter filter, size_t width, size_t height,
                        size_t new_width, size_t new_height, float *storage);
size_t mtcnn__resize_storage(size_t width, size_t height, size_t new_width, size_t new_height);

/* The parts of mtcnn__resize_plan for those who plan an axis themselves: an axis with room for src
 * -> dst in storage, and the floats it takes. */
mtcnn__axis mtcnn__axis_new(size_t src, size_t dst, float *storage);
size_t mtcnn__axis_storage(size_t src, size_t dst);
/* Weights of AREA, MEAN or PIOTR. */
void mtcnn__axis_plan(mtcnn__axis *a, mtcnn__filter filter);

/* Floats of scratch that mtcnn__resize_row needs for these widths. */
size_t mtcnn__resize_scratch(size_t width, size_t new_width);
/* Row y of the target, packed RGB (3 * new_width values of 0..255; whole numbers for
 * OPENCV_AREA). */
void mtcnn__resize_row(const mtcnn__resize *r, const nbase_image *image, size_t y, float *scratch,
                       float *out);

#endif
