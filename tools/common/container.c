#include "container.h"

#include <stdio.h>
#include <string.h>

/* ---- JPEG ---- */

enum { SOF0 = 0xC0, SOF15 = 0xCF, DHT = 0xC4, JPG = 0xC8, DAC = 0xCC, RST0 = 0xD0, RST7 = 0xD7, EOI = 0xD9, SOS = 0xDA, APP1 = 0xE1, TEM = 0x01 };

static size_t be16(const uint8_t *p) { return (size_t)p[0] << 8 | p[1]; }
static size_t be32(const uint8_t *p) { return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]; }

static bool is_frame_header(int marker) { return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC; }

/* Position of the next marker's 0xFF at or after `at`, or `size`. Inside a scan a 0xFF that belongs to the data is followed by 0, and restart
 * markers don't end it; between segments there should be nothing to skip, but some cameras leave zeros there. */
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

/* Huffman tables (T.81, B.2.4.2) hold at most 256 codes each. stb_image 2.27 trusts the file here and writes beyond its own table. */
static bool huffman_tables_fit(const uint8_t *p, size_t length)
{
    while (length) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16 && i < length; i++) codes += p[i];
        if (codes > 256 || length < 17 + codes) return false;
        p += 17 + codes;
        length -= 17 + codes;
    }
    return true;
}

static bool jpeg_survey(const uint8_t *bytes, size_t size, container *out, char *error, size_t error_size)
{
    bool scan = false;
    for (size_t at = next_marker(bytes, size, 2); at < size; at = next_marker(bytes, size, at)) {
        int marker = bytes[at + 1];
        if (marker == EOI && scan) return true;
        if (marker == EOI) {
            snprintf(error, error_size, "damaged JPEG: it ends before any picture data");
            return false;
        }
        size_t body = at + 4, length = size - at >= 4 ? be16(bytes + at + 2) : 0;
        if (length < 2 || length - 2 > size - body) break;
        length -= 2;
        if (is_frame_header(marker) && length >= 6 && !out->width) {
            out->height = be16(bytes + body + 1);
            out->width = be16(bytes + body + 3);
        }
        if (marker == APP1 && !out->exif && length > 6 && !memcmp(bytes + body, "Exif\0", 6)) {
            out->exif = bytes + body + 6;
            out->exif_size = length - 6;
        }
        if (marker == DHT && !huffman_tables_fit(bytes + body, length)) {
            snprintf(error, error_size, "damaged JPEG: a Huffman table is longer than its segment or than 256 codes");
            return false;
        }
        scan = scan || marker == SOS;
        at = body + length;
    }
    snprintf(error, error_size, "truncated JPEG data: %zu bytes without an end-of-image mark", size);
    return false;
}

/* ---- PNG ---- */

static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

/* CRC-32 of ISO 3309 as the PNG specification (annex D) wants it, four bits at a time. */
static uint32_t png_crc(const uint8_t *p, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                       0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    uint32_t crc = 0xFFFFFFFF;
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static bool png_survey(const uint8_t *bytes, size_t size, container *out, char *error, size_t error_size)
{
    bool header = false;
    for (size_t at = sizeof png_signature; size - at >= 12;) {
        size_t length = be32(bytes + at);
        const uint8_t *type = bytes + at + 4, *body = type + 4;
        if (length > size - at - 12) break;
        if (png_crc(type, length + 4) != be32(body + length)) {
            snprintf(error, error_size, "damaged PNG: the checksum of the part at byte %zu is wrong", at);
            return false;
        }
        if (!header && (length != 13 || memcmp(type, "IHDR", 4))) {
            snprintf(error, error_size, "damaged PNG: it does not begin with its header");
            return false;
        }
        if (!header) {
            out->width = be32(body);
            out->height = be32(body + 4);
            header = true;
        }
        if (!memcmp(type, "eXIf", 4)) {
            out->exif = body;
            out->exif_size = length;
        }
        if (!memcmp(type, "IEND", 4)) return true;
        at += length + 12;
    }
    snprintf(error, error_size, "truncated PNG data: %zu bytes without an end mark", size);
    return false;
}

/* ---- both ---- */

bool container_survey(const uint8_t *bytes, size_t size, container *out, char *error, size_t error_size)
{
    *out = (container){0};
    bool ok = false;
    if (size == 0)
        snprintf(error, error_size, "the file is empty");
    else if (size >= sizeof png_signature && !memcmp(bytes, png_signature, sizeof png_signature))
        ok = png_survey(bytes, size, out, error, error_size);
    else if (size >= 3 && !memcmp(bytes, "\xFF\xD8\xFF", 3))
        ok = jpeg_survey(bytes, size, out, error, error_size);
    else
        snprintf(error, error_size, "not a JPEG or PNG picture");
    if (ok && (!out->width || !out->height)) {
        snprintf(error, error_size, "damaged picture: its header says %zu x %zu pixels", out->width, out->height);
        ok = false;
    }
    return ok;
}
