/* kernels.h - internal: the vectorised kernels, by instruction set.
 *
 * A family (math, tiles, winograd, ...) is a template, NAME_body.c, over the vectors of base/vec.h.
 * The Makefile compiles it once for each instruction set; each time it defines one table of
 * functions. kernels.inc has a line for each of these tables, from which the dispatch here, the
 * tests and the benchmarks follow. */
#ifndef CONVLSTM_KERNELS_H
#define CONVLSTM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"
#include "units.h"

/* ---- elementwise functions ---- */

/* out[i] = f(in[i]) for n floats at any float's address; out may be in. NaN gives NaN.
 *
 * Largest errors over all floats, in units in the last place of the exact result (test_checkkern.c
 * checks them): tanh 6, exp 1.1, sigmoid 3, but for sigmoid below -87: 1.7e-38. |tanh| <= 1. */
typedef struct convlstm__math_kernels {
    void (*tanh)(size_t n, const float *in, float *out);
    void (*exp)(size_t n, const float *in, float *out);
    void (*sigmoid)(size_t n, const float *in, float *out);
} convlstm__math_kernels;

/* ---- rows of tiles (tiles.h) ---- */

/* Rows have `count` floats, a multiple of 16, and are aligned to 64 bytes. All instruction sets
 * give the same bits. */
typedef struct convlstm__tiles_kernels {
    /* out = scale * in + shift; out may be in. */
    void (*affine)(size_t count, const float *in, float scale, float shift, float *out);
    /* out = p * a + q * b + r; out may be a. */
    void (*combine)(size_t count, const float *a, const float *b, float p, float q, float r,
                    float *out);
    /* partial[i % 16] += a[i], and partial[16 + i % 16] += a[i] * b[i]: 32 doubles. */
    void (*dot)(size_t count, const float *a, const float *b, double *partial);
} convlstm__tiles_kernels;

/* ---- weights into Winograd's domain, and their gradients out of it ---- */

#define CONVLSTM__WEIGHTS_CHUNK 8 /* kernels that are transformed together: their values lie so */

/* g: the matrix G (rows, taps) of toom_cook.h. All instruction sets give the same bits. */
typedef struct convlstm__weights_kernels {
    /* out = G in G^T: from (taps, taps, chunk) to (rows, rows, chunk). */
    void (*to_frequencies)(size_t rows, size_t taps, const double *g, const double *in,
                           double *out);
    /* The transpose, out = G^T in G: from (rows, rows, chunk) to (taps, taps, chunk). */
    void (*to_taps)(size_t rows, size_t taps, const double *g, const double *in, double *out);
} convlstm__weights_kernels;

/* ---- the recurrent step (winograd.h) ---- */

struct convlstm__winograd;
struct convlstm__winograd_forward;
struct convlstm__winograd_backward;

/* The end of a step forward for a filter of a vector of tiles, from what goes into its gates, z
 * [gate][16 pixels][lanes], aligned: c', h' and whatever else the step wants of them. */
typedef void convlstm__finish(const struct convlstm__winograd *w,
                              const struct convlstm__winograd_forward *step, const float *z,
                              size_t filter, size_t vector);

/* One copy for all families below: no kernel's width and no transform matters to it. */
typedef struct convlstm__gates_kernels {
    convlstm__finish *finish; /* of a step without gates; convlstm__gates_training: with gates */
    /* The same from what a column of products leaves (winograd_columns.h): z transformed along
     * the columns alone, [gate][row of the tile][column]. Null where no step is in columns. */
    convlstm__finish *finish_columns;
} convlstm__gates_kernels;

/* A layer's step has two ways forward: in blocks of vectors of tiles, whose units are vectors, and
 * in columns (winograd_columns.h), whose units are the filters of each vector. Weights are packed
 * for one of them. */
typedef struct convlstm__winograd_kernels {
    size_t lanes;           /* tiles in a vector */
    size_t rows;            /* of the products' register block: weights are packed in such blocks */
    size_t group;           /* outputs whose products are computed before they are transformed */
    size_t forward_vectors; /* vectors of tiles in a block, at most */
    size_t backward_vectors; /* the same, of a step back */
    size_t most_vectors;     /* of both; M has room for so many in any block */
    bool bf16;               /* weights are packed as pairs of bfloat16 */

    /* Some units of a step, at least one. */
    void (*forward)(const struct convlstm__winograd *w,
                    const struct convlstm__winograd_forward *step, convlstm__units units);
    void (*forward_columns)(const struct convlstm__winograd *w,
                            const struct convlstm__winograd_forward *step,
                            convlstm__units units); /* null: there is no such way */

    /* Some filters of some vectors, without clearing what is around the pixels. Only with the fine
     * transforms, which have nothing else. */
    void (*forward_some)(const struct convlstm__winograd *w,
                         const struct convlstm__winograd_forward *step, convlstm__units vectors,
                         convlstm__units filters);

    /* Units of a step of layer a, and of one of layer b, whose x begins with a's h_prev; without
     * gates. Only pixels are written. step_a's scratch serves both: V of both
     * (convlstm__winograd_pair_v), then M. Both are null with bf16. */
    void (*forward_pair)(const struct convlstm__winograd *a,
                         const struct convlstm__winograd_forward *step_a, convlstm__units units_a,
                         const struct convlstm__winograd *b,
                         const struct convlstm__winograd_forward *step_b, convlstm__units units_b);
    void (*forward_pair_columns)(const struct convlstm__winograd *a,
                                 const struct convlstm__winograd_forward *step_a,
                                 convlstm__units units_a, const struct convlstm__winograd *b,
                                 const struct convlstm__winograd_forward *step_b,
                                 convlstm__units units_b);
} convlstm__winograd_kernels;

/* What goes with it in training, in a table of its own: a program that never reaches these tables
 * is linked without their functions. */
typedef struct convlstm__winograd_training {
    /* A whole step back. */
    void (*backward)(const struct convlstm__winograd *w,
                     const struct convlstm__winograd_backward *step);
    /* h of a step from its gates in fixed point, to their accuracy. */
    void (*output_again)(const struct convlstm__winograd *w, const float *gates, float *h);
} convlstm__winograd_training;

/* For kernels.inc: every family has a type of this name, and one for training if it has such. */
typedef convlstm__winograd_kernels convlstm__winograd1_kernels, convlstm__winograd5_kernels,
    convlstm__winograd_bf16_kernels, convlstm__winograd_fine_kernels,
    convlstm__winograd5_fine_kernels;
typedef convlstm__winograd_training convlstm__winograd1_training, convlstm__winograd5_training,
    convlstm__winograd_bf16_training;
typedef convlstm__gates_kernels convlstm__gates_training;

/* ---- frames of pairs of bfloat16 (rows.h), and the recurrent step on them (direct.h) ---- */

struct convlstm__rows;
struct convlstm__direct;
struct convlstm__direct_step;

/* The reference gives the same bits, NaN apart. */
typedef struct convlstm__direct_kernels {
    /* Some rows of a step, at least one. Row 0 also clears what is above the frames that it writes,
     * and the last row what is below. */
    void (*forward)(const struct convlstm__direct *d, const struct convlstm__direct_step *step,
                    convlstm__units rows);

    /* Rows of a step of layer a, and of one of layer b, whose x is a's h_prev: the bits of one
     * after the other. Nothing is cleared: what is around the frames is zero already. step_a's
     * scratch serves both. */
    void (*forward_pair)(const struct convlstm__direct *a,
                         const struct convlstm__direct_step *step_a, convlstm__units rows_a,
                         const struct convlstm__direct *b,
                         const struct convlstm__direct_step *step_b, convlstm__units rows_b);

    /* Rows of a frame from (H,W,C) floats, and back. centre: one value per channel, which is
     * subtracted, and added (direct.h); null: none. A frame that is spread has none. */
    void (*from_nhwc)(const struct convlstm__rows *r, const float *nhwc, const float *centre,
                      float *frame, convlstm__units rows);
    void (*to_nhwc)(const struct convlstm__rows *r, const float *frame, const float *centre,
                    float *nhwc, convlstm__units rows);

    /* Rows of scale * in + shift for each channel, of a frame that is not spread; out may be in. */
    void (*affine)(const struct convlstm__rows *r, const float *in, const float *scale,
                   const float *shift, float *out, convlstm__units rows);
} convlstm__direct_kernels;

/* ---- convolutions with strides, and their transposes (grid.h) ---- */

struct convlstm__grid_conv;
struct convlstm__grid_end;

typedef struct convlstm__grid_kernels {
    size_t panel; /* columns of the products that are computed together: weights are packed so */

    /* Some tiles of `out`, a frame of `to`, from `in`, a frame of `from`. Pixels that no place of
     * `to` covers are not written. weights: packed. */
    void (*forward)(const struct convlstm__grid_conv *c, const float *in, const float *weights,
                    const struct convlstm__grid_end *end, float *out, float *scratch,
                    convlstm__units tiles);
} convlstm__grid_kernels, convlstm__grid_fine_kernels;

typedef struct convlstm__grid_training {
    /* The gradient of the weights, in the Winograd domain, from all tiles: it is written, or with
     * `accumulate` added. `out` is the gradient to the output. */
    void (*weight_gradient)(const struct convlstm__grid_conv *c, const float *in, const float *out,
                            bool accumulate, float *dweights, float *scratch);
} convlstm__grid_training;

/* ---- all of them ---- */

typedef struct convlstm__kernels {
    const convlstm__math_kernels *math;   /* never null */
    const convlstm__tiles_kernels *tiles; /* never null */
    /* There where any of those of a step is, or the grid's. */
    const convlstm__gates_kernels *gates;
    const convlstm__weights_kernels *weights;
    /* For square kernels of 3, 1 and 5; null if this build has none for the instruction set. */
    const convlstm__winograd_kernels *winograd, *winograd1, *winograd5;
    /* For kernels of 3, with products of bfloat16; null where the machine has no such
     * instruction. */
    const convlstm__winograd_kernels *winograd_bf16;
    /* The fine transforms of kernels of 3 and 5, where there are the others. */
    const convlstm__winograd_kernels *winograd_fine, *winograd5_fine;
    /* Null if this build has none for the instruction set. Those for AVX-512 need nbase__amx. */
    const convlstm__direct_kernels *direct;
    /* Null if this build has none for the instruction set. */
    const convlstm__grid_kernels *grid, *grid_fine; /* the second: with fine transforms */
} convlstm__kernels;

/* What to use on `isa`. math and tiles fall back to the reference where there is nothing for it. */
convlstm__kernels convlstm__kernels_for(nbase_isa isa);

/* The tables for training, with the names of those that they go with. In a file of their own
 * (training_kernels.c), which only a trainer needs. All null in a build without training. */
typedef struct convlstm__training_kernels {
    const convlstm__gates_training *gates;
    const convlstm__winograd_training *winograd, *winograd1, *winograd5, *winograd_bf16;
    const convlstm__grid_training *grid;
} convlstm__training_kernels;

convlstm__training_kernels convlstm__training_kernels_for(nbase_isa isa);

#define KERNEL(family, isa, ISA)                                                                   \
    extern const convlstm__##family##_kernels convlstm__##family##_##isa;
#ifdef __ELF__
/* Linked into who asks for them (ld -u), which our tools and tests do; null in others, for which
 * they would be 40 KB that nothing uses. */
#define STAND_IN(family, isa, ISA)                                                                 \
    extern const convlstm__##family##_kernels convlstm__##family##_##isa __attribute__((weak));
#else
#define STAND_IN(family, isa, ISA) KERNEL(family, isa, ISA)
#endif
#define TRAINED(family, isa, ISA)                                                                  \
    extern const convlstm__##family##_training convlstm__##family##_training_##isa;
#include "kernels.inc"

#endif
