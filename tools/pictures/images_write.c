/* Writing pictures: the only file that includes stb_image_write. */
#include "images.h"

#include <limits.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "system.h"

/* What stb_image_write allocates while it encodes one picture: it does not look whether it got the
 * memory. If not, it is left by longjmp, and all is freed. */
typedef struct links {
    struct links *next, *before;
} links;

typedef struct block {
    links links;
    max_align_t bytes[];
} block;

static _Thread_local struct {
    links first; /* its next is the newest */
    jmp_buf out_of_memory;
} encoding;

static void *encoder_alloc(size_t size)
{
    block *b = malloc(sizeof *b + size);
    if (!b) longjmp(encoding.out_of_memory, 1);
    b->links.before = &encoding.first;
    b->links.next = encoding.first.next;
    if (b->links.next) b->links.next->before = &b->links;
    encoding.first.next = &b->links;
    return b->bytes;
}

static void encoder_free(void *p)
{
    if (!p) return;
    block *b = (block *)((char *)p - offsetof(block, bytes));
    b->links.before->next = b->links.next;
    if (b->links.next) b->links.next->before = b->links.before;
    free(b);
}

static void *encoder_realloc(void *p, size_t old_size, size_t size)
{
    void *grown = encoder_alloc(size);
    if (p) memcpy(grown, p, old_size < size ? old_size : size);
    encoder_free(p);
    return grown;
}

#define STBIW_MALLOC(size) encoder_alloc(size)
#define STBIW_FREE(p) encoder_free(p)
#define STBIW_REALLOC(p, size) encoder_realloc(p, 0, size)
#define STBIW_REALLOC_SIZED(p, old_size, size) encoder_realloc(p, old_size, size)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

/* Where the encoder's bytes go; the first `skip` are dropped, because they have been written
 * already. */
typedef struct sink {
    FILE *stream;
    int skip;
} sink;

static void sink_write(void *context, void *data, int size)
{
    sink *s = context;
    int drop = s->skip < size ? s->skip : size;
    s->skip -= drop;
    fwrite((const char *)data + drop, 1, (size_t)(size - drop), s->stream);
}

/* Start of image and an EXIF block of one tag (EXIF 2.3, 4.5.4 and 4.6.4 A "Orientation"):
 * big-endian TIFF, one IFD, one SHORT. */
static void write_exif(FILE *stream, int orientation)
{
    unsigned char head[] = {
        0xFF, 0xD8,                                  /* SOI */
        0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, /* APP1 with its length */
        'M', 'M', 0, 42, 0, 0, 0, 8,                 /* TIFF header, the IFD follows */
        /* one entry: tag 0x0112, SHORT, count 1, value */
        0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 /* no further IFD */
    };
    head[sizeof head - 7] = (unsigned char)orientation;
    fwrite(head, 1, sizeof head, stream);
}

static bool open_for(outfile *out, const char *path, size_t width, size_t height, nbase_error *err)
{
    if (width && height && width <= PICTURE_MAX_WRITTEN_SIDE &&
        height <= PICTURE_MAX_WRITTEN_SIDE && width <= INT_MAX / 4 / height)
        return outfile_open(out, path, err);
    return tool_fail(err, NBASE_ERR_LIMIT, "%s: cannot write a picture of %zu x %zu pixels", path,
                     width, height);
}

static bool finish(outfile *out, const char *path, bool encoded, nbase_error *err)
{
    if (encoded) return outfile_commit(out, err);
    tool_fail(err, NBASE_ERR_NOMEM, "%s: the picture could not be encoded (out of memory?)", path);
    outfile_discard(out);
    return false;
}

/* ---- encoders that can fail ---- */

static void free_blocks(void)
{
    while (encoding.first.next) encoder_free(((block *)encoding.first.next)->bytes);
}

static bool encode_jpeg(sink *s, const uint8_t *rgb, size_t width, size_t height, int quality)
{
    bool ok = setjmp(encoding.out_of_memory) == 0 &&
              stbi_write_jpg_to_func(sink_write, s, (int)width, (int)height, 3, rgb, quality);
    free_blocks();
    return ok;
}

static bool encode_png(sink *s, const uint8_t *rgb, size_t width, size_t height)
{
    bool ok =
        setjmp(encoding.out_of_memory) == 0 &&
        stbi_write_png_to_func(sink_write, s, (int)width, (int)height, 3, rgb, (int)width * 3);
    free_blocks();
    return ok;
}

/* ---- files and memory ---- */

bool picture_write_jpeg(const char *path, const uint8_t *rgb, size_t width, size_t height,
                        int quality, int exif_orientation, nbase_error *err)
{
    outfile out;
    if (!open_for(&out, path, width, height, err)) return false;
    sink s = {out.stream, 0};
    if (exif_orientation) {
        write_exif(out.stream, exif_orientation);
        s.skip = 2; /* the encoder's own SOI */
    }
    return finish(&out, path, encode_jpeg(&s, rgb, width, height, quality), err);
}

bool picture_write_png(const char *path, const uint8_t *rgb, size_t width, size_t height,
                       nbase_error *err)
{
    outfile out = {0};
    if (!open_for(&out, path, width, height, err)) return false;
    sink s = {out.stream, 0};
    return finish(&out, path, encode_png(&s, rgb, width, height), err);
}

/* The bytes that were encoded into memory, if all went well. */
static uint8_t *encoded(system_buffer *b, bool done, size_t *size)
{
    bool ok = system_buffer_close(b);
    if (ok && done) {
        *size = b->size;
        return (uint8_t *)b->bytes;
    }
    if (ok) free(b->bytes);
    return NULL;
}

uint8_t *picture_encode_jpeg(const uint8_t *rgb, size_t width, size_t height, int quality,
                             size_t *size)
{
    system_buffer b;
    bool open = system_buffer_open(&b);
    sink s = {b.stream, 0};
    return encoded(&b, open && encode_jpeg(&s, rgb, width, height, quality), size);
}

uint8_t *picture_encode_png(const uint8_t *rgb, size_t width, size_t height, size_t *size)
{
    system_buffer b;
    bool open = system_buffer_open(&b);
    sink s = {b.stream, 0};
    return encoded(&b, open && encode_png(&s, rgb, width, height), size);
}
