/* Reading pictures: the only file that includes stb_image and libexif. JPEG goes to libjpeg-turbo
 * (images_jpeg.c) if that is there. */
#include "images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef HAVE_EXIF
#include <libexif/exif-data.h>
#else
#include <stdatomic.h>

#include "cli.h"
#endif

#include "container.h"
#include "fail.h"
#include "images_jpeg.h"

/* The largest block that stb_image may grow to while this thread decodes a PNG; 0: any. It unpacks
 * all that the file's deflate data hold, in memory that it doubles as it goes, and only afterwards
 * looks at how much the header asks for. Refusing memory stops it on the way. */
static _Thread_local size_t largest_block;
static _Thread_local bool block_refused;

/* What a damaged file does not fill, stb_image leaves as it came from the heap. Zeroed memory turns
 * that into grey or black: the same each time, and nobody's data. */
static void *zeroing_realloc(void *p, size_t old_size, size_t new_size)
{
    if (largest_block && new_size > largest_block) {
        block_refused = true;
        return NULL;
    }
    uint8_t *grown = realloc(p, new_size);
    if (grown && new_size > old_size) memset(grown + old_size, 0, new_size - old_size);
    return grown;
}

#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC_SIZED zeroing_realloc
#define STBI_FREE free
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#include <stb_image.h>

/* ---- orientation ---- */

#ifdef HAVE_EXIF
static int exif_orientation(const container *c)
{
    static const uint8_t mark[6] = "Exif\0";
    if (!c->exif) return 1;
    size_t size = sizeof mark + c->exif_size;
    /* libexif wants the mark before the TIFF block; PNG stores none */
    uint8_t *block = malloc(size);
    ExifData *data = exif_data_new();
    int orientation = 1;
    if (block && data) {
        memcpy(block, mark, sizeof mark);
        memcpy(block + sizeof mark, c->exif, c->exif_size);
        /* read only, add nothing */
        exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
        exif_data_load_data(data, block, (unsigned)size);
        ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
        if (entry && entry->format == EXIF_FORMAT_SHORT && entry->size >= 2)
            orientation = exif_get_short(entry->data, exif_data_get_byte_order(data));
    }
    if (data) exif_data_unref(data);
    free(block);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}
#else
static int exif_orientation(const container *c)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (c->exif && !atomic_flag_test_and_set(&warned))
        cli_warn("built without libexif: photos that a camera stored lying on their side stay so "
                 "(install libexif-dev and build again)");
    return 1;
}
#endif

/* EXIF 2.3, 4.6.4 A "Orientation": 2, 3, 7, 8 mirror the stored columns, 3, 4, 6, 7 the stored
 * rows, and 5 to 8 then swap rows and columns. */
bool picture_turned(const picture *p, int orientation, picture *out)
{
    bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool swap = orientation >= 5;
    size_t w = p->width, h = p->height;
    *out = (picture){.pixels = malloc(w * h * 3),
                     .width = swap ? h : w,
                     .height = swap ? w : h,
                     .orientation = orientation,
                     .divisor = p->divisor};
    if (!out->pixels) return false;
    ptrdiff_t along_row = mirror_x ? -3 : 3, along_column = (ptrdiff_t)w * (mirror_y ? -3 : 3);
    ptrdiff_t step_x = swap ? along_column : along_row, step_y = swap ? along_row : along_column;
    const uint8_t *first = p->pixels + ((mirror_y ? h - 1 : 0) * w + (mirror_x ? w - 1 : 0)) * 3;
    uint8_t *to = out->pixels;
    for (size_t y = 0; y < out->height; y++)
        for (size_t x = 0; x < out->width; x++, to += 3)
            memcpy(to, first + (ptrdiff_t)y * step_y + (ptrdiff_t)x * step_x, 3);
    return true;
}

/* ---- decoding ---- */

/* Bytes of the first block in which stb_image collects a PNG's data. */
enum { PNG_FIRST_BLOCK = 4096 };

/* The largest of 1, 2, 4, 8 by which the longer side may be divided and still be at least `side`;
 * 0: 1. */
static unsigned divisor_for(const container *c, size_t side)
{
    size_t longer = c->width > c->height ? c->width : c->height;
    unsigned d = 1;
    while (side && d < 8 && longer / (2 * d) >= side) d *= 2;
    return d;
}

/* The rows of a PNG as they must come out of its deflate data are container.unpacked bytes; twice
 * as many leave room for stb_image's guess of an interlaced picture, and for a few bytes too many
 * at the end, which other programs accept. The file's own bytes are collected in such blocks
 * too. */
static size_t block_limit(size_t size, const container *c)
{
    size_t packed = size > PNG_FIRST_BLOCK ? size : PNG_FIRST_BLOCK;
    return 2 * (c->unpacked > packed ? c->unpacked : packed);
}

static uint8_t *decode_by_stb(const void *bytes, size_t size, const container *c, nbase_error *err)
{
    largest_block = c->unpacked ? block_limit(size, c) : 0;
    block_refused = false;
    int width = 0, height = 0, channels;
    bool same = stbi_info_from_memory(bytes, (int)size, &width, &height, &channels) &&
                (size_t)width == c->width && (size_t)height == c->height;
    uint8_t *stored =
        same ? stbi_load_from_memory(bytes, (int)size, &width, &height, &channels, 3) : NULL;
    largest_block = 0;
    if (stored) return stored;
    if (block_refused) {
        tool_fail(err, NBASE_ERR_LIMIT,
                  "its picture data unpack to far more than the %zu bytes that a PNG of %zu x %zu "
                  "pixels needs",
                  c->unpacked, c->width, c->height);
        return NULL;
    }
    const char *why = stbi_failure_reason();
    tool_fail(err, NBASE_ERR_FORMAT, "the picture cannot be decoded: %s", why ? why : "damaged");
    return NULL;
}

/* Pixels as stored. */
static bool decode_stored(const void *bytes, size_t size, const container *c, size_t side,
                          picture *out, nbase_error *err)
{
    bool jpeg = ((const uint8_t *)bytes)[0] == 0xFF;
    *out = (picture){.width = c->width, .height = c->height, .divisor = 1};
    if (jpeg && jpeg_turbo_used()) {
        unsigned divisor = divisor_for(c, side);
        size_t width, height;
        out->pixels = jpeg_turbo_decode(bytes, size, divisor, &width, &height);
        if (out->pixels)
            *out = (picture){
                .pixels = out->pixels, .width = width, .height = height, .divisor = divisor};
    }
    if (!out->pixels) out->pixels = decode_by_stb(bytes, size, c, err);
    return out->pixels != NULL;
}

bool picture_decode_surveyed(const void *bytes, size_t size, const container *c, size_t side,
                             picture *out, nbase_error *err)
{
    *out = (picture){0};
    if (c->width > PICTURE_MAX_PIXELS / c->height) {
        tool_fail(err, NBASE_ERR_LIMIT, "%zu x %zu pixels are over the limit of %zu", c->width,
                  c->height, PICTURE_MAX_PIXELS);
        return false;
    }
    picture p;
    if (!decode_stored(bytes, size, c, side, &p, err)) return false;
    p.orientation = exif_orientation(c);
    bool swap = p.orientation >= 5;
    size_t full_width = swap ? c->height : c->width, full_height = swap ? c->width : c->height;
    bool ok = p.orientation == 1 || picture_turned(&p, p.orientation, out);
    if (p.orientation == 1)
        *out = p;
    else
        picture_free(&p);
    if (!ok)
        tool_fail(err, NBASE_ERR_NOMEM, "out of memory for %zu x %zu pixels", c->width, c->height);
    out->full_width = full_width;
    out->full_height = full_height;
    return ok;
}

bool picture_decode_reduced(const void *bytes, size_t size, size_t side, picture *out,
                            nbase_error *err)
{
    container c;
    *out = (picture){0};
    if (size > PICTURE_MAX_BYTES) {
        tool_fail(err, NBASE_ERR_LIMIT, "%zu bytes are over the limit of %zu", size,
                  PICTURE_MAX_BYTES);
        return false;
    }
    return container_survey(bytes, size, &c, err) &&
           picture_decode_surveyed(bytes, size, &c, side, out, err);
}

bool picture_decode(const void *bytes, size_t size, picture *out, nbase_error *err)
{
    return picture_decode_reduced(bytes, size, 0, out, err);
}

/* The whole file in *bytes (malloc'ed); reading stops just beyond the limit, so that picture_decode
 * refuses it. */
static bool read_bytes(FILE *f, uint8_t **bytes, size_t *size)
{
    struct stat s;
    size_t capacity =
        !fstat(fileno(f), &s) && s.st_size > 0 && (size_t)s.st_size <= PICTURE_MAX_BYTES
            ? (size_t)s.st_size + 1
            : 1 << 16;
    *size = 0;
    *bytes = malloc(capacity);
    while (*bytes) {
        *size += fread(*bytes + *size, 1, capacity - *size, f);
        if (*size < capacity || *size > PICTURE_MAX_BYTES) return !ferror(f);
        uint8_t *grown = realloc(*bytes, capacity *= 2);
        if (!grown) break;
        *bytes = grown;
    }
    errno = ENOMEM;
    return false;
}

bool picture_read_reduced(const char *path, size_t side, picture *out, nbase_error *err)
{
    *out = (picture){0};
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool ok = f && read_bytes(f, &bytes, &size);
    if (!ok)
        tool_fail(err, NBASE_ERR_IO, "cannot read: %s", strerror(errno));
    else
        ok = picture_decode_reduced(bytes, size, side, out, err);
    free(bytes);
    if (f) fclose(f);
    return ok;
}

bool picture_read(const char *path, picture *out, nbase_error *err)
{
    return picture_read_reduced(path, 0, out, err);
}

void picture_free(picture *p)
{
    free(p->pixels);
    *p = (picture){0};
}

nbase_image picture_view(const picture *p)
{
    return (nbase_image){p->pixels, p->width, p->height, p->width * 3, NBASE_RGB8};
}
