/* hdf5_contents.h - what an HDF5 file of Keras holds, as plain arrays and texts. */
#ifndef SKIN_HDF5_CONTENTS_H
#define SKIN_HDF5_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "keras_file.h"

typedef enum hdf5_layout {
    HDF5_WEIGHTS, /* save_weights of Keras 2 */
    HDF5_MODEL,   /* a whole model, .h5 */
    HDF5_COUNTED, /* .weights.h5 */
    HDF5_LAYOUTS
} hdf5_layout;

typedef struct hdf5_contents {
    nbase_archive *weights; /* there before; named as keras_file.h says */
    hdf5_layout layout;
    keras_order order;
    int generation; /* the version of Keras that wrote it: 2, 3, or 0 if unknown */
    char *config;   /* the model's configuration, JSON if the file is right; null: it has none. The
                     * caller frees it with free() */
} hdf5_contents;

/* Reads a file in memory with libhdf5, in this process. `what` names it in errors. */
bool hdf5_read(const void *bytes, size_t size, const char *what, hdf5_contents *out,
               nbase_error *err);

#endif
