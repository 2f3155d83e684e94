/* winograd_fine.h - which vectors of tiles a step forward computes with the fine transforms
 * (winograd_points_fine.h): those whose rounding errors could be seen. A function of the vector's
 * own pixels and of the weights, so that every division of a step into units gives the same bits.
 * For templates; parameters TAPS, BF16 and FINE. */
#ifndef CONVLSTM_WINOGRAD_FINE_H
#define CONVLSTM_WINOGRAD_FINE_H

#include "vec.h"
#include "winograd.h"

/* Whether steps of this template leave some vectors to another. */
#define HAS_FINER (!BF16 && !FINE && TAPS > 1)

#if HAS_FINER
/* The mean square in some planes of a frame of a vector's tiles, of the tile where it is
 * largest. */
OUT_OF_LINE float mean_square(const convlstm__winograd *w, const float *frame, size_t channels,
                              size_t vector)
{
    const float *at = frame + w->tiles.lead + vector * LANES;
    vec sum = v_set(0.0f);
    for (size_t c = 0; c < channels; c++, at += w->tiles.plane) UNROLL
    for (int p = 0; p < 16; p++) {
        vec x = v_loadu(at + p * w->tiles.row);
        sum = v_fma(x, x, sum);
    }
    float lane[LANES] __attribute__((aligned(64))), largest = 0;
    v_store(lane, sum);
    for (int i = 0; i < LANES; i++) largest = lane[i] > largest ? lane[i] : largest;
    return largest / (float)(16 * channels);
}

INLINE bool needs_fine(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                       size_t vector)
{
    if (!w->finer) return false;
    const convlstm__winograd_fineness *f = s->fineness;
    if (s->fine || f->always > 1) return true;
    float loss = f->always;
    if (f->of_x > 0) loss += f->of_x * mean_square(w, s->x, w->channels, vector);
    if (f->of_h > 0 && s->h_prev) loss += f->of_h * mean_square(w, s->h_prev, w->filters, vector);
    return loss > 1;
}

/* Filters of some vectors. */
INLINE void forward_fine(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                         convlstm__units vectors, convlstm__units filters)
{
    convlstm__winograd_forward fine = *s;
    fine.weights = s->fine_weights;
    w->finer->kernels->forward_some(w->finer, &fine, vectors, filters);
}
#else
INLINE bool needs_fine(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                       size_t vector)
{
    (void)w, (void)s, (void)vector;
    return false;
}

INLINE void forward_fine(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                         convlstm__units vectors, convlstm__units filters)
{
    (void)w, (void)s, (void)vectors, (void)filters;
}
#endif

/* Where the vectors end that need the same transforms as the first. */
INLINE size_t same_fineness(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                            size_t first, size_t last, bool fine)
{
    size_t v = first + 1;
    while (v < last && needs_fine(w, s, v) == fine) v++;
    return v;
}

#endif
