/* frames_job.h - the job of the routes that take frames as numbers (/predict and infer): crops of
 * a face, or photos in which the face is found first. */
#ifndef SERVE_FRAMES_JOB_H
#define SERVE_FRAMES_JOB_H

#include "data/dataset.h"
#include "framearray.h"
#include "job.h"

typedef struct frames_job {
    job job; /* first: the job's methods find the rest behind it */
    /* in */
    frame_array frames; /* finished; freed as soon as the sequence is there */
    bool detect;        /* the frames are photos */
    /* while it is prepared, with `detect` */
    face_series crops;
    size_t cut, found; /* frames that were read, and faces in them */
    /* out */
    char model_id[17]; /* of the model that judged: another may be in service by now */
} frames_job;

/* The job takes over the frames and leaves *frames empty. */
void frames_job_init(frames_job *f, frame_array *frames, bool detect);

/* Frees what the job still holds. Safe on zeros, and more than once. */
void frames_job_free(frames_job *f);

#endif
