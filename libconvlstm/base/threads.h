/* threads.h - internal: the one seam to the OpenMP runtime.
 *
 * A loop or team runs on at most `threads` threads of the host's OpenMP runtime; the host's own
 * thread counts are never changed. BLAS called from inside runs on one thread, also when `threads`
 * is 1 (see threads.c). Called from inside a parallel region of the host, everything runs on the
 * calling thread. */
#ifndef NBASE_THREADS_H
#define NBASE_THREADS_H

#include <stddef.h>

#include <stdatomic.h>

/* Most threads of a loop or team. */
enum { NBASE__MAX_THREADS = 256 };

/* The number of threads for an option num_threads: nbase_cpu_count() for 0 or less, at most
 * NBASE__MAX_THREADS. */
int nbase__thread_count(int requested);

/* Calls body(ctx, i, thread) for every i in 0..n-1, in dynamic order, with thread in 0..threads-1.
 * A body may write only what belongs to its i or its thread. */
void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx);

/* Threads that run in step. */
typedef struct nbase__team {
    int threads;
    _Atomic int arrived;
    _Atomic int phase;
} nbase__team;

/* Calls body(ctx, team, thread) once per thread. The runtime may give fewer threads than asked for:
 * team->threads is their number. */
void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx);

/* Waits for the other threads of the team. Spins briefly, then yields, so that it also works on a
 * busy machine. */
void nbase__team_wait(nbase__team *team);

#endif
