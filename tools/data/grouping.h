/* grouping.h - which group each person belongs to, from a table: id, group. */
#ifndef SKIN_DATA_GROUPING_H
#define SKIN_DATA_GROUPING_H

#include <jansson.h>

#include "nbase.h"

/* The most bytes of such a table. */
#define GROUPING_MAX_BYTES ((size_t)64 << 20)

/* Reads a CSV file (table.h) with the columns "id" and "group" into an object id -> group, for the
 * caller to release with json_decref. A row with an empty group is left out; an id with two groups
 * is an error that names the row. Null with an error. */
json_t *grouping_read(const char *path, nbase_error *err);

#endif
