/* batch.h - internal: a caller's batch without its samples that have no valid frame. */
#ifndef CONVLSTM_BATCH_H
#define CONVLSTM_BATCH_H

#include "../layers/node.h"
#include "convlstm.h"

typedef struct convlstm__batch {
    convlstm__buffer memory; /* of all arrays; released with convlstm__release */
    size_t samples;
    /* Per sample: its index in the caller's batch; its images (T,H,W,C), the caller's; its valid
     * steps. */
    size_t *item;
    const float **images;
    convlstm__steps *steps;
} convlstm__batch;

/* Fills b from a batch whose frames have `frame_floats` values. What it had before is gone.
 * NBASE_ERR_NOMEM only. */
nbase_status convlstm__batch_fill(const nbase_env *env, convlstm__batch *b,
                                  const convlstm_batch *in, size_t frame_floats);

#endif
