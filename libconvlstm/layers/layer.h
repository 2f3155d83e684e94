/* layer.h - internal: one layer of a network as data: its parameters, the shapes it takes and
 * gives, its tensors.
 *
 * A kind of layer is a convlstm__layer_class: a table of the fields that its JSON object has (from
 * which reading, checking and writing follow), shape inference, the list of its tensors under
 * Keras's names, and a function that builds the node (node.h) which does the arithmetic at one
 * image size. A new kind is one file with its class, and a line in registry.c. */
#ifndef CONVLSTM_LAYER_H
#define CONVLSTM_LAYER_H

#include "json.h"

#include "cells/cell.h"

/* What flows between layers, a sample: a sequence of frames (T,H,W,C), one frame (H,W,C), or a
 * vector (channels values; height and width 1). A sequence that a layer with go_backwards gave is
 * `reversed`: its frame t is of the caller's time T-1-t, and so is its mask. */
typedef enum convlstm__rank {
    CONVLSTM__SEQUENCE,
    CONVLSTM__FRAME,
    CONVLSTM__VECTOR
} convlstm__rank;
typedef struct convlstm__shape {
    convlstm__rank rank;
    size_t height, width, channels;
    bool reversed;
} convlstm__shape;
/* "a sequence of 80x80x20", "a vector of 32": into text, which is returned. */
#define CONVLSTM__SHAPE_TEXT 96
/* of a frame or vector */
static inline size_t convlstm__shape_floats(const convlstm__shape *s)
{
    return s->height * s->width * s->channels;
}
const char *convlstm__shape_text(const convlstm__shape *shape, char text[CONVLSTM__SHAPE_TEXT]);

/* ---- limits ---- */

#define CONVLSTM__MAX_SIDE 65536     /* height and width of an image */
#define CONVLSTM__MAX_CHANNELS 65536 /* of an image; filters of a layer */
#define CONVLSTM__MAX_WINDOW 255     /* kernel, stride or dilation along one axis */
#define CONVLSTM__MAX_DROPOUT 0.999  /* rate: what is kept is divided by 1 - rate */

/* ---- fields of the JSON object ---- */

typedef struct convlstm__choice {
    const char *name;
    int value;
} convlstm__choice;

typedef enum convlstm__field_kind {
    CONVLSTM__FIELD_SIZE,   /* size_t, from min to max */
    CONVLSTM__FIELD_PAIR,   /* size_t[2], each from min to max; one number stands for both */
    CONVLSTM__FIELD_TRIPLE, /* size_t[3], likewise */
    CONVLSTM__FIELD_NUMBER, /* double, from min to max */
    CONVLSTM__FIELD_BOOL,   /* bool */
    CONVLSTM__FIELD_CHOICE  /* int, one of choices */
} convlstm__field_kind;

typedef struct convlstm__field {
    const char *key; /* null ends a table */
    convlstm__field_kind kind;
    size_t offset; /* of the value in the layer's struct */
    bool required;
    double min, max;
    const convlstm__choice *choices; /* a null name ends them */
} convlstm__field;
/* A row of a table: the member of the struct has the key's name. */
#define CONVLSTM__FIELD(type, member, its_kind, ...)                                               \
    {                                                                                              \
        .key = #member, .kind = CONVLSTM__FIELD_##its_kind, .offset = offsetof(type, member),      \
        __VA_ARGS__                                                                                \
    }
#define CONVLSTM__FIELDS_END                                                                       \
    {                                                                                              \
        .key = NULL                                                                                \
    }

/* Names of activations, of those that work on one value alone, and of those that a gate may
 * have. */
extern const convlstm__choice convlstm__activation_names[];
extern const convlstm__choice convlstm__cell_activation_names[];
extern const convlstm__choice convlstm__gate_activation_names[];
/* The name of a value, or "". */
const char *convlstm__choice_name(const convlstm__choice *choices, int value);

/* ---- tensors ---- */

typedef enum convlstm__init {
    CONVLSTM__ZEROS,
    CONVLSTM__ONES,
    CONVLSTM__GLOROT_UNIFORM, /* Glorot and Bengio 2010, over the whole tensor as Keras does */
    /* Saxe et al. 2013, of the tensor flattened to (all but the last axis, last axis) */
    CONVLSTM__ORTHOGONAL,
    /* zeros, but ones in the second quarter: the unit forget bias of Jozefowicz et al. 2015 */
    CONVLSTM__FORGET_ONES
} convlstm__init;

typedef struct convlstm__tensor_spec {
    const char *name; /* after the layer's: "kernel" */
    int ndim;
    size_t shape[5];
    convlstm__init init;
    bool trainable;
} convlstm__tensor_spec;

#define CONVLSTM__LAYER_TENSORS 8 /* the most that a layer has */

/* A tensor of a model. */
typedef struct convlstm__tensor {
    nbase_array array; /* float32; name and data are the model's own */
    convlstm__init init;
    bool trainable;
} convlstm__tensor;

#define CONVLSTM__LAYER_NAME 64 /* bytes of a name, its end included */

/* ---- layers ---- */

typedef struct convlstm__layer convlstm__layer;
typedef struct convlstm__node convlstm__node;
typedef struct convlstm__net convlstm__net;

typedef struct convlstm__layer_class {
    const char *type; /* "conv_lstm2d": in JSON, and the layer's name unless given */
    /* of the layer's struct, of which convlstm__layer is the first member */
    size_t size;
    const convlstm__field *fields;
    const void *defaults; /* a struct of that size to start from */
    /* of the int that names the activation at its end, for a layer that a network may end in; 0:
     * none */
    size_t activation_offset;
    bool fixed_size; /* its tensors or those after it depend on the image size */
    /* the same, where it depends on the layer; may be null */
    bool (*tied)(const convlstm__layer *layer);
    /* *out from *in and the layer before (null: the input). NBASE_ERR_SHAPE or _UNSUPPORTED, with
     * the text that follows the layer's name: "needs a frame, got ...". */
    nbase_status (*shape)(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err);
    /* Fills specs and returns how many; null: none. */
    size_t (*tensors)(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs);
    /* Appends the layer's nodes to net, for input of the shape *in. NBASE_ERR_NOMEM only. */
    nbase_status (*build)(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net);
} convlstm__layer_class;

struct convlstm__layer {
    const convlstm__layer_class *class;
    char name[CONVLSTM__LAYER_NAME];
    size_t first_tensor, tensors; /* its range in the model's list */
};

/* By type, or null. */
const convlstm__layer_class *convlstm__layer_class_find(const char *type);

/* Reads the members of `object` into the layer by its class's table; `type` and `name` are skipped.
 * An unknown member, value or name is NBASE_ERR_UNSUPPORTED, a missing or ill-typed one
 * NBASE_ERR_FORMAT; the text names layer, member, what was expected and what was found. */
nbase_status convlstm__layer_read(convlstm__layer *layer, const nbase__json *object,
                                  nbase_error *err);
/* The object with every member, defaults included, in the table's order. */
void convlstm__layer_write(const convlstm__layer *layer, nbase__text *text);

extern const convlstm__layer_class convlstm__conv_lstm2d_class;
extern const convlstm__layer_class convlstm__batch_normalization_class;
extern const convlstm__layer_class convlstm__flatten_class;
extern const convlstm__layer_class convlstm__global_average_pool_class;
extern const convlstm__layer_class convlstm__dense_class;
extern const convlstm__layer_class convlstm__activation_class;
extern const convlstm__layer_class convlstm__max_pool2d_class;
extern const convlstm__layer_class convlstm__average_pool2d_class;
extern const convlstm__layer_class convlstm__conv2d_class;
extern const convlstm__layer_class convlstm__conv3d_class;
extern const convlstm__layer_class convlstm__layer_normalization_class;
extern const convlstm__layer_class convlstm__dropout_class;
extern const convlstm__layer_class convlstm__spatial_dropout_class;
extern const convlstm__layer_class convlstm__leaky_relu_class;

#endif
