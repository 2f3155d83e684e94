/* workers.h - independent items on several threads. */
#ifndef SKIN_WORKERS_H
#define SKIN_WORKERS_H

#include <stddef.h>

/* Does the work of items 0..count-1, each once, in order of starting, on up to `threads` threads
 * (0: all processors), and returns when all are done. After Ctrl-C (cli_interrupted) no further
 * item is begun. `worker` is 0..workers_count()-1: the index of the thread's own buffers. Where the
 * system gives fewer threads, fewer work. */
void workers_run(size_t count, int threads, void (*work)(void *ctx, int worker, size_t item),
                 void *ctx);

/* How many threads workers_run takes at the most. */
int workers_count(size_t count, int threads);

#endif
