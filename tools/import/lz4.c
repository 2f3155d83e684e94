#include "lz4.h"

#include <string.h>

#define MAGIC 0x184d2204u

/* ---- xxHash, 32 bits, seed 0 (Collet, xxHash specification 0.1.1) ---- */

#define PRIME1 0x9e3779b1u
#define PRIME2 0x85ebca77u
#define PRIME3 0xc2b2ae3du
#define PRIME4 0x27d4eb2fu
#define PRIME5 0x165667b1u

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t xxh32(const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n;
    uint32_t h = PRIME5;
    if (n >= 16) {
        uint32_t lane[4] = {PRIME1 + PRIME2, PRIME2, 0, 0u - PRIME1};
        for (; end - p >= 16; p += 16)
            for (int k = 0; k < 4; k++)
                lane[k] = rotate(lane[k] + load32(p + 4 * k) * PRIME2, 13) * PRIME1;
        h = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
    }
    h += (uint32_t)n;
    for (; end - p >= 4; p += 4) h = rotate(h + load32(p) * PRIME3, 17) * PRIME4;
    for (; p < end; p++) h = rotate(h + *p * PRIME5, 11) * PRIME1;
    h = (h ^ h >> 15) * PRIME2;
    h = (h ^ h >> 13) * PRIME3;
    return h ^ h >> 16;
}

/* ---- blocks ---- */

/* The output so far; matches copy from it. */
typedef struct window {
    uint8_t *data;
    size_t used, size, block_start; /* no match begins before block_start */
} window;

/* A length of 15 continues in the next bytes, up to one that is not 255. */
static size_t extended_length(import_bytes *in, size_t length)
{
    if (length != 15) return length;
    uint8_t more;
    do {
        more = import_u8(in);
        length += more;
    } while (more == 255 && !in->bad);
    return length;
}

/* Sequences of literals and a match; the last one has literals only. */
static bool decode_block(import_bytes in, window *w, size_t most)
{
    size_t end = most < w->size - w->used ? w->used + most : w->size;
    for (;;) {
        uint8_t token = import_u8(&in);
        size_t literals = extended_length(&in, token >> 4);
        const uint8_t *bytes = import_take(&in, literals);
        if (in.bad || literals > end - w->used) return false;
        memcpy(w->data + w->used, bytes, literals);
        w->used += literals;
        if (!in.left) return (token & 15) == 0;
        size_t distance = import_u16(&in), length = extended_length(&in, token & 15) + 4;
        if (in.bad || !distance || distance > w->used - w->block_start || length > end - w->used)
            return false;
        /* the ranges may overlap: byte by byte */
        for (; length; length--, w->used++) w->data[w->used] = w->data[w->used - distance];
    }
}

/* ---- frames ---- */

typedef struct frame {
    bool linked, block_sums, content_sum, sized;
    size_t block_most;
    uint64_t content_size;
} frame;

static bool read_descriptor(import_bytes *in, frame *f, nbase_error *err)
{
    if (import_u32(in) != MAGIC || in->bad)
        return tool_fail(err, NBASE_ERR_FORMAT, "not an LZ4 frame");
    const uint8_t *start = in->p;
    uint8_t flags = import_u8(in), block = import_u8(in);
    f->linked = !(flags & 0x20);
    f->block_sums = flags & 0x10;
    f->sized = flags & 0x08;
    f->content_sum = flags & 0x04;
    bool dictionary = flags & 0x01;
    int block_code = block >> 4;
    if (f->sized) f->content_size = import_u64(in);
    size_t length = (size_t)(in->p - start);
    uint8_t sum = import_u8(in);
    if (in->bad) return tool_fail(err, NBASE_ERR_FORMAT, "truncated LZ4 frame");
    if (flags >> 6 != 1 || (flags & 0x02) || dictionary || (block & 0x8f) || block_code < 4)
        return tool_fail(err, NBASE_ERR_FORMAT, "a kind of LZ4 frame that is not supported");
    f->block_most = (size_t)1 << (8 + 2 * block_code);
    return sum == (uint8_t)(xxh32(start, length) >> 8) ||
           tool_fail(err, NBASE_ERR_FORMAT, "damaged LZ4 frame: the header's checksum is wrong");
}

static bool read_block(import_bytes *in, const frame *f, uint32_t header, window *w,
                       nbase_error *err)
{
    size_t size = header & 0x7fffffff;
    const uint8_t *bytes = size <= f->block_most ? import_take(in, size) : NULL;
    if (!bytes) return tool_fail(err, NBASE_ERR_FORMAT, "truncated or damaged LZ4 frame");
    if (f->block_sums && (import_u32(in) != xxh32(bytes, size) || in->bad))
        return tool_fail(err, NBASE_ERR_FORMAT, "damaged LZ4 frame: a block's checksum is wrong");
    if (!f->linked) w->block_start = w->used;
    if (!(header >> 31))
        return decode_block((import_bytes){.p = bytes, .left = size}, w, f->block_most) ||
               tool_fail(err, NBASE_ERR_FORMAT, "damaged LZ4 block, or one too large");
    if (size > w->size - w->used)
        return tool_fail(err, NBASE_ERR_FORMAT, "an LZ4 frame that is too large");
    memcpy(w->data + w->used, bytes, size);
    w->used += size;
    return true;
}

/* The largest size that the blocks can have: each byte of a compressed block gives at most 255. */
static size_t output_bound(import_bytes in, const frame *f)
{
    size_t bound = 0;
    for (uint32_t header; (header = import_u32(&in)) != 0;) {
        size_t size = header & 0x7fffffff,
               packed_most = size < f->block_most / 255 ? size * 255 : f->block_most;
        if (!import_take(&in, size + (f->block_sums ? 4 : 0))) break;
        bound += header >> 31 ? size : packed_most;
    }
    return bound;
}

bool lz4_decode_frame(const uint8_t *bytes, size_t size, size_t most, import_pool *pool,
                      const uint8_t **out, size_t *out_size, nbase_error *err)
{
    import_bytes in = {.p = bytes, .left = size};
    frame f;
    memset(&f, 0, sizeof f);
    if (!read_descriptor(&in, &f, err)) return false;
    window w = {.size = output_bound(in, &f)};
    if (w.size > most || (f.sized && f.content_size > w.size))
        return tool_fail(err, NBASE_ERR_FORMAT, "an LZ4 frame of impossible size");
    w.data = import_alloc(pool, w.size + 1, 1);
    if (!w.data) return tool_no_memory(err);
    for (uint32_t header; (header = import_u32(&in)) != 0;)
        if (in.bad || !read_block(&in, &f, header, &w, err))
            return in.bad ? tool_fail(err, NBASE_ERR_FORMAT, "truncated LZ4 frame") : false;
    uint32_t sum = f.content_sum ? import_u32(&in) : 0;
    if (in.bad) return tool_fail(err, NBASE_ERR_FORMAT, "truncated LZ4 frame");
    if (f.content_sum && sum != xxh32(w.data, w.used))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "damaged LZ4 frame: the content's checksum is wrong");
    if (f.sized && w.used != f.content_size)
        return tool_fail(err, NBASE_ERR_FORMAT, "an LZ4 frame that ends early");
    if (in.left)
        return tool_fail(err, NBASE_ERR_FORMAT, "%zu bytes after the end of the LZ4 frame",
                         in.left);
    *out = w.data;
    *out_size = w.used;
    return true;
}
