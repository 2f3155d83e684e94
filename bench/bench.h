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
    char shape[64]; /* "mb1t30ih80iw80" */
    double flops;   /* of one run: multiplications and additions of the convolutions done directly, masked frames not counted */
    void *state;
    bool (*run)(void *state); /* false, with a message on stderr, on failure */
    void (*release)(void *state);
} problem;

/* What to measure, as text: a kind, then letters and numbers in any order, those left out as in brackets.
 *
 *     infer: train:   a preset on made-up photos: mb batch [1], t frames [30], ih iw size [80], v valid frames [all], gap 1 for skincredible-gap [0]
 *     pnet:           ih iw of the level [379 721]
 *     rnet: onet:     mb crops [100, 30]
 *     detect:         a whole detection: min smallest face [20]
 *
 * For example train:mb8t30ih80iw80v15, or infer:mb8ih75iw53. */
typedef enum descriptor_kind { INFER, TRAIN, PNET, RNET, ONET, DETECT, KINDS } descriptor_kind;
typedef struct descriptor {
    const char *name; /* shown: a preset's name, or the text itself */
    const char *text;
    descriptor_kind kind;
    size_t mb, t, ih, iw, v, gap, min;
} descriptor;

/* Problems of a set or of a single preset's name; returns how many, 0 for an unknown one. */
size_t descriptor_set(const char *set, descriptor *out, size_t room);
/* False, with a message, if the text is no descriptor. */
bool descriptor_parse(const char *text, descriptor *out);

/* Make the problem; false, with the reason on stderr, if that cannot be done here. `photo`: a picture's file, or null for one that is drawn (crowd.h). */
bool network_problem(const descriptor *d, int threads, problem *out);
bool detect_problem(const descriptor *d, int threads, const char *photo, problem *out);

/* ---- the machine ---- */

/* FMA chains on `threads` threads in the family's widest registers, the best of a few 8 ms; GFLOP/s. 0 if this build or processor lacks it. */
double peak_gflops(nbase_isa isa, int threads);
/* Reading 256 MiB on `threads` threads; GB/s. */
double read_bandwidth(int threads);
/* Machine, clock, instruction set, compiler, commit, BLAS, threads, peaks: a few lines that each begin with "# ". */
void print_header(int threads);

double bench_now(void); /* seconds */

#endif
