/* members.h - members of a layer's configuration that Keras writes in another form than we do. */
#ifndef SKIN_KERAS_MEMBERS_H
#define SKIN_KERAS_MEMBERS_H

#include "kinds.h"

/* What flows into a layer: its axes, the batch's included (5 a sequence of frames, 4 a frame, 3 a
 * sequence of vectors, 2 a vector), and the number of frames if it is known, else 0. */
typedef struct keras_flow {
    int axes;
    json_int_t frames;
} keras_flow;

static inline bool keras_is_sequence(int axes) { return axes == 5 || axes == 3; }

/* Our form of a value that is not null, of every conversion but KERAS_ACTIVATION; a new reference.
 * Null: it cannot be had, and *wanted says what can. */
json_t *keras_member_read(const keras_member *m, const json_t *value, const keras_flow *in,
                          const char **wanted);

/* Keras's form of ours, a new reference. */
json_t *keras_member_write(const keras_member *m, const json_t *ours);

#endif
