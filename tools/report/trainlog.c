#include "trainlog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"

enum { MAX_LOG_BYTES = 64 << 20 };

void train_log_free(train_log *log)
{
    for (size_t c = 0; c < log->columns; c++) free(log->values[c]);
    free(log->text);
    memset(log, 0, sizeof *log);
}

/* Cuts the next line out of *at; null at the end. */
static char *next_line(char **at)
{
    char *line = *at;
    if (!*line) return NULL;
    char *end = strchr(line, '\n');
    *at = end ? end + 1 : line + strlen(line);
    if (end) *end = 0;
    size_t n = strlen(line);
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
    return line;
}

static bool read_names(train_log *log, char *line)
{
    for (char *name; (name = strsep(&line, ","));) {
        if (log->columns == TRAINLOG_MAX_COLUMNS || !*name) return false;
        log->names[log->columns++] = name;
    }
    return true;
}

/* One cell a column, each a number or nothing. */
static bool read_row(train_log *log, char *line, size_t row)
{
    for (size_t c = 0; c < log->columns; c++) {
        char *cell = strsep(&line, ","), *end = cell;
        if (!cell) return false;
        log->values[c][row] = *cell ? strtod(cell, &end) : NAN;
        if (*end) return false;
    }
    return !line;
}

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text; text++) n += *text == '\n';
    return n;
}

bool train_log_read(const char *path, train_log *log, nbase_error *err)
{
    memset(log, 0, sizeof *log);
    log->text = file_read(path, MAX_LOG_BYTES, NULL, err);
    if (!log->text) return false;
    char *at = log->text;
    size_t lines = count_lines(at), number = 1;
    char *line = next_line(&at);
    bool ok = line && read_names(log, line);
    for (size_t c = 0; ok && c < log->columns; c++)
        ok = (log->values[c] = malloc(lines * sizeof(double)));
    while (ok && (line = next_line(&at))) {
        number++;
        if (*line) ok = read_row(log, line, log->rows++);
    }
    if (ok) return true;
    train_log_free(log);
    return tool_fail(
        err, NBASE_ERR_FORMAT,
        "%s, line %zu: not a training log: a line of names and then lines of as many numbers "
        "are expected",
        path, number);
}

const double *train_log_column(const train_log *log, const char *name)
{
    for (size_t c = 0; c < log->columns; c++)
        if (!strcmp(log->names[c], name)) return log->values[c];
    return NULL;
}
