/* bench_engine.h - one interface for all that computes a kernel problem (conv, step, tanh, gemm and
 * their kin): the reference, our kernels, BLAS, oneDNN. To add an engine, write a file with an
 * `engine` and name it in engines.c (docs/benchmark.md). */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "bench.h"

/* The numbers of a problem, the same for every engine, all arrays row-major: images NHWC, weights
 * (kh, kw, in, out) as Keras has them, gates in the order i, f, c, o. An engine may bring them into
 * a layout of its own when it is opened: weights and frames stay in it from step to step in a real
 * network.
 *
 *   kind      a                     b                      result
 *   conv      image (mb,h,w,ic)     weights (kh,kw,ic,oc)  (mb,h,w,oc), bias (oc) added
 *   conv_bd   gradient (mb,h,w,oc)  weights (kh,kw,ic,oc)  (mb,h,w,ic)
 *   conv_bw   image (mb,h,w,ic)     gradient (mb,h,w,oc)   (kh,kw,ic,oc)
 *   step      x (mb,h,w,ic)         kernel (kh,kw,ic,4oc)  h' then c', (mb,h,w,oc) each
 *   step_b    x (mb,h,w,ic)         kernel (kh,kw,ic,4oc)  gradients to h, to c, to the kernels,
 *                                                          to the bias
 *   tanh ...  (n)                                          (n)
 *   gemm      (m,k)                 (k,n)                  (m,n)
 *
 * step and step_b also have h as c (mb,h,w,oc), the bias (4oc), the recurrent kernel
 * (kh,kw,oc,4oc) and the state c as state (mb,h,w,oc); step_b has the gradients to h' and c' as
 * d_h and d_c. Their activations are tanh and Keras 2's hard sigmoid. */
typedef struct operands {
    descriptor what;
    float *a, *b, *c, *bias, *recurrent, *state, *d_h, *d_c;
    size_t results; /* values */
    /* of an engine's values, relative to the largest value in their part of the result */
    double tolerance;
    size_t parts[6]; /* sizes of the parts of the result, ended by 0 */
} operands;

bool operands_make(const descriptor *d, operands *out);
void operands_free(operands *o);

typedef struct engine {
    const char *name, *about; /* about: what it does, and whose it is, in some words */
    /* False if the engine is not to be had here; `why` (200 bytes) then says what to install. Null:
     * it always is. Called before anything else of the engine, perhaps more than once. */
    bool (*available)(char *why);
    /* Prepares the problem: layouts, packed weights, memory. Null if the engine cannot do it here;
     * `why` (200 bytes) says the reason, empty if it has no such kind. */
    void *(*open)(const operands *in, nbase_isa isa, int threads, char *why);
    void (*run)(void *state);
    /* Copies what the last run computed, in the order of the table. */
    void (*result)(void *state, float *out);
    void (*close)(void *state);
    /* has kernels for several instruction sets: opened once for each that this machine runs */
    bool isas;
    /* A convolution includes the gates, from a zero state: the result is h' then c', (mb,h,w,oc/4)
     * each. */
    bool gated;
    const char *precision; /* of its products; null: "fp32" */
    double tolerance;      /* its own, where that of the problem is for fp32; else 0 */
} engine;

/* All of them (engines.c), ended by null. */
extern const engine *const bench_engines[];

/* Prints them on stdout, a line each: the name, what it is, or why it is not to be had here. */
void engines_list(void);

extern const engine bench_engine_ours, bench_engine_openblas, bench_engine_blis, bench_engine_mkl,
    bench_engine_libxsmm, bench_engine_onednn, bench_engine_onednn_bf16;
#ifdef HAVE_DNNL
extern const engine bench_engine_onednn2;
#endif

/* The reference: plain loops in double precision on all threads, straight from the formulas. False
 * without memory. */
bool reference_run(const operands *in, int threads, float *result);

/* Computes what a gated engine gives for the convolution `z` (mb,h,w,oc): h' then c'. */
void reference_gates(const operands *in, const float *z, float *result);

/* Pixels of all images; multiplications and additions of one run. */
static inline size_t pixels_of(const descriptor *d) { return d->mb * d->ih * d->iw; }
double descriptor_flops(const descriptor *d);

/* Bytes of what an engine is given and of what it gives, in fp32. */
double operands_bytes(const operands *o);

#endif
