#include "formats.h"

#include <string.h>

#include "bytes.h"

/* What a file begins with: `length` bytes at `at`. */
typedef struct signature {
    picture_format format;
    size_t at, length;
    const char *bytes;
    const char *name;
} signature;

/* The first that matches counts, so the longer of two alike stands first. */
static const signature signatures[] = {
    {PICTURE_PNG, 0, 8, "\x89PNG\r\n\x1A\n", "a PNG picture"},
    {PICTURE_OTHER, 0, 4, "\xFF\xD8\xFF\xF7", "a JPEG-LS picture"},
    {PICTURE_JPEG, 0, 3, "\xFF\xD8\xFF", "a JPEG picture"},
    {PICTURE_WEBP, 8, 4, "WEBP", "a WebP picture"},
    {PICTURE_OTHER, 0, 4, "GIF8", "a GIF picture"},
    {PICTURE_OTHER, 0, 4, "II\x2A\0", "a TIFF picture (or a camera's raw file)"},
    {PICTURE_OTHER, 0, 4, "MM\0\x2A", "a TIFF picture (or a camera's raw file)"},
    {PICTURE_OTHER, 0, 4, "II\x2B\0", "a BigTIFF picture"},
    {PICTURE_OTHER, 0, 4, "MM\0\x2B", "a BigTIFF picture"},
    {PICTURE_OTHER, 0, 8, "FUJIFILM", "a camera's raw file"},
    {PICTURE_OTHER, 0, 12, "\0\0\0\x0CJXL \r\n\x87\n", "a JPEG XL picture"},
    {PICTURE_OTHER, 0, 2, "\xFF\x0A", "a JPEG XL picture"},
    {PICTURE_OTHER, 0, 12, "\0\0\0\x0CjP  \r\n\x87\n", "a JPEG 2000 picture"},
    {PICTURE_OTHER, 0, 4, "\xFF\x4F\xFF\x51", "a JPEG 2000 picture"},
    {PICTURE_OTHER, 0, 4, "8BPS", "a Photoshop picture"},
    {PICTURE_OTHER, 0, 4, "%PDF", "a PDF document"},
    {PICTURE_OTHER, 0, 4, "%!PS", "a PostScript document"},
    {PICTURE_OTHER, 128, 4, "DICM", "a DICOM image"},
    {PICTURE_OTHER, 0, 4, "\0\0\1\0", "a Windows icon"},
    {PICTURE_OTHER, 0, 3, "P5\n", "a PGM picture"},
    {PICTURE_OTHER, 0, 3, "P6\n", "a PPM picture"},
    {PICTURE_OTHER, 0, 4, "qoif", "a QOI picture"},
    {PICTURE_OTHER, 0, 4, "\x1A\x45\xDF\xA3", "a WebM or Matroska video"},
    {PICTURE_OTHER, 8, 4, "AVI ", "an AVI video"},
    {PICTURE_OTHER, 0, 4, "PK\x03\x04", "a ZIP archive"},
    {PICTURE_OTHER, 0, 3, "\x1F\x8B\x08", "a gzip archive"},
    {PICTURE_OTHER, 0, 4, "\0\5\x16\7",
     "a Mac's notes on a file of that name, not the file itself"},
    {PICTURE_OTHER, 0, 19, "version https://git",
     "a pointer of Git LFS (git lfs pull fetches the file)"},
    {PICTURE_OTHER, 0, 11, "data:image/", "a picture as a data URL"},
    {PICTURE_OTHER, 0, 5, "/9j/4", "a picture as base64 text"},
    {PICTURE_OTHER, 0, 11, "iVBORw0KGgo", "a picture as base64 text"},
    {PICTURE_OTHER, 0, 4, "\xC3\xBF\xC3\x98", "a JPEG spoilt by a conversion of text to UTF-8"},
    {PICTURE_OTHER, 0, 3, "\xEF\xBF\xBD", "a file spoilt by a conversion of text to UTF-8"},
    {PICTURE_OTHER, 0, 6, "\x89PNG\n\x1A", "a PNG spoilt by a conversion of line ends"},
    {PICTURE_OTHER, 0, 5, "<HTML", "a web page"},
    {PICTURE_OTHER, 0, 5, "<?xml", "an XML document (an SVG picture?)"},
    {PICTURE_OTHER, 0, 4, "<svg", "an SVG picture"},
    {PICTURE_OTHER, 0, 9, "<!DOCTYPE", "a web page"},
    {PICTURE_OTHER, 0, 9, "<!doctype", "a web page"},
    {PICTURE_OTHER, 0, 5, "<html", "a web page"},
};

/* ISO/IEC 14496-12, 4.3: the brands that a file of boxes names in its first box, the major one and
 * then those that it is compatible with. */
static const struct {
    picture_format format;
    const char *brand, *name;
} brands[] = {
    {PICTURE_AVIF, "avif", "an AVIF picture"},    {PICTURE_AVIF, "avis", "an AVIF picture"},
    {PICTURE_HEIC, "heic", "a HEIC picture"},     {PICTURE_HEIC, "heix", "a HEIC picture"},
    {PICTURE_HEIC, "hevc", "a HEIC picture"},     {PICTURE_HEIC, "heim", "a HEIC picture"},
    {PICTURE_HEIC, "heis", "a HEIC picture"},     {PICTURE_HEIC, "mif1", "a HEIF picture"},
    {PICTURE_HEIC, "msf1", "a HEIF picture"},     {PICTURE_OTHER, "crx ", "a camera's raw file"},
    {PICTURE_OTHER, "qt  ", "a QuickTime video"}, {PICTURE_OTHER, "isom", "an MP4 video"},
    {PICTURE_OTHER, "mp41", "an MP4 video"},      {PICTURE_OTHER, "mp42", "an MP4 video"},
};

enum { BRANDS = sizeof brands / sizeof *brands, FIRST_BRAND = 8, COMPATIBLE = 16 };

static int brand_at(const uint8_t *bytes)
{
    int i = 0;
    while (i < BRANDS && memcmp(bytes, brands[i].brand, 4)) i++;
    return i;
}

/* Index of the most telling brand: that which stands first in the table, since a picture of HEVC or
 * AV1 mostly names "mif1" as well. BRANDS: none is known. */
static int best_brand(const uint8_t *bytes, size_t size)
{
    size_t box = be32(bytes), end = box < size ? box : size;
    int best = brand_at(bytes + FIRST_BRAND);
    for (size_t at = COMPATIBLE; at + 4 <= end; at += 4) {
        int other = brand_at(bytes + at);
        if (other < best) best = other;
    }
    return best;
}

/* A Windows bitmap: "BM", the file's size, four reserved bytes, the place of the pixels, and a
 * header of 12 to 124 bytes. Two letters alone would also begin a text. */
static int is_bmp(const uint8_t *bytes, size_t size)
{
    return size >= 18 && !memcmp(bytes, "BM", 2) && bytes[14] >= 12 && bytes[14] <= 124 &&
           !bytes[15] && !bytes[16] && !bytes[17];
}

picture_format picture_format_of(const uint8_t *bytes, size_t size, const char **name)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (size < s->at + s->length || memcmp(bytes + s->at, s->bytes, s->length)) continue;
        *name = s->name;
        return s->format;
    }
    if (is_bmp(bytes, size)) {
        *name = "a BMP picture";
        return PICTURE_OTHER;
    }
    int brand =
        size >= COMPATIBLE && !memcmp(bytes + 4, "ftyp", 4) ? best_brand(bytes, size) : BRANDS;
    *name = brand < BRANDS ? brands[brand].name : NULL;
    return brand < BRANDS ? brands[brand].format : PICTURE_UNKNOWN;
}
