/* Reading pictures: from a file's bytes to upright RGB. */
#include "images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "icc_find.h"
#include "images_heif.h"
#include "images_jpeg.h"
#include "images_stb.h"
#include "images_webp.h"
#include "pixel_memory.h"
#include "system.h"

const char *picture_media_type(size_t i)
{
    const char *types[6] = {"image/jpeg", "image/png"};
    size_t n = 2;
    if (webp_used()) types[n++] = "image/webp";
    if (heif_used()) {
        types[n++] = "image/heic";
        types[n++] = "image/avif";
    }
    return i < n ? types[i] : NULL;
}

/* ---- orientation ---- */

/* EXIF 2.3, 4.6.4 A "Orientation": 2, 3, 7, 8 mirror the stored columns, 3, 4, 6, 7 the stored
 * rows, and 5 to 8 then swap rows and columns. */
static void turn(const picture *p, int orientation, uint8_t *to, picture *out)
{
    bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool swap = orientation >= 5;
    size_t w = p->width, h = p->height;
    *out = (picture){.pixels = to,
                     .width = swap ? h : w,
                     .height = swap ? w : h,
                     .orientation = orientation,
                     .divisor = p->divisor};
    ptrdiff_t along_row = mirror_x ? -3 : 3, along_column = (ptrdiff_t)w * (mirror_y ? -3 : 3);
    ptrdiff_t step_x = swap ? along_column : along_row, step_y = swap ? along_row : along_column;
    const uint8_t *first = p->pixels + ((mirror_y ? h - 1 : 0) * w + (mirror_x ? w - 1 : 0)) * 3;
    for (size_t y = 0; y < out->height; y++)
        for (size_t x = 0; x < out->width; x++, to += 3)
            memcpy(to, first + (ptrdiff_t)y * step_y + (ptrdiff_t)x * step_x, 3);
}

bool picture_turned(const picture *p, int orientation, picture *out)
{
    uint8_t *pixels = pixel_memory(p->width * p->height * 3);
    *out = (picture){0};
    if (pixels) turn(p, orientation, pixels, out);
    return pixels != NULL;
}

/* ---- decoding ---- */

/* The largest of 1, 2, 4, 8 by which the longer side may be divided and still be at least `side`;
 * 0: 1. */
static unsigned divisor_for(const container *c, size_t side)
{
    size_t longer = c->width > c->height ? c->width : c->height;
    unsigned d = 1;
    while (side && d < 8 && longer / (2 * d) >= side) d *= 2;
    return d;
}

/* Whether the pixels of a picture of this size go into the caller's memory. */
static bool fits_room(const picture_options *options, const container *c)
{
    return options->room && c->width * c->height * 3 <= options->room_size;
}

/* Pixels as stored. If they are upright so, they may go into the caller's memory. */
static bool decode_stored(const uint8_t *bytes, size_t size, const container *c,
                          const picture_options *options, stored_picture *out, nbase_error *err)
{
    bool direct = fits_room(options, c) && marks_orientation(&c->marks) == 1;
    if (c->format == PICTURE_JPEG && jpeg_turbo_used())
        return jpeg_turbo_decode(bytes, c, divisor_for(c, options->side),
                                 direct ? options->room : NULL, out, err);
    if (c->format == PICTURE_WEBP) return webp_decode(bytes, size, c, out, err);
    if (c->format == PICTURE_HEIC || c->format == PICTURE_AVIF)
        return heif_decode(bytes, size, c, out, err);
    return stb_decode(bytes, size, c, out, err);
}

/* Moves the pixels of *r into *out, upright; `room`: where turned ones go, or null. */
static bool turn_upright(stored_picture *r, int orientation, uint8_t *room, picture *out)
{
    picture stored = {.pixels = r->pixels,
                      .borrowed = r->borrowed,
                      .width = r->width,
                      .height = r->height,
                      .orientation = orientation,
                      .divisor = r->divisor};
    *out = stored;
    if (orientation == 1) {
        r->pixels = NULL;
        return true;
    }
    if (!room) return picture_turned(&stored, orientation, out);
    turn(&stored, orientation, room, out);
    out->borrowed = true;
    return true;
}

/* Leaves colours of sRGB, by the profile of the file. */
static bool take_colours(const void *bytes, const container *c, const picture_options *options,
                         stored_picture *r, picture_colour *colour, nbase_error *err)
{
    if (!r->icc && !icc_find(bytes, c, &r->icc, &r->icc_size)) return tool_no_memory(err);
    return icc_apply(r, options->no_icc, colour, err);
}

bool picture_decode_surveyed(const void *bytes, size_t size, const container *c,
                             const picture_options *options, picture *out, nbase_error *err)
{
    *out = (picture){0};
    if (c->width > PICTURE_MAX_PIXELS / c->height)
        return tool_fail(err, NBASE_ERR_LIMIT, "%zu x %zu pixels are over the limit of %zu",
                         c->width, c->height, PICTURE_MAX_PIXELS);
    stored_picture r = {0};
    picture_colour colour;
    if (!decode_stored(bytes, size, c, options, &r, err)) return false;
    if (!take_colours(bytes, c, options, &r, &colour, err)) {
        stored_picture_free(&r);
        return false;
    }
    int orientation = marks_orientation(&c->marks);
    uint8_t *room = fits_room(options, c) ? options->room : NULL;
    bool ok = turn_upright(&r, orientation, room, out), swap = orientation >= 5;
    if (!ok)
        tool_fail(err, NBASE_ERR_NOMEM, "out of memory for %zu x %zu pixels", c->width, c->height);
    out->full_width = swap ? c->height : c->width;
    out->full_height = swap ? c->width : c->height;
    out->colour = colour;
    memcpy(out->note, r.note, sizeof out->note);
    stored_picture_free(&r);
    return ok;
}

size_t picture_decode_memory(const container *c, size_t size)
{
    /* stb_image: 8 bytes of coefficients, 4 samples and 3 of RGB for each pixel of a progressive
     * JPEG in four colours, in whole blocks. PNG: what is unpacked, in a block that may have
     * doubled, and the rows in two formats. WebP: 4 for a frame, 4 for what it refers to. HEIC and
     * AVIF: planes of up to 16 bits, decoded, copied, turned, converted and packed: 24 bytes for
     * a pixel were seen for an AVIF of 12 bits with colours at full size, 13 for a HEIC of 10. */
    enum { JPEG = 15, PNG = 9, WEBP = 16, HEIF = 28, FIXED = 8 << 20 };
    size_t pixels = c->width * c->height, grid = 16 * (c->width + c->height + 16),
           upright = 6 * pixels; /* before and after turning */
    switch (c->format) {
    case PICTURE_JPEG: return size + JPEG * (pixels + grid) + upright + FIXED;
    case PICTURE_PNG: return size + 2 * c->unpacked + PNG * pixels + upright + FIXED;
    case PICTURE_WEBP: return size + WEBP * (pixels + grid) + upright + FIXED;
    default: return size + HEIF * (pixels + 8 * grid) + upright + 2 * FIXED;
    }
}

bool picture_decode_with(const void *bytes, size_t size, const picture_options *options,
                         picture *out, nbase_error *err)
{
    container c;
    *out = (picture){0};
    if (size > PICTURE_MAX_BYTES) {
        tool_fail(err, NBASE_ERR_LIMIT, "%zu bytes are over the limit of %zu", size,
                  PICTURE_MAX_BYTES);
        return false;
    }
    return container_survey(bytes, size, &c, err) &&
           picture_decode_surveyed(bytes, size, &c, options, out, err);
}

void pictures_prepare(void)
{
    /* 8 x 8 grey pixels. libjpeg-turbo asks for the processor's kind with its first picture. */
    static const char smallest[] =
        "\xFF\xD8"
        "\xFF\xDB\0\x43\0" /* 64 divisors of 1 */
        "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
        "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
        "\xFF\xC0\0\x0B\x08\0\x08\0\x08\1\1\x11\0" /* the frame */
        "\xFF\xDA\0\x08\1\1\0\0\x3F\0\x2B"         /* one block */
        "\xFF\xD9";
    picture p;
    picture_decode(smallest, sizeof smallest - 1, &p, NULL);
    picture_free(&p);
    heif_prepare();
}

bool picture_decode(const void *bytes, size_t size, picture *out, nbase_error *err)
{
    return picture_decode_with(bytes, size, &(picture_options){0}, out, err);
}

/* The whole file in *bytes (malloc'ed); reading stops just beyond the limit, so that picture_decode
 * refuses it. */
static bool read_bytes(FILE *f, uint8_t **bytes, size_t *size)
{
    uint64_t known = system_size(f);
    size_t capacity = known && known <= PICTURE_MAX_BYTES ? (size_t)known + 1 : 1 << 16;
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

bool picture_read_with(const char *path, const picture_options *options, picture *out,
                       nbase_error *err)
{
    *out = (picture){0};
    FILE *f = system_open_any(path);
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool ok = f && read_bytes(f, &bytes, &size);
    if (!ok)
        tool_fail(err, NBASE_ERR_IO, "cannot read: %s", strerror(errno));
    else
        ok = picture_decode_with(bytes, size, options, out, err);
    free(bytes);
    if (f) fclose(f);
    return ok;
}

bool picture_read(const char *path, picture *out, nbase_error *err)
{
    return picture_read_with(path, &(picture_options){0}, out, err);
}

void picture_taken(const void *bytes, size_t size, char taken[EXIF_DATE])
{
    container c;
    taken[0] = '\0';
    if (!container_survey(bytes, size, &c, NULL)) return;
    if (c.format == PICTURE_HEIC || c.format == PICTURE_AVIF)
        heif_taken(bytes, size, taken);
    else
        memcpy(taken, marks_taken(&c.marks), EXIF_DATE);
}

void picture_free(picture *p)
{
    if (!p->borrowed) free(p->pixels);
    *p = (picture){0};
}

nbase_image picture_view(const picture *p)
{
    return (nbase_image){p->pixels, p->width, p->height, p->width * 3, NBASE_RGB8};
}
