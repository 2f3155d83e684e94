/* wire.h - a link (ranks_link.h) as the rest of tools/ranks uses it: messages that are counted and
 * waited for, and one way to stop. When an operation fails on one rank, wire_stop tells the others,
 * and whatever they wait for then fails too, with the same text: nobody waits for ever.
 *
 * Threads: one call at a time, not always from the same thread. */
#ifndef SKIN_RANKS_WIRE_H
#define SKIN_RANKS_WIRE_H

#include "parcel.h"
#include "ranks_link.h"

/* What a message is for. */
typedef enum wire_tag {
    WIRE_STOP = 1,  /* text: the reason */
    WIRE_EVENT,     /* of batch jobs (dealing.c) */
    WIRE_AGREE,     /* what went wrong, and the verdict */
    WIRE_BROADCAST, /* the rest are of a group (convlstm.h), and of ranks_share */
    WIRE_GATHER,
    WIRE_UP,   /* running sums, from rank to rank */
    WIRE_DOWN, /* the results, back */
    WIRE_TAGS
} wire_tag;

/* What this rank has sent. */
typedef struct wire_count {
    uint64_t messages, bytes;
} wire_count;

/* A message that nobody waits for; owns its bytes. */
typedef struct wire_letter {
    struct wire_letter *next;
    link_request request;
    char *data;
} wire_letter;

typedef struct wire {
    const ranks_link *link;
    char name[100]; /* of this rank, "rank 1 on clinic-b": before its reasons to stop */
    wire_count sent[WIRE_TAGS];
    wire_letter *letters;
    bool stopped;
    nbase_error why; /* once it is stopped */
} wire;

/* The wire is to be freed with wire_free, before its transport is closed. `host` names the
 * machine. */
void wire_init(wire *w, const ranks_link *link, const char *host);
void wire_free(wire *w);

/* ---- a message ---- */

/* As in ranks_link.h, but counted; a failure stops all ranks. */
bool wire_begin_send(wire *w, int to, wire_tag tag, const void *data, size_t size,
                     link_request *request, nbase_error *err);
bool wire_begin_receive(wire *w, int from, wire_tag tag, void *data, size_t size,
                        link_request *request, nbase_error *err);

/* As in ranks_link.h; after -1 the request has ended. */
int wire_test(wire *w, link_request *request, nbase_error *err);

/* Gives up a request that has not ended: its memory is the caller's again. */
void wire_cancel(wire *w, link_request *request);

/* Waits until the request has ended, which it has after a failure, too. */
bool wire_wait(wire *w, link_request *request, nbase_error *err);

/* Both in one. Pieces of any size. */
bool wire_send(wire *w, int to, wire_tag tag, const void *data, size_t size, nbase_error *err);
bool wire_receive(wire *w, int from, wire_tag tag, void *data, size_t size, nbase_error *err);

/* Sends the parcel's bytes without waiting, and leaves the parcel empty. */
bool wire_post(wire *w, int to, wire_tag tag, parcel *p, nbase_error *err);

/* Waits until all that was posted is sent. */
bool wire_flush(wire *w, nbase_error *err);

/* Receives a message with this tag, from any rank, if one is there: 1, and the caller frees *p. 0:
 * none; what was posted has gone on. -1: failed. */
int wire_poll(wire *w, wire_tag tag, int *from, parcel *p, nbase_error *err);

/* ---- all ranks ---- */

/* The bytes of rank `root`, for all; sent along a binomial tree. */
bool wire_broadcast(wire *w, int root, void *data, size_t size, nbase_error *err);

/* Stops all ranks for this reason, with the rank's name before it, unless they are stopped. */
void wire_stop(wire *w, const nbase_error *why);

/* ---- waiting ---- */

/* Called between tests while there is nothing to do; `idle` counts the calls, and begins with 0.
 * Yields at first and then sleeps for moments. False: another rank has stopped, or this one. */
bool wire_pause(wire *w, unsigned *idle, nbase_error *err);

#endif
