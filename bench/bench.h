/* bench.h - what the files of bench share: a problem, and how it is measured. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

/* One piece of work. `state` is made by the problem's make function. */
typedef struct problem {
    char name[64];  /* "infer_b1" */
    char shape[96]; /* "mb1t30ih80iw80ic3" */
    double flops;   /* of one run: multiplications and additions of the convolutions done directly, masked frames not counted */
    void *state;
    bool (*run)(void *state); /* false, with a message on stderr, on failure */
    void (*release)(void *state);
} problem;

typedef struct measurement {
    double ms, min_ms; /* median and smallest */
    size_t runs;
} measurement;

/* Problems by set: fill up to `room`, return how many; a problem that cannot be made here is told on stderr and left out. */
size_t network_problems(const char *set, int threads, problem *out, size_t room);
/* `photo`: a picture's file for whole detections, or null. */
size_t detect_problems(const char *set, int threads, const char *photo, problem *out, size_t room);

/* ---- the machine ---- */

/* Runs FMA chains on `threads` threads for about 20 ms with the family's widest registers; GFLOP/s. 0 if this build or processor lacks it. */
double peak_gflops(nbase_isa isa, int threads);
/* Reading 256 MiB on `threads` threads; GB/s. */
double read_bandwidth(int threads);
/* Machine, clock, instruction set, compiler, commit, BLAS, threads, peaks: a few lines that each begin with "# ". */
void print_header(int threads);

double bench_now(void); /* seconds */

#endif
