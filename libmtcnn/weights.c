/* weights.c - parameters of the three networks from an archive (docs/formats.md). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

typedef struct layer_spec {
    const char *name;
    size_t side, in, out;
    bool prelu;
    mtcnn__toom toom;
} layer_spec;

/* In the order of the fields of mtcnn__params. */
static const layer_spec specs[] = {
    {"pnet/conv1", 3, 3, 10, true, MTCNN__TOOM_4_3},
    {"pnet/conv2", 3, 10, 16, true, MTCNN__TOOM_4_3},
    {"pnet/conv3", 3, 16, 32, true, MTCNN__TOOM_4_3},
    {"pnet/class", 1, 32, 2, false, MTCNN__TOOM_NONE},
    {"pnet/box", 1, 32, 4, false, MTCNN__TOOM_NONE},
    {"rnet/conv1", 3, 3, 28, true, MTCNN__TOOM_4_3},
    {"rnet/conv2", 3, 28, 48, true, MTCNN__TOOM_3_3},
    {"rnet/conv3", 2, 48, 64, true, MTCNN__TOOM_3_2},
    {"rnet/dense1", 1, 576, 128, true, MTCNN__TOOM_NONE},
    {"rnet/class", 1, 128, 2, false, MTCNN__TOOM_NONE},
    {"rnet/box", 1, 128, 4, false, MTCNN__TOOM_NONE},
    {"onet/conv1", 3, 3, 32, true, MTCNN__TOOM_4_3},
    {"onet/conv2", 3, 32, 64, true, MTCNN__TOOM_3_3},
    {"onet/conv3", 3, 64, 64, true, MTCNN__TOOM_4_3},
    {"onet/conv4", 2, 64, 128, true, MTCNN__TOOM_3_2},
    {"onet/dense1", 1, 1152, 256, true, MTCNN__TOOM_NONE},
    {"onet/class", 1, 256, 2, false, MTCNN__TOOM_NONE},
    {"onet/box", 1, 256, 4, false, MTCNN__TOOM_NONE},
    {"onet/landmarks", 1, 256, 10, false, MTCNN__TOOM_NONE},
};
enum { LAYERS = sizeof specs / sizeof *specs };

static size_t kernel_count(const layer_spec *s) { return s->side * s->side * s->in * s->out; }

static size_t value_count(const layer_spec *s)
{
    return kernel_count(s) + s->out * (s->prelu ? 2 : 1) +
           mtcnn__toom_count(s->toom, s->in, s->out);
}

static mtcnn__layer *field_of(mtcnn__params *p, size_t i)
{
    mtcnn__layer *const fields[] = {
        &p->pconv[0], &p->pconv[1], &p->pconv[2], &p->pclass,     &p->pbox,
        &p->rconv[0], &p->rconv[1], &p->rconv[2], &p->rdense,     &p->rclass,
        &p->rbox,     &p->oconv[0], &p->oconv[1], &p->oconv[2],   &p->oconv[3],
        &p->odense,   &p->oclass,   &p->obox,     &p->olandmarks,
    };
    return fields[i];
}

/* Copies tensor `layer`/`part` to *to and moves *to behind it; *from gets where the copy is. */
static nbase_status copy_tensor(const nbase_archive *archive, const char *layer, const char *part,
                                int ndim, const size_t *shape, float **to, const float **from,
                                nbase_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", layer, part);
    const nbase_array *a = nbase_archive_find(archive, name);
    if (!a)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "no tensor %s: not MTCNN's weights; convert them with skin-import mtcnn",
                           name);
    if (a->dtype != NBASE_F32)
        return nbase__fail(err, NBASE_ERR_FORMAT, "tensor %s is %s, expected float32", name,
                           nbase_dtype_name(a->dtype));
    bool fits = a->ndim == ndim;
    size_t count = 1;
    for (int i = 0; i < ndim; i++) {
        fits = fits && a->shape[i] == shape[i];
        count *= shape[i];
    }
    if (!fits)
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "tensor %s does not have the shape of docs/formats.md (%zu numbers)",
                           name, count);
    const float *values = a->data;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return nbase__fail(err, NBASE_ERR_NUMERIC,
                               "tensor %s holds a number that is not finite", name);
    memcpy(*to, values, count * sizeof *values);
    *from = *to;
    *to += count;
    return NBASE_OK;
}

static nbase_status copy_layer(const nbase_archive *archive, const layer_spec *s, float **to,
                               mtcnn__layer *layer, nbase_error *err)
{
    *layer = (mtcnn__layer){.side = s->side, .in = s->in, .out = s->out};
    /* P-Net's heads are convolutions of 1x1 */
    bool dense = s->side == 1 && strncmp(s->name, "pnet/", 5) != 0;
    size_t shape[] = {s->side, s->side, s->in, s->out};
    nbase_status status = copy_tensor(archive, s->name, "kernel", dense ? 2 : 4,
                                      shape + (dense ? 2 : 0), to, &layer->kernel, err);
    if (!status) status = copy_tensor(archive, s->name, "bias", 1, &s->out, to, &layer->bias, err);
    if (!status && s->prelu)
        status = copy_tensor(archive, s->name, "prelu", 1, &s->out, to, &layer->prelu, err);
    if (!status && s->toom) {
        mtcnn__toom_transform(s->toom, s->in, s->out, layer->kernel, *to);
        layer->toom = *to;
        *to += mtcnn__toom_count(s->toom, s->in, s->out);
    }
    return status;
}

nbase_status mtcnn_weights_from_archive(const nbase_env *env, const nbase_archive *archive,
                                        mtcnn_weights **out, nbase_error *err)
{
    if (!out)
        return nbase__fail(err, NBASE_ERR_ARG, "mtcnn_weights_from_archive: out must not be null");
    *out = NULL;
    if (!archive)
        return nbase__fail(err, NBASE_ERR_ARG,
                           "mtcnn_weights_from_archive: archive must not be null");
    nbase_env e = nbase__env(env);
    mtcnn_weights *w = nbase__calloc(&e, 1, sizeof *w);
    if (!w) return nbase__fail(err, NBASE_ERR_NOMEM, "no memory for MTCNN's weights");
    w->env = e;
    size_t values = 0;
    for (size_t i = 0; i < LAYERS; i++) values += value_count(&specs[i]);
    nbase_status status = NBASE_OK;
    float *to = w->values = nbase__calloc(&e, values, sizeof(float));
    if (!to) status = nbase__fail(err, NBASE_ERR_NOMEM, "no memory for MTCNN's weights");
    for (size_t i = 0; i < LAYERS && !status; i++)
        status = copy_layer(archive, &specs[i], &to, field_of(&w->params, i), err);
    if (status) {
        mtcnn_weights_free(w);
        return status;
    }
    *out = w;
    return NBASE_OK;
}

nbase_status mtcnn_weights_load(const nbase_env *env, const char *path, mtcnn_weights **out,
                                nbase_error *err)
{
    if (!out) return nbase__fail(err, NBASE_ERR_ARG, "mtcnn_weights_load: out must not be null");
    *out = NULL;
    nbase_archive *archive;
    nbase_status status = nbase_archive_read(env, path, &archive, err);
    if (status) return status;
    nbase_error why;
    status = mtcnn_weights_from_archive(env, archive, out, &why);
    if (status) nbase__fail(err, status, "%.150s: %.230s", path, why.text);
    nbase_archive_free(archive);
    return status;
}

void mtcnn_weights_free(mtcnn_weights *w)
{
    if (!w) return;
    nbase_env env = w->env;
    nbase__free(&env, w->values);
    nbase__free(&env, w);
}
