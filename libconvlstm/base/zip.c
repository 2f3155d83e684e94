/* The .npz format: a zip (PKWARE APPNOTE 6.3) of .npy files, stored or deflated, with zip64 fields
 * where a size needs them or the writer put them all the same (NumPy does); and plain zips, whose
 * entries may be anything. The reader wants a plain archive and nothing else: entries in the order
 * of the directory, touching each other, each local header agreeing with the directory, no
 * encryption, no bytes that belong to nothing. This is the one file that includes zlib. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "archive.h"
#include "json.h"

#define LOCAL_SIGNATURE 0x04034b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define END_SIGNATURE 0x06054b50u
#define END64_SIGNATURE 0x06064b50u
#define LOCATOR64_SIGNATURE 0x07064b50u
#define DESCRIPTOR_SIGNATURE 0x08074b50u
enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, END64_SIZE = 56, LOCATOR64_SIZE = 20 };
enum {
    FLAG_ENCRYPTED = 1,
    FLAG_DESCRIPTOR = 8,
    FLAG_UTF8 = 0x800,
    FLAGS_KNOWN = FLAG_DESCRIPTOR | FLAG_UTF8 | 6 /* deflate's level */
};
enum { METHOD_STORED = 0, METHOD_DEFLATED = 8 };
#define SATURATED32 0xffffffffu
#define SATURATED16 0xffffu
#define MAX_DIRECTORY ((uint64_t)64 << 20)
/* deflate can't do better than 1032 to 1: a directory that claims more is lying */
#define MAX_DEFLATE_RATIO 1040
#define CHUNK ((size_t)64 << 10)

typedef struct zip_entry {
    const char *name; /* in the directory's bytes, not terminated */
    size_t name_length;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size, offset; /* offset of the local header */
} zip_entry;

typedef struct zip_reader {
    nbase_archive *a;
    bool npz; /* every entry must be a .npy; else it is taken as bytes */
    const nbase__source *source;
    uint64_t directory_at, directory_size, count;
    nbase_error *err;
} zip_reader;

static nbase_status malformed(const zip_reader *r, const char *message)
{
    return nbase__fail(r->err, NBASE_ERR_FORMAT, "%s: zip: %s", r->source->what, message);
}
static nbase_status out_of_memory(const zip_reader *r)
{
    return nbase__fail(r->err, NBASE_ERR_NOMEM, "%s: out of memory", r->source->what);
}

static void *zlib_alloc(void *env, unsigned count, unsigned size)
{
    return nbase__calloc(env, count, size);
}
static void zlib_free(void *env, void *ptr) { nbase__free(env, ptr); }

/* ---- the directory ---- */

static nbase_status read_end64(zip_reader *r, uint64_t end_at)
{
    uint8_t locator[LOCATOR64_SIZE], end[END64_SIZE];
    if (end_at < LOCATOR64_SIZE + END64_SIZE) return malformed(r, "no zip64 end of directory");
    uint64_t locator_at = end_at - LOCATOR64_SIZE;
    nbase_status status =
        nbase__source_read(r->source, locator_at, locator, sizeof locator, r->err);
    if (status) return status;
    uint64_t at = nbase__load64(locator + 8);
    if (nbase__load32(locator) != LOCATOR64_SIGNATURE || nbase__load32(locator + 4) != 0 ||
        nbase__load32(locator + 16) != 1 || at > locator_at - END64_SIZE)
        return malformed(r, "no zip64 end of directory");
    if ((status = nbase__source_read(r->source, at, end, sizeof end, r->err))) return status;
    if (nbase__load32(end) != END64_SIGNATURE || nbase__load64(end + 4) != locator_at - at - 12)
        return malformed(r, "a broken zip64 end of directory");
    r->count = nbase__load64(end + 32);
    r->directory_size = nbase__load64(end + 40);
    r->directory_at = nbase__load64(end + 48);
    if (nbase__load32(end + 16) || nbase__load32(end + 20) || nbase__load64(end + 24) != r->count)
        return malformed(r, "in several parts");
    if (r->directory_at > at || r->directory_size != at - r->directory_at)
        return malformed(r, "the directory does not end where the end record begins");
    return NBASE_OK;
}

static nbase_status read_end_record(zip_reader *r, const uint8_t *end, uint64_t end_at)
{
    r->count = nbase__load16(end + 10);
    r->directory_size = nbase__load32(end + 12);
    r->directory_at = nbase__load32(end + 16);
    if (r->count == SATURATED16 || r->directory_size == SATURATED32 ||
        r->directory_at == SATURATED32)
        return read_end64(r, end_at);
    if (nbase__load16(end + 4) || nbase__load16(end + 6) || nbase__load16(end + 8) != r->count)
        return malformed(r, "in several parts");
    if (r->directory_at > end_at || r->directory_size != end_at - r->directory_at)
        return malformed(r, "the directory does not end where the end record begins");
    return NBASE_OK;
}

/* The end record is the last thing in the file but for a comment whose length it states. */
static nbase_status find_directory(zip_reader *r)
{
    size_t tail_size =
        r->source->size < END_SIZE + SATURATED16 ? (size_t)r->source->size : END_SIZE + SATURATED16;
    uint64_t tail_at = r->source->size - tail_size;
    uint8_t *tail = nbase__alloc(&r->a->env, tail_size);
    if (!tail) return out_of_memory(r);
    nbase_status status = nbase__source_read(r->source, tail_at, tail, tail_size, r->err);
    if (!status) {
        status = malformed(r, "no end of directory: truncated, or trailing bytes");
        for (size_t i = tail_size < END_SIZE ? 0 : tail_size - END_SIZE + 1; i-- > 0;)
            if (nbase__load32(tail + i) == END_SIGNATURE &&
                nbase__load16(tail + i + 20) == tail_size - i - END_SIZE) {
                status = read_end_record(r, tail + i, tail_at + i);
                break;
            }
    }
    nbase__free(&r->a->env, tail);
    return status;
}

/* Reads sizes and offset that did not fit 32 bits from the zip64 field among the extra fields, in
 * their fixed order. */
static bool read_extra64(const uint8_t *extra, size_t n, uint64_t *size, uint64_t *packed,
                         uint64_t *offset)
{
    bool wanted =
        *size == SATURATED32 || *packed == SATURATED32 || (offset && *offset == SATURATED32);
    while (n >= 4) {
        size_t field = nbase__load16(extra + 2);
        if (field > n - 4) return false;
        if (nbase__load16(extra) == 1 && wanted) {
            const uint8_t *p = extra + 4, *end = p + field;
            uint64_t *targets[] = {size, packed, offset};
            for (int i = 0; i < 3; i++) {
                if (!targets[i] || *targets[i] != SATURATED32) continue;
                if (end - p < 8) return false;
                *targets[i] = nbase__load64(p);
                p += 8;
            }
            wanted = false;
        }
        extra += 4 + field;
        n -= 4 + field;
    }
    return !wanted && n == 0;
}

static nbase_status parse_directory(const zip_reader *r, const uint8_t *p, zip_entry *entries)
{
    const uint8_t *end = p + r->directory_size;
    for (uint64_t i = 0; i < r->count; i++) {
        if (end - p < CENTRAL_SIZE || nbase__load32(p) != CENTRAL_SIGNATURE)
            return malformed(r, "a broken directory");
        size_t name = nbase__load16(p + 28), extra = nbase__load16(p + 30),
               comment = nbase__load16(p + 32);
        if ((size_t)(end - p) - CENTRAL_SIZE < name + extra + comment)
            return malformed(r, "a broken directory");
        zip_entry *e = &entries[i];
        *e = (zip_entry){.name = (const char *)p + CENTRAL_SIZE,
                         .name_length = name,
                         .flags = nbase__load16(p + 8),
                         .method = nbase__load16(p + 10),
                         .crc = nbase__load32(p + 16),
                         .packed = nbase__load32(p + 20),
                         .size = nbase__load32(p + 24),
                         .offset = nbase__load32(p + 42)};
        if (nbase__load16(p + 34)) return malformed(r, "in several parts");
        if (!read_extra64(p + CENTRAL_SIZE + name, extra, &e->size, &e->packed, &e->offset))
            return malformed(r, "a broken extra field in the directory");
        p += CENTRAL_SIZE + name + extra + comment;
    }
    return p == end ? NBASE_OK : malformed(r, "a directory longer than its entries");
}

/* ---- an entry ---- */

typedef struct entry_stream {
    nbase__stream stream;
    const nbase__source *source;
    uint64_t at, packed_left; /* of the packed bytes */
    uint32_t crc;
    unsigned method;
    bool ended; /* deflate's end was met */
    z_stream z;
    uint8_t *chunk;
} entry_stream;

static nbase_status read_stored(entry_stream *s, void *dst, size_t n, nbase_error *err)
{
    nbase_status status = nbase__source_read(s->source, s->at, dst, n, err);
    s->at += n;
    s->packed_left -= n;
    return status;
}

static nbase_status refill(entry_stream *s, nbase_error *err)
{
    size_t n = s->packed_left < CHUNK ? (size_t)s->packed_left : CHUNK;
    nbase_status status = nbase__source_read(s->source, s->at, s->chunk, n, err);
    s->at += n;
    s->packed_left -= n;
    s->z.next_in = s->chunk;
    s->z.avail_in = (uInt)n;
    return status;
}

/* Inflates until `n` bytes are out, the deflate stream ends, or input runs out; *got tells how many
 * came. */
static nbase_status inflate_some(entry_stream *s, uint8_t *dst, size_t n, size_t *got,
                                 nbase_error *err)
{
    *got = 0;
    while (*got < n && !s->ended) {
        if (!s->z.avail_in && s->packed_left) {
            nbase_status status = refill(s, err);
            if (status) return status;
        }
        uInt room = n - *got < (1u << 30) ? (uInt)(n - *got) : 1u << 30;
        s->z.next_out = dst + *got;
        s->z.avail_out = room;
        int result = inflate(&s->z, Z_NO_FLUSH);
        *got += room - s->z.avail_out;
        if (result == Z_STREAM_END)
            s->ended = true;
        else if (result == Z_MEM_ERROR)
            return nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", s->stream.what);
        else if (result != Z_OK && !(result == Z_BUF_ERROR && s->packed_left))
            return nbase__fail(err, NBASE_ERR_FORMAT, "%s: broken deflate data", s->stream.what);
    }
    return NBASE_OK;
}

static nbase_status read_entry_stream(nbase__stream *stream, void *dst, size_t n, nbase_error *err)
{
    entry_stream *s = (entry_stream *)stream;
    nbase_status status;
    size_t got = n;
    if (s->method == METHOD_STORED)
        status = read_stored(s, dst, n, err);
    else
        status = inflate_some(s, dst, n, &got, err);
    if (status) return status;
    if (got < n)
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: the deflate data end early", s->stream.what);
    s->crc = (uint32_t)crc32_z(s->crc, dst, n);
    return NBASE_OK;
}

/* After the last byte: nothing may be left, and the sum must be right. */
static nbase_status check_entry_end(entry_stream *s, uint32_t crc, nbase_error *err)
{
    if (s->method == METHOD_DEFLATED) {
        uint8_t extra;
        size_t got;
        nbase_status status = inflate_some(s, &extra, 1, &got, err);
        if (status) return status;
        if (got || s->packed_left || s->z.avail_in)
            return nbase__fail(err, NBASE_ERR_FORMAT, "%s: more data than the directory says",
                               s->stream.what);
    }
    if (s->crc != crc)
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: CRC mismatch: the file is damaged",
                           s->stream.what);
    return NBASE_OK;
}

/* What lies between an entry's data and whatever comes next is its data descriptor or nothing; the
 * length tells which form it has. */
static nbase_status check_descriptor(const zip_reader *r, const zip_entry *e, uint64_t at,
                                     uint64_t next)
{
    uint64_t gap = next - at;
    if (!(e->flags & FLAG_DESCRIPTOR))
        return gap ? malformed(r, "bytes that belong to no entry") : NBASE_OK;
    if (gap != 12 && gap != 16 && gap != 20 && gap != 24)
        return malformed(r, "a broken data descriptor");
    uint8_t bytes[24];
    nbase_status status = nbase__source_read(r->source, at, bytes, (size_t)gap, r->err);
    if (status) return status;
    bool is_signed = gap == 16 || gap == 24, wide = gap >= 20;
    const uint8_t *p = bytes + (is_signed ? 4 : 0);
    uint64_t packed = wide ? nbase__load64(p + 4) : nbase__load32(p + 4),
             size = wide ? nbase__load64(p + 12) : nbase__load32(p + 8);
    if ((is_signed && nbase__load32(bytes) != DESCRIPTOR_SIGNATURE) || nbase__load32(p) != e->crc ||
        packed != e->packed || size != e->size)
        return malformed(r, "a broken data descriptor");
    return NBASE_OK;
}

/* The local header repeats what the directory says; *data_at is where the packed bytes begin. */
static nbase_status check_local(const zip_reader *r, const zip_entry *e, uint64_t next,
                                uint64_t *data_at)
{
    uint8_t header[LOCAL_SIZE];
    nbase_status status = nbase__source_read(r->source, e->offset, header, sizeof header, r->err);
    if (status) return status;
    size_t name = nbase__load16(header + 26), extra = nbase__load16(header + 28);
    if (nbase__load32(header) != LOCAL_SIGNATURE || name != e->name_length ||
        nbase__load16(header + 6) != e->flags || nbase__load16(header + 8) != e->method)
        return malformed(r, "an entry's header differs from the directory");
    *data_at = e->offset + LOCAL_SIZE + name + extra;
    if (*data_at > next || e->packed > next - *data_at) return malformed(r, "overlapping entries");

    uint8_t *rest = nbase__alloc(&r->a->env, name + extra);
    if (!rest) return out_of_memory(r);
    status = nbase__source_read(r->source, e->offset + LOCAL_SIZE, rest, name + extra, r->err);
    uint64_t packed = nbase__load32(header + 18), size = nbase__load32(header + 22);
    if (!status && memcmp(rest, e->name, name))
        status = malformed(r, "an entry's name differs from the directory");
    if (!status && !(e->flags & FLAG_DESCRIPTOR) &&
        (!read_extra64(rest + name, extra, &size, &packed, NULL) || size != e->size ||
         packed != e->packed || nbase__load32(header + 14) != e->crc))
        status = malformed(r, "an entry's sizes differ from the directory");
    nbase__free(&r->a->env, rest);
    return status ? status : check_descriptor(r, e, *data_at + e->packed, next);
}

static nbase_status check_entry(const zip_reader *r, const zip_entry *e)
{
    int shown = e->name_length < 80 ? (int)e->name_length : 80;
    if (e->flags & FLAG_ENCRYPTED)
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED, "%s: zip: \"%.*s\" is encrypted",
                           r->source->what, shown, e->name);
    if ((e->flags & ~(unsigned)FLAGS_KNOWN) ||
        (e->method != METHOD_STORED && e->method != METHOD_DEFLATED))
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED,
                           "%s: zip: \"%.*s\": method %u, flags %#x: not supported",
                           r->source->what, shown, e->name, e->method, e->flags);
    if (r->npz && (e->name_length < 4 || memcmp(e->name + e->name_length - 4, ".npy", 4)))
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED,
                           "%s: \"%.*s\" is not an array (.npy): not an .npz", r->source->what,
                           shown, e->name);
    if (e->method == METHOD_STORED ? e->packed != e->size : e->size / MAX_DEFLATE_RATIO > e->packed)
        return malformed(r, "impossible sizes");
    return NBASE_OK;
}

static nbase_status read_bytes(const zip_reader *r, const zip_entry *e, nbase__stream *stream)
{
    if (e->size > SIZE_MAX)
        return nbase__fail(r->err, NBASE_ERR_LIMIT, "%s: too large for this machine", stream->what);
    nbase_array *array;
    size_t size = (size_t)e->size;
    nbase_status status = nbase__archive_append(r->a, r->source->what, e->name, e->name_length,
                                                NBASE_U8, 1, &size, &array, r->err);
    return status ? status : nbase__stream_read(stream, array->data, size, r->err);
}

static bool is_folder(const zip_entry *e)
{
    return e->name_length && e->name[e->name_length - 1] == '/' && !e->size &&
           e->method == METHOD_STORED;
}

static nbase_status read_entry(const zip_reader *r, const zip_entry *e, uint64_t next)
{
    uint64_t data_at = 0;
    nbase_status status = check_entry(r, e);
    if (!status) status = check_local(r, e, next, &data_at);
    if (status || (!r->npz && is_folder(e))) return status;

    char label[360];
    snprintf(label, sizeof label, "%s: %.*s", r->source->what, (int)e->name_length, e->name);
    entry_stream s = {.stream = {.what = label, .left = e->size, .read = read_entry_stream},
                      .source = r->source,
                      .at = data_at,
                      .packed_left = e->packed,
                      .method = e->method};
    if (e->method == METHOD_DEFLATED) {
        s.chunk = nbase__alloc(&r->a->env, CHUNK);
        s.z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = &r->a->env};
        if (!s.chunk || inflateInit2(&s.z, -MAX_WBITS) != Z_OK) {
            nbase__free(&r->a->env, s.chunk);
            return out_of_memory(r);
        }
    }
    status = r->npz ? nbase__npy_read(r->a, &s.stream, e->name, e->name_length - 4, r->err)
                    : read_bytes(r, e, &s.stream);
    if (!status) status = check_entry_end(&s, e->crc, r->err);
    if (e->method == METHOD_DEFLATED) {
        inflateEnd(&s.z);
        nbase__free(&r->a->env, s.chunk);
    }
    return status;
}

static nbase_status read_entries(zip_reader *r, uint8_t *directory, zip_entry *entries)
{
    nbase_status status = nbase__source_read(r->source, r->directory_at, directory,
                                             (size_t)r->directory_size, r->err);
    if (!status) status = parse_directory(r, directory, entries);
    if (!status && (r->count ? entries[0].offset : r->directory_at) != 0)
        status = malformed(r, "bytes before the first entry");
    for (uint64_t i = 0; i < r->count && !status; i++) {
        uint64_t next = i + 1 < r->count ? entries[i + 1].offset : r->directory_at;
        if (next <= entries[i].offset || next > r->directory_at)
            status = malformed(r, "entries overlap or are out of order");
        else
            status = read_entry(r, &entries[i], next);
    }
    return status;
}

nbase_status nbase__zip_read(nbase_archive *a, const nbase__source *source, bool npz,
                             nbase_error *err)
{
    zip_reader r = {.a = a, .npz = npz, .source = source, .err = err};
    nbase_status status = find_directory(&r);
    if (status) return status;
    if (r.directory_size > MAX_DIRECTORY)
        return nbase__fail(err, NBASE_ERR_LIMIT, "%s: a zip directory of more than 64 MiB",
                           source->what);
    if (r.count > r.directory_size / CENTRAL_SIZE)
        return malformed(&r, "more entries than the directory has room for");
    uint8_t *directory = nbase__alloc(&a->env, (size_t)r.directory_size);
    zip_entry *entries = nbase__calloc(&a->env, (size_t)r.count, sizeof *entries);
    status = directory && entries ? read_entries(&r, directory, entries) : out_of_memory(&r);
    nbase__free(&a->env, entries);
    nbase__free(&a->env, directory);
    return status;
}

/* ---- writing ---- */

/* 1 January 1980, as NumPy writes it: the time of writing must not change the bytes */
#define DOS_DATE 0x0021

typedef struct zip_record {
    uint32_t crc;
    uint64_t packed, size, offset;
    unsigned flags, method;
    bool wide; /* sizes of 4 GiB or nearly: in a zip64 field */
} zip_record;

typedef struct zip_writer {
    nbase__outfile out;
    int level;
    bool npz; /* arrays as .npy; else their bytes alone */
    uint8_t *chunk;
} zip_writer;

static const char *suffix_of(const zip_writer *w) { return w->npz ? ".npy" : ""; }

static uint32_t low32(uint64_t v) { return v >= SATURATED32 ? SATURATED32 : (uint32_t)v; }

static void pack_stored(zip_writer *w, zip_record *rec, const uint8_t *data, size_t n)
{
    rec->crc = (uint32_t)crc32_z(rec->crc, data, n);
    nbase__outfile_write(&w->out, data, n);
    rec->packed += n;
}

static void pack_deflated(zip_writer *w, zip_record *rec, z_stream *z, const uint8_t *data,
                          size_t n, bool last)
{
    rec->crc = (uint32_t)crc32_z(rec->crc, data, n);
    do {
        uInt some = n < (1u << 30) ? (uInt)n : 1u << 30;
        z->next_in = (Bytef *)data;
        z->avail_in = some;
        data += some;
        n -= some;
        do {
            z->next_out = w->chunk;
            z->avail_out = (uInt)CHUNK;
            /* can't fail: the state is sound, and there is room */
            (void)deflate(z, last && !n ? Z_FINISH : Z_NO_FLUSH);
            size_t got = CHUNK - z->avail_out;
            nbase__outfile_write(&w->out, w->chunk, got);
            rec->packed += got;
        } while (!z->avail_out);
    } while (n);
}

static void write_local(zip_writer *w, const char *name, const zip_record *rec, bool patch)
{
    uint8_t h[LOCAL_SIZE + NBASE_MAX_NAME + 8 + 20];
    size_t stem = strlen(name), name_length = stem + strlen(suffix_of(w)),
           n = LOCAL_SIZE + name_length;
    memset(h, 0, LOCAL_SIZE);
    nbase__store32(h, LOCAL_SIGNATURE);
    nbase__store16(h + 4, rec->wide ? 45 : 20);
    nbase__store16(h + 6, (uint16_t)rec->flags);
    nbase__store16(h + 8, (uint16_t)rec->method);
    nbase__store16(h + 12, DOS_DATE);
    nbase__store32(h + 14, rec->crc);
    nbase__store32(h + 18, rec->wide ? SATURATED32 : (uint32_t)rec->packed);
    nbase__store32(h + 22, rec->wide ? SATURATED32 : (uint32_t)rec->size);
    nbase__store16(h + 26, (uint16_t)name_length);
    nbase__store16(h + 28, rec->wide ? 20 : 0);
    memcpy(h + LOCAL_SIZE, name, stem);
    memcpy(h + LOCAL_SIZE + stem, suffix_of(w), name_length - stem);
    if (rec->wide) {
        nbase__store16(h + n, 1);
        nbase__store16(h + n + 2, 16);
        nbase__store64(h + n + 4, rec->size);
        nbase__store64(h + n + 12, rec->packed);
        n += 20;
    }
    if (patch)
        nbase__outfile_patch(&w->out, rec->offset, h, n);
    else
        nbase__outfile_write(&w->out, h, n);
}

static void write_entry(zip_writer *w, const nbase_array *array, zip_record *rec)
{
    uint8_t header[NBASE__NPY_HEADER_MAX];
    size_t header_size = w->npz ? nbase__npy_header(array, header) : 0,
           bytes = array->count * nbase_dtype_size(array->dtype);
    if (w->npz && !header_size)
        nbase__outfile_fail(&w->out, NBASE_ERR_UNSUPPORTED,
                            "%s: NumPy has no type for %s (array \"%s\")", w->out.path,
                            nbase_dtype_name(array->dtype), array->name);
    bool ascii = true;
    for (const char *p = array->name; *p; p++) ascii = ascii && (unsigned char)*p < 0x80;
    *rec = (zip_record){.size = header_size + bytes,
                        .offset = w->out.written,
                        .flags = ascii ? 0 : FLAG_UTF8,
                        .method = w->level ? METHOD_DEFLATED : METHOD_STORED};
    /* deflate may make it a little longer */
    rec->wide = rec->size + rec->size / 1000 + 1024 >= SATURATED32;
    write_local(w, array->name, rec, false);
    if (w->level) {
        z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = &w->out.env};
        if (deflateInit2(&z, w->level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            nbase__outfile_fail(&w->out, NBASE_ERR_NOMEM, "%s: out of memory", w->out.path);
            return;
        }
        pack_deflated(w, rec, &z, header, header_size, false);
        pack_deflated(w, rec, &z, array->data, bytes, true);
        deflateEnd(&z);
    } else {
        pack_stored(w, rec, header, header_size);
        pack_stored(w, rec, array->data, bytes);
    }
    write_local(w, array->name, rec, true);
}

static void write_central(zip_writer *w, const char *name, const zip_record *rec)
{
    uint8_t h[CENTRAL_SIZE] = {0}, extra[28];
    size_t extra_size = 4;
    const uint64_t values[] = {rec->size, rec->packed, rec->offset};
    for (int i = 0; i < 3; i++)
        if (values[i] >= SATURATED32) {
            nbase__store64(extra + extra_size, values[i]);
            extra_size += 8;
        }
    nbase__store16(extra, 1);
    nbase__store16(extra + 2, (uint16_t)(extra_size - 4));
    if (extra_size == 4) extra_size = 0;
    nbase__store32(h, CENTRAL_SIGNATURE);
    nbase__store16(h + 4, 3 << 8 | 45); /* made on Unix */
    nbase__store16(h + 6, rec->wide || extra_size ? 45 : 20);
    nbase__store16(h + 8, (uint16_t)rec->flags);
    nbase__store16(h + 10, (uint16_t)rec->method);
    nbase__store16(h + 14, DOS_DATE);
    nbase__store32(h + 16, rec->crc);
    nbase__store32(h + 20, low32(rec->packed));
    nbase__store32(h + 24, low32(rec->size));
    nbase__store16(h + 28, (uint16_t)(strlen(name) + strlen(suffix_of(w))));
    nbase__store16(h + 30, (uint16_t)extra_size);
    nbase__store32(h + 38, 0100644u << 16); /* a regular file, rw-r--r-- */
    nbase__store32(h + 42, low32(rec->offset));
    nbase__outfile_write(&w->out, h, sizeof h);
    nbase__outfile_write(&w->out, name, strlen(name));
    nbase__outfile_write(&w->out, suffix_of(w), strlen(suffix_of(w)));
    nbase__outfile_write(&w->out, extra, extra_size);
}

static void write_end(zip_writer *w, uint64_t count, uint64_t directory_at)
{
    uint64_t directory_size = w->out.written - directory_at, end64_at = w->out.written;
    if (count >= SATURATED16 || directory_size >= SATURATED32 || directory_at >= SATURATED32) {
        uint8_t h[END64_SIZE + LOCATOR64_SIZE] = {0}, *locator = h + END64_SIZE;
        nbase__store32(h, END64_SIGNATURE);
        nbase__store64(h + 4, END64_SIZE - 12);
        nbase__store16(h + 12, 3 << 8 | 45);
        nbase__store16(h + 14, 45);
        nbase__store64(h + 24, count);
        nbase__store64(h + 32, count);
        nbase__store64(h + 40, directory_size);
        nbase__store64(h + 48, directory_at);
        nbase__store32(locator, LOCATOR64_SIGNATURE);
        nbase__store64(locator + 8, end64_at);
        nbase__store32(locator + 16, 1);
        nbase__outfile_write(&w->out, h, sizeof h);
    }
    uint8_t end[END_SIZE] = {0};
    uint16_t count16 = count >= SATURATED16 ? SATURATED16 : (uint16_t)count;
    nbase__store32(end, END_SIGNATURE);
    nbase__store16(end + 8, count16);
    nbase__store16(end + 10, count16);
    nbase__store32(end + 12, low32(directory_size));
    nbase__store32(end + 16, low32(directory_at));
    nbase__outfile_write(&w->out, end, sizeof end);
}

/* The whole zip into w->out. */
static void write_all(zip_writer *w, const nbase_archive *a)
{
    w->chunk = nbase__alloc(&a->env, CHUNK);
    zip_record *records = nbase__calloc(&a->env, a->count, sizeof *records);
    if (!w->chunk || !records)
        nbase__outfile_fail(&w->out, NBASE_ERR_NOMEM, "%s: out of memory", w->out.path);
    for (size_t i = 0; i < a->count && !w->out.status; i++)
        write_entry(w, a->arrays[i], &records[i]);
    uint64_t directory_at = w->out.written;
    for (size_t i = 0; i < a->count && !w->out.status; i++)
        write_central(w, a->arrays[i]->name, &records[i]);
    write_end(w, a->count, directory_at);
    nbase__free(&a->env, records);
    nbase__free(&a->env, w->chunk);
}

static nbase_status write_zip(const nbase_archive *a, const char *path, int level, bool npz,
                              nbase_error *err)
{
    if (!a || !path || level < 0 || level > 9)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "writing a zip: null archive or path, or a level not in 0..9");
    zip_writer w = {.level = level, .npz = npz};
    nbase__outfile_open(&w.out, &a->env, path);
    write_all(&w, a);
    return nbase__outfile_commit(&w.out, err);
}

nbase_status nbase_archive_pack_npz(nbase_archive *a, int level, const void **bytes, size_t *size,
                                    nbase_error *err)
{
    if (!a || !bytes || !size || level < 0 || level > 9)
        return nbase__fail(
            err, NBASE_ERR_ARG,
            "nbase_archive_pack_npz: null archive, bytes or size, or a level not in 0..9");
    nbase__free(&a->env, a->packed);
    a->packed = NULL;
    zip_writer w = {.level = level, .npz = true};
    nbase__outfile_memory(&w.out, &a->env, "npz");
    write_all(&w, a);
    nbase_status status = nbase__outfile_take(&w.out, &a->packed, size, err);
    *bytes = a->packed;
    return status;
}

nbase_status nbase_archive_write_npz(const nbase_archive *a, const char *path, int level,
                                     nbase_error *err)
{
    return write_zip(a, path, level, true, err);
}
nbase_status nbase_archive_write_zip(const nbase_archive *a, const char *path, int level,
                                     nbase_error *err)
{
    return write_zip(a, path, level, false, err);
}
