/* kernels.h - internal: the vectorised kernels, by instruction set. A family (math, tiles,
 * winograd) is a template (NAME_body.h) over the vectors of vec_*.h, compiled once in each
 * NAME_<isa>.c; kernels.inc has a line for each, from which the table here, the tests and the
 * benchmarks are made. */
#ifndef CONVLSTM_KERNELS_H
#define CONVLSTM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"
#include "units.h"

/* For the templates. */
#define INLINE static inline __attribute__((always_inline))
/* large and called seldom: once in the code is enough */
#define OUT_OF_LINE static __attribute__((noinline))
#define NO_UNROLL _Pragma("GCC unroll 1")
#ifdef V_PLAIN
#define UNROLL NO_UNROLL /* vectors are loops already: it would only take long to compile */
#else
#define UNROLL _Pragma("GCC unroll 36")
#endif

/* out[i] = f(in[i]) for n floats, not aligned; out may be in. NaN gives NaN. Largest errors, in
 * units in the last place of the exact result, over all floats (tests/unit/convlstm/test_checkkern.c): tanh 6,
 * exp 1.1, sigmoid 3; sigmoid below -87: 1.7e-38. |tanh| <= 1. */
typedef struct convlstm__math_kernels {
    void (*tanh)(size_t n, const float *in, float *out);
    void (*exp)(size_t n, const float *in, float *out);
    void (*sigmoid)(size_t n, const float *in, float *out);
} convlstm__math_kernels;

/* Rows of a frame of tiles, `count` floats each (a multiple of 16), aligned. The same bits on every
 * instruction set. */
typedef struct convlstm__tiles_kernels {
    void (*affine)(size_t count, const float *in, float scale, float shift, float *out);
    void (*combine)(size_t count, const float *a, const float *b, float p, float q, float r,
                    float *out);
    void (*add)(size_t count, const float *in, float *out);
    /* partial[i % 16] += a[i], and partial[16 + i % 16] += a[i] * b[i]: 32 doubles. */
    void (*dot)(size_t count, const float *a, const float *b, double *partial);
} convlstm__tiles_kernels;

struct convlstm__winograd;
struct convlstm__winograd_forward;
struct convlstm__winograd_backward;
/* The recurrent step (winograd.h). */
typedef struct convlstm__winograd_kernels {
    size_t lanes; /* tiles in a vector */
    size_t rows;  /* of the products' register block: how weights are packed */
    /* outputs of the forward pass whose products are made before they are transformed */
    size_t group;
    bool columns;           /* there is a way with weights packed for winograd_columns.h */
    size_t forward_vectors; /* vectors of tiles in a block, at most */
    size_t backward_vectors;
    bool bf16; /* weights are packed as pairs of bfloat16, of channels 2k and 2k+1 */
    /* A unit is a vector of tiles or, with `columns`, a filter of a vector. */
    void (*forward)(const struct convlstm__winograd *w,
                    const struct convlstm__winograd_forward *step, convlstm__units units);
    /* Units of a step of `a` and, of a layer b whose x begins with a's h_prev, of one more, without
     * gates; only pixels are written. scratch is a's: V of both (convlstm__winograd_pair_v), then M. Null if bf16. */
    void (*forward_pair)(const struct convlstm__winograd *a,
                         const struct convlstm__winograd_forward *step_a, convlstm__units units_a,
                         const struct convlstm__winograd *b,
                         const struct convlstm__winograd_forward *step_b, convlstm__units units_b);
    /* null if bf16 */
    void (*backward)(const struct convlstm__winograd *w,
                     const struct convlstm__winograd_backward *step);
} convlstm__winograd_kernels;
typedef convlstm__winograd_kernels convlstm__winograd1_kernels, convlstm__winograd5_kernels,
    convlstm__winograd_bf16_kernels;

typedef struct convlstm__kernels {
    const convlstm__math_kernels *math;   /* always there */
    const convlstm__tiles_kernels *tiles; /* always there */
    /* For kernels of 3x3, 1x1, 5x5; null if this build has none for the instruction set. */
    const convlstm__winograd_kernels *winograd, *winograd1, *winograd5;
    /* 3x3, forward alone, products of bfloat16; null where the machine has no such instruction */
    const convlstm__winograd_kernels *winograd_bf16;
} convlstm__kernels;

/* What to use on `isa`: families that have no kernels for it fall back to the reference, but for
 * winograd. */
convlstm__kernels convlstm__kernels_for(nbase_isa isa);

#define KERNEL(family, isa, ISA)                                                                   \
    extern const convlstm__##family##_kernels convlstm__##family##_##isa;
#include "kernels.inc"
#undef KERNEL

#endif
