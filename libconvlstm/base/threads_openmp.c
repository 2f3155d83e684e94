/* Loops and teams on the host's OpenMP runtime: make THREADS=openmp.
 *
 * It shares the runtime's threads with the host, which saves threads in a host that uses OpenMP
 * itself. But libgomp ends the process where it cannot start a thread, and a child after fork
 * hangs in its first region. */
#include "threads.h"

#include <omp.h>

/* OpenBLAS's OpenMP build runs single-threaded exactly when it is called inside an active parallel
 * region. A region of one thread is not active, so work for one thread gets a second one that
 * leaves at once and sleeps: the only way to keep BLAS to one thread, and its sums in one order,
 * without touching the host's settings. */
#define MIN_TEAM 2

void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx)
{
    if (omp_in_parallel()) { /* the host's threads are taken: run here */
        for (size_t i = 0; i < n; i++) body(ctx, i, 0);
        return;
    }
    _Atomic size_t next = 0;
    int team = threads > MIN_TEAM ? threads : MIN_TEAM;
#pragma omp parallel num_threads(team)
    {
        int thread = omp_get_thread_num();
        if (thread < threads)
            for (size_t i; (i = atomic_fetch_add(&next, 1)) < n;) body(ctx, i, thread);
    }
}

void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx)
{
    nbase__team team = {.threads = 1};
    if (omp_in_parallel()) {
        body(ctx, &team, 0);
        return;
    }
    int wanted = threads > MIN_TEAM ? threads : MIN_TEAM;
#pragma omp parallel num_threads(wanted)
    {
#pragma omp single
        {
            int given = omp_get_num_threads();
            team.threads = given < threads ? given : threads;
        }
        int thread = omp_get_thread_num();
        if (thread < team.threads) body(ctx, &team, thread);
    }
}
