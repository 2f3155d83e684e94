/* ssim.h - internal: the structural similarity of frames as a loss. */
#ifndef CONVLSTM_SSIM_H
#define CONVLSTM_SSIM_H

#include "trainer.h"

/* The side of the window: smaller frames have no similarity. */
#define CONVLSTM__SSIM_WINDOW 11

/* Makes room for frames of output k, on each thread (t->ssim). NBASE_ERR_SHAPE: they are too small,
 * or no frames; the text is in t->error. */
nbase_status convlstm__ssim_ready(convlstm_trainer *t, size_t k, const convlstm__shape *shape);

/* A thread's scratch. */
double *convlstm__ssim_of_thread(const convlstm_trainer *t, int thread);

/* 1 less the structural similarity of two frames (H,W,C), times `weight`: Wang et al. 2004, with a
 * Gaussian window (sigma 1.5) that lies wholly inside, mean over its places and the channels, for
 * values of 0 to 1, as 1 - tf.image.ssim(a, b, 1).
 *
 * gradient: (H,W,C), written: the derivative with respect to `a`. May be null. */
double convlstm__ssim(const convlstm__shape *shape, const float *a, const float *b, double weight,
                      float *gradient, double *scratch);

#endif
