/* network.h - ConvLSTM networks from elsewhere: tensors under Keras's names, plus what the file says of the network or the user states. */
#ifndef SKIN_IMPORT_NETWORK_H
#define SKIN_IMPORT_NETWORK_H

#include <stdbool.h>

#include "nbase.h"

/* Null where nothing is known. The texts are static. */
typedef struct network_facts {
    const char *preset;               /* "skincredible" or "skincredible-gap"; null: told by dense/kernel */
    const char *recurrent_activation; /* null: "hard_sigmoid_k2", the default of TensorFlow 2's Keras */
    const char *output_activation;    /* null: the preset's */
} network_facts;

/* Makes the model and writes it to `output`. Arrays that the network has no use for are named in a note. Prints its own errors. */
bool network_write(const nbase_archive *tensors, const char *source, const network_facts *facts, const char *output);

/* A Keras HDF5 file of one of the presets: model.save or save_weights of Keras 2 (.h5), or .weights.h5 of either. *tensors is the
 * caller's; *facts gets what the file says. Without libhdf5 an error says so. Prints its own errors. */
bool keras_read_h5(const char *source, nbase_archive **tensors, network_facts *facts);

#endif
