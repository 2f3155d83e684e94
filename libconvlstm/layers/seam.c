/* Stands in for the tiled backend where kernels/ has none: its definitions, strong ones, take the place of these. Without it no cell asks for
 * a layout with lanes, so that the frame functions are never reached. */
#include "frame.h"

#define WEAK __attribute__((weak))

WEAK nbase_status convlstm__cell_create_winograd(const nbase_env *env, const convlstm__cell_desc *desc, nbase_isa isa, convlstm__cell **out)
{
    (void)env, (void)desc, (void)isa, (void)out;
    return NBASE_ERR_UNSUPPORTED;
}

WEAK size_t convlstm__tiles_floats(const convlstm__layout *layout, size_t channels)
{
    (void)layout, (void)channels;
    return 0;
}

WEAK void convlstm__tiles_from_nhwc(const convlstm__layout *layout, size_t channels, const float *nhwc, float *frame)
{
    (void)layout, (void)channels, (void)nhwc, (void)frame;
}

WEAK void convlstm__tiles_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame, float *nhwc)
{
    (void)layout, (void)channels, (void)nhwc, (void)frame;
}

WEAK void convlstm__tiles_affine(const convlstm__layout *layout, size_t channels, const float *in, const float *scale, const float *shift, float *out)
{
    (void)layout, (void)channels, (void)in, (void)scale, (void)shift, (void)out;
}

WEAK void convlstm__tiles_moments(const convlstm__layout *layout, size_t channels, const float *in, double *sum, double *sum_sq)
{
    (void)layout, (void)channels, (void)in, (void)sum, (void)sum_sq;
}

WEAK void convlstm__tiles_dot(const convlstm__layout *layout, size_t channels, const float *a, const float *b, double *sum_a, double *sum_ab)
{
    (void)layout, (void)channels, (void)a, (void)b, (void)sum_a, (void)sum_ab;
}

WEAK void convlstm__tiles_combine(const convlstm__layout *layout, size_t channels, const float *a, const float *b, const float *p, const float *q,
                                  const float *r, float *out)
{
    (void)layout, (void)channels, (void)a, (void)b, (void)p, (void)q, (void)r, (void)out;
}

WEAK void convlstm__tiles_add(const convlstm__layout *layout, size_t channels, const float *in, float *out)
{
    (void)layout, (void)channels, (void)in, (void)out;
}
