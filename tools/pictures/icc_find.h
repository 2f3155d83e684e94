/* icc_find.h - the ICC profile that is embedded in a file. */
#ifndef SKIN_PICTURES_ICC_FIND_H
#define SKIN_PICTURES_ICC_FIND_H

#include "container.h"

/* The most bytes of a profile; larger ones count as not there. Those of printers have 2 MiB. */
#define ICC_MAX_BYTES ((size_t)4 << 20)

/* The profile of a JPEG, PNG or WebP that container_survey accepted; *profile_size gets its size.
 * The caller frees it with free(). Null: there is none, it is damaged, or no memory. */
uint8_t *icc_find(const uint8_t *bytes, const container *c, size_t *profile_size);

#endif
