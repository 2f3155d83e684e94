/* photo_folder.h - the photos in folders, and in lists of files. */
#ifndef SKIN_PHOTOS_PHOTO_FOLDER_H
#define SKIN_PHOTOS_PHOTO_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"
#include "ranks/parcel.h"
#include "store/store.h"

typedef struct photo_paths {
    char **paths;
    size_t count;
} photo_paths;

/* The photos in a folder and in those below it, relative to it, by name, where "2.jpg" comes before
 * "10.jpg". The caller frees them with photo_paths_free; on failure *out is empty.
 *
 * A photo is what begins like one, whatever its name. Pictures of a format that is not read get a
 * warning; other files, and those whose name begins with a dot, are left out. In a bucket the
 * endings of the names decide. */
bool photo_folder_list(store *folder, photo_paths *out, nbase_error *err);

/* Puts some of the photos of a folder into the order in which they were taken, by their EXIF; if
 * one does not say when, or the folder is a bucket, they stay as they are. There is a warning where
 * only some of them say it. */
void photo_folder_sort(store *folder, char **paths, size_t count);

/* The files that the arguments of a command line name. "-" stands for a list in standard input, one
 * path per line or before a zero byte, and a local folder for the photos in it, sorted by
 * photo_folder_sort if `by_date`; anything else is a file. The caller frees them with
 * photo_paths_free; on failure *out is empty. */
bool photo_paths_of_arguments(char *const *arguments, size_t count, bool by_date, photo_paths *out,
                              nbase_error *err);

/* The list as bytes, for other ranks (ranks/ranks.h), and from them. */
void photo_paths_pack(const photo_paths *paths, parcel *p);
bool photo_paths_unpack(parcel *p, photo_paths *out, nbase_error *err);

/* Leaves the list empty; safe on an empty one. */
void photo_paths_free(photo_paths *p);

#endif
