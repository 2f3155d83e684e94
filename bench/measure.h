/* measure.h - problems measured in turn, and what is printed about them. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench.h"

enum { MAX_PROBLEMS = 128, MAX_ROUNDS = 1000 };
typedef enum cache_state { WARM, COLD, CACHES } cache_state;
typedef enum output_form { TEXT, JSON, CSV } output_form;

typedef struct table {
    problem problems[MAX_PROBLEMS];
    size_t count;
    int rounds, threads;
    double seconds[MAX_PROBLEMS][CACHES][MAX_ROUNDS], peak[MAX_ROUNDS];
    bool cold; /* cold caches are measured too, where a run is short */
} table;

/* Measures the seconds of one run of a problem; short ones are repeated until `least` seconds have
 * passed. Negative on failure. */
double time_once(const problem *p, double least);

/* Runs a warm-up, then `rounds` rounds, each of which measures the peak, then every problem. False
 * on failure or interruption. */
bool measure(table *t, double least);
void table_print(table *t, output_form form, const machine *m);

/* Sorts v. */
double median(double *v, int n);

#endif
