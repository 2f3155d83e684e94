#include "marks.h"

#include <string.h>

void marks_init(picture_marks *m) { *m = (picture_marks){.xmp = -1}; }

void marks_exif(picture_marks *m, const uint8_t *block, size_t size)
{
    exif_tags tags;
    exif_read(block, size, &tags);
    m->has_exif = true;
    if (m->exif.has_orientation) tags.orientation = m->exif.orientation;
    tags.has_orientation |= m->exif.has_orientation;
    if (m->exif.taken[0]) memcpy(tags.taken, m->exif.taken, sizeof tags.taken);
    m->exif = tags;
}

void marks_exif_last(picture_marks *m, const uint8_t *block, size_t size)
{
    exif_read(block, size, &m->exif);
    m->has_exif = true;
}

void marks_raw_profile(picture_marks *m, const uint8_t *block, size_t size)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    if (size >= sizeof xmp && !memcmp(block, xmp, sizeof xmp))
        marks_xmp(m, block + sizeof xmp, size - sizeof xmp);
    else
        exif_read(block, size, &m->profile);
}

static bool blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* The digit behind tiff:Orientation="6", ='6' or >6<, or -1. `p` stands behind the name. */
static int digit_behind(const uint8_t *p, const uint8_t *end)
{
    while (p < end && blank(*p)) p++;
    if (p < end && *p == '=') {
        p++;
        while (p < end && blank(*p)) p++;
        if (p == end || (*p != '"' && *p != '\'')) return -1;
    } else if (p == end || *p != '>') {
        return -1;
    }
    p++;
    while (p < end && blank(*p)) p++;
    return p < end && *p >= '0' && *p <= '9' ? *p - '0' : -1;
}

void marks_xmp(picture_marks *m, const uint8_t *packet, size_t size)
{
    static const char name[] = "tiff:Orientation";
    const uint8_t *p = packet, *end = packet + size;
    while ((p = memmem(p, (size_t)(end - p), name, sizeof name - 1))) {
        p += sizeof name - 1;
        int digit = digit_behind(p, end);
        if (digit < 0) continue;
        m->xmp = digit;
        return;
    }
}

int marks_orientation(const picture_marks *m)
{
    const exif_tags *tags = m->has_exif ? &m->exif : &m->profile;
    int64_t value = tags->has_orientation ? (int64_t)tags->orientation : m->xmp;
    return value >= 1 && value <= 8 ? (int)value : 1;
}

const char *marks_taken(const picture_marks *m)
{
    return m->has_exif ? m->exif.taken : m->profile.taken;
}
