/* node.h - internal: the working parts of a network at one image size.
 *
 * A layer builds one or more nodes (net.h). Nodes stand in a list, each after those whose output it
 * takes, `from`; frames between two nodes have one layout, and where two nodes differ, the net puts
 * one in between that converts. A sequence between nodes is its valid steps alone (steps.h).
 *
 * Inference runs a sequence through all nodes step by step, so that the working set is one frame
 * per node. The memory of all nodes for one sequence is a "lane". Which node runs when, and which
 * run together, is decided by the plan (model/plan.h).
 *
 * Training runs a batch node by node, as BatchNormalization needs the whole batch. A node either
 * stores its frames (ConvLSTM2D, vectors) or computes them each time that it is asked
 * (BatchNormalization, conversions). The node that takes its output asks for one frame at a time
 * through convlstm__pull, that which gives its input for gradients through convlstm__pull_gradient,
 * so that nothing is kept that is cheap to compute. Work is divided into phases, each a number of
 * independent tasks. Where several nodes take an output, a net for training has a node in between
 * that adds up the gradients (fork.h), so that each node is taken by one, `to`.
 * What several tasks add to is kept apart per sample and added in the order of the samples: any
 * number of threads gives the same bits. */
#ifndef CONVLSTM_NODE_H
#define CONVLSTM_NODE_H

#include "layer.h"
#include "steps.h"
#include "threads.h"

/* ---- memory that grows ---- */

typedef struct convlstm__buffer {
    void *data;
    size_t bytes;
} convlstm__buffer;

/* Ensures at least count * size bytes. The contents are undefined if the buffer had to grow, and
 * kept if it is large enough already. On failure the buffer is empty. */
nbase_status convlstm__reserve(const nbase_env *env, convlstm__buffer *buffer, size_t count,
                               size_t size);

/* Frees the memory; the buffer is empty then. */
void convlstm__release(const nbase_env *env, convlstm__buffer *buffer);

/* ---- inference ---- */

/* One thread's share of one step of a sequence through one node. */
typedef struct convlstm__infer_call {
    /* The step, from 0; a frame or vector is step 0. */
    size_t step;
    /* The valid steps of the sequence; a stream has those of the current call. */
    const convlstm__steps *steps;
    /* Whether the images of this step, and those of the step before it, have values beyond -1..1
     * (convlstm__unscaled): a node that would lose digits by them computes more exactly then. */
    bool unscaled, unscaled_before;
    /* The output of the node `from`, for this step; in `inputs`, for a node with several, of each
     * of them. */
    const float *in;
    const float *const *inputs;
    /* The node's memory for this sequence: lane_floats. What it holds lasts from step to step only
     * in nodes with a state; others may get several memories in turn (plan_step.places). */
    float *lane;
    /* This thread's own: scratch_bytes. */
    void *scratch;
    /* Share `part` of `parts`. The threads of a team call at the same time, each with its part, and
     * wait for each other before anyone reads the result. One thread alone has part 0 of 1. */
    size_t part, parts;
} convlstm__infer_call;

/* What a node does at inference. Every node has either `step` and `output`, or `whole`. */
typedef struct convlstm__inference {
    /* Runs one step. The output of a step is read while the next step runs: a node with a state
     * keeps two outputs, or more if it is asked to. */
    void (*step)(const convlstm__node *node, const convlstm__infer_call *call);

    /* Where `step` left its output. */
    const float *(*output)(const convlstm__node *node, const float *lane, size_t step);

    /* For a node with a state that gives a sequence: lets it keep the outputs of at least so many
     * steps, before its lane is laid out; lane_floats changes. */
    void (*keep)(convlstm__node *node, size_t frames);

    /* Optional, for nodes whose input is not a sequence: what one thread does when all parts of
     * `step` are done. */
    void (*join)(const convlstm__node *node, float *lane);

    /* Optional: the node must know the times of all frames, so that it cannot be streamed. */
    bool all_frames;

    /* In place of `step` and `output`, for a node that looks at frames to come: writes step
     * call->step of the output to `out`. call->in has all steps of the input, one behind the other;
     * call->lane is null. Frames are NHWC. */
    void (*whole)(const convlstm__node *node, const convlstm__infer_call *call,
                  const convlstm__steps *steps, float *out);

    /* ---- optional: what a plan may fuse ---- */

    /* The affine map per channel that the node is, whose output is its lane. */
    convlstm__affine (*affine)(const convlstm__node *node);

    /* `step`, and the map of its output written to `mapped`: the same bits as the map's own step.
     * can_map says whether this node can; both functions are there or neither. */
    bool (*can_map)(const convlstm__node *node);
    void (*step_map)(const convlstm__node *node, const convlstm__infer_call *call,
                     const convlstm__affine *affine, float *mapped);

    /* Two recurrent nodes, of which the second takes the output of the first, directly or through
     * an affine map (null: none), which is then folded into the second's weights.
     *
     * pair makes them ready for step_pair, before `prepare`: lane_floats and scratch_bytes may
     * change, layouts do not. NBASE_ERR_UNSUPPORTED: these two cannot, and are as they were.
     * NBASE_ERR_NOMEM: the net is of no more use.
     *
     * step_pair runs step call->step of the first and the step before it of the second. */
    nbase_status (*pair)(convlstm__node *first, const convlstm__node *map, convlstm__node *second);
    void (*step_pair)(const convlstm__node *first, const convlstm__infer_call *call,
                      const convlstm__node *second, float *second_lane);
} convlstm__inference;

/* An `output` for nodes whose output is all that is in the lane. */
const float *convlstm__lane_output(const convlstm__node *node, const float *lane, size_t step);

/* ---- a batch in training ---- */

typedef struct convlstm__batch {
    /* This batch with the frames of each clock of the network: convlstm__batch_of. Null: it has
     * one alone. */
    const struct convlstm__batch *on_clock;

    /* Samples of this part of the batch: those with a valid frame. */
    size_t samples;
    /* Frames of a sequence (T), masked ones included. */
    size_t frames;
    /* Per sample: its steps on this batch's clock (layers/clock.h), which are the caller's valid
     * frames in a batch that is not one of on_clock. */
    const convlstm__steps *steps;
    const float *const *images; /* per sample: (T,H,W,C) */
    size_t image_floats;        /* of a frame of the images */
    /* Per sample, 1 + T values: whether the images of any valid frame are beyond -1..1
     * (convlstm__unscaled), and then, by time, whether those of each are. */
    const bool *const *unscaled;
    const size_t *items; /* per sample: its index in the caller's batch */

    /* Per output of the network (net.h), the gradient to the node that its loss is of: (samples,
     * frames, H, W, C). frames is T for a sequence, of which the valid steps alone are used, and 1
     * for a frame or vector; floats are those of a frame. */
    struct {
        float *gradient;
        size_t frames, floats;
    } outputs[CONVLSTM__OUTPUTS];

    /* Per tensor of the model, and behind them per tensor of each layer that shares another's:
     * where its gradient goes; null for one that is not trained.
     *
     * A batch may come in parts. Gradients are written by the first part and added to by the
     * others, in the order of the samples, and complete after the last. */
    float *const *gradients;
    bool first_part, last_part;
    /* Samples before this part's, of the batch, those of the ranks before among them: this and a
     * sample's index in the part add up to its number in the whole batch. */
    size_t before;

    /* Whether a group of processes has a share of the batch each (trainer/shares.h). All above is
     * of this process's share then. Weight gradients are summed over samples only when the last
     * part of the share is done: until then nodes keep what they need for these sums of all `kept`
     * samples of the share, of which this part's begin with number first_kept. Without a group the
     * sums are made part by part: `kept` is max_samples, and first_kept 0. */
    bool divided;
    size_t kept, first_kept;
    /* Samples and valid steps of this part; in a group those of the whole batch. */
    size_t all_samples, all_steps;
    /* In a group: items of the whole batch, so that it has no more samples. */
    size_t all_items;
    /* For convlstm__sum.add: the rows of every rank's samples have been gathered. */
    bool gathered;

    /* The most that any part has: what `reserve` makes room for. */
    size_t max_samples, max_frames;
    int threads;

    /* The seed of this step's dropout. */
    uint64_t dropout_seed;
    /* For tests: factors in place of drawn ones, "LAYER/dropout", a row per item. Null: none. */
    const nbase_archive *dropout_masks;
    /* "LAYER/h", "LAYER/c" (batch, H, W, F), a row per item. Null: states begin at zero. */
    const nbase_archive *initial_state;
} convlstm__batch;

/* A row for each sample, which a group gathers. */
typedef struct convlstm__sample_rows {
    const void *mine; /* of this rank's samples */
    void *all;        /* gets those of all ranks, in the order of the samples */
    size_t bytes;     /* of a row */
} convlstm__sample_rows;

typedef struct convlstm__phase {
    size_t (*tasks)(const convlstm__node *node, const convlstm__batch *batch);
    void (*body)(convlstm__node *node, const convlstm__batch *batch, size_t task, int thread);
    /* Optional: what a group gathers when the tasks are done. The batch is in one part then. */
    convlstm__sample_rows (*rows)(const convlstm__node *node, const convlstm__batch *batch);
} convlstm__phase;

/* Memory for one call of a phase's body, call_bytes of it, aligned to NBASE_ALIGN: the thread's
 * own, which nodes use in turn, so that its contents are undefined when the next call begins. */
void *convlstm__call_memory(const convlstm__node *node, int thread);

/* For `tasks`: one task per sample. */
size_t convlstm__each_sample(const convlstm__node *node, const convlstm__batch *batch);

/* For `tasks`: a single short task, without BLAS, which the calling thread runs, and alone of all
 * tasks also for a share without samples. */
size_t convlstm__once(const convlstm__node *node, const convlstm__batch *batch);

#define CONVLSTM__PHASES 4

/* How a node sums its samples' weight gradients, once its backward phases are done: as a vector of
 * values that are independent of each other, so that any stretch of it is a task of its own. */
typedef struct convlstm__sum {
    /* How many values there are; 0: none. Null: the node has no such sum. */
    size_t (*floats)(const convlstm__node *node);

    /* Adds the samples of this part of the batch, in their order, to values `first` up to
     * first + count - 1; the first part starts them. */
    void (*add)(convlstm__node *node, const convlstm__batch *batch, size_t first, size_t count,
                int thread);

    /* Optional. After the last part: the gradients from the sum, by one thread, while others may do
     * the same for other nodes. */
    void (*finish)(convlstm__node *node, const convlstm__batch *batch);

    /* Where the sum of a batch that is divided lies. */
    float *(*total)(const convlstm__node *node, const convlstm__batch *batch);

    /* Optional: rows of what `add` needs of each sample, of a batch that is divided. Where there is
     * less of them than of the sum, they are gathered, and each rank makes the whole sum. */
    convlstm__sample_rows (*rows)(const convlstm__node *node, const convlstm__batch *batch);
} convlstm__sum;

/* What a node does in training. Every node of a trainer's net has `output` and `gradient`. */
typedef struct convlstm__training {
    /* Optional. Memory for batch->max_samples, max_frames and threads, and node->call_bytes.
     * NBASE_ERR_NOMEM only, and then the node may be asked again. */
    nbase_status (*reserve)(convlstm__node *node, const convlstm__batch *batch);

    /* Run in order, up to one without a body. */
    convlstm__phase forward[CONVLSTM__PHASES], backward[CONVLSTM__PHASES];

    /* Run behind the backward phases. */
    convlstm__sum sum;

    /* The node's output of a step (0 for a frame or vector), and the gradient to its input. Valid
     * until this thread asks this node again. Vectors of consecutive samples lie `channels` floats
     * apart. */
    const float *(*output)(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread);
    const float *(*gradient)(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread);
    /* In place of `gradient`, for a node that merges: that to one of its inputs. */
    const float *(*gradient_to)(const convlstm__node *node, const convlstm__batch *batch,
                                size_t input, size_t sample, size_t step, int thread);

    /* A node that `announces` shows each frame to its neighbours while it is in the cache: its
     * output to the next node, the gradient to its input to the previous one. One task shows a
     * sample's frames, outputs from the first on, gradients from the last. The neighbour's
     * functions are optional. */
    bool announces;
    void (*observe)(convlstm__node *node, const convlstm__batch *batch, size_t sample, size_t step,
                    const float *in, int thread);
    void (*observe_gradient)(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                             size_t step, const float *gradient, int thread);
    /* Optional, of a node that has the two above, in their place: sums over the frame instead of
     * the frame, of C values and then of C products. Of an output they are of x and x * x; of a
     * gradient, of it and of its product with the watching node's input. */
    void (*observe_sums)(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                         size_t step, const double *sums, int thread);
    void (*observe_gradient_sums)(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                                  size_t step, const double *sums, int thread);

    /* Optional. After a successful step: moving statistics go into the model. */
    void (*commit)(convlstm__node *node);
} convlstm__training;

/* ---- state ---- */

/* Nodes that carry something from step to step. Recurrent nodes have all but `sums`; nodes that
 * take a mean over time have `sums` alone; others have none. h and c are NHWC frames. */
typedef struct convlstm__state {
    /* A new sequence in this lane, its state being zero. */
    void (*begin)(const convlstm__node *node, float *lane);

    /* The state after step `step`; `step` SIZE_MAX: before the first one. */
    void (*get)(const convlstm__node *node, const float *lane, size_t step, float *h, float *c);
    void (*set)(const convlstm__node *node, float *lane, size_t step, const float *h,
                const float *c);

    /* The state after a sample's last step in training. */
    void (*trained)(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                    float *h, float *c);

    /* The sums over the steps so far, in.channels of them, in the lane; null if this node has
     * none. */
    double *(*sums)(const convlstm__node *node, float *lane);
} convlstm__state;

/* ---- nodes ---- */

typedef struct convlstm__node_ops {
    /* Optional. What the node is, if that is not what its layer is: "activation", at the end of a
     * dense layer. For the log. */
    const char *name;

    /* Optional. Frees what the node holds, not the node itself. */
    void (*free)(convlstm__node *node);

    /* Optional. Derives from the model's weights what the arithmetic needs; called before the first
     * use and after every change of the weights. */
    void (*prepare)(convlstm__node *node, bool train);

    /* The tensors of the node's layer belong to another of the layer's nodes. */
    bool weightless;

    /* It computes nothing: every value that it gives is one of its first input's, or zero. */
    bool moves_alone;

    /* Whether it takes not the output of `from`, but its state after the last step, by state.get
     * and state.trained (state_node.h). Nothing of `inference` but `output` is there then. */
    enum { CONVLSTM__TAKES_OUTPUT, CONVLSTM__TAKES_H, CONVLSTM__TAKES_C } takes_state;

    convlstm__inference inference;
    convlstm__training training;
    convlstm__state state;
} convlstm__node_ops;

struct convlstm__node {
    const convlstm__node_ops *ops;
    const convlstm__layer *layer;    /* null for a conversion */
    const convlstm__tensor *tensors; /* the layer's, in the model */
    const convlstm__net *net;
    const nbase_env *env;
    convlstm__node *prev, *next; /* in the list */
    /* The nodes whose outputs it takes, input_count of them; null: the images. There are several
     * only of nodes that merge, and of recurrent ones that begin with given states. */
    convlstm__node *from[CONVLSTM__INPUTS];
    size_t input_count;

    /* ---- in a net for training (convlstm__net_link) ---- */

    /* The one node that takes its output, and as which of its inputs; null: none. */
    convlstm__node *to;
    size_t to_input;
    /* In place of `to`: 1 + the number of the network's output whose loss is of this node's
     * output; 0: none. */
    size_t loss;
    /* It does not run: nothing takes what it gives, an activation at the end of the network, as the
     * loss is of logits, which it takes. */
    bool idle;
    /* A recurrent node: the nodes that take its last h and its last c (state_node.h); null:
     * none. */
    convlstm__node *states[2];

    convlstm__shape in, out; /* in: of the first input */
    convlstm__layout in_layout, out_layout;
    /* What inference needs per sequence and per thread. */
    size_t lane_floats, scratch_bytes;
    /* In training, set by `reserve`: what a phase's body needs of convlstm__call_memory. */
    size_t call_bytes;
    /* It ends with a function that has no values beyond -1..1, such as tanh. */
    bool bounded;
    /* In training: whether a node on the way to this one has weights. */
    bool wants_gradient;
    /* In a group: the node whose sum comes after that of this one (trainer/shares.h). */
    convlstm__node *next_sum;
};

/* ---- neighbours, for nodes in training ---- */

/* Whether no value that a node gives is beyond -1..1 as long as none of the images' is; node null:
 * the images themselves. */
bool convlstm__node_bounded(const convlstm__node *node);

/* The batch with the steps of a clock. */
const convlstm__batch *convlstm__batch_on(const convlstm__batch *batch, convlstm__clock clock);

/* The batch with the steps of what a node takes, which its phases get. A node that changes the
 * number of frames finds the steps of what it gives by convlstm__batch_on(batch, out.clock). */
const convlstm__batch *convlstm__batch_of(const convlstm__batch *batch, const convlstm__node *node);

/* Whether the gradient to the node's output is of any use: it has weights, or a node on the way to
 * it. */
bool convlstm__node_learns(const convlstm__node *node);

/* Frames of a value: the valid steps of a sequence, 1 for a frame or vector. */
size_t convlstm__value_frames(const convlstm__batch *batch, const convlstm__shape *shape,
                              size_t sample);

/* One of the node's inputs of a step. */
const float *convlstm__pull_from(const convlstm__node *node, size_t input,
                                 const convlstm__batch *batch, size_t sample, size_t step,
                                 int thread);

/* The first. */
const float *convlstm__pull(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                            size_t step, int thread);

/* The gradient of the loss of output `output` to the node that it is of. */
const float *convlstm__loss_gradient(const convlstm__batch *batch, size_t output, size_t sample,
                                     size_t step);

/* The gradient to the node's output of a step. */
const float *convlstm__pull_gradient(const convlstm__node *node, const convlstm__batch *batch,
                                     size_t sample, size_t step, int thread);

/* The neighbour to which a node that announces shows its outputs, or the gradients to its inputs;
 * null if there is none or it does not look. */
convlstm__node *convlstm__output_watcher(const convlstm__node *node);
convlstm__node *convlstm__gradient_watcher(const convlstm__node *node);

/* Sums of the samples' weight gradients. `rows` has one row per sample, batch->kept of them, and
 * behind them one for the batch; a row begins `room` floats after the one before. For
 * convlstm__sum.add: adds `count` values of the samples' rows, from `first` on, to the batch's. */
void convlstm__sum_samples(const convlstm__batch *batch, float *rows, size_t room, size_t first,
                           size_t count);

/* Adds the samples of a part to values `first` up to first + count - 1 of a node's sum, on all
 * threads of the batch. */
void convlstm__sum_stretch(convlstm__node *node, const convlstm__batch *batch, size_t first,
                           size_t count);

/* Whether the rows of a node's sum are gathered, because there is less of them than of what every
 * rank receives and sends of the sum. Of a batch that is divided. */
bool convlstm__sum_gathers(const convlstm__node *node, const convlstm__batch *batch);

/* ---- a node's tensors and state by name ---- */

/* Tensor i of the node's layer: its values, and their number. */
const float *convlstm__weights(const convlstm__node *node, size_t i);
size_t convlstm__weights_count(const convlstm__node *node, size_t i);

/* The same, to be written by `commit`. */
float *convlstm__state_tensor(const convlstm__node *node, size_t i);

/* Where the gradient of tensor i goes; null if it is not trained. */
float *convlstm__weights_gradient(const convlstm__node *node, const convlstm__batch *batch,
                                  size_t i);

/* "LAYER/h" (which 0) or "LAYER/c" (which 1): into `name`, which is returned. */
const char *convlstm__state_name(const convlstm__node *node, int which, char name[NBASE_MAX_NAME]);

/* The array of that name, or null. `states` may be null. */
const nbase_array *convlstm__state_find(const nbase_archive *states, const convlstm__node *node,
                                        int which);

/* Row `sample` of that array in the batch's initial state (NHWC); null: zero. */
const float *convlstm__initial_state(const convlstm__node *node, const convlstm__batch *batch,
                                     size_t sample, int which);

#endif
