/* keras.h - models as Keras and TensorFlow keep them: reading any of their files, translating the
 * description of a network from Keras's configuration and back, and matching our tensors with their
 * variables. docs/keras.md is the user's side of it.
 *
 * Functions return false (or null) with one line in `err`. Those of files begin it with the file's
 * name. */
#ifndef SKIN_KERAS_H
#define SKIN_KERAS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* ---- files ---- */

/* How a file names its layers, which decides how they are matched. */
typedef enum keras_naming {
    /* names of the user's choice; the archive has the layers in the model's order */
    KERAS_IN_ORDER,
    /* Keras's class in snake case, counted in the model's order: "dense", "dense_1"; parts are
     * numbers */
    KERAS_COUNTED,
    KERAS_BY_NAME /* names alone: the number at their end gives the order */
} keras_naming;

/* What a file holds. Zero-initialise. */
typedef struct keras_file {
    /* float32, named LAYER/PART: "dense_1/kernel", "conv_lstm2d/cell/0"; without optimisers and
     * counters */
    nbase_archive *weights;
    keras_naming naming;
    json_t *config;   /* of the whole model ({"class_name", "config"}), or null */
    int generation;   /* the version of Keras that wrote it: 2, 3, or 0 if unknown */
    const char *kind; /* "Keras HDF5 weights", ...; static */
} keras_file;

/* Reads a file of any kind; its content decides which kind it is: .h5 of Keras 2 and 3 (weights,
 * whole models), .weights.h5, .keras, a TensorFlow checkpoint (PREFIX, PREFIX.index, or the folder
 * of a SavedModel). */
bool keras_read(const char *path, keras_file *out, nbase_error *err);

/* Frees what the file holds and leaves it empty. */
void keras_file_free(keras_file *f);

/* Whether keras_read would try to read the file: for tools that take other files too. */
bool keras_recognises(const char *path);

/* The readers of each kind; they fill an empty keras_file whose archive is there. `what` names the
 * source in messages. */
bool keras_read_hdf5(const void *bytes, size_t size, const char *what, keras_file *out,
                     nbase_error *err);
bool keras_read_zip(const void *bytes, size_t size, const char *what, keras_file *out,
                    nbase_error *err);
bool keras_read_checkpoint(const char *prefix, keras_file *out, nbase_error *err);

/* The last part of LAYER/PART, and the length of what comes before it. */
const char *keras_part(const char *name, size_t *layer_length);

#endif
