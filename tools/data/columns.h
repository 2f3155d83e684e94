/* columns.h - the names in the first line of a table, and the delimiter between them. */
#ifndef SKIN_DATA_COLUMNS_H
#define SKIN_DATA_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a field of the first line is the column: the same letters, large or small. */
bool column_is(const char *column, const char *field);

/* Of `count` fields the one that was most likely meant by the column: UserId, "user id" or usr_id
 * for user_id. Null if none is near. */
const char *column_nearest(const char *column, char *const *fields, size_t count);

/* A table without what stands before its first line. */
typedef struct dialect {
    const char *bytes;
    size_t size;
    char delimiter;
} dialect;

/* Finds the delimiter: the one of Excel's line "sep=;", which is skipped, or that of comma,
 * semicolon and tab which gives the first line most of the `columns` (null-ended), and of equals
 * the one that gives it most fields. */
dialect dialect_of(const char *bytes, size_t size, const char *const *columns);

#endif
