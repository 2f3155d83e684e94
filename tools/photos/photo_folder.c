#include "photo_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "fail.h"
#include "fileio.h"
#include "pictures/images.h"
#include "system.h"

/* ---- lists ---- */

/* Appends a path, which the list then owns. Null: out of memory. */
static bool append(photo_paths *p, char *path)
{
    if (!path) return false;
    if ((p->count & (p->count - 1)) == 0) { /* the room is used up at powers of two */
        char **grown = realloc(p->paths, (p->count ? 2 * p->count : 1) * sizeof *grown);
        if (!grown) {
            free(path);
            return false;
        }
        p->paths = grown;
    }
    p->paths[p->count++] = path;
    return true;
}

void photo_paths_pack(const photo_paths *paths, parcel *p)
{
    parcel_put_size(p, paths->count);
    for (size_t i = 0; i < paths->count; i++) parcel_put_text(p, paths->paths[i]);
}

bool photo_paths_unpack(parcel *p, photo_paths *out, nbase_error *err)
{
    size_t count = parcel_take_size(p);
    *out = (photo_paths){.paths = calloc(count ? count : 1, sizeof *out->paths)};
    bool ok = out->paths != NULL;
    for (; ok && out->count < count; out->count++) {
        const char *path = parcel_take_text(p);
        ok = path && (out->paths[out->count] = strdup(path));
        if (!ok) break;
    }
    if (ok) return true;
    photo_paths_free(out);
    return tool_no_memory(err);
}

void photo_paths_free(photo_paths *p)
{
    for (size_t i = 0; i < p->count; i++) free(p->paths[i]);
    free(p->paths);
    *p = (photo_paths){0};
}

/* ---- what is a photo ---- */

static bool hidden(const char *name) { return name[0] == '.' || strstr(name, "/."); }

static bool photo_by_ending(const char *name)
{
    static const char *const endings[] = {".jpg",  ".jpeg", ".png", ".webp",
                                          ".heic", ".heif", ".avif"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i])) return true;
    return false;
}

/* Whether the file begins like a photo. One that cannot be opened or read counts as one, so that it
 * is reported where it is missed. */
static bool photo_by_content(const char *path)
{
    uint8_t head[132]; /* DICOM's mark stands at byte 128 */
    const char *name;
    FILE *f = system_open_any(path);
    if (!f) return true;
    size_t size = fread(head, 1, sizeof head, f);
    bool failed = ferror(f);
    fclose(f);
    if (failed) return true;
    picture_format format = picture_format_of(head, size, &name);
    if (format == PICTURE_OTHER) cli_warn("%s: %s, which is not read; left out", path, name);
    return format != PICTURE_OTHER && format != PICTURE_UNKNOWN;
}

/* ---- folders ---- */

typedef struct listing {
    const char *place;
    bool remote;
    photo_paths *out;
} listing;

static bool take_file(void *ctx, const char *name, size_t size)
{
    listing *l = ctx;
    (void)size;
    if (hidden(name)) return true;
    if (l->remote) return !photo_by_ending(name) || append(l->out, strdup(name));
    char *path = file_join(l->place, name, NULL);
    bool photo = path && photo_by_content(path);
    free(path);
    return path && (!photo || append(l->out, strdup(name)));
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

bool photo_folder_list(store *folder, photo_paths *out, nbase_error *err)
{
    *out = (photo_paths){0};
    const char *place = store_place(folder);
    listing l = {place, store_is_remote(place), out};
    if (!store_list(folder, "", take_file, &l, err)) {
        photo_paths_free(out);
        return false;
    }
    if (out->count) qsort(out->paths, out->count, sizeof *out->paths, by_name);
    return true;
}

typedef struct dated {
    char taken[EXIF_DATE];
    char *path;
} dated;

static int by_time(const void *a, const void *b)
{
    const dated *x = a, *y = b;
    int order = strcmp(x->taken, y->taken);
    return order ? order : by_name(&x->path, &y->path);
}

static void date_of(store *folder, const char *path, char taken[EXIF_DATE])
{
    size_t size;
    char *bytes = store_read(folder, path, PICTURE_MAX_BYTES, &size, NULL, NULL);
    taken[0] = '\0';
    if (bytes) picture_taken(bytes, size, taken);
    free(bytes);
}

void photo_folder_sort(store *folder, char **paths, size_t count)
{
    dated *all = store_is_remote(store_place(folder)) ? NULL : calloc(count + 1, sizeof *all);
    size_t known = 0;
    const char *without = NULL;
    for (size_t i = 0; all && i < count; i++) {
        all[i].path = paths[i];
        date_of(folder, paths[i], all[i].taken);
        known += all[i].taken[0] != '\0';
        if (!all[i].taken[0] && !without) without = paths[i];
    }
    if (known && known == count) {
        qsort(all, count, sizeof *all, by_time);
        for (size_t i = 0; i < count; i++) paths[i] = all[i].path;
    } else if (known) {
        cli_warn(
            "%s: %zu of %zu photos do not say when they were taken (%s): they are taken in the "
            "order of their names",
            store_place(folder), count - known, count, without);
    }
    free(all);
}

/* ---- command lines ---- */

static bool is_folder(const char *path) { return system_look(path, NULL) == SYSTEM_FOLDER; }

static bool append_folder(photo_paths *p, const char *place, bool sorted, nbase_error *err)
{
    photo_paths found = {0};
    store *folder = store_open(place, err);
    bool ok = folder && photo_folder_list(folder, &found, err);
    if (ok && !found.count)
        ok = tool_fail(err, NBASE_ERR_IO, "%s: there are no photos in this folder", place);
    if (ok && sorted) photo_folder_sort(folder, found.paths, found.count);
    for (size_t i = 0; ok && i < found.count; i++)
        ok = append(p, file_join(place, found.paths[i], NULL)) || tool_no_memory(err);
    photo_paths_free(&found);
    store_close(folder);
    return ok;
}

/* The names in one line; several if they end in zero bytes, as `find -print0` writes them. */
static bool append_names(photo_paths *p, char *line, size_t size)
{
    bool ok = true;
    for (size_t at = 0, length; ok && at < size; at += length + 1) {
        length = strlen(line + at);
        ok = !length || append(p, strdup(line + at));
    }
    return ok;
}

static bool append_lines(photo_paths *p, nbase_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* the byte-order mark of Windows' editors */
    char *line = NULL;
    size_t room = 0, skip = sizeof mark - 1;
    bool ok = true;
    for (ssize_t n; ok && (n = getline(&line, &room, stdin)) >= 0; skip = 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
        if ((size_t)n < skip || memcmp(line, mark, skip) != 0) skip = 0;
        ok = append_names(p, line + skip, (size_t)n - skip) || tool_no_memory(err);
    }
    free(line);
    return ok;
}

bool photo_paths_of_arguments(char *const *arguments, size_t count, bool by_date, photo_paths *out,
                              nbase_error *err)
{
    *out = (photo_paths){0};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const char *a = arguments[i];
        if (!strcmp(a, "-"))
            ok = append_lines(out, err);
        else if (is_folder(a))
            ok = append_folder(out, a, by_date, err);
        else
            ok = append(out, strdup(a)) || tool_no_memory(err);
    }
    if (ok && !out->count)
        ok = tool_fail(err, NBASE_ERR_ARG, "the list in standard input names no photo");
    if (!ok) photo_paths_free(out);
    return ok;
}
