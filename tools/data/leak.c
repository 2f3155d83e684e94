#include "leak.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "jsonio.h"

enum { MAX_NAMED = 5 };
#define PEOPLE_FILE "people.json"

typedef struct shared_photos {
    const char *data;
    size_t count;
} shared_photos;

static void on_shared(void *ctx, const void *a, const void *b)
{
    shared_photos *shared = ctx;
    const data_user *x = a, *y = b;
    if (x->part == y->part) return;
    if (++shared->count <= MAX_NAMED)
        cli_warn("%s: a leak: %s in %s and %s in %s share a photo", shared->data, x->id,
                 part_names[x->part], y->id, part_names[y->part]);
}

bool leak_photos(fingerprints *prints, const char *data, nbase_error *err)
{
    shared_photos shared = {data, 0};
    fingerprints_pairs(prints, on_shared, &shared);
    if (!shared.count) return true;
    return tool_fail(err, NBASE_ERR_FORMAT,
                     "%s: %zu leaks: people in different parts share a photo; run skin-split again "
                     "with --faces, which keeps them together",
                     data, shared.count);
}

/* {"id": "person", ...} of one part. */
static json_t *people_of(const data_split *split, data_part part)
{
    json_t *people = json_object();
    for (size_t i = 0; i < split->count[part]; i++) {
        const data_user *user = split->part[part][i];
        if (!data_user_is_copy(user))
            json_object_set_new(people, user->id, json_string(user->person));
    }
    return people;
}

/* FNV-1a of the list in one canonical form. False without memory. */
static bool digest_of(const json_t *root, char digest[PEOPLE_DIGEST_SIZE])
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) return false;
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *p = text; *p; p++) h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    snprintf(digest, PEOPLE_DIGEST_SIZE, "%016" PRIx64, h);
    free(text);
    return true;
}

bool leak_write_people(const char *run, const data_split *split, char digest[PEOPLE_DIGEST_SIZE],
                       nbase_error *err)
{
    char *path = file_join(run, PEOPLE_FILE, err);
    if (!path) return false;
    json_t *root = json_object();
    for (data_part p = PART_TRAIN; root && p <= PART_VALIDATION; p++)
        json_object_set_new(root, part_names[p], people_of(split, p));
    if (root && !digest_of(root, digest)) {
        json_decref(root);
        root = NULL;
    }
    bool ok = jsonio_write(path, root, 0, err);
    free(path);
    return ok;
}

/* "RUN/people.json" for "RUN/model.safetensors". */
static char *people_beside(const char *model, nbase_error *err)
{
    const char *slash = strrchr(model, '/');
    size_t folder = slash ? (size_t)(slash - model) + 1 : 0;
    char *path = malloc(folder + sizeof PEOPLE_FILE);
    if (!path) {
        tool_no_memory(err);
        return NULL;
    }
    memcpy(path, model, folder);
    memcpy(path + folder, PEOPLE_FILE, sizeof PEOPLE_FILE);
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
        if (++count <= MAX_NAMED)
            cli_warn("%s: a leak: %s of \"%s\" was in \"%s\" when the model was trained", path,
                     user->id, part_names[part], part_names[learned]);
    }
    json_decref(names);
    return count;
}

/* Whether people.json is the list of the people that the model was trained on. A model without a
 * digest, of an earlier version, is believed. */
static bool belongs(const char *model, const json_t *root, const char *path, nbase_error *err)
{
    nbase_archive *a;
    char digest[PEOPLE_DIGEST_SIZE];
    if (nbase_archive_read(NULL, model, &a, err) != NBASE_OK) return false;
    const char *expected = nbase_archive_meta(a, PEOPLE_META);
    bool ok = digest_of(root, digest) || tool_no_memory(err);
    if (ok && expected && strcmp(expected, digest))
        ok = tool_fail(err, NBASE_ERR_FORMAT,
                       "%s: it is not the list of the people that %s was trained on; put the "
                       "model's own people.json beside it, or train again",
                       path, model);
    nbase_archive_free(a);
    return ok;
}

bool leak_trained_on(const char *model, const data_split *split, data_part part, nbase_error *err)
{
    if (part == PART_TRAIN) return true;
    char *path = people_beside(model, err);
    if (!path) return false;
    if (!file_exists(path)) {
        free(path);
        return true;
    }
    json_t *root = jsonio_read(path, DATA_MAX_BYTES,
                               "train again, or delete the file if you know that nobody is judged "
                               "who was trained on",
                               err);
    bool ok = root && belongs(model, root, path, err);
    size_t count = ok ? count_known(root, path, split, part, PART_TRAIN) : 0;
    if (ok && part == PART_TEST) count += count_known(root, path, split, part, PART_VALIDATION);
    if (count)
        ok = tool_fail(err, NBASE_ERR_FORMAT,
                       "%zu people of \"%s\" are known to the model: judge it on the split that it "
                       "was trained with",
                       count, part_names[part]);
    json_decref(root);
    free(path);
    return ok;
}

/* ---- several models in one file ---- */

/* The people that a model knows; a new reference. Null if that is not known, or with an error. */
static json_t *people_known(const char *model, nbase_error *err)
{
    char *path = people_beside(model, err);
    json_t *root = NULL;
    if (path && file_exists(path)) {
        root = jsonio_read(path, DATA_MAX_BYTES, "train again", err);
        if (root && !belongs(model, root, path, err)) {
            json_decref(root);
            root = NULL;
        }
    } else if (path) {
        cli_warn("%s: there is no people.json beside it: nobody will know whom the average of "
                 "these models has seen",
                 model);
    }
    free(path);
    return root;
}

/* Who was trained on by one model and validated on by another was trained on. */
static bool merge(json_t *all, const json_t *one)
{
    json_t *train = json_object_get(all, part_names[PART_TRAIN]),
           *validation = json_object_get(all, part_names[PART_VALIDATION]), *person;
    const char *id;
    bool ok =
        json_object_update(train, json_object_get(one, part_names[PART_TRAIN])) == 0 &&
        json_object_update(validation, json_object_get(one, part_names[PART_VALIDATION])) == 0;
    json_object_foreach(train, id, person) json_object_del(validation, id);
    return ok;
}

static bool write_merged(const char *out, json_t *all, nbase_error *err)
{
    char *path = people_beside(out, err);
    json_t *there =
        path && file_exists(path) ? jsonio_read(path, DATA_MAX_BYTES, "remove it", err) : NULL;
    bool ok = path && (there || !file_exists(path));
    if (there && !json_equal(there, all))
        ok = tool_fail(err, NBASE_ERR_FORMAT,
                       "%s: it is the list of the people of another model: write to a folder of "
                       "its own",
                       path);
    ok = ok && (there || jsonio_write(path, json_incref(all), 0, err));
    json_decref(there);
    free(path);
    return ok;
}

bool leak_merge_people(const char *const *models, size_t count, const char *out,
                       char digest[PEOPLE_DIGEST_SIZE], nbase_error *err)
{
    nbase_error why = {0};
    json_t *all = json_pack("{s:{}, s:{}}", part_names[PART_TRAIN], part_names[PART_VALIDATION]);
    bool ok = all || tool_no_memory(&why), known = true;
    *digest = 0;
    for (size_t i = 0; ok && known && i < count; i++) {
        json_t *one = people_known(models[i], &why);
        known = one != NULL;
        ok = !why.status && (!known || merge(all, one) || tool_no_memory(&why));
        json_decref(one);
    }
    if (ok && known)
        ok = (digest_of(all, digest) || tool_no_memory(&why)) && write_merged(out, all, &why);
    json_decref(all);
    if (!ok && err) *err = why;
    return ok;
}
