#include <string.h>

#include "bytes.h"
#include "fail.h"
#include "png_text.h"
#include "survey.h"

enum { SIGNATURE = 8, OVERHEAD = 12 }; /* bytes: of the file, of a chunk */

/* CRC-32 of ISO 3309 as the PNG specification (annex D) wants it, four bits at a time. */
static uint32_t png_crc(const uint8_t *p, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
                                       0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                       0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    uint32_t crc = 0xFFFFFFFF;
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* Bytes of `height` rows of `width` pixels, each row with the number of its filter. Sizes that
 * overflow are far beyond any limit, so they are only kept from wrapping. */
static size_t row_bytes(size_t width, size_t height, size_t bits)
{
    if (!width || !height) return 0;
    size_t row = (width * bits + 7) / 8 + 1;
    return row > SIZE_MAX / 16 / height ? SIZE_MAX / 16 : row * height;
}

/* PNG specification, 8.2: an interlaced picture is seven pictures, of the pixels that begin at
 * (x, y) and lie (dx, dy) apart. */
static size_t interlaced_bytes(size_t width, size_t height, size_t bits)
{
    static const struct {
        size_t x, y, dx, dy;
    } passes[7] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                   {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    size_t sum = 0;
    for (int i = 0; i < 7; i++)
        sum += row_bytes((width + passes[i].dx - 1 - passes[i].x) / passes[i].dx,
                         (height + passes[i].dy - 1 - passes[i].y) / passes[i].dy, bits);
    return sum;
}

/* The body of IHDR: width, height, bits per sample, colour type, compression, filter,
 * interlacing. */
static void begin_png(container *out, const uint8_t *body)
{
    static const uint8_t samples[8] = {1, 1, 3, 1, 2, 1, 4, 1}; /* by colour type; 1: not valid */
    out->width = be32(body);
    out->height = be32(body + 4);
    size_t bits = (size_t)body[8] * samples[body[9] & 7];
    out->unpacked = body[12] ? interlaced_bytes(out->width, out->height, bits)
                             : row_bytes(out->width, out->height, bits);
}

/* An ICC profile (11.3.3.3): its name, which ends with a zero, and the method of compression. */
static void take_icc(container *out, const uint8_t *bytes, const uint8_t *body, size_t length)
{
    const uint8_t *zero = memchr(body, 0, length);
    size_t head = zero ? (size_t)(zero - body) + 2 : length;
    if (head >= length) return;
    out->icc_at = (size_t)(body - bytes) + head;
    out->icc_size = length - head;
}

/* Records what a chunk says besides the picture's data. */
static void take_chunk(container *out, const uint8_t *bytes, const uint8_t *type,
                       const uint8_t *body, size_t length, size_t *budget)
{
    if (!memcmp(type, "eXIf", 4)) marks_exif_last(&out->marks, body, length);
    if (!memcmp(type, "iCCP", 4)) take_icc(out, bytes, body, length);
    png_text_read(type, body, length, budget, &out->marks);
}

bool survey_png(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    bool header = false;
    size_t budget = PNG_TEXT_BUDGET;
    for (size_t at = SIGNATURE; size - at >= OVERHEAD;) {
        size_t length = be32(bytes + at);
        const uint8_t *type = bytes + at + 4, *body = type + 4;
        if (length > size - at - OVERHEAD) break;
        if (png_crc(type, length + 4) != be32(body + length))
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "damaged PNG: the checksum of the part at byte %zu is wrong", at);
        if (!header && (length != 13 || memcmp(type, "IHDR", 4)))
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "damaged PNG: it does not begin with its header");
        if (!header) begin_png(out, body);
        header = true;
        take_chunk(out, bytes, type, body, length, &budget);
        if (!memcmp(type, "IEND", 4)) return true;
        at += length + OVERHEAD;
    }
    return tool_fail(err, NBASE_ERR_FORMAT, "truncated PNG data: %zu bytes without an end mark",
                     size);
}
