/* images_jpeg.h - JPEG by libjpeg-turbo, if it was there at build time: about three times as fast
 * as stb_image, and able to decode at a part of the size. */
#ifndef SKIN_IMAGES_JPEG_H
#define SKIN_IMAGES_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False in a build without it, and when the environment variable SKIN_JPEG is "stb". */
bool jpeg_turbo_used(void);

/* The RGB pixels, as stored, of a JPEG that container_survey found whole; the caller frees them
 * with free(). *width x *height is 1/divisor (1, 2, 4, 8) of its size, rounded up. Null for
 * anything unusual (damage, CMYK, no memory): stb_image then decodes it or says what is wrong. */
uint8_t *jpeg_turbo_decode(const uint8_t *bytes, size_t size, unsigned divisor, size_t *width,
                           size_t *height);

#endif
