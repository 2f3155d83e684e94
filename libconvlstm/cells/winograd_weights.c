#include "winograd_weights.h"

#include <string.h>

#include "toom_cook.h"

enum {
    SIDE = WINOGRAD_MOST_SIDE,
    TAPS = WINOGRAD_MOST_TAPS,
    CHUNK = CONVLSTM__WEIGHTS_CHUNK /* outputs whose weights are transformed together */
};

typedef double chunk[CHUNK];

static size_t outputs_of(const convlstm__winograd *w) { return 4 * w->filters; }

/* ---- transforms ---- */

/* G of the layer's kernel size, (rows, taps); of a kernel of one tap: 1. */
static void coarse_transform(const convlstm__winograd *w, double *g)
{
    static const double points3[] = NBASE__F43_POINTS, half5[] = WINOGRAD_POINTS5;
    const double points5[] = {0, half5[0], -half5[0], half5[1], -half5[1], half5[2], -half5[2]};
    nbase__toom_cook(w->taps == 3 ? points3 : points5, w->taps == 1 ? 0 : w->side - 1, w->taps, g);
}

/* The same of the fine transforms (winograd_points_fine.h): for the first two outputs and again for
 * the others, each G of F(2,3), and below it for five taps that of F(2,2). */
static void fine_transform(const convlstm__winograd *w, double *g)
{
    static const double points[] = {0, 1, -1};
    const size_t taps = w->taps, half = w->side / 2 * taps;
    double three[4 * 3], two[3 * 2];
    nbase__toom_cook(points, 3, 3, three);
    nbase__toom_cook(points, 2, 2, two);
    memset(g, 0, half * sizeof *g);
    for (size_t i = 0; i < 12; i++) g[i / 3 * taps + i % 3] = three[i];
    for (size_t i = 0; taps == 5 && i < 6; i++) g[(4 + i / 2) * taps + 3 + i % 2] = two[i];
    memcpy(g + half, g, half * sizeof *g);
}

static void transform_of(const convlstm__winograd *w, double *g)
{
    (w->fine ? fine_transform : coarse_transform)(w, g);
}

/* Rows of G: `side`, or one for a kernel of one tap. */
static size_t rows_of_transform(const convlstm__winograd *w) { return w->taps == 1 ? 1 : w->side; }

#define INLINED static inline __attribute__((always_inline))

/* ---- places ---- */

size_t convlstm__winograd_weight_at(const convlstm__winograd *w, size_t c, size_t g, size_t j,
                                    bool *recurrent, size_t *step)
{
    *recurrent = c >= w->channels;
    *step = (*recurrent ? w->filters : w->channels) * outputs_of(w);
    return (*recurrent ? c - w->channels : c) * outputs_of(w) + g * w->filters + j;
}

/* The factor of the forward weights of frequency f (WINOGRAD_LAST). */
static double scale_of(const convlstm__winograd *w, size_t f)
{
    if (w->taps != 3 || w->fine) return 1;
    return (f / 6 == 5 ? WINOGRAD_LAST : 1) * (f % 6 == 5 ? WINOGRAD_LAST : 1);
}

/* Rows are outputs; the values of `rows` of them lie together. */
static size_t packed_at(size_t rows, size_t row_count, size_t depth, size_t f, size_t row, size_t k)
{
    size_t blocks = (row_count + rows - 1) / rows;
    return ((f * blocks + row / rows) * depth + k) * rows + row % rows;
}

/* The place of the forward weight of output k, channel c (or the first of a pair) and frequency
 * f. */
static size_t forward_at(const convlstm__winograd *w, size_t f, size_t k, size_t c)
{
    if (!w->columns) return packed_at(w->kernels->rows, outputs_of(w), w->depth, f, k, c);
    return (((k / 4 * w->side + f % w->side) * w->depth + c) * w->side + f / w->side) * 4 + k % 4;
}

/* What a frequency adds to the place of a weight, in the three forms, and its factor: the divisions
 * of packed_at would take longer than the transform. */
typedef struct frequency {
    size_t forward, again, backward;
    double scale;
} frequency;

static void find_frequencies(const convlstm__winograd *w, frequency *of)
{
    const size_t all = w->channels + w->filters, rows = w->kernels->rows;
    for (size_t f = 0; f < w->weight_sets; f++)
        of[f] = (frequency){.forward = forward_at(w, f, 0, 0),
                            .again = packed_at(rows, outputs_of(w), w->depth, f, 0, 0),
                            .backward = packed_at(rows, all, w->backward_depth, f, 0, 0),
                            .scale = scale_of(w, f)};
}

/* ---- in and out ---- */

/* Writes the weight of term c of a sum to its place, which two terms share for products of
 * bfloat16. */
INLINED void pack_value(const bool bf16, float *at, size_t c, double value)
{
    float single = (float)value;
    if (!bf16) {
        *at = single;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    /* to nearest, ties to even */
    uint16_t half = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    memcpy((char *)at + c % 2 * sizeof half, &half, sizeof half);
}

/* Where the weights of some outputs and a channel lie, and what they are multiplied by. */
typedef struct places {
    size_t count, c, k;                                     /* outputs from k on */
    float *forward[CHUNK], *again[CHUNK], *backward[CHUNK]; /* of frequency 0; the first one's null:
                                                               not wanted */
    double slope[CHUNK];
} places;

static void find_places(const convlstm__winograd *w, float *base, float *backward, places *p)
{
    const size_t all = w->channels + w->filters, rows = w->kernels->rows,
                 pair = w->kernels->bf16 ? 2 : 1;
    /* the channels of h first: as fine transforms and the way back have them */
    const size_t row = p->c >= w->channels ? p->c - w->channels : p->c + w->filters,
                 place = w->fine ? row : p->c / pair;
    p->again[0] = p->backward[0] = NULL;
    for (size_t e = 0; e < p->count; e++) {
        const size_t k = p->k + e;
        p->slope[e] = w->hard && k % 4 != 2 ? w->slope : 1;
        p->forward[e] = base + forward_at(w, 0, k, place);
        if (!backward) continue;
        p->backward[e] = backward + packed_at(rows, all, w->backward_depth, 0, row, k / pair);
        if (w->again_at)
            p->again[e] = base + w->again_at + packed_at(rows, outputs_of(w), w->depth, 0, k, p->c);
    }
}

/* What all chunks of a call share. */
typedef struct pack_call {
    const convlstm__winograd *w;
    const float *kernel, *recurrent;
    float *base, *backward; /* backward may be null */
    double transform[SIDE * TAPS];
    frequency of[SIDE * SIDE];
} pack_call;

/* The weights of a channel and some outputs, transformed, and where they go. */
typedef struct packed_chunk {
    places at;
    chunk u[SIDE * SIDE];
} packed_chunk;

/* The weights u of a frequency, value by value. */
static void pack_frequency(const convlstm__winograd *w, const places *p, const frequency *of,
                           const double *u)
{
    const bool bf16 = w->kernels->bf16;
    for (size_t e = 0; e < p->count; e++)
        pack_value(bf16, p->forward[e] + of->forward, p->c, p->slope[e] * of->scale * u[e]);
    for (size_t e = 0; p->again[0] && e < p->count; e++)
        p->again[e][of->again] = (float)(p->slope[e] * of->scale * u[e]);
    for (size_t e = 0; p->backward[0] && e < p->count; e++)
        pack_value(bf16, p->backward[e] + of->backward, p->k + e, u[e]);
}

/* Whether CHUNK outputs of each of CHUNK channels lie together in the forward weights, and the
 * channels of each output on the way back. */
static bool lies_in_rows(const packed_chunk *some, size_t count)
{
    if (count < CHUNK) return false;
    for (size_t i = 0; i < CHUNK; i++) {
        const places *p = &some[i].at;
        if (p->count < CHUNK || p->again[0]) return false;
        for (size_t e = 1; e < CHUNK; e++)
            if (p->forward[e] != p->forward[0] + e) return false;
        for (size_t e = 0; e < CHUNK && p->backward[0]; e++)
            if (p->backward[e] != some[0].at.backward[e] + i) return false;
    }
    return true;
}

/* The weights of frequency f of CHUNK channels that lie in rows, in fp32. */
static void pack_rows(const packed_chunk *some, const frequency *of, size_t f)
{
    float row[CHUNK];
    for (size_t i = 0; i < CHUNK; i++) {
        const double *slope = some[i].at.slope, *u = some[i].u[f];
        for (size_t e = 0; e < CHUNK; e++) row[e] = (float)(slope[e] * of->scale * u[e]);
        memcpy(some[i].at.forward[0] + of->forward, row, sizeof row);
    }
    for (size_t e = 0; e < CHUNK && some[0].at.backward[0]; e++) {
        for (size_t i = 0; i < CHUNK; i++) row[i] = (float)some[i].u[f][e];
        memcpy(some[0].at.backward[e] + of->backward, row, sizeof row);
    }
}

static void transform_chunk(const pack_call *p, size_t c, size_t k, packed_chunk *out)
{
    const convlstm__winograd *w = p->w;
    const size_t left = outputs_of(w) - k, taps = w->taps * w->taps;
    chunk g[TAPS * TAPS] = {{0}};
    out->at.count = left < CHUNK ? left : CHUNK;
    out->at.c = c;
    out->at.k = k;
    find_places(w, p->base, p->backward, &out->at);
    for (size_t e = 0; e < out->at.count; e++) {
        bool from_h;
        size_t step,
            first = convlstm__winograd_weight_at(w, c, (k + e) % 4, (k + e) / 4, &from_h, &step);
        const float *src = (from_h ? p->recurrent : p->kernel) + first;
        for (size_t t = 0; t < taps; t++) g[t][e] = src[t * step];
    }
    w->transforms->to_frequencies(rows_of_transform(w), w->taps, p->transform, g[0], out->u[0]);
}

/* Channels and outputs are taken in squares, frequency by frequency: a cache line is written whole.
 * The 36 frequencies of a place lie at powers of two in many layers, in few sets of the caches. */
void convlstm__winograd_pack(const convlstm__winograd *w, const float *kernel,
                             const float *recurrent, float *base, float *backward)
{
    const size_t all = w->channels + w->filters;
    pack_call p = {w, kernel, recurrent, base, backward, {0}, {{0}}};
    packed_chunk some[CHUNK];
    transform_of(w, p.transform);
    find_frequencies(w, p.of);
    for (size_t c = 0; c < all; c += CHUNK)
        for (size_t k = 0; k < outputs_of(w); k += CHUNK) {
            const size_t count = all - c < CHUNK ? all - c : CHUNK;
            for (size_t i = 0; i < count; i++) transform_chunk(&p, c + i, k, &some[i]);
            const bool rows = !w->kernels->bf16 && lies_in_rows(some, count);
            for (size_t f = 0; f < w->weight_sets; f++)
                if (rows)
                    pack_rows(some, &p.of[f], f);
                else
                    for (size_t i = 0; i < count; i++)
                        pack_frequency(w, &some[i].at, &p.of[f], some[i].u[f]);
        }
}

void convlstm__winograd_finish(const convlstm__winograd *w, const float *wgrad, float *dkernel,
                               float *drecurrent)
{
    const size_t outputs = outputs_of(w), taps = w->taps * w->taps,
                 plane = w->wgrad_rows * w->wgrad_columns,
                 of_channel = w->lanes_over_outputs ? w->wgrad_columns : 1,
                 of_output = w->lanes_over_outputs ? 1 : w->wgrad_columns;
    double transform[SIDE * TAPS];
    transform_of(w, transform);
    for (size_t c = 0; c < w->channels + w->filters; c++)
        for (size_t k = 0; k < outputs; k += CHUNK) {
            const size_t count = outputs - k < CHUNK ? outputs - k : CHUNK;
            const float *src = wgrad + c * of_channel + k * of_output;
            chunk du[SIDE * SIDE], dg[TAPS * TAPS];
            for (size_t f = 0; f < w->weight_sets; f++)
                for (size_t e = 0; e < CHUNK; e++)
                    du[f][e] = e < count ? src[f * plane + e * of_output] : 0.0;
            w->transforms->to_taps(rows_of_transform(w), w->taps, transform, du[0], dg[0]);
            for (size_t e = 0; e < count; e++) {
                bool to_h;
                size_t step,
                    at = convlstm__winograd_weight_at(w, c, (k + e) % 4, (k + e) / 4, &to_h, &step);
                float *dst = (to_h ? drecurrent : dkernel) + at;
                for (size_t t = 0; t < taps; t++) dst[t * step] = (float)dg[t][e];
            }
        }
}
