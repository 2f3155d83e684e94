/* frame_tiles.h - internal: frame.h's operations on frames of tiles (kernels/tiles.h). frame.c
 * calls these where a layout has lanes. A frame has one plane per channel, in order: channel c's
 * begins c * convlstm__tiles_plane(layout) floats after the first one's. */
#ifndef CONVLSTM_FRAME_TILES_H
#define CONVLSTM_FRAME_TILES_H

#include "frame.h"

size_t convlstm__tiles_floats(const convlstm__layout *layout, size_t channels);
size_t convlstm__tiles_plane(const convlstm__layout *layout);
void convlstm__tiles_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                    const float *nhwc, float *frame, size_t part, size_t parts);
void convlstm__tiles_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                             float *nhwc);
/* Of some channels of a frame; `last`: the last ones. */
void convlstm__tiles_affine(const convlstm__layout *layout, size_t channels, bool last,
                            const float *in, const float *scale, const float *shift, float *out);
void convlstm__tiles_moments(const convlstm__layout *layout, size_t channels, const float *in,
                             double *sum, double *sum_sq);
void convlstm__tiles_dot(const convlstm__layout *layout, size_t channels, const float *a,
                         const float *b, double *sum_a, double *sum_ab);
void convlstm__tiles_combine(const convlstm__layout *layout, size_t channels, const float *a,
                             const float *b, const float *p, const float *q, const float *r,
                             float *out);

/* Pooling by 2x2 with stride 2 of a frame of layout *from: the largest of each window, or of what
 * lies within the frame, NaN before all. *to has half its height and width, rounded up or down.
 * A share, as of convlstm__frame_from_nhwc. */
void convlstm__tiles_halve_part(const convlstm__layout *from, const convlstm__layout *to,
                                size_t channels, const float *in, float *out, size_t part,
                                size_t parts);

#endif
