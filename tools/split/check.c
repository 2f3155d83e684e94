#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/fingerprint.h"
#include "fail.h"
#include "groups.h"
#include "progress.h"

enum { MAX_NAMED = 20 };

typedef struct check {
    const char *data;
    data_split split;
    size_t leaks;
} check;

static void add_leak(check *c, const data_user *a, const data_user *b, const char *why)
{
    if (++c->leaks <= MAX_NAMED)
        cli_warn("%s: a leak: %s is in %s and %s in %s, and %s", c->data, a->id,
                 part_names[a->part], b->id, part_names[b->part], why);
}

static bool check_ids(check *c, const char *path, nbase_error *err)
{
    const char **ids = malloc((c->split.user_count + 1) * sizeof *ids);
    /* of each person: the first id that is in a part */
    const data_user **first = calloc(c->split.user_count + 1, sizeof *first);
    groups g = {0};
    /* sorted already: the same indices */
    for (size_t i = 0; ids && i < c->split.user_count; i++) ids[i] = c->split.users[i]->id;
    bool ok = (ids && first) || tool_no_memory(err);
    ok = ok && groups_create(&g, ids, c->split.user_count, err) && groups_read(&g, path, err);
    for (size_t i = 0; ok && i < g.count; i++) {
        const data_user *user = c->split.users[i];
        size_t who = groups_person(&g, i);
        if (user->part == PART_NONE) continue;
        if (!first[who])
            first[who] = user;
        else if (first[who]->part != user->part)
            add_leak(c, first[who], user, "the file of second ids calls them one person");
    }
    groups_free(&g);
    free(first);
    free(ids);
    return ok;
}

static void on_shared(void *ctx, const void *a, const void *b)
{
    const data_user *x = a, *y = b;
    if (x->part != y->part) add_leak(ctx, x, y, "they share a photo");
}

static bool check_photos(check *c, const char *faces_dir, nbase_error *err)
{
    fingerprints prints = {0};
    store *faces = store_open(faces_dir, err);
    bool ok = faces != NULL;
    progress bar;
    progress_start(&bar, "users", c->split.user_count);
    for (size_t i = 0; ok && i < c->split.user_count && !cli_interrupted(); i++) {
        const data_user *user = c->split.users[i];
        face_series s;
        if (user->part == PART_NONE) continue;
        ok = face_series_read(faces, user->id, &s, err);
        if (!ok) break;
        ok = fingerprints_add(&prints, &s, user) || tool_no_memory(err);
        face_series_free(&s);
        progress_update(&bar, i, NULL);
    }
    progress_end(&bar);
    store_close(faces);
    if (cli_interrupted()) ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    if (ok) fingerprints_pairs(&prints, on_shared, c);
    fingerprints_free(&prints);
    return ok;
}

bool check_split(const char *data, const char *same_person, const char *faces, size_t *ids,
                 nbase_error *err)
{
    check c = {.data = data};
    if (!data_split_read(data, &c.split, err)) return false;
    bool ok = (!same_person || check_ids(&c, same_person, err)) &&
              (!faces || check_photos(&c, faces, err));
    *ids = 0;
    for (int p = 0; p < PARTS; p++) *ids += c.split.count[p];
    data_split_free(&c.split);
    if (ok && c.leaks) ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: %zu leaks", data, c.leaks);
    return ok;
}
