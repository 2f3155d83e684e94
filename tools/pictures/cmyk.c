#include "cmyk.h"

/* a * b / 255, rounded (Blinn 1995). */
static uint8_t product(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

void cmyk_to_rgb(stored_picture *r)
{
    const uint8_t *from = r->pixels;
    uint8_t *to = r->pixels;
    for (size_t i = r->width * r->height; i > 0; i--, from += 4, to += 3)
        for (int k = 0; k < 3; k++) to[k] = product(from[k], from[3]);
    r->channels = 3;
}
