/* keras_network.h - between a network's description here (the JSON of docs/formats.md) and Keras's
 * layers. */
#ifndef SKIN_KERAS_NETWORK_H
#define SKIN_KERAS_NETWORK_H

#include "convlstm.h"
#include "keras_file.h"
#include "kinds.h"

/* One of the layers of a description, with what Keras would call it. */
typedef struct keras_layer {
    const keras_kind *kind;
    const char *name; /* our layer, in the description */
    bool timed;       /* inside TimeDistributed */
    /* inside Bidirectional: "forward_layer" or "backward_layer"; else null */
    const char *direction;
    /* of a model of rows: the class in snake case that it had there, "conv_lstm1d", or "" */
    char row_class[40];
    size_t place; /* in Keras's list of layers, by which it counts */
    int axes;     /* of what it gives, as keras_flow has them */
    /* variables that Keras does not have (scale=False): they get their fill value */
    bool absent[KERAS_MAX_PARTS];
    char counted[80]; /* as .weights.h5 names it: "dense_1" */
    /* as the model's configuration names it, behind the name of a model that it belongs to; "":
     * there was none */
    char own_name[200];
    char container[200]; /* of a layer of such a model, as keras_call has it; else "" */
} keras_layer;

typedef struct keras_network {
    json_t *description;
    keras_layer *layers; /* as many as the description has */
    size_t count;
} keras_network;

/* The class that Keras counts a layer as, in snake case: that of what is around it, if anything. */
const char *keras_counted_class(const keras_layer *l);

/* Frees what the network holds and leaves it empty. */
void keras_network_free(keras_network *n);

/* What a file leaves open. Zero-initialise. */
typedef struct keras_options {
    size_t side;                      /* the image size, where the network takes any; 0: 80 */
    const char *recurrent_activation; /* of every ConvLSTM layer; null: what the file says */
} keras_options;

/* The network that a model's configuration describes: layers of known kinds, from images (batch,
 * time, height, width, channels) or several inputs of such and of vectors (batch, time, channels);
 * a mask may come from an input of its own. Anything else is an error that names the layer. */
bool keras_describe(const json_t *config, int generation, const keras_options *options,
                    keras_network *out, nbase_error *err);

/* A preset ("skincredible", "skincredible-gap") for weights that come without a description; if
 * null, the preset follows, as the image size does, from the number of rows of the matrix with 32
 * columns among the arrays (dense/kernel). */
bool keras_preset(const char *preset, const nbase_archive *arrays, const keras_options *options,
                  json_t **description, nbase_error *err);

/* If a description is a preset except for names, recurrent activation and last activation, gives it
 * the preset's name, crop and labels. */
bool keras_adopt_preset(json_t *description, nbase_error *err);

/* Reads a description from a file: JSON, or a model of ours that holds one. */
bool keras_description_read(const char *path, json_t **description, nbase_error *err);

/* Sets the recurrent activation of every ConvLSTM layer; null changes nothing. */
void keras_set_recurrent(json_t *description, const char *activation);

/* The layers of a description. The network keeps a reference to it (json_incref); the caller keeps
 * its own. */
bool keras_network_of(json_t *description, keras_network *out, nbase_error *err);

/* Sets the `place` of each layer: the order in which a Functional model of Keras with these layers
 * would have them; KERAS_NO_CALL for one that is a further call of another (keras_owner). Of a
 * chain it is theirs. */
bool keras_order_layers(keras_network *n, nbase_error *err);

/* The layer of a description that gives input `input` of layer `index`; SIZE_MAX: the images. And
 * the number of a layer's inputs. */
size_t keras_input_layer(const json_t *layers, size_t index, size_t input);
size_t keras_input_count(const json_t *layer);

/* The outputs of a network that is not empty: their number, and the layer that gives one. */
size_t keras_output_count(const keras_network *n);
size_t keras_output_layer(const keras_network *n, size_t k);

/* The layer whose weights layer `index` of a description has: another, if it `shares` them, or
 * itself. */
size_t keras_owner(const json_t *layers, size_t index);

/* Picks the tensors of the network, under our names, from a file's weights. The error names what is
 * missing, left over or of another shape. `description` must have names for all layers, as
 * convlstm_model_json has. */
bool keras_match(const keras_network *n, const keras_file *file, nbase_archive **tensors,
                 nbase_error *err);

/* Builds the model; arrays of float64 become float32. The caller frees *out with
 * convlstm_model_free. */
bool keras_model(const json_t *description, const nbase_archive *tensors, convlstm_model **out,
                 nbase_error *err);

/* ---- the way to Keras ----
 *
 * Files that both generations load (docs/keras.md). Writes the file `path`. */

typedef enum keras_format {
    KERAS_WEIGHTS,     /* .weights.h5 */
    KERAS_OLD_WEIGHTS, /* .h5: save_weights of Keras 2 */
    KERAS_MODEL        /* .keras: a Sequential with its weights */
} keras_format;

/* `generation`: 2 or 3; it matters to KERAS_MODEL alone. *custom: the name of an activation that
 * this generation of Keras lacks, under which the user must give it in custom_objects; or null. */
bool keras_export(const convlstm_model *m, keras_format format, int generation, const char *path,
                  const char **custom, nbase_error *err);

#endif
