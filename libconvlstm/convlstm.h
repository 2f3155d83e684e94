/* convlstm.h - ConvLSTM networks on the CPU: load, predict, stream, train.
 *
 * Shapes. B batch, T time steps (frames), H rows, W columns, C channels, K outputs. All arrays are
 * row-major with channels last, as in Keras. Images are float32 in 0..1.
 *
 * Masks. A mask has one byte per frame: 0 marks a masked frame, any other value a valid one. A
 * masked frame is skipped: state and output carry over, and no arithmetic is done. Where a mask may
 * be null, null means: a frame whose values are all zero is masked, any other is valid.
 *
 * What the numbers are is stated in docs/semantics.md with its sources (Shi et al. 2015; Keras).
 *
 * Threads. Any number of threads may use a convlstm_model while nobody changes it. A session or
 * trainer belongs to one thread at a time. A trainer changes its model: no session may run on that
 * model during a call to the trainer. Nothing here changes the OpenMP or BLAS settings of the host.
 *
 * Reproducibility. Results are the same bits for any num_threads. At inference the items of a batch
 * have the same bits as if they were run one by one.
 *
 * Errors. Every call that can fail returns an nbase_status. One line of detail goes to `err`, which
 * may be null, or is read with convlstm_session_error or convlstm_trainer_error.
 *
 * Contents: model, frames, inference, streaming, training, whole training runs, checkpoints,
 * losses. */
#ifndef CONVLSTM_H
#define CONVLSTM_H

#include "convlstm_group.h"
#include "nbase.h"

#ifdef __cplusplus
extern "C" {
#endif
NBASE_API_BEGIN

/* ---------------------------------------------------------------------------------------------
 *   Model
 * ------------------------------------------------------------------------------------------- */

/* A network description with its weights. */
typedef struct convlstm_model convlstm_model;

/* The description of a preset as JSON, in the form that model files have (docs/formats.md).
 *
 * preset:        "skincredible" (Flatten; tied to one image size) or "skincredible-gap" (global
 *                average pooling; images of any size).
 * height, width: of the images; 0 for 80.
 * json:          gets the text; the caller frees it with convlstm_text_free. */
nbase_status convlstm_preset_json(const char *preset, size_t height, size_t width, char **json,
                                  nbase_error *err);

/* Frees a text that this library returned. Null is allowed. */
void convlstm_text_free(char *text);

/* Builds a network from its JSON description, and initialises the weights from `seed` as Keras does
 * (glorot_uniform, orthogonal, unit forget bias; docs/semantics.md).
 *
 * env: allocator and log; null for the defaults.
 * out: gets the model; the caller frees it with convlstm_model_free.
 *
 * NBASE_ERR_FORMAT, _UNSUPPORTED, _SHAPE: the text names the layer, the member, what was expected
 * and what was found. */
nbase_status convlstm_model_create(const nbase_env *env, const char *json, uint64_t seed,
                                   convlstm_model **out, nbase_error *err);

/* Reads a .safetensors file that has the description in its metadata key "convlstm". Every tensor
 * must be there, of the described shape. *out as for convlstm_model_create. */
nbase_status convlstm_model_load(const nbase_env *env, const char *path, convlstm_model **out,
                                 nbase_error *err);

/* The same from an archive in memory, which is copied.
 *
 * json: a description to use in place of the archive's metadata, for tensors that come from
 *       elsewhere; null: the metadata. */
nbase_status convlstm_model_from_archive(const nbase_env *env, const nbase_archive *archive,
                                         const char *json, convlstm_model **out, nbase_error *err);

/* Writes the description and the weights to a .safetensors file. The file is replaced as a whole
 * (see nbase_archive_write_safetensors). */
nbase_status convlstm_model_save(const convlstm_model *m, const char *path, nbase_error *err);

/* An independent copy; the caller frees it with convlstm_model_free. */
nbase_status convlstm_model_clone(const convlstm_model *m, convlstm_model **out);

/* Frees a model, after the sessions and trainers on it. Null is allowed. */
void convlstm_model_free(convlstm_model *m);

/* The description as canonical JSON. Valid until the model is freed or changed. */
const char *convlstm_model_json(const convlstm_model *m);

typedef struct convlstm_model_info {
    /* The image size of the description; of several inputs, that of the first. */
    size_t height, width;
    /* Channels of an image. 0: the network has several inputs (convlstm_model_input). */
    size_t channels;
    /* K, the length of the vector that the network gives; of a network that gives frames: their
     * channels. */
    size_t outputs;
    /* 1: images of any height and width are used as they are. 0: only height x width. */
    int any_size;
    /* Number of weights, trainable or not (moving statistics), as count_params of Keras. */
    size_t parameters;
    size_t layers;
    /* Dimensions of what the network gives for one sequence: 1 a vector (K), 2 a vector per frame
     * (T,K), 3 a frame (H,W,C), 4 a sequence (T,H,W,C). */
    int output_dims;
    /* T, of a network that takes sequences of so many frames only (masked ones included: shorter
     * ones are filled up); 0: any number. */
    size_t frames;
    /* What it gives: 1, or the number of its outputs; `outputs` and `output_dims` are 0 then
     * (convlstm_model_output). */
    size_t output_count;
} convlstm_model_info;

void convlstm_model_get_info(const convlstm_model *m, convlstm_model_info *info);

/* The shape of what the network gives for one sequence of `frames` images of (height, width). Where
 * layers change the number of frames (max_pool3d, up_sampling3d, repeat_vector), T of it is another
 * than `frames`.
 *
 * shape: gets info.output_dims numbers.
 *
 * NBASE_ERR_SHAPE, _LIMIT: the images do not fit; the text names the layer. NBASE_ERR_UNSUPPORTED:
 * it has several outputs. */
nbase_status convlstm_model_output_shape(const convlstm_model *m, size_t frames, size_t height,
                                         size_t width, size_t shape[4], nbase_error *err);

#define CONVLSTM_MAX_INPUTS 16

/* One of the inputs of a network. */
typedef struct convlstm_input {
    /* "input" where there is one alone; owned by the model. */
    const char *name;
    /* As output_dims: 4, or 2 for a vector per frame, whose height and width are 1. */
    int dims;
    size_t height, width, channels;
    /* Floats of a frame, and those of a frame of the inputs before it. */
    size_t floats, before;
} convlstm_input;

/* How many inputs the network has. */
size_t convlstm_model_input_count(const convlstm_model *m);

/* Input k, from 0. NBASE_ERR_ARG: there are not so many. */
nbase_status convlstm_model_input(const convlstm_model *m, size_t k, convlstm_input *out);

#define CONVLSTM_MAX_OUTPUTS 16

/* One of the outputs of a network. */
typedef struct convlstm_output {
    /* The layer that gives it; owned by the model. */
    const char *name;
    /* As output_dims, and the shape for one sequence. */
    int dims;
    /* 1: its frames are the caller's, and those that are masked repeat the one before. 0: it is no
     * sequence, or all of its frames count: some layer changes their number, or the mask does not
     * hold yet. */
    int masked;
    size_t shape[4];
    /* Floats for one sequence, and the floats of the outputs before it for one. For a batch of B
     * an output begins B * before floats after the first one. */
    size_t floats, before;
} convlstm_output;

/* Output k, from 0, for one sequence of `frames` images of (height, width). Errors as of
 * convlstm_model_output_shape; NBASE_ERR_ARG: there are not so many. */
nbase_status convlstm_model_output(const convlstm_model *m, size_t k, size_t frames, size_t height,
                                   size_t width, convlstm_output *out, nbase_error *err);

/* The label of output k ("deteriorated", "improved"), or "" if there is none. Owned by the
 * model. */
const char *convlstm_model_label(const convlstm_model *m, size_t k);

/* The weights by index or by the name they have in Keras ("conv_lstm2d/kernel"); null if there is
 * none. `data` points into the model (float32) and must not be written. */
size_t convlstm_model_tensor_count(const convlstm_model *m);
const nbase_array *convlstm_model_tensor(const convlstm_model *m, size_t i);
const nbase_array *convlstm_model_find(const convlstm_model *m, const char *name);

/* Replaces the values of a tensor; `count` must be the tensor's. Not while a session or trainer of
 * this model runs. NBASE_ERR_ARG: no such tensor. NBASE_ERR_SHAPE: another count. */
nbase_status convlstm_model_set(convlstm_model *m, const char *name, const float *values,
                                size_t count);

/* The positions (H x W) for which a tensor has weights of their own: for the kernel of a dense
 * layer behind flatten those of the frame that was flattened (dropout may stand between them), for
 * any other tensor 1. 0 if there is no such tensor. */
size_t convlstm_model_positions(const convlstm_model *m, const char *name);

/* Starts each dense layer behind flatten as an average over the frame.
 *
 * Its kernel gets the same weights at every position: those that the layer would have behind
 * global_average_pool (glorot_uniform over channels and units, drawn from `seed`), divided by the
 * number of positions. Its sums are then of the same size for images of any size. Training may tell
 * the positions apart. All other weights stay.
 *
 * Not while a session or trainer of this model exists. NBASE_ERR_ARG if m is null. */
nbase_status convlstm_model_start_average(convlstm_model *m, uint64_t seed);

/* ---------------------------------------------------------------------------------------------
 *   Frames
 * ------------------------------------------------------------------------------------------- */

/* Resizes n frames, and writes them as float32 in 0..1.
 *
 * The method is that of tf.image.resize: bilinear, half-pixel centres, no antialiasing. Frames that
 * have the size already are only converted.
 *
 * frames: (n, height, width, channels), 0..255.
 * out:    (n, out_height, out_width, channels). */
nbase_status convlstm_frames_from_u8(const uint8_t *frames, size_t n, size_t height, size_t width,
                                     size_t channels, size_t out_height, size_t out_width,
                                     float *out);

/* The same from float32 frames in 0..1. `out` may be `frames` if the size stays. */
nbase_status convlstm_frames_from_f32(const float *frames, size_t n, size_t height, size_t width,
                                      size_t channels, size_t out_height, size_t out_width,
                                      float *out);

/* ---------------------------------------------------------------------------------------------
 *   Inference
 * ------------------------------------------------------------------------------------------- */

/* A model with the memory to run it. */
typedef struct convlstm_session convlstm_session;

/* Zero-initialise for the defaults. */
typedef struct convlstm_session_options {
    /* 0: as many as there are processors. */
    int num_threads;
    /* 1: products of ConvLSTM layers in bfloat16, sums in fp32, where that is faster: on Intel's
     * processors with AMX (kernels of 1x1, 3x3 and 5x5; h is bfloat16, too), on AMD's with
     * AVX512_BF16 (3x3). Elsewhere it changes nothing. Probabilities differ in the third digit.
     * Where there is AMX, the session asks the kernel for it, for the whole process, which then
     * needs larger alternate signal stacks (sigaltstack). */
    int bf16;
} convlstm_session_options;

/* options: may be null. out: the caller frees it with convlstm_session_free, before the model.
 *
 * NBASE_ERR_LIMIT: an image and what the layers make of it take more than 2 GiB, or the session
 * more than nbase_memory_limit(); no memory was asked for. */
nbase_status convlstm_session_create(const convlstm_model *m,
                                     const convlstm_session_options *options,
                                     convlstm_session **out, nbase_error *err);

/* Null is allowed. */
void convlstm_session_free(convlstm_session *s);

/* One line about the last failure of this session; "" if there was none. Valid until the next
 * call. */
const char *convlstm_session_error(const convlstm_session *s);

/* A batch of sequences. All arrays are borrowed for the time of the call. */
typedef struct convlstm_batch {
    /* (B,T,H,W,C). Of several inputs each frame has the values of all of them one behind the other
     * (convlstm_input.before), and is taken as one image: a mask is of all inputs alike.
     * Masked frames are not read if there is a mask, unless a layer of the type mask
     * says that it begins to hold later in the network. */
    const float *img;
    /* (B,T); may be null (see the top). */
    const uint8_t *mask;
    /* B, T, H, W. H and W must be the model's unless it takes any size; of several inputs those of
     * the first. */
    size_t batch, frames, height, width;
    /* The states that recurrent layers begin with: "LAYER/h" and "LAYER/c", float32 (B,H,W,F) of
     * the layer's output. Layers that are not in it begin at zero or, if they are stateful, where
     * they stopped. May be null. */
    const nbase_archive *initial_state;
} convlstm_batch;

/* Runs B sequences through a network of any kind.
 *
 * out:         (B,K), (B,T,K), (B,H,W,C) or (B,T,H,W,C), as convlstm_model_output_shape says; of
 *              several outputs one behind the other, each with all B items. A
 *              single vector or frame is written for items that have a valid frame. In a sequence
 *              the frame or vector of a masked step repeats the one before it; before the first
 *              valid step there are zeros. Behind a layer that changes the number of frames none
 *              is masked; of an item without a valid frame they are zeros.
 * states:      gets the last h and c of the layers with return_state, named and shaped as in
 *              initial_state; the caller frees the archive with nbase_archive_free. An item without
 *              a valid frame has the states that it began with. May be null.
 * item_status: (B), gets NBASE_OK, NBASE_ERR_NO_VALID_FRAMES or NBASE_ERR_NUMERIC (an output is not
 *              finite) for each item. May be null.
 *
 * The call returns NBASE_ERR_NUMERIC or NBASE_ERR_NO_VALID_FRAMES if any item has it. The outputs
 * of the other items, and the states, are good all the same.
 *
 * Stateful layers begin where the call before stopped, item by item: until convlstm_session_reset
 * the batch must be as large as then. */
nbase_status convlstm_run(convlstm_session *s, const convlstm_batch *in, float *out,
                          nbase_archive **states, nbase_status *item_status);

/* convlstm_run for networks that end in a vector, without states: probs is (B,K).
 * NBASE_ERR_UNSUPPORTED: the network gives something else. */
nbase_status convlstm_predict(convlstm_session *s, const float *img, const uint8_t *mask,
                              size_t batch, size_t frames, size_t height, size_t width,
                              float *probs, nbase_status *item_status);

/* Stateful layers begin at zero again. */
void convlstm_session_reset(convlstm_session *s);

/* ---------------------------------------------------------------------------------------------
 *   Streaming: one sequence, a frame at a time
 * ------------------------------------------------------------------------------------------- */

/* A session has one stream, beside any predictions. A frame costs one step, however many came
 * before; the bits equal those of convlstm_predict on all frames so far.
 *
 * NBASE_ERR_UNSUPPORTED: the network looks at frames to come (conv3d, go_backwards), changes their
 * number, has a layer of the type mask, or a layer that begins with the states of another. */
nbase_status convlstm_stream_begin(convlstm_session *s, size_t height, size_t width);

/* Takes the next frame.
 *
 * frame: (H,W,C), or those of all inputs one behind the other.
 * valid: 0 skips the frame, which may be null then.
 * probs: gets what the network gives after this frame (K; of a network that gives a vector or a
 *        frame for each, the latest one; several outputs one behind the other). Null saves the work
 *        of the layers behind the recurrent ones.
 *
 * NBASE_ERR_NO_VALID_FRAMES: probs is wanted, and no frame was valid yet. */
nbase_status convlstm_stream_step(convlstm_session *s, const float *frame, int valid, float *probs);

/* The state of the stream as named tensors, to be saved and restored: "conv_lstm2d/h",
 * "conv_lstm2d/c", ..., (H,W,F) each (docs/formats.md). The caller frees *out with
 * nbase_archive_free. */
nbase_status convlstm_stream_state(convlstm_session *s, nbase_archive **out);

/* Begins a stream that resumes from a saved state, of this or another session on the same network.
 * On failure a running stream is as before. */
nbase_status convlstm_stream_restore(convlstm_session *s, const nbase_archive *state);

/* ---------------------------------------------------------------------------------------------
 *   Training
 * ------------------------------------------------------------------------------------------- */

/* A loss is the mean over the outputs and, where a network gives frames, over all their values. */
typedef enum convlstm_loss {
    /* Binary cross-entropy, of each value. */
    CONVLSTM_LOSS_BCE = 0,
    /* Categorical cross-entropy, over the outputs or over the channels of each pixel. */
    CONVLSTM_LOSS_SOFTMAX = 1,
    /* What TensorFlow 2.2 computes for the original's model (docs/semantics.md). */
    CONVLSTM_LOSS_COMPAT_TF22 = 2,
    /* Mean squared error. */
    CONVLSTM_LOSS_MSE = 3,
    /* Mean absolute error. */
    CONVLSTM_LOSS_MAE = 4,
    /* Huber 1964: squared for differences up to huber_delta, beyond them absolute. */
    CONVLSTM_LOSS_HUBER = 5,
    /* Binary cross-entropy times (1 - the probability of the right answer)^focal_gamma (Lin et al.
     * 2017), of each value. */
    CONVLSTM_LOSS_FOCAL = 6,
    /* 1 less the structural similarity of frames of at least 11x11 with values of 0 to 1 (Wang et
     * al. 2004). */
    CONVLSTM_LOSS_SSIM = 7
} convlstm_loss;

typedef enum convlstm_optimizer {
    CONVLSTM_SGD = 0,
    CONVLSTM_ADAM = 1,
    CONVLSTM_ADAMW = 2,
    CONVLSTM_RMSPROP = 3,
    CONVLSTM_ADAGRAD = 4,
    CONVLSTM_ADADELTA = 5,
    CONVLSTM_NADAM = 6
} convlstm_optimizer;

/* A factor on the learning rate of some weights. */
typedef struct convlstm_rate {
    /* Of a tensor ("dense/kernel"), or of a layer ("dense") for all its tensors. */
    const char *name;
    /* From 0, which freezes them, to 1e6. */
    double factor;
} convlstm_rate;

/* The loss of one output of a network with several. */
typedef struct convlstm_output_loss {
    /* The output, as in convlstm_output. */
    const char *name;
    convlstm_loss loss;
    /* What it counts in the sum that is trained. */
    double weight;
} convlstm_output_loss;

/* Fill with convlstm_trainer_defaults, then set what differs. Formulas: docs/semantics.md. */
typedef struct convlstm_trainer_options {
    /* 0: as many as there are processors. */
    int num_threads;
    convlstm_loss loss;
    convlstm_optimizer optimizer;
    /* Default 0.01 for SGD, else 0.001. */
    double learning_rate;
    /* SGD and RMSprop only; default 0. */
    double momentum;
    /* SGD only; default 0. */
    int nesterov;
    /* Adam, AdamW and Nadam only; default 0.9, 0.999. epsilon: all but SGD; default 1e-7. */
    double beta1, beta2, epsilon;
    /* AdamW only; default 0.004. */
    double weight_decay;
    /* The global L2 norm to which longer gradients are shortened; 0, the default: no limit. */
    double clip_norm;
    /* Weights of the samples of class 0 and 1, for networks that end in a vector; default 1, 1. */
    double class_weight[2];
    /* Moves labels towards 1/K; default 0. */
    double label_smoothing;
    /* A batch is run in parts of this many samples, and their gradients are added: it needs memory
     * for one part only. 0, the default: the whole batch at once. The bits are those of the whole
     * batch for any size, unless the network has batch_normalization: its statistics are then those
     * of each part, and its averages move once per part. Each rank of a group runs its share so;
     * with batch_normalization NBASE_ERR_UNSUPPORTED, unless the whole batch is one part. */
    size_t micro_batch;
    /* Of dropout: its masks are a function of the seed, the number of the step, the layer, and the
     * sample's place in the batch. */
    uint64_t seed;
    /* 0, the default: where possible the gates are kept for the way back in 16-bit fixed point,
     * which takes half the memory, with gradients to 1e-4 of a tensor's largest. 1: in fp32. Loss
     * and outputs are the same. */
    int exact_gates;
    /* Rates per layer; default none. A tensor learns with learning_rate (and AdamW's decay follows)
     * times the factor of the last entry that names it or its layer. A name that no trainable
     * tensor has is NBASE_ERR_ARG. Read by convlstm_trainer_create only. A checkpoint stores the
     * factors, and a trainer with others refuses it. */
    const convlstm_rate *rates;
    size_t rate_count;
    /* The processes that train this model together, each with a trainer and a model of its own that
     * begin alike; null, the default: this one alone. It must outlive the trainer.
     *
     * Steps, gradients, evaluations and saving are then calls of the whole group. To each, every
     * rank brings its share of the batch, which may have no items (batch 0, the rest null): shares
     * follow one another in the order of the ranks, and have the same T, H and W. Results are of
     * the whole batch, with the bits of one process that has it all; outputs are of the share.
     *
     * What one rank refuses, all refuse, with its text; so they do where networks, weights, options
     * or instruction sets differ. When the group itself fails, some ranks may have made the step
     * and others not: restore a checkpoint. */
    const convlstm_group *group;
    /* RMSprop, default 0.9, and Adadelta, default 0.95: the share of the old mean of squares that a
     * step keeps. */
    double rho;
    /* RMSprop only; default 0. 1: the squares of the differences from a mean of the gradients. */
    int centered;
    /* Adagrad only: what its sums of squares start with; default 0.1. */
    double initial_accumulator;
    /* Each value of a gradient is kept between -clip_value and clip_value, before clip_norm counts;
     * 0, the default: no limit. */
    double clip_value;
    /* Of HUBER, default 1; of FOCAL: default 2, and the weights focal_alpha of the label 1 and
     * 1 - focal_alpha of 0; default 0: none. */
    double huber_delta, focal_gamma, focal_alpha;
    /* Losses of outputs by name; an output that is not among them has `loss` and the weight 1. The
     * loss of a step is the sum of the outputs' losses times their weights. Read by
     * convlstm_trainer_create only; a name that no output has is NBASE_ERR_ARG. Default none. */
    const convlstm_output_loss *losses;
    size_t loss_count;
    /* 1: the products of conv_lstm2d layers, forward and back, are of bfloat16, with sums and
     * weights in fp32. Faster, and gradients are rounded to some three digits.
     * NBASE_ERR_UNSUPPORTED where the processor is not faster with it (it takes AVX512_BF16 on AMD,
     * or plain C), or a conv_lstm2d layer is not of 3x3, stride 1, 'same', tanh or relu, without
     * peepholes and dropout of its own. Read by convlstm_trainer_create only. Default 0. */
    int bf16;
    /* 1: conv_lstm2d layers that need less memory for it compute their gates again on the way back
     * instead of keeping them: slower, with gradients as without exact_gates. Not with bf16, which
     * is NBASE_ERR_UNSUPPORTED. Read by convlstm_trainer_create only. Default 0. */
    int recompute_gates;
} convlstm_trainer_options;

/* Fills in the defaults of Keras for an optimizer, with the loss BCE. */
void convlstm_trainer_defaults(convlstm_trainer_options *options, convlstm_optimizer optimizer);

/* A model in training: gradients, the optimizer's state, and memory for a batch. */
typedef struct convlstm_trainer convlstm_trainer;

/* The trainer changes the weights of the model, which must outlive it. The caller frees *out with
 * convlstm_trainer_free.
 *
 * For BCE, SOFTMAX, COMPAT_TF22 and FOCAL the network must end in dense, conv2d, conv3d or
 * activation with sigmoid, softmax or linear. It gets the one that goes with the loss (softmax for
 * SOFTMAX, else sigmoid), and convlstm_model_json changes with it: create sessions after that. MSE,
 * MAE and HUBER take any network as it is, and SSIM any that gives frames. */
nbase_status convlstm_trainer_create(convlstm_model *m, const convlstm_trainer_options *options,
                                     convlstm_trainer **out, nbase_error *err);

/* Null is allowed. */
void convlstm_trainer_free(convlstm_trainer *t);

/* One line about the last failure of this trainer; "" if there was none. Valid until the next
 * call. */
const char *convlstm_trainer_error(const convlstm_trainer *t);

typedef struct convlstm_step_result {
    /* Mean over the used samples, with class weights; of an output that is a sequence, over the
     * valid frames of all of them. Of several outputs the sum, each times its weight. */
    double loss;
    /* Samples with a valid frame. */
    size_t used;
    /* Global L2 norm of the gradients before clipping. */
    double grad_norm;
} convlstm_step_result;

/* One step of the optimizer on a batch.
 *
 * targets: of the shape that convlstm_run gives, several outputs one behind the other. Those of
 *          masked frames are not read. All must be in 0..1 for BCE, SOFTMAX, COMPAT_TF22 and FOCAL,
 *          and finite for the others.
 * out:     gets the outputs of the forward pass in training mode, zeros for samples without a valid
 *          frame. May be null.
 * result:  may be null.
 *
 * Samples without a valid frame are left out; if all are, NBASE_ERR_NO_VALID_FRAMES. A loss or
 * gradient that is not finite is NBASE_ERR_NUMERIC. On failure the weights are unchanged.
 *
 * Memory grows with B*T: about 3.5 MB per valid frame of 80x80 for the presets, 5 MB with
 * exact_gates. */
nbase_status convlstm_trainer_step_batch(convlstm_trainer *t, const convlstm_batch *in,
                                         const float *targets, float *out,
                                         convlstm_step_result *result);

/* convlstm_trainer_step_batch for networks that end in a vector, without initial states: labels and
 * probs are (B,K). */
nbase_status convlstm_trainer_step(convlstm_trainer *t, const float *img, const uint8_t *mask,
                                   const float *labels, size_t batch, size_t frames, size_t height,
                                   size_t width, float *probs, convlstm_step_result *result);

/* Loss and gradients only, with the same arguments: no weight and no moving statistic changes. Read
 * the gradients with convlstm_trainer_gradient. */
nbase_status convlstm_trainer_gradients_batch(convlstm_trainer *t, const convlstm_batch *in,
                                              const float *targets, float *out,
                                              convlstm_step_result *result);

/* convlstm_trainer_gradients_batch for networks that end in a vector, without initial states. */
nbase_status convlstm_trainer_gradients(convlstm_trainer *t, const float *img, const uint8_t *mask,
                                        const float *labels, size_t batch, size_t frames,
                                        size_t height, size_t width, float *probs,
                                        convlstm_step_result *result);

/* The gradient of a trainable tensor after a step or convlstm_trainer_gradients: as many elements
 * as the tensor has. Null if the name is unknown or the tensor is not trained. */
const float *convlstm_trainer_gradient(const convlstm_trainer *t, const char *name);

/* The loss of a batch without training, as a validation pass needs it: without class weights,
 * smoothing and dropout, with the moving statistics, and with stateful layers at zero. The
 * arguments are those of convlstm_trainer_step_batch; out is what convlstm_run gives. */
nbase_status convlstm_trainer_evaluate(convlstm_trainer *t, const convlstm_batch *in,
                                       const float *targets, float *out,
                                       convlstm_step_result *result);

/* The loss of output k alone in the last step, gradients or evaluation, without its weight. NaN:
 * the output has the weight 0, and its loss is not computed. */
double convlstm_trainer_output_loss(const convlstm_trainer *t, size_t k);

/* Stateful layers begin at zero again. Without it they resume at each step, sample by sample, where
 * the step before stopped, without a gradient across (truncated back-propagation through time). */
void convlstm_trainer_reset(convlstm_trainer *t);

/* The learning rate, for schedules of the caller's own: takes effect at the next step. */
void convlstm_trainer_set_learning_rate(convlstm_trainer *t, double learning_rate);
double convlstm_trainer_learning_rate(const convlstm_trainer *t);

/* Steps done, those before a checkpoint that was restored included. */
uint64_t convlstm_trainer_steps(const convlstm_trainer *t);

/* ---------------------------------------------------------------------------------------------
 *   Whole training runs
 * ------------------------------------------------------------------------------------------- */

/* How the learning rate goes on after the warm-up. */
typedef enum convlstm_schedule_kind {
    /* It stays. */
    CONVLSTM_SCHEDULE_CONSTANT = 0,
    /* It is multiplied by `factor` every `every` steps, counted from the start. */
    CONVLSTM_SCHEDULE_STEP = 1,
    /* It falls along half a cosine to 0 at step `total` (Loshchilov and Hutter 2017). */
    CONVLSTM_SCHEDULE_COSINE = 2,
    /* It is multiplied by `factor`, down to `min_rate`, when for `patience` epochs the loss has not
     * fallen by min_delta (ReduceLROnPlateau of Keras). No warm-up. */
    CONVLSTM_SCHEDULE_PLATEAU = 3
} convlstm_schedule_kind;

typedef struct convlstm_schedule {
    convlstm_schedule_kind kind;
    /* The rate after `warmup` steps, over which it rises linearly. */
    double rate;
    uint64_t warmup, total, every;
    double factor, min_rate;
    size_t patience;
} convlstm_schedule;

/* The rate of a step, counted from 0. Of PLATEAU: the first rate. */
double convlstm_schedule_rate(const convlstm_schedule *s, uint64_t step);

/* Watches a loss, for early stopping and plateaus. */
typedef struct convlstm_watch {
    double best;
    size_t seen;    /* losses so far */
    size_t best_at; /* the number of the best, from 1 */
    size_t waited;  /* losses since */
} convlstm_watch;

void convlstm_watch_begin(convlstm_watch *w);

/* Takes the next loss. Returns 1 if it is better than the best by more than min_delta, else 0. */
int convlstm_watch_see(convlstm_watch *w, double loss, double min_delta);

/* The rate of the next epoch: `rate` itself, unless the schedule is PLATEAU and the watch has
 * waited for `patience` epochs. Then it is lowered, and the wait begins anew. */
double convlstm_plateau_rate(const convlstm_schedule *s, convlstm_watch *w, double rate);

typedef struct convlstm_fit_batch {
    convlstm_batch in;
    const float *targets;
} convlstm_fit_batch;

typedef struct convlstm_progress {
    /* The epoch, from 0; its steps done. */
    size_t epoch, step;
    /* Of the last step; the mean over the epoch's samples so far; of the validation pass, NaN
     * before the end of the epoch or without one. */
    double step_loss, loss, validation_loss;
    double learning_rate;
    /* At the end of an epoch, 1: the loss (of validation, if there is one) is the lowest yet. The
     * moment to save the model. */
    int best;
} convlstm_progress;

typedef struct convlstm_fit_options {
    size_t epochs;
    /* Gives batch `index` of an epoch, or of its validation pass. Fills *out, which is borrowed
     * until the next call, and returns 1; returns 0 at the end, or a negative number if it
     * cannot. */
    int (*next)(void *ctx, int validation, size_t epoch, size_t index, convlstm_fit_batch *out);
    /* Called after each step; another value than 0 cancels the run. May be null. */
    int (*on_step)(void *ctx, const convlstm_progress *progress);
    /* Called after each epoch, likewise: the place to log and to save. May be null. */
    int (*on_epoch)(void *ctx, const convlstm_progress *progress);
    void *ctx;
    /* 1: `next` has validation batches. */
    int validate;
    /* `rate` must be set. */
    convlstm_schedule schedule;
    /* The run ends after this many epochs without a better loss (of validation, if there is one);
     * 0: never. */
    size_t early_stop;
    /* What counts as better. */
    double min_delta;
} convlstm_fit_options;

typedef struct convlstm_fit_result {
    /* Epochs finished; the number of the best, from 1, and its loss. */
    size_t epochs, best_epoch;
    double best_loss;
    int cancelled, stopped_early;
} convlstm_fit_result;

/* Trains for whole epochs. The callbacks run in the caller's thread, between steps.
 *
 * result: filled on failure too; may be null.
 *
 * NBASE_ERR_CANCELLED: a callback asked to stop. NBASE_ERR_IO: `next` could not give a batch. */
nbase_status convlstm_fit(convlstm_trainer *t, const convlstm_fit_options *options,
                          convlstm_fit_result *result);

/* ---------------------------------------------------------------------------------------------
 *   Checkpoints
 * ------------------------------------------------------------------------------------------- */

/* Saves all that is needed to resume bit for bit: weights, moving statistics, the optimizer's
 * state, kept states, the number of steps. The file is replaced as a whole.
 *
 * extra: JSON text of the caller's own, stored beside it. May be null.
 *
 * In a group every rank calls it, and rank 0 writes: its path and extra count alone, and its
 * failure is that of all. The file is that of one process. */
nbase_status convlstm_trainer_save(const convlstm_trainer *t, const char *path, const char *extra,
                                   nbase_error *err);

/* Restores a checkpoint into a trainer that was created with the same network and optimizer. In a
 * group every rank restores the same file for itself, whatever number of ranks wrote it.
 *
 * extra: gets the caller's text, which the caller frees with convlstm_text_free, or null. May be
 *        null.
 *
 * NBASE_ERR_SHAPE, _FORMAT: a checkpoint of another network or optimizer, and nothing is
 * changed. */
nbase_status convlstm_trainer_restore(convlstm_trainer *t, const char *path, char **extra,
                                      nbase_error *err);

/* ---------------------------------------------------------------------------------------------
 *   Losses of outputs, without a trainer
 * ------------------------------------------------------------------------------------------- */

/* The loss of `rows` rows of `count` outputs: the mean over the rows, without class weights, is
 * written to *out. For SOFTMAX a row is one distribution. Probabilities are kept 1e-7 away from 0
 * and 1, as Keras does.
 *
 * outputs, targets: (rows, count).
 *
 * NBASE_ERR_ARG: SSIM, which is of frames. */
nbase_status convlstm_loss_of_outputs(convlstm_loss loss, const float *outputs,
                                      const float *targets, size_t rows, size_t count, double *out);

/* convlstm_loss_of_outputs for two classes: probs and labels are (B,2). */
nbase_status convlstm_loss_value(convlstm_loss loss, const float *probs, const float *labels,
                                 size_t batch, double *out);

NBASE_API_END
#ifdef __cplusplus
}
#endif
#endif
