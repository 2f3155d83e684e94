/* convlstm_group.h - how a host joins processes that train one model together. Part of convlstm.h,
 * and of use alone to a module that implements it. */
#ifndef CONVLSTM_GROUP_H
#define CONVLSTM_GROUP_H

#include "nbase.h"

#ifdef __cplusplus
extern "C" {
#endif
NBASE_API_BEGIN

/* Processes that train one model together, each with a share of every batch. The library knows no
 * network: the host supplies these functions, over MPI or over anything that joins its processes,
 * and they may as well be threads with a trainer each. Contract in words: docs/for-embedders.md.
 *
 * Order. Every rank calls the same functions in the same order, with the same sizes. A function may
 * return as soon as this rank's part is done; it may wait for the other ranks.
 *
 * Threads. One call at a time, not always from the same thread.
 *
 * Errors. Anything but NBASE_OK ends the step with that status. No function may wait for ever: when
 * one has failed on a rank, or a rank is gone, the calls in which the others wait for it, and all
 * later ones, must fail too. Of the data a failed call leaves, nothing is used. */
typedef struct convlstm_group {
    /* This process is number `rank` of `size`, from 0. */
    size_t rank, size;
    /* Handed to each function. The host's. */
    void *context;

    /* Sends `bytes` bytes at `data` of rank `root` to `data` of every other rank. */
    nbase_status (*broadcast)(void *context, size_t root, void *data, size_t bytes);

    /* Gathers what every rank has, in the order of the ranks, on all of them.
     *
     * bytes: (size), how much each rank has; the same numbers on every rank, some may be 0.
     * mine:  bytes[rank] bytes; not read if that is 0.
     * all:   gets the sum of `bytes`; does not overlap `mine`. */
    nbase_status (*gather)(void *context, const void *mine, void *all, const size_t *bytes);

    /* A sum over all samples in their order. The running sum visits the ranks one after the other:
     * rank 0 calls `add`, which starts it, and hands it to rank 1, which calls `add` on what it got
     * and hands that on; what the last rank has then is the result, and goes to all. The values are
     * independent of each other, so that it is done in stretches of some 10,000 of them, and
     * all links are at work at once.
     *
     * sum:   (count), on return the result on every rank. Before rank 0 has called `add` for a
     *        stretch its values there mean nothing.
     * add:   adds this rank's share to sum[first] up to sum[first + n - 1], in place. Each value
     *        must be in exactly one call per rank. Calls are made from within `sum`, by one thread
     *        at a time, in any order of stretches.
     * adder: handed to `add`. */
    nbase_status (*sum)(void *context, float *sum, size_t count,
                        void (*add)(void *adder, size_t first, size_t n), void *adder);

    /* One line about the last failure, "rank 3 (host b): connection lost": for the error of the
     * call that ran into it. Valid until the next call. May be null, and may return null. */
    const char *(*error)(void *context);
} convlstm_group;

NBASE_API_END
#ifdef __cplusplus
}
#endif
#endif
