/* threads_together.h - internal: the seam between threads.h's loops and teams (threads_together.c)
 * and the threads that do them, for implementations with threads of their own (threads_pool.c,
 * threads_wasm.c). */
#ifndef NBASE_THREADS_TOGETHER_H
#define NBASE_THREADS_TOGETHER_H

/* Runs body(context, t) for t in 0..n-1 at the same time, and returns when all have. n is at least
 * 1 and at most `threads` (of which 0 or less means 1): what can be had now, 1 for a call from a
 * body. prepare(context, n) is called before. */
void nbase__run_together(int threads, void (*prepare)(void *context, int n),
                         void (*body)(void *context, int thread), void *context);

#endif
