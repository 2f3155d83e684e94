/* judged.h - the people of a partition, judged by a model that has not learned from them. */
#ifndef SKIN_REPORT_JUDGED_H
#define SKIN_REPORT_JUDGED_H

#include <stdbool.h>
#include <stddef.h>

#include "convlstm.h"
#include "data/dataset.h"
#include "feed/source.h"
#include "ranks/ranks.h"
#include "score/course.h"
#include "score/familiar.h"
#include "score/metrics.h"

typedef struct judged_options {
    ranks *ranks; /* that share the work, or null */
    const char *faces;
    data_part part;
    size_t frames;     /* photos of a person, the last ones; 0: all */
    size_t image_size; /* 0: the model's */
    size_t batch;
    int threads;
    bool follow; /* everyone's photos one by one, too */
    bool quiet;  /* no progress */
} judged_options;

typedef struct judged {
    convlstm_model *model;
    data_split split;
    source people;
    prediction *predictions; /* one for each of the people; their ids belong to the split */
    course *courses;         /* likewise; null: not asked for, or the network cannot tell */
    familiarity *familiar;   /* likewise; null: the model's file cannot tell */
    char digest[SHA256_HEX]; /* SHA-256 of the people judged, their labels and crops */
} judged;

/* Loads the model file and judges the people of DATA with it; the caller frees it with judged_free,
 * after a failure too. Refuses people that the model was trained on or chosen by (data/leak.h).
 *
 * Where ranks share the work, rank 0 has the answers; the people's samples are then empty, and on
 * the other ranks there are no people. */
bool judged_open(judged *j, const judged_options *o, const char *model, const char *data,
                 nbase_error *err);

void judged_free(judged *j);

/* The people of all folds of a cross-validation, each judged by the model of RUN/foldN for
 * DATA/foldN (data/folds.h). */
typedef struct judged_folds {
    judged *folds;
    size_t count;
    prediction *predictions; /* of all folds, one after the other */
    course *courses;         /* likewise, or null; their points belong to the folds */
    size_t people, skipped;
} judged_folds;

/* Ends with judged_folds_free, after a failure too. */
bool judged_folds_open(judged_folds *f, const judged_options *o, const char *run, const char *data,
                       nbase_error *err);

void judged_folds_free(judged_folds *f);

#endif
