#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/fingerprint.h"
#include "groups.h"
#include "progress.h"

enum { TOLD = 20 };

typedef struct check {
    const char *data;
    data_split split;
    size_t leaks;
} check;

static void tell(check *c, const data_user *a, const data_user *b, const char *why)
{
    if (++c->leaks <= TOLD)
        cli_error("%s: a leak: %s is in %s and %s in %s, and %s", c->data, a->id,
                  part_names[a->part], b->id, part_names[b->part], why);
}

static bool check_ids(check *c, const char *path)
{
    const char **ids = malloc((c->split.user_count + 1) * sizeof *ids);
    /* of each person: the first id that is in a part */
    const data_user **first = calloc(c->split.user_count + 1, sizeof *first);
    groups g = {0};
    if (!ids || !first) cli_error("out of memory");
    /* sorted already: the same indices */
    for (size_t i = 0; ids && i < c->split.user_count; i++) ids[i] = c->split.users[i]->id;
    bool ok = ids && first && groups_create(&g, ids, c->split.user_count) && groups_read(&g, path);
    for (size_t i = 0; ok && i < g.count; i++) {
        const data_user *user = c->split.users[i];
        size_t who = groups_person(&g, i);
        if (user->part == PART_NONE) continue;
        if (!first[who])
            first[who] = user;
        else if (first[who]->part != user->part)
            tell(c, first[who], user, "the file of second ids calls them one person");
    }
    groups_free(&g);
    free(first);
    free(ids);
    return ok;
}

static void on_shared(void *ctx, const void *a, const void *b)
{
    const data_user *x = a, *y = b;
    if (x->part != y->part) tell(ctx, x, y, "they share a photo");
}

static bool check_photos(check *c, const char *faces_dir)
{
    char error[500];
    fingerprints f = {0};
    store *faces = store_open(faces_dir, error, sizeof error);
    bool ok = faces != NULL;
    if (!ok) cli_error("%s", error);
    progress bar;
    progress_start(&bar, "users", c->split.user_count);
    for (size_t i = 0; ok && i < c->split.user_count && !cli_interrupted(); i++) {
        const data_user *user = c->split.users[i];
        face_series s;
        if (user->part == PART_NONE) continue;
        nbase_error err;
        ok = face_series_read(faces, user->id, &s, &err) || cli_report(&err);
        if (!ok) break;
        ok = fingerprints_add(&f, &s, user);
        if (!ok) cli_error("out of memory");
        face_series_free(&s);
        progress_update(&bar, i, NULL);
    }
    progress_end(&bar);
    store_close(faces);
    if (cli_interrupted()) cli_error("interrupted");
    ok = ok && !cli_interrupted();
    if (ok) fingerprints_pairs(&f, on_shared, c);
    fingerprints_free(&f);
    return ok;
}

bool check_split(const char *data, const char *same_person, const char *faces)
{
    check c = {.data = data};
    nbase_error err;
    if (!data_split_read(data, &c.split, &err)) return cli_report(&err);
    bool ok = (!same_person || check_ids(&c, same_person)) && (!faces || check_photos(&c, faces));
    if (c.leaks > TOLD) cli_error("... and %zu more leaks", c.leaks - TOLD);
    if (ok && !c.leaks)
        printf("%s: no leak among %zu ids in the parts\n", data,
               c.split.count[0] + c.split.count[1] + c.split.count[2]);
    data_split_free(&c.split);
    return ok && !c.leaks;
}
