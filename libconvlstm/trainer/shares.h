/* shares.h - internal: a batch of which each process of a group (convlstm_group.h) has a share.
 *
 * The shares follow one another in the order of the ranks, and so do the samples. A call of the
 * trainer first does on each rank all that can fail there alone. Then the ranks meet: they tell
 * each other how that went and how large their shares are, and that they are about to do the same
 * from the same state. So a failure of one is a failure of all, with the same text, before anything
 * has changed, and the ranks stay in step. What is left to fail is the group itself.
 *
 * Sums of gradients are made by a thread of their own while the backward pass goes on through the
 * layers before: the group has one call at a time, so that the pass waits for that thread before it
 * gathers. When sums are begun, and what is gathered between them, follows from the network alone,
 * and so is the same on every rank.
 *
 * A trainer without a group has the whole batch as its share, and the same functions. */
#ifndef CONVLSTM_SHARES_H
#define CONVLSTM_SHARES_H

#include "background.h"
#include "convlstm.h"
#include "layers/node.h"

typedef struct convlstm__shares {
    nbase_env env;
    const convlstm_group *group; /* null: this process alone */

    /* Of the call that runs: items of the caller's batch, samples (those with a valid frame) and
     * valid steps of all ranks; items and samples of the ranks before this one. */
    size_t items, samples, steps;
    size_t items_before, samples_before;
    /* The same per rank. In `bytes` a gather lays out what it gets. */
    size_t *items_of, *samples_of, *steps_of, *bytes;
    /* Per rank: rows of the states that the trainer keeps. */
    size_t *kept_of;

    /* What each rank says at a meeting. */
    struct convlstm__greeting *greetings;
    /* Nodes whose sums are to be made, and those that `background` is at, in lists by `next_sum`;
     * the batch, of all of this rank's samples; how it went. */
    nbase__background *background;
    convlstm__node *waiting, *last_waiting, *begun;
    convlstm__batch whole;
    nbase_status status;
    nbase_error text;

    /* The weights of this version were found to be the same on all ranks; 0: none. */
    uint64_t compared;
} convlstm__shares;

/* group: as in convlstm_trainer_options, checked. NBASE_ERR_NOMEM only. */
nbase_status convlstm__shares_init(convlstm__shares *shares, const nbase_env *env,
                                   const convlstm_group *group);
void convlstm__shares_free(convlstm__shares *shares);

typedef struct convlstm__meeting {
    enum { CONVLSTM__STEP = 1, CONVLSTM__GRADIENTS, CONVLSTM__EVALUATION } call;
    /* How this rank has fared so far. */
    nbase_status status;
    /* The caller's batch. A share without samples gets the frames and size of the others'. */
    convlstm_batch *in;
    size_t samples, steps;
} convlstm__meeting;

/* Fills in what `shares` says of the call that runs.
 *
 * text: has the text of this rank's failure, and gets that of the first rank that failed. It may be
 *       null where the caller wants none.
 *
 * The status of that rank. NBASE_ERR_ARG: the ranks are not about to do the same. */
nbase_status convlstm__shares_meet(convlstm_trainer *t, const convlstm__meeting *meeting,
                                   nbase_error *text);

/* A later, shorter meeting: the first rank's failure, or NBASE_OK. */
nbase_status convlstm__shares_agree(const convlstm__shares *shares, nbase_status status,
                                    nbase_error *text);

/* Gathers rows of every rank's samples, counts[rank] of them; only in a group. */
nbase_status convlstm__shares_gather(const convlstm__shares *shares,
                                     const convlstm__sample_rows *rows, const size_t *counts,
                                     nbase_error *text);

/* ---- sums over the samples of all ranks, and the gradients of them; only in a group ---- */

/* Before the first part of a batch, and to drop sums that wait. */
void convlstm__shares_begin_sums(convlstm__shares *shares);

/* This node's phases are done: its sum waits to be made.
 *
 * batch: with all of this rank's samples. */
void convlstm__shares_add_sum(convlstm__shares *shares, convlstm__node *node,
                              const convlstm__batch *batch);

/* Begins those that wait, in the background. */
void convlstm__shares_start_sums(convlstm__shares *shares);

/* Waits until those that were begun are made. */
nbase_status convlstm__shares_await_sums(convlstm__shares *shares, nbase_error *text);

/* Makes all of them. */
nbase_status convlstm__shares_end_sums(convlstm__shares *shares, int threads, nbase_error *text);

#endif
