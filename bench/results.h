/* results.h - figures with all that is needed to judge them: where they were measured, each round,
 * intervals. They come from a measurement (measure.h) or from a file that an earlier one wrote. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdio.h>

#include "machine.h"
#include "measure.h"
#include "nbase.h"
#include "statistics.h"

/* One problem by one engine. */
typedef struct row {
    char name[64], kind[16], shape[64], engine[32], isa[16], precision[8];
    char cache[8]; /* "warm", "cold"; "once": measured a single time */
    int threads;
    double *ms; /* (rounds), in the order in which they were measured */
    int rounds;
    interval time; /* ms: the median */
    double least;  /* ms */
    /* ms of processor time of all threads, the least of the rounds; negative: not known */
    double cpu;
    double flops; /* of one run, as if done directly; 0: not counted */
    double bytes; /* that one run must move at least; 0: not counted */
    double items; /* sequences, photos or crops of one run; 0: not counted */
    double error; /* against the reference */
    double peak;  /* fp32 FMA on as many threads, median of the rounds, GFLOP/s */
    double drift; /* largest change of the clock during a round, as a part; negative: not known */
    int drifted;  /* rounds in which it was more than CLOCK_DRIFT */
    /* of one run, by the processor's counters; negative: not counted */
    double cycles, instructions, l2_misses;
} row;

typedef struct results {
    machine machine;
    double resident; /* MB, the most that the process had */
    row *rows;
    size_t count;
} results;

/* Figures of a measured table. False without memory. Ends with results_free, after a failure,
 * too. */
bool results_make(results *r, const table *t, const machine *m);

/* Reads what results_write or `bench --json` wrote, one JSON object per line; blank lines are
 * skipped. Refuses rows of several machines, values that are missing or make no sense, and files
 * of an old bench, which have no rounds. The error names file and line. */
bool results_read(results *r, const char *path, nbase_error *err);

bool results_write(const results *r, const char *path, nbase_error *err);
void results_free(results *r);

/* GFLOP/s, or 0; parts of the peak in percent. */
double row_gflops(const row *w);
double row_percent(const row *w);

/* Fills in what follows from a row's rounds. False without memory. */
bool row_complete(row *w);

/* The value with seven digits, more than a measurement has. Rounds have so many from the beginning,
 * so that a file gives the same figures again. */
double seven_digits(double v);

/* "ours avx512", "onednn", "ours avx512 bf16". */
void row_engine(const row *w, char out[64]);

/* The table as text (cpu: with the processor time), as comma-separated values, or as an object per
 * line. */
void print_table(FILE *out, const results *r, bool cpu);
void print_csv(FILE *out, const results *r);
bool print_json(FILE *out, const results *r);

#endif
