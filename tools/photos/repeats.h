/* repeats.h - photos that are there twice. */
#ifndef SKIN_PHOTOS_REPEATS_H
#define SKIN_PHOTOS_REPEATS_H

#include <stddef.h>
#include <stdint.h>

/* The first valid frame before frame i with the same pixels, or i if there is none, or frame i is
 * masked. Two photos give the same crop of a face only if they are one, perhaps under two names.
 * Frames behind the first thousand are not looked at: the time grows with the square.
 *
 * frames  the frames, one behind the other
 * bytes   of a frame
 * mask    for each frame: 1 if it is valid */
size_t photo_repeats(const void *frames, size_t bytes, const uint8_t *mask, size_t i);

#endif
