/* tiles.h - internal: frames as planes of 4x4 tiles, the layout of the Winograd backend.
 *
 * A frame (H,W,C) is cut into tiles of 4x4 pixels, row by row from the top left: pixel (y,x) is in
 * tile t = (y/4) * across + x/4. A channel is a plane of 16 rows, one for each pixel of a tile, in
 * which the tiles lie side by side:
 *
 *     value (y, x, c) = frame[c*plane + ((y%4)*4 + x%4)*row + lead + t]
 *
 *     row    | lead zeros | tile 0, tile 1, ... tile count-1 | zeros to the end |
 *
 * The zeros before a row are behind the row before it, too; behind the last one of a frame there
 * are as many.
 *
 * So a vector holds the same pixel of neighbouring tiles, one per lane: arithmetic on tiles needs
 * no shuffle, and any number of channels fills the vectors.
 *
 * A frame may be inset: then `inset` rows and columns of zeros are around it, which belong to the
 * tiles, and pixel (y,x) lies where (y + inset, x + inset) would. So it has the tiles of a frame
 * that is larger by 2 inset, of which it is the middle.
 *
 * The pixels around a tile are in the same plane: those above and below are `across` floats away,
 * those left and right one float away, with a lane mask at the left and right edge of the frame.
 * The zeros before and behind the tiles of a row (at least across+1) stand for what is above and
 * below the frame, and fill the last vector. Pixels of a tile beyond the frame's height or width
 * are zero too. Rows are an odd number of cache lines apart, or the 16 of them would fall on few
 * sets of the cache. */
#ifndef CONVLSTM_TILES_H
#define CONVLSTM_TILES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct convlstm__tiles {
    size_t height, width; /* of the frame, pixels */
    size_t inset;         /* pixels around it */
    size_t across, down;  /* tiles in a row, rows of tiles */
    size_t count;         /* across * down */
    size_t vectors;       /* of `lanes` tiles; the last may be partly filled */
    size_t lead;          /* zeros before the first tile of a row; a multiple of 16 */
    size_t row;           /* floats from a pixel's row to the next's; a multiple of 16 */
    size_t plane;         /* 16 * row: floats from channel to channel */
} convlstm__tiles;

/* Floats of a frame. */
static inline size_t convlstm__tiles_frame(const convlstm__tiles *t, size_t channels)
{
    return channels * t->plane + t->lead;
}

/* For frames of that size and inset, and vectors of so many lanes. */
convlstm__tiles convlstm__tiles_of(size_t height, size_t width, size_t inset, size_t lanes);

/* Clears everything in these planes that is not a pixel of the frame, and if they are the last ones
 * of their frame (`last`) what is behind them. */
void convlstm__tiles_clear_outside(const convlstm__tiles *t, size_t channels, bool last,
                                   float *frame);

#endif
