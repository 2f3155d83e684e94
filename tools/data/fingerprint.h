/* fingerprint.h - finds photos that two people share: the same person under two ids, whom no one
 * has told of. */
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

/* 64 bits of a crop (side,side,3) that its mirror image has as well; 0 for a crop of one colour,
 * which tells nothing. */
uint64_t fingerprint_of(const uint8_t *crop, size_t side);
/* Those of a series' faces, poor photos too. False: out of memory. */
bool fingerprints_add(fingerprints *f, const face_series *s, const void *owner);
/* Calls each() for owners who share a photo, in no order, a pair perhaps more than once. Sorts the
 * rows. */
void fingerprints_pairs(fingerprints *f, void (*each)(void *ctx, const void *a, const void *b),
                        void *ctx);
void fingerprints_free(fingerprints *f);

#endif
