/* states.h - internal: the states h and c of recurrent layers as archives: "LAYER/h", "LAYER/c",
 * float32 (H,W,F), or (batch,H,W,F). */
#ifndef CONVLSTM_STATES_H
#define CONVLSTM_STATES_H

#include "layers/net.h"
#include "model.h"

/* Which layers an archive is for. */
typedef enum convlstm__states_of {
    CONVLSTM__EVERY_LAYER,
    CONVLSTM__RETURNED, /* those with return_state */
    CONVLSTM__STATEFUL  /* those that are stateful */
} convlstm__states_of;

/* Whether a node is that of such a layer. */
bool convlstm__node_in(const convlstm__node *node, convlstm__states_of which);

/* Whether the model has such a layer. */
bool convlstm__model_has(const convlstm_model *m, convlstm__states_of which);

/* Zeros for these layers. batch 0: without the batch axis. The caller frees *out with
 * nbase_archive_free. NBASE_ERR_NOMEM only. */
nbase_status convlstm__states_create(const nbase_env *env, const convlstm__net *net,
                                     convlstm__states_of which, size_t batch, nbase_archive **out);

/* Checks an archive: float32, of the net's shapes, h and c together.
 *
 * complete: every recurrent layer must be there.
 * others:   arrays that no recurrent layer has are allowed.
 * what:     begins the message. */
nbase_status convlstm__states_check(const nbase_archive *states, const convlstm__net *net,
                                    size_t batch, bool complete, bool others, const char *what,
                                    nbase_error *err);

#endif
