/* Loops and teams on threads of our own.
 *
 * Each thread of the host that calls the library has a pool of helper threads, which grows to the
 * largest number asked for, sleeps between calls and ends with its owner. A library may not end or
 * hang its host, so everything that can fail is expected to:
 *   - where a helper cannot be started (a limit on tasks or on memory), the others do its work;
 *   - after fork the child has none of its parent's threads: it starts its own;
 *   - a helper's stack has a size of its own, whatever limits the host runs under, and a caller
 *     whose own stack is nearly full leaves the work to its helpers;
 *   - helpers block all signals: the host's handlers run on the host's threads. */
#include "threads_together.h"

#ifndef NBASE_NO_OPENMP
#include <omp.h>
#endif
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "nbase.h"
#include "os.h"
#include "threads.h"

/* Bytes: of a helper's stack, and what a caller must have left of its own to take part. The
 * deepest body measured took 60 KB, BLAS's own frames included. */
#define HELPER_STACK ((size_t)1 << 20)
#define CALLER_STACK ((size_t)256 << 10)

/* How often a thread looks for work, or for the end of it, before it sleeps; a look takes some 50
 * ns. After short calls SPINS times, for some 50 us: longer than what the library does between two
 * loops, and shorter than a host would notice. After long calls, as those of a training step are,
 * for a 16th of the call's time, but MOST_SPINS at most, a millisecond: the threads of such a call
 * end that much apart, and a processor that sleeps may need 100 us to wake, most of all in a
 * virtual machine. */
#define SPINS 1000
#define MOST_SPINS (20 * SPINS)
#define SPIN_NS 50.0

/* A thread that sleeps until somebody wakes it. */
typedef struct sleeper {
    _Atomic bool asleep;
    pthread_mutex_t lock;
    pthread_cond_t woken;
} sleeper;

typedef struct pool pool;

typedef struct helper {
    _Alignas(64) _Atomic unsigned calls; /* how often it was called; a change is the call */
    sleeper sleep;
    pool *home;
    int number; /* in its pool, from 0 */
    pthread_t thread;
} helper;

struct pool {
    uint64_t process; /* whose threads these are */
    helper *helpers[NBASE__MAX_THREADS];
    int count, most;   /* how many there are, and may be */
    _Atomic int spins; /* how long helpers and owner look before they sleep */
    /* What is being done: helper h runs body(context, first + h). */
    void (*body)(void *context, int thread);
    void *context;
    int first;
    bool ending;
    _Atomic int left; /* who still uses an ending pool, where nobody waits for the others */
    _Alignas(64) _Atomic int busy; /* helpers that have not finished */
    sleeper sleep;                 /* the owner, waiting for them */
};

/* ---- sleeping ---- */

static bool sleeper_init(sleeper *s)
{
    if (pthread_mutex_init(&s->lock, NULL)) return false;
    if (!pthread_cond_init(&s->woken, NULL)) return true;
    pthread_mutex_destroy(&s->lock);
    return false;
}

static void sleeper_free(sleeper *s)
{
    pthread_cond_destroy(&s->woken);
    pthread_mutex_destroy(&s->lock);
}

/* After a change of what the sleeper waits for. Both sides are sequentially consistent: either it
 * sees the change before it sleeps, or we see that it is asleep. */
static void wake(sleeper *s)
{
    if (!atomic_load(&s->asleep)) return;
    pthread_mutex_lock(&s->lock);
    pthread_cond_signal(&s->woken);
    pthread_mutex_unlock(&s->lock);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Waits until h->calls is no longer `seen`. Returns how many calls have been seen then. */
static unsigned await_call(helper *h, unsigned seen, int spins)
{
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&h->calls, memory_order_acquire) != seen) return seen + 1;
        pause_briefly();
    }
    pthread_mutex_lock(&h->sleep.lock);
    atomic_store(&h->sleep.asleep, true);
    while (atomic_load(&h->calls) == seen) pthread_cond_wait(&h->sleep.woken, &h->sleep.lock);
    atomic_store(&h->sleep.asleep, false);
    pthread_mutex_unlock(&h->sleep.lock);
    return seen + 1;
}

/* The owner waits until all helpers have finished. */
static void await_helpers(pool *p)
{
    for (int i = 0; i < p->spins; i++) {
        if (!atomic_load_explicit(&p->busy, memory_order_acquire)) return;
        pause_briefly();
    }
    pthread_mutex_lock(&p->sleep.lock);
    atomic_store(&p->sleep.asleep, true);
    while (atomic_load(&p->busy)) pthread_cond_wait(&p->sleep.woken, &p->sleep.lock);
    atomic_store(&p->sleep.asleep, false);
    pthread_mutex_unlock(&p->sleep.lock);
}

/* ---- helpers ---- */

static void release(pool *p)
{
    for (int i = 0; i < p->count; i++) {
        sleeper_free(&p->helpers[i]->sleep);
        nbase__os_free(p->helpers[i]);
    }
    sleeper_free(&p->sleep);
    nbase__os_free(p);
}

/* The last one who leaves an ending pool frees it. */
static void leave(pool *p)
{
    if (atomic_fetch_sub(&p->left, 1) == 1) release(p);
}

/* Whether this thread is in a body: a call from there runs on it alone. */
static _Thread_local bool in_body;

/* A helper's life: runs bodies until its pool ends. */
static void *serve(void *arg)
{
    helper *h = arg;
    pool *p = h->home;
    in_body = true;
    for (unsigned seen = 0;;) {
        seen = await_call(h, seen, p->spins);
        if (p->ending) {
            if (!nbase__os_end_may_wait()) leave(p);
            return NULL;
        }
        p->body(p->context, p->first + h->number);
        if (atomic_fetch_sub(&p->busy, 1) == 1) wake(&p->sleep);
    }
}

static bool add_helper(pool *p)
{
    helper *h = nbase__os_alloc(sizeof *h, 64);
    if (!h) return false;
    *h = (helper){.home = p, .number = p->count};
    if (sleeper_init(&h->sleep)) {
        if (nbase__os_thread_start(&h->thread, HELPER_STACK, serve, h)) {
            p->helpers[p->count++] = h;
            return true;
        }
        sleeper_free(&h->sleep);
    }
    nbase__os_free(h);
    return false;
}

/* Wakes the first helpers of a pool to run its body, or to end. */
static void call(pool *p, int helpers)
{
    for (int i = 0; i < helpers; i++) {
        atomic_fetch_add(&p->helpers[i]->calls, 1);
        wake(&p->helpers[i]->sleep);
    }
}

/* ---- pools ---- */

static pthread_key_t own_pool;
static bool have_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

/* The owner ends. */
static void end_pool(void *arg)
{
    pool *p = arg;
    if (p->process != nbase__os_process())
        return; /* locks of threads that never were here: left alone */
    bool waits = nbase__os_end_may_wait();
    for (int i = 0; !waits && i < p->count; i++) pthread_detach(p->helpers[i]->thread);
    p->left = p->count + 1; /* the owner, too, until it has called the last */
    p->ending = true;
    call(p, p->count);
    if (!waits) {
        leave(p);
        return;
    }
    for (int i = 0; i < p->count; i++) pthread_join(p->helpers[i]->thread, NULL);
    release(p);
}

static void make_key(void) { have_key = !pthread_key_create(&own_pool, end_pool); }

/* Under a limit on addresses not more than there are processors: each takes addresses for its stack
 * and for BLAS (gemm.c), which then are missing elsewhere. */
static int most_helpers(void)
{
    bool limited = nbase__os_addresses_limited();
    return limited ? nbase_cpu_count() : NBASE__MAX_THREADS;
}

static pool *new_pool(void)
{
    pool *p = nbase__os_alloc(sizeof *p, 64);
    if (!p) return NULL;
    *p = (pool){.process = nbase__os_process(), .most = most_helpers()};
    if (sleeper_init(&p->sleep)) {
        if (!pthread_setspecific(own_pool, p)) return p;
        sleeper_free(&p->sleep);
    }
    nbase__os_free(p);
    return NULL;
}

/* The calling thread's pool with `wanted` helpers, or as many as there can be; null: none. */
static pool *pool_with(int wanted)
{
    pthread_once(&key_once, make_key);
    if (wanted <= 0 || !have_key) return NULL;
    pool *p = pthread_getspecific(own_pool);
    if (p && p->process != nbase__os_process()) p = NULL; /* the parent's: fork copied no threads */
    if (!p) p = new_pool();
    if (!p) return NULL;
    if (wanted > p->most) wanted = p->most;
    if (p->count < wanted) {
        while (p->count < wanted && add_helper(p)) continue;
        p->spins = p->count < nbase_cpu_count() ? SPINS : 0;
    }
    return p;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* Adapts how long threads look before they sleep to a call that took `ns`. A short call between
 * long ones lowers it by an eighth only. */
static void adapt_spins(pool *p, double ns)
{
    const int spins = p->spins, fewer = spins - spins / 8;
    if (!spins) return; /* there are too few processors for it */
    const double fit = ns / 16 / SPIN_NS, most = fit < MOST_SPINS ? fit : MOST_SPINS;
    const int wanted = most > SPINS ? (int)most : SPINS;
    p->spins = wanted > fewer ? wanted : fewer;
}

/* Whether the calling thread is in one of the host's OpenMP regions. */
static bool in_region(void)
{
#ifndef NBASE_NO_OPENMP
    return omp_in_parallel();
#else
    return false;
#endif
}

/* Whether the calling thread has the stack for a body. */
static bool stack_suffices(void)
{
    static _Thread_local uintptr_t lowest;
    if (!lowest) lowest = nbase__os_stack_end();
    if (!lowest) return true;
    return (uintptr_t)__builtin_frame_address(0) - lowest >= CALLER_STACK;
}

/* ---- calls ---- */

void nbase__run_together(int threads, void (*prepare)(void *context, int n),
                         void (*body)(void *context, int thread), void *context)
{
    if (threads < 1) threads = 1;
    if (threads > NBASE__MAX_THREADS) threads = NBASE__MAX_THREADS;
    bool takes_part = stack_suffices();
    pool *p = in_body || in_region() ? NULL : pool_with(takes_part ? threads - 1 : threads);
    int helpers = p ? p->count : 0;
    if (!helpers) takes_part = true;
    if (helpers > threads - takes_part) helpers = threads - takes_part;
    prepare(context, helpers + takes_part);
    const double start = helpers ? now_ns() : 0;
    if (helpers) {
        p->body = body;
        p->context = context;
        p->first = takes_part;
        atomic_store(&p->busy, helpers);
        call(p, helpers);
    }
    if (takes_part) {
        bool outer = in_body;
        in_body = true;
        body(context, 0);
        in_body = outer;
    }
    if (!helpers) return;
    await_helpers(p);
    adapt_spins(p, now_ns() - start);
}
