/* deflate.c - the one file that includes zlib. */
#include "deflate.h"

#include <zlib.h>

#define CHUNK ((size_t)64 << 10)
/* zlib counts in 32 bits: longer stretches go in pieces. */
#define MAX_PIECE ((size_t)1 << 30)

static uInt piece(size_t n) { return (uInt)(n < MAX_PIECE ? n : MAX_PIECE); }

static void *zlib_alloc(void *env, unsigned count, unsigned size)
{
    return nbase__calloc(env, count, size);
}

static void zlib_free(void *env, void *ptr) { nbase__free(env, ptr); }

uint32_t nbase__crc32(uint32_t crc, const void *data, size_t n)
{
    return (uint32_t)crc32_z(crc, data, n);
}

/* ---- unpacking ---- */

struct nbase__inflater {
    nbase_env env;
    const nbase__source *source;
    uint64_t at, left; /* of the packed bytes not yet in the chunk */
    bool ended;        /* the end of the deflate data was met */
    z_stream z;
    uint8_t chunk[CHUNK];
};

nbase__inflater *nbase__inflater_create(const nbase_env *env, const nbase__source *source,
                                        uint64_t offset, uint64_t size)
{
    nbase__inflater *f = nbase__alloc(env, sizeof *f);
    if (!f) return NULL;
    f->env = *env;
    f->source = source;
    f->at = offset;
    f->left = size;
    f->ended = false;
    f->z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = &f->env};
    if (inflateInit2(&f->z, -MAX_WBITS) == Z_OK) return f;
    nbase__free(env, f);
    return NULL;
}

static nbase_status refill(nbase__inflater *f, nbase_error *err)
{
    size_t n = f->left < CHUNK ? (size_t)f->left : CHUNK;
    nbase_status status = nbase__source_read(f->source, f->at, f->chunk, n, err);
    f->at += n;
    f->left -= n;
    f->z.next_in = f->chunk;
    f->z.avail_in = (uInt)n;
    return status;
}

nbase_status nbase__inflater_read(nbase__inflater *f, const char *what, void *dst, size_t n,
                                  size_t *got, nbase_error *err)
{
    *got = 0;
    while (*got < n && !f->ended) {
        if (!f->z.avail_in && f->left) {
            nbase_status status = refill(f, err);
            if (status) return status;
        }
        uInt room = piece(n - *got);
        f->z.next_out = (uint8_t *)dst + *got;
        f->z.avail_out = room;
        int result = inflate(&f->z, Z_NO_FLUSH);
        *got += room - f->z.avail_out;
        if (result == Z_STREAM_END)
            f->ended = true;
        else if (result == Z_MEM_ERROR)
            return nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", what);
        else if (result != Z_OK && !(result == Z_BUF_ERROR && f->left))
            return nbase__fail(err, NBASE_ERR_FORMAT, "%s: broken deflate data", what);
    }
    return NBASE_OK;
}

uint64_t nbase__inflater_left(const nbase__inflater *f) { return f->left + f->z.avail_in; }

void nbase__inflater_free(nbase__inflater *f)
{
    if (!f) return;
    inflateEnd(&f->z);
    nbase_env env = f->env;
    nbase__free(&env, f);
}

/* ---- packing ---- */

struct nbase__deflater {
    nbase__outfile *out;
    z_stream z;
    uint8_t chunk[CHUNK];
};

nbase__deflater *nbase__deflater_create(nbase__outfile *out, int level)
{
    nbase__deflater *d = nbase__alloc(&out->env, sizeof *d);
    if (d) {
        d->out = out;
        d->z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = &out->env};
        if (deflateInit2(&d->z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK)
            return d;
    }
    nbase__free(&out->env, d);
    nbase__outfile_fail(out, NBASE_ERR_NOMEM, "%s: out of memory", out->path);
    return NULL;
}

/* What zlib has ready goes to the file. Returns its number of bytes. */
static uint64_t drain(nbase__deflater *d, int flush)
{
    uint64_t packed = 0;
    do {
        d->z.next_out = d->chunk;
        d->z.avail_out = (uInt)CHUNK;
        (void)deflate(&d->z, flush); /* can't fail: the state is sound, and there is room */
        size_t got = CHUNK - d->z.avail_out;
        nbase__outfile_write(d->out, d->chunk, got);
        packed += got;
    } while (!d->z.avail_out);
    return packed;
}

uint64_t nbase__deflater_write(nbase__deflater *d, const void *data, size_t n, bool last)
{
    uint64_t packed = 0;
    const uint8_t *next = data;
    do {
        d->z.next_in = (Bytef *)next;
        d->z.avail_in = piece(n);
        next += d->z.avail_in;
        n -= d->z.avail_in;
        packed += drain(d, last && !n ? Z_FINISH : Z_NO_FLUSH);
    } while (n);
    return packed;
}

void nbase__deflater_free(nbase__deflater *d)
{
    deflateEnd(&d->z);
    nbase__free(&d->out->env, d);
}
