#include "grouping.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "table.h"

typedef struct reading {
    json_t *groups;
    const char *path;
    nbase_error *err;
} reading;

static bool take_row(void *ctx, size_t row, const char *const *values)
{
    reading *r = ctx;
    const char *id = values[0], *group = values[1];
    if (!id || !*id)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%s, row %zu: the id is missing", r->path, row);
    if (!group || !*group) return true;
    const json_t *before = json_object_get(r->groups, id);
    if (before && strcmp(json_string_value(before), group) != 0)
        return tool_fail(r->err, NBASE_ERR_FORMAT, "%s, row %zu: %s is in \"%s\" and in \"%s\"",
                         r->path, row, id, json_string_value(before), group);
    return !json_object_set_new(r->groups, id, json_string(group)) ||
           tool_fail(r->err, NBASE_ERR_FORMAT, "%s, row %zu: not UTF-8, or out of memory", r->path,
                     row);
}

json_t *grouping_read(const char *path, nbase_error *err)
{
    static const char *const columns[] = {"id", "group", NULL};
    size_t size;
    char *bytes = file_read(path, GROUPING_MAX_BYTES, &size, err);
    reading r = {bytes ? json_object() : NULL, path, err};
    if (bytes && !r.groups) tool_no_memory(err);
    if (r.groups && !table_read(bytes, size, path, columns, 2, take_row, &r, err)) {
        json_decref(r.groups);
        r.groups = NULL;
    }
    free(bytes);
    return r.groups;
}
