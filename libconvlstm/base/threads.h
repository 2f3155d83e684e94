/* threads.h - internal: the one seam to the OpenMP runtime.
 *
 * A loop or team runs on at most `threads` threads of the host's OpenMP runtime; the host's own
 * thread counts are never changed. BLAS called from inside stays single-threaded at any count, one
 * included: see threads.c. */
#ifndef NBASE_THREADS_H
#define NBASE_THREADS_H

#include <stddef.h>

#include <stdatomic.h>

/* 0 or less: nbase_cpu_count(); at most 256. */
int nbase__thread_count(int requested);

/* Calls body(ctx, i, thread) for every i in 0..n-1, dynamic order, thread in 0..threads-1. The body
 * must write only what is i's or thread's. */
void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx);

/* A team that runs in step. */
typedef struct nbase__team {
    int threads;
    _Atomic int arrived;
    _Atomic int phase;
} nbase__team;

/* Calls body(ctx, team, thread) once a thread. If the runtime gives fewer threads than asked, the
 * team is that small: use team->threads. */
void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx);
/* Barrier of the team: spins briefly, then yields, so that a busy machine does not collapse. */
void nbase__team_wait(nbase__team *team);

#endif
