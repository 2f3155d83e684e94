/* dense_frames.h - internal: Dense over the channels of every pixel. */
#ifndef CONVLSTM_DENSE_FRAMES_H
#define CONVLSTM_DENSE_FRAMES_H

#include "net.h"

/* Appends the node of a dense layer (tensors kernel and perhaps bias) for a frame, or for each
 * frame or vector of a sequence. NBASE_ERR_NOMEM only. */
nbase_status convlstm__dense_frames_build(convlstm__net *net, const convlstm__layer *layer,
                                          const convlstm__shape *in, const convlstm__shape *out);

#endif
