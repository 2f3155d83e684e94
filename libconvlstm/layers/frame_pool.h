/* frame_pool.h - internal: each frame of a sequence as its mean or maximum per channel. */
#ifndef CONVLSTM_FRAME_POOL_H
#define CONVLSTM_FRAME_POOL_H

#include "net.h"

/* Appends a node that gives for each frame, or for one frame, the mean or the maximum of each
 * channel over its pixels, as a vector. NBASE_ERR_NOMEM only. */
nbase_status convlstm__frame_pool_build(convlstm__net *net, const convlstm__layer *layer,
                                        const convlstm__shape *in, const convlstm__shape *out,
                                        bool maximum);

#endif
