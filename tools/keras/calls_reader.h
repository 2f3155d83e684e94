/* calls_reader.h - internal to the reading of a model's calls: calls.c goes over the layers,
 * calls_results.c finds what a reference to a result stands for. */
#ifndef SKIN_KERAS_CALLS_READER_H
#define SKIN_KERAS_CALLS_READER_H

#include "calls.h"

typedef struct keras_reader {
    keras_calls *out;
    size_t capacity, alias_capacity;
    nbase_error *err;
    /* of the model that is read, as keras_call has them */
    const char *container, *owner;
    size_t scope, scopes, depth; /* scopes: how many there have been */
    const json_t *training;      /* of its call */
    const json_t *layers;        /* its own, and the ends that are being read; null: none are */
    const json_t *ends;
    bool timed; /* it is inside a TimeDistributed */
} keras_reader;

/* Where the results go that a value refers to. */
typedef struct keras_results {
    keras_result *items;
    size_t count;
    bool complete; /* all of them have been read */
} keras_results;

/* The parts of a reference to a result: [layer, call, result, ...]; null if the value is none. */
const json_t *keras_reference(const json_t *value);

/* Whether there is a reference anywhere in the value. */
bool keras_refers(const json_t *value);

/* Finds the result that a reference names. *found: whether its call has been read. False if there
 * can be no such result. user: the layer that takes it. */
bool keras_resolve(keras_reader *r, const json_t *parts, const char *user, keras_result *out,
                   bool *found);

/* The results in a reference, or in a list or an object of references, in their order. */
bool keras_resolve_all(keras_reader *r, const json_t *value, const char *user, keras_results *out);

/* Notes what call `use` of the name gives in the model that is read. */
bool keras_add_alias(keras_reader *r, const char *name, size_t use, keras_result *results,
                     size_t count);

#endif
