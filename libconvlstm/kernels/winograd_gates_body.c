/* winograd_gates_body.c - the end of a step forward for a filter of a vector of tiles, for all
 * families of the recurrent step: a template (see vec.h) without further parameters. The step with
 * gates has a table of its own, so that a program which only predicts is linked without it. */
#include "kernels.h"
#include "vec.h"
#include "winograd_gates.h"

/* All pixels of a filter. */
INLINE void update_filter(const bool hard, const bool rectified, const int form, const float *in,
                          filter_state f)
{
    pixel_sums sums = no_pixels();
    NO_UNROLL
    for (int p = 0; p < 16; p += PIXELS) {
        vec z[4][PIXELS];
        UNROLL
        for (int g = 0; g < 4; g++) UNROLL
        for (int e = 0; e < PIXELS; e++) z[g][e] = v_load(in + (g * 16 + p + e) * LANES);
        update_state(hard, rectified, form, p, z, f, &sums);
    }
    finish_state(form, f, sums);
}

#define CASE(hard, rectified, form)                                                                \
    case KIND(hard, rectified, form): update_filter(hard, rectified, form, z, f); break;

static void finish(const convlstm__winograd *w, const convlstm__winograd_forward *s, const float *z,
                   size_t filter, size_t vector)
{
    filter_state f = state_of(w, s, filter, vector);
    switch (kind_of(w, false)) {
        KINDS_WITHOUT_GATES(CASE)
    }
}

const convlstm__gates_kernels TABLE_NAME(convlstm__) = {.finish = finish};

#ifndef NBASE_NO_TRAINING
static void finish_training(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                            const float *z, size_t filter, size_t vector)
{
    filter_state f = state_of(w, s, filter, vector);
    switch (kind_of(w, true)) {
        KINDS_WITH_GATES(CASE)
    }
}

const convlstm__gates_training TRAINING_TABLE_NAME(convlstm__) = {.finish = finish_training};
#endif
