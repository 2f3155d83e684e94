/* direct_product.h - units of a direct convolution: products of tiles, with the gates of the unit
 * before in between (direct.h). For templates. */
#ifndef CONVLSTM_DIRECT_PRODUCT_H
#define CONVLSTM_DIRECT_PRODUCT_H

#include "direct_gates.h"

/* Jobs of gates spread evenly over the depth of a unit: each tile of it adds `jobs` to the credit,
 * and each job costs as many as there are tiles. */
typedef struct overlap {
    pending *before;
    size_t credit, depth;
} overlap;

INLINE void between_products(overlap *o)
{
    size_t jobs = 0;
    for (o->credit += o->before->jobs; o->credit >= o->depth; jobs++) o->credit -= o->depth;
    if (jobs) o->before->gates(o->before, jobs);
}

/* DO(n) for each sum there may be. */
#define EACH_SUM(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* Adds a frame's products: all columns of the kernel, `depth` tiles together; `pairs` is the first
 * row under the kernel, at the unit's first vector. Returns the weights that follow. */
INLINE const float *add_products(tiles *t, const convlstm__rows *r, size_t depth, size_t vectors,
                                 const float *pairs, const float *weights, overlap *o)
{
    const size_t per_column = convlstm__rows_tiles(r), stride = r->pitch * sizeof(float);
    const float *b = pairs;
    size_t in_column = 0;
    (void)t;
    NO_UNROLL
    for (size_t k = 0; k < depth; k++, weights += DIRECT_TILE) {
        TILE_WEIGHTS(t, weights);
#define MULTIPLY(n)                                                                                \
    if (vectors > n) {                                                                             \
        TILE_MULTIPLY(t, n, b + n * LANES, stride);                                                \
    }
        EACH_SUM(MULTIPLY)
        between_products(o);
#undef MULTIPLY
        b += LANES * r->pitch;
        if (++in_column < per_column) continue;
        in_column = 0;
        pairs += LANES; /* the next column of the kernel: pixels one to the right */
        b = pairs;
    }
    return weights;
}

/* Where the kernel's first row and column lie for row y and a vector. */
INLINE const float *under_kernel(const convlstm__rows *r, const float *frame, size_t y,
                                 size_t vector)
{
    return frame + y * r->row + vector * LANES;
}

INLINE void start_sums(tiles *t, const pending *unit)
{
    const convlstm__direct *d = unit->d;
    const convlstm__direct_starts *starts = &d->starts[unit->step->h_prev ? 1 : 0];
    const float *sums = unit->step->packed + starts->at + unit->block * DIRECT_TILE +
                        convlstm__direct_edge(d, unit->y) * starts->edge +
                        unit->first * starts->vector;
    (void)t;
#define START(n)                                                                                   \
    if (unit->vectors > n) TILE_START(t, n, sums + n * starts->vector);
    EACH_SUM(START)
#undef START
}

/* The products of `unit`, and the gates of `before`; then the products are in the scratch, and
 * `unit` is what is pending. */
INLINE void run_unit(const pending *unit, pending *before)
{
    const convlstm__direct *d = unit->d;
    const convlstm__direct_step *s = unit->step;
    const size_t depth_h = s->h_prev ? d->depth_h : 0;
    const float *weights = s->packed + unit->block * (d->depth_x + d->depth_h) * DIRECT_TILE;
    overlap o = {before, 0, d->depth_x + depth_h};
    tiles t;
    start_sums(&t, unit);
    weights = add_products(&t, &d->x, d->depth_x, unit->vectors,
                           under_kernel(&d->x, s->x, unit->y, unit->first), weights, &o);
    if (depth_h)
        add_products(&t, &d->h, depth_h, unit->vectors,
                     under_kernel(&d->h, s->h_prev, unit->y, unit->first), weights, &o);
#define FINISH(n)                                                                                  \
    if (unit->vectors > n) TILE_FINISH(&t, n, s->scratch + n * DIRECT_TILE);
    EACH_SUM(FINISH)
#undef FINISH
    *before = *unit;
    begin_jobs(before);
}

INLINE void run_pending(pending *p)
{
    if (p->jobs) p->gates(p, p->jobs);
}

/* All units of some rows: the frame's vectors in groups of nearly the same size. The rows take
 * turns within a block, so that its weights are still in the first-level cache for all rows but the
 * first. */
OUT_OF_LINE void run_rows(const convlstm__direct *d, const convlstm__direct_step *s,
                          convlstm__units rows, pending *before)
{
    const size_t vectors = d->h.vectors, groups = (vectors + DIRECT_VECTORS - 1) / DIRECT_VECTORS;
    pending unit = {.d = d, .step = s, .gates = gates_for(d)};
    for (size_t g = 0; g < groups; g++) {
        unit.first = vectors * g / groups;
        unit.vectors = vectors * (g + 1) / groups - unit.first;
        for (unit.block = 0; unit.block < d->blocks; unit.block++)
            for (unit.y = rows.first; unit.y < rows.last; unit.y++) run_unit(&unit, before);
    }
}

#endif
