#include "analyzebody.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/when.h"
#include "numbers.h"
#include "pictures/formats.h"
#include "shown.h"

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

/* ---- names that may mean a date ---- */

/* Remembers a name that is not read if others use it for a photo's date. */
static void note_unread(analyze_body *b, const char *name, size_t size)
{
    static const char *const names[] = {"date",      "dates",     "datetime",   "time",
                                        "timestamp", "createdat", "capturedat", "takenat"};
    char letters[16] = "";
    size_t n = 0;
    if (b->not_date[0] || size >= sizeof b->not_date) return;
    for (size_t i = 0; i < size && n + 1 < sizeof letters; i++)
        if (isalpha((unsigned char)name[i])) letters[n++] = (char)tolower((unsigned char)name[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(letters, names[i]) == 0) memcpy(b->not_date, name, size);
}

/* Dates under another name would be ignored, and the photos judged in a wrong order. */
static bool dates_were_read(analyze_body *b)
{
    char safe[SHOWN_SIZE];
    for (size_t i = 0; i < b->photos.count; i++)
        if (b->photos.items[i].dated) return true;
    if (!b->not_date[0]) return true;
    return problem_set(b->problem, 400, "BAD_REQUEST", "'%s' is not read; call it 'date', %s",
                       shown(b->not_date, strlen(b->not_date), safe),
                       b->is_multipart ? "one field for each photo"
                                       : "in the object of each photo");
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
    if (b->key == KEY_SKIP) note_unread(b, v->text, v->size);
    if ((b->key == KEY_PHOTOS && b->seen_photos) || (b->key == KEY_DATA && b->seen_data))
        return wrong(b, "a key occurs twice");
    b->seen_photos |= b->key == KEY_PHOTOS;
    b->seen_data |= b->key == KEY_DATA;
    b->decoder = (data_url){0};
    b->text_size = 0;
    return true;
}

static bool decode(analyze_body *b, const json_value *v)
{
    uint8_t bytes[3072];
    for (size_t at = 0; at < v->size;) {
        size_t step = v->size - at < 4000 ? v->size - at : 4000, n = 0;
        if (!data_url_feed(&b->decoder, v->text + at, step, bytes, &n))
            return problem_set(b->problem, 400, "BAD_BASE64",
                               "the data of photo %zu is neither base64 nor a data URL in base64",
                               b->photos.count - 1);
        if (!photo_list_append(&b->photos, bytes, n, b->problem)) return false;
        at += step;
    }
    return true;
}

static bool end_data(analyze_body *b)
{
    uint8_t bytes[DATA_URL_ROOM];
    size_t n = 0;
    if (!data_url_end(&b->decoder, bytes, &n))
        return problem_set(b->problem, 400, "BAD_BASE64", "the data of photo %zu is cut off",
                           b->photos.count - 1);
    return photo_list_append(&b->photos, bytes, n, b->problem);
}

static bool date_photo(analyze_body *b, const char *text, size_t size)
{
    return photo_list_date(&b->photos, b->photos.count - 1, text, size, b->problem);
}

/* A date as a number must be long enough for seconds: 20240131 is none, though it is as a text. */
static bool date_by_number(analyze_body *b, double number)
{
    char text[NUMBER_TEXT_SIZE];
    size_t size = number_text(number, text);
    int64_t when;
    return when_parse_number(number, &when) ? date_photo(b, text, size)
                                            : photo_date_refuse(b->problem, text, size);
}

static bool take_text(analyze_body *b, json_event event, const json_value *v)
{
    if (event == ON_STRING_PART)
        return b->key == KEY_DATA ? decode(b, v) : add_text(b, v->text, v->size);
    return b->key == KEY_DATE ? date_photo(b, b->text, b->text_size) : end_data(b);
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
        if (event == ON_NUMBER) return date_by_number(b, v->number);
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

/* The next input for files; `chosen` unless it was left empty. */
static bool add_input(analyze_body *b, bool chosen)
{
    if (b->inputs == SERVE_MAX_INPUTS)
        return problem_set(b->problem, 413, "TOO_LARGE", "the form has more than %d inputs",
                           SERVE_MAX_INPUTS);
    b->empty[b->inputs++] = !chosen;
    b->has_photo = chosen;
    return !chosen || photo_list_begin(&b->photos, b->problem);
}

static bool part_begin(void *ctx, const char *name, multipart_kind kind)
{
    analyze_body *b = ctx;
    b->text_size = 0;
    b->has_photo = false;
    b->field = kind != MULTIPART_VALUE        ? FIELD_PHOTO
               : strcmp(name, "date") == 0    ? FIELD_DATE
               : strcmp(name, "explain") == 0 ? FIELD_EXPLAIN
                                              : FIELD_SKIP;
    if (b->field == FIELD_SKIP) note_unread(b, name, strlen(name));
    return kind != MULTIPART_FILE || add_input(b, true);
}

/* Bytes of a part with neither a file name nor the type of a picture, as scripts send them. What
 * begins like a picture is one: left out, the person would be judged without that photo. */
static bool skipped_data(analyze_body *b, const char *bytes, size_t size)
{
    enum { HEAD = 16 }; /* enough to tell every format that is read */
    size_t step = HEAD - b->text_size < size ? HEAD - b->text_size : size;
    const char *name;
    memcpy(b->text + b->text_size, bytes, step);
    b->text_size += step;
    if (b->text_size < HEAD) return true;
    picture_format format = picture_format_of((const uint8_t *)b->text, HEAD, &name);
    if (format == PICTURE_UNKNOWN || format == PICTURE_OTHER) return true;
    b->field = FIELD_PHOTO;
    return add_input(b, true) && photo_list_append(&b->photos, b->text, HEAD, b->problem) &&
           photo_list_append(&b->photos, bytes + step, size - step, b->problem);
}

static bool part_data(void *ctx, const char *bytes, size_t size)
{
    analyze_body *b = ctx;
    if (b->field == FIELD_SKIP) return skipped_data(b, bytes, size);
    if (b->field == FIELD_PHOTO)
        return (b->has_photo || add_input(b, true)) &&
               photo_list_append(&b->photos, bytes, size, b->problem);
    return add_text(b, bytes, size);
}

static bool part_end(void *ctx)
{
    analyze_body *b = ctx;
    if (b->field == FIELD_EXPLAIN) {
        b->explain = text_is(b, "1") || text_is(b, "true") || text_is(b, "on");
        return b->explain || text_is(b, "0") || text_is(b, "false") ||
               wrong(b, "explain must be 1 or 0");
    }
    if (b->field == FIELD_PHOTO) return b->has_photo || add_input(b, false);
    if (b->field != FIELD_DATE) return true;
    if (b->dates == SERVE_MAX_INPUTS) return wrong(b, "there are too many dates");
    if (b->text_size >= PHOTO_DATE) return photo_date_refuse(b->problem, b->text, b->text_size);
    memcpy(b->date_texts[b->dates], b->text, b->text_size);
    b->date_texts[b->dates++][b->text_size] = '\0';
    return true;
}

/* Gives the photos of a form their dates. */
static bool date_form(analyze_body *b)
{
    bool by_input = b->dates == b->inputs, by_photo = b->dates == b->photos.count;
    if (b->dates && !by_input && !by_photo)
        return wrong(b, "there must be a date for every photo, or no date at all");
    for (size_t i = 0, next = 0; i < b->dates; i++) {
        if (!by_photo && b->empty[i]) continue;
        const char *text = b->date_texts[i];
        if (!photo_list_date(&b->photos, next++, text, strlen(text), b->problem)) return false;
    }
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
    if (!date_form(b)) return false;
    if (b->photos.count == 0) return wrong(b, "there is no photo");
    return dates_were_read(b) && photo_list_sort(&b->photos, b->problem);
}

void analyze_body_free(analyze_body *b) { photo_list_free(&b->photos); }
