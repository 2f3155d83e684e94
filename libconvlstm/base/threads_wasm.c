/* Loops and teams on threads that the host makes: make THREADS=wasm.
 *
 * A module of WebAssembly cannot start threads. Its host can: it makes one memory, and in each of
 * several workers an instance of the module on that memory. One of them is called by everyone; the
 * others, the helpers, each call nbase__wasm_serve and never return. The calling one must be
 * allowed to wait, which a browser allows to workers only. */
#include "threads_wasm.h"

#include <stdbool.h>
#include <stdint.h>

#include "nbase.h"
#include "os.h"
#include "threads.h"

/* How often a thread looks before it sleeps; of the order of 50 us. */
#define SPINS 2000

/* How often each helper was called, and by how many bytes they are apart: a cache line. */
static struct {
    _Alignas(64) _Atomic uint32_t times;
} calls[NBASE__MAX_THREADS];

/* What is being done: helper h runs body(context, 1 + h). */
static struct {
    void (*body)(void *context, int thread);
    void *context;
    bool running;
    _Alignas(64) _Atomic uint32_t busy; /* helpers that have not finished */
} work;

/* Returns when the number is another one than `old`. */
static void await_change(_Atomic uint32_t *number, uint32_t old)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load_explicit(number, memory_order_acquire) != old) return;
    while (atomic_load(number) == old)
        __builtin_wasm_memory_atomic_wait32((int *)number, (int)old, -1 /* no limit */);
}

static void wake(_Atomic uint32_t *number)
{
    __builtin_wasm_memory_atomic_notify((int *)number, 1);
}

void nbase__wasm_serve(int helper)
{
    _Atomic uint32_t *called = &calls[helper].times;
    for (uint32_t seen = 0;; seen++) {
        await_change(called, seen);
        work.body(work.context, 1 + helper);
        if (atomic_fetch_sub(&work.busy, 1) == 1) wake(&work.busy);
    }
}

/* Runs body(context, t) for t in 0..threads-1 at the same time. */
static void run_together(int threads, void (*body)(void *context, int thread), void *context)
{
    work.body = body;
    work.context = context;
    work.running = true;
    atomic_store(&work.busy, (uint32_t)threads - 1);
    for (int h = 0; h < threads - 1; h++) {
        atomic_fetch_add(&calls[h].times, 1);
        wake(&calls[h].times);
    }
    body(context, 0);
    for (uint32_t left; (left = atomic_load(&work.busy)) > 0;) await_change(&work.busy, left);
    work.running = false;
}

/* How many threads there can be where so many are wanted: a call from a body runs alone. */
static int available(int wanted)
{
    int there = work.running ? 1 : nbase_cpu_count();
    int most = there < NBASE__MAX_THREADS ? there : NBASE__MAX_THREADS;
    return wanted < 1 ? 1 : wanted < most ? wanted : most;
}

typedef struct loop {
    void (*body)(void *ctx, size_t i, int thread);
    void *ctx;
    size_t n;
    _Atomic size_t next;
} loop;

static void take_items(void *context, int thread)
{
    loop *l = context;
    for (size_t i; (i = atomic_fetch_add(&l->next, 1)) < l->n;) l->body(l->ctx, i, thread);
}

void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx)
{
    loop l = {.body = body, .ctx = ctx, .n = n};
    int useful = n < (size_t)NBASE__MAX_THREADS && threads > (int)n ? (int)n : threads;
    threads = available(useful);
    if (threads > 1)
        run_together(threads, take_items, &l);
    else
        take_items(&l, 0);
}

typedef struct gathering {
    void (*body)(void *ctx, nbase__team *team, int thread);
    void *ctx;
    nbase__team team;
} gathering;

static void join_team(void *context, int thread)
{
    gathering *g = context;
    g->body(g->ctx, &g->team, thread);
}

void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx)
{
    gathering g = {.body = body, .ctx = ctx, .team = {.threads = available(threads)}};
    if (g.team.threads > 1)
        run_together(g.team.threads, join_team, &g);
    else
        join_team(&g, 0);
}
