/* container.h - what a JPEG or PNG file holds, and whether it is whole, found without decoding
 * anything. */
#ifndef SKIN_CONTAINER_H
#define SKIN_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

/* The most scans of a JPEG. Each costs a walk over the whole picture, however few bytes it holds;
 * encoders write about ten, and scripts for them rarely more than twenty. */
#define CONTAINER_MAX_SCANS ((size_t)100)

typedef struct container {
    size_t width, height;
    size_t scans; /* of a JPEG */
    /* Bytes that a PNG's picture data must unpack to: its rows, each with the number of its filter.
     * 0 for a JPEG. */
    size_t unpacked;
    const uint8_t *exif; /* the TIFF block of EXIF inside the file's bytes, or null */
    size_t exif_size;
} container;

/* Walks the marker segments (ITU-T T.81, annex B) or the chunks (PNG specification, chapter 5, with
 * their CRCs) from the first byte to the end mark. A decoder may fill what is missing with grey;
 * here a file that is cut short is an error. Bytes after the end mark are allowed, since cameras
 * append previews. A JPEG of more than CONTAINER_MAX_SCANS scans is refused (NBASE_ERR_LIMIT).
 *
 * On failure: false, and an error without the file's name. */
bool container_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err);

#endif
