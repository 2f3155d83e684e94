#include "icc_find.h"

#include <stdlib.h>
#include <string.h>

#include "images_stb.h"
#include "jpeg_segments.h"

/* ICC.1:2010, B.4: each segment has this mark, its number from 1, and how many there are. */
static const char mark[12] = "ICC_PROFILE";
enum { HEAD = 4 + sizeof mark + 2 };

typedef struct piece {
    const uint8_t *bytes;
    size_t size;
} piece;

/* Finds the pieces by their numbers, before the first scan. Returns how many there must be. */
static size_t find_pieces(const uint8_t *bytes, const jpeg_parts *p, piece pieces[256])
{
    size_t count = 0;
    for (size_t at = jpeg_next_marker(bytes, p->end, p->begin + 2); at < p->end;
         at = jpeg_next_marker(bytes, p->end, at)) {
        size_t length = jpeg_segment_size(bytes, p->end, at);
        if (!length || bytes[at + 1] == JPEG_SOS) break;
        const uint8_t *body = bytes + at + 4;
        if (bytes[at + 1] == JPEG_APP2 && length > HEAD && !memcmp(body, mark, sizeof mark)) {
            count = body[sizeof mark + 1];
            pieces[body[sizeof mark]] = (piece){bytes + at + HEAD, length - HEAD};
        }
        at += length;
    }
    return count;
}

/* Memory for a profile of so many bytes; none for one that counts as not there. */
static bool make_room(size_t size, uint8_t **profile)
{
    bool wanted = size && size <= ICC_MAX_BYTES;
    *profile = wanted ? malloc(size) : NULL;
    return *profile || !wanted;
}

static bool of_jpeg(const uint8_t *bytes, const jpeg_parts *parts, uint8_t **profile, size_t *size)
{
    piece pieces[256] = {{0}};
    size_t count = find_pieces(bytes, parts, pieces), sum = 0;
    for (size_t i = 1; i <= count; i++) {
        if (!pieces[i].size) return true;
        sum += pieces[i].size;
    }
    if (!make_room(sum, profile)) return false;
    for (size_t i = 1, at = 0; *profile && i <= count; at += pieces[i++].size)
        memcpy(*profile + at, pieces[i].bytes, pieces[i].size);
    *size = sum;
    return true;
}

static bool of_webp(const uint8_t *bytes, const container *c, uint8_t **profile, size_t *size)
{
    if (!make_room(c->icc_size, profile)) return false;
    if (*profile) memcpy(*profile, bytes + c->icc_at, c->icc_size);
    *size = c->icc_size;
    return true;
}

bool icc_find(const uint8_t *bytes, const container *c, uint8_t **profile, size_t *profile_size)
{
    *profile = NULL;
    switch (c->format) {
    case PICTURE_JPEG: return of_jpeg(bytes, &c->jpeg, profile, profile_size);
    case PICTURE_WEBP: return of_webp(bytes, c, profile, profile_size);
    case PICTURE_PNG:
        return stb_inflate(bytes + c->icc_at, c->icc_size, ICC_MAX_BYTES, profile, profile_size);
    default: return true;
    }
}
