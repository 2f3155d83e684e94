/* winograd_weights.h - internal: the weights of a cell to the Winograd domain, and their gradients
 * back (kernels/winograd.h). */
#ifndef CONVLSTM_WINOGRAD_WEIGHTS_H
#define CONVLSTM_WINOGRAD_WEIGHTS_H

#include "kernels/winograd.h"

/* Where the weights of channel c (x's first, then h's), gate g and filter j begin in their tensor
 * (taps,taps,channels,4F), that of h if *recurrent. The taps are *step floats apart. */
size_t convlstm__winograd_weight_at(const convlstm__winograd *w, size_t c, size_t g, size_t j,
                                    bool *recurrent, size_t *step);

/* Writes the weights of a layer: those of the way forward to `base`, those of the way back to
 * `backward`, which may be null. */
void convlstm__winograd_pack(const convlstm__winograd *w, const float *kernel,
                             const float *recurrent, float *base, float *backward);

/* The gradients in Keras's shapes, which are overwritten, from that in the Winograd domain. */
void convlstm__winograd_finish(const convlstm__winograd *w, const float *wgrad, float *dkernel,
                               float *drecurrent);

#endif
