/* sources.h - where skin-predict takes its frames from. */
#ifndef SKIN_PREDICT_SOURCES_H
#define SKIN_PREDICT_SOURCES_H

#include "photos/extract.h"
#include "photos/quality.h"
#include "score/sequence.h"

/* FACES/<id>.npz.
 *
 * colours  what was done to the photos that the model was trained on (data/colours.h); if the
 *          opposite was done to these, the call fails */
bool source_user(const convlstm_model *m, const char *faces_dir, const char *id, unsigned colours,
                 sequence *out, nbase_error *err);

typedef struct photo_options {
    extract_options extract;
    quality_limits limits; /* not for crops */
    const char *weights;   /* or null */
    bool crops;
    bool no_icc; /* colours as stored, as the model's photos had them */
    int threads;
} photo_options;

/* Photos (or with `crops` pictures of a face only) in time order. Each that cannot be read, shows
 * no face or is too poor is named in a warning and masked; *unreadable counts the first kind. Fails
 * on Ctrl-C (NBASE_ERR_CANCELLED). */
bool source_pictures(const convlstm_model *m, char *const *paths, size_t count,
                     const photo_options *o, sequence *out, size_t *unreadable, nbase_error *err);

/* An array file: img (T,H,W,3) or (B,T,H,W,3), uint8 or float32, and perhaps mask (T) or (B,T) of
 * any type. Opened once, then read item by item. */
typedef struct array_source {
    nbase_archive *archive;
    const char *path;
    const nbase_array *img;
    uint8_t *mask; /* (batch,frames), or null */
    size_t batch, frames, height, width;
} array_source;

bool array_source_open(const char *path, array_source *out, nbase_error *err);

bool array_source_take(const convlstm_model *m, const array_source *a, size_t first, size_t count,
                       sequence *out, nbase_error *err);

void array_source_close(array_source *a);

#endif
