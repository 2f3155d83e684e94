/* trainlog.h - RUN/log.csv as skin-train writes it: a header line of names, then numbers. */
#ifndef SKIN_TRAINLOG_H
#define SKIN_TRAINLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

enum { TRAINLOG_MAX_COLUMNS = 32 };

typedef struct train_log {
    size_t columns, rows;
    char *names[TRAINLOG_MAX_COLUMNS];
    double *values[TRAINLOG_MAX_COLUMNS]; /* rows each; NaN for an empty cell */
    char *text;                           /* holds the names */
} train_log;

/* Reads the file; the caller frees it with train_log_free. On failure *log is empty. */
bool train_log_read(const char *path, train_log *log, nbase_error *err);

/* Leaves the log empty; safe on an empty one. */
void train_log_free(train_log *log);

/* The column of that name, or null. */
const double *train_log_column(const train_log *log, const char *name);

#endif
