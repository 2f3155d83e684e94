#include "sources.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "workers.h"

static bool passed(const char *what, nbase_status status)
{
    if (status == NBASE_ERR_NUMERIC) cli_error("%s: the frames hold values that are not finite", what);
    else if (status == NBASE_ERR_NOMEM) cli_error("%s: out of memory", what);
    else if (status) cli_error("%s: the frames cannot be brought to the model's size (%s)", what, nbase_status_name(status));
    return status == NBASE_OK;
}

bool source_user(const convlstm_model *m, const char *faces_dir, const char *id, sequence *out)
{
    face_series s;
    if (!user_id_ok(id)) {
        cli_error("'%s' is no user id: 1 to 64 letters, digits, '_' or '-'", id);
        return false;
    }
    char error[400];
    store *faces = store_open(faces_dir, error, sizeof error);
    if (!faces) cli_error("%s", error);
    bool ok = faces && face_series_read(faces, id, &s);
    if (ok) {
        ok = passed(id, sequence_from_series(m, &s, out));
        face_series_free(&s);
    }
    store_close(faces);
    return ok;
}

/* ---- pictures ---- */

enum { CROP_SIDE = 160 }; /* as skin-faces cuts them: the network must see the same resizing as in training */

typedef struct bench {
    extractor *extractor;
    face_series crop; /* of one frame */
} bench;

typedef struct job {
    char *const *paths;
    const photo_options *o;
    mtcnn_weights *weights;
    bench *benches; /* one a worker */
    sequence *out;
    pthread_mutex_t lock; /* guards what follows, and the messages */
    size_t unreadable;
} job;

static bool set_up(job *j, bench *b, char *error, size_t error_size)
{
    if (!b->extractor) b->extractor = extractor_create(j->weights, &j->o->extract, error, error_size);
    if (b->extractor && !b->crop.count) face_series_create(1, CROP_SIDE, &b->crop);
    return b->extractor && b->crop.count;
}

/* Puts the picture, or the face in it, into frame i. *face false: there is none. */
static bool take(job *j, int worker, const picture *p, size_t i, bool *face, char *error, size_t error_size)
{
    bench *b = &j->benches[worker];
    *face = true;
    const uint8_t *pixels = p->pixels;
    size_t height = p->height, width = p->width;
    if (!j->o->crops) {
        if (!set_up(j, b, error, error_size)) return false;
        b->crop.mask[0] = 0;
        if (!extract_frame(b->extractor, p, &b->crop, 0, NULL, error, error_size)) return false;
        *face = b->crop.mask[0];
        pixels = b->crop.img;
        height = width = CROP_SIDE;
    }
    nbase_status status = *face ? sequence_put_u8(j->out, i, pixels, height, width) : NBASE_OK;
    if (status) snprintf(error, error_size, "the face cannot be brought to the model's size (%s)", nbase_status_name(status));
    return status == NBASE_OK;
}

static void work(void *ctx, int worker, size_t i)
{
    job *j = ctx;
    picture p;
    char error[500] = "out of memory";
    bool face = true, ok = picture_read(j->paths[i], &p, error, sizeof error);
    if (ok) {
        ok = take(j, worker, &p, i, &face, error, sizeof error);
        picture_free(&p);
    }
    pthread_mutex_lock(&j->lock);
    j->unreadable += !ok;
    if (!ok) cli_error("%s: %s; the frame is masked", j->paths[i], error);
    if (ok && !face) cli_warn("%s: no face found; the frame is masked (if the picture shows nothing but a face, give --crops)", j->paths[i]);
    pthread_mutex_unlock(&j->lock);
}

bool source_pictures(const convlstm_model *m, char *const *paths, size_t count, const photo_options *o, sequence *out, size_t *unreadable)
{
    int workers = workers_count(count, o->threads);
    job j = {.paths = paths, .o = o, .out = out, .lock = PTHREAD_MUTEX_INITIALIZER};
    if (!o->crops && !(j.weights = extract_weights(o->weights))) return false;
    j.benches = calloc((size_t)workers, sizeof *j.benches);
    bool ok = passed(paths[0], j.benches ? sequence_create(m, 1, count, out) : NBASE_ERR_NOMEM);
    if (ok) workers_run(count, o->threads, work, &j);
    for (int i = 0; j.benches && i < workers; i++) {
        extractor_free(j.benches[i].extractor);
        face_series_free(&j.benches[i].crop);
    }
    free(j.benches);
    mtcnn_weights_free(j.weights);
    *unreadable = j.unreadable;
    if (ok && cli_interrupted()) {
        cli_error("interrupted");
        sequence_free(out);
        ok = false;
    }
    return ok;
}

/* ---- arrays ---- */

/* Whether element i of any type is not zero. */
static bool truth(const nbase_array *a, size_t i)
{
    const uint8_t *p = (const uint8_t *)a->data + i * nbase_dtype_size(a->dtype);
    float f32;
    double f64;
    switch (a->dtype) {
    case NBASE_F32: memcpy(&f32, p, sizeof f32); return f32 != 0;
    case NBASE_F64: memcpy(&f64, p, sizeof f64); return f64 != 0;
    case NBASE_F16: case NBASE_BF16: return p[0] || (p[1] & 0x7F); /* the sign alone is minus zero */
    default:
        for (size_t k = 0; k < nbase_dtype_size(a->dtype); k++)
            if (p[k]) return true;
        return false;
    }
}

static bool take_mask(array_source *out, const nbase_array *mask)
{
    if (!mask) return true;
    int lead = out->img->ndim - 4;
    bool fits = mask->ndim == lead + 1 && mask->shape[lead] == out->frames && (!lead || mask->shape[0] == out->batch);
    if (!fits) {
        cli_error("%s: 'mask' must have one value for each of the %zu x %zu frames of 'img'", out->path, out->batch, out->frames);
        return false;
    }
    out->mask = malloc(mask->count + 1);
    for (size_t i = 0; out->mask && i < mask->count; i++) out->mask[i] = truth(mask, i);
    return passed(out->path, out->mask ? NBASE_OK : NBASE_ERR_NOMEM);
}

/* Floats are meant to be 0..1. Others are used as they are, since a network may have been trained on such, but mostly they are a mistake. */
static void warn_of_range(const array_source *a)
{
    const float *values = a->img->data;
    float low = 0, high = 0;
    for (size_t i = 0; a->img->dtype == NBASE_F32 && i < a->img->count; i++) {
        if (values[i] < low) low = values[i];
        if (values[i] > high) high = values[i];
    }
    if (low < -0.001f || high > 1.001f) cli_warn("%s: 'img' holds values from %g to %g; floats are taken as they are and should be 0..1", a->path, low, high);
}

bool array_source_open(const char *path, array_source *out)
{
    *out = (array_source){.path = path};
    nbase_error why = {0};
    if (nbase_archive_read(NULL, path, &out->archive, &why) != NBASE_OK) {
        cli_error("%s", why.text);
        return false;
    }
    const nbase_array *img = out->img = nbase_archive_find(out->archive, "img");
    bool ok = img && (img->dtype == NBASE_U8 || img->dtype == NBASE_F32) && (img->ndim == 4 || img->ndim == 5) && img->shape[img->ndim - 1] == 3;
    if (ok) {
        const size_t *shape = img->shape + (img->ndim - 4);
        out->batch = img->ndim == 5 ? img->shape[0] : 1;
        out->frames = shape[0];
        out->height = shape[1];
        out->width = shape[2];
        ok = out->batch && out->height && out->width;
    }
    if (!ok) cli_error("%s: needs an array 'img' of shape (frames, height, width, 3) or (batch, frames, height, width, 3), uint8 or float32", path);
    ok = ok && take_mask(out, nbase_archive_find(out->archive, "mask"));
    if (!ok) array_source_close(out);
    if (ok) warn_of_range(out);
    return ok;
}

bool array_source_take(const convlstm_model *m, const array_source *a, size_t first, size_t count, sequence *out)
{
    size_t item = a->frames * a->height * a->width * 3;
    const uint8_t *mask = a->mask ? a->mask + first * a->frames : NULL;
    nbase_status status;
    if (a->img->dtype == NBASE_U8)
        status = sequence_from_u8(m, (const uint8_t *)a->img->data + first * item, mask, count, a->frames, a->height, a->width, out);
    else
        status = sequence_from_f32(m, (const float *)a->img->data + first * item, mask, count, a->frames, a->height, a->width, out);
    return passed(a->path, status);
}

void array_source_close(array_source *a)
{
    nbase_archive_free(a->archive);
    free(a->mask);
    *a = (array_source){0};
}
