/* Models: creating, loading, saving and reading them. */
#include <stdio.h>
#include <string.h>

#include "model.h"

#define META "convlstm" /* the metadata key of the description */

nbase_status convlstm_model_create(const nbase_env *env, const char *json, uint64_t seed,
                                   convlstm_model **out, nbase_error *err)
{
    if (!out) return nbase__fail(err, NBASE_ERR_ARG, "convlstm_model_create: out is null");
    nbase_status status = convlstm__describe(env, json, out, err);
    if (status) return status;
    if (convlstm__initialise(*out, seed)) {
        convlstm_model_free(*out);
        *out = NULL;
        return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory for the initial weights");
    }
    return NBASE_OK;
}

/* ---- archives ---- */

static const char *shape_text(const nbase_array *a, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int d = 0; d < a->ndim && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", d ? "," : "", a->shape[d]);
    return text;
}

nbase_status convlstm__check_tensors(const convlstm_model *m, const nbase_archive *archive,
                                     const char *what, nbase_error *err)
{
    for (size_t i = 0; i < m->tensor_count; i++) {
        const nbase_array *want = &m->tensors[i].array,
                          *got = nbase_archive_find(archive, want->name);
        char expected[100], found[100];
        if (!got)
            return nbase__fail(err, NBASE_ERR_FORMAT, "%s: tensor %s (%s) is missing", what,
                               want->name, shape_text(want, expected, sizeof expected));
        if (got->ndim != want->ndim ||
            memcmp(got->shape, want->shape, (size_t)want->ndim * sizeof *want->shape))
            return nbase__fail(err, NBASE_ERR_SHAPE, "%s: tensor %s: expected shape (%s), got (%s)",
                               what, want->name, shape_text(want, expected, sizeof expected),
                               shape_text(got, found, sizeof found));
        if (got->dtype != NBASE_F32)
            return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                               "%s: tensor %s: expected float32, got %s", what, want->name,
                               nbase_dtype_name(got->dtype));
    }
    return NBASE_OK;
}

void convlstm__copy_tensors(convlstm_model *m, const nbase_archive *archive)
{
    for (size_t i = 0; i < m->tensor_count; i++) {
        const nbase_array *to = &m->tensors[i].array;
        memcpy(to->data, nbase_archive_find(archive, to->name)->data, to->count * sizeof(float));
    }
    m->version++;
}

static nbase_status from_archive(const nbase_env *env, const nbase_archive *archive,
                                 const char *json, const char *what, convlstm_model **out,
                                 nbase_error *err)
{
    if (!json) json = nbase_archive_meta(archive, META);
    if (!json)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "%s: not a model: there is no metadata \"" META "\"", what);
    nbase_error detail = {NBASE_OK, ""};
    nbase_status status = convlstm__describe(env, json, out, &detail);
    if (status) return nbase__fail(err, status, "%s: %.300s", what, detail.text);
    status = convlstm__check_tensors(*out, archive, what, err);
    if (status) {
        convlstm_model_free(*out);
        *out = NULL;
        return status;
    }
    convlstm__copy_tensors(*out, archive);
    return NBASE_OK;
}

nbase_status convlstm_model_from_archive(const nbase_env *env, const nbase_archive *archive,
                                         const char *json, convlstm_model **out, nbase_error *err)
{
    if (!out || !archive)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_model_from_archive: a null argument");
    *out = NULL;
    return from_archive(env, archive, json, "model", out, err);
}

nbase_status convlstm_model_load(const nbase_env *env, const char *path, convlstm_model **out,
                                 nbase_error *err)
{
    if (!out || !path)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_model_load: a null argument");
    *out = NULL;
    nbase_archive *archive = NULL;
    nbase_status status = nbase_archive_read(env, path, &archive, err);
    if (!status) status = from_archive(env, archive, NULL, path, out, err);
    nbase_archive_free(archive);
    return status;
}

/* An archive with the description and the tensors. */
static nbase_status to_archive(const convlstm_model *m, nbase_archive **out)
{
    nbase_status status = nbase_archive_create(&m->env, out);
    if (status) return status;
    status = nbase_archive_set_meta(*out, META, m->json);
    for (size_t i = 0; i < m->tensor_count && !status; i++) {
        const nbase_array *a = &m->tensors[i].array;
        status = nbase_archive_add(*out, a->name, a->dtype, a->ndim, a->shape, a->data, NULL);
    }
    return status;
}

nbase_status convlstm__model_archive(const convlstm_model *m, const char *path, nbase_archive **out,
                                     nbase_error *err)
{
    *out = NULL;
    nbase_status status = to_archive(m, out);
    if (!status) return NBASE_OK;
    nbase_archive_free(*out);
    *out = NULL;
    return nbase__fail(err, status, "%s: out of memory to write it", path);
}

nbase_status convlstm_model_save(const convlstm_model *m, const char *path, nbase_error *err)
{
    if (!m || !path) return nbase__fail(err, NBASE_ERR_ARG, "convlstm_model_save: a null argument");
    nbase_archive *archive;
    nbase_status status = convlstm__model_archive(m, path, &archive, err);
    if (!status) status = nbase_archive_write_safetensors(archive, path, err);
    nbase_archive_free(archive);
    return status;
}

nbase_status convlstm_model_clone(const convlstm_model *m, convlstm_model **out)
{
    if (!m || !out) return NBASE_ERR_ARG;
    nbase_status status = convlstm__describe(&m->env, m->json, out, NULL);
    if (status) return status;
    for (size_t i = 0; i < m->tensor_count; i++)
        memcpy((*out)->tensors[i].array.data, m->tensors[i].array.data,
               m->tensors[i].array.count * sizeof(float));
    return NBASE_OK;
}

/* ---- what a model has ---- */

const char *convlstm_model_json(const convlstm_model *m) { return m ? m->json : ""; }

static int dims_of(const convlstm__shape *shape)
{
    if (shape->rank == CONVLSTM__SEQUENCE) return shape->vectors ? 2 : 4;
    return shape->rank == CONVLSTM__FRAME ? 3 : 1;
}

void convlstm_model_get_info(const convlstm_model *m, convlstm_model_info *info)
{
    if (!m || !info) return;
    *info = (convlstm_model_info){.height = m->height,
                                  .width = m->width,
                                  .channels = m->input_count ? 0 : m->channels,
                                  .any_size = m->any_size,
                                  .layers = m->layer_count - m->input_count,
                                  .frames = m->frames,
                                  .output_count = m->output_count};
    if (m->output_count == 1) {
        info->outputs = m->output.channels;
        info->output_dims = dims_of(&m->output);
    }
    for (size_t i = 0; i < m->tensor_count; i++) info->parameters += m->tensors[i].array.count;
}

/* Fills in the shape and the floats. */
static void describe_output(const convlstm__shape *out, size_t frames, convlstm_output *o)
{
    const size_t all[4] = {frames, out->height, out->width, out->channels};
    o->dims = dims_of(out);
    o->masked = out->rank == CONVLSTM__SEQUENCE && out->clock == CONVLSTM__VALID_FRAMES;
    o->floats = convlstm__shape_floats(out) * (out->rank == CONVLSTM__SEQUENCE ? frames : 1);
    if (o->dims == 2) {
        o->shape[0] = frames;
        o->shape[1] = out->channels;
    } else {
        memcpy(o->shape, all + 4 - o->dims, (size_t)o->dims * sizeof *o->shape);
    }
}

nbase_status convlstm_model_output(const convlstm_model *m, size_t k, size_t frames, size_t height,
                                   size_t width, convlstm_output *out, nbase_error *err)
{
    if (!m || !out || k >= m->output_count || !frames || !height || !width ||
        height > CONVLSTM__MAX_SIDE || width > CONVLSTM__MAX_SIDE)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "convlstm_model_output: a null or unusable argument");
    if (!m->any_size && (height != m->height || width != m->width))
        return nbase__fail(err, NBASE_ERR_SHAPE, "images of %zux%zu expected, got %zux%zu",
                           m->height, m->width, height, width);
    nbase_status status = convlstm__check_frames(m, frames, "", err);
    if (status) return status;
    convlstm__shape shapes[CONVLSTM__MAX_LAYERS];
    status = convlstm__layer_shapes(m, height, width, shapes, err);
    if (status) return status;
    *out = (convlstm_output){.name = m->layers[m->outputs[k]]->name};
    for (size_t i = 0; i <= k; i++) {
        const convlstm__shape *shape = &shapes[m->outputs[i]];
        out->before += out->floats;
        describe_output(shape, convlstm__clock_frames(&m->clocks, shape->clock, frames), out);
    }
    return NBASE_OK;
}

nbase_status convlstm_model_output_shape(const convlstm_model *m, size_t frames, size_t height,
                                         size_t width, size_t shape[4], nbase_error *err)
{
    convlstm_output out;
    if (!m || !shape)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_model_output_shape: a null argument");
    if (m->output_count > 1)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "the network has %zu outputs; one is expected here", m->output_count);
    nbase_status status = convlstm_model_output(m, 0, frames, height, width, &out, err);
    if (!status) memcpy(shape, out.shape, (size_t)out.dims * sizeof *shape);
    return status;
}

const char *convlstm_model_label(const convlstm_model *m, size_t k)
{
    return m && k < m->label_count ? m->labels[k] : "";
}

size_t convlstm_model_tensor_count(const convlstm_model *m) { return m ? m->tensor_count : 0; }

const nbase_array *convlstm_model_tensor(const convlstm_model *m, size_t i)
{
    return m && i < m->tensor_count ? &m->tensors[i].array : NULL;
}

convlstm__tensor *convlstm__model_tensor(const convlstm_model *m, const char *name)
{
    for (size_t i = 0; i < m->tensor_count; i++)
        if (!strcmp(m->tensors[i].array.name, name)) return &m->tensors[i];
    return NULL;
}

const nbase_array *convlstm_model_find(const convlstm_model *m, const char *name)
{
    convlstm__tensor *t = m && name ? convlstm__model_tensor(m, name) : NULL;
    return t ? &t->array : NULL;
}

nbase_status convlstm_model_set(convlstm_model *m, const char *name, const float *values,
                                size_t count)
{
    convlstm__tensor *t = m && name && values ? convlstm__model_tensor(m, name) : NULL;
    if (!t) return NBASE_ERR_ARG;
    if (count != t->array.count) return NBASE_ERR_SHAPE;
    memcpy(t->array.data, values, count * sizeof *values);
    m->version++;
    return NBASE_OK;
}
