#include "frame.h"

#include <string.h>

#include "frame_rows.h"
#include "frame_tiles.h"

/* NHWC frames here; frames of tiles in frame_tiles.c, rows of pairs in frame_rows.c. Sums go row by
 * row into double, so that their order does not depend on the machine. */

size_t convlstm__frame_floats(const convlstm__layout *layout, size_t channels)
{
    switch (layout->form) {
    case CONVLSTM__TILES: return convlstm__tiles_floats(layout, channels);
    case CONVLSTM__ROWS: return convlstm__rows_floats(layout, channels);
    case CONVLSTM__NHWC: break;
    }
    return layout->height * layout->width * channels;
}

void convlstm__frame_from_nhwc(const convlstm__layout *layout, size_t channels, const float *nhwc,
                               float *frame)
{
    convlstm__frame_from_nhwc_part(layout, channels, nhwc, frame, 0, 1);
}

void convlstm__frame_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                    const float *nhwc, float *frame, size_t part, size_t parts)
{
    if (layout->form == CONVLSTM__TILES)
        convlstm__tiles_from_nhwc_part(layout, channels, nhwc, frame, part, parts);
    else if (layout->form == CONVLSTM__ROWS)
        convlstm__rows_from_nhwc_part(layout, channels, nhwc, frame, part, parts);
    else if (part == 0)
        memcpy(frame, nhwc, convlstm__frame_floats(layout, channels) * sizeof *frame);
}

void convlstm__frame_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                             float *nhwc)
{
    if (layout->form == CONVLSTM__TILES)
        convlstm__tiles_to_nhwc(layout, channels, frame, nhwc);
    else if (layout->form == CONVLSTM__ROWS)
        convlstm__rows_to_nhwc(layout, channels, frame, nhwc);
    else
        memcpy(nhwc, frame, convlstm__frame_floats(layout, channels) * sizeof *nhwc);
}

static void affine_pixels(size_t pixels, size_t channels, const float *in, const float *scale,
                          const float *shift, float *out)
{
    for (size_t p = 0; p < pixels; p++, in += channels, out += channels)
        for (size_t c = 0; c < channels; c++) out[c] = scale[c] * in[c] + shift[c];
}

void convlstm__frame_affine(const convlstm__layout *layout, size_t channels, const float *in,
                            const float *scale, const float *shift, float *out)
{
    convlstm__frame_affine_part(layout, channels, in, scale, shift, out, 0, 1);
}

void convlstm__frame_affine_part(const convlstm__layout *layout, size_t channels, const float *in,
                                 const float *scale, const float *shift, float *out, size_t part,
                                 size_t parts)
{
    if (layout->form == CONVLSTM__ROWS) {
        convlstm__rows_affine_part(layout, channels, in, scale, shift, out, part, parts);
        return;
    }
    const bool tiles = layout->form == CONVLSTM__TILES;
    size_t items = tiles ? channels : layout->height * layout->width; /* planes, or pixels */
    size_t first = items * part / parts, count = items * (part + 1) / parts - first;
    if (!count) return;
    size_t at = first * (tiles ? convlstm__tiles_plane(layout) : channels);
    if (tiles)
        convlstm__tiles_affine(layout, count, first + count == items, in + at, scale + first,
                               shift + first, out + at);
    else
        affine_pixels(count, channels, in + at, scale, shift, out + at);
}

void convlstm__frame_moments(const convlstm__layout *layout, size_t channels, const float *in,
                             double *sum, double *sum_sq)
{
    if (layout->form == CONVLSTM__TILES) {
        convlstm__tiles_moments(layout, channels, in, sum, sum_sq);
        return;
    }
    if (layout->form == CONVLSTM__ROWS) {
        convlstm__rows_moments(layout, channels, in, sum, sum_sq);
        return;
    }
    for (size_t p = 0; p < layout->height * layout->width; p++, in += channels)
        for (size_t c = 0; c < channels; c++) {
            sum[c] += in[c];
            sum_sq[c] += (double)in[c] * in[c];
        }
}

void convlstm__frame_dot(const convlstm__layout *layout, size_t channels, const float *a,
                         const float *b, double *sum_a, double *sum_ab)
{
    if (layout->form == CONVLSTM__TILES) {
        convlstm__tiles_dot(layout, channels, a, b, sum_a, sum_ab);
        return;
    }
    for (size_t p = 0; p < layout->height * layout->width; p++, a += channels, b += channels)
        for (size_t c = 0; c < channels; c++) {
            sum_a[c] += a[c];
            sum_ab[c] += (double)a[c] * b[c];
        }
}

void convlstm__frame_combine(const convlstm__layout *layout, size_t channels, const float *a,
                             const float *b, const float *p, const float *q, const float *r,
                             float *out)
{
    if (layout->form == CONVLSTM__TILES) {
        convlstm__tiles_combine(layout, channels, a, b, p, q, r, out);
        return;
    }
    for (size_t i = 0; i < layout->height * layout->width;
         i++, a += channels, b += channels, out += channels)
        for (size_t c = 0; c < channels; c++) out[c] = p[c] * a[c] + q[c] * b[c] + r[c];
}
