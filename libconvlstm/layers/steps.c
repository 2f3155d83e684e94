#include "steps.h"

#include <string.h>

static bool all_zero(const float *frame, size_t floats)
{
    for (size_t i = 0; i < floats; i++)
        if (frame[i] != 0.0f) return false;
    return true;
}

#define SCALED 1.01f
bool convlstm__unscaled(const float *images, size_t floats)
{
    enum { BLOCK = 1024 };
    for (size_t i = 0; i < floats; i += BLOCK) {
        size_t end = floats - i < BLOCK ? floats : i + BLOCK;
        int beyond = 0;
        for (size_t k = i; k < end; k++) beyond |= images[k] > SCALED || images[k] < -SCALED;
        if (beyond) return true;
    }
    return false;
}

size_t convlstm__steps_find(const uint8_t *mask, const float *images, size_t frames,
                            size_t frame_floats, size_t *time)
{
    size_t count = 0;
    for (size_t t = 0; t < frames; t++)
        if (mask ? mask[t] != 0 : !all_zero(images + t * frame_floats, frame_floats))
            time[count++] = t;
    return count;
}

size_t convlstm__steps_time(const convlstm__steps *steps, bool reversed, size_t step)
{
    return reversed ? steps->frames - 1 - steps->time[steps->count - 1 - step] : steps->time[step];
}

size_t convlstm__steps_at(const convlstm__steps *steps, bool reversed, size_t time)
{
    for (size_t s = 0; s < steps->count; s++)
        if (convlstm__steps_time(steps, reversed, s) == time) return s;
    return SIZE_MAX;
}

size_t convlstm__steps_latest(const convlstm__steps *steps, bool reversed, size_t time)
{
    size_t s = steps->count;
    if (s == steps->frames) return time;
    while (s > 0 && convlstm__steps_time(steps, reversed, s - 1) > time) s--;
    return s ? s - 1 : SIZE_MAX;
}

size_t convlstm__steps_repeat(const convlstm__steps *steps, bool reversed, size_t step)
{
    size_t end =
        step + 1 == steps->count ? steps->frames : convlstm__steps_time(steps, reversed, step + 1);
    return end - convlstm__steps_time(steps, reversed, step);
}

void convlstm__steps_fill_masked(const convlstm__steps *steps, bool reversed, size_t frame_floats,
                                 float *out)
{
    size_t first = steps->count ? convlstm__steps_time(steps, reversed, 0) : steps->frames;
    memset(out, 0, first * frame_floats * sizeof *out);
    for (size_t s = 0; s < steps->count; s++) {
        float *valid = out + convlstm__steps_time(steps, reversed, s) * frame_floats;
        for (size_t k = 1; k < convlstm__steps_repeat(steps, reversed, s); k++)
            memcpy(valid + k * frame_floats, valid, frame_floats * sizeof *out);
    }
}
