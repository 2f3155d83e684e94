/* images_heif.h - HEIC and AVIF by libheif, if it was there at build time. */
#ifndef SKIN_PICTURES_IMAGES_HEIF_H
#define SKIN_PICTURES_IMAGES_HEIF_H

#include "container.h"
#include "stored.h"

/* Whether this build reads HEIC and AVIF. */
bool heif_used(void);

/* Loads libheif's plugins, once. Called by the others, and beforehand where they may not open
 * files. */
void heif_prepare(void);

/* Decodes a HEIC or AVIF that container_survey accepted. The file's own rotations, mirrors and cuts
 * are applied; its EXIF and XMP have no say in that (ISO/IEC 23008-12, annex A). Transparency is
 * dropped, and more than 8 bits are rounded. No threads are started. */
bool heif_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                 nbase_error *err);

/* When the picture was taken, as its EXIF item says; "" if it does not. */
void heif_taken(const uint8_t *bytes, size_t size, char taken[EXIF_DATE]);

#endif
