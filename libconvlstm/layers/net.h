/* net.h - internal: the nodes of a network at one image size, in the order in which they compute.
 *
 * model/build.h makes a net of a model: each layer's `build` appends its nodes with
 * convlstm__net_add. */
#ifndef CONVLSTM_NET_H
#define CONVLSTM_NET_H

#include "node.h"

/* Which backend the recurrent cells use: the best there is, or one that a test names. */
typedef enum convlstm__backend {
    CONVLSTM__BACKEND_BEST,
    CONVLSTM__BACKEND_GENERAL,
    CONVLSTM__BACKEND_DIRECT, /* inference only */
    CONVLSTM__BACKEND_WINOGRAD
} convlstm__backend;

typedef struct convlstm__backend_choice {
    convlstm__backend backend;
    nbase_isa isa;
    bool bf16;          /* of convlstm__cell_desc, with `train` of the trainer's option; false */
    bool compact_gates; /* of convlstm__cell_desc; false */
    bool gates_again;   /* the same, where a layer takes less memory for it; false */
    /* Set by a trainer, to convlstm__cell_training_all: layers need what only training needs. */
    const convlstm__cell_training *train;
    /* Of a trainer: bit k says that the loss of output k is of what its last activation takes. */
    unsigned logits;
    bool unfused; /* for tests: the plan runs each node on its own; false */
} convlstm__backend_choice;

/* The best, for nbase_isa_active(). */
convlstm__backend_choice convlstm__backend_default(void);

struct convlstm__net {
    nbase_env env;
    /* The model's. Their values are read, and written by `commit` in a trainer's net. */
    const convlstm__tensor *tensors;
    convlstm__backend_choice backend;
    const convlstm__clocks *clocks; /* the model's */
    size_t height, width;           /* of an image; of several inputs, of the first's */
    convlstm__layout images;        /* of what the caller gives */
    convlstm__node *first, *last;
    /* The nodes that give what the network gives. */
    convlstm__node *outputs[CONVLSTM__OUTPUTS];
    size_t output_count;
    /* In a net for training, the nodes that their losses are of, and the memory of
     * convlstm__call_memory, call_room bytes for each thread. */
    convlstm__node *losses[CONVLSTM__OUTPUTS];
    convlstm__buffer call_memory;
    size_t call_room;
    /* While it is built: the outputs that the layer takes, layer->input_count of them, of which the
     * next node takes the first; null: the images. After a layer: its output. */
    convlstm__node *at[CONVLSTM__INPUTS];
    convlstm__shape in[CONVLSTM__INPUTS]; /* their shapes */
    /* The version of the weights that `prepare` has seen. */
    uint64_t prepared;
    bool was_prepared;
    /* Set by the caller of convlstm__net_prepare: layers that have other transforms for images
     * beyond -1..1 prepare their weights for these, too. */
    bool prepares_fine, prepared_fine;
};

/* Frees the net and its nodes. null is allowed. */
void convlstm__net_free(convlstm__net *net);

/* Lets the nodes derive what they need from the weights, if those have another version than the
 * last time. With `train` they do so on several threads; else in their order, as some derive it
 * from what nodes before them have derived. */
void convlstm__net_prepare(convlstm__net *net, uint64_t version, bool train, int threads);

/* In a net for training, once the nodes have reserved what is theirs: the memory that they share,
 * for so many threads. NBASE_ERR_NOMEM only. */
nbase_status convlstm__net_reserve_calls(convlstm__net *net, int threads);

/* ---- for `build` ---- */

/* Appends a cleared node of `size` bytes that takes net->at[0], and before it a conversion if
 * `in_layout` differs from that one's layout; net->at[0] is the new node then. The layout of
 * vectors is {1, 1, 0}. Null if there is no memory. */
convlstm__node *convlstm__net_add(convlstm__net *net, size_t size, const convlstm__node_ops *ops,
                                  const convlstm__layer *layer, const convlstm__shape *in,
                                  const convlstm__layout *in_layout, const convlstm__shape *out,
                                  const convlstm__layout *out_layout);

/* Appends a node that converts the frames of net->at[0], of the shape *in, to another layout
 * (convert.c), if they do not have it. NBASE_ERR_NOMEM only. */
nbase_status convlstm__net_convert(convlstm__net *net, const convlstm__shape *in,
                                   const convlstm__layout *to);

/* The layout of the frames of net->at[0]. */
convlstm__layout convlstm__net_layout(const convlstm__net *net);

/* Links the nodes of a net for training by `to`, with forks where several take one's output.
 * NBASE_ERR_NOMEM only. */
nbase_status convlstm__net_link(convlstm__net *net);

/* A cell of the backend that the net is to use, reported to the log under the layer's name. */
nbase_status convlstm__net_cell(const convlstm__net *net, const char *layer,
                                const convlstm__cell_desc *desc, convlstm__cell **out);

/* Whether its layers compute in bfloat16 on tiles: the direct backend, or the best where there is a
 * tile unit. */
bool convlstm__net_tiles(const convlstm__net *net);

#endif
