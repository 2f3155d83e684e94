/* Kernel problems: one per descriptor and engine, on the same operands, each checked against the
 * reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_engine.h"
#include "cpu.h"

/* What the problems of a descriptor share. */
typedef struct shared {
    operands in;
    float *expected; /* the reference's result */
    double seconds;  /* that the reference took */
    int users;
} shared;

typedef struct kernel_run {
    shared *all;
    const engine *engine; /* null: the reference */
    nbase_isa isa;
    void *state;
} kernel_run;

size_t bench_isas(nbase_isa out[BENCH_ISAS])
{
    static const nbase_isa falling[BENCH_ISAS] = {NBASE_ISA_AVX512, NBASE_ISA_AVX2, NBASE_ISA_NEON,
                                                  NBASE_ISA_REF};
    size_t n = 0;
    for (size_t i = 0; i < BENCH_ISAS; i++)
        if (falling[i] <= nbase_isa_active() && nbase__isa_supported(falling[i]))
            out[n++] = falling[i];
    return n;
}

static void leave(shared *all)
{
    if (--all->users) return;
    operands_free(&all->in);
    free(all->expected);
    free(all);
}

/* Largest difference, relative to the largest value of its part. */
static double difference(const float *got, const float *expected, const size_t *parts)
{
    double worst = 0;
    for (; *parts; got += *parts, expected += *parts, parts++) {
        double largest = 1e-30, most = 0;
        for (size_t i = 0; i < *parts; i++) {
            double d = fabs((double)got[i] - expected[i]);
            if (!(d <= most)) most = d;
            if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
        }
        if (!(most / largest <= worst)) worst = most / largest;
    }
    return worst;
}

static bool run_kernel(void *state)
{
    kernel_run *r = state;
    r->engine->run(r->state);
    return true;
}

static bool check_kernel(void *state, double *error)
{
    kernel_run *r = state;
    const operands *in = &r->all->in;
    *error = 0;
    if (!r->engine) return true;
    bool gated = r->engine->gated && in->what.kind == CONV;
    size_t half = in->results / 4, count = gated ? 2 * half : in->results;
    const size_t gated_parts[] = {half, half, 0};
    float *got = malloc(count * sizeof *got), *gates = gated ? malloc(count * sizeof *gates) : NULL;
    bool ok = got && (!gated || gates);
    if (ok) {
        if (gated) reference_gates(in, r->all->expected, gates);
        run_kernel(r);
        memset(got, 0xFF, count * sizeof *got); /* NaN: shows what is not written */
        r->engine->result(r->state, got);
        *error = difference(got, gated ? gates : r->all->expected, gated ? gated_parts : in->parts);
        ok = *error <= fmax(in->tolerance, r->engine->tolerance);
    }
    if (!ok)
        fprintf(stderr, "bench: %s by %s %s is wrong: off by %.2g of the largest value\n",
                in->what.name, r->engine->name, nbase_isa_name(r->isa), *error);
    free(got);
    free(gates);
    return ok;
}

static void release_kernel(void *state)
{
    kernel_run *r = state;
    if (r->engine) r->engine->close(r->state);
    leave(r->all);
    free(r);
}

/* Adds a problem; the engine may lack the kind. */
static size_t add(shared *all, const engine *e, nbase_isa isa, int threads, problem *out)
{
    const descriptor *d = &all->in.what;
    char why[200] = "";
    kernel_run *r = calloc(1, sizeof *r);
    if (!r) return 0;
    *r = (kernel_run){.all = all, .engine = e, .isa = isa};
    r->state = e ? e->open(&all->in, isa, threads, why) : NULL;
    if (e && !r->state) {
        if (why[0]) fprintf(stderr, "bench: %s by %s left out: %s\n", d->name, e->name, why);
        free(r);
        return 0;
    }
    all->users++;
    *out = (problem){.what = *d,
                     .engine = e ? e->name : "reference",
                     .isa = isa,
                     .precision = e ? e->precision : NULL,
                     .flops = descriptor_flops(d),
                     .bytes = operands_bytes(&all->in),
                     .once = e ? 0 : all->seconds,
                     .state = r,
                     .check = check_kernel,
                     .run = run_kernel,
                     .release = release_kernel};
    return 1;
}

static shared *share(const descriptor *d, int threads)
{
    shared *all = calloc(1, sizeof *all);
    if (!all) return NULL;
    all->users = 1;
    bool ok =
        operands_make(d, &all->in) && (all->expected = malloc(all->in.results * sizeof(float)));
    double begin = bench_now();
    if (ok && reference_run(&all->in, threads, all->expected)) {
        all->seconds = bench_now() - begin;
        return all;
    }
    leave(all);
    return NULL;
}

/* Says why an engine that was asked for by name is not here. */
static bool engine_here(const engine *e, bool named)
{
    char why[200] = "";
    if (!e->available || e->available(why)) return true;
    if (named) fprintf(stderr, "bench: no %s: %s\n", e->name, why);
    return false;
}

size_t kernel_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    shared *all = share(d, s->threads);
    if (!all) {
        fprintf(stderr, "bench: %s left out: out of memory\n", d->name);
        return 0;
    }
    nbase_isa isas[BENCH_ISAS];
    size_t n = 0, families = s->isas == 1 ? 1 : bench_isas(isas);
    isas[0] = nbase_isa_active();
    for (size_t i = 0; bench_engines[i]; i++) {
        const engine *e = bench_engines[i];
        if (!engine_wanted(s, e->name) || !engine_here(e, s->engines != NULL)) continue;
        for (size_t k = 0; k < (e->isas ? families : 1) && n < room; k++)
            n += add(all, e, isas[k], s->threads, &out[n]);
    }
    if (engine_wanted(s, "reference") && n < room)
        n += add(all, NULL, NBASE_ISA_REF, s->threads, &out[n]);
    leave(all);
    return n;
}
