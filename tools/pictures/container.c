#include "container.h"

#include <stdint.h>
#include <string.h>

#include "fail.h"

/* ---- JPEG ---- */

enum {
    SOF0 = 0xC0,
    SOF15 = 0xCF,
    DHT = 0xC4,
    JPG = 0xC8,
    DAC = 0xCC,
    RST0 = 0xD0,
    RST7 = 0xD7,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    APP1 = 0xE1,
    TEM = 0x01
};

static size_t be16(const uint8_t *p) { return (size_t)p[0] << 8 | p[1]; }
static size_t be32(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static bool is_frame_header(int marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/* Position of the next marker's 0xFF at or after `at`, or `size`. Inside a scan a 0xFF that belongs
 * to the data is followed by 0, and restart markers don't end it; between segments there should be
 * nothing to skip, but some cameras leave zeros there. */
static size_t next_marker(const uint8_t *bytes, size_t size, size_t at)
{
    while (at + 1 < size) {
        const uint8_t *ff = memchr(bytes + at, 0xFF, size - 1 - at);
        if (!ff) break;
        at = (size_t)(ff - bytes);
        int code = bytes[at + 1];
        if (code != 0 && code != 0xFF && code != TEM && !(code >= RST0 && code <= RST7)) return at;
        at += code == 0xFF ? 1 : 2;
    }
    return size;
}

/* The tables that a JPEG has defined so far and those it asks for. stb_image 2.27 trusts the
 * file in this: it decodes with whatever memory holds where a table was never defined, and
 * writes beyond its own for one that is too long. One bit per table. */
typedef struct jpeg_tables {
    unsigned huffman[2];         /* DC, AC */
    unsigned quantisation, used; /* used: by the frame's components */
    bool progressive;
} jpeg_tables;

/* T.81, B.2.4.2: class and number, 16 counts, then the codes, at most 256. */
static bool define_huffman(jpeg_tables *t, const uint8_t *p, size_t length)
{
    while (length) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16 && i < length; i++) codes += p[i];
        if (codes > 256 || length < 17 + codes || p[0] >> 4 > 1 || (p[0] & 15) > 3) return false;
        t->huffman[p[0] >> 4] |= 1u << (p[0] & 15);
        p += 17 + codes;
        length -= 17 + codes;
    }
    return true;
}

/* T.81, B.2.4.1: precision and number, then 64 values of one or two bytes. */
static bool define_quantisation(jpeg_tables *t, const uint8_t *p, size_t length)
{
    while (length) {
        size_t bytes = p[0] >> 4 ? 129 : 65;
        if (length < bytes || p[0] >> 4 > 1 || (p[0] & 15) > 3) return false;
        t->quantisation |= 1u << (p[0] & 15);
        p += bytes;
        length -= bytes;
    }
    return true;
}

/* T.81, B.2.2: precision, height, width, number of components, then three bytes each. */
static bool begin_frame(jpeg_tables *t, container *out, int marker, const uint8_t *p, size_t length)
{
    if (length < 6 || length < 6 + 3 * (size_t)p[5] || out->width) return false;
    out->height = be16(p + 1);
    out->width = be16(p + 3);
    t->progressive = marker == SOF0 + 2;
    for (size_t i = 0; i < p[5]; i++) t->used |= 1u << (p[6 + 3 * i + 2] & 31);
    return true;
}

/* T.81, B.2.3: number of components, two bytes each, then the band and the bits that the scan
 * holds. */
static bool scan_has_tables(const jpeg_tables *t, const uint8_t *p, size_t length)
{
    if (length < 1 || length < 4 + 2 * (size_t)p[0]) return false;
    const uint8_t *band = p + 1 + 2 * p[0];
    /* a refined DC is sent bare */
    bool dc = !t->progressive || (band[0] == 0 && band[2] >> 4 == 0),
         ac = !t->progressive || band[0] > 0;
    for (size_t i = 0; i < p[0]; i++) {
        unsigned tables = p[2 + 2 * i];
        if ((dc && !(t->huffman[0] >> (tables >> 4) & 1)) ||
            (ac && !(t->huffman[1] >> (tables & 15) & 1)))
            return false;
    }
    return (t->used & ~t->quantisation) == 0;
}

/* Records what one segment says. Returns what is wrong with it, or null. */
static const char *take_segment(jpeg_tables *t, container *out, int marker, const uint8_t *body,
                                size_t length)
{
    if (marker == DHT && !define_huffman(t, body, length))
        return "a Huffman table is longer than its segment or than 256 codes";
    if (marker == DQT && !define_quantisation(t, body, length))
        return "a quantisation table is longer than its segment";
    if (marker == SOS && !scan_has_tables(t, body, length))
        return "its picture data needs a table that it doesn't define";
    if (is_frame_header(marker) && !begin_frame(t, out, marker, body, length))
        return "a frame header is cut short or there twice";
    if (marker == APP1 && !out->exif && length > 6 && !memcmp(body, "Exif\0", 6)) {
        out->exif = body + 6;
        out->exif_size = length - 6;
    }
    return NULL;
}

/* How many scans begin between `at`, where a segment begins, and the end. */
static size_t count_scans(const uint8_t *bytes, size_t size, size_t at)
{
    size_t scans = 0;
    for (; at < size; at = next_marker(bytes, size, at)) {
        size_t length = size - at >= 4 ? be16(bytes + at + 2) : 0;
        if (bytes[at + 1] == EOI || length < 2 || length + 2 > size - at) break;
        scans += bytes[at + 1] == SOS;
        at += 2 + length;
    }
    return scans;
}

static bool jpeg_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    jpeg_tables tables = {0};
    for (size_t at = next_marker(bytes, size, 2); at < size; at = next_marker(bytes, size, at)) {
        int marker = bytes[at + 1];
        if (marker == EOI && out->scans) return true;
        if (marker == SOS && ++out->scans > CONTAINER_MAX_SCANS) {
            tool_fail(err, NBASE_ERR_LIMIT, "%zu scans in a JPEG are over the limit of %zu",
                      CONTAINER_MAX_SCANS + count_scans(bytes, size, at), CONTAINER_MAX_SCANS);
            return false;
        }
        size_t body = at + 4, length = size - at >= 4 ? be16(bytes + at + 2) : 0;
        const char *fault = "it ends before any picture data";
        if (marker != EOI) {
            if (length < 2 || length - 2 > size - body) break;
            fault = take_segment(&tables, out, marker, bytes + body, length - 2);
        }
        if (fault) {
            tool_fail(err, NBASE_ERR_FORMAT, "damaged JPEG: %s", fault);
            return false;
        }
        at = body + length - 2;
    }
    tool_fail(err, NBASE_ERR_FORMAT, "truncated JPEG data: %zu bytes without an end-of-image mark",
              size);
    return false;
}

/* ---- PNG ---- */

static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

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

/* The body of IHDR: width, height, bits a sample, colour type, compression, filter, interlacing. */
static void begin_png(container *out, const uint8_t *body)
{
    static const uint8_t samples[8] = {1, 1, 3, 1, 2, 1, 4, 1}; /* by colour type; 1: not valid */
    out->width = be32(body);
    out->height = be32(body + 4);
    size_t bits = (size_t)body[8] * samples[body[9] & 7];
    out->unpacked = body[12] ? interlaced_bytes(out->width, out->height, bits)
                             : row_bytes(out->width, out->height, bits);
}

static bool png_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    bool header = false;
    for (size_t at = sizeof png_signature; size - at >= 12;) {
        size_t length = be32(bytes + at);
        const uint8_t *type = bytes + at + 4, *body = type + 4;
        if (length > size - at - 12) break;
        if (png_crc(type, length + 4) != be32(body + length)) {
            tool_fail(err, NBASE_ERR_FORMAT,
                      "damaged PNG: the checksum of the part at byte %zu is wrong", at);
            return false;
        }
        if (!header && (length != 13 || memcmp(type, "IHDR", 4))) {
            tool_fail(err, NBASE_ERR_FORMAT, "damaged PNG: it does not begin with its header");
            return false;
        }
        if (!header) {
            begin_png(out, body);
            header = true;
        }
        if (!memcmp(type, "eXIf", 4)) {
            out->exif = body;
            out->exif_size = length;
        }
        if (!memcmp(type, "IEND", 4)) return true;
        at += length + 12;
    }
    tool_fail(err, NBASE_ERR_FORMAT, "truncated PNG data: %zu bytes without an end mark", size);
    return false;
}

/* ---- both ---- */

bool container_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    *out = (container){0};
    bool ok = false;
    if (size == 0)
        tool_fail(err, NBASE_ERR_FORMAT, "the file is empty");
    else if (size >= sizeof png_signature && !memcmp(bytes, png_signature, sizeof png_signature))
        ok = png_survey(bytes, size, out, err);
    else if (size >= 3 && !memcmp(bytes, "\xFF\xD8\xFF", 3))
        ok = jpeg_survey(bytes, size, out, err);
    else
        tool_fail(err, NBASE_ERR_FORMAT, "not a JPEG or PNG picture");
    if (ok && (!out->width || !out->height)) {
        tool_fail(err, NBASE_ERR_FORMAT, "damaged picture: its header says %zu x %zu pixels",
                  out->width, out->height);
        ok = false;
    }
    return ok;
}
