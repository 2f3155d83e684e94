/* resize_body.h - the inner loops of levels and crops (resize_kernels.h). For templates, and for
 * the plain networks (nets_ref.c).
 *
 * Products and sums are rounded one by one and in the order of plain C, so every instruction set
 * gives the same bits. */
#ifndef MTCNN_RESIZE_BODY_H
#define MTCNN_RESIZE_BODY_H

#include <string.h>

#include "core.h"
#include "quads.h"
#include "resize_kernels.h"
#include "vec.h"

#include ISA_FILE(bytes_)

/* source rows side by side in a vector, red, green, blue and nothing of each */
enum { GROUP = LANES / 4 };

/* ---- levels: single precision ---- */

/* A target's taps; those beyond its own have weight 0. */
static inline __attribute__((always_inline)) void
across_taps(const mtcnn__axis *x, const uint8_t *strip, float *out, const size_t taps)
{
    for (size_t i = 0; i < x->dst; i++) {
        const uint8_t *p = strip + LANES * (size_t)x->first[i];
        const float *w = x->weight + i;
        vec v = v_mul(b_load(p), v_set(w[0]));
        for (size_t t = 1; t < taps; t++)
            v = v_add(v, v_mul(b_load(p + t * LANES), v_set(w[t * x->dst])));
        v_store(out + i * LANES, v);
    }
}

/* The same with many taps, four targets at a time: one alone waits for each of its sums. */
static void across_many(const mtcnn__axis *x, const uint8_t *strip, float *out, size_t taps)
{
    for (size_t i = 0; i < x->dst; i += 4) {
        size_t target[4];
        const uint8_t *p[4];
        vec v[4];
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            target[k] = i + k < x->dst ? i + k : x->dst - 1;
            p[k] = strip + LANES * (size_t)x->first[target[k]];
            v[k] = v_mul(b_load(p[k]), v_set(x->weight[target[k]]));
        }
        for (size_t t = 1; t < taps; t++) UNROLL
        for (size_t k = 0; k < 4; k++)
            v[k] = v_add(v[k],
                         v_mul(b_load(p[k] + t * LANES), v_set(x->weight[t * x->dst + target[k]])));
        UNROLL
        for (size_t k = 0; k < 4; k++) v_store(out + target[k] * LANES, v[k]);
    }
}

static void strip(const uint8_t *const *rows, size_t width, size_t over, uint8_t *out)
{
    b_interleave(rows, nbase__round_up(width, 4), out);
    memset(out + width * LANES, 0, over * LANES);
}

static void level_across(const mtcnn__axis *x, size_t taps, const uint8_t *strip, float *out)
{
    switch (taps) { /* short loops are unrolled */
    case 2: across_taps(x, strip, out, 2); return;
    case 3: across_taps(x, strip, out, 3); return;
    case 4: across_taps(x, strip, out, 4); return;
    case 5: across_taps(x, strip, out, 5); return;
    case 6: across_taps(x, strip, out, 6); return;
    default: across_many(x, strip, out, taps); return;
    }
}

static void level_down(const float *across, const float *weight, size_t apart, size_t count,
                       size_t dst, bool first, float *sum)
{
    for (size_t i = 0; i < dst; i++, across += LANES, sum += 4) {
        quad v = quad_at(across) * weight[0];
        if (!first) v += quad_at(sum);
        for (size_t k = 1; k < count; k++) v += quad_at(across + 4 * k) * weight[k * apart];
        memcpy(sum, &v, sizeof v);
    }
}

/* Half to even: beyond 2^23 a float has no fraction, so adding 1.5 * 2^23 rounds. */
static inline quad round_quad(quad v)
{
    const quad whole = {12582912.0f, 12582912.0f, 12582912.0f, 12582912.0f},
               most = {255, 255, 255, 255};
    v = (v + whole) - whole;
    quad_index positive = v > 0, over = v > most;
    return (quad)((((quad_index)v & ~over) | ((quad_index)most & over)) & positive);
}

static void level_row(const float *sum, size_t dst, bool whole, float *out, size_t plane)
{
    size_t i = 0;
    for (; i + 4 <= dst; i += 4, sum += 16) {
        quad rgb[4] = {quad_at(sum), quad_at(sum + 4), quad_at(sum + 8), quad_at(sum + 12)};
        turn_block(rgb);
        for (size_t k = 0; k < 3; k++) {
            quad v = ((whole ? round_quad(rgb[k]) : rgb[k]) - MTCNN__GREY) * MTCNN__PER_GREY;
            memcpy(out + k * plane + i, &v, sizeof v);
        }
    }
    for (; i < dst; i++, sum += 4) {
        quad v = quad_at(sum);
        v = ((whole ? round_quad(v) : v) - MTCNN__GREY) * MTCNN__PER_GREY;
        for (size_t k = 0; k < 3; k++) out[k * plane + i] = v[k];
    }
}

/* ---- crops: double precision ---- */

static void crop_across(const mtcnn__resize *r, const uint8_t *row, double *out)
{
    const mtcnn__axis *x = &r->x;
    bool whole = r->kind == MTCNN__COPY || r->kind == MTCNN__BOX;
    size_t box = r->kind == MTCNN__BOX ? x->taps : 1;
    for (size_t i = 0; i < x->dst; i++, out += 4) {
        mtcnn__pixel v = {0, 0, 0, 0}, d;
        if (whole)
            b_sum(row + 3 * i * box, box, &v);
        else
            for (uint32_t t = 0; t < x->count[i]; t++) {
                size_t s = x->first[i] + t;
                b_pixel(row + 3 * (s < x->src ? s : x->src - 1), &d);
                v += d * (double)x->weight[t * x->dst + i];
            }
        memcpy(out, &v, sizeof v);
    }
}

static inline __attribute__((always_inline)) void
parts_of(const mtcnn__parts *parts, size_t dst, const uint8_t *row, double *out, const bool few)
{
    for (size_t i = 0; i < dst; i++, parts++, out += 4) {
        const uint8_t *p = row + 3 * (size_t)parts->first;
        mtcnn__pixel lead, middle, trail;
        b_pixel(p, &lead);
        if (few)
            b_sum_few(p + 3, parts->between, &middle);
        else
            b_sum(p + 3, parts->between, &middle);
        b_pixel(p + 3 * (size_t)parts->last, &trail);
        lead = lead * parts->lead + middle * parts->middle + trail * parts->trail;
        memcpy(out, &lead, sizeof lead);
    }
}

static void crop_parts(const mtcnn__parts *parts, size_t dst, size_t most, const uint8_t *row,
                       double *out)
{
    if (most <= 4)
        parts_of(parts, dst, row, out, true);
    else
        parts_of(parts, dst, row, out, false);
}

#if LANES > 4
static void crop_strip(const mtcnn__parts *parts, size_t dst, const uint8_t *strip, double *out)
{
    for (size_t i = 0; i < dst; i++)
        b_parts(&parts[i], strip + LANES * (size_t)parts[i].first, out + 4 * i, 4 * dst);
}
#endif

static void crop_down(const double *part, double weight, size_t size, bool first, double *sum)
{
    if (first)
        for (size_t i = 0; i < 4 * size; i++) sum[i] = weight * part[i];
    else
        for (size_t i = 0; i < 4 * size; i++) sum[i] += weight * part[i];
}

static void crop_row(const double *sum, size_t size, size_t plane, float *out, size_t lanes)
{
    for (size_t i = 0; i < size; i++, sum += 4, out += lanes)
        for (size_t c = 0; c < 3; c++)
            out[c * plane * lanes] = (float)((sum[c] - MTCNN__GREY) * MTCNN__PER_GREY);
}

static const mtcnn__resizer resizer = {
    .rows = GROUP,
    .strip = strip,
    .level_across = level_across,
    .level_down = level_down,
    .level_row = level_row,
    .crop_across = crop_across,
    .crop_parts = crop_parts,
#if LANES > 4
    .crop_strip = crop_strip,
#endif
    .crop_down = crop_down,
    .crop_row = crop_row,
};

#endif
