/* icc_find.h - the ICC profile that is embedded in a file. */
#ifndef SKIN_PICTURES_ICC_FIND_H
#define SKIN_PICTURES_ICC_FIND_H

#include <stdbool.h>

#include "container.h"

/* The most bytes of a profile; larger ones count as not there. Those of printers have 2 MiB. */
#define ICC_MAX_BYTES ((size_t)4 << 20)

/* The profile of a JPEG, PNG or WebP that container_survey accepted: *profile, which the caller
 * frees with free(), and its size. Null: there is none, or it is damaged.
 *
 * False: there was no memory for it. */
bool icc_find(const uint8_t *bytes, const container *c, uint8_t **profile, size_t *profile_size);

#endif
