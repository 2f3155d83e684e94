/* internal.h - what the files of libmtcnn share: the parameters of the three networks, and buffers
 * that grow. */
#ifndef MTCNN_INTERNAL_H
#define MTCNN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core.h"
#include "kernels/toom.h"
#include "mtcnn.h"

/* ---- parameters ---- */

/* A layer's parameters as they are stored. */
typedef struct mtcnn__layer {
    size_t side, in, out; /* of the kernel, in pixels and channels; a dense layer has side 1 */
    const float *kernel;  /* (side, side, in, out), last axis fastest */
    const float *bias;    /* (out) */
    const float *prelu;   /* (out), or null for the heads */
    const float *toom;    /* the kernel transformed for fewer multiplications, or null */
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

/* ---- buffers ---- */

/* Memory that grows and is kept for the next picture. Zero-initialise; end with mtcnn__release. */
typedef struct mtcnn__buffer {
    void *data;
    size_t bytes;
} mtcnn__buffer;

/* Makes room for `count` elements of `size` bytes. When the buffer grows, its content is lost.
 * False if there is no memory; the buffer is then empty. */
bool mtcnn__reserve(const nbase_env *env, mtcnn__buffer *b, size_t count, size_t size);

/* The same, but the first `used` elements are kept. False if there is no memory; the buffer is then
 * as before. */
bool mtcnn__extend(const nbase_env *env, mtcnn__buffer *b, size_t used, size_t count, size_t size);

/* Frees the memory and leaves the buffer empty. */
void mtcnn__release(const nbase_env *env, mtcnn__buffer *b);

#endif
