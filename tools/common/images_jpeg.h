/* images_jpeg.h - JPEG by libjpeg-turbo, where it was there when this was built: about three times
 * as fast as stb_image, and able to decode at a part of the size. */
#ifndef SKIN_IMAGES_JPEG_H
#define SKIN_IMAGES_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False in a build without it, and when the environment variable SKIN_JPEG is "stb". */
bool jpeg_turbo_used(void);

/* RGB pixels (malloc'ed) of a JPEG that container_survey found whole, as stored, width x height of
 * 1/divisor (1, 2, 4, 8; rounded up) of its size. Null for whatever is the least bit unusual
 * (damage, CMYK, no memory): stb_image then decodes it or says what is wrong. */
uint8_t *jpeg_turbo_decode(const uint8_t *bytes, size_t size, unsigned divisor, size_t *width,
                           size_t *height);

#endif
