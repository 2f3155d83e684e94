/* zip_read.c - the reader of zips: .npz files, and plain zips whose entries may be anything. zip64
 * fields may be there although no size needs them: NumPy writes them so. */
#include <stdio.h>
#include <string.h>

#include "deflate.h"
#include "npy.h"
#include "zip.h"

#define MAX_DIRECTORY ((uint64_t)64 << 20)
/* deflate can't do better than 1032 to 1: a directory that claims more is lying */
#define MAX_DEFLATE_RATIO 1040

typedef struct zip_entry {
    const char *name; /* in the directory's bytes, not terminated */
    size_t name_length;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size, offset; /* offset of the local header */
} zip_entry;

typedef struct zip_reader {
    nbase_archive *a;
    bool npz; /* every entry must be a .npy; else it is read as bytes */
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

/* ---- the directory ---- */

static nbase_status read_end64(zip_reader *r, uint64_t end_at)
{
    uint8_t locator[ZIP_LOCATOR64_SIZE], end[ZIP_END64_SIZE];
    if (end_at < ZIP_LOCATOR64_SIZE + ZIP_END64_SIZE)
        return malformed(r, "no zip64 end of directory");
    uint64_t locator_at = end_at - ZIP_LOCATOR64_SIZE;
    nbase_status status =
        nbase__source_read(r->source, locator_at, locator, sizeof locator, r->err);
    if (status) return status;
    uint64_t at = nbase__load64(locator + 8);
    if (nbase__load32(locator) != ZIP_LOCATOR64_SIGNATURE || nbase__load32(locator + 4) != 0 ||
        nbase__load32(locator + 16) != 1 || at > locator_at - ZIP_END64_SIZE)
        return malformed(r, "no zip64 end of directory");
    if ((status = nbase__source_read(r->source, at, end, sizeof end, r->err))) return status;
    if (nbase__load32(end) != ZIP_END64_SIGNATURE || nbase__load64(end + 4) != locator_at - at - 12)
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

/* Whether the locator of a zip64 end of directory stands right before the end record. Writers may
 * add one although no number needs it, as torch.save does. */
static bool has_locator64(zip_reader *r, uint64_t end_at, nbase_status *status)
{
    uint8_t signature[4] = {0};
    if (end_at < ZIP_LOCATOR64_SIZE + ZIP_END64_SIZE) return false;
    *status = nbase__source_read(r->source, end_at - ZIP_LOCATOR64_SIZE, signature,
                                 sizeof signature, r->err);
    return !*status && nbase__load32(signature) == ZIP_LOCATOR64_SIGNATURE;
}

static nbase_status read_end_record(zip_reader *r, const uint8_t *end, uint64_t end_at)
{
    nbase_status status = NBASE_OK;
    r->count = nbase__load16(end + 10);
    r->directory_size = nbase__load32(end + 12);
    r->directory_at = nbase__load32(end + 16);
    if (r->count == ZIP_SATURATED16 || r->directory_size == ZIP_SATURATED32 ||
        r->directory_at == ZIP_SATURATED32 || has_locator64(r, end_at, &status))
        return read_end64(r, end_at);
    if (status) return status;
    if (nbase__load16(end + 4) || nbase__load16(end + 6) || nbase__load16(end + 8) != r->count)
        return malformed(r, "in several parts");
    if (r->directory_at > end_at || r->directory_size != end_at - r->directory_at)
        return malformed(r, "the directory does not end where the end record begins");
    return NBASE_OK;
}

/* The end record is the last thing in the file but for a comment whose length it states. */
static nbase_status find_directory(zip_reader *r)
{
    size_t tail_size = r->source->size < ZIP_END_SIZE + ZIP_SATURATED16
                           ? (size_t)r->source->size
                           : ZIP_END_SIZE + ZIP_SATURATED16;
    uint64_t tail_at = r->source->size - tail_size;
    uint8_t *tail = nbase__alloc(&r->a->env, tail_size);
    if (!tail) return out_of_memory(r);
    nbase_status status = nbase__source_read(r->source, tail_at, tail, tail_size, r->err);
    if (!status) {
        status = malformed(r, "no end of directory: truncated, or trailing bytes");
        for (size_t i = tail_size < ZIP_END_SIZE ? 0 : tail_size - ZIP_END_SIZE + 1; i-- > 0;)
            if (nbase__load32(tail + i) == ZIP_END_SIGNATURE &&
                nbase__load16(tail + i + 20) == tail_size - i - ZIP_END_SIZE) {
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
    bool wanted = *size == ZIP_SATURATED32 || *packed == ZIP_SATURATED32 ||
                  (offset && *offset == ZIP_SATURATED32);
    while (n >= 4) {
        size_t field = nbase__load16(extra + 2);
        if (field > n - 4) return false;
        if (nbase__load16(extra) == 1 && wanted) {
            const uint8_t *p = extra + 4, *end = p + field;
            uint64_t *targets[] = {size, packed, offset};
            for (int i = 0; i < 3; i++) {
                if (!targets[i] || *targets[i] != ZIP_SATURATED32) continue;
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
        if (end - p < ZIP_CENTRAL_SIZE || nbase__load32(p) != ZIP_CENTRAL_SIGNATURE)
            return malformed(r, "a broken directory");
        size_t name = nbase__load16(p + 28), extra = nbase__load16(p + 30),
               comment = nbase__load16(p + 32);
        if ((size_t)(end - p) - ZIP_CENTRAL_SIZE < name + extra + comment)
            return malformed(r, "a broken directory");
        zip_entry *e = &entries[i];
        *e = (zip_entry){.name = (const char *)p + ZIP_CENTRAL_SIZE,
                         .name_length = name,
                         .flags = nbase__load16(p + 8),
                         .method = nbase__load16(p + 10),
                         .crc = nbase__load32(p + 16),
                         .packed = nbase__load32(p + 20),
                         .size = nbase__load32(p + 24),
                         .offset = nbase__load32(p + 42)};
        if (nbase__load16(p + 34)) return malformed(r, "in several parts");
        if (!read_extra64(p + ZIP_CENTRAL_SIZE + name, extra, &e->size, &e->packed, &e->offset))
            return malformed(r, "a broken extra field in the directory");
        p += ZIP_CENTRAL_SIZE + name + extra + comment;
    }
    return p == end ? NBASE_OK : malformed(r, "a directory longer than its entries");
}

/* ---- an entry ---- */

/* The bytes of an entry as they were before packing, summed up on the way. */
typedef struct entry_stream {
    nbase__stream stream;
    const nbase__source *source;
    uint64_t at;               /* of a stored entry: the next byte */
    nbase__inflater *inflater; /* of a deflated one, or null */
    uint32_t crc;
} entry_stream;

static nbase_status read_entry_stream(nbase__stream *stream, void *dst, size_t n, nbase_error *err)
{
    entry_stream *s = (entry_stream *)stream;
    size_t got = n;
    nbase_status status = s->inflater
                              ? nbase__inflater_read(s->inflater, s->stream.what, dst, n, &got, err)
                              : nbase__source_read(s->source, s->at, dst, n, err);
    if (status) return status;
    if (got < n)
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: the deflate data end early", s->stream.what);
    s->at += n;
    s->crc = nbase__crc32(s->crc, dst, n);
    return NBASE_OK;
}

/* After the last byte: nothing may be left, and the sum must be right. */
static nbase_status check_entry_end(entry_stream *s, uint32_t crc, nbase_error *err)
{
    if (s->inflater) {
        uint8_t extra;
        size_t got;
        nbase_status status =
            nbase__inflater_read(s->inflater, s->stream.what, &extra, 1, &got, err);
        if (status) return status;
        if (got || nbase__inflater_left(s->inflater))
            return nbase__fail(err, NBASE_ERR_FORMAT, "%s: more data than the directory says",
                               s->stream.what);
    }
    if (s->crc != crc)
        return nbase__fail(err, NBASE_ERR_FORMAT, "%s: CRC mismatch: the file is damaged",
                           s->stream.what);
    return NBASE_OK;
}

/* What lies between an entry's data and whatever comes next is its data descriptor or nothing; the
 * length shows which form it has. */
static nbase_status check_descriptor(const zip_reader *r, const zip_entry *e, uint64_t at,
                                     uint64_t next)
{
    uint64_t gap = next - at;
    if (!(e->flags & ZIP_FLAG_DESCRIPTOR))
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
    if ((is_signed && nbase__load32(bytes) != ZIP_DESCRIPTOR_SIGNATURE) ||
        nbase__load32(p) != e->crc || packed != e->packed || size != e->size)
        return malformed(r, "a broken data descriptor");
    return NBASE_OK;
}

/* The local header repeats what the directory says; *data_at is where the packed bytes begin. */
static nbase_status check_local(const zip_reader *r, const zip_entry *e, uint64_t next,
                                uint64_t *data_at)
{
    uint8_t header[ZIP_LOCAL_SIZE];
    nbase_status status = nbase__source_read(r->source, e->offset, header, sizeof header, r->err);
    if (status) return status;
    size_t name = nbase__load16(header + 26), extra = nbase__load16(header + 28);
    if (nbase__load32(header) != ZIP_LOCAL_SIGNATURE || name != e->name_length ||
        nbase__load16(header + 6) != e->flags || nbase__load16(header + 8) != e->method)
        return malformed(r, "an entry's header differs from the directory");
    *data_at = e->offset + ZIP_LOCAL_SIZE + name + extra;
    if (*data_at > next || e->packed > next - *data_at) return malformed(r, "overlapping entries");

    uint8_t *rest = nbase__alloc(&r->a->env, name + extra);
    if (!rest) return out_of_memory(r);
    status = nbase__source_read(r->source, e->offset + ZIP_LOCAL_SIZE, rest, name + extra, r->err);
    uint64_t packed = nbase__load32(header + 18), size = nbase__load32(header + 22);
    if (!status && memcmp(rest, e->name, name))
        status = malformed(r, "an entry's name differs from the directory");
    if (!status && !(e->flags & ZIP_FLAG_DESCRIPTOR) &&
        (!read_extra64(rest + name, extra, &size, &packed, NULL) || size != e->size ||
         packed != e->packed || nbase__load32(header + 14) != e->crc))
        status = malformed(r, "an entry's sizes differ from the directory");
    nbase__free(&r->a->env, rest);
    return status ? status : check_descriptor(r, e, *data_at + e->packed, next);
}

static nbase_status check_entry(const zip_reader *r, const zip_entry *e)
{
    int shown = e->name_length < 80 ? (int)e->name_length : 80;
    if (e->flags & ZIP_FLAG_ENCRYPTED)
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED, "%s: zip: \"%.*s\" is encrypted",
                           r->source->what, shown, e->name);
    if (e->method != ZIP_STORED && e->method != ZIP_DEFLATED)
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED,
                           "%s: zip: \"%.*s\" is compressed by method %u; only deflate is read, as "
                           "numpy.savez_compressed writes it, or no compression",
                           r->source->what, shown, e->name, e->method);
    if (e->flags & ~(unsigned)ZIP_FLAGS_KNOWN)
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED,
                           "%s: zip: \"%.*s\": flags %#x: not supported", r->source->what, shown,
                           e->name, e->flags);
    if (r->npz && (e->name_length < 4 || memcmp(e->name + e->name_length - 4, ".npy", 4)))
        return nbase__fail(r->err, NBASE_ERR_UNSUPPORTED,
                           "%s: \"%.*s\" is not an array (.npy): not an .npz", r->source->what,
                           shown, e->name);
    if (e->method == ZIP_STORED ? e->packed != e->size : e->size / MAX_DEFLATE_RATIO > e->packed)
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
           e->method == ZIP_STORED;
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
                      .at = data_at};
    if (e->method == ZIP_DEFLATED) {
        s.inflater = nbase__inflater_create(&r->a->env, r->source, data_at, e->packed);
        if (!s.inflater) return out_of_memory(r);
    }
    status = r->npz ? nbase__npy_read(r->a, &s.stream, e->name, e->name_length - 4, r->err)
                    : read_bytes(r, e, &s.stream);
    if (!status) status = check_entry_end(&s, e->crc, r->err);
    nbase__inflater_free(s.inflater);
    return status;
}

/* Whether the deflated entries together stay within the limits of nbase.h, before anything is
 * unpacked. Photos and weights pack to a half at best, masks and padded sequences to a tenth. The
 * directory's sizes can be trusted here: read_entry unpacks no byte beyond them. */
static nbase_status check_unpacked(const zip_reader *r, const zip_entry *entries)
{
    uint64_t limit = NBASE_MAX_UNPACKED, sum = 0;
    if (r->source->size > limit / NBASE_MAX_UNPACKED_RATIO)
        limit = r->source->size * NBASE_MAX_UNPACKED_RATIO;
    for (uint64_t i = 0; i < r->count; i++) {
        const zip_entry *e = &entries[i];
        /* Stored: as long as its part of the file. Impossible: read_entry refuses it. */
        if (e->method == ZIP_STORED || e->size / MAX_DEFLATE_RATIO > e->packed) continue;
        if (e->size > limit - sum)
            return nbase__fail(r->err, NBASE_ERR_LIMIT,
                               "%s: %.*s: its %llu bytes would unpack to %llu, after %llu of other "
                               "entries; the limit for a file of %llu bytes is %llu in all",
                               r->source->what, e->name_length < 80 ? (int)e->name_length : 80,
                               e->name, (unsigned long long)e->packed, (unsigned long long)e->size,
                               (unsigned long long)sum, (unsigned long long)r->source->size,
                               (unsigned long long)limit);
        sum += e->size;
    }
    return NBASE_OK;
}

static nbase_status read_entries(zip_reader *r, uint8_t *directory, zip_entry *entries)
{
    nbase_status status = nbase__source_read(r->source, r->directory_at, directory,
                                             (size_t)r->directory_size, r->err);
    if (!status) status = parse_directory(r, directory, entries);
    if (!status) status = check_unpacked(r, entries);
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
    if (r.count > r.directory_size / ZIP_CENTRAL_SIZE)
        return malformed(&r, "more entries than the directory has room for");
    uint8_t *directory = nbase__alloc(&a->env, (size_t)r.directory_size);
    zip_entry *entries = nbase__calloc(&a->env, (size_t)r.count, sizeof *entries);
    status = directory && entries ? read_entries(&r, directory, entries) : out_of_memory(&r);
    nbase__free(&a->env, entries);
    nbase__free(&a->env, directory);
    return status;
}
