/* tile_pool.h - internal: at inference, MaxPooling2D of 2x2 with stride 2 on frames of tiles, so
 * that a network of ConvLSTM2D layers with pooling between them needs no conversion. */
#ifndef CONVLSTM_TILE_POOL_H
#define CONVLSTM_TILE_POOL_H

#include "net.h"

/* Whether the frames that the next node takes are such that this node can pool them. */
bool convlstm__tile_pool_suits(const convlstm__net *net);

/* Appends the node. NBASE_ERR_NOMEM only. */
nbase_status convlstm__tile_pool_build(convlstm__net *net, const convlstm__layer *layer,
                                       const convlstm__shape *in, const convlstm__shape *out);

#endif
