/* winograd_columns.h - a forward step on one vector of tiles at a time, where multiply-adds can
 * broadcast a weight from memory: then a weight need not be shared by several vectors. The products
 * of a column of frequencies with a filter's four gates stay in registers until they are
 * transformed along the column, so that a third less goes through memory, and the sums of the
 * transform run beside the next products. For weights that stay in the second-level cache.
 *
 * V is [column q][channel][row r], vectors; weights are [filter][q][channel][r][gate]. A unit of a
 * step is a filter of a vector. For templates; parameters TAPS and BF16. */
#ifndef CONVLSTM_WINOGRAD_COLUMNS_H
#define CONVLSTM_WINOGRAD_COLUMNS_H

#include "vec.h"
#include "winograd_fine.h"
#include "winograd_pairs.h"
#include "winograd_sums.h"

#if defined(GEMM_BROADCASTS) && TAPS == 3 && !FINE
#define HAS_COLUMNS 1
#else
#define HAS_COLUMNS 0
#endif

/* Whether transforms take the way of processors with spare adders (f43_add_times). Those of a step
 * in columns, and of products in bfloat16, run on no others, and always do. */
#define ADDERS(w) (HAS_COLUMNS && (w)->adders)

/* Filters first..last-1 of a vector. */
typedef convlstm__units filter_range;

/* Those of a vector that are among some units, a unit being a filter of a vector. */
INLINE filter_range filters_of(const convlstm__winograd *w, size_t vector, convlstm__units units)
{
    size_t begin = vector * w->filters, end = begin + w->filters,
           from = units.first > begin ? units.first : begin,
           to = units.last < end ? units.last : end;
    return from < to ? (filter_range){from - begin, to - begin} : (filter_range){0, 0};
}

/* Whole vectors of zeros; there are too few of them for a call of memset per row. */
INLINE void clear(float *from, const float *to)
{
    vec zero = v_set(0.0f);
    V_PIN(zero); /* or it becomes a call of memset all the same */
    NO_UNROLL
    for (; from < to; from += LANES) v_store(from, zero);
}

/* The zeros before the first tile of some filters' rows and after the last one of others'; those
 * behind a row that are before the next one, too, count as that one's. */
static void clear_around(const convlstm__winograd *w, float *frame, filter_range before,
                         filter_range after)
{
    const convlstm__tiles *t = &w->tiles;
    for (float *row = frame + before.first * t->plane; row < frame + before.last * t->plane;
         row += t->row)
        clear(row, row + t->lead);
    for (float *row = frame + after.first * t->plane; row < frame + after.last * t->plane;
         row += t->row)
        clear(row + t->lead + t->vectors * LANES, row + t->row);
    float *end = frame + w->filters * t->plane;
    if (after.last == w->filters) clear(end, end + t->lead);
}

INLINE void begin_forward(const convlstm__winograd *w, const convlstm__winograd_forward *s)
{
    if (s->moments) clear_lane_sums(lane_sums(w, s->scratch), w->filters);
}

/* The end of a step forward of some units, a unit being so many filters of a vector: clears what is
 * around the pixels of the frames that were written. */
INLINE void finish_forward(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                           convlstm__units units, size_t filters_of_unit)
{
    v_stream_end();
    if (s->moments) sum_lanes(lane_sums(w, s->scratch), w->filters, s->moments);
    filter_range filters = {units.first * filters_of_unit, units.last * filters_of_unit},
                 before = filters_of(w, 0, filters),
                 after = filters_of(w, w->tiles.vectors - 1, filters);
    clear_around(w, s->h, before, after);
    if (s->affine) clear_around(w, s->affine, before, after);
}

#if HAS_COLUMNS

/* Vectors of a filter between the two transforms: [gate][row of the tile][q]. */
#define HALF (4 * 4 * SIDE)

/* Column q of a filter's four gates: products over `depth` channels, then the transform along the
 * column, to half[(gate*4 + row)*SIDE*LANES]. */
OUT_OF_LINE void multiply_column(size_t depth, const float *weights, const float *v, float *half)
{
    vec sum[4][SIDE];
    UNROLL
    for (int g = 0; g < 4; g++) UNROLL
    for (int r = 0; r < SIDE; r++) sum[g][r] = v_set(0.0f);
    NO_UNROLL
    for (size_t k = 0; k < depth; k++, v += SIDE * LANES, weights += 4 * SIDE) UNROLL
    for (int r = 0; r < SIDE; r++) {
        vec x = v_load(v + r * LANES);
        V_PIN(x);
        UNROLL
        for (int g = 0; g < 4; g++) sum[g][r] = PRODUCT_AT(&weights[4 * r + g], x, sum[g][r]);
    }
    UNROLL
    for (int g = 0; g < 4; g++) {
        vec t[4];
        output_1d_sums(sum[g], t);
        UNROLL
        for (int r = 0; r < 4; r++) v_store(half + (g * 4 + r) * SIDE * LANES, t[r]);
    }
}

INLINE void from_columns(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                         const float *v, size_t column, size_t depth, float *half, size_t vector,
                         filter_range which)
{
    for (size_t j = which.first; j < which.last; j += WINOGRAD_COLUMN_FILTERS) {
        size_t left = which.last - j,
               filters = left < WINOGRAD_COLUMN_FILTERS ? left : WINOGRAD_COLUMN_FILTERS;
        for (size_t q = 0; q < SIDE; q++)
            for (size_t i = 0; i < filters; i++)
                multiply_column(depth, s->weights + ((j + i) * SIDE + q) * w->depth * SIDE * 4,
                                v + q * column, half + (i * HALF + q) * LANES);
        for (size_t i = 0; i < filters; i++)
            s->finish_columns(w, s, half + i * HALF * LANES, j + i, vector);
    }
}

/* Floats from a column of V to the next. */
INLINE size_t column_of(size_t channels)
{
    return convlstm__winograd_stride(channels * SIDE * LANES);
}

#if BF16
static void vector_columns(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                           size_t vector, filter_range which)
{
    const size_t used = w->channels + (s->h_prev ? w->filters : 0), depth = (used + 1) / 2,
                 column = column_of(depth);
    float *v = s->scratch, *half = v + w->v_floats;
    transform_pairs(w, s, vector, used, half, v, SIDE * LANES, LANES, column);
    from_columns(w, s, v, column, depth, half, vector, which);
}
#else
OUT_OF_LINE void transform_columns(const convlstm__winograd *w, const float *frame, size_t channels,
                                   size_t vector, float *v, size_t column)
{
    place where = place_of(w, vector);
    const float *at = frame + w->tiles.lead + vector * LANES;
    for (size_t c = 0; c < channels; c++)
        input_transform_as((manner){true, AS_FLOATS, NULL}, at + c * w->tiles.plane, &where,
                           v + c * SIDE * LANES, LANES, column);
}

static void vector_columns(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                           size_t vector, filter_range which)
{
    const size_t depth = w->channels + (s->h_prev ? w->filters : 0), column = column_of(depth);
    float *v = s->scratch;
    transform_columns(w, s->x, w->channels, vector, v, column);
    if (s->h_prev)
        transform_columns(w, s->h_prev, w->filters, vector, v + w->channels * SIDE * LANES, column);
    from_columns(w, s, v, column, depth, v + w->v_floats, vector, which);
}

/* A vector of two layers. V has the channels of a's x, of a's h_prev, which are the first of b's x,
 * then the other channels of b's x and those of b's h_prev. */
static void pair_vector_columns(const convlstm__winograd *a, const convlstm__winograd_forward *sa,
                                filter_range of_a, const convlstm__winograd *b,
                                const convlstm__winograd_forward *sb, filter_range of_b,
                                size_t vector)
{
    const size_t column = column_of(a->channels + b->channels + b->filters);
    float *v = sa->scratch, *vb = v + a->channels * SIDE * LANES,
          *half = v + convlstm__winograd_pair_v(a, b);
    transform_columns(a, sa->x, a->channels, vector, v, column);
    transform_columns(b, sb->x, b->channels, vector, vb, column);
    if (sb->h_prev)
        transform_columns(b, sb->h_prev, b->filters, vector, vb + b->channels * SIDE * LANES,
                          column);
    from_columns(a, sa, v, column, a->channels + a->filters, half, vector, of_a);
    from_columns(b, sb, vb, column, b->channels + (sb->h_prev ? b->filters : 0), half, vector,
                 of_b);
}
#endif

/* The filters of a vector, or of several if they are all of them. */
static void some_columns(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                         convlstm__units vectors, filter_range which)
{
    for (size_t v = vectors.first, end; v < vectors.last; v = end) {
        bool fine = needs_fine(w, s, v);
        end = same_fineness(w, s, v, vectors.last, fine);
        if (fine)
            forward_fine(w, s, (convlstm__units){v, end}, which);
        else
            for (size_t i = v; i < end; i++) vector_columns(w, s, i, which);
    }
}

static void forward_columns(const convlstm__winograd *w, const convlstm__winograd_forward *s,
                            convlstm__units units)
{
    const size_t F = w->filters, last = (units.last + F - 1) / F;
    begin_forward(w, s);
    for (size_t v = units.first / F, end; v < last; v = end) {
        filter_range which = filters_of(w, v, units);
        bool whole = which.last - which.first == F;
        end = whole ? units.last / F : v + 1; /* whole vectors together */
        some_columns(w, s, (convlstm__units){v, end}, which);
    }
    finish_forward(w, s, units, 1);
}

#if !BF16
static void forward_pair_columns(const convlstm__winograd *a, const convlstm__winograd_forward *sa,
                                 convlstm__units ua, const convlstm__winograd *b,
                                 const convlstm__winograd_forward *sb, convlstm__units ub)
{
    size_t first_a = ua.first / a->filters, first_b = ub.first / b->filters,
           first = first_a < first_b ? first_a : first_b;
    for (size_t v = first; v * a->filters < ua.last || v * b->filters < ub.last; v++) {
        filter_range of_a = filters_of(a, v, ua), of_b = filters_of(b, v, ub);
        const convlstm__units vector = {v, v + 1};
        if (of_a.last && of_b.last && !needs_fine(a, sa, v) && !needs_fine(b, sb, v)) {
            pair_vector_columns(a, sa, of_a, b, sb, of_b, v);
            continue;
        }
        if (of_a.last) some_columns(a, sa, vector, of_a);
        if (of_b.last) some_columns(b, sb, vector, of_b);
    }
}
#endif

#endif /* HAS_COLUMNS */

#endif
