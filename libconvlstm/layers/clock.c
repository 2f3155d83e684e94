#include "clock.h"

#include <stdint.h>

static bool same_pace(const convlstm__pace *a, const convlstm__pace *b)
{
    return a->times == b->times && a->more == b->more && a->per == b->per;
}

/* One pace after another, where that is one pace again: without rounding down in between. */
static bool join(const convlstm__pace *first, const convlstm__pace *second, convlstm__pace *out)
{
    const ptrdiff_t most = CONVLSTM__MAX_FRAMES;
    if (first->per != 1 || first->times > CONVLSTM__MAX_FRAMES ||
        second->times > CONVLSTM__MAX_FRAMES || first->more > most || first->more < -most)
        return false;
    /* A crop that leaves nothing must stay a step of its own. */
    if (first->more < 0) return false;
    *out = (convlstm__pace){first->times * second->times,
                            first->more * (ptrdiff_t)second->times + second->more, second->per};
    return true;
}

convlstm__clock convlstm__clock_behind(convlstm__clocks *clocks, convlstm__clock from,
                                       size_t frames, convlstm__pace pace, size_t layer)
{
    if (from == CONVLSTM__VALID_FRAMES) from = CONVLSTM__EVERY_FRAME;
    if (frames || pace.times == 0) { /* the same number whatever the caller gives */
        pace = (convlstm__pace){0, (ptrdiff_t)convlstm__pace_frames(pace, frames), 1};
        from = CONVLSTM__EVERY_FRAME;
    }
    while (from >= CONVLSTM__DERIVED_FRAMES) {
        size_t i = from - CONVLSTM__DERIVED_FRAMES;
        convlstm__pace joined;
        if (!join(&clocks->at[i].pace, &pace, &joined)) break;
        pace = joined;
        from = clocks->at[i].from;
    }
    for (size_t i = 0; i < clocks->derived; i++)
        if (clocks->at[i].from == from && same_pace(&clocks->at[i].pace, &pace))
            return (convlstm__clock)(CONVLSTM__DERIVED_FRAMES + i);
    size_t i = clocks->derived;
    if (convlstm__clock_count(clocks) == CONVLSTM__MAX_CLOCKS) return CONVLSTM__MAX_CLOCKS;
    clocks->at[i].from = from;
    clocks->at[i].pace = pace;
    clocks->at[i].layer = layer;
    clocks->derived++;
    return (convlstm__clock)(CONVLSTM__DERIVED_FRAMES + i);
}

size_t convlstm__pace_frames(convlstm__pace pace, size_t n)
{
    if (pace.times > CONVLSTM__MAX_FRAMES || n > CONVLSTM__MAX_FRAMES) return 0;
    int64_t frames = (int64_t)n * (int64_t)pace.times + pace.more;
    if (frames <= 0) return 0;
    size_t made = (size_t)frames / pace.per;
    return made <= CONVLSTM__MAX_FRAMES ? made : 0;
}

size_t convlstm__clock_frames(const convlstm__clocks *clocks, convlstm__clock clock, size_t frames)
{
    if (clock < CONVLSTM__DERIVED_FRAMES) return frames;
    size_t i = clock - CONVLSTM__DERIVED_FRAMES,
           n = convlstm__clock_frames(clocks, clocks->at[i].from, frames);
    return n || !clocks->at[i].pace.times ? convlstm__pace_frames(clocks->at[i].pace, n) : 0;
}

size_t convlstm__clock_most(const convlstm__clocks *clocks, size_t frames)
{
    size_t most = frames;
    for (size_t i = 0; i < clocks->derived; i++) {
        size_t n =
            convlstm__clock_frames(clocks, (convlstm__clock)(CONVLSTM__DERIVED_FRAMES + i), frames);
        if (n > most) most = n;
    }
    return most;
}
