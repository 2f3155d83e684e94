/* fingerprint.h - finds photos that two users share: one person under two ids, of whom nobody
 * knew. */
#ifndef SKIN_FINGERPRINT_H
#define SKIN_FINGERPRINT_H

#include "dataset.h"

typedef struct fingerprint_row {
    uint64_t print;
    const void *owner;
} fingerprint_row;

/* Starts as zeros. */
typedef struct fingerprints {
    fingerprint_row *rows;
    size_t count, room;
} fingerprints;

/* 64 bits of a crop (side,side,3) that are the same for its mirror image; 0 for a crop of one
 * colour, which is like any other of that kind. */
uint64_t fingerprint_of(const uint8_t *crop, size_t side);

/* Adds the fingerprints of a series' faces, poor photos too. `owner` comes back from
 * fingerprints_pairs. False: out of memory. */
bool fingerprints_add(fingerprints *f, const face_series *s, const void *owner);

/* Adds one fingerprint, likewise. */
bool fingerprints_put(fingerprints *f, uint64_t print, const void *owner);

/* Calls each() for every two owners who share a photo, in no order, perhaps more than once. Sorts
 * the rows. */
void fingerprints_pairs(fingerprints *f, void (*each)(void *ctx, const void *a, const void *b),
                        void *ctx);

/* Leaves it empty. */
void fingerprints_free(fingerprints *f);

#endif
