/* keras_file.h - what a file of Keras or TensorFlow holds. */
#ifndef SKIN_KERAS_FILE_H
#define SKIN_KERAS_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* How a file names its layers, which decides how they are matched. */
typedef enum keras_naming {
    /* names of the user's choice; the archive has the layers in the model's order */
    KERAS_IN_ORDER,
    /* Keras's class in snake case, counted in the model's order: "dense", "dense_1"; parts are
     * numbers */
    KERAS_COUNTED,
    KERAS_BY_NAME /* names alone: the number at their end gives the order */
} keras_naming;

/* Whether the order in which a file has its layers is that in which the model uses them. Where it
 * is not, layers whose weights have the same shapes can't be told apart. */
typedef enum keras_order {
    KERAS_ORDER_KNOWN,   /* the file is of a Sequential or Functional model */
    KERAS_ORDER_LIKELY,  /* it may be of one, or of a subclassed model */
    KERAS_ORDER_UNKNOWN, /* it is of a subclassed model: its layers are attributes */
    KERAS_ORDERS
} keras_order;

/* What a file holds. Zero-initialise. */
typedef struct keras_file {
    /* float32, named LAYER/PART: "dense_1/kernel", "conv_lstm2d/cell/0"; without optimisers and
     * counters */
    nbase_archive *weights;
    keras_naming naming;
    keras_order order;
    json_t *config;   /* of the whole model ({"class_name", "config"}), or null */
    int generation;   /* the version of Keras that wrote it: 2, 3, or 0 if unknown */
    const char *kind; /* "Keras HDF5 weights", ...; static */
} keras_file;

/* Frees what the file holds and leaves it empty. */
void keras_file_free(keras_file *f);

/* The last part of LAYER/PART, and the length of what comes before it. */
const char *keras_part(const char *name, size_t *layer_length);

#endif
