/* frame.h - internal: what the engine does with frames in any layout (convlstm__layout of cell.h).
 * Padding and halo of a layout hold zeros after every function here; no result depends on them. All
 * sums run in one fixed order. */
#ifndef CONVLSTM_FRAME_H
#define CONVLSTM_FRAME_H

#include "cell.h"

/* Floats of a frame with C channels, halo and padding included. */
size_t convlstm__frame_floats(const convlstm__layout *layout, size_t channels);
/* The whole buffer is written. nhwc is (H,W,C). */
void convlstm__frame_from_nhwc(const convlstm__layout *layout, size_t channels, const float *nhwc,
                               float *frame);
void convlstm__frame_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                             float *nhwc);
/* out = scale[c] * in + shift[c] at every pixel, zero in halo and padding; out may be in.
 * BatchNormalization's forward. */
void convlstm__frame_affine(const convlstm__layout *layout, size_t channels, const float *in,
                            const float *scale, const float *shift, float *out);
/* sum[c] += in, sum_sq[c] += in^2 over all pixels. */
void convlstm__frame_moments(const convlstm__layout *layout, size_t channels, const float *in,
                             double *sum, double *sum_sq);
/* sum_a[c] += a, sum_ab[c] += a*b over all pixels. BatchNormalization's backward, first pass. */
void convlstm__frame_dot(const convlstm__layout *layout, size_t channels, const float *a,
                         const float *b, double *sum_a, double *sum_ab);
/* out = p[c]*a + q[c]*b + r[c] at every pixel; out may be a. BatchNormalization's backward, second
 * pass. */
void convlstm__frame_combine(const convlstm__layout *layout, size_t channels, const float *a,
                             const float *b, const float *p, const float *q, const float *r,
                             float *out);
/* out += in. */
void convlstm__frame_add(const convlstm__layout *layout, size_t channels, const float *in,
                         float *out);

/* The same for a share of the frame, so that a team can divide it: parts 0..parts-1 together write
 * the whole, at the same bits for any number of parts. */
void convlstm__frame_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                    const float *nhwc, float *frame, size_t part, size_t parts);
void convlstm__frame_affine_part(const convlstm__layout *layout, size_t channels, const float *in,
                                 const float *scale, const float *shift, float *out, size_t part,
                                 size_t parts);

#endif
