/* samples.h - internal: a caller's batch without its samples that have no valid frame. */
#ifndef CONVLSTM_SAMPLES_H
#define CONVLSTM_SAMPLES_H

#include "convlstm.h"
#include "layers/node.h"

typedef struct convlstm__samples {
    convlstm__buffer memory; /* of all arrays; released with convlstm__release */
    size_t count;
    /* Per sample: its index in the caller's batch; its images (T,H,W,C), the caller's; its valid
     * steps. */
    size_t *item;
    const float **images;
    bool **unscaled; /* as in convlstm__batch; convlstm__samples_note_unscaled */
    convlstm__steps *steps;
    /* Per sample its steps on each clock; those on CONVLSTM__VALID_FRAMES are `steps`. */
    convlstm__steps *on_clock[CONVLSTM__MAX_CLOCKS];
} convlstm__samples;

/* Fills `samples` from a batch whose frames have `frame_floats` values, for a network of these
 * clocks. What it had before is gone. NBASE_ERR_NOMEM only. */
nbase_status convlstm__samples_fill(const nbase_env *env, convlstm__samples *samples,
                                    const convlstm_batch *in, size_t frame_floats,
                                    const convlstm__clocks *clocks);

/* The valid steps of all samples. */
size_t convlstm__samples_steps(const convlstm__samples *samples);

/* Fills in `unscaled`: of all frames, or of the valid ones alone. Whether any of them are. */
bool convlstm__samples_note_unscaled(const convlstm__samples *samples, size_t frame_floats,
                                     bool every, int threads);

#endif
