#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "photos/photo_folder.h"

/* An id from the `length` characters of a name. Null: out of memory. */
static char *id_of(const char *name, size_t length)
{
    if (length > USER_ID_MAX) length = USER_ID_MAX;
    char *id = strndup(name, length);
    for (char *c = id; c && *c; c++) {
        char one[2] = {*c, '\0'};
        if (!user_id_ok(one)) *c = '_';
    }
    return id;
}

/* Length of the part of a path that is the person's folder; 0: it lies in none. */
static size_t folder_length(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

/* Adds a person with these photos, whose paths then belong to the list. */
static bool add_person(user_list *list, char *id, char **photos, size_t count, nbase_error *err)
{
    user_record *grown = realloc(list->users, (list->count + 1) * sizeof *grown);
    if (grown) list->users = grown;
    char **images = calloc(count, sizeof *images);
    char *note = strdup("");
    if (!grown || !images || !note || !id) {
        free(images);
        free(note);
        free(id);
        return tool_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        images[i] = photos[i];
        photos[i] = NULL;
    }
    list->users[list->count++] =
        (user_record){.id = id, .note = note, .images = images, .image_count = count};
    return true;
}

static bool add_folder(user_list *list, store *folder, char **photos, size_t count,
                       nbase_error *err)
{
    char *id = id_of(photos[0], folder_length(photos[0]));
    if (id && user_list_find(list, id)) {
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: two folders would both be the person '%s'; rename one", store_place(folder),
                  id);
        free(id);
        return false;
    }
    photo_folder_sort(folder, photos, count);
    return add_person(list, id, photos, count, err);
}

/* The photos of a folder without folders. */
static bool add_everything(user_list *list, store *folder, photo_paths *all, nbase_error *err)
{
    const char *place = store_place(folder);
    size_t end = strlen(place);
    while (end > 1 && place[end - 1] == '/') end--;
    size_t begin = end;
    while (begin > 0 && place[begin - 1] != '/') begin--;
    photo_folder_sort(folder, all->paths, all->count);
    return add_person(list, id_of(place + begin, end - begin), all->paths, all->count, err);
}

static bool same_folder(const char *a, const char *b)
{
    size_t length = folder_length(a);
    return length == folder_length(b) && !strncmp(a, b, length);
}

static bool add_folders(user_list *list, store *folder, photo_paths *all, nbase_error *err)
{
    size_t loose = 0;
    bool ok = true;
    for (size_t i = 0, next; ok && i < all->count; i = next) {
        for (next = i + 1; next < all->count && same_folder(all->paths[i], all->paths[next]);)
            next++;
        if (folder_length(all->paths[i]))
            ok = add_folder(list, folder, all->paths + i, next - i, err);
        else
            loose += next - i;
    }
    if (ok && loose)
        cli_warn("%s: %zu photos lie beside the people's folders and are nobody's; left out",
                 store_place(folder), loose);
    return ok;
}

static bool has_folders(const photo_paths *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (folder_length(all->paths[i])) return true;
    return false;
}

bool people_from_folder(store *folder, user_list *out, nbase_error *err)
{
    photo_paths all;
    *out = (user_list){0};
    if (!photo_folder_list(folder, &all, err)) return false;
    bool ok = all.count > 0 ||
              tool_fail(err, NBASE_ERR_IO, "%s: there are no photos in it", store_place(folder));
    ok = ok && (has_folders(&all) ? add_folders : add_everything)(out, folder, &all, err);
    photo_paths_free(&all); /* what was taken is null there */
    if (!ok) user_list_free(out);
    return ok;
}
