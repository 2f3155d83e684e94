/* pick.h - of a JSON array of records only the members that are read: the others may hold anything.
 */
#ifndef GETDATA_PICK_H
#define GETDATA_PICK_H

#include <stddef.h>

#include "nbase.h"

/* Copies the JSON text `in` without those members of its records (the objects of the outermost
 * array) whose key is none of `keys` (null-ended). What is left out may be NaN or Infinity, a
 * number of any size, text in any encoding, a key that occurs twice, or nested up to 1000 deep:
 * only its end is looked for. NaN and Infinity become null in what is copied. Line breaks stay, so
 * that the JSON reader, which has to check the copy, counts the lines of the file.
 *
 * Returns the copy of *out_size bytes, which the caller frees; null with an error of the form
 * "line 3: ..." without the file's name. */
char *pick_members(const char *in, size_t size, const char *const *keys, size_t *out_size,
                   nbase_error *err);

#endif
