/* source.h - the sequences of training and evaluation: people's face crops in FACES, or arrays in a
 * file. */
#ifndef SKIN_SOURCE_H
#define SKIN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrays/array_targets.h"
#include "augment.h"
#include "data/dataset.h"
#include "data/fingerprint.h"
#include "nbase.h"
#include "ranks/parcel.h"
#include "ranks/ranks.h"
#include "sha256.h"

typedef struct sample {
    const char *id; /* borrowed from the split; null for arrays */
    float
        label[2]; /* {deteriorated, improved}, adding up to 1; of arrays: if there are 2 targets */
    size_t frames, valid;
    unsigned colours; /* what was done to the photos' colours (data/colours.h) */
    size_t side;      /* of the source crops */
    uint8_t *mask;    /* (frames) */
    uint8_t *crops;   /* (valid, side, side, 3), or null: read from the file each time */
} sample;

typedef struct source {
    sample *samples;
    size_t count;
    /* T: of every batch; 0: as many as the longest sequence of the batch has */
    size_t frames;
    size_t height, width, channels; /* of the frames handed out; of several inputs, the first's */
    size_t frame_floats;            /* of a frame handed out, of all inputs */
    size_t target_values;           /* of an item: 2 for people, of arrays those of all outputs */
    size_t skipped;                 /* people without a face file or without a single face */
    unsigned colours;               /* of all samples' photos (data/colours.h) */
    size_t cached_bytes;
    struct source_cache *late; /* what is put into memory as it is used; null: nothing */
    store *faces;              /* of the face crops; null for arrays */
    array_set arrays;          /* its archive is null for people */
    array_target_set targets;
} source;

/* Whether an item has two targets of one output, which may be two classes. */
static inline bool source_has_pairs(const source *s)
{
    return s->target_values == 2 && s->targets.count < 2;
}

typedef struct source_options {
    size_t frames; /* T; longer series keep their last T frames. 0: whole series */
    size_t height, width;
    /* crops kept in memory; what does not fit is read from its file each time */
    size_t cache_bytes;
    const char *what; /* for the progress line; null: none */
    /* gets those of everyone's photos, owned by their data_user; null: none */
    fingerprints *prints;
    /* gets a digest of everyone who is taken, in order: id, label, mask, the crops as they are in
     * the file; null: none */
    sha256 *digest;
    /* Each rank reads its share of the people's files, and tells the others what is in them but for
     * the crops. Every rank opens the source with the same options; an error on one is one on all.
     * Null: this process reads all of them. */
    ranks *ranks;
    /* not null: these people are a part of a larger job. It gets for each of them, in order,
     * whether they are taken (a size, 1 or 0) and a text: their part of the digest, or the reason
     * why they are left out, which is then no warning; and it is no failure if nobody is taken */
    parcel *part;
} source_options;

enum { SOURCE_NAMED = 5 }; /* people left out who are named; the others are counted */

/* The failure when nobody of so many people is left. Returns false. */
bool source_nobody(const char *faces, size_t count, nbase_error *err);

/* Reads the people's face crops; the caller frees the source with source_free. People without a
 * readable face file, or without a face in it, are left out and counted; the first few are named in
 * warnings. Fails if nobody is left, if memory runs out, and on Ctrl-C (NBASE_ERR_CANCELLED); the
 * source is then empty. The users must outlive the source. */
bool source_open_faces(source *s, data_user *const *users, size_t count, const char *faces,
                       const source_options *options, nbase_error *err);

/* From now on crops that are read from their files while the source is used are kept, as long as
 * all that are kept have no more than `cache_bytes`: for a rank, which has read few of those that
 * it will use. Fails if memory runs out. */
bool source_cache_late(source *s, size_t cache_bytes, nbase_error *err);

/* Reads arrays from a file instead, of the form that arrays/array_set.h describes. options->height
 * and width, of pictures: the size wanted; 0: as in the file. The targets are opened later, with
 * source_open_targets: only the network says what they are to look like, and a preset takes its
 * size from the arrays.
 *
 * m  the network, if it is known already: one with several inputs must be
 *
 * Call source_free after a failure too. */
bool source_open_arrays(source *s, const char *path, const convlstm_model *m,
                        const source_options *options, nbase_error *err);

/* The targets of arrays, for this network, and the size of the frames that it takes. */
bool source_open_targets(source *s, const convlstm_model *m, nbase_error *err);

/* A place among the targets of a batch: number `item` of `count`. Those of several outputs lie one
 * behind the other, each with all of the batch. */
typedef struct target_place {
    float *all; /* (count, target_values) in all */
    size_t count, item;
} target_place;

/* Leaves the source empty; safe on an empty one. */
void source_free(source *s);

/* Loads one item. Threads may load at the same time. Fails if the file has changed since the source
 * was opened.
 *
 * augment  what changes; may be null
 * frames   of the result; where the sequence is shorter, zeros with mask 0 follow it
 * img      (frames, height, width, channels), or (frames, frame_floats) of several inputs
 * mask     (frames)
 * targets  where those of the item go */
bool source_load(const source *s, size_t item, augmentation *augment, size_t frames, float *img,
                 uint8_t *mask, target_place targets, nbase_error *err);

#endif
