#include "analyzebody.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { KEY_SKIP, KEY_PHOTOS, KEY_DATA, KEY_DATE, KEY_EXPLAIN };
enum { FIELD_SKIP, FIELD_PHOTO, FIELD_DATE, FIELD_EXPLAIN };

static bool wrong(analyze_body *b, const char *text)
{
    return problem_set(b->problem, 400, "BAD_REQUEST", "%s", text);
}

/* ---- small values ---- */

static bool add_text(analyze_body *b, const char *bytes, size_t size)
{
    if (size > sizeof b->text - b->text_size) return wrong(b, "a date or option is too long");
    memcpy(b->text + b->text_size, bytes, size);
    b->text_size += size;
    return true;
}

static bool text_is(const analyze_body *b, const char *text)
{
    return strlen(text) == b->text_size && memcmp(b->text, text, b->text_size) == 0;
}

/* ---- JSON ---- */

static bool take_key(analyze_body *b, const json_value *v)
{
    static const struct {
        const char *name;
        int depth, key;
    } keys[] = {{"photos", 1, KEY_PHOTOS},
                {"explain", 1, KEY_EXPLAIN},
                {"data", 3, KEY_DATA},
                {"date", 3, KEY_DATE}};
    b->key = KEY_SKIP;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].depth == b->depth && strlen(keys[i].name) == v->size &&
            memcmp(keys[i].name, v->text, v->size) == 0)
            b->key = keys[i].key;
    if ((b->key == KEY_PHOTOS && b->seen_photos) || (b->key == KEY_DATA && b->seen_data))
        return wrong(b, "a key occurs twice");
    b->seen_photos |= b->key == KEY_PHOTOS;
    b->seen_data |= b->key == KEY_DATA;
    b->decoder = (base64){0};
    b->text_size = 0;
    return true;
}

static bool decode(analyze_body *b, const json_value *v)
{
    uint8_t bytes[3072];
    for (size_t at = 0; at < v->size;) {
        size_t take = v->size - at < 4000 ? v->size - at : 4000, n = 0;
        if (!base64_feed(&b->decoder, v->text + at, take, bytes, &n))
            return problem_set(b->problem, 400, "BAD_BASE64", "the data of photo %zu is not base64",
                               b->photos.count - 1);
        if (!photo_list_append(&b->photos, bytes, n, b->problem)) return false;
        at += take;
    }
    return true;
}

static bool take_text(analyze_body *b, json_event event, const json_value *v)
{
    if (event == ON_STRING_PART)
        return b->key == KEY_DATA ? decode(b, v) : add_text(b, v->text, v->size);
    if (b->key == KEY_DATE)
        return photo_list_date(&b->photos, b->photos.count - 1, b->text, b->text_size, b->problem);
    return base64_end(&b->decoder) ||
           problem_set(b->problem, 400, "BAD_BASE64", "the data of photo %zu is cut off",
                       b->photos.count - 1);
}

static bool begin_photo(analyze_body *b)
{
    b->depth = 3;
    b->key = KEY_SKIP;
    b->seen_data = false;
    return photo_list_begin(&b->photos, b->problem);
}

static bool end_photo(analyze_body *b)
{
    b->depth = 2;
    return b->seen_data || wrong(b, "a photo without the key data");
}

/* An event in the list of photos, outside of any photo. */
static bool in_list(analyze_body *b, json_event event)
{
    if (event == ON_OBJECT_BEGIN) return begin_photo(b);
    if (event != ON_ARRAY_END)
        return wrong(b, "photos must contain objects {\"data\": \"<base64>\"}");
    b->depth = 1;
    b->key = KEY_SKIP;
    return true;
}

/* An event of the value that belongs to b->key. */
static bool in_value(analyze_body *b, json_event event, const json_value *v)
{
    bool text = event == ON_STRING_PART || event == ON_STRING_END;
    switch (b->key) {
    case KEY_PHOTOS:
        if (event != ON_ARRAY_BEGIN) return wrong(b, "photos must be an array");
        b->depth = 2;
        return true;
    case KEY_EXPLAIN:
        if (event != ON_TRUE && event != ON_FALSE) return wrong(b, "explain must be true or false");
        b->explain = event == ON_TRUE;
        return true;
    case KEY_DATE:
        if (event == ON_NULL) return true;
        /* fall through */
    case KEY_DATA: return text ? take_text(b, event, v) : wrong(b, "data and date must be text");
    default: b->skipped += json_nesting(event); return true;
    }
}

static bool consume(void *ctx, json_event event, const json_value *v)
{
    analyze_body *b = ctx;
    if (b->skipped) {
        b->skipped += json_nesting(event);
        return true;
    }
    if (b->depth == 0) {
        b->depth = 1;
        return event == ON_OBJECT_BEGIN ||
               wrong(b, "the body must be an object {\"photos\": [...]}");
    }
    if (b->depth == 2) return in_list(b, event);
    if (event == ON_KEY) return take_key(b, v);
    if (event != ON_OBJECT_END) return in_value(b, event, v);
    return b->depth == 3 ? end_photo(b) : true; /* the root's end: the reader checks what follows */
}

/* ---- multipart ---- */

static bool part_begin(void *ctx, const char *name, bool file)
{
    analyze_body *b = ctx;
    b->text_size = 0;
    b->field = file                           ? FIELD_PHOTO
               : strcmp(name, "date") == 0    ? FIELD_DATE
               : strcmp(name, "explain") == 0 ? FIELD_EXPLAIN
                                              : FIELD_SKIP;
    return b->field != FIELD_PHOTO || photo_list_begin(&b->photos, b->problem);
}

static bool part_data(void *ctx, const char *bytes, size_t size)
{
    analyze_body *b = ctx;
    if (b->field == FIELD_PHOTO) return photo_list_append(&b->photos, bytes, size, b->problem);
    return b->field == FIELD_SKIP || add_text(b, bytes, size);
}

static bool part_end(void *ctx)
{
    analyze_body *b = ctx;
    if (b->field == FIELD_EXPLAIN) {
        b->explain = text_is(b, "1") || text_is(b, "true") || text_is(b, "on");
        return b->explain || text_is(b, "0") || text_is(b, "false") ||
               wrong(b, "explain must be 1 or 0");
    }
    if (b->field != FIELD_DATE) return true;
    if (b->dates == SERVE_MAX_PHOTOS || b->text_size >= PHOTO_DATE)
        return wrong(b, "a date is too long, or there are too many");
    memcpy(b->date_texts[b->dates], b->text, b->text_size);
    b->date_texts[b->dates++][b->text_size] = '\0';
    return true;
}

/* ---- both ---- */

bool analyze_body_init(analyze_body *b, const char *content_type, size_t max_photos,
                       size_t max_photo_bytes, budget *memory, problem *p)
{
    memset(b, 0, sizeof *b);
    b->problem = p;
    photo_list_init(&b->photos, max_photos < SERVE_MAX_PHOTOS ? max_photos : SERVE_MAX_PHOTOS,
                    max_photo_bytes, memory);
    b->is_multipart = content_type && strncasecmp(content_type, "multipart/form-data", 19) == 0;
    if (b->is_multipart) {
        if (!multipart_init(&b->parts, content_type,
                            (multipart_sink){part_begin, part_data, part_end, b}))
            problem_set(p, 400, "BAD_MULTIPART", "%s", b->parts.error);
    } else if (content_type && strncasecmp(content_type, "application/json", 16) != 0) {
        problem_set(p, 415, "UNSUPPORTED_MEDIA_TYPE",
                    "expected multipart/form-data or application/json");
    } else {
        json_stream_init(&b->json, consume, b);
    }
    return p->status == 0;
}

static bool report(analyze_body *b)
{
    if (b->is_multipart && b->parts.error)
        problem_set(b->problem, 400, "BAD_MULTIPART", "the form is malformed: %s", b->parts.error);
    return b->is_multipart ? b->problem->status == 0 : problem_json_ok(b->problem, &b->json);
}

bool analyze_body_feed(analyze_body *b, const char *bytes, size_t size)
{
    if (b->problem->status) return false;
    if (b->is_multipart)
        multipart_feed(&b->parts, bytes, size);
    else
        json_stream_feed(&b->json, bytes, size);
    return report(b);
}

bool analyze_body_end(analyze_body *b)
{
    if (b->problem->status) return false;
    if (b->is_multipart)
        multipart_end(&b->parts);
    else
        json_stream_end(&b->json);
    if (!report(b)) return false;
    if (b->dates && b->dates != b->photos.count)
        return wrong(b, "there must be a date for every photo, or no date at all");
    for (size_t i = 0; i < b->dates; i++)
        if (!photo_list_date(&b->photos, i, b->date_texts[i], strlen(b->date_texts[i]), b->problem))
            return false;
    if (b->photos.count == 0) return wrong(b, "there is no photo");
    photo_list_sort(&b->photos);
    return true;
}

void analyze_body_free(analyze_body *b) { photo_list_free(&b->photos); }
