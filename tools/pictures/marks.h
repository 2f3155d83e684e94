/* marks.h - what a file says about how its picture lies. It can be said in several places, and they
 * can contradict each other. The precedence is Pillow's (ImageOps.exif_transpose):
 *
 *   1. EXIF: of several blocks in a JPEG the first that has the tag, of several chunks in a PNG the
 *      last;
 *   2. ImageMagick's "Raw profile type exif" (or APP1) in a PNG that has no EXIF chunk;
 *   3. XMP (tiff:Orientation), if neither of them has the tag.
 *
 * A value other than 1 to 8 means "as stored", and keeps the later places from being asked. */
#ifndef SKIN_PICTURES_MARKS_H
#define SKIN_PICTURES_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exif.h"

typedef struct picture_marks {
    bool has_exif;     /* there is an EXIF block, with the tag or without */
    exif_tags exif;    /* what it says */
    exif_tags profile; /* what a raw profile says */
    int xmp;           /* what XMP says: 0 to 9, or -1 for nothing */
} picture_marks;

/* Nothing is said yet. */
void marks_init(picture_marks *m);

/* An EXIF block of a JPEG: counts unless an earlier one had the tag. */
void marks_exif(picture_marks *m, const uint8_t *block, size_t size);

/* An EXIF chunk of a PNG or a WebP: the last one counts. */
void marks_exif_last(picture_marks *m, const uint8_t *block, size_t size);

/* The EXIF block or the XMP packet of a raw profile, whichever it is. */
void marks_raw_profile(picture_marks *m, const uint8_t *block, size_t size);

/* An XMP packet, UTF-8. */
void marks_xmp(picture_marks *m, const uint8_t *packet, size_t size);

/* By all that was said: 1 to 8, 1 if nothing was. */
int marks_orientation(const picture_marks *m);

/* When the photo was taken, "2024:05:31 10:30:00", or "". */
const char *marks_taken(const picture_marks *m);

#endif
