#include "direct_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells/frame.h"
#include "cpu.h"
#include "guarded.h"
#include "kernels/kernels.h"
#include "kernels/rows.h"

/* Both sides of a comparison: plain C, and tiles. */
enum { PLAIN, TILES, SIDES };

typedef struct side {
    nbase_isa isa;
    direct_weights weights;
    convlstm__cell *cell;
    float *packed, *scratch, *x, *c, *y, *h[2];
} side;

typedef struct pair {
    const winograd_problem *p;
    uint64_t seed;
    nbase_rng rng;
    float *kernel, *recurrent, *bias, *nhwc; /* nhwc: a frame x or h */
    float *scale, *shift;                    /* of x, then of h */
    float *centre;
    size_t nhwc_count;
    side sides[SIDES];
    int failures;
} pair;

static void same(pair *s, const char *what, size_t step, size_t count, const float *a,
                 const float *b)
{
    if (!memcmp(a, b, count * sizeof *a)) return;
    size_t at = 0;
    while (!memcmp(&a[at], &b[at], sizeof *a)) at++;
    const winograd_problem *p = s->p;
    printf("FAILED tiles beside plain C, %s of step %zu: %zux%zu of %zux%zu, %zu channels, %zu "
           "filters, activation %d, weights %d, seed %llu: float %zu is %a, expected %a\n",
           what, step, p->taps, p->taps, p->height, p->width, p->channels, p->filters,
           (int)p->recurrent_activation, (int)s->sides[TILES].weights, (unsigned long long)s->seed,
           at, b[at], a[at]);
    s->failures++;
}

static float *random_guarded(pair *s, size_t count, double limit)
{
    float *v = guarded_alloc(count * sizeof *v);
    for (size_t i = 0; i < count; i++) v[i] = (float)(limit * (2 * nbase_rng_uniform(&s->rng) - 1));
    return v;
}

static convlstm__cell_desc desc_of(const pair *s, const side *d)
{
    convlstm__cell_desc desc = winograd_problem_desc(s->p);
    desc.bf16 = true;
    desc.mapped = d->weights == DIRECT_MAPPED;
    desc.centred = d->weights == DIRECT_CENTRED;
    return desc;
}

static void open_weights(pair *s)
{
    const winograd_problem *p = s->p;
    size_t area = p->taps * p->taps, most = p->channels > p->filters ? p->channels : p->filters;
    double limit = p->scale * sqrt(3.0 / (double)(area * (p->channels + p->filters)));
    s->kernel = random_guarded(s, area * p->channels * 4 * p->filters, limit);
    s->recurrent = random_guarded(s, area * p->filters * 4 * p->filters, limit);
    s->bias = random_guarded(s, 4 * p->filters, 0.5);
    s->scale = random_guarded(s, most, 2), s->shift = random_guarded(s, most, 1);
    s->centre = random_guarded(s, p->filters, 0.25);
    for (size_t j = 0; j < p->filters; j++)
        s->centre[j] = convlstm__of_bf16(convlstm__to_bf16(s->centre[j]));
    s->nhwc_count = p->height * p->width * most;
    s->nhwc = guarded_alloc(s->nhwc_count * sizeof *s->nhwc);
}

static size_t x_floats(const pair *s)
{
    return convlstm__frame_floats(&s->sides[PLAIN].cell->in, s->p->channels);
}

static size_t h_floats(const pair *s)
{
    return convlstm__frame_floats(&s->sides[PLAIN].cell->out, s->p->filters);
}

static void open_side(pair *s, int which)
{
    side *d = &s->sides[which];
    const convlstm__cell *cell = d->cell;
    const convlstm__affine map = {s->scale, s->shift};
    d->packed = guarded_alloc(cell->packed_bytes);
    d->scratch = guarded_alloc(cell->scratch_bytes);
    d->x = guarded_alloc(x_floats(s) * sizeof(float));
    d->c = guarded_alloc(cell->c_floats * sizeof(float));
    d->y = guarded_alloc(h_floats(s) * sizeof(float));
    for (int i = 0; i < 2; i++) d->h[i] = guarded_alloc(h_floats(s) * sizeof(float));
    const convlstm__cell_maps maps = {.x = d->weights == DIRECT_MAPPED ? &map : NULL,
                                      .centre = d->weights == DIRECT_CENTRED ? s->centre : NULL};
    if (d->weights == DIRECT_PLAIN)
        cell->ops->pack(cell, s->kernel, s->recurrent, s->bias, false, false, d->packed);
    else
        cell->ops->pack_map(cell, s->kernel, s->recurrent, s->bias, &maps, d->packed);
}

static void close_side(side *d)
{
    guarded_free(d->packed), guarded_free(d->scratch), guarded_free(d->x), guarded_free(d->c),
        guarded_free(d->y), guarded_free(d->h[0]), guarded_free(d->h[1]);
    d->cell->ops->free(d->cell);
}

/* x, by the kernels of each side. */
static void give_x(pair *s, size_t step)
{
    const winograd_problem *p = s->p;
    const convlstm__layout *in = &s->sides[PLAIN].cell->in;
    const convlstm__rows r =
        convlstm__rows_of(p->height, p->width, p->channels, in->reach, in->spread);
    for (size_t i = 0; i < s->nhwc_count; i++) s->nhwc[i] = (float)nbase_rng_uniform(&s->rng);
    for (int k = 0; k < SIDES; k++) {
        convlstm__kernels_for(s->sides[k].isa)
            .direct->from_nhwc(&r, s->nhwc, NULL, s->sides[k].x, (convlstm__units){0, p->height});
        convlstm__rows_clear_around(&r, true, true, s->sides[k].x);
    }
    same(s, "x", step, x_floats(s), s->sides[PLAIN].x, s->sides[TILES].x);
}

static void run_side(pair *s, side *d, size_t step)
{
    const convlstm__affine map = {s->scale, s->shift};
    convlstm__cell_step call = {.packed = d->packed,
                                .scratch = d->scratch,
                                .x = d->x,
                                .h_prev = step ? d->h[step % 2] : NULL,
                                .c_prev = step ? d->c : NULL,
                                .h = d->h[(step + 1) % 2],
                                .c = d->c,
                                .affine = d->weights == DIRECT_MAPPED ? &map : NULL,
                                .y = d->weights == DIRECT_MAPPED ? d->y : NULL};
    d->cell->ops->forward(d->cell, &call, convlstm__cell_units(d->cell));
}

/* A frame and back, by the kernels of each side. */
static void check_way_back(pair *s, size_t step)
{
    const winograd_problem *p = s->p;
    const convlstm__layout *in = &s->sides[PLAIN].cell->in;
    const convlstm__rows r =
        convlstm__rows_of(p->height, p->width, p->channels, in->reach, in->spread);
    const size_t count = p->height * p->width * p->channels;
    float *nhwc[SIDES];
    for (int k = 0; k < SIDES; k++) {
        nhwc[k] = guarded_alloc(count * sizeof(float));
        convlstm__kernels_for(s->sides[k].isa)
            .direct->to_nhwc(&r, s->sides[k].x, NULL, nhwc[k], (convlstm__units){0, p->height});
    }
    same(s, "x again", step, count, nhwc[PLAIN], nhwc[TILES]);
    for (size_t i = 0; i < count; i++)
        if (nhwc[PLAIN][i] != convlstm__of_bf16(convlstm__to_bf16(s->nhwc[i]))) s->failures++;
    guarded_free(nhwc[PLAIN]), guarded_free(nhwc[TILES]);
}

/* The map of h by itself, on each side, over h's own frame. */
static void check_affine(pair *s, size_t step)
{
    const winograd_problem *p = s->p;
    const convlstm__rows r = convlstm__rows_of(p->height, p->width, p->filters, p->taps / 2, false);
    float *h[SIDES];
    for (int k = 0; k < SIDES; k++) {
        h[k] = guarded_alloc(h_floats(s) * sizeof(float));
        memcpy(h[k], s->sides[k].h[step % 2], h_floats(s) * sizeof(float));
        convlstm__kernels_for(s->sides[k].isa)
            .direct->affine(&r, h[k], s->scale, s->shift, h[k], (convlstm__units){0, p->height});
    }
    same(s, "an affine map", step, h_floats(s), h[PLAIN], h[TILES]);
    guarded_free(h[PLAIN]), guarded_free(h[TILES]);
}

static void run_steps(pair *s)
{
    side *plain = &s->sides[PLAIN], *tiles = &s->sides[TILES];
    for (size_t step = 0; step < s->p->steps; step++) {
        give_x(s, step);
        check_way_back(s, step);
        run_side(s, plain, step), run_side(s, tiles, step);
        same(s, "h", step, h_floats(s), plain->h[(step + 1) % 2], tiles->h[(step + 1) % 2]);
        same(s, "c", step, plain->cell->c_floats, plain->c, tiles->c);
        if (plain->weights == DIRECT_MAPPED)
            same(s, "the map of h", step, h_floats(s), plain->y, tiles->y);
    }
    check_affine(s, s->p->steps);
}

/* Cells, weights and memory of both sides; false: there are no such cells. */
static bool open_pair(pair *s, uint64_t seed)
{
    s->seed = seed;
    nbase_rng_seed(&s->rng, seed, 3);
    for (int k = 0; k < SIDES; k++) {
        side *d = &s->sides[k];
        convlstm__cell_desc desc = desc_of(s, d);
        if (convlstm__cell_create_direct(NULL, &desc, d->isa, &d->cell)) return false;
    }
    open_weights(s);
    for (int k = 0; k < SIDES; k++) open_side(s, k);
    return true;
}

static int close_pair(pair *s, const char *what)
{
    static const char *const kinds[] = {"", " mapped", " centred"};
    const winograd_problem *p = s->p;
    printf("%s, %zux%zu%s of %2zux%-2zu c%-2zu f%-2zu t%-2zu activation %d%s%s\n", what, p->taps,
           p->taps, p->rectified ? " relu" : "", p->height, p->width, p->channels, p->filters,
           p->steps, (int)p->recurrent_activation, kinds[s->sides[TILES].weights],
           s->failures ? " FAILED" : "");
    for (int k = 0; k < SIDES; k++) close_side(&s->sides[k]);
    guarded_free(s->kernel), guarded_free(s->recurrent), guarded_free(s->bias),
        guarded_free(s->scale), guarded_free(s->shift), guarded_free(s->centre),
        guarded_free(s->nhwc);
    return s->failures;
}

int direct_check_bits(const winograd_problem *p, direct_weights weights, uint64_t seed)
{
    if (!nbase__amx()) return 0;
    pair s = {.p = p};
    s.sides[PLAIN] = (side){.isa = NBASE_ISA_REF, .weights = weights};
    s.sides[TILES] = (side){.isa = NBASE_ISA_AVX512, .weights = weights};
    if (!open_pair(&s, seed)) return 1;
    same(&s, "weights", 0, s.sides[PLAIN].cell->packed_bytes / sizeof(float), s.sides[PLAIN].packed,
         s.sides[TILES].packed);
    run_steps(&s);
    return close_pair(&s, "tiles beside plain C");
}

/* The centred side's last h as floats beside the other's, and there and back again. */
static void check_h(pair *s, size_t step, double limit)
{
    const side *plain = &s->sides[PLAIN], *centred = &s->sides[TILES];
    const convlstm__cell *cell = centred->cell;
    const size_t count = s->p->height * s->p->width * s->p->filters;
    float *a = guarded_alloc(count * sizeof *a), *b = guarded_alloc(count * sizeof *b),
          *again = guarded_alloc(h_floats(s) * sizeof *again), largest = 0, worst = 0;
    convlstm__frame_to_nhwc(&plain->cell->out, s->p->filters, plain->h[step % 2], a);
    cell->ops->h_to_nhwc(cell, centred->packed, centred->h[step % 2], b);
    for (size_t j = 0; j < s->p->filters; j++) largest = fmaxf(largest, fabsf(s->centre[j]));
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
        worst = fmaxf(worst, fabsf(a[i] - b[i]));
    }
    if (!(worst <= limit * largest)) {
        printf("FAILED centred h differs by %.2g of the largest\n", worst / largest);
        s->failures++;
    }
    cell->ops->h_from_nhwc(cell, centred->packed, b, again);
    same(s, "centred h again", step, h_floats(s), centred->h[step % 2], again);
    guarded_free(a), guarded_free(b), guarded_free(again);
}

int direct_check_centre(const winograd_problem *p, double limit, uint64_t seed)
{
    pair s = {.p = p};
    s.sides[PLAIN] = (side){.isa = NBASE_ISA_REF, .weights = DIRECT_PLAIN};
    s.sides[TILES] = (side){.isa = NBASE_ISA_REF, .weights = DIRECT_CENTRED};
    if (!open_pair(&s, seed)) return 1;
    for (size_t step = 0; step < p->steps; step++) {
        give_x(&s, step);
        for (int k = 0; k < SIDES; k++) run_side(&s, &s.sides[k], step);
        check_h(&s, step + 1, limit);
    }
    return close_pair(&s, "centred beside plain");
}
