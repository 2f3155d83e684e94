#include "rows.h"

convlstm__rows convlstm__rows_of(size_t height, size_t width, size_t channels, size_t reach,
                                 bool spread)
{
    convlstm__rows r = {.height = height,
                        .width = width,
                        .channels = channels,
                        .reach = reach,
                        .spread = spread,
                        .vectors = (width + ROWS_LANES - 1) / ROWS_LANES,
                        .halo = spread ? 0 : reach};
    const size_t taps = 2 * reach + 1, lanes = width / r.vectors;
    r.inner = r.vectors > 2 * r.halo ? r.vectors - 2 * r.halo : 0;
    r.longer = width % r.vectors;
    r.inside[0] = (2u << lanes) - 1;
    r.inside[1] = (1u << lanes) - 1;
    r.pairs = (channels * (spread ? taps : 1) + 1) / 2;
    r.pitch = (r.vectors + 2 * r.halo) * ROWS_LANES;
    r.row = r.pairs * r.pitch;
    const size_t slack = convlstm__rows_tiles(&r) * ROWS_LANES - taps * r.pairs;
    r.words = (height + 2 * reach) * r.row + slack * r.pitch;
    return r;
}

void convlstm__rows_clear_around(const convlstm__rows *r, bool before, bool behind, float *frame)
{
    const size_t edge = r->reach * r->row, end = edge + r->height * r->row;
    if (before) memset(frame, 0, edge * sizeof *frame);
    if (behind) memset(frame + end, 0, (r->words - end) * sizeof *frame);
}
