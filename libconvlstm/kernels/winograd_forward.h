/* winograd_forward.h - a step forward in blocks of vectors of tiles, from x and h to c' and h'. A
 * unit of a step is a vector. For templates; parameters TAPS and BF16. */
#ifndef CONVLSTM_WINOGRAD_FORWARD_H
#define CONVLSTM_WINOGRAD_FORWARD_H

#include "vec.h"
#include "winograd_columns.h"
#include "winograd_few.h"
#include "winograd_product.h"

_Static_assert(GROUP % GEMM_ROWS == 0 && GROUP % 4 == 0,
               "a group is whole row blocks and whole filters");

/* Floats from a frequency to the next in M, whatever the block: with a constant the transform's 36
 * loads need no address of their own. */
#define M_STRIDE (GEMM_VECTORS * LANES)

/* From the products m of a filter's four gates, m_row floats apart, to its state and output. */
OUT_OF_LINE void finish_filter(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                               const float *m, size_t m_row, size_t filter, size_t vector)
{
    vec z[4][16];
    NO_UNROLL
    for (int g = 0; g < 4; g++)
        output_transform(m + g * m_row, M_STRIDE, s->bias[4 * filter + g], z[g]);
    s->finish(w, s, (const float *)z, filter, vector);
}

/* Transforms `channels` planes of a frame for a block of nv vectors into
 * v[f*stride + channel*nv*unit], where a unit is LANES floats, or half of that if they are to be
 * short. One copy for all blocks: a transform is a lot of code. */
INLINE void transform_planes(const manner how, const convlstm__winograd *w, const float *frame,
                             size_t channels, size_t vector0, size_t nv, float *v, size_t stride)
{
    const size_t unit = how.store == AS_SHORT ? LANES / 2 : LANES;
    for (size_t n = 0; n < nv; n++) {
        place where = place_of(w, vector0 + n);
        const float *at = frame + w->tiles.lead + (vector0 + n) * LANES;
        for (size_t c = 0; c < channels; c++)
            input_transform_as(how, at + c * w->tiles.plane, &where, v + (c * nv + n) * unit,
                               SIDE * stride, stride);
    }
}

#if !BF16
OUT_OF_LINE void transform_frame(const convlstm__winograd *w, const float *frame, size_t channels,
                                 size_t vector0, size_t nv, float *v, size_t stride)
{
    transform_planes((manner){false, AS_FLOATS, NULL}, w, frame, channels, vector0, nv, v, stride);
}
#endif

/* Products for `rows` outputs of a group, to M. V has v_stride floats from frequency to frequency,
 * the packed weights, from the group's first one on, w_stride. */
INLINE void multiply_group(const convlstm__winograd *w, size_t rows, size_t depth,
                           const float *weights, size_t w_stride, const float *v, size_t v_stride,
                           float *m, size_t m_row, size_t vector0, size_t nv)
{
    const size_t few = few_tiles(w, vector0 + nv - 1), whole = nv - (few > 0);
    for (size_t f = 0; whole && f < FREQUENCIES; f++)
        multiply_gates(rows, whole, depth, w->depth, weights + WEIGHTS_OF(f) * w_stride,
                       v + f * v_stride, nv * LANES, m + f * M_STRIDE, m_row);
    const few_factors factors = {.weights = weights,
                                 .weights_set = WEIGHTS_OF(1) * w_stride,
                                 .weights_block = w->depth * GEMM_ROWS,
                                 .b = v + whole * LANES,
                                 .b_set = v_stride,
                                 .row = nv * LANES};
    if (few) few_gates(rows, few, depth, &factors, m + whole * LANES, M_STRIDE, m_row);
}

/* Products and gates of some filters of a block from V, whose first `depth` rows of a frequency are
 * used; m: scratch. Products begin with a whole block of rows. */
OUT_OF_LINE void from_transformed(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                                  const float *v, size_t v_stride, size_t depth, float *m,
                                  size_t vector0, size_t nv, filter_range which)
{
    const size_t last = 4 * which.last, row_blocks = (4 * w->filters + GEMM_ROWS - 1) / GEMM_ROWS,
                 m_row = convlstm__winograd_stride(FREQUENCIES * M_STRIDE);
    for (size_t k = 4 * which.first / GEMM_ROWS * GEMM_ROWS; k < last; k += GROUP) {
        size_t rows = last - k < GROUP ? last - k : GROUP;
        multiply_group(w, rows, depth, s->weights + k * w->depth, row_blocks * w->depth * GEMM_ROWS,
                       v, v_stride, m, m_row, vector0, nv);
        for (size_t j = k / 4 < which.first ? which.first - k / 4 : 0; j < rows / 4; j++)
            for (size_t n = 0; n < nv; n++)
                finish_filter(w, s, m + 4 * j * m_row + n * LANES, m_row, k / 4 + j, vector0 + n);
    }
}

INLINE filter_range all_filters(const convlstm__winograd *w)
{
    return (filter_range){0, w->filters};
}

static void forward_block(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                          size_t vector0, size_t nv, filter_range which)
{
    const size_t block = nv * LANES, used = w->channels + (s->h_prev ? w->filters : 0);
    float *v = s->scratch, *m = v + w->v_floats;
#if BF16
    const size_t depth = (used + 1) / 2, v_stride = convlstm__winograd_stride(depth * block);
    for (size_t n = 0; n < nv; n++)
        transform_pairs(w, s, vector0 + n, used, m, v + n * LANES, nv * LANES, SIDE * v_stride,
                        v_stride);
#elif FINE
    /* the channels of h first: their sums are small, and lose less before x is added to them */
    const size_t depth = used, v_stride = convlstm__winograd_stride(depth * block),
                 of_h = used - w->channels;
    convlstm__winograd_forward fine = *s;
    if (s->h_prev)
        transform_frame(w, s->h_prev, w->filters, vector0, nv, v, v_stride);
    else
        fine.weights += w->filters * GEMM_ROWS;
    transform_frame(w, s->x, w->channels, vector0, nv, v + of_h * block, v_stride);
    s = &fine;
#else
    const size_t depth = used, v_stride = convlstm__winograd_stride(depth * block);
    transform_frame(w, s->x, w->channels, vector0, nv, v, v_stride);
    if (s->h_prev)
        transform_frame(w, s->h_prev, w->filters, vector0, nv, v + w->channels * block, v_stride);
#endif
    from_transformed(w, s, v, v_stride, depth, m, vector0, nv, which);
}

#if !BF16 && !FINE
/* A block of two layers. V has the channels of a's x, of a's h_prev, which are the first of b's x,
 * then the other channels of b's x and those of b's h_prev. */
static void pair_block(const convlstm__winograd *a, const convlstm__winograd_forward *sa,
                       const convlstm__winograd *b, const convlstm__winograd_forward *sb,
                       size_t vector0, size_t nv)
{
    const size_t block = nv * LANES,
                 v_stride =
                     convlstm__winograd_stride((a->channels + b->channels + b->filters) * block);
    float *v = sa->scratch, *of_b = v + a->channels * block,
          *m = v + convlstm__winograd_pair_v(a, b);
    transform_frame(a, sa->x, a->channels, vector0, nv, v, v_stride);
    transform_frame(b, sb->x, b->channels, vector0, nv, of_b, v_stride);
    if (sb->h_prev)
        transform_frame(b, sb->h_prev, b->filters, vector0, nv, of_b + b->channels * block,
                        v_stride);
    from_transformed(a, sa, v, v_stride, a->channels + a->filters, m, vector0, nv, all_filters(a));
    from_transformed(b, sb, of_b, v_stride, b->channels + (sb->h_prev ? b->filters : 0), m, vector0,
                     nv, all_filters(b));
}
#endif

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* How many vectors the next block takes of `left`: `most`, but 2 and 2 rather than 3 and 1. */
INLINE size_t next_block(size_t left, size_t most)
{
    if (left <= most) return left;
    return most == 3 && left == 4 ? 2 : most;
}

/* With the transforms of this template. */
static void forward_some(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                         convlstm__units vectors, filter_range which)
{
    for (size_t v = vectors.first, n; v < vectors.last; v += n) {
        n = next_block(vectors.last - v, w->forward_block);
        forward_block(w, s, v, n, which);
    }
}

#if !FINE
static void forward_blocks(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                           size_t vector0, size_t vector1)
{
    for (size_t v = vector0, end; v < vector1; v = end) {
        bool fine = needs_fine(w, s, v);
        end = same_fineness(w, s, v, vector1, fine);
        if (fine)
            forward_fine(w, s, (convlstm__units){v, end}, all_filters(w));
        else
            forward_some(w, s, (convlstm__units){v, end}, all_filters(w));
    }
}

static void forward(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                    convlstm__units units)
{
    begin_forward(w, s);
    forward_blocks(w, s, units.first, units.last);
    finish_forward(w, s, units, w->filters);
}
#endif

#if !BF16 && !FINE
/* The vectors of both layers together, those of one alone by themselves. */
static void forward_pair(const convlstm__winograd *a, const convlstm__winograd_forward *sa,
                         convlstm__units ua, const convlstm__winograd *b,
                         const convlstm__winograd_forward *sb, convlstm__units ub)
{
    size_t first = ua.first > ub.first ? ua.first : ub.first, last = smaller(ua.last, ub.last);
    if (first > last) last = first;
    forward_blocks(a, sa, ua.first, smaller(first, ua.last));
    forward_blocks(b, sb, ub.first, smaller(first, ub.last));
    for (size_t v = first; v < last; v++) {
        size_t end = v;
        while (end < last && !needs_fine(a, sa, end) && !needs_fine(b, sb, end)) end++;
        for (size_t n; v < end; v += n) {
            n = next_block(end - v, a->forward_block);
            pair_block(a, sa, b, sb, v, n);
        }
        if (v == last) break;
        forward_blocks(a, sa, v, v + 1);
        forward_blocks(b, sb, v, v + 1);
    }
    forward_blocks(a, sa, last > ua.first ? last : ua.first, ua.last);
    forward_blocks(b, sb, last > ub.first ? last : ub.first, ub.last);
}
#endif

#endif
