/* trainer.h - internal: a trainer's parts. */
#ifndef CONVLSTM_TRAINER_H
#define CONVLSTM_TRAINER_H

#include "../model/build.h"

/* ---- loss.c ---- */

/* Loss of `rows` rows of `outputs` values, the mean over them, and the gradient to them (may be
 * null): both times `weight`. The values are logits where convlstm__loss_on_logits, else outputs.
 * Labels after smoothing. */
double convlstm__loss(convlstm_loss loss, size_t rows, size_t outputs, const float *values,
                      const float *labels, double smoothing, double weight, float *gradient);
bool convlstm__loss_on_logits(convlstm_loss loss);
/* The output activation that goes with such a loss. */
convlstm__activation convlstm__loss_activation(convlstm_loss loss);

/* ---- optimizer.c ---- */

/* A stretch of a trainable tensor: what one task works on. */
typedef struct convlstm__chunk {
    size_t tensor, first, count;
    double sum_sq; /* of the gradient */
} convlstm__chunk;

#define CONVLSTM__SLOTS 2
typedef struct convlstm__optimizer {
    convlstm_trainer_options options;
    int slots; /* a tensor: 0 to 2 arrays like it */
    /* a tensor of the model (null if not trained): SGD velocity; Adam m, v */
    float **slot[CONVLSTM__SLOTS];
    float **gradients; /* likewise */
    convlstm__chunk *chunks;
    size_t chunk_count;
    uint64_t steps;
    nbase_env env;
    size_t tensors;
} convlstm__optimizer;

/* Names of optimisers and of their slots, as in checkpoints. */
const char *convlstm__optimizer_name(convlstm_optimizer optimizer);
const char *convlstm__slot_name(convlstm_optimizer optimizer, int slot);

/* Slots start at zero. NBASE_ERR_NOMEM only; then o is empty. */
nbase_status convlstm__optimizer_init(convlstm__optimizer *o, const convlstm_model *m,
                                      const convlstm_trainer_options *options);
void convlstm__optimizer_free(convlstm__optimizer *o);
/* Global L2 norm of the gradients. */
double convlstm__gradient_norm(convlstm__optimizer *o, int threads);
/* One step: counts it and changes the weights. `norm` is the gradients'. */
void convlstm__optimizer_step(convlstm__optimizer *o, convlstm_model *m, double norm, int threads);

/* ---- batch.c ---- */

/* A batch without its samples that have no valid frame. */
typedef struct convlstm__batch {
    convlstm__buffer memory;
    size_t *item; /* a sample: its index in the caller's batch */
    const float **images;
    convlstm__steps *steps;
    size_t samples;
} convlstm__batch;

nbase_status convlstm__batch_fill(const nbase_env *env, convlstm__batch *b, const float *img,
                                  const uint8_t *mask, size_t batch, size_t frames,
                                  size_t frame_floats);

/* ---- the trainer ---- */

typedef struct convlstm__train_call {
    const convlstm_batch *in;
    const float *targets;
    float *out; /* may be null */
} convlstm__train_call;

struct convlstm_trainer {
    nbase_env env;
    convlstm_model *model;
    convlstm__backend_choice backend;
    int threads;
    /* for the last image size; null before the first step of another than the model's */
    convlstm__net *net;
    convlstm__optimizer optimizer;
    convlstm__batch batch;
    /* a sample of a part: the gradient to its outputs; its loss */
    convlstm__buffer output_gradient, losses;
    /* of every recurrent layer, before and after a step; null: none is asked for */
    nbase_archive *states, *states_after;
    convlstm_session *evaluator;        /* made when first asked to evaluate */
    convlstm__buffer evaluated;         /* its outputs */
    const nbase_archive *dropout_masks; /* tests: in place of drawn ones; null: none */
    nbase_error error;
};

/* As convlstm_trainer_create, with a backend of the caller's choice (tests). */
nbase_status convlstm__trainer_create(convlstm_model *m, const convlstm_trainer_options *options,
                                      convlstm__backend_choice backend, convlstm_trainer **out,
                                      nbase_error *err);

/* ---- step.c ---- */

/* Loss and gradients of a batch, in parts if the options say so. *result is filled. Commits
 * nothing; the text of a failure is in t->error. */
nbase_status convlstm__trainer_run(convlstm_trainer *t, const convlstm__train_call *call,
                                   convlstm_step_result *result);
/* After a good run: moving statistics, states of stateful layers. */
void convlstm__trainer_commit(convlstm_trainer *t);

#endif
