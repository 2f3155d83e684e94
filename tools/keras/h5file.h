/* h5file.h - HDF5 as Keras uses it: groups, arrays of floats, attributes of texts. h5file.c is the
 * one file that includes hdf5.h; in a build without libhdf5 opening and creating fail and say so.
 *
 * Functions that can fail return false (or null) with the text in `err`, which begins with the
 * file's name. */
#ifndef SKIN_H5FILE_H
#define SKIN_H5FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

typedef struct h5file h5file;

/* Opens a file in memory, which must outlive it; `what` (copied) names it in messages. */
h5file *h5_open(const void *bytes, size_t size, const char *what, nbase_error *err);

/* Null is allowed. */
void h5_close(h5file *f);

/* Whether there is something at the path ("layers/dense/vars"). */
bool h5_exists(h5file *f, const char *path);

/* Number of links in a group; 0 if there is no such group. */
size_t h5_links(h5file *f, const char *group);

/* The name of link i in alphabetical order; false if there is none or it has no room. */
bool h5_link_name(h5file *f, const char *group, size_t i, char *name, size_t room);

/* Reads the texts of an attribute: one text or a list. False without an error text if the attribute
 * is missing or holds something else. */
typedef struct h5_list {
    char **items;
    size_t count;
} h5_list;
bool h5_texts(h5file *f, const char *object, const char *attribute, h5_list *out);
void h5_list_free(h5_list *list);

/* Number of values that an attribute has, of whatever type; -1 if it is not there. */
long h5_attribute_count(h5file *f, const char *object, const char *attribute);

/* Appends the array at `path` to an archive, as float32 under `name`: floats, or a single whole
 * number, such as the counter of a layer that is then refused by its own name. */
bool h5_read(h5file *f, const char *path, nbase_archive *archive, const char *name,
             nbase_error *err);

/* ---- writing, in memory; the caller then writes the bytes ---- */

h5file *h5_create(const char *what, nbase_error *err);

/* These keep their first failure for h5_image. The groups of a path are created as needed; an
 * attribute's object must be there. */
void h5_add_group(h5file *f, const char *path);

/* Float32. */
void h5_add_array(h5file *f, const char *path, const nbase_array *array);
void h5_add_text(h5file *f, const char *object, const char *attribute, const char *text);

/* Fixed-length texts, as Keras writes lists. An empty list becomes an empty list of numbers, as in
 * h5py. */
void h5_add_texts(h5file *f, const char *object, const char *attribute, const char *const *texts,
                  size_t count);

/* The file's bytes; the caller frees them with free(). The same calls give the same bytes. */
void *h5_image(h5file *f, size_t *size, nbase_error *err);

#endif
