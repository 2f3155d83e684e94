#include "h5file.h"

#include "../import/import.h"

#ifndef HAVE_HDF5

static h5file *missing(const char *what, nbase_error *err)
{
    tool_fail(err, NBASE_ERR_FORMAT,
              "%s: this build has no HDF5: install libhdf5-dev and build again, or use .npz", what);
    return NULL;
}

h5file *h5_open(const void *bytes, size_t size, const char *what, nbase_error *err)
{
    (void)bytes, (void)size;
    return missing(what, err);
}

h5file *h5_create(const char *what, nbase_error *err) { return missing(what, err); }

/* Never called: without libhdf5 no file can be opened. */
void h5_close(h5file *f) { (void)f; }
bool h5_exists(h5file *f, const char *path) { return (void)f, (void)path, false; }
size_t h5_links(h5file *f, const char *group) { return (void)f, (void)group, 0; }
bool h5_link_name(h5file *f, const char *group, size_t i, char *name, size_t room)
{
    return (void)f, (void)group, (void)i, (void)name, (void)room, false;
}
bool h5_texts(h5file *f, const char *object, const char *attribute, h5_list *out)
{
    return (void)f, (void)object, (void)attribute, (void)out, false;
}
void h5_list_free(h5_list *list) { (void)list; }
long h5_attribute_count(h5file *f, const char *object, const char *attribute)
{
    return (void)f, (void)object, (void)attribute, -1;
}
bool h5_read(h5file *f, const char *path, nbase_archive *archive, const char *name,
             nbase_error *err)
{
    return (void)f, (void)path, (void)archive, (void)name, (void)err, false;
}
void h5_add_group(h5file *f, const char *path) { (void)f, (void)path; }
void h5_add_array(h5file *f, const char *path, const nbase_array *array)
{
    (void)f, (void)path, (void)array;
}
void h5_add_text(h5file *f, const char *object, const char *attribute, const char *text)
{
    (void)f, (void)object, (void)attribute, (void)text;
}
void h5_add_texts(h5file *f, const char *object, const char *attribute, const char *const *texts,
                  size_t count)
{
    (void)f, (void)object, (void)attribute, (void)texts, (void)count;
}
void *h5_image(h5file *f, size_t *size, nbase_error *err)
{
    return (void)f, (void)size, (void)err, NULL;
}

#else

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)16 << 20)
#define MAX_TEXTS 1000
#define MAX_PATH 1024

struct h5file {
    hid_t file;
    char *what;
    bool failed; /* while writing */
};

static h5file *begin_file(const char *what, nbase_error *err)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its own stack of messages is not meant for users */
    h5file *f = calloc(1, sizeof *f);
    char *name = f ? strdup(what) : NULL;
    if (!name) {
        free(f);
        tool_fail(err, NBASE_ERR_NOMEM, "%s: out of memory", what);
        return NULL;
    }
    *f = (h5file){.file = -1, .what = name};
    return f;
}

void h5_close(h5file *f)
{
    if (!f) return;
    if (f->file >= 0) H5Fclose(f->file);
    free(f->what);
    free(f);
}

/* The core driver needs a name that no file has. */
#define NO_FILE "/dev/null/hdf5"

/* The core driver: a file that lives in memory and is never saved. */
static hid_t memory_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_core(access, (size_t)1 << 16, 0) >= 0) return access;
    if (access >= 0) H5Pclose(access);
    return -1;
}

/* ---- reading ---- */

h5file *h5_open(const void *bytes, size_t size, const char *what, nbase_error *err)
{
    h5file *f = begin_file(what, err);
    hid_t access = f ? memory_access() : -1;
    if (access >= 0) {
        if (H5Pset_file_image(access, (void *)bytes, size) >= 0)
            f->file = H5Fopen(NO_FILE, H5F_ACC_RDONLY, access);
        H5Pclose(access);
    }
    if (f && f->file < 0) {
        tool_fail(err, NBASE_ERR_FORMAT, "%s: a damaged or truncated HDF5 file", what);
        h5_close(f);
        f = NULL;
    }
    return f;
}

/* Each part of the path must be tested on its own. Only hard links count: a soft or external link
 * may lead out of the file. */
bool h5_exists(h5file *f, const char *path)
{
    char part[MAX_PATH];
    size_t n = strlen(path);
    if (!strcmp(path, "/")) return true;
    if (!n || n >= sizeof part) return false;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        H5L_info_t info;
        if (H5Lexists(f->file, part, H5P_DEFAULT) <= 0 ||
            H5Lget_info(f->file, part, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
            return false;
    }
    return true;
}

size_t h5_links(h5file *f, const char *group)
{
    H5G_info_t info;
    if (!h5_exists(f, group) || H5Gget_info_by_name(f->file, group, &info, H5P_DEFAULT) < 0)
        return 0;
    return (size_t)info.nlinks;
}

bool h5_link_name(h5file *f, const char *group, size_t i, char *name, size_t room)
{
    ssize_t n =
        H5Lget_name_by_idx(f->file, group, H5_INDEX_NAME, H5_ITER_INC, i, name, room, H5P_DEFAULT);
    return n > 0 && (size_t)n < room;
}

void h5_list_free(h5_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
    *list = (h5_list){0};
}

static bool read_fixed(hid_t attribute, size_t width, size_t count, h5_list *out)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    char *bytes = calloc(count, width + 1);
    /* one byte more, so that it is always terminated */
    bool ok = bytes && type >= 0 && H5Tset_size(type, width + 1) >= 0 &&
              H5Aread(attribute, type, bytes) >= 0;
    for (size_t i = 0; ok && i < count; i++) {
        ok = (out->items[i] = strdup(bytes + i * (width + 1))) != NULL;
        out->count += ok;
    }
    free(bytes);
    if (type >= 0) H5Tclose(type);
    return ok;
}

static bool read_variable(hid_t attribute, hid_t file_type, hid_t space, size_t count, h5_list *out)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    char **items = calloc(count, sizeof *items);
    bool got = items && type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 &&
               H5Tset_cset(type, H5Tget_cset(file_type)) >= 0 &&
               H5Aread(attribute, type, items) >= 0,
         ok = got;
    for (size_t i = 0; ok && i < count; i++) {
        ok = (out->items[i] = strdup(items[i] ? items[i] : "")) != NULL;
        out->count += ok;
    }
    if (got) H5Dvlen_reclaim(type, space, H5P_DEFAULT, items);
    free(items);
    if (type >= 0) H5Tclose(type);
    return ok;
}

static hid_t open_attribute(h5file *f, const char *object, const char *attribute)
{
    if (!h5_exists(f, object) || H5Aexists_by_name(f->file, object, attribute, H5P_DEFAULT) <= 0)
        return -1;
    return H5Aopen_by_name(f->file, object, attribute, H5P_DEFAULT, H5P_DEFAULT);
}

static hssize_t count_of(hid_t attribute, hid_t *space)
{
    *space = H5Aget_space(attribute);
    return *space < 0 ? -1 : H5Sget_simple_extent_npoints(*space);
}

bool h5_texts(h5file *f, const char *object, const char *name, h5_list *out)
{
    *out = (h5_list){0};
    hid_t attribute = open_attribute(f, object, name), type, space;
    if (attribute < 0) return false;
    hssize_t count = count_of(attribute, &space);
    type = H5Aget_type(attribute);
    bool ok = type >= 0 && count >= 0 && count <= MAX_TEXTS;
    if (ok && count) {
        size_t width = H5Tget_size(type);
        out->items = calloc((size_t)count, sizeof *out->items);
        ok = out->items && H5Tget_class(type) == H5T_STRING && width > 0 && width < MAX_TEXT;
        if (ok && H5Tis_variable_str(type) > 0)
            ok = read_variable(attribute, type, space, (size_t)count, out);
        else if (ok)
            ok = width < MAX_TEXT / (size_t)count &&
                 read_fixed(attribute, width, (size_t)count, out);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Aclose(attribute);
    if (!ok) h5_list_free(out);
    return ok;
}

long h5_attribute_count(h5file *f, const char *object, const char *name)
{
    hid_t attribute = open_attribute(f, object, name), space;
    if (attribute < 0) return -1;
    hssize_t count = count_of(attribute, &space);
    if (space >= 0) H5Sclose(space);
    H5Aclose(attribute);
    return (long)count;
}

/* A file can claim more than it holds, and name other files to take numbers from. */
static bool really_there(hid_t set, hid_t type, hssize_t points)
{
    hid_t create = H5Dget_create_plist(set);
    H5D_layout_t layout = create < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(create);
    bool outside = create >= 0 && H5Pget_external_count(create) != 0;
    if (create >= 0) H5Pclose(create);
    hsize_t stored = H5Dget_storage_size(set),
            wanted = (hsize_t)points * (hsize_t)H5Tget_size(type);
    if (layout == H5D_CHUNKED) wanted /= 1040; /* deflate expands by no more than this */
    return (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT || layout == H5D_CHUNKED) &&
           !outside && points >= 0 && wanted <= stored;
}

bool h5_read(h5file *f, const char *path, nbase_archive *archive, const char *name,
             nbase_error *err)
{
    hid_t set = h5_exists(f, path) ? H5Dopen2(f->file, path, H5P_DEFAULT) : -1;
    if (set < 0)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: it has no array \"%.200s\"", f->what, path);
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    hsize_t dims[NBASE_MAX_DIMS];
    size_t shape[NBASE_MAX_DIMS];
    int ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    bool ok = type >= 0 && ndim >= 0 && ndim <= NBASE_MAX_DIMS &&
              H5Sget_simple_extent_dims(space, dims, NULL) == ndim;
    if (!ok)
        tool_fail(err, NBASE_ERR_FORMAT, "%s: \"%.200s\" is not an array of up to %d axes", f->what,
                  path, NBASE_MAX_DIMS);
    else if (H5Tget_class(type) == H5T_INTEGER && ndim > 0)
        ok = tool_fail(err, NBASE_ERR_UNSUPPORTED,
                       "%s: \"%.200s\" holds whole numbers, as quantised weights are: save the "
                       "model before it is quantised",
                       f->what, path);
    else if (H5Tget_class(type) != H5T_FLOAT && H5Tget_class(type) != H5T_INTEGER)
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: \"%.200s\" holds no floats", f->what, path);
    else if (!really_there(set, type, H5Sget_simple_extent_npoints(space)))
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: the numbers of \"%.200s\" are not in the file",
                       f->what, path);
    for (int k = 0; ok && k < ndim; k++) shape[k] = (size_t)dims[k];
    nbase_array *array = NULL;
    nbase_status status =
        ok ? nbase_archive_add(archive, name, NBASE_F32, ndim, shape, NULL, &array) : NBASE_OK;
    if (status)
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: \"%.200s\": %s", f->what, path,
                       status == NBASE_ERR_NOMEM
                           ? "out of memory"
                           : "its name occurs twice, is too long or is not text");
    if (ok && H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data) < 0)
        ok = tool_fail(err, NBASE_ERR_FORMAT,
                       "%s: cannot read the array \"%.200s\": the file is damaged", f->what, path);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    H5Dclose(set);
    return ok;
}

/* ---- writing ---- */

h5file *h5_create(const char *what, nbase_error *err)
{
    h5file *f = begin_file(what, err);
    hid_t access = f ? memory_access() : -1;
    if (access >= 0) {
        f->file = H5Fcreate(NO_FILE, H5F_ACC_TRUNC, H5P_DEFAULT, access);
        H5Pclose(access);
    }
    if (f && f->file < 0) {
        tool_fail(err, NBASE_ERR_NOMEM, "%s: cannot create an HDF5 file: out of memory", what);
        h5_close(f);
        f = NULL;
    }
    return f;
}

static void note(h5file *f, hid_t result) { f->failed = f->failed || result < 0; }

static hid_t with_parents(void)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    return links;
}

void h5_add_group(h5file *f, const char *path)
{
    hid_t links = with_parents(),
          group = h5_exists(f, path) ? H5Gopen2(f->file, path, H5P_DEFAULT)
                                     : H5Gcreate2(f->file, path, links, H5P_DEFAULT, H5P_DEFAULT);
    note(f, group);
    if (group >= 0) H5Gclose(group);
    H5Pclose(links);
}

void h5_add_array(h5file *f, const char *path, const nbase_array *array)
{
    hsize_t dims[NBASE_MAX_DIMS];
    for (int k = 0; k < array->ndim; k++) dims[k] = array->shape[k];
    hid_t space = H5Screate_simple(array->ndim, dims, NULL), links = with_parents(),
          create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(create, false); /* the time of writing must not change the bytes */
    hid_t set = H5Dcreate2(f->file, path, H5T_IEEE_F32LE, space, links, create, H5P_DEFAULT);
    note(f, set);
    if (set >= 0) {
        note(f, H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data));
        H5Dclose(set);
    }
    H5Pclose(create);
    H5Pclose(links);
    H5Sclose(space);
}

static void add_attribute(h5file *f, const char *object, const char *name, hid_t type, hid_t space,
                          const void *data)
{
    hid_t attribute = H5Acreate_by_name(f->file, object, name, type, space, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT);
    note(f, attribute);
    if (attribute >= 0) {
        if (data) note(f, H5Awrite(attribute, type, data));
        H5Aclose(attribute);
    }
    H5Sclose(space);
}

void h5_add_text(h5file *f, const char *object, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    add_attribute(f, object, name, type, H5Screate(H5S_SCALAR), &text);
    H5Tclose(type);
}

void h5_add_texts(h5file *f, const char *object, const char *name, const char *const *texts,
                  size_t count)
{
    hsize_t n = count;
    hid_t space = H5Screate_simple(1, &n, NULL);
    if (!count) {
        add_attribute(f, object, name, H5T_IEEE_F64LE, space, NULL);
        return;
    }
    size_t width = 1;
    for (size_t i = 0; i < count; i++) width = strlen(texts[i]) > width ? strlen(texts[i]) : width;
    char *bytes = calloc(count, width);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    for (size_t i = 0; bytes && i < count; i++)
        memcpy(bytes + i * width, texts[i], strlen(texts[i]));
    f->failed = f->failed || !bytes;
    add_attribute(f, object, name, type, space, bytes);
    H5Tclose(type);
    free(bytes);
}

void *h5_image(h5file *f, size_t *size, nbase_error *err)
{
    void *bytes = NULL;
    note(f, H5Fflush(f->file, H5F_SCOPE_GLOBAL));
    ssize_t n = f->failed ? -1 : H5Fget_file_image(f->file, NULL, 0);
    if (n > 0 && (bytes = malloc((size_t)n)) && H5Fget_file_image(f->file, bytes, (size_t)n) != n) {
        free(bytes);
        bytes = NULL;
    }
    if (!bytes)
        tool_fail(err, NBASE_ERR_NOMEM, "%s: cannot write the HDF5 file: out of memory", f->what);
    *size = bytes ? (size_t)n : 0;
    return bytes;
}

#endif
