/* labelled.h - one user labelled: what the files get, and what is counted. It is made where the
 * user's file is read, on any rank (ranks/ranks.h), and recorded on rank 0. */
#ifndef GETDATA_LABELLED_H
#define GETDATA_LABELLED_H

#include "getdata.h"
#include "ranks/parcel.h"
#include "store/store.h"

enum { LABELLED_LOST = 10 }; /* lost photos of a run that are named; the others are counted */

typedef struct labelled {
    fate fate;
    int label;
    bool by_hand;
    size_t images;
    size_t repeated;                 /* records that repeat a photo */
    size_t lost;                     /* photos that are not there */
    char *lost_names[LABELLED_LOST]; /* of the first of them */
    char *line;                      /* of user_data.txt, with its newline; null: not kept */
    char *review;                    /* lines of the review; null: none is wanted */
    char error[400];                 /* why the user is skipped; empty: is not */
} labelled;

/* What labelling needs. `source` may be shared by threads, judges may not. */
typedef struct labeller {
    const getdata_options *o;
    store *source;
    const judges *judges;
    override_list *overrides; /* only looked at */
    bool check_images;
} labeller;

/* Labels a user from the file's bytes; null bytes: it could not be read, and *err says why. False
 * with an error if that says nothing about the user: out of memory, or a judge that fails, as it
 * would for every other user. The caller frees *out with labelled_free, after a failure too. */
bool label_user(const labeller *l, uint64_t id, const char *file, const char *bytes, size_t size,
                labelled *out, nbase_error *err);

void labelled_free(labelled *u);

/* For the way to rank 0. */
void labelled_pack(const labelled *u, parcel *p);
bool labelled_unpack(parcel *p, labelled *out, nbase_error *err);

#endif
