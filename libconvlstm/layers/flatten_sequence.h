/* flatten_sequence.h - internal: all frames of a sequence as one vector. */
#ifndef CONVLSTM_FLATTEN_SEQUENCE_H
#define CONVLSTM_FLATTEN_SEQUENCE_H

#include "net.h"

/* Appends a node that gives a sequence of in->frames frames as a vector: their values, one frame
 * behind the other. A masked frame repeats the one before it; those before the first valid one are
 * zeros. NBASE_ERR_NOMEM only. */
nbase_status convlstm__flatten_sequence_build(convlstm__net *net, const convlstm__layer *layer,
                                              const convlstm__shape *in,
                                              const convlstm__shape *out);

#endif
