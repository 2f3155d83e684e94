/* layers_ref.h - the layers of the three networks in plain C, on planes (channels, height,
 * width). */
#ifndef MTCNN_LAYERS_REF_H
#define MTCNN_LAYERS_REF_H

#include "net_kernels.h"

/* out (l->out, h - side + 1, w - side + 1) = prelu(in (l->in, h, w) cross-correlated with the
 * kernel, + bias). */
void mtcnn__conv_ref(const mtcnn__layer *l, const float *in, size_t h, size_t w, float *out);
/* Maximum of side x side windows two apart; a window that starts inside but ends outside is cut.
 * partial: such windows count (TensorFlow's "same" on these sizes, Caffe's rounding up); otherwise
 * only whole ones do ("valid"). out (channels, mtcnn__pooled(h), mtcnn__pooled(w)). */
void mtcnn__pool_ref(const float *in, size_t channels, size_t h, size_t w, size_t side,
                     bool partial, float *out);
size_t mtcnn__pooled(size_t n, size_t side, bool partial);
/* out[k] = prelu(sum of in[i] kernel[i][k] + bias[k]); in (l->in). */
void mtcnn__dense_ref(const mtcnn__layer *l, const float *in, float *out);

#endif
