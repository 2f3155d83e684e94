/* measure.h - problems measured in turn, round by round. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench.h"
#include "counters.h"

enum { MAX_PROBLEMS = 128, MAX_ROUNDS = 1000 };
typedef enum cache_state { WARM, COLD, CACHES } cache_state;

/* What the rounds of a problem gave. */
typedef struct measured {
    double seconds[CACHES][MAX_ROUNDS]; /* of one run; 0: not measured */
    /* by how much the clock had changed when the problem was done, as a part */
    double drift[MAX_ROUNDS];
    double cpu; /* seconds of processor time of all threads, of one run, the least of the rounds */
    double counts[COUNTS]; /* of one run with warm caches, mean; -1: not counted */
} measured;

typedef struct table {
    problem problems[MAX_PROBLEMS];
    measured found[MAX_PROBLEMS];
    size_t count;
    int rounds, threads;
    double peak[MAX_ROUNDS];  /* fp32 FMA on all threads, GFLOP/s */
    bool cold;                /* cold caches are measured too, where a run is short */
    const counters *counters; /* null: there are none */
} table;

/* Processor time of all threads of this process until now, seconds. */
double process_seconds(void);

/* Measures the seconds of one run of a problem; short ones are repeated until `least` seconds have
 * passed. *runs gets how often it ran, and may be null. Negative on failure. */
double time_once(const problem *p, double least, size_t *runs);

/* Runs a warm-up, then `rounds` rounds, each of which measures the peak, then every problem. False
 * on failure or interruption. */
bool measure(table *t, double least);

#endif
