/* pixels.c - rows of any pixel format as RGB. */
#include "pixels.h"

#include <string.h>

/* Bytes per pixel, and where red, green and blue stand in it. */
typedef struct pixel_layout {
    uint8_t bytes, r, g, b;
} pixel_layout;

static const pixel_layout layouts[] = {
    [NBASE_RGB8] = {3, 0, 1, 2},  [NBASE_BGR8] = {3, 2, 1, 0},  [NBASE_RGBA8] = {4, 0, 1, 2},
    [NBASE_BGRA8] = {4, 2, 1, 0}, [NBASE_GRAY8] = {1, 0, 0, 0},
};

nbase_status mtcnn__check_image(const nbase_image *image, nbase_error *err)
{
    if (!image || !image->data) return nbase__fail(err, NBASE_ERR_ARG, "the picture has no pixels");
    if ((int)image->format < 0 || (size_t)image->format >= sizeof layouts / sizeof *layouts)
        return nbase__fail(err, NBASE_ERR_ARG, "unknown pixel format %d", (int)image->format);
    if (!image->width || !image->height)
        return nbase__fail(err, NBASE_ERR_ARG, "a picture of %zu x %zu pixels is empty",
                           image->width, image->height);
    if (image->width > MTCNN_MAX_SIDE || image->height > MTCNN_MAX_SIDE)
        return nbase__fail(err, NBASE_ERR_LIMIT,
                           "a picture of %zu x %zu pixels is over the limit of %d a side",
                           image->width, image->height, MTCNN_MAX_SIDE);
    size_t row = image->width * layouts[image->format].bytes;
    if (image->stride < row)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "a stride of %zu bytes is less than a row of %zu bytes", image->stride,
                           row);
    return NBASE_OK;
}

size_t mtcnn__pixel_bytes(nbase_pixel_format format) { return layouts[format].bytes; }

const uint8_t *mtcnn__rgb_row(const nbase_image *image, size_t x, size_t y, size_t count,
                              uint8_t *row)
{
    pixel_layout l = layouts[image->format];
    const uint8_t *p = image->data + y * image->stride + x * l.bytes;
    if (image->format == NBASE_RGB8) return p;
    for (size_t i = 0; i < count; i++, p += l.bytes) {
        row[3 * i] = p[l.r];
        row[3 * i + 1] = p[l.g];
        row[3 * i + 2] = p[l.b];
    }
    return row;
}

const uint8_t *mtcnn__rgb_row_over(const nbase_image *image, size_t x, size_t y, size_t count,
                                   uint8_t *row)
{
    const uint8_t *p = mtcnn__rgb_row(image, x, y, count, row);
    if (p == row) return row;
    /* bytes of the picture behind these pixels */
    size_t left = (image->height - 1 - y) * image->stride + 3 * (image->width - x - count);
    return left >= MTCNN__BYTES_OVER ? p : memcpy(row, p, 3 * count);
}
