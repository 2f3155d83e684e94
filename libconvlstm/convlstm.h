/* convlstm.h - ConvLSTM networks on the CPU: load, predict, stream, train.
 *
 * Shapes: B batch, T time steps (frames), H rows, W columns, C channels; all arrays row-major,
 * channels last, as in Keras. Images are float32 in 0..1. A mask has a byte a frame: non-zero is a
 * valid frame, 0 a frame to be skipped (the state and output carry over, no arithmetic is done).
 * What the numbers are is stated in docs/semantics.md with its sources (Shi et al. 2015; Keras).
 *
 * Threads: a convlstm_model may be shared by any number of threads while nobody changes it; a
 * session or trainer belongs to one thread at a time. A trainer changes its model: no session may
 * run on that model during a call to the trainer. Nothing here changes the host's OpenMP or BLAS
 * settings. The results are the same bits for any num_threads, and for a batch the same as for its
 * items one by one (inference).
 *
 * Errors: every call that can fail returns an nbase_status; text through `err`, or through
 * *_error(handle). */
#ifndef CONVLSTM_H
#define CONVLSTM_H

#include "nbase.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- model ---- */

/* A network description with its weights. */
typedef struct convlstm_model convlstm_model;

/* Description of a preset as JSON, the same as in a model file (docs/formats.md). `preset`:
 * "skincredible" (Flatten; tied to one image size) or "skincredible-gap" (global average pooling;
 * any size). height, width: 0 for 80. The text is written to *json, owned by the caller, to be
 * given back with convlstm_text_free. */
nbase_status convlstm_preset_json(const char *preset, size_t height, size_t width, char **json,
                                  nbase_error *err);
void convlstm_text_free(char *text);

/* Builds a network from its JSON description and initialises the weights from `seed` as Keras does
 * (glorot_uniform, orthogonal, unit forget bias; docs/semantics.md). *out is owned by the caller.
 * NBASE_ERR_FORMAT / _UNSUPPORTED / _SHAPE name the layer, what, expected, got. */
nbase_status convlstm_model_create(const nbase_env *env, const char *json, uint64_t seed,
                                   convlstm_model **out, nbase_error *err);
/* From a .safetensors file with the description in the metadata key "convlstm". Every tensor must
 * be there with the described shape. */
nbase_status convlstm_model_load(const nbase_env *env, const char *path, convlstm_model **out,
                                 nbase_error *err);
/* From an archive in memory. `json` overrides the archive's metadata (for tensors that come from
 * elsewhere); null: metadata. */
nbase_status convlstm_model_from_archive(const nbase_env *env, const nbase_archive *archive,
                                         const char *json, convlstm_model **out, nbase_error *err);
/* Atomic write (see nbase_archive_write_safetensors). */
nbase_status convlstm_model_save(const convlstm_model *m, const char *path, nbase_error *err);
/* Independent copy. */
nbase_status convlstm_model_clone(const convlstm_model *m, convlstm_model **out);
void convlstm_model_free(convlstm_model *m); /* null is allowed */

/* The description, canonical JSON; valid until the model is freed or changed. */
const char *convlstm_model_json(const convlstm_model *m);

typedef struct convlstm_model_info {
    size_t height, width; /* the image size the model was made for */
    size_t channels;      /* of an image: 3 */
    size_t outputs;       /* K: 2; of a network that gives frames their channels */
    /* 1: images of any height and width are used as they are; 0: only height x width */
    int any_size;
    size_t parameters; /* trainable and not (moving statistics count), as Keras's count_params */
    size_t layers;
    /* of what the network gives for a sequence: 1 a vector (K), 3 a frame (H,W,C), 4 a sequence
     * (T,H,W,C) */
    int output_dims;
} convlstm_model_info;
void convlstm_model_get_info(const convlstm_model *m, convlstm_model_info *info);
/* What the network gives for one sequence of `frames` images of (height, width): shape gets
 * info.output_dims numbers. NBASE_ERR_SHAPE or _LIMIT for images that do not fit, with the layer in
 * the text. */
nbase_status convlstm_model_output_shape(const convlstm_model *m, size_t frames, size_t height,
                                         size_t width, size_t shape[4], nbase_error *err);
/* Label of output k ("deteriorated", "improved"), or "" if none. Owned by the model. */
const char *convlstm_model_label(const convlstm_model *m, size_t k);

/* Weights by index or Keras name ("conv_lstm2d/kernel"); `data` points into the model (float32) and
 * is read-only here. */
size_t convlstm_model_tensor_count(const convlstm_model *m);
const nbase_array *convlstm_model_tensor(const convlstm_model *m, size_t i);
const nbase_array *convlstm_model_find(const convlstm_model *m, const char *name);
/* Replaces the values of a tensor: `count` must be the tensor's. Not while a session or trainer of
 * this model exists. */
nbase_status convlstm_model_set(convlstm_model *m, const char *name, const float *values,
                                size_t count);

/* ---- frames ---- */

/* Resizes n frames of (height, width, channels) to (out_height, out_width, channels): bilinear,
 * half-pixel centres, no antialiasing (tf.image.resize), and writes float32 in 0..1. An equal size
 * is a plain conversion. */
nbase_status convlstm_frames_from_u8(const uint8_t *frames, size_t n, size_t height, size_t width,
                                     size_t channels, size_t out_height, size_t out_width,
                                     float *out);
nbase_status convlstm_frames_from_f32(const float *frames, size_t n, size_t height, size_t width,
                                      size_t channels, size_t out_height, size_t out_width,
                                      float *out);

/* ---- inference ---- */

typedef struct convlstm_session convlstm_session;

typedef struct convlstm_session_options {
    int num_threads; /* 0: all processors */
    /* 1: products of 3x3 ConvLSTM layers in bfloat16, sums in fp32, where the processor has
     * instructions for that (AVX512_BF16); elsewhere it changes nothing. Half the time again of
     * fp32; probabilities differ in the third digit. */
    int bf16;
} convlstm_session_options;

/* The model must outlive the session. `options` may be null. */
nbase_status convlstm_session_create(const convlstm_model *m,
                                     const convlstm_session_options *options,
                                     convlstm_session **out, nbase_error *err);
void convlstm_session_free(convlstm_session *s); /* null is allowed */
/* One line about the last failure of this session; "" if none. Valid until the next call. */
const char *convlstm_session_error(const convlstm_session *s);

/* A batch of sequences, borrowed. */
typedef struct convlstm_batch {
    const float *img; /* (B,T,H,W,C) */
    /* (B,T); null: a frame whose values are all zero is masked, others valid */
    const uint8_t *mask;
    size_t batch, frames, height, width;
    /* States that recurrent layers begin with, "LAYER/h" and "LAYER/c", float32 (B, then H, W, F of
     * the layer's output); layers that are not in it begin at zero, or where they stopped if they
     * are stateful. May be null. */
    const nbase_archive *initial_state;
} convlstm_batch;

/* What a network of any kind gives for B sequences: out is (B,K), (B,H,W,C) or (B,T,H,W,C) as
 * convlstm_model_output_shape says. In a sequence the frame of a masked step repeats the one
 * before, zeros before the first. `states`, may be null, gets the last h and c of the layers with
 * return_state, named and shaped as initial_state is (the caller's: nbase_archive_free), also when
 * items have no valid frame: theirs are as they began. item_status and the value returned: as for
 * convlstm_predict. Stateful layers begin where the call before stopped, item by item: the batch
 * must be as large, until convlstm_session_reset. */
nbase_status convlstm_run(convlstm_session *s, const convlstm_batch *in, float *out,
                          nbase_archive **states, nbase_status *item_status);
/* Stateful layers begin at zero again. */
void convlstm_session_reset(convlstm_session *s);

/* Probabilities of B sequences. img (B,T,H,W,C); mask (B,T), null: a frame whose values are all
 * zero is masked, others valid. H and W must be the model's unless any_size. probs (B,K) is written
 * for items that have a valid frame; item_status (B), may be null, gets NBASE_OK,
 * NBASE_ERR_NO_VALID_FRAMES or NBASE_ERR_NUMERIC (a probability is not finite) for each, and the
 * call returns one that is not NBASE_OK if there is any: the other items' probabilities are good
 * all the same. For networks that end in a vector. */
nbase_status convlstm_predict(convlstm_session *s, const float *img, const uint8_t *mask,
                              size_t batch, size_t frames, size_t height, size_t width,
                              float *probs, nbase_status *item_status);

/* Streaming, one sequence beside any predictions: begin, then a frame at a time at the cost of one
 * step. Bits equal those of convlstm_predict on all frames so far. */
nbase_status convlstm_stream_begin(convlstm_session *s, size_t height, size_t width);
/* frame (H,W,C); valid 0 skips it. probs (K; or the latest frame of a network that gives frames),
 * may be null to save the work of the head. Before the first valid frame:
 * NBASE_ERR_NO_VALID_FRAMES. */
nbase_status convlstm_stream_step(convlstm_session *s, const float *frame, int valid, float *probs);
/* The running state as named tensors ("conv_lstm2d/h", "conv_lstm2d/c", ...; (H,W,F) each), to be
 * saved and set again (docs/formats.md). *out is the caller's: nbase_archive_free. */
nbase_status convlstm_stream_state(convlstm_session *s, nbase_archive **out);
/* Begins a stream that goes on from a saved state, of this or another session on the same network.
 * On failure a running stream is as before. */
nbase_status convlstm_stream_restore(convlstm_session *s, const nbase_archive *state);

/* ---- training ---- */

/* Mean over the outputs, and where a network gives frames over all their values: BCE is then the
 * per-pixel binary cross-entropy, SOFTMAX one over the channels of each pixel. MSE and MAE: mean
 * squared, mean absolute error. */
typedef enum convlstm_loss {
    CONVLSTM_LOSS_BCE = 0,
    CONVLSTM_LOSS_SOFTMAX = 1,
    CONVLSTM_LOSS_COMPAT_TF22 = 2,
    CONVLSTM_LOSS_MSE = 3,
    CONVLSTM_LOSS_MAE = 4
} convlstm_loss;
typedef enum convlstm_optimizer {
    CONVLSTM_SGD = 0,
    CONVLSTM_ADAM = 1,
    CONVLSTM_ADAMW = 2
} convlstm_optimizer;

/* Zero-initialise, then set what differs; convlstm_trainer_defaults fills Keras's defaults.
 * Formulas: docs/semantics.md. */
typedef struct convlstm_trainer_options {
    int num_threads; /* 0: all processors */
    convlstm_loss loss;
    convlstm_optimizer optimizer;
    double learning_rate;         /* SGD 0.01, Adam 0.001 */
    double momentum;              /* SGD; 0 */
    int nesterov;                 /* SGD; 0 */
    double beta1, beta2, epsilon; /* Adam; 0.9, 0.999, 1e-7 */
    double weight_decay;          /* AdamW; 0.004 */
    double clip_norm;             /* global norm; 0: none */
    double class_weight[2];       /* 1, 1; of networks that end in a vector */
    double label_smoothing;       /* 0 */
    /* A batch is run in parts of so many samples, their gradients added: memory for the part alone.
     * 0: the whole at once. The bits are those of the whole for any size, unless the network has
     * batch_normalization, whose statistics are then the part's (and whose averages move once a
     * part). */
    size_t micro_batch;
    /* of dropout: masks are functions of it, the step's number, the layer and the sample's place in
     * the batch */
    uint64_t seed;
    /* 0: where that is possible the gates are kept for the way back in 16-bit fixed point: half the
     * memory, gradients to 1e-4 of a tensor's largest. 1: in fp32. Loss and probabilities are the
     * same. */
    int exact_gates;
} convlstm_trainer_options;

typedef struct convlstm_trainer convlstm_trainer;

typedef struct convlstm_step_result {
    /* mean over the used samples, class weights applied; of a network that gives a sequence over
     * the valid frames of all */
    double loss;
    size_t used;      /* samples with a valid frame */
    double grad_norm; /* global L2 norm before clipping */
} convlstm_step_result;

void convlstm_trainer_defaults(convlstm_trainer_options *options, convlstm_optimizer optimizer);
/* The model must outlive the trainer, which changes its weights. For BCE, SOFTMAX and COMPAT_TF22
 * the network must end in dense, conv2d, conv3d or activation with sigmoid, softmax or linear: it
 * gets the one that goes with the loss (softmax for CONVLSTM_LOSS_SOFTMAX, else sigmoid), and
 * convlstm_model_json changes with it; create sessions after that. MSE and MAE take any network as
 * it is. */
nbase_status convlstm_trainer_create(convlstm_model *m, const convlstm_trainer_options *options,
                                     convlstm_trainer **out, nbase_error *err);
void convlstm_trainer_free(convlstm_trainer *t); /* null is allowed */
const char *convlstm_trainer_error(const convlstm_trainer *t);

/* One optimiser step on a batch: img (B,T,H,W,C), mask (B,T) or null (see convlstm_predict), labels
 * (B,K) in 0..1 (any numbers for MSE and MAE). probs (B,K), may be null, gets the probabilities of
 * the forward pass in training mode, zeros for samples without a valid frame: those are left out
 * (if all are, NBASE_ERR_NO_VALID_FRAMES). result may be null. On failure the weights are
 * unchanged; a loss or gradient that is not finite is NBASE_ERR_NUMERIC. Memory grows with B*T:
 * about 3.5 MB a valid frame of 80x80 for the presets, 5 MB with exact_gates. */
nbase_status convlstm_trainer_step(convlstm_trainer *t, const float *img, const uint8_t *mask,
                                   const float *labels, size_t batch, size_t frames, size_t height,
                                   size_t width, float *probs, convlstm_step_result *result);
/* Loss and gradients only: no weight and no moving statistic changes. Read the gradients with
 * convlstm_trainer_gradient. */
nbase_status convlstm_trainer_gradients(convlstm_trainer *t, const float *img, const uint8_t *mask,
                                        const float *labels, size_t batch, size_t frames,
                                        size_t height, size_t width, float *probs,
                                        convlstm_step_result *result);
/* The same two for a network of any kind: targets, and out (may be null), have the shape of what
 * convlstm_run gives. Targets of masked frames are not looked at; all must be numbers in 0..1 for
 * losses on logits, finite for MSE and MAE. */
nbase_status convlstm_trainer_step_batch(convlstm_trainer *t, const convlstm_batch *in,
                                         const float *targets, float *out,
                                         convlstm_step_result *result);
nbase_status convlstm_trainer_gradients_batch(convlstm_trainer *t, const convlstm_batch *in,
                                              const float *targets, float *out,
                                              convlstm_step_result *result);
/* Stateful layers begin at zero again. Between steps they go on, sample by sample, without a
 * gradient across (truncated back-propagation through time). */
void convlstm_trainer_reset(convlstm_trainer *t);
/* Gradient of a trainable tensor by name after a step or convlstm_trainer_gradients, count elements
 * as the tensor; null if unknown or not trainable. */
const float *convlstm_trainer_gradient(const convlstm_trainer *t, const char *name);
/* For schedules: takes effect at the next step. */
void convlstm_trainer_set_learning_rate(convlstm_trainer *t, double learning_rate);
double convlstm_trainer_learning_rate(const convlstm_trainer *t);
uint64_t convlstm_trainer_steps(const convlstm_trainer *t);

/* ---- whole runs ---- */

/* Loss (without class weights, smoothing and dropout, with the moving statistics, stateful layers
 * from zero) of a batch: a validation pass. out (may be null): as convlstm_run. */
nbase_status convlstm_trainer_evaluate(convlstm_trainer *t, const convlstm_batch *in,
                                       const float *targets, float *out,
                                       convlstm_step_result *result);

/* The course of the learning rate: over `warmup` steps it rises linearly to `rate`. Then it stays
 * (CONSTANT), is multiplied by `factor` every `every` steps counted from the start (STEP), falls
 * along half a cosine to 0 at step `total` (COSINE; Loshchilov and Hutter 2017), or is multiplied
 * by `factor`, down to `min_rate`, when for `patience` epochs the loss has not fallen by
 * `min_delta` (PLATEAU; Keras's ReduceLROnPlateau, without warm-up). */
typedef enum convlstm_schedule_kind {
    CONVLSTM_SCHEDULE_CONSTANT = 0,
    CONVLSTM_SCHEDULE_STEP = 1,
    CONVLSTM_SCHEDULE_COSINE = 2,
    CONVLSTM_SCHEDULE_PLATEAU = 3
} convlstm_schedule_kind;
typedef struct convlstm_schedule {
    convlstm_schedule_kind kind;
    double rate;
    uint64_t warmup, total, every;
    double factor, min_rate;
    size_t patience;
} convlstm_schedule;
/* Rate of a step, counted from 0; of PLATEAU the first. */
double convlstm_schedule_rate(const convlstm_schedule *s, uint64_t step);

/* Watches a loss for early stopping and plateaus. `see` returns 1 if the loss is better than the
 * best by more than min_delta. */
typedef struct convlstm_watch {
    double best;
    size_t seen, best_at, waited; /* losses; the number of the best, from 1; those since */
} convlstm_watch;
void convlstm_watch_begin(convlstm_watch *w);
int convlstm_watch_see(convlstm_watch *w, double loss, double min_delta);
/* The rate for the next epoch of a PLATEAU schedule; `rate` itself otherwise, or when nothing is
 * due. */
double convlstm_plateau_rate(const convlstm_schedule *s, convlstm_watch *w, double rate);

typedef struct convlstm_fit_batch {
    convlstm_batch in;
    const float *targets;
} convlstm_fit_batch;

typedef struct convlstm_progress {
    size_t epoch, step; /* from 0; steps done of the epoch */
    /* of the step; mean over the epoch's samples so far; NaN before the epoch's end or without
     * one */
    double step_loss, loss, validation_loss;
    double learning_rate;
    /* at the end of an epoch: the lowest loss yet (of validation, if there is one): the moment to
     * save the model */
    int best;
} convlstm_progress;

typedef struct convlstm_fit_options {
    size_t epochs;
    /* Batch `index` of an epoch, or of its validation pass: fills *out (borrowed until the next
     * call) and returns 1; 0 at the end; negative if it can't. */
    int (*next)(void *ctx, int validation, size_t epoch, size_t index, convlstm_fit_batch *out);
    /* after each step; not 0: cancel. May be null */
    int (*on_step)(void *ctx, const convlstm_progress *progress);
    /* after each epoch, likewise: the place to log and save */
    int (*on_epoch)(void *ctx, const convlstm_progress *progress);
    void *ctx;
    int validate;               /* whether `next` has validation batches */
    convlstm_schedule schedule; /* .rate must be set */
    /* epochs without a better loss (of validation, if there is one) after which the run ends; 0:
     * never */
    size_t early_stop;
    double min_delta; /* what counts as better */
} convlstm_fit_options;

typedef struct convlstm_fit_result {
    size_t epochs, best_epoch; /* finished; the best, from 1 */
    double best_loss;
    int cancelled, stopped_early;
} convlstm_fit_result;

/* Trains for whole epochs. The callbacks run in the caller's thread, between steps.
 * NBASE_ERR_CANCELLED when one asked to stop. result may be null and is filled on failure too. */
nbase_status convlstm_fit(convlstm_trainer *t, const convlstm_fit_options *options,
                          convlstm_fit_result *result);

/* ---- checkpoints ---- */

/* All that is needed to go on bit for bit: weights, moving statistics, optimiser slots, step count.
 * `extra` (JSON text of the caller's own, may be null) is stored beside it. Atomic write. */
nbase_status convlstm_trainer_save(const convlstm_trainer *t, const char *path, const char *extra,
                                   nbase_error *err);
/* The trainer must have been created with the same network and optimiser, else NBASE_ERR_SHAPE or
 * NBASE_ERR_FORMAT and nothing is changed. *extra (may be null) gets the caller's text, or null;
 * free with convlstm_text_free. */
nbase_status convlstm_trainer_restore(convlstm_trainer *t, const char *path, char **extra,
                                      nbase_error *err);

/* Loss of given probabilities against labels, for validation, K being 2: probs, labels (B,2); the
 * mean, without class weights, is written to *out. Probabilities are kept 1e-7 away from 0 and 1,
 * as Keras does. */
nbase_status convlstm_loss_value(convlstm_loss loss, const float *probs, const float *labels,
                                 size_t batch, double *out);

/* The same for any network: `rows` rows of `count` outputs and targets; the mean over rows.
 * SOFTMAX: a row is one distribution. */
nbase_status convlstm_loss_of_outputs(convlstm_loss loss, const float *outputs,
                                      const float *targets, size_t rows, size_t count, double *out);

#ifdef __cplusplus
}
#endif
#endif
