/* winograd_sums.h - sums over the pixels of a frame, which BatchNormalization wants, made while the
 * pixels are at hand: of a value, and of its product with another, per channel.
 *
 * The 16 pixels of a tile are summed in fp32, lane by lane; all else in double, lane by lane over
 * the vectors and then over the lanes. So there is one order for all ways through a frame. For
 * templates. */
#ifndef CONVLSTM_WINOGRAD_SUMS_H
#define CONVLSTM_WINOGRAD_SUMS_H

#include <string.h>

#include "vec.h"
#include "winograd.h"

/* Of a vector of tiles. */
typedef struct pixel_sums {
    vec value, product;
} pixel_sums;

INLINE pixel_sums no_pixels(void) { return (pixel_sums){v_set(0.0f), v_set(0.0f)}; }

INLINE void add_pixel(pixel_sums *sums, vec a, vec b)
{
    sums->value = v_add(sums->value, a);
    sums->product = v_fma(a, b, sums->product);
}

/* Sums so far, in the scratch: [channel][value, product][LANES]. */
INLINE double *lane_sums(const convlstm__winograd *w, float *scratch)
{
    return (double *)(scratch + w->sums_at);
}

INLINE void clear_lane_sums(double *sums, size_t channels)
{
    memset(sums, 0, channels * 2 * LANES * sizeof *sums);
}

/* Adds those of a vector of tiles to a channel's. */
INLINE void add_lanes(double *of_channel, pixel_sums more)
{
    float lanes[2 * LANES] __attribute__((aligned(64)));
    v_store(lanes, more.value);
    v_store(lanes + LANES, more.product);
    for (int i = 0; i < 2 * LANES; i++) of_channel[i] += lanes[i];
}

/* The channels' sums of values, then those of products. */
INLINE void sum_lanes(const double *sums, size_t channels, double *out)
{
    for (size_t c = 0; c < channels; c++, sums += 2 * LANES) {
        out[c] = out[channels + c] = 0;
        for (int i = 0; i < LANES; i++) {
            out[c] += sums[i];
            out[channels + c] += sums[LANES + i];
        }
    }
}

#endif
