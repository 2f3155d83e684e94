/* user_data.txt */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "encoding.h"
#include "fail.h"
#include "fileio.h"

enum { MAX_LIST_BYTES = 1 << 30 };

bool user_id_ok(const char *id)
{
    size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    bool copy = !strncmp(id, FLIPPED_PREFIX, strlen(FLIPPED_PREFIX));
    return n && !id[n] && n <= USER_ID_MAX + (copy ? strlen(FLIPPED_PREFIX) : 0);
}

/* A path that stays inside the images folder. */
static bool path_ok(const char *path)
{
    if (!*path || *path == '/') return false;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return false;
        p += n + (p[n] == '/');
    }
    return true;
}

/* What is wrong with a line, or null. */
static const char *line_fault(const json_t *line)
{
    if (!json_is_array(line) || json_array_size(line) < 3)
        return "expected an array [user id, label, note, image path, ...]";
    size_t i;
    const json_t *item;
    json_array_foreach(line, i,
                       item) if (!json_is_string(item)) return "every item must be a string";
    const char *label = json_string_value(json_array_get(line, 1));
    if (!user_id_ok(json_string_value(json_array_get(line, 0))))
        return "a user id has 1 to 64 letters, digits, '_' or '-'";
    if (strcmp(label, "0") && strcmp(label, "1")) return "the label must be \"0\" or \"1\"";
    for (i = 3; i < json_array_size(line); i++)
        if (!path_ok(json_string_value(json_array_get(line, i))))
            return "an image path must be relative and stay inside the images folder";
    return NULL;
}

static bool take_user(const json_t *line, user_record *out)
{
    out->image_count = json_array_size(line) - 3;
    out->id = strdup(json_string_value(json_array_get(line, 0)));
    out->label = json_string_value(json_array_get(line, 1))[0] - '0';
    out->note = strdup(json_string_value(json_array_get(line, 2)));
    out->images = calloc(out->image_count + 1, sizeof *out->images);
    bool ok = out->id && out->note && out->images;
    for (size_t i = 0; ok && i < out->image_count; i++)
        ok = (out->images[i] = strdup(json_string_value(json_array_get(line, i + 3)))) != NULL;
    return ok;
}

static bool append(user_list *list, const char *path, size_t number, const char *text, size_t size,
                   nbase_error *err)
{
    json_error_t error;
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    const char *fault = line ? line_fault(line) : error.text;
    if (!fault) {
        user_record *grown = realloc(list->users, (list->count + 1) * sizeof *grown);
        if (grown) {
            list->users = grown;
            grown[list->count] = (user_record){0};
            if (!take_user(line, &grown[list->count++])) fault = "out of memory";
        } else {
            fault = "out of memory";
        }
    }
    if (fault)
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: line %zu: %s; create the file again with skin-getdata", path, number, fault);
    json_decref(line);
    return !fault;
}

/* Whether every id is there once. The set of ids is a jansson object. */
static bool ids_differ(const user_list *list, const char *path, nbase_error *err)
{
    json_t *seen = json_object();
    bool ok = seen != NULL;
    for (size_t i = 0; ok && i < list->count; i++) {
        ok = !json_object_get(seen, list->users[i].id) &&
             json_object_set_new(seen, list->users[i].id, json_true()) == 0;
        if (!ok)
            tool_fail(err, NBASE_ERR_FORMAT, "%s: line %zu: user %s is there twice", path, i + 1,
                      list->users[i].id);
    }
    json_decref(seen);
    return ok;
}

bool user_list_read(const char *path, user_list *out, nbase_error *err)
{
    *out = (user_list){0};
    size_t size;
    char *bytes = file_read(path, MAX_LIST_BYTES, &size, err);
    if (!bytes) return false;
    plain_text text;
    nbase_error problem;
    bool ok = plain_text_of(bytes, size, &text, &problem) ||
              tool_fail(err, problem.status, "%s: %s", path, problem.text);
    size_t number = 1;
    for (size_t at = 0; ok && at < text.size; number++) {
        const char *line = text.bytes + at, *end = memchr(line, '\n', text.size - at);
        size_t length = end ? (size_t)(end - line) : text.size - at;
        ok = text_is_blank(line, length) || append(out, path, number, line, length, err);
        at += length + 1;
    }
    plain_text_free(&text);
    free(bytes);
    if (ok && !out->count)
        ok = tool_fail(err, NBASE_ERR_FORMAT,
                       "%s: no user in it; create the file with skin-getdata", path);
    ok = ok && ids_differ(out, path, err);
    if (!ok) user_list_free(out);
    return ok;
}

bool user_list_write(const char *path, const user_list *list, nbase_error *err)
{
    outfile out;
    if (!outfile_open(&out, path, err)) return false;
    bool ok = true;
    for (size_t u = 0; ok && u < list->count; u++) {
        const user_record *user = &list->users[u];
        json_t *line = json_pack("[sss]", user->id, user->label ? "1" : "0", user->note);
        for (size_t i = 0; line && i < user->image_count; i++)
            json_array_append_new(line, json_string(user->images[i]));
        ok = line && json_array_size(line) == user->image_count + 3 &&
             json_dumpf(line, out.stream, 0) == 0;
        if (!ok && !ferror(out.stream))
            tool_fail(err, NBASE_ERR_FORMAT, "%s: user %s: not valid UTF-8 text, or out of memory",
                      path, user->id);
        json_decref(line);
        fputc('\n', out.stream);
    }
    if (ok || ferror(out.stream)) return outfile_commit(&out, err); /* reports a write error */
    outfile_discard(&out);
    return false;
}

void user_list_free(user_list *list)
{
    for (size_t u = 0; u < list->count; u++) {
        user_record *user = &list->users[u];
        for (size_t i = 0; user->images && i < user->image_count; i++) free(user->images[i]);
        free(user->images);
        free(user->note);
        free(user->id);
    }
    free(list->users);
    *list = (user_list){0};
}

void user_list_pack(const user_list *list, parcel *p)
{
    parcel_put_size(p, list->count);
    for (size_t u = 0; u < list->count; u++) {
        const user_record *user = &list->users[u];
        parcel_put_text(p, user->id);
        parcel_put_size(p, user->image_count);
        for (size_t i = 0; i < user->image_count; i++) parcel_put_text(p, user->images[i]);
    }
}

/* False: out of memory, or the parcel is short. */
static bool unpack_user(parcel *p, user_record *user)
{
    const char *id = parcel_take_text(p);
    size_t images = parcel_take_size(p);
    if (parcel_failed(p) || !id) return false;
    *user = (user_record){.id = strdup(id), .note = strdup("")};
    user->images = calloc(images ? images : 1, sizeof *user->images);
    if (!user->id || !user->note || !user->images) return false;
    for (user->image_count = 0; user->image_count < images; user->image_count++) {
        const char *image = parcel_take_text(p);
        if (!image || !(user->images[user->image_count] = strdup(image))) return false;
    }
    return true;
}

bool user_list_unpack(parcel *p, user_list *out, nbase_error *err)
{
    size_t count = parcel_take_size(p);
    *out = (user_list){0};
    out->users = calloc(count ? count : 1, sizeof *out->users);
    bool ok = out->users != NULL;
    /* a user who was not unpacked whole is counted, and freed with the rest */
    for (; ok && out->count < count; out->count++) ok = unpack_user(p, &out->users[out->count]);
    if (ok) return true;
    user_list_free(out);
    return tool_no_memory(err);
}

const user_record *user_list_find(const user_list *list, const char *id)
{
    for (size_t u = 0; u < list->count; u++)
        if (!strcmp(list->users[u].id, id)) return &list->users[u];
    return NULL;
}
