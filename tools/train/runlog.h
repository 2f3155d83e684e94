/* runlog.h - log.csv: in memory, so that a checkpoint holds it, and in the file a row at a time, so
 * that one can watch it grow. */
#ifndef SKIN_RUNLOG_H
#define SKIN_RUNLOG_H

#include <stdbool.h>
#include <stdio.h>

typedef struct runlog {
    char *text; /* the whole file so far */
    size_t size, capacity;
    FILE *stream;
    char *path;
} runlog;

/* Makes the file hold exactly `text` (of a checkpoint; null: nothing) and opens it to go on. Prints
 * its own error. */
bool runlog_open(runlog *log, const char *path, const char *text);
/* Appends a line; the newline is added. Prints its own error. */
bool runlog_row(runlog *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void runlog_close(runlog *log); /* safe on a zeroed one */

#endif
