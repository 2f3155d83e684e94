/* The only file that includes stb_image. */
#include "images_stb.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "jpeg_tables.h"

/* The largest block that stb_image may grow to while this thread decodes a PNG; 0: any. It unpacks
 * all that the file's deflate data hold, in memory that it doubles as it goes, and only afterwards
 * looks at how much the header asks for. Refusing memory stops it on the way. */
static _Thread_local size_t largest_block;
static _Thread_local bool block_refused;

/* Memory ran out: stb_image does not always say so itself. */
static _Thread_local bool memory_refused;

/* What a damaged file does not fill, stb_image leaves as it came from the heap. Zeroed memory turns
 * that into grey or black: the same each time, and nobody's data. */
static void *zeroing_realloc(void *p, size_t old_size, size_t new_size)
{
    if (largest_block && new_size > largest_block) {
        block_refused = true;
        return NULL;
    }
    uint8_t *grown = realloc(p, new_size);
    memory_refused |= !grown;
    if (grown && new_size > old_size) memset(grown + old_size, 0, new_size - old_size);
    return grown;
}

static void *zeroing_malloc(size_t size)
{
    void *p = calloc(1, size);
    memory_refused |= !p;
    return p;
}

#define STBI_MALLOC zeroing_malloc
#define STBI_REALLOC_SIZED zeroing_realloc
#define STBI_FREE free
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#include <stb_image.h>

/* Bytes of the first block in which stb_image collects a PNG's data. */
enum { PNG_FIRST_BLOCK = 4096 };

/* The rows of a PNG as they must come out of its deflate data are container.unpacked bytes; twice
 * as many leave room for stb_image's guess of an interlaced picture, and for a few bytes too many
 * at the end, which other programs accept. The file's own bytes are collected in such blocks
 * too. */
static size_t block_limit(size_t size, const container *c)
{
    size_t packed = size > PNG_FIRST_BLOCK ? size : PNG_FIRST_BLOCK;
    return 2 * (c->unpacked > packed ? c->unpacked : packed);
}

static uint8_t *load(const uint8_t *bytes, size_t size, const container *c, bool *grey)
{
    largest_block = c->unpacked ? block_limit(size, c) : 0;
    block_refused = memory_refused = false;
    int width = 0, height = 0, channels;
    bool same = stbi_info_from_memory(bytes, (int)size, &width, &height, &channels) &&
                (size_t)width == c->width && (size_t)height == c->height;
    uint8_t *pixels =
        same ? stbi_load_from_memory(bytes, (int)size, &width, &height, &channels, 3) : NULL;
    largest_block = 0;
    *grey = pixels && channels <= 2;
    return pixels;
}

static bool explain(const container *c, nbase_error *err)
{
    if (block_refused)
        return tool_fail(err, NBASE_ERR_LIMIT,
                         "its picture data unpack to far more than the %zu bytes that a PNG of "
                         "%zu x %zu pixels needs",
                         c->unpacked, c->width, c->height);
    if (memory_refused) return tool_no_memory(err);
    const char *why = stbi_failure_reason();
    return tool_fail(err, NBASE_ERR_FORMAT, "the picture cannot be decoded: %s",
                     why ? why : "damaged");
}

bool stb_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                nbase_error *err)
{
    *out = (stored_picture){.width = c->width, .height = c->height, .channels = 3, .divisor = 1};
    if (c->format == PICTURE_JPEG && !c->jpeg.ended)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "truncated JPEG data: %zu bytes without an end-of-image mark", size);
    uint8_t *completed = NULL;
    if (c->format == PICTURE_JPEG) {
        bytes += c->jpeg.begin;
        size = c->jpeg.end - c->jpeg.begin;
        if (c->jpeg.standard_tables) {
            completed = jpeg_with_standard_tables(bytes, size, &size);
            if (!completed) return tool_no_memory(err);
            bytes = completed;
        }
    }
    out->pixels = load(bytes, size, c, &out->grey);
    free(completed);
    return out->pixels || explain(c, err);
}

bool stb_inflate(const uint8_t *bytes, size_t size, size_t most, uint8_t **out, size_t *unpacked)
{
    /* deflate makes at the most 1032 bytes of one */
    size_t room = size < most / 1032 ? (size + 1) * 1032 : most;
    *out = NULL;
    if (!size || size > INT_MAX || room > INT_MAX || !room) return true;
    char *made = malloc(room);
    if (!made) return false;
    int n = stbi_zlib_decode_buffer(made, (int)room, (const char *)bytes, (int)size);
    if (n < 0) {
        free(made);
        return true;
    }
    *unpacked = (size_t)n;
    *out = (uint8_t *)made;
    return true;
}
