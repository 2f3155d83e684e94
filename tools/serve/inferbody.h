/* inferbody.h - reads the body of an infer request of the Open Inference Protocol as it arrives:
 * one input "img" of datatype UINT8 or FP32 with its shape and its data, flat or nested. */
#ifndef SERVE_INFERBODY_H
#define SERVE_INFERBODY_H

#include "framearray.h"
#include "jsonstream.h"

typedef struct infer_body {
    /* results */
    frame_array frames;
    char id[64]; /* the client's own id of the request, or "": the answer repeats it */
    /* while reading */
    problem *problem;
    json_stream json;
    int depth;   /* open brackets that matter: 1 root, 2 inputs, 3 the input, 4 its shape */
    int skipped; /* open brackets inside a value that is skipped */
    int key;     /* of the value that is being read: inferbody.c */
    bool seen_inputs, seen_name, seen_shape, seen_data, seen_type;
    bool is_float; /* datatype FP32 */
    size_t inputs; /* how many there are */
    size_t shape[FRAME_RANK];
    int rank;
    char text[64]; /* the text value that is being read */
    size_t text_size;
} infer_body;

/* The same calls as in predictbody.h. */
void infer_body_init(infer_body *b, const frame_limits *limits, budget *memory, problem *p);
bool infer_body_feed(infer_body *b, const char *bytes, size_t size);
bool infer_body_end(infer_body *b);
void infer_body_free(infer_body *b);

#endif
