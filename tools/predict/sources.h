/* sources.h - where skin-predict takes its frames from. */
#ifndef SKIN_PREDICT_SOURCES_H
#define SKIN_PREDICT_SOURCES_H

#include "arrays/array_set.h"
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

/* `count` sequences of an array file from `first` on, for a network that judges people. height,
 * width: as array_set_fit gave them. */
bool source_arrays(const array_set *a, size_t first, size_t count, size_t height, size_t width,
                   sequence *out, nbase_error *err);

#endif
