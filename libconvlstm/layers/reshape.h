/* reshape.h - internal: frames that keep their values and get another shape. */
#ifndef CONVLSTM_RESHAPE_H
#define CONVLSTM_RESHAPE_H

#include "net.h"

/* Appends a node that copies its input, NHWC, to frames (or a vector) of another shape with as many
 * values. NBASE_ERR_NOMEM only. */
nbase_status convlstm__reshape_build(convlstm__net *net, const convlstm__layer *layer,
                                     const convlstm__shape *in, const convlstm__shape *out);

#endif
