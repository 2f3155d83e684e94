#include "frame_rows.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "kernels/rows.h"

static convlstm__rows rows_of(const convlstm__layout *l, size_t channels)
{
    return convlstm__rows_of(l->height, l->width, channels, l->reach, l->spread);
}

/* Frames of this form are there only where a session has asked for bfloat16. */
static const convlstm__direct_kernels *kernels(void)
{
    return convlstm__kernels_for(nbase__amx() ? NBASE_ISA_AVX512 : NBASE_ISA_REF).direct;
}

static convlstm__units share_of(const convlstm__rows *r, size_t part, size_t parts)
{
    return (convlstm__units){r->height * part / parts, r->height * (part + 1) / parts};
}

size_t convlstm__rows_floats(const convlstm__layout *layout, size_t channels)
{
    return rows_of(layout, channels).words;
}

void convlstm__rows_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                   const float *nhwc, float *frame, size_t part, size_t parts)
{
    const convlstm__rows r = rows_of(layout, channels);
    kernels()->from_nhwc(&r, nhwc, NULL, frame, share_of(&r, part, parts));
    convlstm__rows_clear_around(&r, part == 0, part == 0, frame);
}

void convlstm__rows_affine_part(const convlstm__layout *layout, size_t channels, const float *in,
                                const float *scale, const float *shift, float *out, size_t part,
                                size_t parts)
{
    const convlstm__rows r = rows_of(layout, channels);
    kernels()->affine(&r, in, scale, shift, out, share_of(&r, part, parts));
    convlstm__rows_clear_around(&r, part == 0, part == 0, out);
}

/* A row's values of a channel are `x` given by convlstm__rows_lane, in words from here on; with the
 * channel's half of the word. A spread pixel's own channels are those of its middle neighbour. */
static const float *channel_row(const convlstm__rows *r, const float *frame, size_t y, size_t c,
                                size_t *half)
{
    const size_t e = c + (r->spread ? r->reach * r->channels : 0);
    *half = e % 2;
    return frame + convlstm__rows_at(r, y, e / 2);
}

static float value_at(const convlstm__rows *r, const float *row, size_t half, size_t x)
{
    uint16_t halves[2];
    memcpy(halves, row + convlstm__rows_lane(r, x), sizeof halves);
    return convlstm__of_bf16(halves[half]);
}

void convlstm__rows_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                            float *nhwc)
{
    const convlstm__rows r = rows_of(layout, channels);
    kernels()->to_nhwc(&r, frame, NULL, nhwc, share_of(&r, 0, 1));
}

void convlstm__rows_moments(const convlstm__layout *layout, size_t channels, const float *in,
                            double *sum, double *sum_sq)
{
    const convlstm__rows r = rows_of(layout, channels);
    for (size_t y = 0; y < r.height; y++)
        for (size_t c = 0; c < channels; c++) {
            size_t half;
            const float *row = channel_row(&r, in, y, c, &half);
            for (size_t x = 0; x < r.width; x++) {
                double v = value_at(&r, row, half, x);
                sum[c] += v;
                sum_sq[c] += v * v;
            }
        }
}
