#include "repeats.h"

#include <string.h>

enum { MOST = 1000 };

size_t photo_repeats(const void *frames, size_t bytes, const uint8_t *mask, size_t i)
{
    const uint8_t *all = frames;
    if (i >= MOST || !mask[i]) return i;
    for (size_t k = 0; k < i; k++)
        if (mask[k] && !memcmp(all + k * bytes, all + i * bytes, bytes)) return k;
    return i;
}
