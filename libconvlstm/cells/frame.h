/* frame.h - internal: operations on frames in every layout (convlstm__layout of cell.h).
 *
 * `frame` and every other array without a name for its layout is a whole frame with its halo and
 * padding, convlstm__frame_floats floats, aligned to NBASE_ALIGN. Halo and padding hold zeros after
 * each function here, and no result depends on them. Frames of pairs of bfloat16 keep each value
 * rounded, and are for inference: frame_combine and frame_dot do not take them. Sums run in one
 * fixed order, so that results are the same on every machine with the same layout. */
#ifndef CONVLSTM_FRAME_H
#define CONVLSTM_FRAME_H

#include "cell.h"

/* Floats of a frame with so many channels, halo and padding included. */
size_t convlstm__frame_floats(const convlstm__layout *layout, size_t channels);

/* ---- conversion; nhwc is (H,W,C) ---- */

/* Writes the whole frame. */
void convlstm__frame_from_nhwc(const convlstm__layout *layout, size_t channels, const float *nhwc,
                               float *frame);

void convlstm__frame_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                             float *nhwc);

/* A share of convlstm__frame_from_nhwc, for a team of threads: parts 0..parts-1 together write the
 * whole frame, with the same bits for any number of parts. */
void convlstm__frame_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                    const float *nhwc, float *frame, size_t part, size_t parts);

/* ---- maps ---- */

/* out = scale[c] * in + shift[c] at every pixel of channel c; out may be in. BatchNormalization's
 * forward pass. */
void convlstm__frame_affine(const convlstm__layout *layout, size_t channels, const float *in,
                            const float *scale, const float *shift, float *out);

/* A share of it, as of convlstm__frame_from_nhwc. */
void convlstm__frame_affine_part(const convlstm__layout *layout, size_t channels, const float *in,
                                 const float *scale, const float *shift, float *out, size_t part,
                                 size_t parts);

/* out = p[c] * a + q[c] * b + r[c] at every pixel of channel c; out may be a. The second pass of
 * BatchNormalization's backward. */
void convlstm__frame_combine(const convlstm__layout *layout, size_t channels, const float *a,
                             const float *b, const float *p, const float *q, const float *r,
                             float *out);

/* ---- sums over all pixels, per channel; they are added to what is there ---- */

/* sum[c] += in, sum_sq[c] += in * in. */
void convlstm__frame_moments(const convlstm__layout *layout, size_t channels, const float *in,
                             double *sum, double *sum_sq);

/* sum_a[c] += a, sum_ab[c] += a * b. The first pass of BatchNormalization's backward. */
void convlstm__frame_dot(const convlstm__layout *layout, size_t channels, const float *a,
                         const float *b, double *sum_a, double *sum_ab);

#endif
