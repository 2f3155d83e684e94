#include "crop_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "pictures/images.h"
#include "system.h"

enum { QUALITY = 95 };

/* The path without the user's own folder, if it begins with one: the id, or the name from which
 * people.h made it. */
static const char *below_user(const char *path, const char *id)
{
    const char *p = path;
    for (; *id && *p && *p != '/' && (*p == *id || *id == '_'); p++) id++;
    return !*id && *p == '/' && p[1] ? p + 1 : path;
}

/* Length of the path without its ending. */
static size_t stem_length(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && dot > (slash ? slash + 1 : path) ? (size_t)(dot - path) : strlen(path);
}

/* Whether another of the user's photos has the same path but for its ending. */
static bool ambiguous(const user_record *user, size_t i)
{
    const char *own = user->images[i];
    size_t length = stem_length(own);
    for (size_t k = 0; k < user->image_count; k++)
        if (k != i && stem_length(user->images[k]) == length &&
            !strncmp(user->images[k], own, length) && strcmp(user->images[k], own) != 0)
            return true;
    return false;
}

/* "<user>/<photo>_2.png"; the caller frees it with free(). Null: out of memory. */
static char *crop_name(const user_record *user, size_t i, size_t face, crops_kind kind)
{
    const char *path = below_user(user->images[i], user->id);
    int length = (int)(ambiguous(user, i) ? strlen(path) : stem_length(path));
    char number[24] = "", *name;
    if (face > 1) snprintf(number, sizeof number, "_%zu", face);
    int size = asprintf(&name, "%s/%.*s%s.%s", user->id, length, path, number,
                        kind == CROPS_PNG ? "png" : "jpg");
    return size < 0 ? NULL : name;
}

bool crop_write(store *faces, const user_record *user, size_t i, size_t face, crops_kind kind,
                const uint8_t *rgb, size_t side, nbase_error *err)
{
    size_t size = 0;
    char *name = crop_name(user, i, face, kind);
    uint8_t *bytes = !name               ? NULL
                     : kind == CROPS_PNG ? picture_encode_png(rgb, side, side, &size)
                                         : picture_encode_jpeg(rgb, side, side, QUALITY, &size);
    bool ok = bytes ? store_write(faces, name, bytes, size, err) : tool_no_memory(err);
    free(bytes);
    free(name);
    return ok;
}

/* The folder of an object, place included; the caller frees it with free(). Null: out of memory. */
static char *folder_of(const store *s, const char *name)
{
    const char *slash = strrchr(name, '/');
    char *path;
    int size = asprintf(&path, "%s/%.*s", store_place(s), slash ? (int)(slash - name) : 0, name);
    return size < 0 ? NULL : path;
}

bool crops_apart(const store *photos, const store *faces, const user_record *user, crops_kind kind,
                 nbase_error *err)
{
    bool remote = store_is_remote(store_place(photos)), ok = true;
    if (!kind || remote != store_is_remote(store_place(faces))) return true;
    for (size_t i = 0; ok && i < user->image_count; i++) {
        char *crop = crop_name(user, i, 1, kind), *from = folder_of(photos, user->images[i]),
             *to = crop ? folder_of(faces, crop) : NULL;
        if (!crop || !from || !to)
            ok = tool_no_memory(err);
        else if (remote ? !strcmp(from, to) : system_same_path(from, to))
            ok = tool_fail(err, NBASE_ERR_IO,
                           "the crops would be written among the photos, into %s, and replace "
                           "those of the same name; give -o another folder",
                           to);
        free(crop);
        free(from);
        free(to);
    }
    return ok;
}

bool crops_finished(store *faces, const user_record *user, const face_series *s, crops_kind kind)
{
    size_t i = 0;
    while (i < s->count && !s->box[4 * i + 2]) i++;
    if (i == s->count) return true;
    char *name = crop_name(user, i, 1, kind);
    bool there = name && store_exists(faces, name, NULL) == 1;
    free(name);
    return there;
}
