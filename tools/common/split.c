/* label.json, flipped.json and partition.json */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dataset.h"
#include "fileio.h"
#include "jsonio.h"

enum { MAX_FILE = 256 << 20 };
static const char *const advice = "run skin-split again";

const char *const part_names[PARTS] = {"train", "validation", "test"};

/* ---- in memory ---- */

/* Place of an id in the sorted users: the first that is not before it. */
static size_t place(const data_split *split, const char *id)
{
    size_t low = 0, high = split->user_count;
    if (high && strcmp(split->users[high - 1]->id, id) < 0) return high; /* files are sorted: mostly the end */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(split->users[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static data_user *find(const data_split *split, const char *id)
{
    size_t at = place(split, id);
    return at < split->user_count && !strcmp(split->users[at]->id, id) ? split->users[at] : NULL;
}

bool data_user_is_copy(const data_user *user) { return strcmp(user->id, user->person) != 0; }

const data_user *data_split_find(const data_split *split, const char *id) { return find(split, id); }

/* Room for one more pointer; the array doubles at powers of two. */
static bool grow(data_user ***list, size_t count)
{
    if (count & (count - 1)) return true;
    data_user **grown = realloc(*list, (count ? 2 * count : 1) * sizeof *grown);
    if (grown) *list = grown;
    return grown;
}

static bool put_in_part(data_split *split, data_user *user, data_part part)
{
    if (part == PART_NONE) return true;
    if (!grow(&split->part[part], split->count[part])) return false;
    split->part[part][split->count[part]++] = user;
    user->part = part;
    return true;
}

static void user_free(data_user *user)
{
    if (!user) return;
    free(user->id);
    free(user->person);
    free(user);
}

bool data_split_add(data_split *split, data_part part, const char *id, int label, const char *person)
{
    data_user *there = find(split, id);
    if (there && there->part == PART_NONE && there->label == label && !strcmp(there->person, person ? person : id) && put_in_part(split, there, part)) return true;
    if (there) {
        cli_error("user %s is there twice", id);
        return false;
    }
    data_user *user = calloc(1, sizeof *user);
    if (user) *user = (data_user){strdup(id), strdup(person ? person : id), label, PART_NONE};
    if (!user || !user->id || !user->person || !grow(&split->users, split->user_count) || !put_in_part(split, user, part)) {
        cli_error("out of memory");
        user_free(user);
        return false;
    }
    size_t at = place(split, id);
    memmove(split->users + at + 1, split->users + at, (split->user_count - at) * sizeof *split->users);
    split->users[at] = user;
    split->user_count++;
    return true;
}

void data_split_free(data_split *split)
{
    for (size_t i = 0; i < split->user_count; i++) user_free(split->users[i]);
    for (int p = 0; p < PARTS; p++) free(split->part[p]);
    free(split->users);
    *split = (data_split){0};
}

/* ---- reading ---- */

/* Like Keras's one-hot rows: [0,1] improved, [1,0] deteriorated; -1: neither. */
static int label_of(const json_t *pair)
{
    if (!json_is_array(pair) || json_array_size(pair) != 2) return -1;
    const json_t *a = json_array_get(pair, 0), *b = json_array_get(pair, 1);
    if (!json_is_integer(a) || !json_is_integer(b)) return -1;
    json_int_t x = json_integer_value(a), y = json_integer_value(b);
    return (x == 0 || x == 1) && x + y == 1 ? (int)y : -1;
}

static bool read_labels(data_split *split, const char *path)
{
    json_t *root = jsonio_read(path, MAX_FILE, advice), *pair;
    bool ok = json_is_object(root);
    if (root && !ok) cli_error("%s: expected an object {\"id\": [0,1], ...}; %s", path, advice);
    const char *id;
    if (ok) json_object_foreach(root, id, pair) {
        int label = label_of(pair);
        if (label < 0 || !user_id_ok(id)) cli_error("%s: user '%.80s': expected a valid id with [0,1] or [1,0]; %s", path, id, advice);
        if (label < 0 || !user_id_ok(id) || !data_split_add(split, PART_NONE, id, label, NULL)) {
            ok = false;
            break;
        }
    }
    json_decref(root);
    return ok;
}

/* What is wrong with "copy is person flipped", or null. */
static const char *flip_fault(const data_user *copy, const data_user *person)
{
    size_t n = strlen(FLIPPED_PREFIX);
    if (!copy || !person) return "it or its person has no label";
    if (strncmp(copy->id, FLIPPED_PREFIX, n) || strcmp(copy->id + n, person->id)) return "a copy's id must be " FLIPPED_PREFIX " and the person's id";
    if (data_user_is_copy(person)) return "it is a copy of a copy";
    if (copy->label != person->label) return "it has another label than its person";
    return NULL;
}

static bool read_flipped(data_split *split, const char *path)
{
    if (!file_exists(path)) return true;
    json_t *root = jsonio_read(path, MAX_FILE, advice), *value;
    bool ok = json_is_object(root);
    if (root && !ok) cli_error("%s: expected an object {\"" FLIPPED_PREFIX "id\": \"id\", ...}; %s", path, advice);
    const char *id;
    if (ok) json_object_foreach(root, id, value) {
        data_user *copy = find(split, id), *person = json_is_string(value) ? find(split, json_string_value(value)) : NULL;
        const char *fault = flip_fault(copy, person);
        char *name = fault ? NULL : strdup(person->id);
        if (!name) {
            cli_error("%s: copy '%.80s': %s; %s", path, id, fault ? fault : "out of memory", advice);
            ok = false;
            break;
        }
        free(copy->person);
        copy->person = name;
    }
    json_decref(root);
    return ok;
}

static bool read_part(data_split *split, const json_t *ids, data_part part, const char *path)
{
    if (!json_is_array(ids)) {
        cli_error("%s: the list \"%s\" is missing; %s", path, part_names[part], advice);
        return false;
    }
    size_t i;
    const json_t *value;
    json_array_foreach(ids, i, value) {
        const char *id = json_is_string(value) ? json_string_value(value) : "?";
        data_user *user = find(split, id);
        const char *fault = !user ? "has no label in label.json" : user->part != PART_NONE ? "is there twice" : NULL;
        if (!fault && !put_in_part(split, user, part)) fault = "out of memory";
        if (!fault) continue;
        cli_error("%s: \"%s\": user '%.80s' %s; %s", path, part_names[part], id, fault, advice);
        return false;
    }
    return true;
}

static bool read_partition(data_split *split, const char *path)
{
    json_t *root = jsonio_read(path, MAX_FILE, advice);
    bool ok = root != NULL;
    for (int p = 0; ok && p < PARTS; p++) ok = read_part(split, json_object_get(root, part_names[p]), (data_part)p, path);
    if (ok && json_object_size(root) != PARTS) {
        cli_error("%s: only train, validation and test may be in it; %s", path, advice);
        ok = false;
    }
    for (size_t i = 0; ok && i < split->user_count; i++) {
        const data_user *user = split->users[i], *person = find(split, user->person);
        ok = user->part == PART_NONE || user->part == person->part;
        if (!ok) cli_error("%s: %s is a flipped copy of %s and must be in the same part; %s", path, user->id, person->id, advice);
    }
    json_decref(root);
    return ok;
}

bool data_split_read(const char *dir, data_split *out)
{
    *out = (data_split){0};
    char *labels = file_join(dir, "label.json"), *flipped = file_join(dir, "flipped.json"), *partition = file_join(dir, "partition.json");
    bool ok = labels && flipped && partition && read_labels(out, labels) && read_flipped(out, flipped) && read_partition(out, partition);
    free(labels);
    free(flipped);
    free(partition);
    if (!ok) data_split_free(out);
    return ok;
}

/* ---- writing ---- */

static json_t *labels_json(const data_split *split)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < split->user_count; i++)
        json_object_set_new(root, split->users[i]->id, json_pack("[ii]", !split->users[i]->label, split->users[i]->label));
    return root;
}

static json_t *flipped_json(const data_split *split)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < split->user_count; i++)
        if (data_user_is_copy(split->users[i])) json_object_set_new(root, split->users[i]->id, json_string(split->users[i]->person));
    return root;
}

static json_t *partition_json(const data_split *split)
{
    json_t *root = json_object();
    for (int p = 0; root && p < PARTS; p++) {
        json_t *ids = json_array();
        for (size_t i = 0; i < split->count[p]; i++) json_array_append_new(ids, json_string(split->part[p][i]->id));
        json_object_set_new(root, part_names[p], ids);
    }
    return root;
}

static bool prepare(outfile *out, const char *dir, const char *name, json_t *value)
{
    char *path = file_join(dir, name);
    if (!path) json_decref(value);
    bool ok = path && jsonio_prepare(out, path, value, 0);
    free(path);
    return ok;
}

bool data_split_write(const char *dir, const data_split *split)
{
    outfile labels = {0}, flipped = {0}, partition = {0};
    bool ok = file_make_dirs(dir) && prepare(&labels, dir, "label.json", labels_json(split)) &&
              prepare(&flipped, dir, "flipped.json", flipped_json(split)) && prepare(&partition, dir, "partition.json", partition_json(split));
    ok = ok && outfile_commit(&labels) && outfile_commit(&flipped) && outfile_commit(&partition);
    outfile_discard(&labels);
    outfile_discard(&flipped);
    outfile_discard(&partition);
    return ok;
}
