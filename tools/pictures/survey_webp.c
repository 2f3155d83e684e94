/* WebP's container (developers.google.com/speed/webp/docs/riff_container): chunks of a name, a size
 * with the least significant byte first, and bytes, padded to an even number. */
#include <string.h>

#include "fail.h"
#include "survey.h"

enum { RIFF = 12, CHUNK = 8 }; /* bytes of the headers */

static size_t le(const uint8_t *p, int bytes)
{
    size_t value = 0;
    while (bytes--) value = value << 8 | p[bytes];
    return value;
}

/* The size of the whole picture from the chunk of an extended file, or from that of a picture by
 * itself, whose first bytes are those of a lossy (RFC 6386, 9.1) or lossless frame. */
static void take_size(container *out, const uint8_t *type, const uint8_t *body, size_t length)
{
    if (out->width) return;
    if (!memcmp(type, "VP8X", 4) && length >= 10) {
        out->width = le(body + 4, 3) + 1;
        out->height = le(body + 7, 3) + 1;
    } else if (!memcmp(type, "VP8 ", 4) && length >= 10 && !memcmp(body + 3, "\x9D\x01\x2A", 3)) {
        out->width = le(body + 6, 2) & 0x3FFF;
        out->height = le(body + 8, 2) & 0x3FFF;
    } else if (!memcmp(type, "VP8L", 4) && length >= 5 && body[0] == 0x2F) {
        size_t bits = le(body + 1, 4);
        out->width = (bits & 0x3FFF) + 1;
        out->height = (bits >> 14 & 0x3FFF) + 1;
    }
}

bool survey_webp(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    size_t promised = le(bytes + 4, 4), end = promised + 8;
    if (end > size || end < RIFF)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "truncated WebP data: %zu bytes where its header promises %zu", size, end);
    for (size_t at = RIFF; end - at >= CHUNK;) {
        const uint8_t *type = bytes + at, *body = type + CHUNK;
        size_t length = le(type + 4, 4);
        if (length > end - at - CHUNK)
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "damaged WebP: the part at byte %zu is longer than the file", at);
        take_size(out, type, body, length);
        if (!memcmp(type, "EXIF", 4)) marks_exif_last(&out->marks, body, length);
        if (!memcmp(type, "XMP ", 4)) marks_xmp(&out->marks, body, length);
        if (!memcmp(type, "ICCP", 4)) {
            out->icc_at = at + CHUNK;
            out->icc_size = length;
        }
        size_t whole = CHUNK + length + (length & 1);
        at += whole < end - at ? whole : end - at;
    }
    return out->width ||
           tool_fail(err, NBASE_ERR_FORMAT, "damaged WebP: there is no picture in it");
}
