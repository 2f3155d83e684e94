#include "exif.h"

#include <string.h>

enum {
    ORIENTATION = 0x0112,
    DATE_TIME = 0x0132,
    EXIF_DIRECTORY = 0x8769, /* where the second directory begins */
    DATE_TIME_ORIGINAL = 0x9003,
    ENTRY = 12 /* bytes: tag, type, count, value */
};

enum {
    TYPE_BYTE = 1,
    TYPE_ASCII,
    TYPE_SHORT,
    TYPE_LONG,
    TYPE_SBYTE = 6,
    TYPE_SSHORT = 8,
    TYPE_SLONG
};

typedef struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big; /* the most significant byte comes first */
} tiff;

static uint32_t number(const tiff *t, size_t at, size_t bytes)
{
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint32_t)t->bytes[at + i] << 8 * (t->big ? bytes - 1 - i : i);
    return value;
}

/* The single whole number of the entry at `at`; false if it holds something else. */
static bool whole_number(const tiff *t, size_t at, uint32_t *value)
{
    size_t bytes;
    switch (number(t, at + 2, 2)) {
    case TYPE_BYTE:
    case TYPE_SBYTE: bytes = 1; break;
    case TYPE_SHORT:
    case TYPE_SSHORT: bytes = 2; break;
    case TYPE_LONG:
    case TYPE_SLONG: bytes = 4; break;
    default: return false;
    }
    *value = number(t, at + 8, bytes);
    return number(t, at + 4, 4) == 1;
}

/* Whether the number of two digits is one of least .. most. */
static bool within(const char *text, unsigned least, unsigned most)
{
    unsigned value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    return value >= least && value <= most;
}

/* Whether "yyyy:mm:dd hh:mm:ss" is a date; second 60 is a leap second. Cameras whose clock was
 * never set write zeros, which would come before all others. */
static bool is_date(const char *text)
{
    return memcmp(text, "0000", 4) != 0 && within(text + 5, 1, 12) && within(text + 8, 1, 31) &&
           within(text + 11, 0, 23) && within(text + 14, 0, 59) && within(text + 17, 0, 60);
}

/* The date of the entry at `at` into `out`, which stays as it is if that is no date. */
static void date(const tiff *t, size_t at, char out[EXIF_DATE])
{
    size_t length = number(t, at + 4, 4), place = number(t, at + 8, 4);
    bool fits = number(t, at + 2, 2) == TYPE_ASCII && length >= EXIF_DATE - 1 && place <= t->size &&
                t->size - place >= EXIF_DATE - 1;
    if (!fits) return;
    const char *text = (const char *)t->bytes + place;
    static const char pattern[] = "dddd:dd:dd dd:dd:dd";
    for (int i = 0; i < EXIF_DATE - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == 'd' ? !digit : text[i] != pattern[i]) return;
    }
    if (!is_date(text)) return;
    memcpy(out, text, EXIF_DATE - 1);
    out[EXIF_DATE - 1] = '\0';
}

/* Takes what is wanted of the directory at `at`. *next gets the place of the EXIF directory, if
 * this one names it. */
static void directory(const tiff *t, size_t at, exif_tags *out, uint32_t *next)
{
    if (at > t->size || t->size - at < 2) return;
    size_t entries = number(t, at, 2);
    at += 2;
    for (; entries && t->size - at >= ENTRY; entries--, at += ENTRY) {
        uint32_t tag = number(t, at, 2), value;
        if (tag == ORIENTATION && whole_number(t, at, &value)) {
            out->orientation = value;
            out->has_orientation = true;
        }
        if (tag == EXIF_DIRECTORY) whole_number(t, at, next);
        if (tag == DATE_TIME || tag == DATE_TIME_ORIGINAL) date(t, at, out->taken);
    }
}

void exif_read(const uint8_t *block, size_t size, exif_tags *out)
{
    static const char mark[6] = "Exif\0";
    *out = (exif_tags){0};
    while (size >= sizeof mark && !memcmp(block, mark, sizeof mark)) {
        block += sizeof mark;
        size -= sizeof mark;
    }
    if (size < 8 || (memcmp(block, "II\x2A\0", 4) && memcmp(block, "MM\0\x2A", 4))) return;
    tiff t = {block, size, block[0] == 'M'};
    uint32_t second = 0, none = 0;
    exif_tags ignored = {0};
    directory(&t, number(&t, 4, 4), out, &second);
    if (second) directory(&t, second, &ignored, &none);
    if (ignored.taken[0]) memcpy(out->taken, ignored.taken, sizeof out->taken);
}
