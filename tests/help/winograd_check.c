#include "winograd_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells/frame.h"
#include "cpu.h"
#include "guarded.h"
#include "kernels/kernels.h"
#include "winograd_case.h"

/* Of the largest of a kind. The 16 pixels of a tile are summed in fp32. */
#define SUMS_LIMIT 2e-6

/* Of this kind of cell alone: a program of kernels has no others (tests/bare). */
static const convlstm__cell_training training = {.winograd = &convlstm__cell_winograd_back,
                                                 .kernels_for = convlstm__training_kernels_for};

/* The backend's side of the comparison: everything in guarded memory. */
typedef struct run {
    const winograd_case *s;
    nbase_isa isa;
    nbase_status (*create)(const nbase_env *env, const convlstm__cell_desc *desc, nbase_isa isa,
                           convlstm__cell **out);
    convlstm__cell *cell;
    void *packed, *scratch;
    float **x, **h, **c; /* h[0], c[0]: before the first step, null if it has no initial state */
    void **gates;
    float *wgrad, *dc, *dx, *dh_prev[2], *dh;
    float *nhwc; /* for a frame on its way out */
    /* of a step, and by a pass over the frames */
    double *sums, *expected_sums;
    int failures;
    double worst_forward, worst_backward;
} run;

static void tell(run *r, const char *what, size_t i, double got, double expected, double error,
                 double limit)
{
    const winograd_problem *p = &r->s->p;
    printf("FAILED %s %s: %zux%zu%s of %zux%zu, %zu channels, %zu filters, %zu steps, activation "
           "%d, initial state %d, scale %g, compact %d, odd states %d, again %d, seed %llu: "
           "element %zu is %.9g, "
           "expected %.9g, error %.2e > %.1e\n",
           nbase_isa_name(r->isa), what, p->taps, p->taps, p->rectified ? " relu" : "", p->height,
           p->width, p->channels, p->filters, p->steps, (int)p->recurrent_activation,
           (int)p->initial_state, p->scale, (int)r->cell->desc.compact_gates,
           (int)r->cell->desc.odd_states, (int)r->cell->desc.gates_again,
           (unsigned long long)r->s->seed, i, got, expected, error, limit);
    r->failures++;
}

static void compare(run *r, const char *what, size_t count, const float *got,
                    const double *expected, double limit, double *worst)
{
    double largest = 1e-30, error = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < count; i++) {
        double e = fabs(got[i] - expected[i]) / largest;
        if (!(e <= error)) error = e, at = i;
    }
    if (!(error <= limit)) tell(r, what, at, got[at], expected[at], error, limit);
    if (!(error <= *worst)) *worst = error;
}

static void same_bits(run *r, const char *what, size_t bytes, const void *a, const void *b)
{
    if (!memcmp(a, b, bytes)) return;
    tell(r, what, 0, 0, 0, 1, 0);
}

/* Sums of a step for so many channels against those of passes over the frames. */
static void check_sums(run *r, const char *what, size_t channels)
{
    for (size_t i = 0; i < 2 * channels; i++) {
        double largest = 1e-30, error = fabs(r->sums[i] - r->expected_sums[i]);
        for (size_t k = 0; k < channels; k++)
            largest = fmax(largest, fabs(r->expected_sums[i / channels * channels + k]));
        if (!(error <= SUMS_LIMIT * largest))
            tell(r, what, i, r->sums[i], r->expected_sums[i], error / largest, SUMS_LIMIT);
    }
}

static float *frame_of(const convlstm__layout *layout, size_t channels, const float *nhwc)
{
    float *f = guarded_alloc(convlstm__frame_floats(layout, channels) * sizeof *f);
    if (nhwc) convlstm__frame_from_nhwc(layout, channels, nhwc, f);
    return f;
}

/* Padding and halo must be zero: a frame made anew from its pixels has the same bits. */
static void check_padding(run *r, const char *what, size_t channels, const float *frame)
{
    const convlstm__layout *l = &r->cell->out;
    float *again = guarded_alloc(convlstm__frame_floats(l, channels) * sizeof *again);
    convlstm__frame_to_nhwc(l, channels, frame, r->nhwc);
    convlstm__frame_from_nhwc(l, channels, r->nhwc, again);
    same_bits(r, what, convlstm__frame_floats(l, channels) * sizeof *again, frame, again);
    guarded_free(again);
}

static void open_run(run *r)
{
    const winograd_case *s = r->s;
    convlstm__cell *cell = r->cell;
    size_t T = s->p.steps, F = s->p.filters,
           wide = s->x_count > s->h_count ? s->x_count : s->h_count;
    r->packed = guarded_alloc(cell->packed_bytes);
    r->scratch = guarded_alloc(cell->scratch_bytes);
    r->x = winograd_must(calloc(T, sizeof *r->x)),
    r->gates = winograd_must(calloc(T, sizeof *r->gates));
    r->h = winograd_must(calloc(T + 1, sizeof *r->h)),
    r->c = winograd_must(calloc(T + 1, sizeof *r->c));
    r->nhwc = winograd_must(malloc(wide * sizeof *r->nhwc));
    r->sums = winograd_must(malloc(2 * (s->p.channels + F) * sizeof *r->sums));
    r->expected_sums = winograd_must(malloc(2 * (s->p.channels + F) * sizeof *r->sums));
    for (size_t t = 0; t < T; t++) {
        r->x[t] = frame_of(&cell->in, s->p.channels, s->x + t * s->x_count);
        r->gates[t] = guarded_alloc(cell->gates_bytes[t % 2]);
    }
    for (size_t t = 0; t <= T; t++) {
        if (t == 0 && !s->p.initial_state) continue;
        r->h[t] = frame_of(&cell->out, F, t ? NULL : s->h0);
        r->c[t] = guarded_alloc(cell->c_floats * sizeof(float));
    }
    if (r->c[0]) cell->ops->c_from_nhwc(cell, s->c0, r->c[0]);
    r->dc = guarded_alloc(cell->c_floats * sizeof(float));
    r->dx = frame_of(&cell->in, s->p.channels, NULL);
    for (int i = 0; i < 2; i++) r->dh_prev[i] = frame_of(&cell->out, F, NULL);
    r->dh = frame_of(&cell->out, F, NULL);
    r->wgrad = guarded_alloc(cell->wgrad_floats * sizeof(float));
    memset(r->wgrad, 0xff, cell->wgrad_floats * sizeof(float)); /* NaN: the first step writes it */
}

static void close_run(run *r)
{
    for (size_t t = 0; t < r->s->p.steps; t++) guarded_free(r->x[t]), guarded_free(r->gates[t]);
    for (size_t t = 0; t <= r->s->p.steps; t++) guarded_free(r->h[t]), guarded_free(r->c[t]);
    guarded_free(r->packed), guarded_free(r->scratch), guarded_free(r->dc), guarded_free(r->dx),
        guarded_free(r->dh), guarded_free(r->wgrad);
    guarded_free(r->dh_prev[0]), guarded_free(r->dh_prev[1]);
    free(r->x), free(r->gates), free(r->h), free(r->c), free(r->nhwc);
    free(r->sums), free(r->expected_sums);
    r->cell->ops->free(r->cell);
}

/* Step t of the case, as a step that gives h and c, at inference. */
static convlstm__cell_step step_of(const run *r, size_t t, float *h, float *c)
{
    return (convlstm__cell_step){.packed = r->packed,
                                 .scratch = r->scratch,
                                 .x = r->x[t],
                                 .unscaled = r->s->unscaled,
                                 .h_prev = r->h[t],
                                 .c_prev = r->c[t],
                                 .h = h,
                                 .c = c};
}

static void forward_units(const convlstm__cell *cell, const convlstm__cell_step *step, size_t first,
                          size_t last)
{
    cell->ops->forward(cell, step, (convlstm__units){first, last});
}

/* What of the steps forward step t back reads of c and the gates. */
static void give_gates(const run *r, size_t t, convlstm__cell_step_back *step)
{
    step->odd = t % 2;
    step->gates = r->gates[t];
    step->gates_prev = t ? r->gates[t - 1] : NULL;
    step->gates_before = t > 1 ? r->gates[t - 2] : NULL;
    if (r->cell->keeps_c) {
        step->c_prev = r->c[0];
        return;
    }
    step->c_prev = r->c[t];
    step->c = r->c[t + 1];
}

static void forward_training(run *r, double limit)
{
    const winograd_case *s = r->s;
    const convlstm__cell *cell = r->cell;
    size_t T = s->p.steps, F = s->p.filters, hc = s->h_count;
    for (size_t t = 0; t < T; t++) {
        convlstm__cell_step step = step_of(r, t, r->h[t + 1], r->c[t + 1]);
        step.gates = r->gates[t];
        step.odd = t % 2;
        step.moments = r->sums;
        cell->ops->forward(cell, &step, convlstm__cell_units(cell));
        memset(r->expected_sums, 0, 2 * F * sizeof(double));
        convlstm__frame_moments(&cell->out, F, step.h, r->expected_sums, r->expected_sums + F);
        check_sums(r, "moments", F);
    }
    for (size_t t = 1; t <= T; t++) {
        check_padding(r, "padding of h", F, r->h[t]);
        convlstm__frame_to_nhwc(&cell->out, F, r->h[t], r->nhwc);
        compare(r, "h", hc, r->nhwc, s->h + t * hc, limit, &r->worst_forward);
        cell->ops->c_to_nhwc(cell, r->c[t], r->nhwc);
        compare(r, "c", hc, r->nhwc, s->c + t * hc, limit, &r->worst_forward);
    }
}

/* h of each step from its gates. */
static void output_again(run *r, double limit)
{
    const winograd_case *s = r->s;
    const convlstm__cell *cell = r->cell;
    float *h = frame_of(&cell->out, s->p.filters, NULL);
    for (size_t t = 0; cell->keeps_h && t < s->p.steps; t++) {
        cell->back->h_again(cell, r->gates[t], h);
        check_padding(r, "padding of h made again", s->p.filters, h);
        convlstm__frame_to_nhwc(&cell->out, s->p.filters, h, r->nhwc);
        compare(r, "h made again", s->h_count, r->nhwc, s->h + (t + 1) * s->h_count, limit,
                &r->worst_backward);
    }
    guarded_free(h);
}

/* No gates, c in place, each step in random parts, in any order: the same bits as in training. */
static void forward_inference(run *r)
{
    const winograd_case *s = r->s;
    const convlstm__cell *cell = r->cell;
    size_t T = s->p.steps, floats = convlstm__frame_floats(&cell->out, s->p.filters);
    nbase_rng rng = s->rng;
    float *h[2] = {guarded_alloc(floats * sizeof(float)), guarded_alloc(floats * sizeof(float))};
    float *c = guarded_alloc(cell->c_floats * sizeof(float));
    if (r->c[0]) memcpy(c, r->c[0], cell->c_floats * sizeof *c);
    for (size_t t = 0; t < T; t++) {
        convlstm__cell_step step = step_of(r, t, h[(t + 1) % 2], c);
        step.h_prev = t ? h[t % 2] : r->h[0];
        step.c_prev = t || r->c[0] ? c : NULL;
        size_t a = nbase_rng_below(&rng, (uint32_t)cell->units + 1),
               b = a + nbase_rng_below(&rng, (uint32_t)(cell->units - a) + 1);
        forward_units(cell, &step, b, cell->units);
        forward_units(cell, &step, 0, a);
        forward_units(cell, &step, a, b);
    }
    same_bits(r, "h of inference in parts", floats * sizeof(float), h[T % 2], r->h[T]);
    same_bits(r, "c of inference in parts", cell->c_floats * sizeof(float), c, r->c[T]);
    guarded_free(h[0]), guarded_free(h[1]), guarded_free(c);
}

/* h and its affine map in one: the bits of one after the other. */
static void forward_affine(run *r)
{
    const winograd_case *s = r->s;
    const convlstm__cell *cell = r->cell;
    size_t F = s->p.filters, t = s->p.steps - 1, floats = convlstm__frame_floats(&cell->out, F),
           half = cell->units / 2;
    float *h = guarded_alloc(floats * sizeof *h), *y = guarded_alloc(floats * sizeof *y),
          *expected = guarded_alloc(floats * sizeof *y);
    float *c = guarded_alloc(cell->c_floats * sizeof *c);
    convlstm__affine map = {s->kernel, s->recurrent}; /* some numbers */
    convlstm__cell_step step = step_of(r, t, h, c);
    step.affine = &map;
    step.y = y;
    forward_units(cell, &step, half, cell->units);
    forward_units(cell, &step, 0, half);
    convlstm__frame_affine(&cell->out, F, h, map.scale, map.shift, expected);
    same_bits(r, "h beside its affine map", floats * sizeof *h, h, r->h[t + 1]);
    same_bits(r, "affine map of h", floats * sizeof *y, y, expected);
    guarded_free(h), guarded_free(y), guarded_free(expected), guarded_free(c);
}

/* The layer after the case's, whose x is h and perhaps another plane, and what it has made. */
typedef struct second {
    convlstm__cell *cell;
    void *packed, *scratch;
    float *weights, *x, *c, *h[2];
    size_t x_bytes, h_bytes, c_bytes;
} second;

static bool open_second(run *r, size_t extra, second *b)
{
    const winograd_problem *p = &r->s->p;
    convlstm__cell_desc desc = r->cell->desc;
    desc.channels = p->filters + extra;
    desc.filters = p->filters / 2 + 1;
    if (r->create(NULL, &desc, r->isa, &b->cell)) return false;
    size_t taps = p->taps * p->taps, kernel = taps * desc.channels * 4 * desc.filters,
           recurrent = taps * desc.filters * 4 * desc.filters;
    nbase_rng rng = r->s->rng;
    b->weights = winograd_must(malloc((kernel + recurrent) * sizeof *b->weights));
    for (size_t i = 0; i < kernel + recurrent; i++)
        b->weights[i] = 0.2f * nbase_rng_uniform(&rng) - 0.1f;
    b->packed = guarded_alloc(b->cell->packed_bytes);
    b->cell->ops->pack(b->cell, b->weights, b->weights + kernel, NULL, false, false, b->packed);
    b->scratch = guarded_alloc(b->cell->scratch_bytes);
    b->x_bytes = convlstm__frame_floats(&b->cell->in, desc.channels) * sizeof(float);
    b->h_bytes = convlstm__frame_floats(&b->cell->out, desc.filters) * sizeof(float);
    b->c_bytes = b->cell->c_floats * sizeof(float);
    b->x = guarded_alloc(b->x_bytes), b->c = guarded_alloc(b->c_bytes),
    b->h[0] = guarded_alloc(b->h_bytes), b->h[1] = guarded_alloc(b->h_bytes);
    return true;
}

static void close_second(second *b)
{
    guarded_free(b->packed), guarded_free(b->scratch), guarded_free(b->x), guarded_free(b->c),
        guarded_free(b->h[0]), guarded_free(b->h[1]);
    free(b->weights);
    b->cell->ops->free(b->cell);
}

/* b's x at step t: r's h before step t, behind it, if there is more, r's last h once more. */
static void give_second(const run *r, size_t t, const second *b)
{
    size_t floats = convlstm__frame_floats(&r->cell->out, r->s->p.filters),
           all = b->x_bytes / sizeof(float);
    memcpy(b->x, r->h[t], floats * sizeof(float));
    memcpy(b->x + floats, r->h[r->s->p.steps], (all - floats) * sizeof(float));
}

/* Step `done` of b; even and odd steps take turns with its two frames h. */
static convlstm__cell_step second_step(const second *b, size_t done)
{
    return (convlstm__cell_step){.packed = b->packed,
                                 .scratch = b->scratch,
                                 .x = b->x,
                                 .h_prev = done ? b->h[done % 2] : NULL,
                                 .c_prev = done ? b->c : NULL,
                                 .h = b->h[(done + 1) % 2],
                                 .c = b->c};
}

/* A step of the case's layer beside one of the next, in random parts: the bits of each alone. */
static void forward_pair(run *r, size_t extra)
{
    const winograd_case *s = r->s;
    const convlstm__cell *a = r->cell;
    second one = {0}, two = {0}; /* alone, in the pair */
    if (!open_second(r, extra, &one) || !open_second(r, extra, &two))
        return tell(r, "no second cell", 0, 0, 0, 1, 0);
    size_t h_bytes = convlstm__frame_floats(&a->out, s->p.filters) * sizeof(float),
           c_bytes = a->c_floats * sizeof(float);
    float *h = guarded_alloc(h_bytes), *c = guarded_alloc(c_bytes);
    /* 0 where only one is small enough for weights in columns */
    size_t bytes = a->ops->pair_scratch(a, two.cell);
    void *scratch = guarded_alloc(bytes);
    memset(h, 0, h_bytes), memset(two.h[0], 0, two.h_bytes), memset(two.h[1], 0, two.h_bytes);
    nbase_rng rng = s->rng;
    for (size_t t = 1, done = 0; bytes && t < s->p.steps; t++, done++) {
        size_t cut_a = nbase_rng_below(&rng, (uint32_t)a->units + 1),
               cut_b = nbase_rng_below(&rng, (uint32_t)two.cell->units + 1);
        memcpy(c, r->c[t], c_bytes);
        give_second(r, t, &one), give_second(r, t, &two);
        convlstm__cell_step alone = second_step(&one, done), sb = second_step(&two, done),
                            sa = step_of(r, t, h, c);
        sa.c_prev = c;
        sa.scratch = scratch;
        one.cell->ops->forward(one.cell, &alone, convlstm__cell_units(one.cell));
        a->ops->forward_pair(a, &sa, (convlstm__units){cut_a, a->units}, two.cell, &sb,
                             (convlstm__units){cut_b, two.cell->units});
        a->ops->forward_pair(a, &sa, (convlstm__units){0, cut_a}, two.cell, &sb,
                             (convlstm__units){0, cut_b});
        same_bits(r, "h of a pair", h_bytes, h, r->h[t + 1]);
        same_bits(r, "c of a pair", c_bytes, c, r->c[t + 1]);
        same_bits(r, "the second's h of a pair", one.h_bytes, two.h[(done + 1) % 2],
                  one.h[(done + 1) % 2]);
        same_bits(r, "the second's c of a pair", one.c_bytes, two.c, one.c);
    }
    guarded_free(h), guarded_free(c), guarded_free(scratch);
    close_second(&one), close_second(&two);
}

static void backward(run *r, double limit)
{
    const winograd_case *s = r->s;
    const convlstm__cell *cell = r->cell;
    size_t T = s->p.steps, F = s->p.filters, hc = s->h_count;
    cell->ops->c_from_nhwc(cell, s->dc_last, r->dc);
    for (size_t t = T; t-- > 0;) {
        if (t % 2) convlstm__frame_from_nhwc(&cell->out, F, s->dh + t * hc, r->dh);
        convlstm__cell_step_back step = {.packed = r->packed,
                                         .scratch = r->scratch,
                                         .x = r->x[t],
                                         .h_prev = r->h[t],
                                         .dh = t % 2 ? r->dh : NULL,
                                         .dh_next = t + 1 < T ? r->dh_prev[(t + 1) % 2] : NULL,
                                         .dc = r->dc,
                                         .dx = t ? r->dx : NULL,
                                         .dh_prev = r->dh_prev[t % 2],
                                         .wgrad = r->wgrad,
                                         .first = t == T - 1,
                                         .dx_sums = t ? r->sums : NULL,
                                         .dx_with = r->x[t]};
        give_gates(r, t, &step);
        cell->back->backward(cell, &step);
        check_padding(r, "padding of dh_prev", F, r->dh_prev[t % 2]);
        if (!t) continue;
        check_padding(r, "padding of dx", s->p.channels, r->dx);
        size_t C = s->p.channels;
        memset(r->expected_sums, 0, 2 * C * sizeof(double));
        convlstm__frame_dot(&cell->in, C, r->dx, r->x[t], r->expected_sums, r->expected_sums + C);
        check_sums(r, "sums of dx", C);
        convlstm__frame_to_nhwc(&cell->in, s->p.channels, r->dx, r->nhwc);
        compare(r, "dx", s->x_count, r->nhwc, s->dx + t * s->x_count, limit, &r->worst_backward);
    }
    convlstm__frame_to_nhwc(&cell->out, F, r->dh_prev[0], r->nhwc);
    compare(r, "dh", hc, r->nhwc, s->dh0, limit, &r->worst_backward);
    cell->ops->c_to_nhwc(cell, r->dc, r->nhwc);
    compare(r, "dc", hc, r->nhwc, s->dc0, limit, &r->worst_backward);
}

static void weight_gradients(run *r, double limit)
{
    const winograd_case *s = r->s;
    float *kernel = guarded_alloc(s->kernel_count * sizeof(float)),
          *recurrent = guarded_alloc(s->recurrent_count * sizeof(float)),
          *bias = guarded_alloc(s->bias_count * sizeof(float));
    r->cell->back->wgrad_finish(r->cell, r->wgrad, kernel, recurrent, bias);
    compare(r, "dkernel", s->kernel_count, kernel, s->dkernel, limit, &r->worst_backward);
    compare(r, "drecurrent", s->recurrent_count, recurrent, s->drecurrent, limit,
            &r->worst_backward);
    compare(r, "dbias", s->bias_count, bias, s->dbias, limit, &r->worst_backward);
    guarded_free(kernel), guarded_free(recurrent), guarded_free(bias);
}

convlstm__cell_desc winograd_problem_desc(const winograd_problem *p)
{
    return (convlstm__cell_desc){.height = p->height,
                                 .width = p->width,
                                 .channels = p->channels,
                                 .filters = p->filters,
                                 .kernel_h = p->taps,
                                 .kernel_w = p->taps,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .activation = p->rectified ? CONVLSTM__RELU : CONVLSTM__TANH,
                                 .recurrent_activation = p->recurrent_activation};
}

static const char *const gates_names[] = {"", " compact", " odd states", " again"};

int winograd_check(const winograd_case *s, nbase_isa isa, winograd_gates gates,
                   double forward_limit, double backward_limit)
{
    const winograd_problem *p = &s->p;
    run r = {.s = s, .isa = isa, .create = convlstm__cell_create_winograd};
    convlstm__cell_desc desc = winograd_problem_desc(p);
    desc.train = &training;
    desc.compact_gates = gates == WINOGRAD_COMPACT || gates == WINOGRAD_ODD_STATES;
    desc.odd_states = gates == WINOGRAD_ODD_STATES;
    desc.gates_again = gates == WINOGRAD_AGAIN;
    nbase_status status = r.create(NULL, &desc, isa, &r.cell);
    if (status) {
        printf("FAILED %s: no cell: %s\n", nbase_isa_name(isa), nbase_status_name(status));
        return 1;
    }
    open_run(&r);
    r.cell->ops->pack(r.cell, s->kernel, s->recurrent, s->bias, true, false, r.packed);
    forward_training(&r, forward_limit);
    forward_inference(&r);
    forward_affine(&r);
    for (size_t extra = 0; extra < 2; extra++) forward_pair(&r, extra);
    output_again(&r, backward_limit);
    backward(&r, backward_limit);
    weight_gradients(&r, backward_limit);
    printf("%-6s %zux%zu%s of %2zux%-2zu c%-2zu f%-2zu t%-2zu activation %d scale %g%s: error "
           "forward %.1e, backward %.1e%s\n",
           nbase_isa_name(isa), p->taps, p->taps, p->rectified ? " relu" : "", p->height, p->width,
           p->channels, p->filters, p->steps, (int)p->recurrent_activation, p->scale,
           gates_names[gates], r.worst_forward, r.worst_backward, r.failures ? " FAILED" : "");
    close_run(&r);
    return r.failures;
}

/* The steps in two halves, the second one first, against the case. */
static void forward_bf16(run *r, double limit)
{
    const winograd_case *s = r->s;
    const convlstm__cell *cell = r->cell;
    for (size_t t = 0; t < s->p.steps; t++) {
        size_t half = cell->units / 2;
        convlstm__cell_step step = step_of(r, t, r->h[t + 1], r->c[t + 1]);
        forward_units(cell, &step, half, cell->units);
        forward_units(cell, &step, 0, half);
        check_padding(r, "padding of h", s->p.filters, r->h[t + 1]);
        convlstm__frame_to_nhwc(&cell->out, s->p.filters, r->h[t + 1], r->nhwc);
        compare(r, "h by bfloat16", s->h_count, r->nhwc, s->h + (t + 1) * s->h_count, limit,
                &r->worst_forward);
        cell->ops->c_to_nhwc(cell, r->c[t + 1], r->nhwc);
        compare(r, "c by bfloat16", s->h_count, r->nhwc, s->c + (t + 1) * s->h_count, limit,
                &r->worst_forward);
    }
}

static bool open_bf16(run *r, bool train)
{
    convlstm__cell_desc desc = winograd_problem_desc(&r->s->p);
    desc.bf16 = true;
    desc.train = train ? &training : NULL;
    desc.compact_gates = train;
    if (r->create(NULL, &desc, r->isa, &r->cell)) {
        printf("FAILED %s: no cell of bfloat16\n", nbase_isa_name(r->isa));
        return false;
    }
    open_run(r);
    r->cell->ops->pack(r->cell, r->s->kernel, r->s->recurrent, r->s->bias, train, false, r->packed);
    return true;
}

static int close_bf16(run *r)
{
    const winograd_problem *p = &r->s->p;
    printf("%-6s %s, %zux%zu%s of %2zux%-2zu c%-2zu f%-2zu t%-2zu in bfloat16: error forward %.1e, "
           "backward %.1e%s\n",
           nbase_isa_name(r->isa), r->cell->ops->name, p->taps, p->taps,
           p->rectified ? " relu" : "", p->height, p->width, p->channels, p->filters, p->steps,
           r->worst_forward, r->worst_backward, r->failures ? " FAILED" : "");
    close_run(r);
    return r->failures;
}

int winograd_check_bf16(const winograd_case *s, nbase_isa isa, double limit)
{
    run r = {.s = s, .isa = isa, .create = convlstm__cell_create_winograd};
    if (!convlstm__kernels_for(isa).winograd_bf16) return 0;
    if (!open_bf16(&r, false)) return 1;
    forward_bf16(&r, limit);
    return close_bf16(&r);
}

int winograd_check_bf16_training(const winograd_case *s, nbase_isa isa, double forward_limit,
                                 double backward_limit)
{
    run r = {.s = s, .isa = isa, .create = convlstm__cell_create_winograd};
    if (!convlstm__kernels_for(isa).winograd_bf16) return 0;
    if (!open_bf16(&r, true)) return 1;
    forward_training(&r, forward_limit);
    forward_inference(&r);
    backward(&r, backward_limit);
    weight_gradients(&r, backward_limit);
    return close_bf16(&r);
}

int winograd_check_direct(const winograd_case *s, nbase_isa isa, double limit)
{
    run r = {.s = s, .isa = isa, .create = convlstm__cell_create_direct};
    if (!convlstm__kernels_for(isa).direct) return 0;
    if (isa != NBASE_ISA_REF && !nbase__amx()) return 0;
    if (!open_bf16(&r, false)) return 1;
    forward_bf16(&r, limit);
    forward_inference(&r);
    forward_affine(&r);
    forward_pair(&r, 0);
    return close_bf16(&r);
}
