/* keras.h - models as Keras and TensorFlow keep them: reading any of their files, translating the
 * description of a network from Keras's configuration and back, and matching our tensors with their
 * variables. docs/keras.md is the user's side of it.
 *
 * Functions return false (or null) with one line in `err`. Those of files begin it with the file's
 * name. */
#ifndef SKIN_KERAS_H
#define SKIN_KERAS_H

#include "keras_file.h"

/* Reads a file of any kind; its content decides which kind it is: .h5 of Keras 2 and 3 (weights,
 * whole models), .weights.h5, .keras, a TensorFlow checkpoint (PREFIX, PREFIX.index, the folder of
 * a SavedModel, or one of checkpoints, of which the newest is read). The caller frees *out with
 * keras_file_free; after a failure it is empty. */
bool keras_read(const char *path, keras_file *out, nbase_error *err);

/* Whether keras_read would try to read the file: for tools that take other files too. */
bool keras_recognises(const char *path);

#endif
