#include "tones.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "fileio.h"
#include "skin_tone.h"

typedef struct id_list {
    char **ids;
    size_t count;
    bool failed;
} id_list;

static bool take_name(void *ctx, const char *name, size_t size)
{
    id_list *l = ctx;
    (void)size;
    size_t n = strlen(name);
    if (n < 5 || strcmp(name + n - 4, ".npz") || strchr(name, '/')) return true;
    char *id = strndup(name, n - 4);
    if (id && !user_id_ok(id)) {
        free(id);
        return true;
    }
    char **grown = id ? realloc(l->ids, (l->count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(id);
        l->failed = true;
        return false;
    }
    l->ids = grown;
    l->ids[l->count++] = id;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool print_person(FILE *out, store *faces, const char *id, nbase_error *err)
{
    face_series s;
    skin_tone t;
    if (!face_series_read(faces, id, &s, err)) return false;
    int found = skin_tone_of_series(&s, &t);
    face_series_free(&s);
    if (found < 0) return tool_no_memory(err);
    if (found)
        fprintf(out, "%s,%s,%.1f,%zu\n", id, skin_tone_names[t.tone], t.angle, t.photos);
    else
        fprintf(out, "%s,,,0\n", id);
    return true;
}

static bool print_all(FILE *out, store *faces, const id_list *l, nbase_error *err)
{
    size_t unread = 0;
    fputs("id,group,angle,photos\n", out);
    for (size_t i = 0; i < l->count; i++) {
        nbase_error why = {0};
        if (cli_interrupted()) return tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
        if (print_person(out, faces, l->ids[i], &why)) continue;
        unread++;
        cli_warn("%s", why.text);
    }
    return !unread || tool_fail(err, NBASE_ERR_FORMAT, "%s: %zu of %zu files could not be read",
                                store_place(faces), unread, l->count);
}

bool tones_print(FILE *out, const char *faces, nbase_error *err)
{
    id_list l = {0};
    store *from = store_open(faces, err);
    bool ok = from && store_list(from, "", take_name, &l, err);
    if (l.failed) ok = tool_no_memory(err);
    if (ok && !l.count)
        ok = tool_fail(err, NBASE_ERR_IO, "%s: no face crops in it: create them with skin-faces",
                       faces);
    if (ok) qsort(l.ids, l.count, sizeof *l.ids, by_text);
    ok = ok && print_all(out, from, &l, err);
    for (size_t i = 0; i < l.count; i++) free(l.ids[i]);
    free(l.ids);
    store_close(from);
    return ok;
}
