/* kinds.h - the kinds of layers that both this project and Keras have: one row each, which serves
 * reading a configuration, writing one, and matching variables. A new kind of libconvlstm is a row
 * in kinds.c. */
#ifndef SKIN_KERAS_KINDS_H
#define SKIN_KERAS_KINDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum keras_conversion {
    KERAS_COPY,       /* the same value on both sides */
    KERAS_ACTIVATION, /* a name; hard_sigmoid is another function in each generation of Keras */
    /* of Keras's 3-D layers over frames: three numbers, of which that along time must be 1, or the
     * layer is of another kind */
    KERAS_SPATIAL,
    KERAS_BORDER,   /* ((top, bottom), (left, right)); ours are four numbers in this order */
    KERAS_BORDER3D, /* the same with (front, back) before it */
    KERAS_SHAPE     /* a shape without the batch's axis, -1 for what is left; ours has 0 */
} keras_conversion;

/* A member of a layer's configuration. */
typedef struct keras_member {
    const char *name; /* the same name on both sides; null ends a list */
    keras_conversion conversion;
    /* JSON of the default on both sides, which is not written; null: always written */
    const char *unless;
    const char *old; /* its name in Keras 2, where that is another */
} keras_member;

/* A member of Keras's configuration that must be missing or have this value, because the library
 * cannot do what other values ask for. */
typedef struct keras_rule {
    const char *name;  /* null ends a list */
    const char *value; /* JSON */
} keras_rule;

/* Which axes a layer must work on. */
typedef enum keras_axis {
    KERAS_NO_AXIS,
    KERAS_CHANNELS, /* the last */
    KERAS_OVER,     /* the last, or the last three: "over" in our description */
    KERAS_SHARED    /* all but the channels, or none, in shared_axes: "over" likewise */
} keras_axis;

#define KERAS_MAX_PARTS 4
typedef struct keras_part_row {
    const char *name; /* null ends a list; in the order of Keras's variables */
    const char *also; /* another name that a generation of Keras has for it; or null */
    /* the member of Keras's configuration that, when false, leaves the variable out */
    const char *without;
    float fill;  /* its value then */
    bool filled; /* our tensor is there all the same */
} keras_part_row;

typedef struct keras_kind {
    /* our type; null ends the table. Several classes may be one type: the first that fits is
     * written */
    const char *type;
    const char *class_name; /* Keras's */
    const char *counted;    /* the class in snake case, as .weights.h5 counts it */
    const char *inner;      /* the path of what holds the variables: "cell", or "" */
    bool timed;             /* for a sequence Keras needs TimeDistributed around it */
    bool passes_mask;       /* Keras gives its output the mask of its input */
    bool merges;            /* it takes a list of inputs */
    int takes;              /* axes of its input, the batch's included; 0: any */
    int axes;               /* of its output, the batch's included; 0: as many as its input has */
    /* our layer over a sequence is Keras's over the whole, unless each_frame makes it the one
     * inside TimeDistributed */
    bool each_frame;
    keras_axis axis;
    /* Its variables may differ from our tensors in axes of length 1 before the others. */
    bool leading_ones;
    /* JSON of members that the class implies in our description (ReLU is an activation), or null */
    const char *fixed;
    const keras_member *members;
    const keras_rule *rules;
    keras_part_row parts[KERAS_MAX_PARTS + 1];
} keras_kind;

/* Whether a value is that of a JSON text; 1 and 1.0 are the same. */
bool keras_same_json(const json_t *value, const char *text);

extern const keras_kind keras_kinds[];

/* Of the type `mask`, where a network's mask begins to hold: an argument of calls in Keras, not a
 * layer. */
extern const keras_kind keras_mask_kind;

/* Our reverse, for which Keras has no class: class_name is null. */
extern const keras_kind keras_reverse;

/* The first of a class; or null. */
const keras_kind *keras_kind_of_class(const char *class_name);

/* The next of the same class, for what the first cannot say; or null. */
const keras_kind *keras_kind_after(const keras_kind *kind);

/* `axes`: of the layer's input, the batch's included; 0: any row of the type. keras_mask_kind,
 * too. */
const keras_kind *keras_kind_of_type(const char *type, int axes);

#endif
