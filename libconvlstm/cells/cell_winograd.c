/* The Winograd backend of cell.h: description, sizes, weights in and out. The arithmetic of a step
 * is in the kernels (kernels/winograd.h). */
#include "kernels/winograd.h"

#include <math.h>
#include <string.h>

#include "cell.h"
#include "tuning.h"
#include "winograd_weights.h"

/* The transforms lose digits in proportion to what they transform. Fine transforms, which lose
 * fewer, are taken for images that nobody has scaled, and where the products that an output sums up
 * are larger than these limits, as the root of the sum of their squares (docs/kernels.md). */
#define FINE_FROM_3X3 2.5
#define FINE_FROM_5X5 1.0
#define SQUARE_OF_H 0.25   /* the mean square that h, within -1 and 1, is taken to have */
#define SIGMOID_SLOPE 0.25 /* the largest, at zero */

typedef struct winograd_cell {
    convlstm__cell cell;
    convlstm__winograd winograd, finer;
    const convlstm__gates_kernels *gates;
    /* For steps with gates and back; null: none are wanted. */
    const convlstm__gates_training *gates_training;
    const convlstm__winograd_training *training;
    convlstm__winograd_edges edges[]; /* one per vector of tiles */
} winograd_cell;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static const convlstm__winograd *of_cell(const convlstm__cell *cell)
{
    return &((const winograd_cell *)cell)->winograd;
}

static size_t outputs_of(const convlstm__winograd *w) { return 4 * w->filters; }

/* When a step takes the fine transforms, from the weights (kernels/winograd.h). The error of an
 * output's sum grows with its products, which are taken as independent of each other: their squares
 * add up. An error counts as much as the output's activation lets through, its slope. */
static convlstm__winograd_fineness fineness_of(const winograd_cell *cell, const float *kernel,
                                               const float *recurrent)
{
    const convlstm__winograd *w = &cell->winograd;
    const double allowed = w->taps == 3 ? FINE_FROM_3X3 : FINE_FROM_5X5;
    double largest[2] = {0}; /* over the outputs, the sum of squares: for x, for h */
    for (size_t k = 0; k < outputs_of(w); k++) {
        double slope = k % 4 == 2 ? 1 : w->hard ? w->slope : SIGMOID_SLOPE, sum[2] = {0};
        for (size_t c = 0; c < w->channels + w->filters; c++) {
            bool from_h;
            size_t step, at = convlstm__winograd_weight_at(w, c, k % 4, k / 4, &from_h, &step);
            const float *src = (from_h ? recurrent : kernel) + at;
            for (size_t t = 0; t < w->taps * w->taps; t++)
                sum[from_h] += slope * src[t * step] * slope * src[t * step];
        }
        for (int i = 0; i < 2; i++) largest[i] = fmax(largest[i], sum[i] / (allowed * allowed));
    }
    bool bounded = !w->rectified; /* by tanh */
    return (convlstm__winograd_fineness){.always = bounded ? (float)(largest[1] * SQUARE_OF_H) : 0,
                                         .of_x = cell->cell.desc.folded ? 0 : (float)largest[0],
                                         .of_h = bounded ? 0 : (float)largest[1]};
}

/* Whether no vector of tiles can need the fine transforms where x is within -1..1: needs_fine of
 * the kernels (winograd_fine.h), with room for the rounding of its sums. */
static bool never_fine(const convlstm__winograd_fineness *f)
{
    return f->of_h == 0 && f->always + f->of_x < 0.99f;
}

/* Whether the blocks of rows are filled up with zeros, or pairs with one. */
static bool has_holes(const convlstm__winograd *w)
{
    const size_t rows = w->kernels->rows;
    return w->kernels->bf16 || outputs_of(w) % rows || (w->channels + w->filters) % rows;
}

static void pack(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                 const float *bias, bool train, bool bounded, void *packed)
{
    const convlstm__winograd *w = of_cell(cell);
    const size_t outputs = outputs_of(w);
    float *base = packed;
    if (has_holes(w)) memset(packed, 0, cell->packed_bytes);
    convlstm__winograd_pack(w, kernel, recurrent, base, train ? base + w->backward_at : NULL);
    if (w->finer) {
        convlstm__winograd_fineness fineness =
            fineness_of((const winograd_cell *)cell, kernel, recurrent);
        memcpy(base + w->fineness_at, &fineness, sizeof fineness);
        if (!bounded || !never_fine(&fineness))
            convlstm__winograd_pack(w->finer, kernel, recurrent, base + w->fine_at, NULL);
    }
    for (size_t k = 0; k < outputs; k++) {
        double b = bias ? bias[k % 4 * w->filters + k / 4] : 0;
        base[w->bias_at + k] = (float)(w->hard && k % 4 != 2 ? w->slope * b + 0.5 : b);
    }
}

static convlstm__winograd_forward step_of(const convlstm__cell *cell, const convlstm__cell_step *s)
{
    const winograd_cell *c = (const winograd_cell *)cell;
    const convlstm__winograd *w = &c->winograd;
    const float *weights = s->packed;
    convlstm__winograd_forward step = {.weights = weights,
                                       .bias = weights + w->bias_at,
                                       .scratch = s->scratch,
                                       .x = s->x,
                                       .h_prev = s->h_prev,
                                       .c_prev = s->c_prev,
                                       .h = s->h,
                                       .c = s->c,
                                       .gates = s->gates,
                                       .odd = s->odd};
    const convlstm__gates_kernels *gates = s->gates ? c->gates_training : c->gates;
    step.finish = gates->finish;
    step.finish_columns = gates->finish_columns;
    if (w->finer) {
        step.fine = s->unscaled;
        step.fineness = (const convlstm__winograd_fineness *)(weights + w->fineness_at);
        step.fine_weights = weights + w->fine_at;
    }
    step.moments = s->moments;
    if (s->y) {
        step.scale = s->affine->scale;
        step.shift = s->affine->shift;
        step.affine = s->y;
    }
    return step;
}

static void forward(const convlstm__cell *cell, const convlstm__cell_step *s, convlstm__units units)
{
    const convlstm__winograd *w = of_cell(cell);
    convlstm__winograd_forward step = step_of(cell, s);
    if (units.first == units.last) return;
    (w->columns ? w->kernels->forward_columns : w->kernels->forward)(w, &step, units);
}

static size_t pair_scratch(const convlstm__cell *a, const convlstm__cell *b)
{
    const convlstm__winograd *first = of_cell(a), *second = of_cell(b);
    bool same = a->ops == b->ops && first->kernels == second->kernels &&
                first->columns == second->columns && !first->out.inset && !second->out.inset &&
                a->desc.height == b->desc.height && a->desc.width == b->desc.width;
    if (!same || !first->kernels->forward_pair || second->channels < first->filters) return 0;
    size_t pair =
        (convlstm__winograd_pair_v(first, second) + larger(first->m_floats, second->m_floats)) *
        sizeof(float);
    return larger(pair, larger(a->scratch_bytes, b->scratch_bytes));
}

static void forward_pair(const convlstm__cell *a, const convlstm__cell_step *step_a,
                         convlstm__units units_a, const convlstm__cell *b,
                         const convlstm__cell_step *step_b, convlstm__units units_b)
{
    const convlstm__winograd *first = of_cell(a), *second = of_cell(b);
    convlstm__winograd_forward sa = step_of(a, step_a), sb = step_of(b, step_b);
    sb.scratch = sa.scratch;
    const convlstm__winograd_kernels *k = first->kernels;
    (first->columns ? k->forward_pair_columns : k->forward_pair)(first, &sa, units_a, second, &sb,
                                                                 units_b);
}

static void backward(const convlstm__cell *cell, const convlstm__cell_step_back *s)
{
    const convlstm__winograd *w = of_cell(cell);
    const float *packed = s->packed;
    /* without h its weights have no gradient; products of bfloat16 leave out what fills vectors */
    const bool written = s->first && s->h_prev && !w->kernels->bf16;
    const size_t kept = written ? w->weight_sets * w->wgrad_rows * w->wgrad_columns : 0;
    if (s->first) memset(s->wgrad + kept, 0, (cell->wgrad_floats - kept) * sizeof *s->wgrad);
    convlstm__winograd_backward step = {.weights = packed + w->backward_at,
                                        .weights_forward = packed + w->again_at,
                                        .bias = packed + w->bias_at,
                                        .scratch = s->scratch,
                                        .x = s->x,
                                        .h_prev = s->h_prev,
                                        .c_prev = s->c_prev,
                                        .c = s->c,
                                        .gates = s->gates,
                                        .gates_prev = s->gates_prev,
                                        .gates_before = s->gates_before,
                                        .odd = s->odd,
                                        .dh = s->dh,
                                        .dh_next = s->dh_next,
                                        .dc = s->dc,
                                        .dx = s->dx,
                                        .dh_prev = s->dh_prev,
                                        .wgrad = s->wgrad,
                                        .first = written,
                                        .dx_sums = s->dx_sums,
                                        .dx_with = s->dx_with};
    ((const winograd_cell *)cell)->training->backward(w, &step);
}

static void h_again(const convlstm__cell *cell, const void *gates, float *h)
{
    const convlstm__winograd *w = of_cell(cell);
    ((const winograd_cell *)cell)->training->output_again(w, gates, h);
}

static void wgrad_finish(const convlstm__cell *cell, const float *wgrad, float *dkernel,
                         float *drecurrent, float *dbias)
{
    const convlstm__winograd *w = of_cell(cell);
    const size_t outputs = outputs_of(w), lanes = w->kernels->lanes;
    convlstm__winograd_finish(w, wgrad, dkernel, drecurrent);
    if (!dbias) return;
    const float *src = wgrad + w->weight_sets * w->wgrad_rows * w->wgrad_columns;
    for (size_t k = 0; k < outputs; k++) {
        double sum = 0;
        for (size_t l = 0; l < lanes; l++) sum += src[k * lanes + l];
        dbias[k % 4 * w->filters + k / 4] = (float)sum;
    }
}

/* Float of pixel (y,x) of filter j in c: [vector][filter][pixel][lane]. */
static size_t state_at(const convlstm__winograd *w, size_t y, size_t x, size_t j)
{
    y += w->out.inset, x += w->out.inset;
    size_t lanes = w->kernels->lanes, tile = y / 4 * w->tiles.across + x / 4;
    return ((tile / lanes * w->filters + j) * 16 + y % 4 * 4 + x % 4) * lanes + tile % lanes;
}

static void c_to_nhwc(const convlstm__cell *cell, const float *c, float *nhwc)
{
    const convlstm__winograd *w = of_cell(cell);
    for (size_t y = 0; y < w->out.height; y++)
        for (size_t x = 0; x < w->out.width; x++)
            for (size_t j = 0; j < w->filters; j++) *nhwc++ = c[state_at(w, y, x, j)];
}

static void c_from_nhwc(const convlstm__cell *cell, const float *nhwc, float *c)
{
    const convlstm__winograd *w = of_cell(cell);
    memset(c, 0, cell->c_floats * sizeof *c);
    for (size_t y = 0; y < w->out.height; y++)
        for (size_t x = 0; x < w->out.width; x++)
            for (size_t j = 0; j < w->filters; j++) c[state_at(w, y, x, j)] = *nhwc++;
}

static void release(convlstm__cell *cell)
{
    nbase_env env = cell->env;
    nbase__free(&env, cell);
}

static size_t inset_of(const convlstm__cell_desc *d)
{
    return d->valid_padding ? (d->kernel_h - 1) / 2 : 0;
}

/* Whether anything is left of a frame with 'valid' padding, so that it is inset. */
static bool has_pixels(const convlstm__cell_desc *d)
{
    return d->kernel_h % 2 && d->height >= d->kernel_h && d->width >= d->kernel_w;
}

static bool can_do(const convlstm__cell_desc *d)
{
    return convlstm__cell_is_common(d) && (!d->valid_padding || has_pixels(d)) &&
           d->height <= WINOGRAD_MAX_SIDE && d->width <= WINOGRAD_MAX_SIDE &&
           d->channels <= WINOGRAD_MAX_CHANNELS && d->filters <= WINOGRAD_MAX_CHANNELS;
}

/* Whether a pixel of the tiles is one of the frame. */
static bool is_inside(const convlstm__tiles *t, size_t y, size_t x)
{
    return y >= t->inset && y < t->inset + t->height && x >= t->inset && x < t->inset + t->width;
}

/* t: of h. edges: cleared. */
static void find_edges(const convlstm__tiles *t, size_t lanes, convlstm__winograd_edges *edges)
{
    for (size_t i = 0; i < t->count; i++) {
        convlstm__winograd_edges *e = &edges[i / lanes];
        uint16_t bit = (uint16_t)(1u << i % lanes);
        size_t y = i / t->across * 4, x = i % t->across * 4;
        if (x) e->left |= bit;
        if (x + 4 < 4 * t->across) e->right |= bit;
        for (size_t p = 0; p < 16; p++)
            if (is_inside(t, y + p / 4, x + p % 4)) e->pixel[p] |= bit;
    }
}

/* Whether a multiply-add takes as long as two loads, and sums can run beside it. With vectors of
 * 512 bits that is so on few processors. */
static bool has_adders(const convlstm__winograd_kernels *k)
{
    return k->forward_columns && (k->lanes < 16 || nbase__tuning_active()->columns);
}

/* A step in columns reads the weights once for each vector of tiles: they must come from the
 * second-level cache, of which this is about half. It needs two loads for a multiply-add. */
#define COLUMNS_BYTES ((size_t)1 << 19)
static bool in_columns(const convlstm__winograd *w)
{
    return w->adders && w->bias_at * sizeof(float) <= COLUMNS_BYTES;
}

/* How weights and their gradients are packed. */
static void find_weight_sizes(winograd_cell *cell)
{
    convlstm__winograd *w = &cell->winograd;
    const convlstm__winograd_kernels *k = w->kernels;
    const size_t all = w->channels + w->filters, outputs = outputs_of(w);
    const size_t wide_outputs = nbase__round_up(outputs, k->lanes),
                 wide_all = nbase__round_up(all, k->lanes);
    w->lanes_over_outputs = k->bf16 || all * wide_outputs <= outputs * wide_all;
    w->wgrad_rows = w->lanes_over_outputs ? all : outputs;
    w->wgrad_columns = w->lanes_over_outputs ? wide_outputs : wide_all;

    w->depth = k->bf16 ? (all + 1) / 2 : all;
    w->backward_depth = k->bf16 ? outputs / 2 : outputs;
    size_t blocks = nbase__round_up(outputs, k->rows),
           backward_blocks = nbase__round_up(all, k->rows);
    w->bias_at = w->weight_sets * blocks * w->depth;
    w->adders = has_adders(k);
    w->columns = in_columns(w);
    w->backward_at = nbase__round_up(w->bias_at + blocks, 16);
    w->fineness_at =
        nbase__round_up(w->backward_at + w->weight_sets * backward_blocks * w->backward_depth, 16);
    w->fine_at =
        nbase__round_up(w->fineness_at + sizeof(convlstm__winograd_fineness) / sizeof(float), 16);
    size_t fine_floats = w->finer ? w->finer->weight_sets * blocks * w->depth : 0;
    cell->cell.packed_bytes =
        (w->finer ? nbase__round_up(w->fine_at + fine_floats, 16) : w->fineness_at) * sizeof(float);
    if (w->again && w->columns) {
        w->again_at = cell->cell.packed_bytes / sizeof(float);
        cell->cell.packed_bytes += nbase__round_up(w->bias_at, 16) * sizeof(float);
    }
    cell->cell.wgrad_floats =
        nbase__round_up(w->weight_sets * w->wgrad_rows * w->wgrad_columns + outputs * k->lanes, 16);
}

/* Floats of V in the second-level cache, beside M and some of the weights. */
#define FINE_BLOCK ((size_t)1 << 17)

/* The blocks of a step with fine transforms; returns the floats of its scratch. */
static size_t find_fine_sizes(convlstm__winograd *w)
{
    const convlstm__winograd_kernels *k = w->kernels;
    const size_t outputs = outputs_of(w), group = outputs < k->group ? outputs : k->group;
    w->forward_block = k->forward_vectors;
    if (w->frequencies * w->depth * w->forward_block * k->lanes > FINE_BLOCK) w->forward_block = 1;
    w->v_floats = convlstm__winograd_v_floats(w, w->depth);
    w->m_floats = group * convlstm__winograd_stride(w->frequencies * k->most_vectors * k->lanes);
    return w->v_floats + w->m_floats;
}

/* Vectors of tiles that a step back takes at once. Where its weights and their gradient are larger
 * than second-level caches, every block reads all of them from behind it, and writes the gradient:
 * the fewer blocks the better then, though what belongs to a block is no more in that cache
 * either. */
static size_t backward_block_of(const convlstm__winograd *w)
{
    enum { CACHE_FLOATS = 3 << 18, TILES = 64 };
    const size_t floats = 2 * w->frequencies * (w->channels + w->filters) * outputs_of(w),
                 most = w->kernels->backward_vectors;
    if (floats <= CACHE_FLOATS || w->again || TILES / w->kernels->lanes < most) return most;
    return TILES / w->kernels->lanes;
}

/* The blocks of a step, its scratch, and what is kept per step. */
static void find_step_sizes(winograd_cell *cell)
{
    convlstm__winograd *w = &cell->winograd;
    const convlstm__winograd_kernels *k = w->kernels;
    const size_t all = w->channels + w->filters, outputs = outputs_of(w), lanes = k->lanes,
                 F = w->frequencies;
    const size_t wide_outputs = nbase__round_up(outputs, lanes),
                 wide_all = nbase__round_up(all, lanes);
    w->forward_block = w->columns ? 1 : k->forward_vectors;
    w->backward_block = backward_block_of(w);
    size_t backward_block = w->backward_block * lanes;
    size_t group = outputs < k->group ? outputs : k->group;
    w->v_floats = larger(convlstm__winograd_v_floats(w, all),
                         F * convlstm__winograd_stride(wide_all * backward_block));
    w->m_floats = w->columns ? WINOGRAD_COLUMN_FILTERS * 16 * w->side * lanes
                             : group * convlstm__winograd_stride(F * k->most_vectors * lanes);
    w->d_floats = F * convlstm__winograd_stride(wide_outputs * backward_block);
    w->e_floats = all * convlstm__winograd_stride(F * backward_block);
    size_t transposed = backward_block * larger(convlstm__winograd_turned_row(wide_outputs),
                                                convlstm__winograd_turned_row(wide_all));
    size_t again = w->again ? k->group * convlstm__winograd_stride(F * backward_block) : 0;
    w->again_m_at = w->v_floats + w->d_floats + w->e_floats + transposed;
    size_t floats = larger(w->v_floats + w->m_floats, w->again_m_at + again);
    if (w->finer) floats = larger(floats, find_fine_sizes(&cell->finer));
    w->sums_at = cell->finer.sums_at = nbase__round_up(floats, 16);
    cell->cell.scratch_bytes =
        w->sums_at * sizeof(float) + 2 * lanes * larger(w->channels, w->filters) * sizeof(double);

    cell->cell.units = w->tiles.vectors * (w->columns ? w->filters : 1);
    cell->cell.c_floats = w->tiles.vectors * w->filters * 16 * lanes;
    const size_t values = cell->cell.c_floats;
    cell->cell.keeps_c = w->fixed_gates || w->again;
    cell->cell.keeps_h = w->fixed_gates && !w->again && !w->odd_states;
    const size_t c = values * sizeof(uint16_t) + values / (16 * lanes) * 2 * sizeof(float),
                 gate = w->again         ? 0
                        : w->fixed_gates ? sizeof(uint16_t)
                                         : sizeof(float);
    for (size_t odd = 0; odd < 2; odd++) {
        bool with_c = cell->cell.keeps_c && (odd || !w->odd_states);
        cell->cell.gates_bytes[odd] =
            nbase__round_up(4 * values * gate + (with_c ? c : 0), NBASE_ALIGN);
    }
}

static const convlstm__winograd_kernels *kernels_of(const convlstm__kernels *all,
                                                    const convlstm__cell_desc *desc)
{
    switch (desc->kernel_h) {
    case 1: return all->winograd1;
    case 3: return desc->bf16 && all->winograd_bf16 ? all->winograd_bf16 : all->winograd;
    case 5: return all->winograd5;
    default: return NULL;
    }
}

static const convlstm__winograd_kernels *fine_kernels_of(const convlstm__kernels *all,
                                                         const convlstm__winograd *w)
{
    if (w->kernels->bf16) return NULL;
    return w->taps == 3 ? all->winograd_fine : w->taps == 5 ? all->winograd5_fine : NULL;
}

static const convlstm__winograd_training *training_of(const convlstm__training_kernels *all,
                                                      const convlstm__winograd *w)
{
    if (w->kernels->bf16) return all->winograd_bf16;
    return w->taps == 1 ? all->winograd1 : w->taps == 3 ? all->winograd : all->winograd5;
}

/* What the cell calls beyond the kernels of a step forward. */
static void find_functions(winograd_cell *cell, const convlstm__kernels *all, nbase_isa isa)
{
    const convlstm__cell_training *train = cell->cell.desc.train;
    cell->gates = all->gates;
    if (!train) return;
    const convlstm__training_kernels training = train->kernels_for(isa);
    cell->gates_training = training.gates;
    cell->training = training_of(&training, &cell->winograd);
    cell->cell.back = train->winograd;
}

/* relu has no gates in fixed point, as its g has no upper limit; and the sign of its c counts. */
static bool computes_again(const convlstm__cell_desc *d, const convlstm__winograd_kernels *k)
{
    return d->gates_again && !k->bf16 && d->activation != CONVLSTM__RELU;
}

static bool has_fixed_gates(const convlstm__cell_desc *d)
{
    return d->compact_gates && d->activation != CONVLSTM__RELU;
}

static convlstm__winograd describe(const convlstm__cell_desc *desc,
                                   const convlstm__winograd_kernels *kernels,
                                   const convlstm__weights_kernels *transforms, bool fine)
{
    const size_t taps = desc->kernel_h, side = WINOGRAD_SIDE(taps, fine), inset = inset_of(desc);
    const bool rectified = desc->activation == CONVLSTM__RELU;
    return (convlstm__winograd){
        .kernels = kernels,
        .transforms = transforms,
        .tiles = convlstm__tiles_of(desc->height, desc->width, 0, kernels->lanes),
        .out = convlstm__tiles_of(desc->height - 2 * inset, desc->width - 2 * inset, inset,
                                  kernels->lanes),
        .channels = desc->channels,
        .filters = desc->filters,
        .taps = taps,
        .fine = fine,
        .depth = desc->channels + desc->filters,
        .side = side,
        .frequencies = side * side,
        .weight_sets = taps == 1 ? 1 : side * side,
        .rectified = rectified,
        .again = computes_again(desc, kernels),
        .fixed_gates = has_fixed_gates(desc),
        .odd_states = desc->odd_states && has_fixed_gates(desc) && !computes_again(desc, kernels),
        .hard = desc->recurrent_activation != CONVLSTM__SIGMOID,
        .slope = desc->recurrent_activation == CONVLSTM__HARD_SIGMOID_K2 ? 0.2 : 1.0 / 6};
}

const convlstm__cell_back_ops convlstm__cell_winograd_back = {
    .backward = backward, .h_again = h_again, .wgrad_finish = wgrad_finish};

static const convlstm__cell_ops ops = {.name = "winograd",
                                       .free = release,
                                       .pack = pack,
                                       .forward = forward,
                                       .affine = true,
                                       .sums = true,
                                       .pair_scratch = pair_scratch,
                                       .forward_pair = forward_pair,
                                       .c_to_nhwc = c_to_nhwc,
                                       .c_from_nhwc = c_from_nhwc};

nbase_status convlstm__cell_create_winograd(const nbase_env *env, const convlstm__cell_desc *desc,
                                            nbase_isa isa, convlstm__cell **out)
{
    const convlstm__kernels all = convlstm__kernels_for(isa);
    const convlstm__winograd_kernels *kernels = kernels_of(&all, desc);
    *out = NULL;
    if (!kernels || !can_do(desc)) return NBASE_ERR_UNSUPPORTED;

    convlstm__winograd winograd = describe(desc, kernels, all.weights, false);
    convlstm__layout layout = {.height = desc->height,
                               .width = desc->width,
                               .form = CONVLSTM__TILES,
                               .lanes = kernels->lanes},
                     inset = layout;
    inset.inset = inset_of(desc);
    inset.height -= 2 * inset.inset, inset.width -= 2 * inset.inset;
    nbase_env e = nbase__env(env);
    winograd_cell *cell =
        nbase__calloc(&e, 1, sizeof *cell + winograd.tiles.vectors * sizeof *cell->edges);
    if (!cell) return NBASE_ERR_NOMEM;
    cell->cell = (convlstm__cell){.ops = &ops, .desc = *desc, .env = e, .in = layout, .out = inset};
    cell->winograd = winograd;
    cell->winograd.edges = cell->edges;
    find_edges(&winograd.out, kernels->lanes, cell->edges);
    const convlstm__winograd_kernels *fine = fine_kernels_of(&all, &winograd);
    if (fine) {
        cell->finer = describe(desc, fine, all.weights, true);
        cell->finer.edges = cell->edges;
        cell->winograd.finer = &cell->finer;
    }
    find_functions(cell, &all, isa);
    find_weight_sizes(cell);
    find_step_sizes(cell);
    *out = &cell->cell;
    return NBASE_OK;
}
