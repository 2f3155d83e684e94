#include "user_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/table.h"
#include "fail.h"
#include "shown.h"

#define MAX_STATS ((size_t)1 << 30)

/* A table that is being read. */
typedef struct id_reader {
    user_ids *out;
    store *source;
    size_t room;
    nbase_error *err;
} id_reader;

static bool add_id(void *ctx, size_t row, const char *const *v)
{
    id_reader *r = ctx;
    user_ids *u = r->out;
    uint64_t id;
    if (!v[0] || !table_whole_number(v[0], &id)) {
        char text[SHOWN_SIZE];
        cli_error("%s/%s: row %zu: user_id '%s' is not a whole number; row skipped",
                  store_place(r->source), USER_IDS_FILE, row,
                  v[0] ? shown(v[0], strlen(v[0]), text) : "");
        u->bad_rows++;
        return true;
    }
    if (u->count == r->room) {
        size_t room = 2 * r->room + 1024;
        uint64_t *grown = realloc(u->ids, room * sizeof *grown);
        if (!grown) return tool_no_memory(r->err);
        u->ids = grown;
        r->room = room;
    }
    u->ids[u->count++] = id;
    return true;
}

typedef struct placed_id {
    uint64_t id;
    size_t place;
} placed_id;

static int by_id(const void *a, const void *b)
{
    const placed_id *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const placed_id *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* A table of messages names a user once per message. Each user counts once, at the first place. */
static bool drop_repeats(user_ids *u, nbase_error *err)
{
    placed_id *p = malloc((u->count + 1) * sizeof *p);
    if (!p) return tool_no_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < u->count; i++) p[i] = (placed_id){u->ids[i], i};
    qsort(p, u->count, sizeof *p, by_id);
    for (size_t i = 0; i < u->count; i++)
        if (n == 0 || p[n - 1].id != p[i].id) p[n++] = p[i];
    qsort(p, n, sizeof *p, by_place);
    for (size_t i = 0; i < n; i++) u->ids[i] = p[i].id;
    u->repeats = u->count - n;
    u->count = n;
    free(p);
    return true;
}

bool user_ids_read(user_ids *out, store *source, nbase_error *err)
{
    static const char *const columns[] = {"user_id", NULL};
    size_t size;
    bool missing;
    *out = (user_ids){0};
    id_reader r = {.out = out, .source = source, .err = err};
    char *bytes = store_read(source, USER_IDS_FILE, MAX_STATS, &size, &missing, err);
    if (!bytes)
        return missing
                   ? tool_fail_advice(err, "; SRC must hold " USER_IDS_FILE " and followup_data/")
                   : false;
    char what[300];
    snprintf(what, sizeof what, "%s/%s", store_place(source), USER_IDS_FILE);
    bool ok = table_read(bytes, size, what, columns, 1, add_id, &r, err);
    free(bytes);
    return ok && drop_repeats(out, err) &&
           (out->count || tool_fail(err, NBASE_ERR_FORMAT, "%s: no user in it", what));
}

bool user_ids_keep(user_ids *u, size_t start, size_t end, nbase_error *err)
{
    size_t first = start < u->count ? start : u->count;
    if (end > u->count) end = u->count;
    if (first >= end)
        return tool_fail(err, NBASE_ERR_ARG, "%s: it has only %zu users; --start %zu is after them",
                         USER_IDS_FILE, u->count, start);
    u->count = end - first;
    memmove(u->ids, u->ids + first, u->count * sizeof *u->ids);
    return true;
}

void user_ids_free(user_ids *u)
{
    free(u->ids);
    *u = (user_ids){0};
}
