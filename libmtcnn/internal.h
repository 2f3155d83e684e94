/* internal.h - what the files of libmtcnn share: parameters of the three networks, and buffers that
 * grow. */
#ifndef MTCNN_INTERNAL_H
#define MTCNN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core.h"
#include "kernels/toom.h"
#include "mtcnn.h"

/* ---- parameters ---- */

/* A layer as stored: kernel (side, side, in, out), last axis fastest; bias (out); prelu (out), or
 * null for the heads. A dense layer has side 1. toom: the kernel transformed for fewer
 * multiplications (kernels/toom.h), or null. */
typedef struct mtcnn__layer {
    size_t side, in, out;
    const float *kernel, *bias, *prelu, *toom;
} mtcnn__layer;

typedef struct mtcnn__params {
    mtcnn__layer pconv[3], pclass, pbox;
    mtcnn__layer rconv[3], rdense, rclass, rbox;
    mtcnn__layer oconv[4], odense, oclass, obox, olandmarks;
} mtcnn__params;

struct mtcnn_weights {
    nbase_env env;
    mtcnn__params params;
    float *values; /* what params points into */
};

/* ---- buffers that grow and stay ---- */

typedef struct mtcnn__buffer {
    void *data;
    size_t bytes;
} mtcnn__buffer;

/* Room for count elements of `size` bytes; the old content is lost when it grows. False, with the
 * buffer empty, if there is no memory. */
bool mtcnn__reserve(const nbase_env *env, mtcnn__buffer *b, size_t count, size_t size);
/* The same, but the first `used` elements are kept. On failure the buffer is as it was. */
bool mtcnn__extend(const nbase_env *env, mtcnn__buffer *b, size_t used, size_t count, size_t size);
void mtcnn__release(const nbase_env *env, mtcnn__buffer *b);

#endif
