/* deflate_none.c - deflate.h in a build without zlib: make ZLIB=none. Packing writes deflate data
 * whose blocks are stored as they are; unpacking refuses. */
#include "deflate.h"

/* The largest stored block (RFC 1951, 3.2.4). */
#define BLOCK ((size_t)65535)

/* As zlib's: CRC-32 with the reflected polynomial of RFC 1952, four bits at a time. */
uint32_t nbase__crc32(uint32_t crc, const void *data, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *p = data;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* ---- unpacking ---- */

struct nbase__inflater {
    nbase_env env;
    uint64_t left;
};

nbase__inflater *nbase__inflater_create(const nbase_env *env, const nbase__source *source,
                                        uint64_t offset, uint64_t size)
{
    (void)source;
    (void)offset;
    nbase__inflater *f = nbase__alloc(env, sizeof *f);
    if (f) *f = (nbase__inflater){.env = *env, .left = size};
    return f;
}

nbase_status nbase__inflater_read(nbase__inflater *f, const char *what, void *dst, size_t n,
                                  size_t *got, nbase_error *err)
{
    (void)f;
    (void)dst;
    (void)n;
    *got = 0;
    return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                       "%s: is compressed, and this build has no zlib: store it uncompressed, or "
                       "as safetensors",
                       what);
}

uint64_t nbase__inflater_left(const nbase__inflater *f) { return f->left; }

void nbase__inflater_free(nbase__inflater *f)
{
    if (!f) return;
    nbase_env env = f->env;
    nbase__free(&env, f);
}

/* ---- packing ---- */

struct nbase__deflater {
    nbase__outfile *out;
};

nbase__deflater *nbase__deflater_create(nbase__outfile *out, int level)
{
    (void)level;
    nbase__deflater *d = nbase__alloc(&out->env, sizeof *d);
    if (d)
        d->out = out;
    else
        nbase__outfile_fail(out, NBASE_ERR_NOMEM, "%s: out of memory", out->path);
    return d;
}

uint64_t nbase__deflater_write(nbase__deflater *d, const void *data, size_t n, bool last)
{
    uint64_t packed = 0;
    const uint8_t *next = data;
    while (n || last) {
        size_t some = n < BLOCK ? n : BLOCK;
        bool final = last && some == n;
        uint8_t head[5] = {final}; /* whether it is the last block; its type, 0; padding */
        nbase__store16(head + 1, (uint16_t)some);
        nbase__store16(head + 3, (uint16_t)~some);
        nbase__outfile_write(d->out, head, sizeof head);
        nbase__outfile_write(d->out, next, some);
        packed += sizeof head + some;
        next += some;
        n -= some;
        if (final) break;
    }
    return packed;
}

void nbase__deflater_free(nbase__deflater *d) { nbase__free(&d->out->env, d); }
