/* kinds.h - the kinds of layers that both this project and Keras have: one row each, from which
 * reading a configuration, writing one, and telling variables apart all follow. A new kind of
 * libconvlstm is a row in kinds.c. */
#ifndef SKIN_KERAS_KINDS_H
#define SKIN_KERAS_KINDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum keras_conversion {
    KERAS_COPY,      /* the same value on both sides */
    KERAS_ACTIVATION /* a name; hard_sigmoid is another function in each generation of Keras */
} keras_conversion;

/* A member of a layer's configuration. */
typedef struct keras_member {
    const char *name; /* the same on both sides; null ends a list */
    keras_conversion conversion;
    /* JSON of the value that is left out, being the default on both sides; null: always written */
    const char *unless;
    const char *old; /* its name in Keras 2, where that is another */
} keras_member;

/* A member of Keras's that must be missing or have this value, for what it does otherwise is not
 * here. */
typedef struct keras_rule {
    const char *name;  /* null ends a list */
    const char *value; /* JSON */
} keras_rule;

/* What a layer's axis must be. */
typedef enum keras_axis {
    KERAS_NO_AXIS,
    KERAS_CHANNELS, /* the last */
    KERAS_OVER      /* the last, or the last three: "over" here */
} keras_axis;

#define KERAS_MAX_PARTS 4
typedef struct keras_part_row {
    const char *name;    /* null ends a list; in the order of Keras's variables */
    const char *without; /* the member of Keras's that, when false, leaves the variable out */
    float fill;          /* its value then */
    bool filled;         /* here the tensor is there all the same */
} keras_part_row;

typedef struct keras_kind {
    /* here; null ends the table. Several classes may be one type: the first that fits is written */
    const char *type;
    const char *class_name; /* Keras's */
    const char *counted;    /* the class in snake case, as .weights.h5 counts it */
    const char *inner;      /* the path of what holds the variables: "cell", or "" */
    bool timed;             /* over a sequence Keras needs TimeDistributed around it */
    int takes;              /* axes of its input, the batch's included; 0: any */
    int axes;               /* of its output, the batch's included; 0: as many as its input has */
    keras_axis axis;
    /* JSON of members that the class implies here, or null: ReLU is an activation */
    const char *fixed;
    const keras_member *members;
    const keras_rule *rules;
    keras_part_row parts[KERAS_MAX_PARTS + 1];
} keras_kind;

/* Whether a value is that of a JSON text; 1 and 1.0 are the same. */
bool keras_same_json(const json_t *value, const char *text);

extern const keras_kind keras_kinds[];
const keras_kind *keras_kind_of_class(const char *class_name); /* or null */
/* `axes`: of the layer's input, the batch's included; 0: any row of the type. */
const keras_kind *keras_kind_of_type(const char *type, int axes);

#endif
