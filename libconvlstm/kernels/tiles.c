#include "tiles.h"

#include <string.h>

#include "core.h"

convlstm__tiles convlstm__tiles_of(size_t height, size_t width, size_t inset, size_t lanes)
{
    convlstm__tiles t = {.height = height, .width = width, .inset = inset};
    t.across = (width + 2 * inset + 3) / 4;
    t.down = (height + 2 * inset + 3) / 4;
    t.count = t.across * t.down;
    t.vectors = (t.count + lanes - 1) / lanes;
    t.lead = nbase__round_up(t.across + 1, 16);
    t.row = t.lead + nbase__round_up(t.vectors * lanes, 16);
    if (t.row / 16 % 2 == 0) t.row += 16;
    t.plane = 16 * t.row;
    return t;
}

/* The rows and columns around an inset frame, of a plane. */
static void clear_inset(const convlstm__tiles *t, float *plane)
{
    const size_t rows = t->height + 2 * t->inset, columns = t->width + 2 * t->inset;
    for (size_t y = 0; y < rows; y++) {
        bool whole = y < t->inset || y >= t->inset + t->height;
        for (size_t x = 0; x < columns; x++) {
            if (!whole && x == t->inset) x += t->width;
            plane[(y % 4 * 4 + x % 4) * t->row + t->lead + y / 4 * t->across + x / 4] = 0;
        }
    }
}

void convlstm__tiles_clear_outside(const convlstm__tiles *t, size_t channels, bool last,
                                   float *frame)
{
    size_t last_height = t->height + 2 * t->inset - 4 * (t->down - 1),
           last_width = t->width + 2 * t->inset - 4 * (t->across - 1);
    for (size_t c = 0; t->inset && c < channels; c++) clear_inset(t, frame + c * t->plane);
    for (size_t r = 0; r < 16 * channels; r++, frame += t->row) {
        float *tiles = frame + t->lead;
        memset(frame, 0, t->lead * sizeof *frame);
        memset(tiles + t->count, 0, (t->row - t->lead - t->count) * sizeof *frame);
        if (r % 16 / 4 >= last_height)
            memset(tiles + t->count - t->across, 0, t->across * sizeof *frame);
        if (r % 4 >= last_width)
            for (size_t y = 1; y <= t->down; y++) tiles[y * t->across - 1] = 0;
    }
    if (last) memset(frame, 0, t->lead * sizeof *frame);
}
