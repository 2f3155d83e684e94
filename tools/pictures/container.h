/* container.h - what a picture file holds, and whether it is whole, found without decoding
 * anything. */
#ifndef SKIN_CONTAINER_H
#define SKIN_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats.h"
#include "marks.h"
#include "nbase.h"

/* The most scans of a JPEG. Each costs a walk over the whole picture, however few bytes it holds;
 * encoders write about ten, and scripts for them rarely more than twenty. */
#define CONTAINER_MAX_SCANS ((size_t)100)

/* What only a JPEG has. */
typedef struct jpeg_parts {
    /* The bytes that a decoder should see, begin <= i < end: from the start mark to behind the end
     * mark, or to where the segments stop to make sense. */
    size_t begin, end;
    bool ended;           /* there is an end mark */
    bool two_starts;      /* an earlier start mark was skipped */
    bool standard_tables; /* it has no Huffman tables: those of the standard are meant */
    bool progressive;
} jpeg_parts;

/* Plain data without pointers, so that it can be sent to the process that decodes. */
typedef struct container {
    picture_format format;
    size_t width, height; /* as stored; of HEIC and AVIF as shown */
    picture_marks marks;  /* how the picture lies; HEIC and AVIF turn it while decoding */
    size_t scans;         /* of a JPEG */
    jpeg_parts jpeg;
    /* Bytes that a PNG's picture data must unpack to: its rows, each with the number of its filter.
     * 0 for the others. */
    size_t unpacked;
    /* Where a WebP's ICC profile, or a PNG's deflated one, stands in the file; size 0: nowhere. A
     * JPEG has it in pieces, a HEIC among its items. */
    size_t icc_at, icc_size;
} container;

/* Walks the marker segments (ITU-T T.81, annex B), the chunks (PNG specification, chapter 5, with
 * their CRCs) or the boxes from the first byte to the end. A PNG that is cut short is an error, as
 * is a JPEG without any picture data. Where the data of a JPEG end too early is for its decoder to
 * find (images_jpeg.h). Bytes after the end mark are allowed, since cameras append previews.
 *
 * Refused by name (NBASE_ERR_UNSUPPORTED): formats and kinds of JPEG that are not read, and formats
 * whose library was not there at build time. A JPEG of more than CONTAINER_MAX_SCANS scans is
 * refused too (NBASE_ERR_LIMIT).
 *
 * On failure: false, and an error without the file's name. */
bool container_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err);

#endif
