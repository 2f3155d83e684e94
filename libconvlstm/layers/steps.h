/* steps.h - internal: masks. Which frames of a sequence are valid, and what follows from that.
 *
 * A masked frame is never computed. A sequence of `frames` frames is its valid ones, its steps:
 * step s is frame time[s]. Where a result is a sequence again, a masked frame repeats the result of
 * the step before it; frames before the first step are zeros.
 *
 * A layer with go_backwards gives its sequence from the last frame to the first
 * (convlstm__shape.reversed). There step s is the caller's step count-1-s, and its time is counted
 * from the caller's last frame. `reversed` in the functions below says so. */
#ifndef CONVLSTM_STEPS_H
#define CONVLSTM_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The valid steps of one sequence, in the caller's order. */
typedef struct convlstm__steps {
    size_t frames;      /* of the sequence, masked ones included */
    size_t count;       /* of the valid ones */
    const size_t *time; /* (count), ascending */
} convlstm__steps;

/* Writes the times of the valid frames to time (room for `frames`), and returns their number.
 *
 * mask: a byte per frame, 0 for a masked one. May be null: then a frame whose values are all zero
 * is masked. images: (frames, frame_floats), read only if mask is null. */
size_t convlstm__steps_find(const uint8_t *mask, const float *images, size_t frames,
                            size_t frame_floats, size_t *time);

/* Whether images (floats of them) have a value that is beyond -1..1, by more than what rounding
 * adds: nobody has scaled them. */
bool convlstm__unscaled(const float *images, size_t floats);

/* The time of a step, counted as the sequence runs. */
size_t convlstm__steps_time(const convlstm__steps *steps, bool reversed, size_t step);

/* The step at a time, or SIZE_MAX if that frame is masked or outside of the sequence. */
size_t convlstm__steps_at(const convlstm__steps *steps, bool reversed, size_t time);

/* The step whose result stands at a time of the result: a masked frame repeats the one before it.
 * SIZE_MAX before the first step, where there are zeros. */
size_t convlstm__steps_latest(const convlstm__steps *steps, bool reversed, size_t time);

/* How many frames a step stands for: itself and the masked ones that follow it. */
size_t convlstm__steps_repeat(const convlstm__steps *steps, bool reversed, size_t step);

/* Fills in the masked frames of a result (frames, frame_floats) whose valid ones are written. */
void convlstm__steps_fill_masked(const convlstm__steps *steps, bool reversed, size_t frame_floats,
                                 float *out);

#endif
