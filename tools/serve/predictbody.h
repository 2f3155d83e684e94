/* predictbody.h - reads the body of POST /predict, {"img": [...], "detect": true}, as it comes. */
#ifndef SERVE_PREDICTBODY_H
#define SERVE_PREDICTBODY_H

#include "framearray.h"
#include "jsonstream.h"

typedef struct predict_body {
    /* results */
    frame_array frames;
    bool detect;
    /* while reading */
    json_stream json;
    problem *problem;
    enum { PREDICT_SKIP, PREDICT_IMG, PREDICT_DETECT } key; /* of the value that is being read */
    int depth; /* open brackets, those of img not counted */
    bool seen_img, seen_detect;
} predict_body;

/* Limits, memory and problem must outlive the body; *p gets what is wrong with it. */
void predict_body_init(predict_body *b, const frame_limits *limits, budget *memory, problem *p);

/* A piece of the body. False with a problem. Feeding after a problem does no harm. */
bool predict_body_feed(predict_body *b, const char *bytes, size_t size);

/* The body has ended. True if it is whole and correct: then `frames` may be moved out (leave zeros
 * there). False with a problem. */
bool predict_body_end(predict_body *b);

/* Safe on zeros, and more than once. */
void predict_body_free(predict_body *b);

#endif
