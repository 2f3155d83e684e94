#include "jsonio.h"

#include <stdlib.h>

#include "cli.h"
#include "fileio.h"

json_t *jsonio_read(const char *path, size_t max_bytes, const char *advice)
{
    size_t size;
    char *text = file_read(path, max_bytes, &size);
    if (!text) return NULL;
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!value) cli_error("%s: line %d: %s; %s", path, error.line, error.text, advice);
    free(text);
    return value;
}

bool jsonio_write(const char *path, json_t *value, size_t flags)
{
    outfile out;
    if (!value) cli_error("%s: out of memory", path);
    if (!value || !outfile_open(&out, path)) {
        json_decref(value);
        return false;
    }
    json_dumpf(value, out.stream, flags);
    fputc('\n', out.stream);
    json_decref(value);
    return outfile_commit(&out);
}
