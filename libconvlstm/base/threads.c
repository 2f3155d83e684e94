/* What both implementations of threads.h share: the number of threads, and the barrier. */
#include "threads.h"

#include "nbase.h"
#include "os.h"

int nbase__thread_count(int requested)
{
    int n = requested > 0 ? requested : nbase_cpu_count();
    return n > NBASE__MAX_THREADS ? NBASE__MAX_THREADS : n;
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
        if (spins > 4000) nbase__os_yield();
#if defined(__x86_64__)
        else
            __builtin_ia32_pause();
#endif
    }
}
