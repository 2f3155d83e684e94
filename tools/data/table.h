/* table.h - CSV files by the names of their columns, as spreadsheets write them: in UTF-8 or
 * UTF-16, with a byte-order mark or without, delimited by commas, semicolons or tabs, or as a line
 * "sep=" says; quotes, line breaks inside quotes and CRLF are understood (libcsv). */
#ifndef SKIN_DATA_TABLE_H
#define SKIN_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

/* values[i] is the field of columns[i], null if the row has none; rows are counted from 2 (1 is the
 * header). False stops the reading. */
typedef bool (*table_row)(void *ctx, size_t row, const char *const *values);

/* Calls each() for every row that is not empty. The first `required` of the `columns` (null-ended,
 * at most 8) must be in the header, in any place, order and size of letters; others may be missing.
 * `what` names the file in messages. False with an error; when each() stops the reading it has to
 * fill `err`. */
bool table_read(const char *bytes, size_t size, const char *what, const char *const *columns,
                size_t required, table_row each, void *ctx, nbase_error *err);

/* A whole number in a field: "7", or "7.0" as pandas writes it where a number is missing in
 * another row. */
bool table_whole_number(const char *text, uint64_t *out);

#endif
