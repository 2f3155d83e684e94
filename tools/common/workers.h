/* workers.h - independent items on several threads. */
#ifndef SKIN_WORKERS_H
#define SKIN_WORKERS_H

#include <stddef.h>

/* Calls work() once for each of the items 0..count-1 on up to `threads` threads (0: all
 * processors), and returns when all are done. Items are begun in order; after Ctrl-C
 * (cli_interrupted) no further one is.
 *
 * worker  0..workers_count()-1: the index of the thread, for buffers of its own
 *
 * If the system gives fewer threads than asked for, fewer are used. */
void workers_run(size_t count, int threads, void (*work)(void *ctx, int worker, size_t item),
                 void *ctx);

/* The most threads that workers_run uses. */
int workers_count(size_t count, int threads);

#endif
