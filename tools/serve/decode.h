/* decode.h - the one place where skin-serve turns the bytes of a photo into pixels. What comes from
 * strangers goes through this door and no other. */
#ifndef SERVE_DECODE_H
#define SERVE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "pictures/images.h"

typedef enum decode_result {
    DECODE_OK,
    DECODE_TOO_LARGE,  /* more pixels than allowed, by its header: nothing was decoded */
    DECODE_UNSUPPORTED /* no whole JPEG or PNG, or damaged */
} decode_result;

typedef struct decoded_photo {
    picture picture;      /* upright; with DECODE_OK only: freed by picture_free */
    size_t width, height; /* as its header says; 0 where that could not be read */
    nbase_error error;    /* what is wrong, where it is not DECODE_OK */
} decoded_photo;

/* Decodes a JPEG or PNG of at most `max_pixels` pixels. The size is read in the header, before
 * anything is decoded. Any thread may call it; *out is overwritten. */
decode_result decode_photo(const uint8_t *bytes, size_t size, size_t max_pixels,
                           decoded_photo *out);

#endif
