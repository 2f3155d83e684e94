#include <string.h>

#include "bytes.h"
#include "fail.h"
#include "jpeg_segments.h"
#include "survey.h"

/* The tables that a JPEG has defined so far and those it asks for. stb_image 2.27 trusts the
 * file in this: it decodes with whatever memory holds where a table was never defined, and
 * writes beyond its own for one that is too long. One bit per table or component. */
typedef struct jpeg_tables {
    unsigned huffman[2];         /* DC, AC */
    unsigned quantisation, used; /* used: by the frame's components */
    uint8_t component[4];        /* their names */
    size_t components;
    unsigned scanned; /* components that a scan held */
} jpeg_tables;

static bool is_frame_header(int marker)
{
    return marker >= JPEG_SOF0 && marker <= JPEG_SOF15 && marker != JPEG_DHT &&
           marker != JPEG_JPG && marker != JPEG_DAC;
}

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

/* T.81, table B.1, and the precision that stands first in the header: what this kind of JPEG is
 * called if it is one that is not read, or null. */
static const char *unread_kind(int marker, unsigned precision)
{
    int kind = marker - JPEG_SOF0;
    if (kind == 3) return "a lossless JPEG";
    if (kind == 11 || kind == 15) return "a lossless JPEG in arithmetic coding";
    if (kind >= 5 && kind <= 7) return "a hierarchical JPEG";
    if (kind >= 9) return "a JPEG in arithmetic coding";
    return precision == 12 ? "a JPEG of 12 bits per sample" : NULL;
}

/* T.81, B.2.2: precision, height, width, number of components, then three bytes each. */
static bool begin_frame(jpeg_tables *t, container *out, int marker, const uint8_t *p, size_t length)
{
    if (length < 6 || length < 6 + 3 * (size_t)p[5] || out->width) return false;
    out->height = be16(p + 1);
    out->width = be16(p + 3);
    out->jpeg.progressive = marker == JPEG_SOF0 + 2;
    for (size_t i = 0; i < p[5]; i++) t->used |= 1u << (p[6 + 3 * i + 2] & 31);
    t->components = p[5] < sizeof t->component ? p[5] : sizeof t->component;
    for (size_t i = 0; i < t->components; i++) t->component[i] = p[6 + 3 * i];
    return true;
}

/* Without any table of its own a JPEG that is not progressive means those of the standard. */
static void assume_standard_tables(jpeg_tables *t, container *out)
{
    if (t->huffman[0] || t->huffman[1] || out->jpeg.progressive) return;
    t->huffman[0] = t->huffman[1] = 3; /* luminance and chrominance */
    out->jpeg.standard_tables = true;
}

/* T.81, B.2.3: number of components, two bytes each, then the band and the bits that the scan
 * holds. */
static bool begin_scan(jpeg_tables *t, container *out, const uint8_t *p, size_t length)
{
    if (length < 1 || length < 4 + 2 * (size_t)p[0]) return false;
    assume_standard_tables(t, out);
    const uint8_t *band = p + 1 + 2 * p[0];
    /* a refined DC is sent bare */
    bool progressive = out->jpeg.progressive,
         dc = !progressive || (band[0] == 0 && band[2] >> 4 == 0), ac = !progressive || band[0] > 0;
    for (size_t i = 0; i < p[0]; i++) {
        unsigned tables = p[2 + 2 * i];
        if ((dc && !(t->huffman[0] >> (tables >> 4) & 1)) ||
            (ac && !(t->huffman[1] >> (tables & 15) & 1)))
            return false;
        for (size_t k = 0; k < t->components; k++)
            if (t->component[k] == p[1 + 2 * i]) t->scanned |= 1u << k;
    }
    return (t->used & ~t->quantisation) == 0;
}

/* What cameras and programs say in APP1 about how the picture lies. */
static void take_marks(container *out, const uint8_t *body, size_t length)
{
    static const char exif[6] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    if (length > sizeof exif && !memcmp(body, exif, sizeof exif))
        marks_exif(&out->marks, body, length);
    if (length > sizeof xmp && !memcmp(body, xmp, sizeof xmp))
        marks_xmp(&out->marks, body + sizeof xmp, length - sizeof xmp);
}

/* Records what one segment says. Returns what is wrong with it, or null. */
static const char *take_segment(jpeg_tables *t, container *out, int marker, const uint8_t *body,
                                size_t length)
{
    if (marker == JPEG_DHT && !define_huffman(t, body, length))
        return "a Huffman table is longer than its segment or than 256 codes";
    if (marker == JPEG_DQT && !define_quantisation(t, body, length))
        return "a quantisation table is longer than its segment";
    if (marker == JPEG_SOS && !begin_scan(t, out, body, length))
        return "its picture data needs a table that it doesn't define";
    if (is_frame_header(marker) && !begin_frame(t, out, marker, body, length))
        return "a frame header is cut short or there twice";
    if (marker == JPEG_SOI) return "a second start mark stands inside it";
    if (marker == JPEG_EOI) return "it ends before any picture data";
    if (marker == JPEG_APP1) take_marks(out, body, length);
    return NULL;
}

/* How many scans begin between `at`, where a segment begins, and the end. */
static size_t count_scans(const uint8_t *bytes, size_t size, size_t at)
{
    size_t scans = 0;
    for (; at < size; at = jpeg_next_marker(bytes, size, at)) {
        size_t length = jpeg_segment_size(bytes, size, at);
        if (bytes[at + 1] == JPEG_EOI || !length) break;
        scans += bytes[at + 1] == JPEG_SOS;
        at += length;
    }
    return scans;
}

/* Takes the segment at `at`, of `length` bytes or of 0 if that is not known. False if the walk must
 * end here: *fault gets the reason. */
static bool step(jpeg_tables *t, container *out, const uint8_t *bytes, size_t at, size_t length,
                 const char **fault)
{
    int marker = bytes[at + 1];
    bool bare = marker == JPEG_SOI || marker == JPEG_EOI;
    *fault = "a segment is longer than the file";
    if (!length && !bare) return false;
    *fault = take_segment(t, out, marker, bytes + at + 4, bare ? 0 : length - 4);
    return !*fault;
}

/* Whether the walk may begin again at `at`: a second start mark, and nothing yet of a picture. */
static bool starts_again(const container *out, const uint8_t *bytes, size_t at)
{
    return bytes[at + 1] == JPEG_SOI && !out->width;
}

static bool too_many_scans(const container *out, const uint8_t *bytes, size_t size, size_t at,
                           nbase_error *err)
{
    if (bytes[at + 1] != JPEG_SOS || out->scans < CONTAINER_MAX_SCANS) return false;
    tool_fail(err, NBASE_ERR_LIMIT, "%zu scans in a JPEG are over the limit of %zu",
              out->scans + count_scans(bytes, size, at), CONTAINER_MAX_SCANS);
    return true;
}

/* Whether the frame header at `at` is of a kind that is not read; then sets the error. */
static bool refused_kind(const uint8_t *bytes, size_t size, size_t at, nbase_error *err)
{
    int marker = bytes[at + 1];
    const char *kind =
        is_frame_header(marker) ? unread_kind(marker, size - at > 4 ? bytes[at + 4] : 8) : NULL;
    if (!kind) return false;
    tool_fail(err, NBASE_ERR_UNSUPPORTED,
              "%s, which is not read; save it as an ordinary JPEG (baseline or progressive)", kind);
    return true;
}

/* After the walk: whether there is a picture to decode. */
static bool conclude(const jpeg_tables *t, const container *out, size_t size, nbase_error *err)
{
    if (!out->scans)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "truncated JPEG data: %zu bytes without a picture in them", size);
    unsigned all = (1u << t->components) - 1;
    return !(all & ~t->scanned) ||
           tool_fail(err, NBASE_ERR_FORMAT,
                     "truncated JPEG data: brightness or colours are missing altogether");
}

bool survey_jpeg(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    jpeg_tables tables = {0};
    jpeg_parts *parts = &out->jpeg;
    parts->end = size;
    for (size_t at = jpeg_next_marker(bytes, size, 2); at < size;
         at = jpeg_next_marker(bytes, size, at)) {
        size_t length = jpeg_segment_size(bytes, size, at);
        const char *fault;
        parts->ended = bytes[at + 1] == JPEG_EOI && out->scans;
        parts->end = at + (parts->ended ? 2 : 0);
        if (parts->ended) break;
        if (starts_again(out, bytes, at)) {
            *parts = (jpeg_parts){.begin = at, .two_starts = true};
            at += 2;
            continue;
        }
        if (too_many_scans(out, bytes, size, at, err) ||
            (!out->scans && refused_kind(bytes, size, at, err)))
            return false;
        if (!step(&tables, out, bytes, at, length, &fault)) {
            if (out->scans) break; /* junk behind the picture; its decoder knows whether all came */
            if (!length && bytes[at + 1] != JPEG_EOI) break;
            return tool_fail(err, NBASE_ERR_FORMAT, "damaged JPEG: %s", fault);
        }
        out->scans += bytes[at + 1] == JPEG_SOS;
        at += length;
        parts->end = size;
    }
    return conclude(&tables, out, size, err);
}
