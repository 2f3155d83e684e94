/* counters.h - the processor's own counters, of all threads of this process in user mode, where the
 * kernel allows (perf_event_open). */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>

enum { COUNT_CYCLES, COUNT_INSTRUCTIONS, COUNT_L2_MISSES, COUNTS };

typedef struct counters {
    int file[COUNTS]; /* -1: not counted */
} counters;

/* Begins to count. Threads that are started later are counted, those that run already are not: to
 * be called before there are any. Returns whether anything is counted; if not, `why` says the
 * reason. Ends with counters_close, in each case. */
bool counters_open(counters *c, char *why, size_t size);
void counters_close(counters *c);

/* What was counted since counters_open; -1 for what is not counted. Where the processor has fewer
 * counters than are wanted, counts are scaled up from the share of the time. */
void counters_read(const counters *c, double out[COUNTS]);

#endif
