#include "pixel_memory.h"

#include <stdlib.h>

#ifdef __linux__
#include <sys/mman.h>

enum { LARGE = 2 << 20, WORTH = 4 << 20 };

uint8_t *pixel_memory(size_t bytes)
{
    if (bytes < WORTH || bytes > SIZE_MAX - LARGE) return malloc(bytes);
    uint8_t *p = aligned_alloc(LARGE, (bytes + LARGE - 1) / LARGE * LARGE);
    /* The end, which does not fill such a page, has small ones. */
    if (p) madvise(p, bytes / LARGE * LARGE, MADV_HUGEPAGE);
    return p;
}
#else
uint8_t *pixel_memory(size_t bytes) { return malloc(bytes); }
#endif
