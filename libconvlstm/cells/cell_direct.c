/* The direct backend of cell.h: description, sizes, weights and states in and out. The arithmetic
 * of a step is in the kernels (kernels/direct.h). */
#include "kernels/direct.h"

#include <string.h>

#include "cell.h"
#include "cpu.h"

typedef struct direct_cell {
    convlstm__cell cell;
    convlstm__direct direct;
    const convlstm__direct_kernels *kernels;
    double slope; /* of the gates i, f and o; 0.5 is added if they are hard sigmoids */
} direct_cell;

static const direct_cell *of_cell(const convlstm__cell *cell) { return (const direct_cell *)cell; }

/* ---- weights ---- */

enum { SIDE = ROWS_LANES };

/* Keras's tensors, of which bias may be null, and the maps. */
typedef struct weights {
    const float *kernel, *recurrent, *bias;
    convlstm__cell_maps maps;
} weights;

static size_t taps_of(const direct_cell *d) { return 2 * d->direct.h.reach + 1; }

/* The place of filter j's gate g among the last dimension of Keras's tensors. */
static size_t output_at(const direct_cell *d, size_t j, size_t g)
{
    return g * d->direct.filters + j;
}

static double slope_of(const direct_cell *d, size_t g) { return g == 2 ? 1 : d->slope; }

/* Weights of a row of the kernel, a column and a channel, for one output. */
typedef double (*weight_at)(const direct_cell *d, const weights *w, size_t row, size_t column,
                            size_t channel, size_t output);

static double kernel_at(const direct_cell *d, const weights *w, size_t row, size_t column,
                        size_t channel, size_t output)
{
    size_t tap = row * taps_of(d) + column, channels = d->direct.x.channels;
    double value = w->kernel[(tap * channels + channel) * 4 * d->direct.filters + output];
    return w->maps.x ? w->maps.x->scale[channel] * value : value;
}

static double recurrent_at(const direct_cell *d, const weights *w, size_t row, size_t column,
                           size_t channel, size_t output)
{
    size_t tap = row * taps_of(d) + column, filters = d->direct.filters;
    return w->recurrent[(tap * filters + channel) * 4 * filters + output];
}

/* Where the weight of a row, a column and a channel is: tiles are DIRECT_TILE floats apart, and
 * `tiles` is the row of the first one that belongs to the output. */
static char *place_of(const convlstm__rows *r, float *tiles, size_t row, size_t column, size_t c)
{
    const size_t e = r->spread ? column * r->channels + c : c, pair = row * r->pairs + e / 2,
                 tile = (r->spread ? 0 : column) * convlstm__rows_tiles(r) + pair / SIDE;
    return (char *)(tiles + tile * DIRECT_TILE + pair % SIDE) + e % 2 * sizeof(uint16_t);
}

/* One output's weights for a frame. What rounding takes from one weight goes to the next, taps of a
 * channel one after the other: neighbouring pixels are alike, and the errors of their products
 * cancel, where they would shift all sums of the output in one direction. */
static void pack_output(const direct_cell *d, const weights *w, const convlstm__rows *r,
                        weight_at weight, size_t j, size_t g, float *tiles)
{
    const size_t taps = taps_of(d);
    double carry = 0;
    for (size_t c = 0; c < r->channels; c++)
        for (size_t tap = 0; tap < taps * taps; tap++) {
            double value =
                slope_of(d, g) * weight(d, w, tap / taps, tap % taps, c, output_at(d, j, g));
            uint16_t half = convlstm__to_bf16((float)(value + carry));
            carry += value - convlstm__of_bf16(half);
            memcpy(place_of(r, tiles, tap / taps, tap % taps, c), &half, sizeof half);
        }
}

/* What a shift of x, or the centre of h, adds to an output: its weights times that at the taps that
 * are inside the frame, for a pixel x of a row with so many rows of the kernel above and below. */
static double shifted(const direct_cell *d, const weights *w, size_t above, size_t below, size_t x,
                      size_t output)
{
    const bool of_x = w->maps.x;
    const float *tensor = of_x ? w->kernel : w->recurrent,
                *shift = of_x ? w->maps.x->shift : w->maps.centre;
    const size_t taps = taps_of(d), reach = d->direct.x.reach, step = 4 * d->direct.filters,
                 channels = of_x ? d->direct.x.channels : d->direct.filters;
    double sum = 0;
    for (size_t row = above; row < taps - below; row++)
        for (size_t column = 0; column < taps; column++) {
            if (x + column < reach || x + column - reach >= d->direct.x.width) continue;
            const float *weight = tensor + (row * taps + column) * channels * step + output;
            for (size_t c = 0; c < channels; c++) sum += (double)shift[c] * weight[c * step];
        }
    return sum;
}

static double bias_of(const direct_cell *d, const weights *w, size_t j, size_t g)
{
    return w->bias ? w->bias[output_at(d, j, g)] : 0;
}

/* What a sum begins with; `extra` is what is added to the bias. */
static float start_of(const direct_cell *d, const weights *w, size_t j, size_t g, double extra)
{
    double start = slope_of(d, g) * (bias_of(d, w, j, g) + extra);
    return (float)(d->direct.hard && g != 2 ? start + 0.5 : start);
}

/* An output's starts for all vectors of a kind of row. */
static void pack_edge(const direct_cell *d, const weights *w, size_t edge, size_t j, size_t g,
                      size_t vector, float *to)
{
    const convlstm__rows *r = &d->direct.h;
    const size_t above = edge / (r->reach + 1), below = edge % (r->reach + 1);
    if (above + below >= taps_of(d)) return; /* no row is like that */
    for (size_t v = 0; v < r->vectors; v++)
        for (size_t lane = 0; lane < SIDE; lane++) {
            size_t x = lane * r->vectors + v;
            if (x >= r->width) continue;
            to[v * vector + lane] =
                start_of(d, w, j, g, shifted(d, w, above, below, x, output_at(d, j, g)));
        }
}

/* An output's starts of one kind, to `to` for the first of its rows. */
static void pack_starts(const direct_cell *d, const weights *w,
                        const convlstm__direct_starts *starts, size_t j, size_t g, float *to)
{
    for (size_t edge = 0; starts->edge && edge < convlstm__direct_edges(&d->direct); edge++)
        pack_edge(d, w, edge, j, g, starts->vector, to + edge * starts->edge);
    for (size_t lane = 0; !starts->edge && lane < SIDE; lane++) to[lane] = start_of(d, w, j, g, 0);
}

static void pack_weights(const direct_cell *d, const weights *w, float *packed)
{
    const convlstm__direct *direct = &d->direct;
    const size_t depth = direct->depth_x + direct->depth_h;
    memset(packed, 0, d->cell.packed_bytes);
    for (size_t j = 0; j < direct->filters; j++)
        for (size_t g = 0; g < 4; g++) {
            size_t block = j / DIRECT_BLOCK, row = j % DIRECT_BLOCK * 4 + g;
            float *tiles = packed + block * depth * DIRECT_TILE + row * SIDE;
            pack_output(d, w, &direct->x, kernel_at, j, g, tiles);
            pack_output(d, w, &direct->h, recurrent_at, j, g,
                        tiles + direct->depth_x * DIRECT_TILE);
            for (size_t k = 0; k < 2; k++)
                pack_starts(d, w, &direct->starts[k], j, g,
                            packed + direct->starts[k].at + block * DIRECT_TILE + row * SIDE);
        }
    if (w->maps.centre)
        memcpy(packed + direct->centre_at, w->maps.centre, direct->filters * sizeof *packed);
}

static void pack(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                 const float *bias, bool train, bool bounded, void *packed)
{
    (void)train, (void)bounded;
    weights w = {kernel, recurrent, bias, {0}};
    pack_weights(of_cell(cell), &w, packed);
}

static void pack_map(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                     const float *bias, const convlstm__cell_maps *maps, void *packed)
{
    weights w = {kernel, recurrent, bias, *maps};
    pack_weights(of_cell(cell), &w, packed);
}

/* ---- a step ---- */

static convlstm__direct_step step_of(const convlstm__cell_step *s)
{
    convlstm__direct_step step = {.packed = s->packed,
                                  .scratch = s->scratch,
                                  .x = s->x,
                                  .h_prev = s->h_prev,
                                  .c_prev = s->c_prev,
                                  .h = s->h,
                                  .c = s->c};
    if (s->y) {
        step.mapped = s->y;
        step.scale = s->affine->scale;
        step.shift = s->affine->shift;
    }
    return step;
}

static void forward(const convlstm__cell *cell, const convlstm__cell_step *s, convlstm__units units)
{
    const direct_cell *d = of_cell(cell);
    convlstm__direct_step step = step_of(s);
    if (units.first < units.last) d->kernels->forward(&d->direct, &step, units);
}

static size_t pair_scratch(const convlstm__cell *a, const convlstm__cell *b)
{
    const direct_cell *first = of_cell(a), *second = of_cell(b);
    const convlstm__rows *h = &first->direct.h, *x = &second->direct.x;
    bool same = a->ops == b->ops && first->kernels == second->kernels && h->height == x->height &&
                h->width == x->width && h->channels == x->channels && h->reach == x->reach &&
                !x->spread;
    return same ? a->scratch_bytes : 0;
}

static void forward_pair(const convlstm__cell *a, const convlstm__cell_step *step_a,
                         convlstm__units units_a, const convlstm__cell *b,
                         const convlstm__cell_step *step_b, convlstm__units units_b)
{
    const direct_cell *first = of_cell(a), *second = of_cell(b);
    convlstm__direct_step sa = step_of(step_a), sb = step_of(step_b);
    sb.scratch = sa.scratch;
    first->kernels->forward_pair(&first->direct, &sa, units_a, &second->direct, &sb, units_b);
}

/* ---- states ---- */

static size_t state_at(const convlstm__direct *d, size_t y, size_t x, size_t j)
{
    return convlstm__direct_c_at(d, y, j / 2, x % d->h.vectors) + j % 2 * SIDE + x / d->h.vectors;
}

static void h_to_nhwc(const convlstm__cell *cell, const void *packed, const float *h, float *nhwc)
{
    const direct_cell *d = of_cell(cell);
    d->kernels->to_nhwc(&d->direct.h, h, (const float *)packed + d->direct.centre_at, nhwc,
                        convlstm__cell_units(cell));
}

static void h_from_nhwc(const convlstm__cell *cell, const void *packed, const float *nhwc, float *h)
{
    const direct_cell *d = of_cell(cell);
    d->kernels->from_nhwc(&d->direct.h, nhwc, (const float *)packed + d->direct.centre_at, h,
                          convlstm__cell_units(cell));
    convlstm__rows_clear_around(&d->direct.h, true, true, h);
}

static void c_to_nhwc(const convlstm__cell *cell, const float *c, float *nhwc)
{
    const convlstm__direct *d = &of_cell(cell)->direct;
    for (size_t y = 0; y < d->h.height; y++)
        for (size_t x = 0; x < d->h.width; x++)
            for (size_t j = 0; j < d->filters; j++) *nhwc++ = c[state_at(d, y, x, j)];
}

static void c_from_nhwc(const convlstm__cell *cell, const float *nhwc, float *c)
{
    const convlstm__direct *d = &of_cell(cell)->direct;
    memset(c, 0, cell->c_floats * sizeof *c);
    for (size_t y = 0; y < d->h.height; y++)
        for (size_t x = 0; x < d->h.width; x++)
            for (size_t j = 0; j < d->filters; j++) c[state_at(d, y, x, j)] = *nhwc++;
}

/* ---- cells ---- */

static void release(convlstm__cell *cell)
{
    nbase_env env = cell->env;
    nbase__free(&env, cell);
}

static bool can_do(const convlstm__cell_desc *d)
{
    bool kernel = d->kernel_h == 1 || d->kernel_h == 3 || d->kernel_h == 5;
    return convlstm__cell_is_common(d) && !d->valid_padding && kernel &&
           d->height <= DIRECT_MAX_SIDE && d->width <= DIRECT_MAX_SIDE &&
           d->channels <= DIRECT_MAX_CHANNELS && d->filters <= DIRECT_MAX_CHANNELS;
}

static size_t columns_of(const convlstm__rows *r) { return r->spread ? 1 : 2 * r->reach + 1; }

/* The frame x: spread if that makes the depth smaller, and the channels are so few that they are a
 * photo's. Those of another layer come in the layout of its h. */
#define SPREAD_CHANNELS 4
static convlstm__rows frame_x(const convlstm__cell_desc *desc, size_t reach)
{
    convlstm__rows plain =
                       convlstm__rows_of(desc->height, desc->width, desc->channels, reach, false),
                   spread =
                       convlstm__rows_of(desc->height, desc->width, desc->channels, reach, true);
    bool less = convlstm__rows_tiles(&spread) < columns_of(&plain) * convlstm__rows_tiles(&plain);
    return desc->channels <= SPREAD_CHANNELS && less && !desc->mapped ? spread : plain;
}

/* Where what is in: weights, starts, centre. Those of a mapped layer depend on the pixel, those of
 * a centred one if there is an h_prev. */
static void place_packed(const convlstm__cell_desc *desc, convlstm__direct *d)
{
    const size_t blocks = d->blocks * DIRECT_TILE, depth = blocks * (d->depth_x + d->depth_h),
                 edges = convlstm__direct_edges(d) * d->h.vectors * blocks;
    const convlstm__direct_starts alike = {depth, 0, 0},
                                  by_pixel = {depth + blocks, blocks, d->h.vectors * blocks};
    const bool some_by_pixel = desc->mapped || desc->centred;
    d->starts[0] = desc->mapped ? by_pixel : alike;
    d->starts[1] = some_by_pixel ? by_pixel : alike;
    d->centre_at = depth + blocks + (some_by_pixel ? edges : 0);
    d->packed_floats = nbase__round_up(d->centre_at + d->blocks * DIRECT_BLOCK, SIDE);
}

static convlstm__direct describe(const convlstm__cell_desc *desc)
{
    const size_t reach = desc->kernel_h / 2;
    convlstm__direct d = {
        .x = frame_x(desc, reach),
        .h = convlstm__rows_of(desc->height, desc->width, desc->filters, reach, false),
        .filters = desc->filters,
        .blocks = (desc->filters + DIRECT_BLOCK - 1) / DIRECT_BLOCK,
        .rectified = desc->activation == CONVLSTM__RELU,
        .hard = desc->recurrent_activation != CONVLSTM__SIGMOID};
    d.depth_x = columns_of(&d.x) * convlstm__rows_tiles(&d.x);
    d.depth_h = columns_of(&d.h) * convlstm__rows_tiles(&d.h);
    place_packed(desc, &d);
    d.c_row = d.h.pairs * d.h.vectors * 2 * ROWS_LANES;
    return d;
}

static double slope_for(convlstm__activation recurrent)
{
    switch (recurrent) {
    case CONVLSTM__HARD_SIGMOID_K2: return 0.2;
    case CONVLSTM__HARD_SIGMOID_K3: return 1.0 / 6;
    default: return 0.5; /* sigmoid(z) is (tanh(z/2) + 1)/2 */
    }
}

static convlstm__layout layout_of(const convlstm__rows *r)
{
    return (convlstm__layout){.height = r->height,
                              .width = r->width,
                              .form = CONVLSTM__ROWS,
                              .reach = r->reach,
                              .spread = r->spread};
}

static const convlstm__cell_ops ops = {.name = "direct",
                                       .free = release,
                                       .pack = pack,
                                       .pack_map = pack_map,
                                       .h_to_nhwc = h_to_nhwc,
                                       .h_from_nhwc = h_from_nhwc,
                                       .forward = forward,
                                       .affine = true,
                                       .pair_scratch = pair_scratch,
                                       .forward_pair = forward_pair,
                                       .c_to_nhwc = c_to_nhwc,
                                       .c_from_nhwc = c_from_nhwc};

nbase_status convlstm__cell_create_direct(const nbase_env *env, const convlstm__cell_desc *desc,
                                          nbase_isa isa, convlstm__cell **out)
{
    const convlstm__direct_kernels *kernels = convlstm__kernels_for(isa).direct;
    *out = NULL;
    if (!kernels || !can_do(desc)) return NBASE_ERR_UNSUPPORTED;
    if (isa != NBASE_ISA_REF && !nbase__amx()) return NBASE_ERR_UNSUPPORTED;
    nbase_env e = nbase__env(env);
    direct_cell *cell = nbase__calloc(&e, 1, sizeof *cell);
    if (!cell) return NBASE_ERR_NOMEM;
    cell->kernels = kernels;
    cell->direct = describe(desc);
    cell->slope = slope_for(desc->recurrent_activation);
    const convlstm__direct *d = &cell->direct;
    cell->cell = (convlstm__cell){.ops = &ops,
                                  .desc = *desc,
                                  .env = e,
                                  .in = layout_of(&d->x),
                                  .out = layout_of(&d->h),
                                  .c_floats = desc->height * d->c_row,
                                  .packed_bytes = d->packed_floats * sizeof(float),
                                  .scratch_bytes = DIRECT_SCRATCH * sizeof(float),
                                  .units = desc->height};
    *out = &cell->cell;
    return NBASE_OK;
}
