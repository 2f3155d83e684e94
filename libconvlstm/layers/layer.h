/* layer.h - internal: one layer of a network as data: its parameters, the shapes it takes and
 * gives, its tensors.
 *
 * A type of layer is a convlstm__layer_class: a table of the fields that its JSON object has (from
 * which reading, checking and writing follow), shape inference, the list of its tensors under their
 * names in Keras, and a function that builds the nodes (node.h) which do the arithmetic at one
 * image size.
 *
 * What a new type takes: a file here with its class, a line in layers.inc, a row of the table in
 * docs/formats.md and its formula in docs/semantics.md; an entry in tools/keras/kinds.c for import
 * and export; a double-precision twin in tests/help/convlstm_ref_layers.c, which the tests of the
 * layers compare with. */
#ifndef CONVLSTM_LAYER_H
#define CONVLSTM_LAYER_H

#include "json.h"

#include "cells/cell.h"
#include "clock.h"

/* ---- limits ---- */

#define CONVLSTM__MAX_SIDE 65536 /* height and width of an image */
/* Bytes of an image and of what the layers make of it. A small file can ask for any size. */
#define CONVLSTM__MAX_FRAME_BYTES ((size_t)2 << 30)
#define CONVLSTM__MAX_CHANNELS 65536  /* of an image; filters of a layer */
#define CONVLSTM__MAX_UNITS (1 << 24) /* of a dense layer */
#define CONVLSTM__MAX_WINDOW 255      /* kernel, stride or dilation along one axis */
#define CONVLSTM__MAX_DROPOUT 0.999   /* rate: what is kept is divided by 1 - rate */
#define CONVLSTM__LAYER_TENSORS 8     /* tensors of a layer */
#define CONVLSTM__LAYER_NAME 64       /* bytes of a layer's name, its end included */
#define CONVLSTM__INPUTS 32           /* of a layer that merges */
#define CONVLSTM__OUTPUTS 16          /* of a network */

/* ---- shapes ---- */

/* What flows between layers, per sample. */
typedef enum convlstm__rank {
    CONVLSTM__SEQUENCE, /* frames (T,H,W,C) */
    CONVLSTM__FRAME,    /* (H,W,C) */
    CONVLSTM__VECTOR    /* `channels` values; height and width are 1 */
} convlstm__rank;

typedef struct convlstm__shape {
    convlstm__rank rank;
    size_t height, width, channels;
    /* A sequence that a layer with go_backwards gave: its frame t is of the caller's time T-1-t,
     * and so is its mask. */
    bool reversed;
    /* A sequence of vectors (T,C): its frames have the height and width 1, and no axes for them. */
    bool vectors;
    /* Which frames a sequence has. A layer's `shape` leaves it alone; one that changes the number
     * of frames sets `pace`, which is cleared once the clock behind it is found. */
    convlstm__clock clock;
    convlstm__pace pace;
    /* How many frames a sequence has, where it always has so many; 0: any number. */
    size_t frames;
} convlstm__shape;

/* Values of a frame or vector. */
static inline size_t convlstm__shape_floats(const convlstm__shape *s)
{
    return s->height * s->width * s->channels;
}

/* A vector of so many values. */
static inline convlstm__shape convlstm__vector_shape(size_t channels)
{
    return (convlstm__shape){
        .rank = CONVLSTM__VECTOR, .height = 1, .width = 1, .channels = channels};
}

/* "a sequence of 80x80x20", "a vector of 32": into text, which is returned. */
#define CONVLSTM__SHAPE_TEXT 96
const char *convlstm__shape_text(const convlstm__shape *shape, char text[CONVLSTM__SHAPE_TEXT]);

/* ---- fields of the JSON object ---- */

/* A name that stands for a number. */
typedef struct convlstm__choice {
    const char *name; /* null ends a list */
    int value;
} convlstm__choice;

typedef enum convlstm__field_kind {
    CONVLSTM__FIELD_SIZE,    /* size_t, from min to max */
    CONVLSTM__FIELD_PAIR,    /* size_t[2], each from min to max; one number stands for both */
    CONVLSTM__FIELD_TRIPLE,  /* size_t[3], likewise */
    CONVLSTM__FIELD_QUAD,    /* size_t[4], likewise */
    CONVLSTM__FIELD_SIZES,   /* convlstm__sizes, each from min to max */
    CONVLSTM__FIELD_NUMBER,  /* double, from min to max */
    CONVLSTM__FIELD_BOOL,    /* bool */
    CONVLSTM__FIELD_CHOICE,  /* int, one of choices */
    CONVLSTM__FIELD_SEXTUPLE /* size_t[6], like a pair */
} convlstm__field_kind;

/* A list of 1 to 4 numbers; a member that is not given has none, and is not written. */
typedef struct convlstm__sizes {
    size_t count, at[4];
} convlstm__sizes;

typedef struct convlstm__field {
    const char *key; /* null ends a table */
    convlstm__field_kind kind;
    size_t offset; /* of the value in the layer's struct */
    bool required;
    bool later; /* came later than its layer: a BOOL that is written only where it is true */
    double min, max;
    const convlstm__choice *choices;
} convlstm__field;

/* A row of a table. The member of the struct has the key's name. */
#define CONVLSTM__FIELD(type, member, its_kind, ...)                                               \
    {                                                                                              \
        .key = #member, .kind = CONVLSTM__FIELD_##its_kind, .offset = offsetof(type, member),      \
        __VA_ARGS__                                                                                \
    }
#define CONVLSTM__FIELDS_END                                                                       \
    {                                                                                              \
        .key = NULL                                                                                \
    }

/* The names of all activations, and of those that a gate may have. */
extern const convlstm__choice convlstm__activation_names[];
extern const convlstm__choice convlstm__gate_activation_names[];

/* The name of a value, or "". */
const char *convlstm__choice_name(const convlstm__choice *choices, int value);

/* ---- tensors ---- */

/* How a tensor is initialised. */
typedef enum convlstm__init {
    CONVLSTM__ZEROS,
    CONVLSTM__ONES,
    /* Glorot and Bengio 2010, over the whole tensor as Keras does. */
    CONVLSTM__GLOROT_UNIFORM,
    /* Saxe et al. 2013, of the tensor flattened to (all but the last axis, last axis). */
    CONVLSTM__ORTHOGONAL,
    /* Zeros, but ones in the second quarter: the unit forget bias of Jozefowicz et al. 2015. */
    CONVLSTM__FORGET_ONES
} convlstm__init;

/* A tensor that a layer has. */
typedef struct convlstm__tensor_spec {
    const char *name; /* what follows the layer's name: "kernel" */
    int ndim;
    size_t shape[5];
    convlstm__init init;
    bool trainable;
} convlstm__tensor_spec;

/* The same in a model, with values. */
typedef struct convlstm__tensor {
    nbase_array array; /* float32; name and data are the model's own */
    convlstm__init init;
    bool trainable;
} convlstm__tensor;

/* ---- layers ---- */

typedef struct convlstm__layer convlstm__layer;
typedef struct convlstm__node convlstm__node;
typedef struct convlstm__net convlstm__net;

typedef struct convlstm__layer_class {
    /* "conv_lstm2d": in JSON, and the name of a layer that has none. */
    const char *type;

    /* The size of the layer's struct, of which convlstm__layer is the first member, and one to
     * start from. defaults may be null: all zero. */
    size_t size;
    const void *defaults;
    const convlstm__field *fields;

    /* For a layer that a network may end in: the offset of the int that names the activation at its
     * end. 0: none. */
    size_t activation_offset;

    /* Whether it has states h and c, frames of its output's shape: others may take their last
     * values, and it may begin with given ones, its second and third input. */
    bool recurrent;

    /* Whether its tensors, or those after it, depend on the image size: always; or as `tied` says,
     * which may be null. */
    bool fixed_size;
    bool (*tied)(const convlstm__layer *layer);

    /* Fills in *out for an input *in, which the layer `prev` gives (null: they are the images).
     *
     * NBASE_ERR_SHAPE, _UNSUPPORTED: err gets the text that follows the layer's name, "needs a
     * frame, got ...". */
    nbase_status (*shape)(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err);

    /* In place of `shape`, for a layer that merges several inputs: `ins` has layer->input_count. */
    nbase_status (*merge)(const convlstm__layer *layer, const convlstm__shape *ins,
                          convlstm__shape *out, nbase_error *err);

    /* Fills in specs (CONVLSTM__LAYER_TENSORS), and returns how many there are. Null: none. */
    size_t (*tensors)(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs);

    /* Appends the layer's nodes to net, for the shapes *in (the first input's) and *out; a layer
     * that does nothing at inference or in training appends none. NBASE_ERR_NOMEM, or
     * NBASE_ERR_UNSUPPORTED if the backend that a test named cannot do it. */
    nbase_status (*build)(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net);
} convlstm__layer_class;

/* The classes, convlstm__TYPE_class, each in the file of its layer. */
#define LAYER(type) extern const convlstm__layer_class convlstm__##type##_class;
#include "layers.inc"
#undef LAYER

struct convlstm__layer {
    const convlstm__layer_class *class;
    char name[CONVLSTM__LAYER_NAME];
    size_t first_tensor, tensors; /* its range in the model's list */
    /* The layer before it whose tensors it uses, first_tensor being that one's; null: it has its
     * own. */
    const convlstm__layer *shares;
    /* The first of its gradients in the list of a batch: first_tensor, or, of a layer that shares
     * another's tensors, behind those of all tensors of the model. */
    size_t first_gradient;
    /* The layers whose outputs it takes, by their place in the model; all stand before it. */
    size_t inputs[CONVLSTM__INPUTS], input_count;
    /* Which of their results: 0 the output, or of a recurrent one 1 h and 2 c. */
    unsigned char results[CONVLSTM__INPUTS];
};

/* Among a layer's inputs: the images. */
#define CONVLSTM__IMAGES SIZE_MAX

/* The class of a type, or null. */
const convlstm__layer_class *convlstm__layer_class_find(const char *type);

/* The `shape` of a layer that leaves its input's alone. */
nbase_status convlstm__same_shape(const convlstm__layer *layer, const convlstm__layer *prev,
                                  const convlstm__shape *in, convlstm__shape *out,
                                  nbase_error *err);

/* Reads the members of `object` into the layer by its class's table; `type`, `name`, `inputs` and
 * `shares` are skipped.
 *
 * NBASE_ERR_UNSUPPORTED: an unknown member or name of a choice. NBASE_ERR_FORMAT: a member is
 * missing, of another type or out of range. The text names the layer, the member, what was expected
 * and what was found. */
nbase_status convlstm__layer_read(convlstm__layer *layer, const nbase__json *object,
                                  nbase_error *err);

/* Appends the object with every member, defaults included, in the table's order. `inputs`: the JSON
 * of that member; null: the layer takes the output of the one before it, which is not written. */
void convlstm__layer_write(const convlstm__layer *layer, const char *inputs, nbase__text *text);

#endif
