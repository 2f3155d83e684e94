/* loader.h - batches of a source, which threads of their own prepare while the caller trains on the
 * last one. The batches and what is in them depend neither on the number of threads nor on their
 * timing. */
#ifndef SKIN_LOADER_H
#define SKIN_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"

typedef struct batch {
    size_t count, frames;
    size_t total;        /* of the whole batch, if this is a share of it; else count */
    float *img;          /* (count, frames, height, width, channels) */
    uint8_t *mask;       /* (count, frames) */
    float *targets;      /* (count, target_values); of several outputs one behind the other */
    const size_t *items; /* the entries of the plan */
} batch;

/* Whether item i of the batch has a valid frame. */
bool batch_item_valid(const batch *b, size_t i);

/* The batch in the library's form; it borrows the arrays. */
convlstm_batch loader_batch(const source *s, const batch *b);

typedef struct loader loader;

/* What an epoch reads: `items` in order, `batch` at a time (the last one may be smaller), from
 * batch `first` on. The arrays are borrowed. With AUGMENT_REVERSE an entry is 2 * item, or 2 * item
 * + 1 for the item backwards; both get the same other augmentation. */
typedef struct loader_plan {
    const source *source;
    const size_t *items;
    size_t count, batch, first;
    unsigned augment; /* kinds; 0: none */
    uint64_t seed;
    size_t epoch;
    /* This process is one of several, each of which takes its share of every batch, and reads
     * nothing else: number `rank` of `ranks`; 0: the only one. A share may be empty. */
    size_t rank, ranks;
} loader_plan;

/* Starts the threads; the caller ends them with loader_stop. Where the system has none, loader_next
 * loads. Fails if memory runs out. */
loader *loader_start(const loader_plan *plan, nbase_error *err);

/* The next batch, valid until the next call; null at the end, or on failure (loader_failed). */
const batch *loader_next(loader *l);

/* Whether an item could not be loaded; *err then says why. */
bool loader_failed(loader *l, nbase_error *err);

/* Ends the threads and frees the batches; null is allowed. */
void loader_stop(loader *l);

#endif
