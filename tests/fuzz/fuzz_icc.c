/* Colour profiles: the bytes are the ICC profile of a small picture in grey, RGB or CMYK. Without
 * lcms2 nothing is done. */
#include <stdlib.h>
#include <string.h>

#include "pictures/images_icc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDE = 5 };

static void apply(const uint8_t *data, size_t size, int channels, bool grey)
{
    stored_picture p = {.pixels = malloc((size_t)(SIDE * SIDE * channels)),
                        .width = SIDE,
                        .height = SIDE,
                        .channels = channels,
                        .divisor = 1,
                        .grey = grey,
                        .icc = malloc(size),
                        .icc_size = size};
    if (!p.pixels || !p.icc) abort();
    for (int i = 0; i < SIDE * SIDE * channels; i++)
        p.pixels[i] = (uint8_t)(7 * (grey ? i / channels : i));
    memcpy(p.icc, data, size);
    picture_colour colour;
    if (!icc_apply(&p, false, &colour, NULL)) abort();
    if (p.channels != 3 || colour < COLOUR_PLAIN || colour > COLOUR_AS_STORED) abort();
    if (strlen(p.note) >= PICTURE_NOTE) abort();
    stored_picture_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    apply(data, size, 3, false);
    apply(data, size, 3, true);
    apply(data, size, 4, false);
    return 0;
}
