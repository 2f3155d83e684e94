/* spawner.h - starts fenced processes for a program that has threads, and so should not fork
 * itself.
 *
 * The spawner is a small process, forked while the program still has one thread. It holds nothing
 * and does nothing but fork on request, so its children hold nothing either. It ends with the
 * program, and its children end with it, whatever ends them. */
#ifndef SKIN_SPAWNER_H
#define SKIN_SPAWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "fence.h"
#include "nbase.h"

typedef struct spawner spawner;

/* What a child does behind the fence. `memory` is shared with the program. It talks to the program
 * through FENCE_CHANNEL, where one write is one read, and returns when that reads as closed. */
typedef void (*fenced_main)(uint8_t *memory, size_t size);

/* What a spawner's processes do. */
typedef struct fenced_work {
    /* Runs once, in the spawner, before any child exists and outside the fence. The place to load
     * what libraries would otherwise open or look up later, which behind the fence they cannot: all
     * children inherit it. It must not start threads, nor keep descriptors. May be null. */
    void (*prepare)(void);
    fenced_main main;
} fenced_work;

/* A fenced process, as the program sees it. */
typedef struct fenced {
    pid_t child;     /* 0: none */
    int channel;     /* SOCK_SEQPACKET */
    uint8_t *memory; /* (size) shared with the child, which may write to it at any time */
    size_t size;
    size_t got;    /* bytes for which fenced_get was called */
    unsigned held; /* FENCE_ bits */
} fenced;

/* Forks the spawner, whose children will run `work`, which is copied. The caller must still have
 * one thread; its signals should be blocked as the children are to have them. Null on failure. */
spawner *spawner_start(const fenced_work *work, nbase_error *err);

/* Ends the spawner and what it started. Null is allowed. */
void spawner_stop(spawner *s);

/* Whether the spawner has ended, so that nothing can be started any more. Any thread may ask. */
bool spawner_lost(const spawner *s);

/* Starts a fenced process with `size` bytes of memory in common, all zero. Any thread may call it.
 * On failure false, and *out is empty; NBASE_ERR_IO means that the spawner is lost. */
bool spawner_spawn(spawner *s, const fence_limits *limits, size_t size, fenced *out,
                   nbase_error *err);

/* Gets pages for the first `bytes` of the memory, before anybody uses them. That is cheaper than
 * meeting them one by one (shared.h), and may be left out. */
void fenced_get(fenced *f, size_t bytes);

/* Kills the process, frees what belonged to it and leaves *f empty. Returns how it ended, for
 * fence_describe_end: by SIGKILL unless it had ended before. Any thread may call it; an empty *f is
 * allowed. */
int spawner_end(spawner *s, fenced *f);

#endif
