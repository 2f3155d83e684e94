#include "groups.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "fail.h"
#include "fileio.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool groups_create(groups *g, const char *const *ids, size_t count, nbase_error *err)
{
    *g = (groups){.ids = malloc((count + 1) * sizeof *g->ids),
                  .parent = malloc((count + 1) * sizeof *g->parent),
                  .count = count};
    if (!g->ids || !g->parent) {
        groups_free(g);
        return tool_no_memory(err);
    }
    memcpy(g->ids, ids, count * sizeof *ids);
    qsort(g->ids, count, sizeof *g->ids, by_text);
    for (size_t i = 0; i < count; i++) g->parent[i] = i;
    return true;
}

void groups_free(groups *g)
{
    free(g->ids);
    free(g->parent);
    *g = (groups){0};
}

size_t groups_find(const groups *g, const char *id)
{
    const char **at = g->count ? bsearch(&id, g->ids, g->count, sizeof *g->ids, by_text) : NULL;
    return at ? (size_t)(at - g->ids) : SIZE_MAX;
}

/* Paths are halved on the way (Tarjan and van Leeuwen 1984). The root is the least, so that results
 * do not depend on the order of joining. */
size_t groups_person(groups *g, size_t i)
{
    while (g->parent[i] != i) i = g->parent[i] = g->parent[g->parent[i]];
    return i;
}

bool groups_join(groups *g, size_t a, size_t b)
{
    a = groups_person(g, a);
    b = groups_person(g, b);
    if (a == b) return false;
    g->parent[a < b ? b : a] = a < b ? a : b;
    return true;
}

/* ---- the file ---- */

enum { MAX_LIST_BYTES = 1 << 30 };

typedef struct mention {
    const char *id;
    size_t line;
} mention;

static int by_id_and_line(const void *a, const void *b)
{
    const mention *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Splits the text, in place, into its mentions of ids. Returns their number, or SIZE_MAX on
 * failure. */
static size_t mentions_of(char *text, const char *path, mention *out, nbase_error *err)
{
    size_t count = 0, line = 1;
    for (char *p = text; *p; line++) {
        char *end = p + strcspn(p, "\n");
        bool last = !*end;
        *end = 0;
        p[strcspn(p, "#")] = 0;
        char *rest;
        for (char *id = strtok_r(p, " ,;\t\r", &rest); id; id = strtok_r(NULL, " ,;\t\r", &rest)) {
            if (!user_id_ok(id)) {
                tool_fail(
                    err, NBASE_ERR_FORMAT,
                    "%s: line %zu: '%.80s' is no user id: 1 to 64 letters, digits, '_' or '-'",
                    path, line, id);
                return SIZE_MAX;
            }
            out[count++] = (mention){id, line};
        }
        if (last) break;
        p = end + 1;
    }
    return count;
}

/* Lines that share an id are one person, whether or not the id is in the list: joined by line
 * first, then every id to its line's person. */
static bool join_mentions(groups *g, mention *m, size_t count, size_t lines, nbase_error *err)
{
    /* of each line: the line that stands for its person */
    size_t *first = malloc((lines + 2) * sizeof *first);
    size_t *member = malloc((lines + 2) * sizeof *member); /* an id of the list who is on it */
    bool ok = (first && member) || tool_no_memory(err);
    for (size_t i = 0; ok && i <= lines + 1; i++) first[i] = i, member[i] = SIZE_MAX;
    qsort(m, count, sizeof *m, by_id_and_line);
    for (size_t i = 1; ok && i < count; i++) {
        if (strcmp(m[i].id, m[i - 1].id)) continue;
        size_t a = m[i - 1].line, b = m[i].line;
        while (first[a] != a) a = first[a];
        while (first[b] != b) b = first[b];
        first[a < b ? b : a] = a < b ? a : b;
    }
    for (size_t i = 0; ok && i < count; i++) {
        size_t at = groups_find(g, m[i].id), line = m[i].line;
        if (at == SIZE_MAX) continue;
        while (first[line] != line) line = first[line];
        if (member[line] == SIZE_MAX)
            member[line] = at;
        else
            groups_join(g, member[line], at);
    }
    free(first);
    free(member);
    return ok;
}

bool groups_read(groups *g, const char *path, nbase_error *err)
{
    size_t size, lines = 1;
    char *text = file_read(path, MAX_LIST_BYTES, &size, err);
    if (!text) return false;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    mention *m = malloc((size / 2 + 2) * sizeof *m);
    if (!m) tool_no_memory(err);
    size_t count = m ? mentions_of(text, path, m, err) : SIZE_MAX;
    bool ok = count != SIZE_MAX && join_mentions(g, m, count, lines, err);
    free(m);
    free(text);
    return ok;
}
