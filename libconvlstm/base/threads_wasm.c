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
#include "threads_together.h"

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

/* How many threads there can be where so many are wanted. */
static int available(int wanted)
{
    int there = work.running ? 1 : nbase_cpu_count();
    int most = there < NBASE__MAX_THREADS ? there : NBASE__MAX_THREADS;
    return wanted < 1 ? 1 : wanted < most ? wanted : most;
}

void nbase__run_together(int threads, void (*prepare)(void *context, int n),
                         void (*body)(void *context, int thread), void *context)
{
    threads = available(threads);
    prepare(context, threads);
    if (threads == 1) {
        body(context, 0);
        return;
    }
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
