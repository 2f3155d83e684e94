/* photos_job.h - the job of /v1/analyze: encoded photos in, an analysis out. */
#ifndef SERVE_PHOTOS_JOB_H
#define SERVE_PHOTOS_JOB_H

#include "analysis.h"
#include "job.h"

typedef struct photos_job {
    job job; /* first: the job's methods find the rest behind it */
    /* in */
    photo_list photos; /* the bytes are freed one by one as they are decoded */
    bool explain;
    face_series crops; /* while it is prepared */
    /* out */
    analysis analysis;
    /* Of the model that judged: another may be in service when the answer is written. */
    char model_id[17];
    uint64_t model_generation;
    bool calibrated;
    const char *answer; /* with a promise: one of conformal_answers, or null without one */
    double coverage;    /* of it */
    familiarity familiar;
    char label[64]; /* of the more probable class */
    char note[240]; /* the model's note, "" if it has none */
} photos_job;

/* The job takes over the photos and leaves *photos empty. */
void photos_job_init(photos_job *f, photo_list *photos, bool explain);

/* Frees what the job still holds, the analysis too. Safe on zeros, and more than once. */
void photos_job_free(photos_job *f);

#endif
