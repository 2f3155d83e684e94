/* resize.h - OpenCV's cv::resize with INTER_AREA on 8-bit RGB, to the last bit, a row at a time.
 *
 * INTER_AREA has four faces (OpenCV 4 and 5, modules/imgproc/src/resize.cpp):
 *   the same size                         a copy
 *   both ratios whole numbers             the mean of a box: (sum + 2) >> 2 for 2x2, else sum * (float)(1 / n), rounded half to even
 *   both ratios at least 1                weights of the covered parts of pixels, in float: along x first, then along y, rounded half to even
 *   any other (one side grows)            two taps with weights of 11 bits, placed so that pixels keep their area
 * The order of the additions is kept, because ties are common. */
#ifndef MTCNN_RESIZE_H
#define MTCNN_RESIZE_H

#include "internal.h"

#define MTCNN__MAX_LEVEL ((size_t)1 << 20)

typedef enum mtcnn__resize_kind { MTCNN__COPY, MTCNN__BOX, MTCNN__AREA, MTCNN__LINEAR } mtcnn__resize_kind;

/* One axis: target i is the sum over k < count[i] of weight[k * dst + i] times source first[i] + k. MTCNN__LINEAR: count is 2, the second
 * source is clamped to the last. Not set for COPY and BOX. */
typedef struct mtcnn__axis {
    size_t src, dst, taps; /* taps: the most of any target */
    uint32_t *first, *count;
    float *weight; /* (taps, dst), zeros beyond count */
} mtcnn__axis;

typedef struct mtcnn__resize {
    mtcnn__resize_kind kind;
    mtcnn__axis x, y;
} mtcnn__resize;

/* Plans width x height -> new_width x new_height, all in 1..MTCNN__MAX_LEVEL. `storage` has room for mtcnn__resize_storage floats of the same
 * sizes and must stay as long as the plan. */
void mtcnn__resize_plan(mtcnn__resize *r, size_t width, size_t height, size_t new_width, size_t new_height, float *storage);
size_t mtcnn__resize_storage(size_t width, size_t height, size_t new_width, size_t new_height);

/* Floats of scratch that mtcnn__resize_row needs. */
size_t mtcnn__resize_scratch(const mtcnn__resize *r);
/* Row y of the target, packed RGB (3 * new_width bytes). */
void mtcnn__resize_row(const mtcnn__resize *r, const nbase_image *image, size_t y, float *scratch, uint8_t *out);

#endif
