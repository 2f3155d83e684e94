/* winograd_pairs.h - what the products multiply: floats or, with BF16, pairs of bfloat16, of
 * channels 2k and 2k+1. For templates; parameters TAPS and BF16 (0 or 1). */
#ifndef CONVLSTM_WINOGRAD_PAIRS_H
#define CONVLSTM_WINOGRAD_PAIRS_H

#include "vec.h"
#include "winograd_transform.h"

#ifndef BF16
#error "BF16 must be 0 or 1"
#endif

#if !BF16
#define PRODUCT(a, b, sum) v_fma(a, b, sum)
#define PRODUCT_AT(a, b, sum) v_fma(v_set(*(a)), b, sum) /* a float, broadcast */
#else
#define PRODUCT(a, b, sum) v_dot_bf16(a, b, sum) /* of a pair: the sum of its two */
#define PRODUCT_AT(a, b, sum) v_dot_bf16_at(a, b, sum)

/* Channel k of x and h stacked, of the tiles of a vector. */
INLINE const float *channel_at(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                               size_t vector, size_t k)
{
    const float *plane = k < w->channels ? s->x + k * w->tiles.plane
                                         : s->h_prev + (k - w->channels) * w->tiles.plane;
    return plane + w->tiles.lead + vector * LANES;
}

/* V of a vector of tiles, x and h stacked, zeros after the last channel: frequency (r,q) of pair k
 * to v[k*pair + r*row + q*column]. The first of a pair waits for the other in `work`, FREQUENCIES
 * vectors. */
OUT_OF_LINE void transform_pairs(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                                 size_t vector, size_t used, float *work, float *v, size_t pair,
                                 size_t row, size_t column)
{
    place where = place_of(w, vector);
    for (size_t k = 0; k < used; k += 2, v += pair) {
        input_transform_as((manner){true, AS_FLOATS, NULL}, channel_at(w, s, vector, k), &where,
                           work, SIDE * LANES, LANES);
        if (k + 1 < used) {
            input_transform_as((manner){true, AS_PAIRS, work}, channel_at(w, s, vector, k + 1),
                               &where, v, row, column);
            continue;
        }
        NO_UNROLL
        for (size_t r = 0; r < SIDE; r++) UNROLL
        for (size_t q = 0; q < SIDE; q++)
            v_store(v + r * row + q * column,
                    v_pair_bf16(v_load(work + (r * SIDE + q) * LANES), v_set(0.0f)));
    }
}
#endif

#endif
