/* optimizer.h - internal: from gradients to new weights. */
#ifndef CONVLSTM_OPTIMIZER_H
#define CONVLSTM_OPTIMIZER_H

#include "model/model.h"

/* A stretch of a trainable tensor: what one task works on. */
typedef struct convlstm__chunk {
    size_t tensor, first, count;
    double sum_sq; /* of the gradient */
} convlstm__chunk;

#define CONVLSTM__SLOTS 3

typedef struct convlstm__optimizer {
    nbase_env env;
    convlstm_trainer_options options;
    uint64_t steps; /* done */

    /* Arrays per tensor of the model, null for one that is not trained: its gradient, and behind
     * those of the model's tensors (model.h, gradient_count) of the layers that share another's;
     * the optimizer's slots (convlstm__slot_name), which may be fewer than its names. */
    size_t tensors, gradient_count;
    float **gradients;
    float **slot[CONVLSTM__SLOTS];
    int slots;
    /* Per tensor, trained or not: the factor on its learning rate. */
    double *factors;
    /* Nadam's product of the momenta of `momenta` steps. */
    double momentum_product;
    uint64_t momenta;

    convlstm__chunk *chunks;
    size_t chunk_count;
} convlstm__optimizer;

/* The names of an optimizer and of its slots, as in checkpoints. */
const char *convlstm__optimizer_name(convlstm_optimizer optimizer);
const char *convlstm__slot_name(convlstm_optimizer optimizer, int slot);

/* Whether a slot has sums or means of squares. */
bool convlstm__slot_of_squares(convlstm_optimizer optimizer, int slot);

/* Slots start at zero, Adagrad's as its option says. Freed with convlstm__optimizer_free. On
 * failure (NBASE_ERR_NOMEM, or NBASE_ERR_ARG for the name of a rate) o is empty. */
nbase_status convlstm__optimizer_init(convlstm__optimizer *o, const convlstm_model *m,
                                      const convlstm_trainer_options *options, nbase_error *err);
void convlstm__optimizer_free(convlstm__optimizer *o);

/* Adds the gradients of layers that share another's tensors to those of that one, in the order of
 * the layers. */
void convlstm__add_shared_gradients(convlstm__optimizer *o, const convlstm_model *m);

/* Keeps the values of the gradients within clip_value, if there is one. */
void convlstm__clip_values(convlstm__optimizer *o, int threads);

/* The global L2 norm of the gradients. */
double convlstm__gradient_norm(convlstm__optimizer *o, int threads);

/* One step: changes the weights and counts the step. norm: the gradients', for clipping. */
void convlstm__optimizer_step(convlstm__optimizer *o, convlstm_model *m, double norm, int threads);

#endif
