#include "followup.h"

#include <stdlib.h>
#include <string.h>

#include "data/when.h"
#include "fail.h"

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

static bool same_user(const json_t *v, uint64_t id)
{
    if (json_is_integer(v))
        return json_integer_value(v) >= 0 && (uint64_t)json_integer_value(v) == id;
    if (!json_is_string(v) || !*json_string_value(v)) return false;
    char *end;
    uint64_t n = strtoull(json_string_value(v), &end, 10);
    return !*end && n == id;
}

static bool inside_folder(const char *path)
{
    if (!*path || *path == '/') return false;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return false;
        p += n + (p[n] == '/');
    }
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) return false;
    return true;
}

static bool only_blanks(const char *text) { return text[strspn(text, " \t\r\n")] == '\0'; }

static bool add_record(user_records *r, const json_t *item, size_t i, uint64_t id, nbase_error *err)
{
    const json_t *type, *user, *at, *v;
    int64_t when;
    if (!json_is_object(item))
        return tool_fail(err, NBASE_ERR_FORMAT, "record %zu is %s, expected an object", i + 1,
                         type_name(item));
    if (!(type = need(item, i, "entry_type", err)) || !(user = need(item, i, "userId", err)) ||
        !(at = need(item, i, "created_at", err)))
        return false;
    if (!json_is_string(type)) return wrong(i, "entry_type", type, "text", err);
    if (!same_user(user, id))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "record %zu: 'userId' is not that of the file (%llu)", i + 1,
                         (unsigned long long)id);
    if (!when_parse(at, &when)) {
        tool_fail(
            err, NBASE_ERR_FORMAT,
            "record %zu: 'created_at' is not a time; expected ISO 8601 (2019-06-01T10:30:00Z) "
            "or seconds since 1970",
            i + 1);
        return false;
    }
    bool message = strcmp(json_string_value(type), "DrMessage") == 0,
         photo = strcmp(json_string_value(type), "Annotation") == 0;
    if (!message && !photo) return true;
    const char *key = message ? "dr_note" : "image_path";
    if (!(v = need(item, i, key, err))) return false;
    if (message && json_is_null(v)) return true;
    if (!json_is_string(v)) return wrong(i, key, v, "text", err);
    record rec = {when, i, json_string_value(v), json_string_length(v)};
    if (photo && !inside_folder(rec.text))
        return tool_fail(
            err, NBASE_ERR_FORMAT,
            "record %zu: 'image_path' must be relative and stay inside the images folder", i + 1);
    if (photo)
        r->images[r->image_count++] = rec;
    else if (!only_blanks(rec.text))
        r->notes[r->note_count++] = rec;
    return true;
}

bool user_records_parse(const char *bytes, size_t size, uint64_t id, user_records *out,
                        nbase_error *err)
{
    *out = (user_records){0};
    /* a byte-order mark, as some exporters write it */
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) bytes += 3, size -= 3;
    json_error_t fault;
    out->document = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &fault);
    if (!out->document)
        return tool_fail(err, NBASE_ERR_FORMAT, "not valid JSON: line %d: %s", fault.line,
                         fault.text);
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
