#include "fingerprint.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u; /* Knuth's multiplicative hashing */
    return h ^ h >> 29;
}

/* The rows forwards and backwards; both digests together do not know which was which. */
uint64_t fingerprint_of(const uint8_t *crop, size_t side)
{
    if (!memcmp(crop, crop + 3, (side * side - 1) * 3)) return 0;
    uint64_t forwards = 1, backwards = 1;
    for (size_t y = 0; y < side; y++) {
        const uint8_t *row = crop + y * side * 3;
        for (size_t x = 0; x < side; x++) {
            const uint8_t *p = row + x * 3, *q = row + (side - 1 - x) * 3;
            forwards = mix(forwards, (uint64_t)p[0] << 16 | (uint64_t)p[1] << 8 | p[2]);
            backwards = mix(backwards, (uint64_t)q[0] << 16 | (uint64_t)q[1] << 8 | q[2]);
        }
    }
    uint64_t print = forwards < backwards ? mix(forwards, backwards) : mix(backwards, forwards);
    return print ? print : 1;
}

bool fingerprints_put(fingerprints *f, uint64_t print, const void *owner)
{
    if (f->count == f->room) {
        size_t room = 2 * f->room + 1024;
        fingerprint_row *grown = realloc(f->rows, room * sizeof *grown);
        if (!grown) return false;
        f->rows = grown;
        f->room = room;
    }
    f->rows[f->count++] = (fingerprint_row){print, owner};
    return true;
}

bool fingerprints_add(fingerprints *f, const face_series *s, const void *owner)
{
    size_t bytes = s->size * s->size * 3;
    for (size_t i = 0; i < s->count; i++) {
        uint64_t print = fingerprint_of(s->img + i * bytes, s->size);
        if (print && !fingerprints_put(f, print, owner)) return false;
    }
    return true;
}

static int by_print(const void *a, const void *b)
{
    const fingerprint_row *x = a, *y = b;
    return (x->print > y->print) - (x->print < y->print);
}

void fingerprints_pairs(fingerprints *f, void (*each)(void *ctx, const void *a, const void *b),
                        void *ctx)
{
    if (f->count) qsort(f->rows, f->count, sizeof *f->rows, by_print);
    for (size_t i = 1, first = 0; i < f->count; i++) {
        if (f->rows[i].print != f->rows[first].print)
            first = i;
        else if (f->rows[i].owner != f->rows[first].owner)
            each(ctx, f->rows[first].owner, f->rows[i].owner);
    }
}

void fingerprints_free(fingerprints *f)
{
    free(f->rows);
    *f = (fingerprints){0};
}
