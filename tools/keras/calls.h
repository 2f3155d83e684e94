/* calls.h - the calls of layers in a model of Keras: who takes which result of whom, with which
 * arguments. Both generations write them, each in its own way; here they look the same. */
#ifndef SKIN_KERAS_CALLS_H
#define SKIN_KERAS_CALLS_H

#include <jansson.h>

#include "../import/import.h"

#define KERAS_NO_CALL SIZE_MAX

/* A result of a call. A layer may have several: a recurrent one its output, h and c. */
typedef struct keras_result {
    size_t call, index;
} keras_result;

/* What a call says of its mask. */
typedef enum keras_mask {
    KERAS_MASK_PASSED, /* nothing: it gets what comes with its input, if anything does */
    KERAS_MASK_NONE,   /* that there is none */
    KERAS_MASK_GIVEN
} keras_mask;

typedef struct keras_call {
    const json_t *layer; /* null: the input of a model that has no InputLayer */
    const char *name;    /* the layer's */
    size_t use;          /* calls of the same layer before this one, in its model */
    size_t place;        /* of the layer in the model's list */
    /* Of a layer of a model inside the model: where .weights.h5 has it, "functional/sequential_1/",
     * and the layer of the outermost model that it belongs to; else "" and null. */
    const char *container, *owner;
    size_t scope; /* calls of one call of a model have the same */
    bool spread;  /* its TimeDistributed is that around a model, put around each of its layers */
    const json_t *shape; /* of an input: (batch, ...); null: this is no input */
    keras_result *inputs;
    size_t input_count;
    keras_mask mask_said;
    keras_result mask;
    keras_result *states; /* initial_state */
    size_t state_count;
    const json_t *training; /* a boolean; null: it is not said */
    const char *other;      /* an argument that is none of these; null: there is none */
} keras_call;

/* What a call gives that is no layer's: of a model inside the model, its outputs; of an input of
 * such a model, what it was called with. */
typedef struct keras_alias {
    const char *name;
    size_t use, scope, count;
    keras_result *results;
} keras_alias;

typedef struct keras_calls {
    keras_call *calls; /* each after those whose results it takes; inputs among them */
    size_t count;
    keras_result *inputs; /* of the model, in its order */
    size_t input_count;
    keras_result *outputs;
    size_t output_count;
    const char **output_names; /* of each, or null */
    keras_alias *aliases;      /* for the reader */
    size_t alias_count;
    json_t *spread; /* layers in a TimeDistributed that is not in the file, behind those in it */
    import_pool pool;
} keras_calls;

/* Reads the calls of a Sequential, Functional or Model, whose members must outlive *out. Each call
 * of a model inside it is the calls of that one's layers. The caller frees *out with
 * keras_calls_free, after a failure too. The error names the layer. */
bool keras_calls_read(const json_t *config, keras_calls *out, nbase_error *err);
void keras_calls_free(keras_calls *calls);

/* The text of a member, or "". */
const char *keras_text(const json_t *object, const char *key);

/* Whether the class is that of a model, which has layers of its own. */
bool keras_is_model(const json_t *layer);

#endif
