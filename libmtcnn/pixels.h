/* pixels.h - rows of any pixel format as RGB. */
#ifndef MTCNN_PIXELS_H
#define MTCNN_PIXELS_H

#include "internal.h"

/* NBASE_ERR_ARG, with a text in err, if the picture's pointer, size, stride or format is not valid;
 * NBASE_ERR_LIMIT if a side is over MTCNN_MAX_SIDE. */
nbase_status mtcnn__check_image(const nbase_image *image, nbase_error *err);

/* Bytes per pixel of a valid format. */
size_t mtcnn__pixel_bytes(nbase_pixel_format format);

/* `count` pixels of row y from column x on, as packed RGB. Returns `row` (room for 3 * count bytes)
 * with a copy, or where the pixels lie if the picture is packed RGB itself. */
const uint8_t *mtcnn__rgb_row(const nbase_image *image, size_t x, size_t y, size_t count,
                              uint8_t *row);

/* Bytes that the kernels may read behind the last pixel of a row of packed RGB. */
enum { MTCNN__BYTES_OVER = 16 };

/* The same, and MTCNN__BYTES_OVER bytes behind the pixels may be read too; `row` has room for
 * them. */
const uint8_t *mtcnn__rgb_row_over(const nbase_image *image, size_t x, size_t y, size_t count,
                                   uint8_t *row);

#endif
