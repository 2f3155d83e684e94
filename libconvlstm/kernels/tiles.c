#include "tiles.h"

#include <string.h>

#include "core.h"

convlstm__tiles convlstm__tiles_of(size_t height, size_t width, size_t lanes)
{
    convlstm__tiles t = {.height = height, .width = width};
    t.across = (t.width + 3) / 4;
    t.down = (t.height + 3) / 4;
    t.count = t.across * t.down;
    t.vectors = (t.count + lanes - 1) / lanes;
    t.lead = nbase__round_up(t.across + 1, 16);
    t.row = t.lead + nbase__round_up(t.vectors * lanes + t.across + 1, 16);
    if (t.row / 16 % 2 == 0) t.row += 16;
    t.plane = 16 * t.row;
    return t;
}

void convlstm__tiles_clear_outside(const convlstm__tiles *t, size_t channels, float *frame)
{
    size_t last_height = t->height - 4 * (t->down - 1), last_width = t->width - 4 * (t->across - 1);
    for (size_t r = 0; r < 16 * channels; r++, frame += t->row) {
        float *tiles = frame + t->lead;
        memset(frame, 0, t->lead * sizeof *frame);
        memset(tiles + t->count, 0, (t->row - t->lead - t->count) * sizeof *frame);
        if (r % 16 / 4 >= last_height)
            memset(tiles + t->count - t->across, 0, t->across * sizeof *frame);
        if (r % 4 >= last_width)
            for (size_t y = 1; y <= t->down; y++) tiles[y * t->across - 1] = 0;
    }
}
