/* predictbody.h - the body of POST /predict as it comes in: {"img": [...], "detect": true}. */
#ifndef SERVE_PREDICTBODY_H
#define SERVE_PREDICTBODY_H

#include "framearray.h"
#include "jsonstream.h"

typedef struct predict_body {
    json_stream json;
    frame_array frames;
    problem *problem;
    /* what the value being read belongs to */
    enum { PREDICT_SKIP, PREDICT_IMG, PREDICT_DETECT } key;
    int depth; /* open brackets, img's not counted */
    bool seen_img, seen_detect, detect;
} predict_body;

/* `problem` gets what is wrong; it and the limits must outlive the body. */
void predict_body_init(predict_body *b, const frame_limits *limits, budget *memory, problem *p);
/* Feeding after a problem is harmless. */
bool predict_body_feed(predict_body *b, const char *bytes, size_t size);
bool predict_body_end(predict_body *b);
void predict_body_free(predict_body *b);

#endif
