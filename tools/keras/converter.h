/* converter.h - internal to the reading of configurations: what is shared by describe.c, which
 * turns a layer into its description, describe_graph.c, which goes over the calls, and
 * describe_network.c. */
#ifndef SKIN_KERAS_CONVERTER_H
#define SKIN_KERAS_CONVERTER_H

#include "calls.h"
#include "keras_network.h"
#include "members.h"

/* Which frames of a sequence a layer works on that has to do with several. */
typedef enum frames_seen {
    NOT_YET, /* no such layer has come */
    EVERY_FRAME,
    VALID_FRAMES /* those that the mask leaves */
} frames_seen;

/* Until names are known, the inputs of a layer of the description are numbers: KERAS_RESULTS times
 * the place of the layer that gives it, and which of its results; -1 - k: input k of the network,
 * in the order in which they are met. */
enum { KERAS_RESULTS = 4 };

/* What a call gives. */
typedef struct flow {
    int axes;    /* as keras_flow has them */
    bool masked; /* in Keras it has a mask */
    bool valid;  /* here it has the mask's valid frames alone */
    /* It is behind a layer that changes the number of frames, none of which is masked. */
    bool remade;
    json_int_t frames; /* of a sequence, if their number is known; else 0 */
    size_t layer;      /* of the description; KERAS_NO_CALL: an input of the network */
    size_t input;      /* which, then */
    size_t own; /* the layer of the description that has the call's weights; of a Bidirectional
                   * that of the forward direction, behind which that of the backward one comes */
} flow;

typedef struct converter {
    int generation;        /* 2 or 3 */
    const char *recurrent; /* overrides the file's; or null */
    json_t *layers;        /* of the description */
    keras_network *out;
    nbase_error *err;
    int axes;                   /* of what the layer gets, and then of what it gives */
    bool masked, valid, remade; /* likewise */
    json_int_t flowing;         /* likewise: its number of frames, or 0 */
    flow *flows;                /* of each call */
    frames_seen seen;
    /* Whether some layers see every frame and others the valid ones, so that there are mask layers;
     * conflict: it has turned out so. */
    bool split, conflict;
    /* The inputs that have frames, in the order in which they are met; and the one that is the
     * mask, KERAS_NO_CALL: not known yet. */
    size_t images[CONVLSTM_MAX_INPUTS], image_count, mask;
    json_int_t frames; /* of the images; 0: any number */
    /* The images are rows (batch, time, length, channels), whose layers are taken as those of
     * frames of height 1: `originals` has those of the file, of each call, `widened` owns ours. */
    bool rows;
    const json_t **originals;
    json_t *widened;
    /* of the layer that is added: a layer that it has for its activation, with parameters that no
     * name has (LeakyReLU(0.1)); null: none */
    const json_t *function;
    size_t own;      /* likewise: the one that has its weights, where it becomes several */
    bool whole;      /* a layer takes all frames of a sequence as one vector */
    json_t *outputs; /* of the description, where there are several: numbers as of inputs */
} converter;

/* ---- describe.c ---- */

/* Adds the layer of a call to the description and to the network. */
bool keras_add_layer(converter *c, const json_t *layer);

/* The kind of a layer, which must be one of Keras's own; null with an error. */
const keras_kind *keras_kind_of_layer(converter *c, const char *name, const json_t *layer);

/* Axes of what one of our layers gives, of its description and what it gets: a ConvLSTM2D gives a
 * sequence or its last frame. timed: it works on each frame. */
int keras_axes_after(const keras_kind *kind, const json_t *layer, int axes, bool timed);

/* ---- describe_time.c ---- */

/* Whether a layer of Keras makes a sequence with another number of frames, or of what is none. */
bool keras_remakes_frames(const keras_kind *kind, const json_t *config, const keras_flow *in);

/* How many frames our layer for it makes of `frames`; 0: that is not known. */
json_int_t keras_frames_after(const keras_kind *kind, const json_t *layer, json_int_t frames);

/* ---- describe.c ---- */

bool keras_is_timed(const json_t *layer);

/* Whether it is an LSTM, which becomes several layers, and whose states are vectors. */
bool keras_is_flat_cell(const keras_kind *kind);

/* The layer inside TimeDistributed, or the layer itself. */
const json_t *keras_unwrap(const json_t *layer);

/* An error about a member of a layer; false. */
bool keras_shown_failure(nbase_error *err, const char *layer, const char *member,
                         const json_t *value, const char *wanted);

/* ---- describe_graph.c ---- */

/* Adds all calls. */
bool keras_convert_calls(converter *c, const keras_calls *calls);

#endif
