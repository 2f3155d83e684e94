/* net.h - internal: a model's nodes for one image size. */
#ifndef CONVLSTM_NET_H
#define CONVLSTM_NET_H

#include "../layers/node.h"
#include "model.h"

/* Which backend the recurrent cells use: the best there is, or one that a test names. */
typedef enum convlstm__backend {
    CONVLSTM__BACKEND_BEST,
    CONVLSTM__BACKEND_GENERAL,
    CONVLSTM__BACKEND_WINOGRAD
} convlstm__backend;

typedef struct convlstm__backend_choice {
    convlstm__backend backend;
    nbase_isa isa;
    bool bf16;          /* of convlstm__cell_desc; false */
    bool compact_gates; /* of convlstm__cell_desc; false */
    bool train;         /* set by a trainer: layers need what only training needs */
} convlstm__backend_choice;

/* The best, for nbase_isa_active(). */
convlstm__backend_choice convlstm__backend_default(void);

struct convlstm__net {
    nbase_env env;
    const convlstm_model *model; /* the tensors' values are read, and by a trainer's net written */
    convlstm__backend_choice backend;
    size_t height, width;
    convlstm__node *first, *last;
    convlstm__node *head; /* the first node whose input is not a sequence; null: none */
    /* the first node that looks at frames to come (infer_whole); null: none */
    convlstm__node *ahead;
    size_t whole_floats;  /* what those nodes take and give, a frame */
    size_t lane_floats;   /* all nodes' */
    size_t scratch_bytes; /* the largest of the nodes' */
    uint64_t prepared;    /* model version that `prepare` has seen */
    bool was_prepared;
};

/* *out is freed with convlstm__net_free. Nothing is prepared yet. */
nbase_status convlstm__net_create(const convlstm_model *m, convlstm__backend_choice backend,
                                  size_t height, size_t width, convlstm__net **out,
                                  nbase_error *err);
void convlstm__net_free(convlstm__net *net); /* null is allowed */
/* Derives from the weights what nodes need, if they changed since the last time. */
void convlstm__net_prepare(convlstm__net *net, bool train);

#endif
