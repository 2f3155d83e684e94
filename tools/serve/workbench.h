/* workbench.h - what one worker thread works with: a session of the model in service, a face
 * detector and a decoder of photos. They are created when they are first needed and keep nothing of
 * a request. */
#ifndef SERVE_WORKBENCH_H
#define SERVE_WORKBENCH_H

#include "decode.h"
#include "modelslot.h"
#include "photos/extract.h"
#include "problem.h"

/* The same for all workers; not changed while they run. */
typedef struct work_settings {
    model_slot *models;
    const mtcnn_weights *weights; /* null: this server detects no faces */
    extract_options extract;
    int threads;       /* of one worker's arithmetic */
    size_t min_photos; /* with a usable face, for an analysis */
    double coverage;   /* of answers with a promise (score/conformal.h) */
    decode_settings decode;
} work_settings;

typedef struct workbench {
    const work_settings *settings;
    served_model *model;
    convlstm_session *session; /* of `model` */
    convlstm_session *compare; /* of what it knows of people (score/familiar.h), or null */
    extractor *extractor;
    photo_decoder decoder;
} workbench;

void workbench_init(workbench *b, const work_settings *settings);

/* Takes the model that is now in service, with a session for it. False with a problem. */
bool workbench_follow_model(workbench *b, problem *p);

/* Makes sure that b->extractor is there. False with a problem. */
bool workbench_detector(workbench *b, problem *p);

void workbench_free(workbench *b);

/* Sets the problem of a status with which frames could not be brought to the model's size.
 * True for NBASE_OK. */
bool workbench_resized(nbase_status status, problem *p);

#endif
