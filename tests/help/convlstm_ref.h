/* convlstm_ref.h - the oracle of the ConvLSTM tests: a network in plain loops and double precision,
 * every time step computed as docs/semantics.md states it, masked ones included. It reads the
 * description by a JSON library of its own and shares no code with what it checks. Gradients are
 * finite differences of its loss. */
#ifndef CONVLSTM_REF_H
#define CONVLSTM_REF_H

#include <stdbool.h>

#include "convlstm.h"

typedef struct ref_net ref_net;

/* Description and weights of the model, copied. */
ref_net *ref_create(const convlstm_model *m);
void ref_free(ref_net *r);
/* A weight's values, double, by its name; count may be null. */
double *ref_weights(ref_net *r, const char *name, size_t *count);

typedef struct ref_batch {
    const float *img;    /* (batch, frames, height, width, channels) */
    const uint8_t *mask; /* (batch, frames) */
    const float *labels; /* like the outputs; not read at inference */
    size_t batch, frames, height, width;
    const nbase_archive *initial_state; /* as in convlstm_batch; null: zero */
    /* factors in training: "LAYER/dropout", "LAYER/recurrent_dropout", an item a row; null: none */
    const nbase_archive *dropout;
} ref_batch;

/* Of Huber's loss and of the focal one. */
#define REF_DELTA 0.3
#define REF_GAMMA 1.5
#define REF_ALPHA 0.25

typedef struct ref_loss {
    convlstm_loss loss;
    double class_weight[2], label_smoothing;
} ref_loss;

/* Forward with the moving statistics; out like the network's outputs, rows of samples without a
 * valid frame untouched. */
void ref_predict(ref_net *r, const ref_batch *b, double *out);
/* The same of what a layer gives. */
void ref_predict_layer(ref_net *r, const ref_batch *b, const char *layer, double *out);
/* Forward with the batch's statistics; returns the loss. out may be null; `move`: r's moving
 * statistics move. */
double ref_train_loss(ref_net *r, const ref_batch *b, const ref_loss *l, double *out, bool move);
/* d loss / d weights[index], by central differences. */
double ref_gradient(ref_net *r, const ref_batch *b, const ref_loss *l, const char *name,
                    size_t index);

#endif
