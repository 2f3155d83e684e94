/* The numbers that every engine of a kernel problem is given. */
#include <math.h>
#include <stdlib.h>

#include "bench_engine.h"

static float *uniform(nbase_rng *rng, size_t count, double most)
{
    float *v = malloc((count ? count : 1) * sizeof *v);
    for (size_t i = 0; v && i < count; i++) v[i] = (float)((2 * nbase_rng_uniform(rng) - 1) * most);
    return v;
}

/* Weights of a size that keeps the gates in the curved part of their activations. */
static float *weights(nbase_rng *rng, size_t inputs, size_t outputs)
{
    return uniform(rng, inputs * outputs, sqrt(3.0 / (double)inputs));
}

static void set_parts(operands *o, size_t a, size_t b, size_t c, size_t d, size_t e)
{
    const size_t parts[6] = {a, b, c, d, e, 0};
    for (int i = 0; i < 6; i++) {
        o->parts[i] = parts[i];
        o->results += parts[i];
    }
}

static bool make_step(operands *o, nbase_rng *rng)
{
    const descriptor *d = &o->what;
    size_t pixels = pixels_of(d), taps = d->kh * d->kw;
    o->a = uniform(rng, pixels * d->ic, 1);
    o->b = weights(rng, taps * d->ic, 4 * d->oc);
    o->recurrent = weights(rng, taps * d->oc, 4 * d->oc);
    o->bias = uniform(rng, 4 * d->oc, 0.5);
    o->c = uniform(rng, pixels * d->oc, 1);
    o->state = uniform(rng, pixels * d->oc, 1);
    if (d->kind == STEP_BACK) {
        o->tolerance = 1e-4; /* 16-bit gates */
        o->d_h = uniform(rng, pixels * d->oc, 1);
        o->d_c = uniform(rng, pixels * d->oc, 1);
        set_parts(o, pixels * d->oc, pixels * d->oc, taps * d->ic * 4 * d->oc,
                  taps * d->oc * 4 * d->oc, 4 * d->oc);
    } else {
        set_parts(o, pixels * d->oc, pixels * d->oc, 0, 0, 0);
    }
    return o->a && o->b && o->recurrent && o->bias && o->c && o->state &&
           (d->kind == STEP || (o->d_h && o->d_c));
}

static bool make_conv(operands *o, nbase_rng *rng)
{
    const descriptor *d = &o->what;
    size_t pixels = pixels_of(d), taps = d->kh * d->kw;
    o->a = uniform(rng, pixels * (d->kind == CONV_DATA ? d->oc : d->ic), 1);
    o->b = d->kind == CONV_WEIGHTS ? uniform(rng, pixels * d->oc, 1)
                                   : weights(rng, taps * d->ic, d->oc);
    o->bias = uniform(rng, d->oc, 0.5);
    set_parts(o,
              d->kind == CONV        ? pixels * d->oc
              : d->kind == CONV_DATA ? pixels * d->ic
                                     : taps * d->ic * d->oc,
              0, 0, 0, 0);
    return o->a && o->b && o->bias;
}

bool operands_make(const descriptor *d, operands *o)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, (uint64_t)d->kind);
    *o = (operands){.what = *d, .tolerance = 2e-5};
    bool ok;
    if (d->kind == STEP || d->kind == STEP_BACK) {
        ok = make_step(o, &rng);
    } else if (d->kind == GEMM) {
        o->a = uniform(&rng, d->m * d->k, 1);
        o->b = uniform(&rng, d->k * d->n, 1);
        set_parts(o, d->m * d->n, 0, 0, 0, 0);
        ok = o->a && o->b;
    } else if (d->kind <= CONV_WEIGHTS) {
        ok = make_conv(o, &rng);
    } else {
        o->a = uniform(&rng, d->n, 8);
        set_parts(o, d->n, 0, 0, 0, 0);
        ok = o->a != NULL;
    }
    if (!ok) operands_free(o);
    return ok;
}

void operands_free(operands *o)
{
    float *all[] = {o->a, o->b, o->c, o->bias, o->recurrent, o->state, o->d_h, o->d_c};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    *o = (operands){0};
}

double descriptor_flops(const descriptor *d)
{
    double taps = 2 * (double)(pixels_of(d) * d->kh * d->kw);
    switch (d->kind) {
    case CONV:
    case CONV_DATA:
    case CONV_WEIGHTS: return taps * (double)(d->ic * d->oc);
    case STEP: return taps * (double)((d->ic + d->oc) * 4 * d->oc);
    case STEP_BACK: return 2 * taps * (double)((d->ic + d->oc) * 4 * d->oc);
    case GEMM: return 2 * (double)d->m * (double)d->n * (double)d->k;
    default: return 0;
    }
}

double operands_bytes(const operands *o)
{
    const descriptor *d = &o->what;
    size_t pixels = pixels_of(d), taps = d->kh * d->kw;
    switch (d->kind) {
    case CONV:
    case CONV_DATA:
    case CONV_WEIGHTS: return 4 * (double)(pixels * (d->ic + d->oc) + taps * d->ic * d->oc + d->oc);
    case STEP: /* x, h, c, h', c', both kernels */
        return 4 * (double)(pixels * (d->ic + 4 * d->oc) + taps * (d->ic + d->oc) * 4 * d->oc);
    case STEP_BACK: /* those but h', the gradients of h' and c', and the result */
        return 4 * (double)(pixels * (d->ic + 5 * d->oc) + taps * (d->ic + d->oc) * 4 * d->oc +
                            o->results);
    case GEMM: return 4 * (double)(d->m * d->k + d->k * d->n + d->m * d->n);
    default: return 4 * (double)(2 * d->n);
    }
}
