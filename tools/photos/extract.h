/* extract.h - from a photo to a face crop: find the faces, choose one, cut it out. Shared by
 * skin-faces, skin-predict and skin-serve.
 *
 * Typical use: weights once (extract_weights), an extractor per thread, then a face_series
 * (data/dataset.h) that extract_frame fills photo by photo. Nothing of a photo is kept. */
#ifndef SKIN_PHOTOS_EXTRACT_H
#define SKIN_PHOTOS_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"
#include "mtcnn.h"
#include "pictures/images.h"

typedef struct extract_options {
    mtcnn_options mtcnn;     /* num_threads: of one detection */
    mtcnn_choice choice;     /* which of several faces */
    mtcnn_crop_options crop; /* of extract_frame; the size is the series' */
} extract_options;

/* Profile ipazc-0.1, the largest face, its box stretched to a square, one thread, no retry. */
void extract_defaults(extract_options *options);

/* MTCNN's coefficients: `path`, or if null the file named by the environment variable SKIN_WEIGHTS,
 * else mtcnn.safetensors in ./weights, beside the program's build folder, or where `make install`
 * puts it. Threads may share them. The error says how to get them. */
mtcnn_weights *extract_weights(const char *path, nbase_error *err);

/* One thread's detector with its buffers. */
typedef struct extractor extractor;

/* The weights must outlive it. */
extractor *extractor_create(const mtcnn_weights *weights, const extract_options *options,
                            nbase_error *err);
void extractor_free(extractor *e); /* null is allowed */

/* What was found in a picture. */
typedef struct extract_result {
    const mtcnn_face *faces; /* in the detector's order */
    size_t count;
    size_t chosen;          /* index of the chosen face; 0 if there is none */
    const picture *picture; /* in which all coordinates are: the given one, or the turned one */
    int rotation;           /* 0, 90, 180, 270: degrees to the right by which it was turned */
} extract_result;

/* Finds all faces of a picture. The result points into the extractor, until its next call, and to
 * the picture. */
bool extract_detect(extractor *e, const picture *p, extract_result *out, nbase_error *err);

/* Finds the faces, chooses one and cuts it out: frame i of the series gets the crop, mask 1, box,
 * score, landmarks and quality. Without a face it stays all zeros with mask 0, which is no error.
 * s->frame[i] is left to the caller.
 *
 * found  gets all faces, as from extract_detect; may be null */
bool extract_frame(extractor *e, const picture *p, face_series *s, size_t i, extract_result *found,
                   nbase_error *err);

/* Cuts out face k of what the extractor's last call has found: rgb gets (side,side,3). */
bool extract_crop(extractor *e, const extract_result *found, size_t k, size_t side, uint8_t *rgb,
                  nbase_error *err);

#endif
