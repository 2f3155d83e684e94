#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "fail.h"
#include "fileio.h"
#include "getdata.h"

typedef struct override {
    uint64_t id;
    override_kind kind;
    bool used;
} override;

struct override_list {
    override *items; /* sorted by id */
    size_t count, room;
    const char *path;
    nbase_error *err; /* while it is read */
};

static bool add_row(void *ctx, size_t row, const char *const *v)
{
    static const struct {
        const char *word;
        override_kind kind;
    } words[] = {{"1", OVERRIDE_LABEL_1},
                 {"improved", OVERRIDE_LABEL_1},
                 {"0", OVERRIDE_LABEL_0},
                 {"deteriorated", OVERRIDE_LABEL_0},
                 {"drop", OVERRIDE_DROP}};
    override_list *list = ctx;
    override o = {0};
    for (size_t i = 0; v[1] && i < sizeof words / sizeof *words; i++)
        if (strcmp(v[1], words[i].word) == 0) o.kind = words[i].kind;
    if (!v[0] || !table_whole_number(v[0], &o.id) || o.kind == OVERRIDE_NONE)
        return tool_fail(
            list->err, NBASE_ERR_FORMAT,
            "%s: row %zu: expected a user_id and a label: improved, deteriorated, 1, 0 or drop",
            list->path, row);
    if (list->count == list->room) {
        override *grown = realloc(list->items, (list->room = 2 * list->room + 64) * sizeof *grown);
        if (!grown) return tool_no_memory(list->err);
        list->items = grown;
    }
    list->items[list->count++] = o;
    return true;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const override *)a)->id, y = ((const override *)b)->id;
    return (x > y) - (x < y);
}

override_list *overrides_read(const char *path, nbase_error *err)
{
    static const char *const columns[] = {"user_id", "label", NULL};
    size_t size;
    override_list *list = calloc(1, sizeof *list);
    if (!list) {
        tool_no_memory(err);
        return NULL;
    }
    list->path = path;
    list->err = err;
    char *bytes = file_read(path, (size_t)256 << 20, &size, err);
    bool ok = bytes && table_read(bytes, size, path, columns, 2, add_row, list, err);
    free(bytes);
    if (ok && list->count) qsort(list->items, list->count, sizeof *list->items, by_id);
    for (size_t i = 1; ok && i < list->count; i++)
        if (list->items[i].id == list->items[i - 1].id)
            ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: user %llu occurs twice", path,
                           (unsigned long long)list->items[i].id);
    list->err = NULL;
    if (ok) return list;
    overrides_free(list);
    return NULL;
}

static override *find(const override_list *list, uint64_t id)
{
    override key = {.id = id};
    return list && list->count ? bsearch(&key, list->items, list->count, sizeof key, by_id) : NULL;
}

override_kind overrides_find(const override_list *list, uint64_t id)
{
    const override *found = find(list, id);
    return found ? found->kind : OVERRIDE_NONE;
}

void overrides_mark_used(override_list *list, uint64_t id)
{
    override *found = find(list, id);
    if (found) found->used = true;
}

size_t overrides_unused(const override_list *list)
{
    size_t n = 0;
    for (size_t i = 0; list && i < list->count; i++) n += !list->items[i].used;
    return n;
}

void overrides_free(override_list *list)
{
    if (!list) return;
    free(list->items);
    free(list);
}
