/* tensorflow.h - the parts of a TensorFlow checkpoint (tensor_bundle): PREFIX.index is a sorted
 * string table of LevelDB's format from tensor names to where their bytes lie in
 * PREFIX.data-?????-of-?????; one tensor is the graph of the objects that were saved. Sources:
 * tensorflow/core/util/tensor_bundle, tensorflow/core/protobuf/tensor_bundle.proto and
 * trackable_object_graph.proto, leveldb/doc/table_format.md. */
#ifndef SKIN_KERAS_TENSORFLOW_H
#define SKIN_KERAS_TENSORFLOW_H

#include "../import/import.h"

/* CRC-32C (Castagnoli), and its masked form, in which LevelDB and TensorFlow store it. */
uint32_t tensorflow_crc32c(uint32_t crc, const void *bytes, size_t n);
uint32_t tensorflow_masked(uint32_t crc);

enum { TENSORFLOW_FLOAT = 1, TENSORFLOW_DOUBLE = 2, TENSORFLOW_STRING = 7 }; /* types.proto */

typedef struct tensorflow_entry {
    char *key; /* the tensor's name */
    unsigned dtype, ndim, shard;
    size_t shape[NBASE_MAX_DIMS];
    uint64_t offset, size; /* position in the shard's file, bytes */
    uint32_t crc;          /* of these bytes, masked */
    bool sliced;           /* stored in parts under other names */
} tensorflow_entry;

/* Zero-initialise; the caller frees it with import_pool_free(&index.pool). */
typedef struct tensorflow_index {
    import_pool pool;
    tensorflow_entry *entries; /* in the order of their names */
    size_t count;
    unsigned shards;
} tensorflow_index;

/* Parses a whole index file. The checksum of each block, the order of the names and all sizes are
 * checked. `err` gets no file name. */
bool tensorflow_read_index(const void *bytes, size_t size, tensorflow_index *out, nbase_error *err);
const tensorflow_entry *tensorflow_find(const tensorflow_index *index, const char *key);

/* A variable of a layer. */
typedef struct tensorflow_variable {
    /* path of the object that owns it ("model/layer_with_weights-0"), what wraps it ("cell",
     * "layer") left out */
    const char *layer;
    const char *part; /* "kernel" */
    const char *key;  /* of the tensor */
} tensorflow_variable;

typedef struct tensorflow_graph {
    import_pool pool;
    tensorflow_variable *variables; /* in the order in which the model has its layers */
    size_t count;
    /* Whether that order is known: the graph is of one Sequential or Functional model. Otherwise
     * layers are attributes of the user's class. */
    bool ordered;
} tensorflow_graph;

/* Parses a serialized TrackableObjectGraph and walks it from the root, depth first, through the
 * layers. Optimisers, counters and lists of variables are left out, unless there is a list alone,
 * as model.export() writes it. */
bool tensorflow_read_graph(const void *bytes, size_t size, tensorflow_graph *out, nbase_error *err);

#endif
