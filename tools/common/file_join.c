/* Joins two parts of a path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "system.h"

char *file_join(const char *a, const char *b, nbase_error *err)
{
    size_t na = system_is_absolute(b) ? 0 : strlen(a), size = na + strlen(b) + 2;
    char *joined = malloc(size);
    if (joined)
        snprintf(joined, size, "%.*s%s%s", (int)na, a, na && a[na - 1] != '/' ? "/" : "", b);
    else
        tool_no_memory(err);
    return joined;
}
