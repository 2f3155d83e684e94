#include "leak.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "jsonio.h"

enum { TOLD = 5, MAX_PEOPLE = 256 << 20 };
#define PEOPLE_FILE "people.json"

typedef struct shared {
    const char *data;
    size_t count;
} shared;

static void on_shared(void *ctx, const void *a, const void *b)
{
    shared *s = ctx;
    const data_user *x = a, *y = b;
    if (x->part == y->part) return;
    if (++s->count <= TOLD)
        cli_error("%s: a leak: %s in %s and %s in %s share a photo; run skin-split again with "
                  "--faces, which keeps them together",
                  s->data, x->id, part_names[x->part], y->id, part_names[y->part]);
}

bool leak_photos(fingerprints *prints, const char *data)
{
    shared s = {data, 0};
    fingerprints_pairs(prints, on_shared, &s);
    if (s.count > TOLD) cli_error("... and %zu more leaks", s.count - TOLD);
    return s.count == 0;
}

bool leak_note_people(const char *run, const data_split *split)
{
    nbase_error err;
    json_t *root = json_object();
    for (data_part p = PART_TRAIN; root && p <= PART_VALIDATION; p++) {
        json_t *people = json_object();
        for (size_t i = 0; i < split->count[p]; i++) {
            const data_user *user = split->part[p][i];
            if (!data_user_is_copy(user))
                json_object_set_new(people, user->id, json_string(user->person));
        }
        json_object_set_new(root, part_names[p], people);
    }
    char *path = file_join(run, PEOPLE_FILE, &err);
    if (!path) json_decref(root);
    bool ok = path && jsonio_write(path, root, 0, &err);
    free(path);
    return ok || cli_report(&err);
}

/* "RUN/people.json" for "RUN/model.safetensors". */
static char *beside(const char *model)
{
    const char *slash = strrchr(model, '/');
    char *folder = slash ? strndup(model, (size_t)(slash - model) + 1) : strdup("");
    char *path = folder ? file_join(folder, PEOPLE_FILE, NULL) : NULL;
    if (folder && !*folder) {
        free(path);
        path = strdup(PEOPLE_FILE);
    }
    free(folder);
    return path;
}

/* Every id and every person of one part of people.json, as keys. */
static json_t *names_in(const json_t *root, data_part part)
{
    const json_t *people = json_object_get(root, part_names[part]);
    json_t *names = json_object(), *person;
    const char *id;
    json_object_foreach((json_t *)people, id, person)
    {
        json_object_set_new(names, id, json_true());
        if (json_is_string(person))
            json_object_set_new(names, json_string_value(person), json_true());
    }
    return names;
}

static size_t count_known(const json_t *root, const char *path, const data_split *split,
                          data_part part, data_part learned)
{
    size_t count = 0;
    json_t *names = names_in(root, learned);
    for (size_t i = 0; i < split->count[part]; i++) {
        const data_user *user = split->part[part][i];
        if (!json_object_get(names, user->id) && !json_object_get(names, user->person)) continue;
        if (++count <= TOLD)
            cli_error("%s: a leak: %s of \"%s\" was in \"%s\" when the model was trained", path,
                      user->id, part_names[part], part_names[learned]);
    }
    json_decref(names);
    return count;
}

bool leak_trained_on(const char *model, const data_split *split, data_part part)
{
    if (part == PART_TRAIN) return true;
    char *path = beside(model);
    if (!path) cli_error("out of memory");
    if (!path) return false;
    if (!file_exists(path)) {
        free(path);
        return true;
    }
    nbase_error err;
    json_t *root = jsonio_read(
        path, MAX_PEOPLE,
        "train again, or remove it if you know that nobody is judged who was trained on", &err);
    bool ok = root || cli_report(&err);
    size_t count = ok ? count_known(root, path, split, part, PART_TRAIN) : 0;
    if (ok && part == PART_TEST) count += count_known(root, path, split, part, PART_VALIDATION);
    if (count)
        cli_error("%zu people of \"%s\" are known to the model: judge it on the split that it was "
                  "trained with",
                  count, part_names[part]);
    json_decref(root);
    free(path);
    return ok && !count;
}
