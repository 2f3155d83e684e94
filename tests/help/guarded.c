#include "guarded.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__wasm__) || defined(_WIN32)
#include "os.h"
#define NO_PAGES
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

#define CANARY 0xA5
#define FRONT 256 /* bytes of canary before the buffer */

typedef struct header {
    char *map;
    size_t map_bytes;
} header;

#ifdef NO_PAGES
/* No page is made unreadable: a second pattern follows the buffer. */
static bool map_pages(size_t bytes, header *h)
{
    size_t used = (sizeof *h + FRONT + bytes + FRONT + 63) / 64 * 64;
    *h = (header){nbase__os_alloc(used, 64), used};
    if (h->map) memset(h->map, CANARY, used);
    return h->map;
}

/* The end of the buffer, so that one of whole vectors is aligned. */
static char *end_of(const header *h) { return h->map + (h->map_bytes - FRONT) / 64 * 64; }

static void unmap_pages(const header *h)
{
    for (const char *p = end_of(h); p < h->map + h->map_bytes; p++)
        if (*(const unsigned char *)p != CANARY) {
            fprintf(stderr, "guarded_free: byte %zu behind the buffer was overwritten\n",
                    (size_t)(p - end_of(h)));
            exit(99);
        }
    nbase__os_free(h->map);
}
#else
static bool map_pages(size_t bytes, header *h)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE),
           used = (sizeof *h + FRONT + bytes + page - 1) / page * page;
    char *map = mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *h = (header){map, used + page};
    return map != MAP_FAILED && !mprotect(map + used, page, PROT_NONE);
}

/* The end of the buffer, where the unreadable page begins. */
static char *end_of(const header *h)
{
    return h->map + h->map_bytes - (size_t)sysconf(_SC_PAGESIZE);
}

static void unmap_pages(const header *h) { munmap(h->map, h->map_bytes); }
#endif

void *guarded_alloc(size_t bytes)
{
    header h;
    if (!map_pages(bytes, &h)) {
        perror("guarded_alloc");
        exit(99);
    }
    char *p = end_of(&h) - bytes;
    memcpy(p - FRONT - sizeof h, &h, sizeof h);
    memset(p - FRONT, CANARY, FRONT);
    memset(p, 0xFF, bytes);
    return p;
}

void guarded_free(void *p)
{
    if (!p) return;
    header h;
    const unsigned char *front = (const unsigned char *)p - FRONT;
    memcpy(&h, front - sizeof h, sizeof h);
    for (size_t i = 0; i < FRONT; i++)
        if (front[i] != CANARY) {
            fprintf(stderr, "guarded_free: byte %zu before the buffer was overwritten\n",
                    FRONT - i);
            exit(99);
        }
    unmap_pages(&h);
}
