#include "followup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "data/encoding.h"
#include "data/when.h"
#include "fail.h"
#include "pick.h"
#include "shown.h"

/* The members of a record that are read. */
static const char *const read_keys[] = {"entry_type", "userId",     "created_at",
                                        "dr_note",    "image_path", NULL};

static int by_time(const void *a, const void *b)
{
    const record *x = a, *y = b;
    if (x->when != y->when) return x->when < y->when ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static const char *type_name(const json_t *v)
{
    static const char *const names[] = {"an object", "an array", "text",  "a whole number",
                                        "a number",  "true",     "false", "null"};
    return names[json_typeof(v)];
}

/* Returns the value of a key that must be there; null with an error. */
static const json_t *need(const json_t *item, size_t i, const char *key, nbase_error *err)
{
    const json_t *v = json_object_get(item, key);
    if (!v) tool_fail(err, NBASE_ERR_FORMAT, "record %zu: the key '%s' is missing", i + 1, key);
    return v;
}

static bool wrong(size_t i, const char *key, const json_t *v, const char *expected,
                  nbase_error *err)
{
    return tool_fail(err, NBASE_ERR_FORMAT, "record %zu: '%s' is %s, expected %s", i + 1, key,
                     type_name(v), expected);
}

/* A number or text. 5.0 is what pandas writes for 5 where another row has no number. */
static bool same_user(const json_t *v, uint64_t id)
{
    if (json_is_integer(v))
        return json_integer_value(v) >= 0 && (uint64_t)json_integer_value(v) == id;
    if (json_is_real(v)) return id < (uint64_t)1 << 53 && json_real_value(v) == (double)id;
    if (!json_is_string(v)) return false;
    const char *text = json_string_value(v);
    if (strspn(text, "0123456789 ") != strlen(text) || !strpbrk(text, "0123456789")) return false;
    char *end;
    uint64_t n = strtoull(text, &end, 10);
    return !end[strspn(end, " ")] && n == id;
}

/* The next part of a path that is neither empty nor ".", and moves *path past it. *n is 0 at the
 * path's end. */
static const char *next_part(const char **path, size_t *n)
{
    const char *part;
    do {
        part = *path + strspn(*path, "/");
        *n = strcspn(part, "/");
        *path = part + *n;
    } while (*n == 1 && *part == '.');
    return part;
}

/* Orders paths so that those of one file are equal, however they are written. */
static int compare_paths(const char *a, const char *b)
{
    size_t n, m;
    do {
        const char *x = next_part(&a, &n), *y = next_part(&b, &m);
        int order = memcmp(x, y, n < m ? n : m);
        if (order) return order;
        if (n != m) return n < m ? -1 : 1;
    } while (n);
    return 0;
}

static int by_path(const void *a, const void *b)
{
    int order = compare_paths(((const record *)a)->text, ((const record *)b)->text);
    return order ? order : by_time(a, b);
}

/* Joined tables have a record several times, and a photo that was looked at twice has two. */
static void take_photos_once(user_records *r)
{
    size_t kept = 0;
    qsort(r->images, r->image_count, sizeof *r->images, by_path);
    for (size_t i = 0; i < r->image_count; i++)
        if (!kept || compare_paths(r->images[kept - 1].text, r->images[i].text) != 0)
            r->images[kept++] = r->images[i];
    r->repeated = r->image_count - kept;
    r->image_count = kept;
}

/* Whether a path names a file inside the folder that it is relative to. */
static bool inside_folder(const char *path)
{
    if (!*path || *path == '/') return false;
    const char *last = strrchr(path, '/');
    last = last ? last + 1 : path;
    if (!*last || strcmp(last, ".") == 0) return false;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return false;
        p += n + (p[n] == '/');
    }
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) return false;
    return true;
}

static bool read_time(const json_t *item, size_t i, int64_t *when, nbase_error *err)
{
    const json_t *at = need(item, i, "created_at", err);
    if (!at) return false;
    bool parsed = when_parse(at, when);
    if (parsed && when_plausible(*when)) return true;
    char *text = json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT), safe[SHOWN_SIZE];
    const char *value = text ? shown(text, strlen(text), safe) : "?";
    if (parsed)
        tool_fail(err, NBASE_ERR_FORMAT, "record %zu: 'created_at' " WHEN_IMPLAUSIBLE ": %s", i + 1,
                  value);
    else
        tool_fail(err, NBASE_ERR_FORMAT,
                  "record %zu: 'created_at' is not a time: %s; " WHEN_EXPECTED, i + 1, value);
    free(text);
    return false;
}

static bool add_note(user_records *r, const json_t *item, size_t i, nbase_error *err)
{
    const json_t *note = need(item, i, "dr_note", err);
    if (!note) return false;
    if (json_is_null(note)) return true;
    if (!json_is_string(note)) return wrong(i, "dr_note", note, "text", err);
    record rec = {0, i, json_string_value(note), json_string_length(note)};
    if (text_is_blank(rec.text, rec.size)) return true;
    if (!read_time(item, i, &rec.when, err)) return false;
    r->notes[r->note_count++] = rec;
    return true;
}

static bool add_photo(user_records *r, const json_t *item, size_t i, nbase_error *err)
{
    const json_t *path = need(item, i, "image_path", err);
    if (!path) return false;
    if (!json_is_string(path)) return wrong(i, "image_path", path, "text", err);
    record rec = {0, i, json_string_value(path), json_string_length(path)};
    if (!inside_folder(rec.text))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "record %zu: 'image_path' must name a file, be relative and stay inside "
                         "the images folder",
                         i + 1);
    if (!read_time(item, i, &rec.when, err)) return false;
    r->images[r->image_count++] = rec;
    return true;
}

static const char *const entry_types[] = {"DrMessage", "Annotation"};

/* The entry type that `text` is but for case and punctuation, though not that itself; or null. */
static const char *nearly_entry_type(const char *text)
{
    for (size_t i = 0; i < sizeof entry_types / sizeof *entry_types; i++) {
        const char *p = text, *q = entry_types[i];
        for (; *p; p++) {
            if (!isalnum((unsigned char)*p)) continue;
            if (tolower((unsigned char)*p) != tolower((unsigned char)*q)) break;
            q++;
        }
        if (!*p && !*q) return entry_types[i];
    }
    return NULL;
}

/* Only what is used is checked: a login may lack a time, and an empty message too. */
static bool add_record(user_records *r, const json_t *item, size_t i, uint64_t id, nbase_error *err)
{
    const json_t *type, *user;
    if (!json_is_object(item))
        return tool_fail(err, NBASE_ERR_FORMAT, "record %zu is %s, expected an object", i + 1,
                         type_name(item));
    if (!(type = need(item, i, "entry_type", err))) return false;
    if (!json_is_string(type)) return wrong(i, "entry_type", type, "text", err);
    const char *name = json_string_value(type), *meant;
    char safe[SHOWN_SIZE];
    bool message = strcmp(name, entry_types[0]) == 0, photo = strcmp(name, entry_types[1]) == 0;
    if (!message && !photo && (meant = nearly_entry_type(name)))
        return tool_fail(err, NBASE_ERR_FORMAT, "record %zu: 'entry_type' is '%s', expected '%s'",
                         i + 1, shown(name, strlen(name), safe), meant);
    if (!message && !photo) return true;
    if (!(user = need(item, i, "userId", err))) return false;
    if (!same_user(user, id))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "record %zu: 'userId' is not that of the file (%llu)", i + 1,
                         (unsigned long long)id);
    return message ? add_note(r, item, i, err) : add_photo(r, item, i, err);
}

/* The document with the members that are read; null with an error. */
static json_t *load(const char *bytes, size_t size, nbase_error *err)
{
    plain_text text;
    size_t picked_size;
    nbase_error problem;
    json_error_t fault;
    json_t *document = NULL;
    if (!plain_text_of(bytes, size, &text, err)) return NULL;
    char *picked = pick_members(text.bytes, text.size, read_keys, &picked_size, &problem);
    if (!picked) {
        tool_fail(err, problem.status,
                  problem.status == NBASE_ERR_NOMEM ? "%s" : "not valid JSON: %s", problem.text);
    } else if (!(document = json_loadb(picked, picked_size, JSON_REJECT_DUPLICATES, &fault))) {
        if (json_error_code(&fault) == json_error_out_of_memory)
            tool_no_memory(err);
        else if (text_is_blank(picked, picked_size))
            tool_fail(err, NBASE_ERR_FORMAT, "not valid JSON: it is empty");
        else if (!text_is_utf8(picked, picked_size, &problem))
            tool_fail(err, problem.status, "not valid JSON: %s", problem.text);
        else
            tool_fail(err, NBASE_ERR_FORMAT, "not valid JSON: line %d: %s", fault.line, fault.text);
    }
    free(picked);
    plain_text_free(&text);
    return document;
}

bool user_records_parse(const char *bytes, size_t size, uint64_t id, user_records *out,
                        nbase_error *err)
{
    *out = (user_records){0};
    if (!(out->document = load(bytes, size, err))) return false;
    bool ok = json_is_array(out->document);
    if (!ok)
        tool_fail(err, NBASE_ERR_FORMAT, "it holds %s, expected an array of records",
                  type_name(out->document));
    size_t n = json_array_size(out->document);
    out->notes = malloc((n + 1) * sizeof *out->notes);
    out->images = malloc((n + 1) * sizeof *out->images);
    if (!out->notes || !out->images) ok = tool_no_memory(err);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_record(out, json_array_get(out->document, i), i, id, err);
    if (!ok) {
        user_records_free(out);
        return false;
    }
    qsort(out->notes, out->note_count, sizeof *out->notes, by_time);
    take_photos_once(out);
    qsort(out->images, out->image_count, sizeof *out->images, by_time);
    return true;
}

void user_records_free(user_records *r)
{
    json_decref(r->document);
    free(r->notes);
    free(r->images);
    *r = (user_records){0};
}
