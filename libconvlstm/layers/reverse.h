/* reverse.h - internal: the node that turns a sequence round, before a layer with go_backwards. */
#ifndef CONVLSTM_REVERSE_H
#define CONVLSTM_REVERSE_H

#include "net.h"

/* Appends the node. NBASE_ERR_NOMEM only. */
nbase_status convlstm__reverse_build(convlstm__net *net, const convlstm__layer *layer,
                                     const convlstm__shape *in);

#endif
