/* mtcnn_import.h - the pretrained MTCNN coefficients, from any of the containers in which they are
 * published.
 *
 * The first bytes decide which container it is. Its reader hands over each layer's numbers with the
 * order of their axes, and one place turns that into the layout of docs/formats.md. So every
 * container gives the same file, bit for bit, and a new container needs only a reader. */
#ifndef SKIN_MTCNN_IMPORT_H
#define SKIN_MTCNN_IMPORT_H

#include "import.h"

enum { MTCNN_PNET, MTCNN_RNET, MTCNN_ONET, MTCNN_NETS };
enum { MTCNN_KERNEL, MTCNN_BIAS, MTCNN_PRELU, MTCNN_PARTS };

/* A layer with weights. Dense layers are kernels too: dense1 over the last feature map, the heads
 * over one pixel. */
typedef struct mtcnn_layer {
    int net;
    const char *name; /* "conv1", ..., "dense1", "class", "box", "landmarks" */
    size_t height, width, in, out;
    bool prelu, flat; /* flat: stored as (height * width * in, out) */
    /* the name in the original's files, which other containers vary: "conv4-1" */
    const char *caffe;
} mtcnn_layer;

#define MTCNN_LAYERS 19
/* the layers of a net are neighbours, in the order of the forward pass; class, box, landmarks
 * last */
extern const mtcnn_layer mtcnn_layers[MTCNN_LAYERS];
extern const char *const mtcnn_net_names[MTCNN_NETS];

/* Index into mtcnn_layers, or -1. */
int mtcnn_find_layer(int net, const char *name);

/* Finds a layer by the original's name or a variant of it: PReLU1, prelu1, conv4_1, dense5. *prelu
 * is set for a layer of slopes, which is part of the layer that is returned. -1 for an unknown
 * name. */
int mtcnn_find_caffe(int net, const char *name, size_t length, bool *prelu);

/* The net whose layer of face probabilities has this name (or a variant), or -1. It shows which net
 * a file holds. */
int mtcnn_net_by_class_layer(const char *name, size_t length);

/* What was read so far: canonical float32 values of each layer's parts, null where nothing was read
 * yet. */
typedef struct mtcnn_parts {
    import_pool *pool;
    float *values[MTCNN_LAYERS][MTCNN_PARTS];
} mtcnn_parts;

/* Takes a kernel whose axes, outermost first, are named in `axes` ("WHIO" for width, height, in,
 * out of an upright image). The view may have joined neighbouring axes into one or left out axes of
 * size 1. A wrong shape, too few bytes and a repeated part are errors. */
bool mtcnn_put_kernel(mtcnn_parts *parts, int layer, const char *axes, const import_view *view,
                      nbase_error *err);

/* Takes a bias or prelu: `out` values, with any axes of size 1. */
bool mtcnn_put_vector(mtcnn_parts *parts, int layer, int part, const import_view *view,
                      nbase_error *err);

/* Bit n is set when every part of net n is there. */
unsigned mtcnn_nets_read(const mtcnn_parts *parts);

typedef struct mtcnn_container {
    const char *name; /* for messages */
    bool (*recognises)(const uint8_t *bytes, size_t size);
    /* Whole nets, one or three a file; checks everything. */
    bool (*read)(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err);
} mtcnn_container;

bool mtcnn_caffe_recognises(const uint8_t *bytes, size_t size);
bool mtcnn_caffe_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err);
bool mtcnn_joblib_recognises(const uint8_t *bytes, size_t size);
bool mtcnn_joblib_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err);
bool mtcnn_torch_recognises(const uint8_t *bytes, size_t size);
bool mtcnn_torch_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err);
bool mtcnn_npy_recognises(const uint8_t *bytes, size_t size);
bool mtcnn_npy_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err);

/* Recognises a container by its first bytes. Null with an error if it is none of these. */
const mtcnn_container *mtcnn_recognise_container(const uint8_t *bytes, size_t size,
                                                 nbase_error *err);

/* Reads `source`, a file or a folder. A container of one net brings in its siblings from the same
 * folder. The caller frees *archive with nbase_archive_free. */
bool mtcnn_import(const char *source, nbase_archive **archive, nbase_error *err);

#endif
