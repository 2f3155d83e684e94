/* threads.h - internal: loops and teams on several threads.
 *
 * Three implementations stand behind this header; the Makefile compiles one of them:
 *   threads_pool.c    (default) threads of our own
 *   threads_openmp.c  (make THREADS=openmp) the host's OpenMP runtime
 *   threads_none.c    (make THREADS=none) the calling thread alone
 *
 * The host's own thread counts, of OpenMP and of BLAS, are the same after each call as before it.
 * BLAS, called through gemm.h, runs on the calling thread alone.
 *
 * A call from inside one of the host's active OpenMP regions, or from a body, runs everything on
 * the calling thread: the other processors are taken. */
#ifndef NBASE_THREADS_H
#define NBASE_THREADS_H

#include <stdatomic.h>
#include <stddef.h>

/* At most this many threads work on one call. */
enum { NBASE__MAX_THREADS = 256 };

/* The number of threads to use where `requested` were asked for: 0 or less means
 * nbase_cpu_count(). At most NBASE__MAX_THREADS. */
int nbase__thread_count(int requested);

/* Calls body(ctx, i, thread) once for every i in 0..n-1, in any order, with `thread` in
 * 0..threads-1: no two calls with the same `thread` run at the same time. The body must write only
 * what belongs to i or to `thread`. Where threads cannot be started, fewer do the work. */
void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx);

/* Threads that run in step. */
typedef struct nbase__team {
    int threads; /* how many there are */
    _Atomic int arrived;
    _Atomic int phase;
} nbase__team;

/* Calls body(ctx, team, thread) once on each thread of a team of at most `threads`. Where threads
 * cannot be started the team is smaller: use team->threads. */
void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx);

/* Returns when all threads of the team have called it. Spins briefly, then yields, so that a busy
 * machine does not collapse. */
void nbase__team_wait(nbase__team *team);

#endif
