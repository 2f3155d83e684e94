/* sources.h - where skin-predict takes its frames from. Each prints its own errors. */
#ifndef SKIN_PREDICT_SOURCES_H
#define SKIN_PREDICT_SOURCES_H

#include "photos/extract.h"
#include "photos/quality.h"
#include "score/sequence.h"

/* FACES/<id>.npz. */
bool source_user(const convlstm_model *m, const char *faces_dir, const char *id, sequence *out);

/* Photos (or with `crops` pictures of a face only) in time order. What cannot be read is told,
 * counted in *unreadable and masked; a photo without a face, or one that is poor by the limits, is
 * told and masked. */
typedef struct photo_options {
    extract_options extract;
    quality_limits limits; /* not for crops */
    const char *weights;   /* or null */
    bool crops;
    int threads;
} photo_options;
bool source_pictures(const convlstm_model *m, char *const *paths, size_t count,
                     const photo_options *o, sequence *out, size_t *unreadable);

/* An array file: img (T,H,W,3) or (B,T,H,W,3), uint8 or float32, and perhaps mask (T) or (B,T) of
 * any type. Opened once, then read item by item. */
typedef struct array_source {
    nbase_archive *archive;
    const char *path;
    const nbase_array *img;
    uint8_t *mask; /* (batch,frames), or null */
    size_t batch, frames, height, width;
} array_source;
bool array_source_open(const char *path, array_source *out);
bool array_source_take(const convlstm_model *m, const array_source *a, size_t first, size_t count,
                       sequence *out);
void array_source_close(array_source *a);

#endif
