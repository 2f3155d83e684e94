#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tool_fail(nbase_error *err, nbase_status status, const char *format, ...)
{
    if (!err) return false;
    va_list args;
    va_start(args, format);
    err->status = status;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool tool_no_memory(nbase_error *err) { return tool_fail(err, NBASE_ERR_NOMEM, "out of memory"); }

bool tool_fail_advice(nbase_error *err, const char *format, ...)
{
    if (!err) return false;
    size_t used = strnlen(err->text, sizeof err->text - 1);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + used, sizeof err->text - used, format, args);
    va_end(args);
    return false;
}
