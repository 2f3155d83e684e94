/* What a model file knows of people (familiar.h), as arrays of float64. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "familiar.h"
#include "hidden.h"

#define PREFIX "familiar/"

bool familiar_is_part(const char *name) { return !strncmp(name, PREFIX, strlen(PREFIX)); }

/* ---- writing ---- */

static nbase_status put(nbase_archive *a, const char *of, const char *name, const double *values,
                        size_t rows, size_t columns)
{
    char whole[64];
    const size_t shape[2] = {rows, columns};
    snprintf(whole, sizeof whole, PREFIX "%s%s", of, name);
    return nbase_archive_add(a, whole, NBASE_F64, columns > 1 ? 2 : 1, shape, values, NULL);
}

static nbase_status put_group(nbase_archive *a, const char *of, const mahalanobis *m)
{
    nbase_status status = put(a, of, "mean", m->mean, m->size, 1);
    if (!status) status = put(a, of, "scale", m->scale, m->size, 1);
    if (!status) status = put(a, of, "inverse", m->inverse, m->size, m->size);
    if (!status) status = put(a, of, "distance", m->distance, m->people, 1);
    return status;
}

nbase_status familiar_write(const familiar *f, nbase_archive *a)
{
    const double size[2] = {(double)f->height, (double)f->width};
    if (!f->look.size) return NBASE_OK;
    nbase_status status = put(a, "", "frame", size, 2, 1);
    if (!status) status = put_group(a, "look/", &f->look);
    if (!status) status = put_group(a, "shape/", &f->shape);
    if (!status && f->hidden.size) status = put_group(a, "hidden/", &f->hidden);
    return status;
}

/* ---- reading ---- */

/* The values of an array of so many (0: any number, which *count gets), all finite; null if it is
 * not like that. */
static const double *get(const nbase_archive *a, const char *of, const char *name, size_t wanted,
                         size_t *count)
{
    char whole[64];
    snprintf(whole, sizeof whole, PREFIX "%s%s", of, name);
    const nbase_array *found = nbase_archive_find(a, whole);
    if (!found || found->dtype != NBASE_F64 || !found->count) return NULL;
    if (wanted && found->count != wanted) return NULL;
    const double *values = found->data;
    for (size_t i = 0; i < found->count; i++)
        if (!isfinite(values[i])) return NULL;
    if (count) *count = found->count;
    return values;
}

static double *copy(const double *values, size_t count)
{
    double *out = malloc(count * sizeof *out);
    if (out) memcpy(out, values, count * sizeof *out);
    return out;
}

static bool get_group(const nbase_archive *a, const char *of, size_t size, mahalanobis *m)
{
    size_t people = 0;
    const double *mean = get(a, of, "mean", size, NULL), *scale = get(a, of, "scale", size, NULL),
                 *inverse = get(a, of, "inverse", size * size, NULL),
                 *distance = get(a, of, "distance", 0, &people);
    if (!mean || !scale || !inverse || !distance || people < FAMILIAR_LEAST) return false;
    for (size_t k = 0; k < size; k++)
        if (!(scale[k] > 0)) return false;
    for (size_t i = 1; i < people; i++)
        if (distance[i] < distance[i - 1]) return false;
    *m = (mahalanobis){.size = size,
                       .people = people,
                       .mean = copy(mean, size),
                       .scale = copy(scale, size),
                       .inverse = copy(inverse, size * size),
                       .distance = copy(distance, people)};
    return m->mean && m->scale && m->inverse && m->distance;
}

static bool holds_any(const nbase_archive *a)
{
    for (size_t i = 0; i < nbase_archive_count(a); i++)
        if (familiar_is_part(nbase_archive_at(a, i)->name)) return true;
    return false;
}

static bool get_hidden(const nbase_archive *a, const convlstm_model *m, familiar *out,
                       nbase_error *err)
{
    convlstm_model_info info;
    if (!nbase_archive_find(a, PREFIX "hidden/mean")) return true;
    if (!hidden_network(m, &out->network, err)) return false;
    if (!out->network) return false;
    convlstm_model_get_info(out->network, &info);
    return get_group(a, "hidden/", info.outputs, &out->hidden);
}

bool familiar_read(const nbase_archive *a, const char *path, const convlstm_model *m, familiar *out,
                   nbase_error *err)
{
    enum { LARGEST = 65536 };
    nbase_error why = {0};
    *out = (familiar){.height = 0};
    if (!holds_any(a)) return true;
    const double *frame = get(a, "", "frame", 2, NULL);
    bool ok = frame != NULL;
    for (int i = 0; ok && i < 2; i++)
        ok = frame[i] >= LOOK_SIDE && frame[i] <= LARGEST && frame[i] == floor(frame[i]);
    ok = ok && get_group(a, "look/", LOOK_MEASURES, &out->look) &&
         get_group(a, "shape/", LOOK_FIELDS, &out->shape) && get_hidden(a, m, out, &why);
    if (ok) {
        out->height = (size_t)frame[0], out->width = (size_t)frame[1];
        return true;
    }
    familiar_free(out);
    if (why.status == NBASE_ERR_NOMEM) return tool_no_memory(err);
    return tool_fail(err, NBASE_ERR_FORMAT,
                     "%s: its arrays '" PREFIX "...' do not fit together, or not this network; "
                     "write them again with skin-evaluate --calibrate",
                     path);
}

bool familiar_of_file(const char *path, const convlstm_model *m, familiar *out, nbase_error *err)
{
    nbase_archive *a = NULL;
    *out = (familiar){.height = 0};
    bool ok =
        nbase_archive_read(NULL, path, &a, err) == NBASE_OK && familiar_read(a, path, m, out, err);
    nbase_archive_free(a);
    return ok;
}
