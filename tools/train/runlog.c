#include "runlog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "system.h"

static bool append(runlog *log, const char *line, size_t n)
{
    if (log->size + n + 1 > log->capacity) {
        size_t capacity = 2 * (log->size + n + 1) + 256;
        char *grown = realloc(log->text, capacity);
        if (!grown) return false;
        log->text = grown;
        log->capacity = capacity;
    }
    memcpy(log->text + log->size, line, n);
    log->size += n;
    log->text[log->size] = 0;
    return true;
}

bool runlog_open(runlog *log, const char *path, const char *text, nbase_error *err)
{
    *log = (runlog){.path = strdup(path)};
    if (!log->path || !append(log, text ? text : "", text ? strlen(text) : 0))
        return tool_no_memory(err);
    if (!file_write(path, log->text, log->size, err)) return false;
    log->stream = system_append(path);
    return log->stream ||
           tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

bool runlog_row(runlog *log, nbase_error *err, const char *format, ...)
{
    char line[2500];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line - 1)
        return tool_fail(err, NBASE_ERR_LIMIT, "%s: a row is too long", log->path);
    line[n++] = '\n';
    if (!append(log, line, (size_t)n)) return tool_no_memory(err);
    if (fwrite(line, 1, (size_t)n, log->stream) == (size_t)n && !fflush(log->stream)) return true;
    return tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", log->path, strerror(errno));
}

void runlog_close(runlog *log)
{
    if (log->stream) fclose(log->stream);
    free(log->path);
    free(log->text);
    *log = (runlog){0};
}
