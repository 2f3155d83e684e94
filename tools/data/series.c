/* FACES/<user>.npz: stored, not deflated. Crops shrink by a quarter at the most, and training from
 * the disk would spend a tenth of its time on inflating them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "fail.h"
#include "fileio.h"
#include "nbase.h"
#include "system.h"

#define MAX_BYTES ((size_t)4 << 30) /* of an object in a bucket */

/* One line of the file's layout: the array's name, its type, and the axes after the frames ('S'
 * stands for the crop's side). */
typedef struct field {
    const char *name;
    nbase_dtype dtype;
    int axes;
    size_t shape[3];
    size_t offset; /* of the pointer in face_series */
} field;

enum { SIDE = 0 };
static const field fields[] = {
    {"img", NBASE_U8, 3, {SIDE, SIDE, 3}, offsetof(face_series, img)},
    {"mask", NBASE_BOOL, 0, {0}, offsetof(face_series, mask)},
    {"box", NBASE_I32, 1, {4}, offsetof(face_series, box)},
    {"score", NBASE_F32, 0, {0}, offsetof(face_series, score)},
    {"landmarks", NBASE_F32, 2, {5, 2}, offsetof(face_series, landmarks)},
    {"frame", NBASE_I32, 0, {0}, offsetof(face_series, frame)},
    {"photo", NBASE_I32, 1, {2}, offsetof(face_series, photo)},
    {"rotation", NBASE_I32, 0, {0}, offsetof(face_series, rotation)},
    {"quality", NBASE_F32, 1, {QUALITY_MEASURES}, offsetof(face_series, quality)},
    {"reason", NBASE_I32, 0, {0}, offsetof(face_series, reason)},
    {"colour", NBASE_I32, 0, {0}, offsetof(face_series, colour)},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static void **slot(face_series *s, const field *f) { return (void **)((char *)s + f->offset); }

static size_t axis(const field *f, int i, size_t side)
{
    return f->shape[i] == SIDE ? side : f->shape[i];
}

static size_t bytes_of(const field *f, const face_series *s)
{
    size_t bytes = s->count * nbase_dtype_size(f->dtype);
    for (int i = 0; i < f->axes; i++) bytes *= axis(f, i, s->size);
    return bytes;
}

typedef char series_name[USER_ID_MAX + 16];

static void name_of(const char *id, series_name name)
{
    snprintf(name, sizeof(series_name), "%s.npz", id);
}

char *face_series_path(const store *faces, const char *id, nbase_error *err)
{
    series_name name;
    name_of(id, name);
    if (system_part_ok(name, strlen(name))) return file_join(store_place(faces), name, err);
    tool_fail(err, NBASE_ERR_IO, "%s/%s: no file can have this name here; choose another id",
              store_place(faces), name);
    return NULL;
}

bool face_series_create(size_t count, size_t size, face_series *out, nbase_error *err)
{
    *out = (face_series){0};
    bool ok = count >= 1 && count <= FACE_MAX_FRAMES && size >= 1 && size <= FACE_MAX_SIDE;
    out->count = count;
    out->size = size;
    for (size_t i = 0; ok && i < FIELDS; i++)
        ok = (*slot(out, &fields[i]) = calloc(1, bytes_of(&fields[i], out))) != NULL;
    if (!ok) {
        face_series_free(out);
        tool_fail(err, NBASE_ERR_NOMEM, "no memory for %zu face crops of %zu x %zu", count, size,
                  size);
    }
    return ok;
}

void face_series_free(face_series *s)
{
    for (size_t i = 0; i < FIELDS; i++) free(*slot(s, &fields[i]));
    *s = (face_series){0};
}

size_t face_series_valid(const face_series *s)
{
    size_t valid = 0;
    for (size_t i = 0; i < s->count; i++) valid += s->mask[i] != 0;
    return valid;
}

/* ---- reading ---- */

static bool fits(const nbase_array *a, const field *f, const face_series *s)
{
    bool ok = a && a->dtype == f->dtype && a->ndim == f->axes + 1 && a->shape[0] == s->count;
    for (int i = 0; ok && i < f->axes; i++) ok = a->shape[i + 1] == axis(f, i, s->size);
    return ok;
}

/* What a file without a mask means: a frame of zeros has no face. */
static void mask_from_crops(face_series *s)
{
    size_t bytes = s->size * s->size * 3;
    for (size_t i = 0; i < s->count; i++) {
        const uint8_t *crop = s->img + i * bytes;
        s->mask[i] = crop[0] || memcmp(crop, crop + 1, bytes - 1);
    }
}

static bool take_arrays(const nbase_archive *archive, const char *path, face_series *out,
                        nbase_error *err)
{
    const nbase_array *img = nbase_archive_find(archive, "img");
    if (!img || img->ndim != 4 || img->shape[0] < 1 || img->shape[0] > FACE_MAX_FRAMES ||
        img->shape[1] < 1 || img->shape[1] > FACE_MAX_SIDE)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: no array 'img' of shape (frames, side, side, 3) in it", path);
    if (!face_series_create(img->shape[0], img->shape[1], out, NULL))
        return tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < FIELDS; i++) {
        const nbase_array *a = nbase_archive_find(archive, fields[i].name);
        if (!a) continue;
        if (!fits(a, &fields[i], out)) {
            tool_fail(err, NBASE_ERR_FORMAT,
                      "%s: the array '%s' is not %s of the right shape for %zu frames", path,
                      a->name, nbase_dtype_name(fields[i].dtype), out->count);
            face_series_free(out);
            return false;
        }
        memcpy(*slot(out, &fields[i]), a->data, bytes_of(&fields[i], out));
    }
    if (!nbase_archive_find(archive, "mask")) mask_from_crops(out);
    return true;
}

/* The arrays of a file in a folder, or of an object in a bucket. */
static nbase_archive *open_archive(store *faces, const char *id, const char *path, bool *missing,
                                   nbase_error *err)
{
    nbase_archive *archive = NULL;
    if (!store_is_remote(store_place(faces))) {
        *missing = !file_exists(path);
        nbase_archive_read(NULL, path, &archive, err);
        return archive;
    }
    series_name name;
    name_of(id, name);
    size_t size;
    char *bytes = store_read(faces, name, MAX_BYTES, &size, missing, err);
    if (bytes) nbase_archive_parse(NULL, bytes, size, path, &archive, err);
    free(bytes);
    return archive;
}

bool face_series_load(store *faces, const char *id, face_series *out, bool *missing,
                      nbase_error *err)
{
    bool unasked;
    *out = (face_series){0};
    char *path = face_series_path(faces, id, err);
    nbase_archive *archive =
        path ? open_archive(faces, id, path, missing ? missing : &unasked, err) : NULL;
    bool ok = archive && take_arrays(archive, path, out, err);
    nbase_archive_free(archive);
    free(path);
    return ok;
}

bool face_series_read(store *faces, const char *id, face_series *out, nbase_error *err)
{
    return face_series_load(faces, id, out, NULL, err) ||
           tool_fail_advice(err, "; create it with skin-faces");
}

/* ---- writing ---- */

static bool write_archive(store *faces, const char *id, nbase_archive *archive, nbase_error *err)
{
    if (!store_is_remote(store_place(faces))) {
        char *path = face_series_path(faces, id, err);
        bool ok = path && nbase_archive_write_npz(archive, path, 0, err) == NBASE_OK;
        free(path);
        return ok;
    }
    series_name name;
    name_of(id, name);
    const void *bytes = NULL;
    size_t size = 0;
    return nbase_archive_pack_npz(archive, 0, &bytes, &size, err) == NBASE_OK &&
           store_write(faces, name, bytes, size, err);
}

/* Files without such photos stay what they were before there was this array. */
static bool left_out(const field *f, const face_series *s)
{
    if (f->offset != offsetof(face_series, colour)) return false;
    for (size_t i = 0; i < s->count; i++)
        if (s->colour[i]) return false;
    return true;
}

bool face_series_write(store *faces, const char *id, const face_series *s, nbase_error *err)
{
    nbase_archive *archive = NULL;
    bool ok = nbase_archive_create(NULL, &archive) == NBASE_OK;
    for (size_t i = 0; ok && i < FIELDS; i++) {
        const field *f = &fields[i];
        if (left_out(f, s)) continue;
        size_t shape[4] = {s->count};
        for (int k = 0; k < f->axes; k++) shape[k + 1] = axis(f, k, s->size);
        ok = nbase_archive_add(archive, f->name, f->dtype, f->axes + 1, shape,
                               *slot((face_series *)s, f), NULL) == NBASE_OK;
    }
    if (ok)
        ok = write_archive(faces, id, archive, err);
    else
        tool_fail(err, NBASE_ERR_NOMEM, "out of memory for the face crops");
    nbase_archive_free(archive);
    return ok;
}

/* ---- mirroring ---- */

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

void face_series_mirror(face_series *s)
{
    /* which landmark becomes eye left, eye right, nose, mouth left, mouth right */
    static const int mirrored[5] = {1, 0, 2, 4, 3};
    for (size_t row = 0; row < s->count * s->size; row++) {
        uint8_t *pixels = s->img + row * s->size * 3;
        for (size_t x = 0; x < s->size / 2; x++)
            swap_bytes(pixels + x * 3, pixels + (s->size - 1 - x) * 3, 3);
    }
    for (size_t i = 0; i < s->count; i++) {
        int32_t width = s->photo[i * 2], *box = s->box + i * 4;
        if (!s->mask[i] && !box[2]) continue; /* no face */
        s->quality[i * QUALITY_MEASURES + QUALITY_YAW] *= -1;
        s->quality[i * QUALITY_MEASURES + QUALITY_ROLL] *= -1;
        float old[10], *points = s->landmarks + i * 10;
        /* the file does not say how wide the photo was: where the mirrored face is, is unknown */
        if (width <= 0) {
            memset(box, 0, 4 * sizeof *box);
            memset(points, 0, sizeof old);
            continue;
        }
        box[0] = width - box[0] - box[2];
        memcpy(old, points, sizeof old);
        for (int k = 0; k < 5; k++) {
            points[2 * k] = (float)width - old[2 * mirrored[k]];
            points[2 * k + 1] = old[2 * mirrored[k] + 1];
        }
    }
}
