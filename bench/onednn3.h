/* onednn3.h - what bench needs of the C interface of oneDNN 3, declared here so that neither its
 * headers nor the library need be there when bench is built. The names are oneDNN's without dnnl_,
 * and so are the numbers (oneapi/dnnl/dnnl_types.h, the same in all versions 3.x). */
#ifndef BENCH_ONEDNN3_H
#define BENCH_ONEDNN3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ONEDNN_CPU = 1, ONEDNN_IN_ORDER = 1, ONEDNN_ANY = 1 }; /* of engines, streams, layouts */
enum { ONEDNN_BF16 = 2, ONEDNN_F32 = 3 };
enum { ONEDNN_TRAINING = 64, ONEDNN_INFERENCE = 96 };
enum { ONEDNN_DIRECT = 1, ONEDNN_WINOGRAD = 2 };

/* Arguments of a primitive, and the queries for their layouts. */
enum {
    ARG_SRC = 1,
    ARG_DST = 17,
    ARG_WEIGHTS = 33,
    ARG_BIAS = 41,
    ARG_DIFF_SRC = 129,
    ARG_DIFF_DST = 145,
    ARG_DIFF_WEIGHTS = 161
};
enum {
    QUERY_SRC = 129,
    QUERY_DIFF_SRC,
    QUERY_WEIGHTS,
    QUERY_DIFF_WEIGHTS,
    QUERY_DST,
    QUERY_DIFF_DST
};

#define ONEDNN_ALLOCATE ((void *)(size_t)-1)

typedef struct onednn_arg {
    int arg;
    void *memory;
} onednn_arg;

/* The geometry of a convolution. */
typedef const int64_t onednn_dims[];

/* The functions; handles are void *, and every function but primitive_desc_query_md returns 0 if it
 * succeeded. */
typedef struct onednn_api {
    int (*engine_create)(void **engine, int kind, size_t index);
    int (*engine_destroy)(void *engine);
    int (*stream_create)(void **stream, void *engine, unsigned flags);
    int (*stream_wait)(void *stream);
    int (*stream_destroy)(void *stream);
    int (*memory_desc_create_with_strides)(void **md, int ndims, onednn_dims dims, int type,
                                           onednn_dims strides);
    int (*memory_desc_create_with_tag)(void **md, int ndims, onednn_dims dims, int type, int tag);
    int (*memory_desc_destroy)(void *md);
    int (*memory_create)(void **memory, const void *md, void *engine, void *data);
    int (*memory_destroy)(void *memory);
    int (*reorder_primitive_desc_create)(void **pd, const void *from, void *from_engine,
                                         const void *to, void *to_engine, const void *attributes);
    int (*convolution_forward_primitive_desc_create)(void **pd, void *engine, int use,
                                                     int algorithm, const void *src,
                                                     const void *weights, const void *bias,
                                                     const void *dst, onednn_dims strides,
                                                     onednn_dims dilates, onednn_dims before,
                                                     onednn_dims after, const void *attributes);
    int (*convolution_backward_data_primitive_desc_create)(
        void **pd, void *engine, int algorithm, const void *diff_src, const void *weights,
        const void *diff_dst, onednn_dims strides, onednn_dims dilates, onednn_dims before,
        onednn_dims after, const void *forward, const void *attributes);
    int (*convolution_backward_weights_primitive_desc_create)(
        void **pd, void *engine, int algorithm, const void *src, const void *diff_weights,
        const void *diff_bias, const void *diff_dst, onednn_dims strides, onednn_dims dilates,
        onednn_dims before, onednn_dims after, const void *forward, const void *attributes);
    int (*matmul_primitive_desc_create)(void **pd, void *engine, const void *src,
                                        const void *weights, const void *bias, const void *dst,
                                        const void *attributes);
    const void *(*primitive_desc_query_md)(const void *pd, int what, int index);
    int (*primitive_desc_destroy)(void *pd);
    int (*primitive_create)(void **primitive, const void *pd);
    int (*primitive_execute)(const void *primitive, void *stream, int count,
                             const onednn_arg *args);
    int (*primitive_destroy)(void *primitive);
} onednn_api;

/* Loads the library. Null if it is not there; `why` (200 bytes) then says what to install. */
const onednn_api *onednn3_load(char *why);

#endif
