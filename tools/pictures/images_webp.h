/* images_webp.h - WebP by libwebp, if it was there at build time. */
#ifndef SKIN_PICTURES_IMAGES_WEBP_H
#define SKIN_PICTURES_IMAGES_WEBP_H

#include "container.h"
#include "stored.h"

/* Whether this build reads WebP. */
bool webp_used(void);

/* Decodes a WebP that container_survey accepted; of an animation the first frame. Transparency is
 * dropped. No threads are started. */
bool webp_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                 nbase_error *err);

#endif
