#include "strided_check.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells/strided.h"
#include "guarded.h"

enum { FRAMES = 2 };

/* What is computed. `narrow` and `wide` are frames of the two sides as they come out. */
typedef struct results {
    size_t narrow_count, wide_count, kernel_count;
    double *narrow, *wide, *kernel;
} results;

typedef struct strided_case {
    const strided_problem *p;
    nbase_isa isa;
    uint64_t seed;
    double limit;
    convlstm__conv v;
    convlstm__strided s;
    float *wide[FRAMES], *narrow[FRAMES], *kernel, *bias_down, *bias_up;
    results exact;
    int failures;
} strided_case;

static float *noise(nbase_rng *rng, size_t count)
{
    float *a = guarded_alloc(count * sizeof *a);
    for (size_t i = 0; i < count; i++) a[i] = (float)(2 * nbase_rng_uniform(rng) - 1);
    return a;
}

static double *zeros(size_t count)
{
    double *a = calloc(count ? count : 1, sizeof *a);
    if (!a) abort();
    return a;
}

/* One tap of one pixel: to all three results. */
static void add_tap(strided_case *c, size_t pixel, size_t from, size_t tap)
{
    const size_t C = c->p->channels, F = c->p->filters;
    for (size_t ch = 0; ch < C; ch++)
        for (size_t k = 0; k < F; k++) {
            const size_t w = (tap * C + ch) * F + k, x = from * C + ch, y = pixel * F + k;
            c->exact.narrow[y] += (double)c->kernel[w] * c->wide[0][x];
            c->exact.wide[x] += (double)c->kernel[w] * c->narrow[0][y];
            for (int i = 0; i < FRAMES; i++)
                c->exact.kernel[w] += (double)c->wide[i][x] * c->narrow[i][y];
        }
}

static void compute_exactly(strided_case *c)
{
    const convlstm__conv *v = &c->v;
    results *r = &c->exact;
    r->narrow = zeros(r->narrow_count);
    r->wide = zeros(r->wide_count);
    r->kernel = zeros(r->kernel_count);
    for (size_t i = 0; i < r->narrow_count; i++) r->narrow[i] = c->bias_down[i % c->p->filters];
    for (size_t i = 0; i < r->wide_count; i++) r->wide[i] = c->bias_up[i % c->p->channels];
    for (size_t p = 0; p < v->out_height * v->out_width; p++)
        for (size_t t = 0; t < v->kernel_h * v->kernel_w; t++) {
            const size_t y = convlstm__tap(p / v->out_width, v->stride_h, t / v->kernel_w, 1,
                                           v->pad_top, v->height),
                         x = convlstm__tap(p % v->out_width, v->stride_w, t % v->kernel_w, 1,
                                           v->pad_left, v->width);
            if (y != SIZE_MAX && x != SIZE_MAX) add_tap(c, p, y * v->width + x, t);
        }
}

static void fail(strided_case *c, const char *what, double got, double expected)
{
    const strided_problem *p = c->p;
    printf("FAILED strided %s: %zux%zux%zu to %zu, kernel %zux%zu, stride %zux%zu, %s%s, %s, seed "
           "%llu: got %.9g, expected %.9g\n",
           what, p->height, p->width, p->channels, p->filters, p->kernel_h, p->kernel_w,
           p->stride_h, p->stride_w, p->valid ? "valid" : "same", p->fine ? ", fine" : "",
           nbase_isa_name(c->isa), (unsigned long long)c->seed, got, expected);
    c->failures++;
}

static void compare(strided_case *c, const char *what, const float *got, const double *exact,
                    size_t count)
{
    double largest = 0;
    size_t worst = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(exact[i]));
        if (!(fabs(got[i] - exact[i]) <= fabs(got[worst] - exact[worst]))) worst = i;
    }
    if (!(fabs(got[worst] - exact[worst]) <= c->limit * largest))
        fail(c, what, got[worst], exact[worst]);
}

typedef void way(const convlstm__strided *s, const float *in, const float *packed,
                 const convlstm__grid_end *end, float *out, float *scratch, size_t part,
                 size_t parts);

/* One way, whole and then in three parts. */
static void check_way(strided_case *c, const char *what, way *run, const float *in,
                      const float *packed, const float *bias, const double *exact, size_t count,
                      size_t scratch_floats)
{
    float *out = guarded_alloc(count * sizeof *out), *parts = guarded_alloc(count * sizeof *parts),
          *scratch = guarded_alloc(scratch_floats * sizeof *scratch);
    convlstm__grid_end end = {bias, CONVLSTM__GRID_LINEAR};
    run(&c->s, in, packed, &end, out, scratch, 0, 1);
    compare(c, what, out, exact, count);
    for (size_t i = 0; i < 3; i++) run(&c->s, in, packed, &end, parts, scratch, i, 3);
    for (size_t i = 0; i < count; i++)
        if (memcmp(&out[i], &parts[i], sizeof *out)) {
            fail(c, "in parts", parts[i], out[i]);
            break;
        }
    end.function = CONVLSTM__GRID_RELU;
    run(&c->s, in, packed, &end, parts, scratch, 0, 1);
    for (size_t i = 0; i < count; i++)
        if (parts[i] != (out[i] < 0 ? 0 : out[i])) {
            fail(c, "relu", parts[i], out[i]);
            break;
        }
    end.function = CONVLSTM__GRID_TANH;
    run(&c->s, in, packed, &end, parts, scratch, 0, 1);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(parts[i] - tanh(out[i])) <= 5e-7)) {
            fail(c, "tanh", parts[i], tanh(out[i]));
            break;
        }
    guarded_free(out), guarded_free(parts), guarded_free(scratch);
}

static void check_gradient(strided_case *c)
{
    const convlstm__strided *s = &c->s;
    float *sum = guarded_alloc(s->gradient_floats * sizeof *sum),
          *scratch = guarded_alloc(s->gradient_scratch * sizeof *scratch),
          *out = guarded_alloc(c->exact.kernel_count * sizeof *out);
    memset(sum, 0xff, s->gradient_floats * sizeof *sum); /* NaN: the first frame writes all of it */
    for (int i = 0; i < FRAMES; i++)
        convlstm__strided_gradient(s, c->wide[i], c->narrow[i], i > 0, sum, scratch);
    convlstm__strided_finish(s, sum, out);
    compare(c, "gradient", out, c->exact.kernel, c->exact.kernel_count);
    guarded_free(sum), guarded_free(scratch), guarded_free(out);
}

static void check_all_ways(strided_case *c)
{
    const convlstm__strided *s = &c->s;
    float *down = guarded_alloc(s->down_floats * sizeof *down),
          *up = guarded_alloc(s->up_floats * sizeof *up);
    convlstm__strided_pack(s, false, c->kernel, down);
    convlstm__strided_pack(s, true, c->kernel, up);
    check_way(c, "down", convlstm__strided_down, c->wide[0], down, c->bias_down, c->exact.narrow,
              c->exact.narrow_count, s->down_scratch);
    check_way(c, "up", convlstm__strided_up, c->narrow[0], up, c->bias_up, c->exact.wide,
              c->exact.wide_count, s->up_scratch);
    if (s->training) check_gradient(c); /* else fine, or a build without training */
    guarded_free(down), guarded_free(up);
}

int strided_check(const strided_problem *p, nbase_isa isa, uint64_t seed, double limit)
{
    strided_case c = {.p = p, .isa = isa, .seed = seed, .limit = limit};
    c.v = (convlstm__conv){.height = p->height,
                           .width = p->width,
                           .channels = p->channels,
                           .kernel_h = p->kernel_h,
                           .kernel_w = p->kernel_w,
                           .stride_h = p->stride_h,
                           .stride_w = p->stride_w,
                           .dilation_h = 1,
                           .dilation_w = 1};
    convlstm__conv_finish(&c.v, p->valid);
    c.s = convlstm__strided_any(&c.v, p->filters, isa);
    if (p->fine)
        c.s = convlstm__strided_finer(&c.s, isa);
    else
        c.s.training = convlstm__training_kernels_for(isa).grid;
    if (!c.s.kernels) {
        fail(&c, "has no kernels", 0, 0);
        return c.failures;
    }
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 1);
    c.exact = (results){.narrow_count = c.v.out_height * c.v.out_width * p->filters,
                        .wide_count = p->height * p->width * p->channels,
                        .kernel_count = c.v.patch * p->filters};
    for (int i = 0; i < FRAMES; i++) {
        c.wide[i] = noise(&rng, c.exact.wide_count);
        c.narrow[i] = noise(&rng, c.exact.narrow_count);
    }
    c.kernel = noise(&rng, c.exact.kernel_count);
    c.bias_down = noise(&rng, p->filters);
    c.bias_up = noise(&rng, p->channels);
    compute_exactly(&c);
    check_all_ways(&c);
    for (int i = 0; i < FRAMES; i++) guarded_free(c.wide[i]), guarded_free(c.narrow[i]);
    guarded_free(c.kernel), guarded_free(c.bias_down), guarded_free(c.bias_up);
    free(c.exact.narrow), free(c.exact.wide), free(c.exact.kernel);
    return c.failures;
}
