/* states.h - internal: the states h and c of recurrent layers as archives: "LAYER/h", "LAYER/c",
 * float32 (H,W,F), or with a batch axis before it. */
#ifndef CONVLSTM_STATES_H
#define CONVLSTM_STATES_H

#include "../layers/net.h"
#include "model.h"

/* Which layers an archive is for. */
typedef enum convlstm__states_of {
    CONVLSTM__EVERY_LAYER,
    CONVLSTM__RETURNED,
    CONVLSTM__STATEFUL
} convlstm__states_of;

bool convlstm__node_in(const convlstm__node *node, convlstm__states_of which);
/* Whether the model has such a layer. */
bool convlstm__model_has(const convlstm_model *m, convlstm__states_of which);

/* Zeros for these layers; batch 0: without the batch axis. NBASE_ERR_NOMEM only. */
nbase_status convlstm__states_create(const nbase_env *env, const convlstm__net *net,
                                     convlstm__states_of which, size_t batch, nbase_archive **out);
/* Checks an archive for these layers: float32, of the net's shapes. `complete`: every one must be
 * there. An array that no recurrent layer of the net has is an error, unless `others` is true.
 * `what` begins the message. */
nbase_status convlstm__states_check(const nbase_archive *states, const convlstm__net *net,
                                    size_t batch, bool complete, bool others, const char *what,
                                    nbase_error *err);

#endif
