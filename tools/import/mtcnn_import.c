#include "mtcnn_import.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fileio.h"

#define MAX_FILE ((size_t)32 << 20) /* the largest known container has 2.2 MB */
#define MAX_FOLDER 4096             /* files of a folder that are examined */

static const mtcnn_container containers[] = {
    {"a .npy", mtcnn_npy_recognises, mtcnn_npy_read},
    {"joblib in LZ4", mtcnn_joblib_recognises, mtcnn_joblib_read},
    {"PyTorch", mtcnn_torch_recognises, mtcnn_torch_read},
    {"Caffe", mtcnn_caffe_recognises, mtcnn_caffe_read}, /* last: it has no signature of its own */
};
enum { CONTAINER_COUNT = sizeof containers / sizeof *containers, ALL_NETS = (1 << MTCNN_NETS) - 1 };

const mtcnn_container *mtcnn_recognise_container(const uint8_t *bytes, size_t size,
                                                 nbase_error *err)
{
    for (int i = 0; i < CONTAINER_COUNT; i++)
        if (containers[i].recognises(bytes, size)) return &containers[i];
    tool_fail(err, NBASE_ERR_FORMAT, "not a known file of MTCNN weights");
    return NULL;
}

/* ---- files ---- */

/* A file with at least one whole net. */
typedef struct candidate {
    char *path;
    const mtcnn_container *container;
    unsigned nets;
    import_pool pool;
    mtcnn_parts parts;
} candidate;

static void release(candidate *c)
{
    free(c->path);
    import_pool_free(&c->pool);
    memset(c, 0, sizeof *c);
}

static bool read_bytes(candidate *c, const uint8_t *bytes, size_t size, nbase_error *err)
{
    c->parts.pool = &c->pool;
    c->container = mtcnn_recognise_container(bytes, size, err);
    if (!c->container || !c->container->read(bytes, size, &c->parts, err)) return false;
    c->nets = mtcnn_nets_read(&c->parts);
    return c->nets || tool_fail(err, NBASE_ERR_FORMAT, "layers are missing");
}

/* Fills *c, which must be zeroed. *readable says whether the file could be read at all. */
static bool read_candidate(candidate *c, const char *path, bool *readable, nbase_error *err)
{
    size_t size;
    nbase_error inner;
    uint8_t *bytes = (uint8_t *)file_read(path, MAX_FILE, &size, err);
    *readable = bytes != NULL;
    c->path = strdup(path);
    bool ok = bytes && (c->path || tool_no_memory(err));
    if (ok && !read_bytes(c, bytes, size, &inner))
        ok = tool_fail(err, inner.status, "%s: %s", path, inner.text);
    free(bytes);
    if (!ok) release(c);
    return ok;
}

/* Everything usable in a folder, by name. */
typedef struct candidates {
    candidate *items;
    size_t count, capacity;
    nbase_error unreadable; /* the first file that could not be read; else an empty text */
} candidates;

static void release_all(candidates *all)
{
    for (size_t i = 0; i < all->count; i++) release(&all->items[i]);
    free(all->items);
}

/* A file that is not required is skipped if it can't be used. */
static bool add_candidate(candidates *all, const char *path, bool required, nbase_error *err)
{
    if (all->count == all->capacity) {
        size_t capacity = all->capacity ? all->capacity * 2 : 8;
        candidate *bigger = realloc(all->items, capacity * sizeof *bigger);
        if (!bigger) return tool_no_memory(err);
        all->items = bigger;
        all->capacity = capacity;
    }
    candidate *c = &all->items[all->count];
    memset(c, 0, sizeof *c);
    nbase_error problem;
    bool readable;
    if (!read_candidate(c, path, &readable, &problem)) {
        if (required && err) *err = problem;
        if (!readable && !all->unreadable.text[0]) all->unreadable = problem;
        return !required;
    }
    c->parts.pool = NULL; /* the pool moves with the array; nothing is allocated from it any more */
    all->count++;
    return true;
}

static bool add_folder(candidates *all, const char *folder, const struct stat *except,
                       nbase_error *err)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort);
    if (count < 0)
        return tool_fail(err, NBASE_ERR_IO, "%s: cannot read this folder: %s", folder,
                         strerror(errno));
    bool ok = true;
    for (int i = 0; i < count; i++) {
        struct stat st;
        char *path = ok && i < MAX_FOLDER ? file_join(folder, names[i]->d_name, NULL) : NULL;
        bool wanted = path && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
                      (size_t)st.st_size <= MAX_FILE &&
                      !(st.st_ino == except->st_ino && st.st_dev == except->st_dev);
        if (wanted) ok = add_candidate(all, path, false, err);
        free(path);
        free(names[i]);
    }
    free(names);
    return ok;
}

/* ---- choosing ---- */

typedef struct choice {
    const candidate *net[MTCNN_NETS];
    bool missing, ambiguous;
} choice;

/* Chooses a file with all the nets, or one file per net. The named file (may be null) is
 * preferred. */
static choice choose_files(const candidates *all, const mtcnn_container *container,
                           const candidate *named)
{
    choice c = {0};
    for (int net = 0; net < MTCNN_NETS; net++) {
        size_t found = 0;
        for (size_t i = 0; i < all->count; i++) {
            const candidate *item = &all->items[i];
            if (item->container != container || item->nets != 1u << net) continue;
            found++;
            c.net[net] = item;
        }
        if (named && named->nets == 1u << net)
            c.net[net] = named;
        else if (found > 1)
            c.ambiguous = true;
        if (!c.net[net]) c.missing = true;
    }
    return c;
}

/* An error about a missing file names the first file that could not be read. */
static bool fail_missing(const candidates *all, nbase_error *err)
{
    const char *unreadable = all->unreadable.text;
    return unreadable[0] ? tool_fail_advice(err, "; %s", unreadable) : false;
}

static bool choose_in_folder(const candidates *all, const char *folder, choice *chosen,
                             nbase_error *err)
{
    size_t sets = 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].nets == ALL_NETS && sets++ == 0)
            for (int net = 0; net < MTCNN_NETS; net++) chosen->net[net] = &all->items[i];
    for (int k = 0; k < CONTAINER_COUNT; k++) {
        choice c = choose_files(all, &containers[k], NULL);
        if (c.missing) continue;
        if (c.ambiguous) sets++;
        if (sets++ == 0) *chosen = c;
    }
    if (sets == 1) return true;
    if (sets)
        return tool_fail(err, NBASE_ERR_ARG,
                         "%s: this folder holds several sets of MTCNN weights: name a file",
                         folder);
    tool_fail(err, NBASE_ERR_FORMAT,
              "%s: no complete set of MTCNN weights (P-Net, R-Net and O-Net) in this folder",
              folder);
    return fail_missing(all, err);
}

static bool choose_siblings(const candidates *all, const candidate *named, choice *chosen,
                            nbase_error *err)
{
    if (named->nets == ALL_NETS) {
        for (int net = 0; net < MTCNN_NETS; net++) chosen->net[net] = named;
        return true;
    }
    *chosen = choose_files(all, named->container, named);
    if (chosen->missing) {
        char nets[64] = "";
        for (int net = 0; net < MTCNN_NETS; net++)
            if (!chosen->net[net]) {
                size_t used = strlen(nets);
                snprintf(nets + used, sizeof nets - used, "%s%s", used ? " and with " : "",
                         mtcnn_net_names[net]);
            }
        tool_fail(err, NBASE_ERR_IO,
                  "%s: the file with %s, in the same format, was looked for beside it and is not "
                  "there",
                  named->path, nets);
        return fail_missing(all, err);
    }
    return !chosen->ambiguous ||
           tool_fail(err, NBASE_ERR_ARG,
                     "%s: more than one file beside it holds the same net: put the three into a "
                     "folder of their own",
                     named->path);
}

/* ---- the archive ---- */

static nbase_status add_part(nbase_archive *a, int layer, int part, const float *values)
{
    static const char *const part_names[MTCNN_PARTS] = {"kernel", "bias", "prelu"};
    const mtcnn_layer *l = &mtcnn_layers[layer];
    size_t shape[4] = {l->height, l->width, l->in, l->out},
           flat[2] = {l->height * l->width * l->in, l->out}, vector[1] = {l->out};
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/%s/%s", mtcnn_net_names[l->net], l->name, part_names[part]);
    if (part != MTCNN_KERNEL) return nbase_archive_add(a, name, NBASE_F32, 1, vector, values, NULL);
    return l->flat ? nbase_archive_add(a, name, NBASE_F32, 2, flat, values, NULL)
                   : nbase_archive_add(a, name, NBASE_F32, 4, shape, values, NULL);
}

static bool build_archive(const choice *chosen, nbase_archive **archive, nbase_error *err)
{
    nbase_archive *a;
    nbase_status status = nbase_archive_create(NULL, &a);
    if (!status) status = nbase_archive_set_meta(a, "mtcnn", "{\"format\":1}");
    for (int i = 0; i < MTCNN_LAYERS && !status; i++)
        for (int part = 0; part < MTCNN_PARTS && !status; part++) {
            const float *values = chosen->net[mtcnn_layers[i].net]->parts.values[i][part];
            if (values) status = add_part(a, i, part, values);
        }
    if (status) {
        nbase_archive_free(a);
        return tool_no_memory(err);
    }
    *archive = a;
    return true;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

bool mtcnn_import(const char *source, nbase_archive **archive, nbase_error *err)
{
    struct stat st;
    *archive = NULL;
    if (stat(source, &st))
        return tool_fail(err, NBASE_ERR_IO, "%s: cannot read: %s", source, strerror(errno));
    candidates all = {0};
    choice chosen = {0};
    bool ok;
    if (S_ISDIR(st.st_mode))
        ok = add_folder(&all, source, &st, err) && choose_in_folder(&all, source, &chosen, err);
    else {
        ok = add_candidate(&all, source, true, err);
        char *folder = ok && all.items[0].nets != ALL_NETS ? folder_of(source) : NULL;
        if (folder) ok = add_folder(&all, folder, &st, err);
        free(folder);
        ok = ok && choose_siblings(&all, &all.items[0], &chosen, err);
    }
    ok = ok && build_archive(&chosen, archive, err);
    release_all(&all);
    return ok;
}
