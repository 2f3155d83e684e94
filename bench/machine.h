/* machine.h - where figures were measured: what the processor is, and what it can do. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "nbase.h"

typedef struct machine {
    char model[128], clock[32], caches[160], system[160];
    char version[32], commit[64], compiler[64], kernels[32], blas[256];
    char date[32]; /* when it was measured, UTC */
    int processors, threads;
    double memory_gb;
    double read_gbs, read_gbs_1; /* reading memory, on all threads and on one */
} machine;

/* Fills all fields. Measures the bandwidth, which takes half a second. */
void machine_look(machine *m, int threads);

/* Prints machine, clock, instruction set, tuning, compiler, commit, BLAS, threads, peaks and
 * bandwidth: a few lines on stderr that each begin with "# ". */
void machine_print(const machine *m);

/* ---- peaks.c ---- */

/* Measures FMA chains on `threads` threads in the family's widest registers, as the best of a few
 * times 8 ms. GFLOP/s; 0 if this build or processor lacks the family. */
double peak_gflops(nbase_isa isa, int threads);

/* Measures reading 256 MiB on `threads` threads; GB/s. */
double read_bandwidth(int threads);

/* Reads and writes more than the caches hold, so that the next run finds none of its data in
 * them. */
void evict_caches(void);

/* Seconds of this thread's own time that a fixed chain of dependent operations takes, the least of
 * a few times a quarter of a millisecond: it changes with the processor's clock, and with what the
 * host of a virtual machine takes away, but not with other processes. */
double clock_probe(void);

/* A change of the clock by more than this part is reported. */
#define CLOCK_DRIFT 0.03

#endif
