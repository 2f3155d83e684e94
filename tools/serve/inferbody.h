/* inferbody.h - the body of the Open Inference Protocol's infer request as it comes in: one input
 * "img" of datatype UINT8 or FP32 with its shape and data (flat or nested). */
#ifndef SERVE_INFERBODY_H
#define SERVE_INFERBODY_H

#include "framearray.h"
#include "jsonstream.h"

typedef struct infer_body {
    problem *problem;
    json_stream json;
    frame_array frames;
    int depth, skipped, key;
    bool seen_inputs, seen_name, seen_shape, seen_data, seen_type, is_float;
    size_t inputs, shape[FRAME_RANK];
    int rank;
    char id[64], text[64]; /* the request's own id, given back; a value at hand */
    size_t text_size;
} infer_body;

/* As predictbody.h's: `problem`, limits and memory must outlive the body; feeding after a problem
 * is harmless. End: true when the body is whole and right; then `frames` may be taken out (and
 * zeroed). Free in any case. */
void infer_body_init(infer_body *b, const frame_limits *limits, budget *memory, problem *p);
bool infer_body_feed(infer_body *b, const char *bytes, size_t size);
bool infer_body_end(infer_body *b);
void infer_body_free(infer_body *b);

#endif
