/* label.json, flipped.json, persons.json and partition.json */
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "fail.h"
#include "fileio.h"
#include "jsonio.h"

static const char *const advice = "run skin-split again";

const char *const part_names[PARTS] = {"train", "validation", "test"};

/* ---- in memory ---- */

/* Place of an id in the sorted users: the first that is not before it. */
static size_t place(const data_split *split, const char *id)
{
    size_t low = 0, high = split->user_count;
    /* files are sorted: mostly the end */
    if (high && strcmp(split->users[high - 1]->id, id) < 0) return high;
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

bool data_user_is_copy(const data_user *user) { return user->mirror_of != NULL; }

const data_user *data_split_find(const data_split *split, const char *id)
{
    return find(split, id);
}

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
    free(user->mirror_of);
    free(user);
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

bool data_split_add(data_split *split, data_part part, const char *id, int label,
                    const char *person, const char *mirror_of, nbase_error *err)
{
    data_user *there = find(split, id);
    bool agrees = there && there->part == PART_NONE && there->label == label &&
                  !strcmp(there->person, person ? person : id) &&
                  same_text(there->mirror_of, mirror_of);
    if (agrees && put_in_part(split, there, part)) return true;
    if (there) return tool_fail(err, NBASE_ERR_FORMAT, "user %s is there twice", id);
    data_user *user = calloc(1, sizeof *user);
    if (user)
        *user = (data_user){strdup(id), strdup(person ? person : id),
                            mirror_of ? strdup(mirror_of) : NULL, label, PART_NONE};
    if (!user || !user->id || !user->person || (mirror_of && !user->mirror_of) ||
        !grow(&split->users, split->user_count) || !put_in_part(split, user, part)) {
        user_free(user);
        return tool_no_memory(err);
    }
    size_t at = place(split, id);
    memmove(split->users + at + 1, split->users + at,
            (split->user_count - at) * sizeof *split->users);
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

/* One of DATA's files. With `optional` one that is not there is an empty object. */
static json_t *read_json(store *data, const char *path, bool optional, nbase_error *err)
{
    const char *name = strrchr(path, '/') + 1;
    size_t size;
    bool missing;
    if (!store_is_remote(store_place(data)))
        return optional && !file_exists(path) ? json_object()
                                              : jsonio_read(path, DATA_MAX_BYTES, advice, err);
    char *text = store_read(data, name, DATA_MAX_BYTES, &size, &missing, err);
    if (!text && missing && optional) return json_object();
    if (!text) tool_fail_advice(err, "; %s", advice);
    json_t *value = text ? jsonio_parse(text, size, path, advice, err) : NULL;
    free(text);
    return value;
}

static bool read_labels(data_split *split, json_t *root, const char *path, nbase_error *err)
{
    json_t *pair;
    bool ok = json_is_object(root);
    if (root && !ok)
        tool_fail(err, NBASE_ERR_FORMAT, "%s: expected an object {\"id\": [0,1], ...}; %s", path,
                  advice);
    const char *id;
    if (ok) json_object_foreach(root, id, pair)
        {
            int label = label_of(pair);
            if (label < 0 || !user_id_ok(id))
                tool_fail(err, NBASE_ERR_FORMAT,
                          "%s: user '%.80s': expected a valid id with [0,1] or [1,0]; %s", path, id,
                          advice);
            if (label < 0 || !user_id_ok(id) ||
                !data_split_add(split, PART_NONE, id, label, NULL, NULL, err)) {
                ok = false;
                break;
            }
        }
    json_decref(root);
    return ok;
}

static bool set_text(char **text, const char *value)
{
    char *copy = strdup(value);
    if (!copy) return false;
    free(*text);
    *text = copy;
    return true;
}

/* What is wrong with "copy is person flipped", or null. */
static const char *flip_fault(const data_user *copy, const data_user *person)
{
    size_t n = strlen(FLIPPED_PREFIX);
    if (!copy || !person) return "it or its person has no label";
    if (strncmp(copy->id, FLIPPED_PREFIX, n) || strcmp(copy->id + n, person->id))
        return "a copy's id must be " FLIPPED_PREFIX " and the person's id";
    if (data_user_is_copy(person)) return "it is a copy of a copy";
    if (copy->label != person->label) return "it has another label than its person";
    return NULL;
}

static bool read_flipped(data_split *split, json_t *root, const char *path, nbase_error *err)
{
    json_t *value;
    bool ok = json_is_object(root);
    if (root && !ok)
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: expected an object {\"" FLIPPED_PREFIX "id\": \"id\", ...}; %s", path,
                  advice);
    const char *id;
    if (ok) json_object_foreach(root, id, value)
        {
            data_user *copy = find(split, id), *person = json_is_string(value)
                                                             ? find(split, json_string_value(value))
                                                             : NULL;
            /* skin-augment was killed before it wrote the labels: nobody has that copy. */
            if (!copy && person) continue;
            const char *fault = flip_fault(copy, person);
            copy = fault ? NULL : copy;
            if (copy && (!set_text(&copy->mirror_of, person->id) ||
                         !set_text(&copy->person, person->person)))
                fault = "out of memory";
            if (!fault) continue;
            tool_fail(err, NBASE_ERR_FORMAT, "%s: copy '%.80s': %s; %s", path, id, fault, advice);
            ok = false;
            break;
        }
    json_decref(root);
    return ok;
}

/* {"second id": "id of the same person"}; before the copies, who take over their original's
 * person. */
static bool read_persons(data_split *split, json_t *root, const char *path, nbase_error *err)
{
    json_t *value;
    bool ok = json_is_object(root);
    if (root && !ok)
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: expected an object {\"second id\": \"first id\", ...}; %s", path, advice);
    const char *id;
    if (ok) json_object_foreach(root, id, value)
        {
            data_user *user = find(split, id);
            const char *person = json_string_value(value);
            const char *fault = !user                            ? "it has no label"
                                : !person || !user_id_ok(person) ? "the person is no valid id"
                                : json_object_get(root, person)
                                    ? "its person is another one's second id"
                                    : NULL;
            if (!fault && !set_text(&user->person, person)) fault = "out of memory";
            if (!fault) continue;
            tool_fail(err, NBASE_ERR_FORMAT, "%s: '%.80s': %s; %s", path, id, fault, advice);
            ok = false;
            break;
        }
    json_decref(root);
    return ok;
}

static bool read_part(data_split *split, const json_t *ids, data_part part, const char *path,
                      nbase_error *err)
{
    if (!json_is_array(ids))
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: the list \"%s\" is missing; %s", path,
                         part_names[part], advice);
    size_t i;
    const json_t *value;
    json_array_foreach(ids, i, value)
    {
        const char *id = json_string_value(value);
        if (!id)
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "%s: \"%s\", item %zu: an id is text, as \"123\"; %s", path,
                             part_names[part], i, advice);
        data_user *user = find(split, id);
        const char *fault = !user                     ? "has no label in label.json"
                            : user->part != PART_NONE ? "is there twice"
                                                      : NULL;
        if (!fault && !put_in_part(split, user, part)) fault = "out of memory";
        if (!fault) continue;
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: \"%s\": user '%.80s' %s; %s", path,
                         part_names[part], id, fault, advice);
    }
    return true;
}

/* Every person in one part only. */
static bool no_leak(const data_split *split, const char *path, nbase_error *err)
{
    json_t *seen = json_object(); /* person -> index of a user in a part */
    bool ok = seen != NULL;
    if (!ok) tool_no_memory(err);
    for (size_t i = 0; ok && i < split->user_count; i++) {
        const data_user *user = split->users[i];
        if (user->part == PART_NONE) continue;
        const data_user *original = user->mirror_of ? find(split, user->mirror_of) : user;
        if (original->part != user->part) {
            tool_fail(err, NBASE_ERR_FORMAT,
                      "%s: a leak: %s is a flipped copy of %s and must be in the same part; %s",
                      path, user->id, original->id, advice);
            ok = false;
            break;
        }
        const json_t *index = json_object_get(seen, user->person);
        const data_user *other = index ? split->users[json_integer_value(index)] : NULL;
        if (!other) {
            ok = json_object_set_new(seen, user->person, json_integer((json_int_t)i)) == 0;
            if (!ok) tool_no_memory(err);
        } else if (other->part != user->part) {
            tool_fail(err, NBASE_ERR_FORMAT,
                      "%s: a leak: %s is in %s and %s in %s, and both are the face of %s; %s", path,
                      other->id, part_names[other->part], user->id, part_names[user->part],
                      user->person, advice);
            ok = false;
        }
    }
    json_decref(seen);
    return ok;
}

static bool read_partition(data_split *split, json_t *root, const char *path, nbase_error *err)
{
    bool ok = root != NULL;
    for (int p = 0; ok && p < PARTS; p++)
        ok = read_part(split, json_object_get(root, part_names[p]), (data_part)p, path, err);
    if (ok && json_object_size(root) != PARTS) {
        tool_fail(err, NBASE_ERR_FORMAT, "%s: only train, validation and test may be in it; %s",
                  path, advice);
        ok = false;
    }
    json_decref(root);
    return ok && no_leak(split, path, err);
}

/* In this order: each reader needs what the ones before it have read. */
static const struct split_file {
    const char *name;
    bool optional;
    bool (*take)(data_split *split, json_t *root, const char *path, nbase_error *err);
} split_files[] = {
    {"label.json", false, read_labels},
    {"persons.json", true, read_persons},
    {"flipped.json", true, read_flipped},
    {"partition.json", false, read_partition},
};

static bool read_file(store *data, const struct split_file *file, data_split *split,
                      nbase_error *err)
{
    char *path = file_join(store_place(data), file->name, err);
    json_t *root = path ? read_json(data, path, file->optional, err) : NULL;
    bool ok = root && file->take(split, root, path, err);
    free(path);
    return ok;
}

bool data_split_read(const char *dir, data_split *out, nbase_error *err)
{
    *out = (data_split){0};
    store *data = store_open(dir, err);
    bool ok = data != NULL;
    for (size_t i = 0; ok && i < sizeof split_files / sizeof *split_files; i++)
        ok = read_file(data, &split_files[i], out, err);
    store_close(data);
    if (!ok) data_split_free(out);
    return ok;
}

/* ---- writing ---- */

static json_t *labels_json(const data_split *split)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < split->user_count; i++)
        json_object_set_new(root, split->users[i]->id,
                            json_pack("[ii]", !split->users[i]->label, split->users[i]->label));
    return root;
}

static json_t *flipped_json(const data_split *split)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < split->user_count; i++)
        if (data_user_is_copy(split->users[i]))
            json_object_set_new(root, split->users[i]->id, json_string(split->users[i]->mirror_of));
    return root;
}

static json_t *persons_json(const data_split *split)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < split->user_count; i++) {
        const data_user *user = split->users[i];
        if (!data_user_is_copy(user) && strcmp(user->id, user->person))
            json_object_set_new(root, user->id, json_string(user->person));
    }
    return root;
}

static json_t *partition_json(const data_split *split)
{
    json_t *root = json_object();
    for (int p = 0; root && p < PARTS; p++) {
        json_t *ids = json_array();
        for (size_t i = 0; i < split->count[p]; i++)
            json_array_append_new(ids, json_string(split->part[p][i]->id));
        json_object_set_new(root, part_names[p], ids);
    }
    return root;
}

/* The files of a split, the partition last: a reader of a new split finds it whole, or not at all.
 * The copies are first: an id that has a label but is not known for a copy would be another
 * user's. */
enum { SPLIT_FILES = 4 };
static const struct written_file {
    const char *name;
    json_t *(*value)(const data_split *split);
} written_files[SPLIT_FILES] = {{"flipped.json", flipped_json},
                                {"label.json", labels_json},
                                {"persons.json", persons_json},
                                {"partition.json", partition_json}};

static bool prepare(outfile *out, const char *dir, const char *name, json_t *value,
                    nbase_error *err)
{
    char *path = file_join(dir, name, err);
    if (!path) json_decref(value);
    bool ok = path && jsonio_prepare(out, path, value, 0, err);
    free(path);
    return ok;
}

static bool write_folder(const char *dir, const data_split *split, bool extends, nbase_error *err)
{
    outfile files[SPLIT_FILES] = {0};
    bool ok = file_make_dirs(dir, err);
    for (int i = 0; ok && i < SPLIT_FILES; i++)
        ok = prepare(&files[i], dir, written_files[i].name, written_files[i].value(split), err);
    if (!extends) {
        ok = ok && outfile_commit_set(files, SPLIT_FILES, err);
    } else {
        for (int i = 0; ok && i < SPLIT_FILES; i++) ok = outfile_commit(&files[i], err);
    }
    for (int i = 0; i < SPLIT_FILES; i++) outfile_discard(&files[i]);
    return ok;
}

/* The bytes that write_folder would write. */
static bool send_file(store *data, const char *name, json_t *value, nbase_error *err)
{
    char *text = value ? json_dumps(value, 0) : NULL, *line = NULL;
    bool ok = text && asprintf(&line, "%s\n", text) >= 0;
    ok = ok ? store_write(data, name, line, strlen(line), err) : tool_no_memory(err);
    json_decref(value);
    free(text);
    free(line);
    return ok;
}

static bool write_bucket(const char *place, const data_split *split, nbase_error *err)
{
    store *data = store_open(place, err);
    bool ok = data != NULL;
    for (int i = 0; ok && i < SPLIT_FILES; i++) {
        ok = send_file(data, written_files[i].name, written_files[i].value(split), err);
        if (!ok && i) tool_fail_advice(err, "; the split there is not whole: write it again");
    }
    store_close(data);
    return ok;
}

bool data_split_write(const char *dir, const data_split *split, nbase_error *err)
{
    return store_is_remote(dir) ? write_bucket(dir, split, err)
                                : write_folder(dir, split, false, err);
}

bool data_split_extend(const char *dir, const data_split *split, nbase_error *err)
{
    return store_is_remote(dir) ? write_bucket(dir, split, err)
                                : write_folder(dir, split, true, err);
}
