/* check.h - looks for leaks in the files of a split: one person in two parts. */
#ifndef SKIN_SPLIT_CHECK_H
#define SKIN_SPLIT_CHECK_H

#include <stdbool.h>

/* DATA's own files, then the ids that `same_person` (groups.h; may be null) calls one person, then
 * photos that two ids in different parts share in FACES (may be null). Prints each leak; true if
 * there is none. */
bool check_split(const char *data, const char *same_person, const char *faces);

#endif
