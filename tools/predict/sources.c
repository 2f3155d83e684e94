#include "sources.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "fail.h"
#include "workers.h"

static bool passed(const char *what, nbase_status status, nbase_error *err)
{
    if (status == NBASE_ERR_NUMERIC)
        return tool_fail(err, status, "%s: the frames hold values that are not finite", what);
    if (status == NBASE_ERR_NOMEM) return tool_fail(err, status, "%s: out of memory", what);
    return !status ||
           tool_fail(err, status, "%s: the frames cannot be resized to the model's size (%s)", what,
                     nbase_status_name(status));
}

bool source_user(const convlstm_model *m, const char *faces_dir, const char *id, unsigned colours,
                 sequence *out, nbase_error *err)
{
    face_series s;
    if (!user_id_ok(id))
        return tool_fail(err, NBASE_ERR_ARG,
                         "'%s' is no user id: 1 to 64 letters, digits, '_' or '-'", id);
    store *faces = store_open(faces_dir, err);
    bool ok = faces && face_series_read(faces, id, &s, err);
    if (ok) {
        ok = colours_agree(colours | colours_of_series(&s), id, err) &&
             passed(id, sequence_from_series(m, &s, out), err);
        face_series_free(&s);
    }
    store_close(faces);
    return ok;
}

/* ---- pictures ---- */

typedef struct picture_job {
    char *const *paths;
    const photo_options *o;
    const mtcnn_weights *weights;
    extractor **extractors; /* one a worker */
    face_series faces;      /* what is cut out of photos; empty for crops */
    sequence *crops;        /* pictures of a face only */
    pthread_mutex_t lock;   /* guards what follows, and the messages */
    size_t unreadable;
} picture_job;

static bool take_crop(picture_job *j, const picture *p, size_t i, nbase_error *err)
{
    nbase_status status = sequence_put_u8(j->crops, i, p->pixels, p->height, p->width);
    return !status || tool_fail(err, status, "the face cannot be resized to the model's size (%s)",
                                nbase_status_name(status));
}

/* *face false: there is none. */
static bool take_photo(picture_job *j, int worker, const picture *p, size_t i, bool *face,
                       nbase_error *err)
{
    extractor **e = &j->extractors[worker];
    if (!*e && !(*e = extractor_create(j->weights, &j->o->extract, err))) return false;
    if (!extract_frame(*e, p, &j->faces, i, NULL, err)) return false;
    *face = j->faces.mask[i];
    return true;
}

static void read_picture(void *ctx, int worker, size_t i)
{
    picture_job *j = ctx;
    picture p;
    nbase_error err;
    char note[PICTURE_NOTE] = "";
    const picture_options options = {.no_icc = j->o->no_icc};
    bool face = true, ok = picture_read_with(j->paths[i], &options, &p, &err);
    if (ok) {
        memcpy(note, p.note, sizeof note);
        ok = j->o->crops ? take_crop(j, &p, i, &err) : take_photo(j, worker, &p, i, &face, &err);
        picture_free(&p);
    }
    pthread_mutex_lock(&j->lock);
    j->unreadable += !ok;
    if (!ok) cli_warn("%s: %s; the frame is masked", j->paths[i], err.text);
    if (note[0]) cli_warn("%s: odd, but all of it could be read: %s", j->paths[i], note);
    if (ok && !face)
        cli_warn("%s: no face found; the frame is masked (if the picture shows nothing but a face, "
                 "give --crops)",
                 j->paths[i]);
    pthread_mutex_unlock(&j->lock);
}

/* What skin-faces would have masked before training is masked here. */
static bool mask_poor(picture_job *j)
{
    size_t counts[QUALITY_REASONS] = {0}, poor = 0;
    if (!photo_quality_judge(&j->o->limits, &j->faces, counts, &poor)) return false;
    for (size_t i = 0; i < j->faces.count; i++) {
        int32_t reason = j->faces.reason[i];
        if (!reason || reason & QUALITY_NO_FACE) continue;
        char names[200];
        quality_reasons_text(reason, names, sizeof names);
        cli_warn("%s: a poor photo (%s); the frame is masked (--quality moves the limits)",
                 j->paths[i], names);
    }
    return true;
}

/* The pictures' frames, from crops at once or from photos by way of their faces. */
static nbase_status take_pictures(picture_job *j, const convlstm_model *m, size_t count,
                                  int workers, sequence *out)
{
    j->extractors = calloc((size_t)workers, sizeof *j->extractors);
    if (!j->extractors) return NBASE_ERR_NOMEM;
    if (j->o->crops) {
        nbase_status status = sequence_create(m, 1, count, out);
        if (!status) workers_run(count, j->o->threads, read_picture, j);
        return status;
    }
    /* cut as by skin-faces: the network must see the same resizing as in training */
    if (!face_series_create(count, FACE_CROP_SIDE, &j->faces, NULL)) return NBASE_ERR_NOMEM;
    workers_run(count, j->o->threads, read_picture, j);
    return mask_poor(j) ? sequence_from_series(m, &j->faces, out) : NBASE_ERR_NOMEM;
}

bool source_pictures(const convlstm_model *m, char *const *paths, size_t count,
                     const photo_options *o, sequence *out, size_t *unreadable, nbase_error *err)
{
    int workers = workers_count(count, o->threads);
    mtcnn_weights *weights = NULL;
    if (!o->crops && !(weights = extract_weights(o->weights, err))) return false;
    picture_job j = {.paths = paths,
                     .o = o,
                     .weights = weights,
                     .crops = out,
                     .lock = PTHREAD_MUTEX_INITIALIZER};
    bool ok = passed(paths[0], take_pictures(&j, m, count, workers, out), err);
    for (int i = 0; j.extractors && i < workers; i++) extractor_free(j.extractors[i]);
    free(j.extractors);
    face_series_free(&j.faces);
    mtcnn_weights_free(weights);
    *unreadable = j.unreadable;
    if (ok && cli_interrupted()) {
        sequence_free(out);
        ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    }
    return ok;
}

/* ---- arrays ---- */

bool source_arrays(const array_set *a, size_t first, size_t count, size_t height, size_t width,
                   sequence *out, nbase_error *err)
{
    if (!passed(a->path, sequence_create_sized(count, a->frames, height, width, out), err))
        return false;
    memcpy(out->mask, a->mask + first * a->frames, count * a->frames);
    if (array_set_frames(a, first, count, height, width, out->img, err)) return true;
    sequence_free(out);
    return false;
}
