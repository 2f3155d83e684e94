/* check.h - looks for leaks in the files of a split: one person in two parts. */
#ifndef SKIN_SPLIT_CHECK_H
#define SKIN_SPLIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* DATA's own files, then the ids that `same_person` (groups.h; may be null) calls one person, then
 * photos that two ids in different parts share in FACES (may be null). Names the first leaks,
 * one warning (cli_warn) each, and fails if there is any. *ids gets the number of ids in the
 * parts. */
bool check_split(const char *data, const char *same_person, const char *faces, size_t *ids,
                 nbase_error *err);

#endif
