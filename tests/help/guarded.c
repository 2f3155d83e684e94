#include "guarded.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 0xA5
#define FRONT 256 /* bytes of canary before the buffer */

typedef struct header {
    void *map;
    size_t map_bytes;
} header;

void *guarded_alloc(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE),
           used = (sizeof(header) + FRONT + bytes + page - 1) / page * page;
    char *map = mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + used, page, PROT_NONE)) {
        perror("guarded_alloc");
        exit(99);
    }
    char *p = map + used - bytes;
    header h = {map, used + page};
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
    munmap(h.map, h.map_bytes);
}
