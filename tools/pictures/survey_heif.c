/* The size of a HEIC or AVIF picture (ISO/IEC 23008-12): properties of its primary item. */
#include <string.h>

#include "bytes.h"
#include "fail.h"
#include "survey.h"

/* A stretch of the file: a box's content, or what is left of it. */
typedef struct span {
    const uint8_t *at, *end;
} span;

static size_t left(const span *s) { return (size_t)(s->end - s->at); }

/* A number of `bytes` bytes, most significant first; 0 beyond the end. */
static size_t take_number(span *s, int bytes)
{
    size_t value = 0;
    if (left(s) < (size_t)bytes) {
        s->at = s->end;
        return 0;
    }
    while (bytes--) value = value << 8 | *s->at++;
    return value;
}

/* ISO/IEC 14496-12, 4.2: takes the next box. False at the end, or where its size makes no sense. */
static bool next_box(span *s, uint32_t *type, span *content)
{
    const uint8_t *begin = s->at;
    size_t room = left(s), size = take_number(s, 4);
    *type = (uint32_t)take_number(s, 4);
    if (size == 1) size = take_number(s, 8);
    if (size == 0) size = room; /* to the end */
    size_t head = (size_t)(s->at - begin);
    if (room < 8 || size < head || size > room) return false;
    *content = (span){s->at, begin + size};
    s->at = begin + size;
    return true;
}

static uint32_t name(const char *text) { return (uint32_t)be32((const uint8_t *)text); }

/* The first box of this type inside `s`; what is before it is skipped. */
static bool find_box(span s, const char *type, span *content)
{
    uint32_t found;
    while (next_box(&s, &found, content))
        if (found == name(type)) return true;
    return false;
}

/* The property of this number, counted from 1. */
static bool property(span all, size_t number, uint32_t *type, span *content)
{
    while (number && next_box(&all, type, content)) number--;
    return number == 0;
}

/* Applies a property to the size: what it is, what is cut out of it, a turn by a quarter. */
static void apply(container *out, uint32_t type, span p)
{
    if (type == name("ispe")) {
        take_number(&p, 4); /* version and flags */
        out->width = take_number(&p, 4);
        out->height = take_number(&p, 4);
    } else if (type == name("clap")) {
        size_t width = take_number(&p, 4), per_width = take_number(&p, 4);
        size_t height = take_number(&p, 4), per_height = take_number(&p, 4);
        if (per_width && width / per_width < out->width) out->width = width / per_width;
        if (per_height && height / per_height < out->height) out->height = height / per_height;
    } else if (type == name("irot") && take_number(&p, 1) & 1) {
        size_t width = out->width;
        out->width = out->height;
        out->height = width;
    }
}

/* 23008-12, 9.3.2: which properties an item has, in the order in which they apply. */
static void apply_properties(container *out, span associations, span properties, size_t item)
{
    size_t version = take_number(&associations, 1), flags = take_number(&associations, 3);
    for (size_t entries = take_number(&associations, 4); entries && left(&associations);
         entries--) {
        bool ours = take_number(&associations, version ? 4 : 2) == item;
        for (size_t n = take_number(&associations, 1); n; n--) {
            size_t number = flags & 1 ? take_number(&associations, 2) & 0x7FFF
                                      : take_number(&associations, 1) & 0x7F;
            uint32_t type;
            span content;
            if (ours && number && property(properties, number, &type, &content))
                apply(out, type, content);
        }
    }
}

bool survey_heif(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    span meta, primary, properties, list, associations;
    bool ok = find_box((span){bytes, bytes + size}, "meta", &meta);
    if (ok) take_number(&meta, 4);
    ok = ok && find_box(meta, "pitm", &primary) && find_box(meta, "iprp", &properties) &&
         find_box(properties, "ipco", &list) && find_box(properties, "ipma", &associations);
    if (!ok)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "truncated or damaged HEIF: its description is not whole");
    size_t version = take_number(&primary, 4) >> 24, item = take_number(&primary, version ? 4 : 2);
    apply_properties(out, associations, list, item);
    return true;
}
