#include "runlog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fileio.h"

static bool append(runlog *log, const char *line, size_t n)
{
    if (log->size + n + 1 > log->capacity) {
        size_t capacity = 2 * (log->size + n + 1) + 256;
        char *grown = realloc(log->text, capacity);
        if (!grown) {
            cli_error("out of memory");
            return false;
        }
        log->text = grown;
        log->capacity = capacity;
    }
    memcpy(log->text + log->size, line, n);
    log->size += n;
    log->text[log->size] = 0;
    return true;
}

bool runlog_open(runlog *log, const char *path, const char *text)
{
    nbase_error err;
    *log = (runlog){.path = strdup(path)};
    if (!log->path || !append(log, text ? text : "", text ? strlen(text) : 0)) return false;
    if (!file_write(path, log->text, log->size, &err)) return cli_report(&err);
    log->stream = fopen(path, "a");
    if (!log->stream) cli_error("%s: cannot write: %s", path, strerror(errno));
    return log->stream != NULL;
}

bool runlog_row(runlog *log, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line - 1) return false;
    line[n++] = '\n';
    if (!append(log, line, (size_t)n)) return false;
    if (fwrite(line, 1, (size_t)n, log->stream) == (size_t)n && !fflush(log->stream)) return true;
    cli_error("%s: cannot write: %s", log->path, strerror(errno));
    return false;
}

void runlog_close(runlog *log)
{
    if (log->stream) fclose(log->stream);
    free(log->path);
    free(log->text);
    *log = (runlog){0};
}
