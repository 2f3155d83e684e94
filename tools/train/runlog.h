/* runlog.h - log.csv: in memory, so that a checkpoint holds it, and in the file a row at a time, so
 * that one can watch it grow. */
#ifndef SKIN_RUNLOG_H
#define SKIN_RUNLOG_H

#include <stdbool.h>
#include <stdio.h>

#include "checked.h"
#include "nbase.h"

typedef struct runlog {
    char *text; /* the whole file so far */
    size_t size, capacity;
    FILE *stream;
    char *path;
} runlog;

/* Writes exactly `text` (of a checkpoint; null: nothing) to the file and opens it for more rows. */
bool runlog_open(runlog *log, const char *path, const char *text, nbase_error *err);

/* Appends a line; the newline is added. */
bool runlog_row(runlog *log, nbase_error *err, const char *format, ...) TOOL_PRINTF(3, 4);

void runlog_close(runlog *log); /* safe on a zeroed one */

#endif
