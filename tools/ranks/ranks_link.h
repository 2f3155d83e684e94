/* ranks_link.h - messages between the ranks of a job: what a transport supplies. The one for Open
 * MPI is a module that is loaded at run time (mpi_link.c, the only file that knows MPI); tests have
 * one over threads.
 *
 * A message has a tag. Those of one sender and one tag arrive in the order in which they were sent.
 *
 * Threads: one call at a time, not always from the same thread.
 *
 * Errors: a function that fails fills *err, which is never null, with one line. The link may then
 * still be used for what other ranks are to be told. */
#ifndef SKIN_RANKS_LINK_H
#define SKIN_RANKS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

/* A message that is under way. */
typedef struct link_request {
    uint64_t handle; /* the transport's own */
    size_t size;     /* bytes */
    bool receives;
} link_request;

/* The most bytes of a message. */
#define LINK_MAX_BYTES ((size_t)1 << 30)

typedef struct ranks_link {
    void *ctx; /* handed to each function */
    int rank, size;

    /* Begins to send `size` bytes, which must stay as they are until the request has ended. */
    bool (*send)(void *ctx, int to, int tag, const void *data, size_t size, link_request *request,
                 nbase_error *err);

    /* Begins to receive a message of exactly `size` bytes. */
    bool (*receive)(void *ctx, int from, int tag, void *data, size_t size, link_request *request,
                    nbase_error *err);

    /* 1: the request has ended. 0: not yet. -1: it failed, and is to be cancelled. Never waits. */
    int (*test)(void *ctx, link_request *request, nbase_error *err);

    /* Gives up a request that has not ended, after which its memory is the caller's again. What was
     * to be sent may arrive all the same. */
    void (*cancel)(void *ctx, link_request *request);

    /* 1: a message with this tag is there, *from and *size say whose and how long it is. 0: none.
     * -1: failed. Never waits. */
    int (*probe)(void *ctx, int tag, int *from, size_t *size, nbase_error *err);

    /* Leaves the job in order: every rank must call it. Waits for the others. */
    void (*close)(void *ctx);

    /* Ends all ranks, this one too, at once. */
    void (*abort)(void *ctx, int status);
} ranks_link;

/* The module's two symbols. Its version must be that of the tool (nbase_version). `size` is filled
 * by what MPI says, which is 1 where the launcher is not this MPI's. Null: failed. */
#define RANKS_MODULE_VERSION "skin_ranks_module_version"
#define RANKS_MODULE_OPEN "skin_ranks_module_open"
typedef const ranks_link *(*ranks_module_open)(nbase_error *err);

#endif
