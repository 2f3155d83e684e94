#include "winograd_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "naive_cell.h"

void *winograd_must(void *p)
{
    if (p) return p;
    fprintf(stderr, "out of memory\n");
    exit(99);
}

static float *random_floats(nbase_rng *rng, size_t count, double low, double high)
{
    float *v = winograd_must(malloc(count * sizeof *v));
    for (size_t i = 0; i < count; i++) v[i] = (float)(low + (high - low) * nbase_rng_uniform(rng));
    return v;
}

static double *doubles(size_t count, const float *from)
{
    double *v = winograd_must(calloc(count, sizeof *v));
    for (size_t i = 0; from && i < count; i++) v[i] = from[i];
    return v;
}

static void run_naive(winograd_case *s)
{
    const winograd_problem *p = &s->p;
    naive_cell n = {p->height, p->width,     p->channels, p->filters,   p->recurrent_activation,
                    p->taps,   p->rectified, s->kernel,   s->recurrent, s->bias};
    size_t T = p->steps, hc = s->h_count;
    double *x = doubles(T * s->x_count, s->x), *gates = doubles(T * 4 * hc, NULL),
           *dh_prev = doubles(hc, NULL), *dh = doubles(hc, NULL);
    for (size_t i = 0; i < hc; i++)
        s->h[i] = s->h0[i], s->c[i] = s->c0[i], s->dc0[i] = s->dc_last[i];
    for (size_t t = 0; t < T; t++)
        naive_forward(&n, x + t * s->x_count, s->h + t * hc, s->c + t * hc, s->h + (t + 1) * hc,
                      s->c + (t + 1) * hc, gates + t * 4 * hc);
    naive_gradients grad = {s->dkernel, s->drecurrent, s->dbias};
    for (size_t t = T; t-- > 0;) {
        for (size_t i = 0; i < hc; i++) dh[i] = dh_prev[i] + s->dh[t * hc + i];
        naive_backward(&n, x + t * s->x_count, s->h + t * hc, s->c + t * hc, s->c + (t + 1) * hc,
                       gates + t * 4 * hc, dh, s->dc0, s->dx + t * s->x_count, dh_prev, &grad);
    }
    memcpy(s->dh0, dh_prev, hc * sizeof *dh_prev);
    free(x), free(gates), free(dh_prev), free(dh);
}

winograd_case *winograd_case_large(const winograd_problem *p, uint64_t seed, double size, bool all)
{
    winograd_case *s = winograd_must(calloc(1, sizeof *s));
    s->p = *p;
    s->seed = seed;
    s->unscaled = all;
    nbase_rng_seed(&s->rng, seed, 1);
    size_t T = p->steps, F = p->filters, C = p->channels, pixels = p->height * p->width;
    s->x_count = pixels * C, s->h_count = pixels * F;
    const size_t area = p->taps * p->taps;
    s->kernel_count = area * C * 4 * F, s->recurrent_count = area * F * 4 * F,
    s->bias_count = 4 * F;
    double kernel_limit = p->scale * sqrt(6.0 / (double)(area * (C + 4 * F))),
           recurrent_limit = p->scale * sqrt(3.0 / (double)(area * F));
    s->kernel = random_floats(&s->rng, s->kernel_count, -kernel_limit, kernel_limit);
    s->recurrent = random_floats(&s->rng, s->recurrent_count, -recurrent_limit, recurrent_limit);
    s->bias = random_floats(&s->rng, s->bias_count, -0.5, 0.5);
    s->x = random_floats(&s->rng, T * s->x_count, size ? -1 : 0, 1);
    for (size_t i = 0; size && i < T * s->x_count; i++)
        if (all || i % s->x_count >= p->height / 2 * p->width * C) s->x[i] *= (float)size;
    s->dh = random_floats(&s->rng, T * s->h_count, -1, 1);
    for (size_t t = 0; t < T; t += 2) memset(s->dh + t * s->h_count, 0, s->h_count * sizeof *s->dh);
    double h0 = p->initial_state ? 0.9 : 0, c0 = p->initial_state ? 1.5 : 0;
    s->h0 = random_floats(&s->rng, s->h_count, -h0, h0);
    s->c0 = random_floats(&s->rng, s->h_count, -c0, c0);
    s->dc_last = random_floats(&s->rng, s->h_count, -1, 1);
    s->h = doubles((T + 1) * s->h_count, NULL), s->c = doubles((T + 1) * s->h_count, NULL);
    s->dx = doubles(T * s->x_count, NULL), s->dh0 = doubles(s->h_count, NULL),
    s->dc0 = doubles(s->h_count, NULL);
    s->dkernel = doubles(s->kernel_count, NULL), s->drecurrent = doubles(s->recurrent_count, NULL),
    s->dbias = doubles(s->bias_count, NULL);
    run_naive(s);
    return s;
}

winograd_case *winograd_case_new(const winograd_problem *p, uint64_t seed)
{
    return winograd_case_large(p, seed, 0, false);
}

void winograd_case_free(winograd_case *s)
{
    if (!s) return;
    free(s->kernel), free(s->recurrent), free(s->bias), free(s->x), free(s->dh), free(s->h0),
        free(s->c0), free(s->dc_last);
    free(s->h), free(s->c), free(s->dx), free(s->dh0), free(s->dc0), free(s->dkernel),
        free(s->drecurrent), free(s->dbias);
    free(s);
}
