/* planes.h - planes of brightness and colour as video codecs store them. */
#ifndef SKIN_PICTURES_PLANES_H
#define SKIN_PICTURES_PLANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of samples of 8 bits or, if `wide`, of 9 to 16 bits in native order. */
typedef struct sample_rows {
    void *at;
    size_t stride; /* bytes from one row to the next */
    bool wide;
} sample_rows;

/* Enlarges a plane of colour that is stored at half the size to width x height samples. Where
 * `halved_x`, `from` has (width+1)/2 columns, else `width`; likewise for rows. To `blend` gives
 * each new sample 3/4 of the nearest old one and 1/4 of the next one, each way, rounded once; at
 * the edges, and always in the last column, the nearest alone. That is the bilinear filter of
 * libyuv and libavif, with samples in the middle of the pixels that they stand for. Without it the
 * nearest is repeated. `to` may be of 8 bits where `from` is wide, if its numbers fit. */
void plane_enlarge(const sample_rows *from, bool halved_x, bool halved_y, bool blend,
                   const sample_rows *to, size_t width, size_t height);

/* Stretches brightness that is stored in the limited range of television, 16 to 235 for 8 `bits`,
 * to 0 to 2^bits - 1, in place. */
void plane_stretch(const sample_rows *rows, size_t width, size_t height, int bits);

#endif
