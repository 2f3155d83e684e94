/* resize_kernels.h - the inner loops of resizing levels and cutting crops, one set of
 * functions per instruction set. All give the same bits. */
#ifndef MTCNN_RESIZE_KERNELS_H
#define MTCNN_RESIZE_KERNELS_H

#include "../pixels.h"
#include "../resize.h"

/* Red, green and blue of a pixel in double precision, and one number without meaning. */
typedef double mtcnn__pixel __attribute__((vector_size(32)));

/* A target of a shrinking axis (MTCNN__AREA): source `first` times `lead`, the `between` next ones
 * times `middle`, and the one `last` behind the first times `trail` (0 when there is but one). In
 * double precision the sum is exact in any order: bytes times floats of 24 bits, none of them less
 * than a thousandth of another, so that as long as a target covers at most MTCNN__PARTS_RATIO
 * sources no bit falls off a double's 53. */
typedef struct mtcnn__parts {
    uint32_t first, between, last;
    double lead, middle, trail;
} mtcnn__parts;

enum { MTCNN__PARTS_RATIO = 1024 };

enum { MTCNN__STRIP_ROWS = 4 }; /* at most, in any instruction set */

typedef struct mtcnn__resizer {
    /* Levels whose axes have taps (MTCNN__AREA, MTCNN__SEPARABLE), in single precision.
     *   rows          source rows taken at once: a strip
     *   strip         `rows` rows of packed RGB, of each MTCNN__BYTES_OVER bytes more -> side by
     *                 side, (width + over, rows, 4) bytes: red, green, blue, 0, and zeros after the
     *                 last pixels. over: 3 or more
     *   level_across  a strip -> (dst, rows, 4) sums along x, on a boundary of 64 bytes. taps: the
     *                 most that any target has, at most the strip's `over`
     *   level_down    adds `count` of these rows, from `across` on, times weight[0], weight[apart],
     *                 ... to sum (dst, 4); `first`: sum is new
     *   level_row     sum -> three rows of normalised values, (v - 127.5) / 128, `plane` floats
     *                 apart; `whole`: rounded to 8 bits before */
    size_t rows;
    void (*strip)(const uint8_t *const *rows, size_t width, size_t over, uint8_t *out);
    void (*level_across)(const mtcnn__axis *x, size_t taps, const uint8_t *strip, float *out);
    void (*level_down)(const float *across, const float *weight, size_t apart, size_t count,
                       size_t dst, bool first, float *sum);
    void (*level_row)(const float *sum, size_t dst, bool whole, float *out, size_t plane);
    /* Crops, in double precision.
     *   crop_across   a row of packed RGB -> (dst, 4) sums along x
     *   crop_parts    the same by parts; most: the largest `between`
     *   crop_strip    the same of all rows of a strip, from source 0 on -> (rows, dst, 4); null
     *                 where a strip is one row
     *   crop_down     adds them times a weight to sum (size, 4); `first`: sum is new
     *   crop_row      sum -> a row of the normalised crop, as mtcnn__crop describes it; plane:
     *                 values of a channel */
    void (*crop_across)(const mtcnn__resize *r, const uint8_t *row, double *out);
    void (*crop_parts)(const mtcnn__parts *parts, size_t dst, size_t most, const uint8_t *row,
                       double *out);
    void (*crop_strip)(const mtcnn__parts *parts, size_t dst, const uint8_t *strip, double *out);
    void (*crop_down)(const double *part, double weight, size_t size, bool first, double *sum);
    void (*crop_row)(const double *sum, size_t size, size_t plane, float *out, size_t lanes);
} mtcnn__resizer;

#endif
