/* threads.c - the one file that includes omp.h. */
#include "threads.h"

#include <omp.h>
#include <sched.h>

#include "nbase.h"

/* OpenBLAS's OpenMP build runs on one thread exactly when it is called inside an active parallel
 * region. A region of one thread is not active, so a loop for one thread gets a second one that
 * leaves at once and sleeps. There is no other way to keep BLAS on one thread, and its sums in one
 * order, without touching the host's settings. */
#define MIN_TEAM 2

int nbase__thread_count(int requested)
{
    int n = requested > 0 ? requested : nbase_cpu_count();
    return n > NBASE__MAX_THREADS ? NBASE__MAX_THREADS : n;
}

void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx)
{
    if (omp_in_parallel()) { /* the host's threads are busy: run on this one */
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

void nbase__team_wait(nbase__team *team)
{
    if (team->threads < 2) return;
    int phase = atomic_load_explicit(&team->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == team->threads - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->phase, phase + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&team->phase, memory_order_acquire) == phase;
         spins++) {
        if (spins > 4000) sched_yield();
#if defined(__x86_64__)
        else
            __builtin_ia32_pause();
#endif
    }
}
