/* images_stb.h - what is taken from stb_image: PNG, JPEG where libjpeg-turbo is not there, and the
 * unpacking of zlib data. */
#ifndef SKIN_PICTURES_IMAGES_STB_H
#define SKIN_PICTURES_IMAGES_STB_H

#include "container.h"
#include "stored.h"

/* Decodes a JPEG or a PNG that container_survey found whole. */
bool stb_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                nbase_error *err);

/* Unpacks zlib data (RFC 1950) of which no more than `most` bytes come out.
 *
 * *out       gets the bytes, which the caller frees with free(); null if there are none or more, or
 *            the data are damaged
 * *unpacked  gets how many came out
 *
 * False: there was no memory for them. */
bool stb_inflate(const uint8_t *bytes, size_t size, size_t most, uint8_t **out, size_t *unpacked);

#endif
