/* parcel.h - values packed into bytes, for a message. All ranks run one program on one kind of
 * machine (ranks.h checks it), so values travel as they lie in memory.
 *
 * Writing needs no checks in between: a parcel that ran out of memory says so once, with
 * parcel_failed. Reading is strict: behind the end everything is zero, and parcel_failed says
 * so. */
#ifndef SKIN_RANKS_PARCEL_H
#define SKIN_RANKS_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty. Belongs to one thread at a time. */
typedef struct parcel {
    char *data; /* of malloc */
    size_t size, room;
    size_t at; /* where reading goes on */
    bool failed;
} parcel;

void parcel_put(parcel *p, const void *data, size_t size);
void parcel_put_size(parcel *p, size_t value);
void parcel_put_text(parcel *p, const char *text); /* null stays null */

/* The bytes are copied to `data`. */
void parcel_take(parcel *p, void *data, size_t size);
size_t parcel_take_size(parcel *p);

/* Points into the parcel; null if null was put there, or on failure. */
const char *parcel_take_text(parcel *p);

/* Of `size` bytes, pointing into the parcel; null on failure. */
const void *parcel_take_bytes(parcel *p, size_t size);

/* Whether memory ran out, or more was taken than is there. */
bool parcel_failed(const parcel *p);

/* Leaves it empty. */
void parcel_free(parcel *p);

#endif
