/* global_pool.h - internal: layers that give a vector for a frame, and for a sequence either one
 * vector or one for each frame. */
#ifndef CONVLSTM_GLOBAL_POOL_H
#define CONVLSTM_GLOBAL_POOL_H

#include "layer.h"

/* Whether such a layer gives a vector for each frame of a sequence: Keras's TimeDistributed. */
typedef struct convlstm__each_frame {
    convlstm__layer base;
    bool each_frame;
} convlstm__each_frame;

extern const convlstm__field convlstm__each_frame_fields[];

/* The output of global pooling. */
convlstm__shape convlstm__global_pool_shape(const convlstm__layer *layer,
                                            const convlstm__shape *in);

#endif
