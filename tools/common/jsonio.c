#include "jsonio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "system.h"

const char *jsonio_begin(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
}

json_t *jsonio_parse(const char *text, size_t size, const char *what, const char *advice,
                     nbase_error *err)
{
    json_error_t error;
    const char *begin = jsonio_begin(text, size);
    json_t *value =
        json_loadb(begin, size - (size_t)(begin - text), JSON_REJECT_DUPLICATES, &error);
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", what);
    else if (!value)
        tool_fail(err, NBASE_ERR_FORMAT, "%s: line %d: %s; %s", what, error.line, error.text,
                  advice);
    return value;
}

json_t *jsonio_read(const char *path, size_t max_bytes, const char *advice, nbase_error *err)
{
    size_t size;
    char *text = file_read(path, max_bytes, &size, err);
    if (!text) return NULL;
    json_t *value = jsonio_parse(text, size, path, advice, err);
    free(text);
    return value;
}

bool jsonio_prepare(outfile *out, const char *path, json_t *value, size_t flags, nbase_error *err)
{
    *out = (outfile){0};
    if (!value) tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    bool ok = value && outfile_open(out, path, err);
    if (ok) {
        bool dumped = json_dumpf(value, out->stream, flags) == 0;
        fputc('\n', out->stream);
        ok = dumped && fflush(out->stream) == 0 && system_sync(out->stream);
        if (!ok)
            tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s; the file is as it was before", path,
                      errno ? strerror(errno) : "write error");
    }
    if (!ok) outfile_discard(out);
    json_decref(value);
    return ok;
}

bool jsonio_write(const char *path, json_t *value, size_t flags, nbase_error *err)
{
    outfile out;
    return jsonio_prepare(&out, path, value, flags, err) && outfile_commit(&out, err);
}
