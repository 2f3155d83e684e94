/* direct_frames.h - writing frames of pairs of bfloat16 (rows.h), and passes over them. For
 * templates. */
#ifndef CONVLSTM_DIRECT_FRAMES_H
#define CONVLSTM_DIRECT_FRAMES_H

#include "kernels.h"
#include "rows.h"
#include "vec.h"
#include ISA_FILE(direct_vec_)

/* ---- words ---- */

/* Vector v to where the halo repeats it, in a frame so narrow that it may do so several times. */
OUT_OF_LINE void put_halo_of_narrow(const convlstm__rows *r, size_t v, vec words, float *to)
{
    vec shifted = words;
    for (size_t n = v + r->halo; n >= r->vectors; n -= r->vectors) {
        shifted = v_up(shifted);
        v_store(to + n * LANES - (r->halo + r->vectors) * LANES, shifted);
    }
    shifted = words;
    for (size_t n = v + r->vectors; n < r->vectors + r->halo; n += r->vectors) {
        shifted = v_down(shifted);
        v_store(to + n * LANES, shifted);
    }
}

/* A vector of words to vector v of a row and pair, at `to` for vector 0, and to where the halo
 * repeats it (rows.h). Lanes outside the frame must be zero. */
INLINE void put_words(const convlstm__rows *r, size_t v, vec words, float *to)
{
    v_store(to + v * LANES, words);
    if (v - r->halo < r->inner) return; /* most are not repeated */
    if (!r->inner) {
        put_halo_of_narrow(r, v, words, to);
        return;
    }
    if (v < r->halo)
        v_store(to + (v + r->vectors) * LANES, v_down(words));
    else
        v_store(to + v * LANES - r->vectors * LANES, v_up(words));
}

/* Two channels of vector v as bfloat16, inside the frame. */
INLINE vec pair_words(const convlstm__rows *r, size_t v, vec even, vec odd)
{
    return v_keep(v_pair_bf16(even, odd), v_mask(convlstm__rows_inside(r, v)));
}

/* The affine map of such words; rounded one by one, as every affine map of frames is. */
INLINE vec map_words(const convlstm__rows *r, size_t v, vec words, const float *scale,
                     const float *shift)
{
    vec even = v_add(v_mul(v_set(scale[0]), v_even(words)), v_set(shift[0])),
        odd = v_add(v_mul(v_set(scale[1]), v_odd(words)), v_set(shift[1]));
    return pair_words(r, v, even, odd);
}

/* The scale or the shift of channels 2i and 2i+1; zeros for one that does not exist. */
INLINE void map_of_pair(const float *map, size_t channels, size_t pair, float out[2])
{
    out[0] = map[2 * pair];
    out[1] = 2 * pair + 1 < channels ? map[2 * pair + 1] : 0.0f;
}

/* ---- passes ---- */

static void direct_affine(const convlstm__rows *r, const float *in, const float *scale,
                          const float *shift, float *out, convlstm__units rows)
{
    for (size_t i = 0; i < r->pairs; i++) {
        float p[2], q[2];
        map_of_pair(scale, r->channels, i, p);
        map_of_pair(shift, r->channels, i, q);
        for (size_t y = rows.first; y < rows.last; y++) {
            size_t at = convlstm__rows_at(r, y, i);
            for (size_t v = 0; v < r->vectors; v++)
                put_words(r, v, map_words(r, v, v_load(in + at + v * LANES), p, q), out + at);
        }
    }
}

/* Lane l takes the value of lane l + by, or zero if there is none. */
INLINE vec shift_lanes(vec a, ptrdiff_t by)
{
    for (; by > 0; by--) a = v_down(a);
    for (; by < 0; by++) a = v_up(a);
    return a;
}

/* Channel e of the pixels' pairs, whose values are those of vector v of another place in the row
 * (lane l + by is that of lane l), to vector `to` of a row that begins at `row`. */
INLINE void put_half(const convlstm__rows *r, float *row, size_t e, ptrdiff_t to, vec values,
                     ptrdiff_t by)
{
    float *pair = row + e / 2 * r->pitch + ((ptrdiff_t)r->halo + to) * LANES;
    v_store_half(pair, e % 2, shift_lanes(values, by));
}

/* A channel of the pixels in vector v: to that vector and the halo or, spread, to the pixels on
 * which a kernel's columns have these as neighbours. */
INLINE void put_channel(const convlstm__rows *r, float *row, size_t c, size_t v, vec values)
{
    const ptrdiff_t vectors = (ptrdiff_t)r->vectors, reach = (ptrdiff_t)r->reach,
                    halo = (ptrdiff_t)r->halo, at = (ptrdiff_t)v;
    if (!r->spread) {
        put_half(r, row, c, at, values, 0);
        for (ptrdiff_t by = 1; at - by * vectors >= -halo; by++)
            put_half(r, row, c, at - by * vectors, values, -by);
        for (ptrdiff_t by = 1; at + by * vectors < vectors + halo; by++)
            put_half(r, row, c, at + by * vectors, values, by);
        return;
    }
    for (ptrdiff_t n = 0; n <= 2 * reach; n++) {
        ptrdiff_t to = at + reach - n, by = 0;
        for (; to < 0; to += vectors) by++;
        for (; to >= vectors; to -= vectors) by--;
        put_half(r, row, (size_t)n * r->channels + c, to, values, by);
    }
}

/* The value of pixel x and channel c is number x * channels + c of the row, and so, as lane l of
 * vector v is pixel l * vectors + v, column v * channels + c of a matrix of 16 rows: the lanes. It
 * is transposed 16 columns at a time, from `first` on, to columns[16][LANES]. */
INLINE void transpose_columns(const convlstm__rows *r, const float *nhwc, size_t first,
                              float *columns)
{
    float block[LANES * LANES] __attribute__((aligned(64)));
    const size_t width = r->vectors * r->channels, values = r->width * r->channels;
    for (size_t l = 0; l < LANES; l++) {
        size_t at = l * width + first, left = at < values ? values - at : 0;
        v_store(block + l * LANES, v_load_first(nhwc + (left ? at : 0), left));
    }
    v_transpose(block, LANES, columns, LANES);
}

static void direct_from_nhwc(const convlstm__rows *r, const float *nhwc, const float *centre,
                             float *frame, convlstm__units rows)
{
    float columns[LANES * LANES] __attribute__((aligned(64)));
    const size_t width = r->vectors * r->channels;
    for (size_t y = rows.first; y < rows.last; y++) {
        float *row = frame + (y + r->reach) * r->row;
        /* the partner of an odd last channel */
        memset(row + r->row - r->pitch, 0, r->pitch * sizeof *row);
        size_t c = 0, v = 0;
        for (size_t first = 0; first < width; first += LANES) {
            transpose_columns(r, nhwc + y * r->width * r->channels, first, columns);
            for (size_t k = 0; k < LANES && first + k < width; k++) {
                vec value = v_sub(v_load(columns + k * LANES), v_set(centre ? centre[c] : 0.0f));
                put_channel(r, row, c, v, pair_words(r, v, value, v_set(0.0f)));
                if (++c == r->channels) c = 0, v++;
            }
        }
    }
}

/* Channel c of the pixels in vector v. A spread pixel's own channels are those of the neighbour in
 * the middle. */
INLINE vec channel_of(const convlstm__rows *r, const float *row, size_t c, size_t v)
{
    const size_t e = c + (r->spread ? r->reach * r->channels : 0);
    vec words = v_load(row + e / 2 * r->pitch + (r->halo + v) * LANES);
    return e % 2 ? v_odd(words) : v_even(words);
}

/* The way back of direct_from_nhwc. */
static void direct_to_nhwc(const convlstm__rows *r, const float *frame, const float *centre,
                           float *nhwc, convlstm__units rows)
{
    float columns[LANES * LANES] __attribute__((aligned(64))) = {0},
                                 block[LANES * LANES] __attribute__((aligned(64)));
    const size_t width = r->vectors * r->channels, values = r->width * r->channels;
    for (size_t y = rows.first; y < rows.last; y++) {
        const float *row = frame + (y + r->reach) * r->row;
        size_t c = 0, v = 0;
        for (size_t first = 0; first < width; first += LANES) {
            const size_t count = width - first < LANES ? width - first : LANES;
            for (size_t k = 0; k < count; k++) {
                vec value = channel_of(r, row, c, v);
                if (centre && centre[c] != 0) /* -0 stays what it is */
                    value = v_add(value, v_set(centre[c]));
                v_store(columns + k * LANES, value);
                if (++c == r->channels) c = 0, v++;
            }
            v_transpose(columns, LANES, block, LANES);
            for (size_t l = 0; l < LANES && l * width + first < values; l++) {
                const size_t at = l * width + first, left = values - at;
                v_store_first(nhwc + y * values + at, left < count ? left : count,
                              v_load(block + l * LANES));
            }
        }
    }
}

#endif
