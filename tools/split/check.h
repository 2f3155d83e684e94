/* check.h - looks for leaks in the files of a split: one person in two parts. */
#ifndef SKIN_SPLIT_CHECK_H
#define SKIN_SPLIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* Looks for leaks in three places, names the first ones in warnings, and fails if there is any.
 *
 * data         the split's own files
 * same_person  a file of ids that are one person (groups.h); may be null
 * faces        photos that ids in different parts share in this FACES; may be null
 * ids          gets the number of ids in the parts */
bool check_split(const char *data, const char *same_person, const char *faces, size_t *ids,
                 nbase_error *err);

#endif
