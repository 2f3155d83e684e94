/* zip_write.c - the writer of zips: .npz files, and plain zips of the arrays' bytes. zip64 fields
 * are written only where a size needs them. The same content gives the same bytes. */
#include <string.h>

#include "deflate.h"
#include "npy.h"
#include "zip.h"

/* 1 January 1980, as NumPy writes it: the bytes must not depend on the time of writing */
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
} zip_writer;

static const char *suffix_of(const zip_writer *w) { return w->npz ? ".npy" : ""; }

static uint32_t low32(uint64_t v) { return v >= ZIP_SATURATED32 ? ZIP_SATURATED32 : (uint32_t)v; }

static void write_local(zip_writer *w, const char *name, const zip_record *rec, bool patch)
{
    uint8_t h[ZIP_LOCAL_SIZE + NBASE_MAX_NAME + 8 + 20];
    size_t stem = strlen(name), name_length = stem + strlen(suffix_of(w)),
           n = ZIP_LOCAL_SIZE + name_length;
    memset(h, 0, ZIP_LOCAL_SIZE);
    nbase__store32(h, ZIP_LOCAL_SIGNATURE);
    nbase__store16(h + 4, rec->wide ? 45 : 20);
    nbase__store16(h + 6, (uint16_t)rec->flags);
    nbase__store16(h + 8, (uint16_t)rec->method);
    nbase__store16(h + 12, DOS_DATE);
    nbase__store32(h + 14, rec->crc);
    nbase__store32(h + 18, rec->wide ? ZIP_SATURATED32 : (uint32_t)rec->packed);
    nbase__store32(h + 22, rec->wide ? ZIP_SATURATED32 : (uint32_t)rec->size);
    nbase__store16(h + 26, (uint16_t)name_length);
    nbase__store16(h + 28, rec->wide ? 20 : 0);
    memcpy(h + ZIP_LOCAL_SIZE, name, stem);
    memcpy(h + ZIP_LOCAL_SIZE + stem, suffix_of(w), name_length - stem);
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

/* The header of the .npy (of no bytes in a plain zip) and the array, packed; sets the record's crc
 * and packed size. */
static void pack_array(zip_writer *w, zip_record *rec, const void *header, size_t header_size,
                       const nbase_array *array)
{
    size_t bytes = array->count * nbase_dtype_size(array->dtype);
    rec->crc = nbase__crc32(nbase__crc32(0, header, header_size), array->data, bytes);
    if (!w->level) {
        nbase__outfile_write(&w->out, header, header_size);
        nbase__outfile_write(&w->out, array->data, bytes);
        rec->packed = rec->size;
        return;
    }
    nbase__deflater *d = nbase__deflater_create(&w->out, w->level);
    if (!d) return;
    rec->packed = nbase__deflater_write(d, header, header_size, false);
    rec->packed += nbase__deflater_write(d, array->data, bytes, true);
    nbase__deflater_free(d);
}

static bool is_ascii(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p >= 0x80) return false;
    return true;
}

static void write_entry(zip_writer *w, const nbase_array *array, zip_record *rec)
{
    uint8_t header[NBASE__NPY_HEADER_MAX];
    size_t header_size = w->npz ? nbase__npy_header(array, header) : 0;
    if (w->npz && !header_size)
        nbase__outfile_fail(&w->out, NBASE_ERR_UNSUPPORTED,
                            "%s: NumPy has no type for %s (array \"%s\")", w->out.path,
                            nbase_dtype_name(array->dtype), array->name);
    *rec = (zip_record){.size = header_size + array->count * nbase_dtype_size(array->dtype),
                        .offset = w->out.written,
                        .flags = is_ascii(array->name) ? 0 : ZIP_FLAG_UTF8,
                        .method = w->level ? ZIP_DEFLATED : ZIP_STORED};
    /* deflate may make it a little longer */
    rec->wide = rec->size + rec->size / 1000 + 1024 >= ZIP_SATURATED32;
    write_local(w, array->name, rec, false);
    pack_array(w, rec, header, header_size, array);
    write_local(w, array->name, rec, true);
}

static void write_central(zip_writer *w, const char *name, const zip_record *rec)
{
    uint8_t h[ZIP_CENTRAL_SIZE] = {0}, extra[28];
    size_t extra_size = 4;
    const uint64_t values[] = {rec->size, rec->packed, rec->offset};
    for (int i = 0; i < 3; i++)
        if (values[i] >= ZIP_SATURATED32) {
            nbase__store64(extra + extra_size, values[i]);
            extra_size += 8;
        }
    nbase__store16(extra, 1);
    nbase__store16(extra + 2, (uint16_t)(extra_size - 4));
    if (extra_size == 4) extra_size = 0;
    nbase__store32(h, ZIP_CENTRAL_SIGNATURE);
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
    if (count >= ZIP_SATURATED16 || directory_size >= ZIP_SATURATED32 ||
        directory_at >= ZIP_SATURATED32) {
        uint8_t h[ZIP_END64_SIZE + ZIP_LOCATOR64_SIZE] = {0}, *locator = h + ZIP_END64_SIZE;
        nbase__store32(h, ZIP_END64_SIGNATURE);
        nbase__store64(h + 4, ZIP_END64_SIZE - 12);
        nbase__store16(h + 12, 3 << 8 | 45);
        nbase__store16(h + 14, 45);
        nbase__store64(h + 24, count);
        nbase__store64(h + 32, count);
        nbase__store64(h + 40, directory_size);
        nbase__store64(h + 48, directory_at);
        nbase__store32(locator, ZIP_LOCATOR64_SIGNATURE);
        nbase__store64(locator + 8, end64_at);
        nbase__store32(locator + 16, 1);
        nbase__outfile_write(&w->out, h, sizeof h);
    }
    uint8_t end[ZIP_END_SIZE] = {0};
    uint16_t count16 = count >= ZIP_SATURATED16 ? ZIP_SATURATED16 : (uint16_t)count;
    nbase__store32(end, ZIP_END_SIGNATURE);
    nbase__store16(end + 8, count16);
    nbase__store16(end + 10, count16);
    nbase__store32(end + 12, low32(directory_size));
    nbase__store32(end + 16, low32(directory_at));
    nbase__outfile_write(&w->out, end, sizeof end);
}

/* The whole zip into w->out. */
static void write_all(zip_writer *w, const nbase_archive *a)
{
    zip_record *records = nbase__calloc(&a->env, a->count, sizeof *records);
    if (!records) nbase__outfile_fail(&w->out, NBASE_ERR_NOMEM, "%s: out of memory", w->out.path);
    for (size_t i = 0; i < a->count && !w->out.status; i++)
        write_entry(w, a->arrays[i], &records[i]);
    uint64_t directory_at = w->out.written;
    for (size_t i = 0; i < a->count && !w->out.status; i++)
        write_central(w, a->arrays[i]->name, &records[i]);
    write_end(w, a->count, directory_at);
    nbase__free(&a->env, records);
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
