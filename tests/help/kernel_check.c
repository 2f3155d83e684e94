#include "kernel_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "direct_check.h"
#include "guarded.h"
#include "kernels/kernels.h"
#include "kernels/tiles.h"
#include "strided_check.h"
#include "winograd_check.h"

typedef struct check {
    const char *kernel;
    nbase_isa isa;
    uint64_t seed;
    uint32_t float_step;
    convlstm__kernels kernels;
    int failures;
} check;

static void tell(check *k, const char *what, double got, double expected, double error)
{
    printf("FAILED %s %s: got %.9g, expected %.9g, error %.3g (seed %llu)\n", k->kernel, what, got,
           expected, error, (unsigned long long)k->seed);
    k->failures++;
}

/* ---- math ---- */

static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }

typedef struct function {
    const char *name;
    double (*exact)(double);
    double low, ulps; /* the bound holds from `low` on */
    double below;     /* and below it, this absolute one */
} function;

static const function functions[] = {{"tanh", tanh, -INFINITY, 6, 0},
                                     {"exp", exp, -INFINITY, 1.1, 0},
                                     {"sigmoid", exact_sigmoid, -87, 3, 1.7e-38}};

static void apply(const check *k, size_t which, size_t n, const float *in, float *out)
{
    const convlstm__math_kernels *m = k->kernels.math;
    (which == 0 ? m->tanh : which == 1 ? m->exp : m->sigmoid)(n, in, out);
}

static double error_in_ulps(float got, double exact)
{
    /* beyond the largest float: infinity is right */
    if (isinf(got) && fabs(exact) > 3.4028234e38) return 0;
    int exponent;
    frexp(exact, &exponent);
    return fabs(got - exact) / ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

static double function_error(const function *f, float x, float y)
{
    double exact = f->exact(x);
    if (isnan(x)) return isnan(y) ? 0 : INFINITY;
    if (isinf(exact)) return y == exact ? 0 : INFINITY;
    if (x < f->low) return fabs(y - exact) <= f->below ? 0 : INFINITY;
    return error_in_ulps(y, exact);
}

static void check_function(check *k, size_t which)
{
    enum { BATCH = 4096 };
    const function *f = &functions[which];
    float *in = guarded_alloc(BATCH * sizeof *in), *out = guarded_alloc(BATCH * sizeof *out),
          at = 0, got = 0;
    double worst = 0;
    uint64_t bits = 0;
    while (bits <= UINT32_MAX) {
        size_t n = 0;
        for (; n < BATCH && bits <= UINT32_MAX; n++, bits += k->float_step) {
            uint32_t b = (uint32_t)bits;
            memcpy(&in[n], &b, sizeof b);
        }
        apply(k, which, n, in, out);
        for (size_t i = 0; i < n; i++) {
            double e = function_error(f, in[i], out[i]);
            if (!(e <= worst)) worst = e, at = in[i], got = out[i];
            if (which == 0 && fabsf(out[i]) > 1) tell(k, "tanh beyond 1", out[i], 1, in[i]);
        }
    }
    printf("%-14s %-8s largest error %.3f ulp, at %.9g\n", k->kernel, f->name, worst, at);
    if (!(worst <= f->ulps)) tell(k, f->name, got, f->exact(at), worst);
    guarded_free(in), guarded_free(out);
}

/* Lengths around the vector's, unaligned, in place. */
static void check_lengths(check *k, size_t which)
{
    const function *f = &functions[which];
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, which);
    for (size_t n = 0; n < 70; n++) {
        float *in = guarded_alloc(n * sizeof *in), *out = guarded_alloc(n * sizeof *out);
        for (size_t i = 0; i < n; i++) in[i] = (float)(8 * nbase_rng_uniform(&rng) - 4);
        apply(k, which, n, in, out);
        for (size_t i = 0; i < n; i++)
            if (!(function_error(f, in[i], out[i]) <= f->ulps))
                tell(k, "length", out[i], f->exact(in[i]), (double)n);
        apply(k, which, n, in, in);
        if (memcmp(in, out, n * sizeof *in)) tell(k, "in place", 0, 0, (double)n);
        guarded_free(in), guarded_free(out);
    }
}

static void check_math(check *k)
{
    for (size_t which = 0; which < 3; which++) {
        check_function(k, which);
        check_lengths(k, which);
    }
}

/* ---- tiles ---- */

/* Bit by bit what the reference gives; whole numbers, so that the reference itself is exact, and
 * random ones. */
static void check_rows(check *k, nbase_rng *rng, size_t count, int whole)
{
    const convlstm__tiles_kernels *got = k->kernels.tiles,
                                  *ref = convlstm__kernels_for(NBASE_ISA_REF).tiles;
    size_t bytes = count * sizeof(float);
    float *a = guarded_alloc(bytes), *b = guarded_alloc(bytes), *x = guarded_alloc(bytes),
          *y = guarded_alloc(bytes);
    double sums[2][32], sum = 0, product = 0;
    for (size_t i = 0; i < count; i++) {
        double u = nbase_rng_uniform(rng), v = nbase_rng_uniform(rng);
        a[i] = whole ? (float)floor(200 * u) - 100 : (float)u,
        b[i] = whole ? (float)floor(200 * v) - 100 : (float)v;
        sum += a[i], product += (double)a[i] * b[i];
    }
    float p = whole ? 3 : 0.3f, q = whole ? -7 : 1.7f, r = whole ? 11 : -0.9f;

    got->affine(count, a, p, r, x), ref->affine(count, a, p, r, y);
    if (memcmp(x, y, bytes)) tell(k, "affine", x[0], y[0], (double)count);
    for (size_t i = 0; i < count && whole; i++)
        if (y[i] != p * a[i] + r)
            tell(k, "affine of whole numbers", y[i], p * a[i] + r, (double)count);
    got->combine(count, a, b, p, q, r, x), ref->combine(count, a, b, p, q, r, y);
    if (memcmp(x, y, bytes)) tell(k, "combine", x[0], y[0], (double)count);
    for (size_t i = 0; i < count && whole; i++)
        if (y[i] != p * a[i] + q * b[i] + r)
            tell(k, "combine of whole numbers", y[i], p * a[i] + q * b[i] + r, (double)count);

    memset(sums, 0, sizeof sums);
    got->dot(count, a, b, sums[0]), ref->dot(count, a, b, sums[1]);
    if (memcmp(sums[0], sums[1], sizeof sums[0]))
        tell(k, "dot", sums[0][0], sums[1][0], (double)count);
    for (int i = 0; i < 16; i++) sum -= sums[1][i], product -= sums[1][16 + i];
    if (whole ? sum != 0 || product != 0 : fabs(sum) + fabs(product) > 1e-10 * (double)count)
        tell(k, "sums", sum, 0, product);

    memcpy(y, a, bytes);
    got->affine(count, y, p, r, y), got->affine(count, a, p, r, x);
    if (memcmp(x, y, bytes)) tell(k, "affine in place", x[0], y[0], (double)count);
    guarded_free(a), guarded_free(b), guarded_free(x), guarded_free(y);
}

static void check_tiles(check *k)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 7);
    for (size_t count = 16; count <= 160; count += 16)
        for (int whole = 0; whole < 2; whole++) check_rows(k, &rng, count, whole);
    printf("%-14s same bits as the reference\n", k->kernel);
}

/* ---- winograd ---- */

#define FINE_LIMIT 1e-6 /* seen: 7e-7 */

/* Sizes by chance; all else is the caller's. */
static winograd_problem some_problem(nbase_rng *rng, size_t taps, int i)
{
    winograd_problem p = {.recurrent_activation = CONVLSTM__SIGMOID,
                          .initial_state = i % 2,
                          .scale = 1,
                          .taps = taps};
    p.height = 1 + nbase_rng_below(rng, 40);
    p.width = 1 + nbase_rng_below(rng, 40);
    p.channels = 1 + nbase_rng_below(rng, 24);
    p.filters = 1 + nbase_rng_below(rng, 24);
    p.steps = 1 + nbase_rng_below(rng, 3);
    return p;
}

/* The last two are of 49 and 50 tiles, which leave a few for the last vector on every instruction
 * set, and of weights too many for a step in columns. */
static void check_cells(check *k, size_t taps)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 8);
    for (int i = 0; i < 10; i++) {
        winograd_problem p = some_problem(&rng, taps, i);
        if (i >= 8) {
            p.height = i == 8 ? 26 : 17, p.width = i == 8 ? 26 : 37;
            p.channels = 21, p.filters = i == 8 ? 26 : 27;
            p.steps = 2;
        }
        if (i % 3 < 2)
            p.recurrent_activation = i % 3 ? CONVLSTM__HARD_SIGMOID_K3 : CONVLSTM__HARD_SIGMOID_K2;
        p.rectified = i >= 5 && i < 9;
        winograd_case *c = winograd_case_new(&p, k->seed + (uint64_t)i);
        double limit = taps == 5 ? 5e-6 : 2e-6;
        k->failures += winograd_check(c, k->isa, WINOGRAD_EXACT, limit, 5 * limit) +
                       winograd_check(c, k->isa, WINOGRAD_COMPACT, limit, 50 * limit) +
                       winograd_check(c, k->isa, WINOGRAD_ODD_STATES, limit, 50 * limit) +
                       winograd_check(c, k->isa, WINOGRAD_AGAIN, limit, 50 * limit);
        winograd_case_free(c);
    }
}

/* ---- weights ---- */

enum { MOST_ROWS = 14, MOST_TAPS = 5, CHUNK = CONVLSTM__WEIGHTS_CHUNK };

/* Value e of place (i, j) of A in A^T, `in` being (terms, terms), A(i, x) = g[i*step + x*next]. */
static double transformed(const double *g, size_t step, size_t next, size_t terms, const double *in,
                          size_t i, size_t j, size_t e)
{
    double sum = 0;
    for (size_t y = 0; y < terms; y++) {
        double half = 0;
        for (size_t x = 0; x < terms; x++)
            half += g[i * step + x * next] * in[(x * terms + y) * CHUNK + e];
        sum += g[j * step + y * next] * half;
    }
    return sum;
}

/* Both ways, bit by bit. */
static void check_weights(check *k)
{
    static const size_t sizes[][2] = {{6, 3}, {8, 3}, {8, 5}, {14, 5}, {1, 1}};
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 11);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t rows = sizes[s][0], taps = sizes[s][1];
        double g[MOST_ROWS * MOST_TAPS], in[MOST_ROWS * MOST_ROWS * CHUNK],
            out[sizeof in / sizeof *in];
        for (size_t i = 0; i < rows * taps; i++) g[i] = nbase_rng_normal(&rng);
        for (size_t i = 0; i < rows * rows * CHUNK; i++) in[i] = nbase_rng_normal(&rng);
        k->kernels.weights->to_frequencies(rows, taps, g, in, out);
        for (size_t i = 0; i < rows * rows * CHUNK; i++) {
            double expected =
                transformed(g, taps, 1, taps, in, i / CHUNK / rows, i / CHUNK % rows, i % CHUNK);
            if (out[i] != expected) tell(k, "to_frequencies", out[i], expected, out[i] - expected);
        }
        k->kernels.weights->to_taps(rows, taps, g, in, out);
        for (size_t i = 0; i < taps * taps * CHUNK; i++) {
            double expected =
                transformed(g, 1, taps, rows, in, i / CHUNK / taps, i / CHUNK % taps, i % CHUNK);
            if (out[i] != expected) tell(k, "to_taps", out[i], expected, out[i] - expected);
        }
    }
}

/* Every kind of gates: the activations, and the forms in which they are kept. A kernel of one tap
 * has no transform. */
static void check_gates(check *k)
{
    static const convlstm__activation recurrent[] = {CONVLSTM__SIGMOID, CONVLSTM__HARD_SIGMOID_K2,
                                                     CONVLSTM__HARD_SIGMOID_K3};
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 10);
    for (int i = 0; i < 6; i++) {
        winograd_problem p = some_problem(&rng, 1, i);
        p.recurrent_activation = recurrent[i / 2];
        p.rectified = i % 2;
        winograd_case *c = winograd_case_new(&p, k->seed + (uint64_t)i);
        k->failures += winograd_check(c, k->isa, WINOGRAD_EXACT, 2e-6, 1e-5) +
                       winograd_check(c, k->isa, WINOGRAD_COMPACT, 2e-6, 1e-4) +
                       winograd_check(c, k->isa, WINOGRAD_ODD_STATES, 2e-6, 1e-4) +
                       winograd_check(c, k->isa, WINOGRAD_AGAIN, 2e-6, 1e-4);
        winograd_case_free(c);
    }
}

/* x beyond -1..1, in all of the frame, where the limit is such that the other transforms fail; or
 * far beyond in a part of it. */
static void check_fine(check *k, size_t taps)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 9);
    for (int i = 0; i < 8; i++) {
        winograd_problem p = some_problem(&rng, taps, i);
        p.rectified = i >= 6;
        bool all = i % 4 > 1;
        winograd_case *c = winograd_case_large(&p, k->seed + (uint64_t)i, all ? 3 : 30, all);
        double limit = all ? FINE_LIMIT : 1e-5;
        k->failures += winograd_check(c, k->isa, i % 2, limit, i % 2 ? 2e-4 : 5e-5);
        winograd_case_free(c);
    }
}

static void check_winograd_fine(check *k) { check_fine(k, 3); }
static void check_winograd5_fine(check *k) { check_fine(k, 5); }
static void check_winograd(check *k) { check_cells(k, 3); }
static void check_winograd1(check *k) { check_cells(k, 1); }
static void check_winograd5(check *k) { check_cells(k, 5); }

/* Of kernels that only some kinds of machine have (kernels.inc). */
#define ON_SOME __attribute__((unused))

ON_SOME static void check_winograd_bf16(check *k)
{
    for (size_t i = 0; i < 6; i++) {
        winograd_problem p = {.height = 5 + 9 * i,
                              .width = 4 + 7 * i,
                              .channels = 1 + 3 * i,
                              .filters = 1 + 4 * i,
                              .steps = 3,
                              .recurrent_activation =
                                  i % 2 ? CONVLSTM__SIGMOID : CONVLSTM__HARD_SIGMOID_K2,
                              .initial_state = i / 2 % 2,
                              .scale = 1,
                              .taps = 3};
        winograd_case *c = winograd_case_new(&p, k->seed + i);
        k->failures += winograd_check_bf16(c, k->isa, 4e-2);
        winograd_case_free(c);
    }
}

/* ---- direct ---- */

/* Against double precision; and what tiles give, against plain C, bit by bit. */
ON_SOME static void check_direct(check *k)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 9);
    for (size_t i = 0; i < 12; i++) {
        winograd_problem p = {.height = 1 + nbase_rng_below(&rng, 30),
                              .width = 1 + nbase_rng_below(&rng, 130),
                              .channels = 1 + nbase_rng_below(&rng, i % 3 ? 24 : 5),
                              .filters = 1 + nbase_rng_below(&rng, 24),
                              .steps = 1 + nbase_rng_below(&rng, 3),
                              .recurrent_activation = i % 4 == 0   ? CONVLSTM__SIGMOID
                                                      : i % 4 == 1 ? CONVLSTM__HARD_SIGMOID_K3
                                                                   : CONVLSTM__HARD_SIGMOID_K2,
                              .initial_state = i % 2,
                              .scale = 1,
                              .taps = 1 + 2 * (i / 2 % 3),
                              .rectified = i >= 8};
        winograd_case *c = winograd_case_new(&p, k->seed + i);
        k->failures += winograd_check_direct(c, k->isa, 1e-2);
        winograd_case_free(c);
        if (k->isa != NBASE_ISA_REF)
            k->failures += direct_check_bits(&p, (direct_weights)(i % 3), k->seed + i);
    }
}

/* ---- grids ---- */

/* Sizes by chance, of kernels that cover 3x3 places at most; some channels and filters that fill
 * vectors, and frames within which tiles lie in place. */
static void check_grids(check *k, int fine)
{
    const double limit = fine ? 1.5e-6 : 6e-6;
    nbase_rng rng;
    nbase_rng_seed(&rng, k->seed, 10);
    for (size_t i = 0; i < 40; i++) {
        strided_problem p = {.stride_h = 1 + nbase_rng_below(&rng, 4),
                             .stride_w = 1 + nbase_rng_below(&rng, 4),
                             .valid = (int)(i % 2),
                             .fine = fine};
        /* with the padding of 'same' one place of the grid may be begun before the kernel */
        const size_t spare = p.valid ? 0 : 1;
        p.kernel_h = 1 + nbase_rng_below(&rng, (3 - spare) * p.stride_h);
        p.kernel_w = 1 + nbase_rng_below(&rng, (3 - spare) * p.stride_w);
        p.height = p.kernel_h + nbase_rng_below(&rng, 14 * p.stride_h);
        p.width = p.kernel_w + nbase_rng_below(&rng, 14 * p.stride_w);
        p.channels = i % 3 ? 1 + nbase_rng_below(&rng, 9) : 16;
        p.filters = i % 5 ? 1 + nbase_rng_below(&rng, 90) : 64;
        k->failures += strided_check(&p, k->isa, k->seed + i, limit);
    }
    /* so many channels that they are taken in slices; the kernel lacks taps for some pixels */
    for (size_t i = 0; i < 6; i++) {
        const strided_problem p = {.stride_h = 2,
                                   .stride_w = 2,
                                   .valid = (int)(i % 2),
                                   .fine = fine,
                                   .kernel_h = i < 4 ? 5 : 4,
                                   .kernel_w = i < 4 ? 5 : 3,
                                   .height = 7 + nbase_rng_below(&rng, 40),
                                   .width = 7 + nbase_rng_below(&rng, 40),
                                   .channels = i % 3 ? 80 : 128,
                                   .filters = 1 + nbase_rng_below(&rng, i < 3 ? 8 : 64)};
        k->failures += strided_check(&p, k->isa, k->seed + i, limit);
    }
}

static void check_grid(check *k) { check_grids(k, 0); }
static void check_grid_fine(check *k) { check_grids(k, 1); }

/* ---- all ---- */

int kernel_check_all(nbase_isa highest, uint64_t seed, uint32_t float_step)
{
    static const struct {
        const char *kernel;
        nbase_isa isa;
        void (*run)(check *k);
    } all[] = {
#define KERNEL(family, isa, ISA) {#family "_" #isa, NBASE_ISA_##ISA, check_##family},
#include "kernels/kernels.inc"
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].isa > highest || !nbase__isa_supported(all[i].isa)) continue;
        check k = {
            .kernel = all[i].kernel, .isa = all[i].isa, .seed = seed, .float_step = float_step};
        k.kernels = convlstm__kernels_for(k.isa);
        all[i].run(&k);
        failures += k.failures;
    }
    return failures;
}
