/* grid_frames.h - tiles of a grid (grid.h) out of a frame and into it. For templates. */
#ifndef CONVLSTM_GRID_FRAMES_H
#define CONVLSTM_GRID_FRAMES_H

#include <string.h>

#include "grid.h"
#include "vec.h"

/* A row of pixels of a place: `first` up to `end` of its values lie in the frame, from `pixels` on;
 * none if first == end. */
typedef struct grid_run {
    size_t first, end;
    size_t pixels; /* floats into the frame, of value `first` */
} grid_run;

/* Row ry of pixels of place (i, j). */
INLINE grid_run run_of(const convlstm__grid *g, size_t i, size_t j, size_t ry)
{
    const ptrdiff_t y = g->first_h + (ptrdiff_t)(i * g->step_h + ry),
                    x = g->first_w + (ptrdiff_t)(j * g->step_w), end = x + (ptrdiff_t)g->step_w,
                    height = (ptrdiff_t)g->height, width = (ptrdiff_t)g->width;
    if (y < 0 || y >= height || end <= 0 || x >= width) return (grid_run){0, 0, 0};
    const size_t c = g->channels, before = x < 0 ? (size_t)-x : 0,
                 beyond = end > width ? (size_t)(end - width) : 0;
    return (grid_run){before * c, (g->step_w - beyond) * c,
                      ((size_t)y * g->width + (size_t)(x + (ptrdiff_t)before)) * c};
}

/* Short stretches of floats: a call of memcpy costs as much as most of them. */
INLINE void copy_floats(float *to, const float *from, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) v_storeu(to + i, v_loadu(from + i));
    NO_UNROLL
    for (; i + 4 <= count; i += 4) memcpy(to + i, from + i, 4 * sizeof *to);
    NO_UNROLL
    for (; i < count; i++) to[i] = from[i];
}

INLINE void clear_floats(float *to, size_t count)
{
    NO_UNROLL
    for (size_t i = 0; i < count; i++) to[i] = 0;
}

/* The same at the edges of a frame, where their code would be as large as all the rest. */
OUT_OF_LINE void copy_at_edge(float *to, const float *from, size_t count)
{
    copy_floats(to, from, count);
}

OUT_OF_LINE void clear_at_edge(float *to, size_t count) { clear_floats(to, count); }

/* Whether side x side places lie in the frame. */
INLINE bool lies_inside(const convlstm__grid *g, size_t i0, size_t j0, size_t side)
{
    const ptrdiff_t y = g->first_h + (ptrdiff_t)(i0 * g->step_h),
                    x = g->first_w + (ptrdiff_t)(j0 * g->step_w);
    return y >= 0 && x >= 0 && y + (ptrdiff_t)(side * g->step_h) <= (ptrdiff_t)g->height &&
           x + (ptrdiff_t)(side * g->step_w) <= (ptrdiff_t)g->width;
}

/* Whether they do, and the rows of pixels of a place are whole vectors: then they need not be
 * copied. */
INLINE bool lies_in_place(const convlstm__grid *g, size_t i0, size_t j0, size_t side)
{
    return g->step_w * g->channels % LANES == 0 && lies_inside(g, i0, j0, side);
}

/* The first pixel of place (i0, j0), which is in the frame. */
INLINE size_t first_pixel(const convlstm__grid *g, size_t i0, size_t j0)
{
    return ((size_t)(g->first_h + (ptrdiff_t)(i0 * g->step_h)) * g->width +
            (size_t)(g->first_w + (ptrdiff_t)(j0 * g->step_w))) *
           g->channels;
}

/* Places that lie inside, with all their channels. */
INLINE void take_inside(const convlstm__grid *g, const float *at, size_t side, float *places,
                        size_t row)
{
    const size_t run = g->step_w * g->channels, line = g->width * g->channels;
    for (size_t i = 0; i < side; i++, at += g->step_h * line)
        for (size_t j = 0; j < side; j++, places += row) {
            NO_UNROLL
            for (size_t ry = 0; ry < g->step_h; ry++)
                copy_floats(places + ry * run, at + j * run + ry * line, run);
            clear_floats(places + g->step_h * run, row - g->step_h * run);
        }
}

/* side x side places, the first of them (i0, j0), to places[(i*side + j)*row]: `row` of their
 * channels, a multiple of LANES, from k0 on; zeros behind the last. */
OUT_OF_LINE void take_places(const convlstm__grid *g, const float *frame, size_t i0, size_t j0,
                             size_t side, size_t k0, float *places, size_t row)
{
    const size_t run = g->step_w * g->channels, depth = g->step_h * run;
    if (row >= depth && lies_inside(g, i0, j0, side)) {
        take_inside(g, frame + first_pixel(g, i0, j0), side, places, row);
        return;
    }
    const size_t end = depth - k0 < row ? depth : k0 + row, first_row = k0 / run,
                 last_row = (end - 1) / run;
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++, places += row) {
            for (size_t ry = first_row; ry <= last_row; ry++) {
                const grid_run r = run_of(g, i0 + i, j0 + j, ry);
                const size_t begin = ry * run, low = begin < k0 ? k0 - begin : 0,
                             high = begin + run > end ? end - begin : run,
                             first = r.first < low    ? low
                                     : r.first > high ? high
                                                      : r.first,
                             last = r.end > high    ? high
                                    : r.end < first ? first
                                                    : r.end;
                float *to = places + (begin + low - k0);
                clear_at_edge(to, first - low);
                copy_at_edge(to + (first - low), frame + r.pixels + (first - r.first),
                             last - first);
                clear_at_edge(to + (last - low), high - last);
            }
            clear_at_edge(places + (end - k0), row - (end - k0));
        }
}

/* The same as put_places for places that lie inside. */
INLINE void put_inside(const convlstm__grid *g, float *at, size_t k0, size_t count,
                       const float *places, size_t row)
{
    const size_t run = g->step_w * g->channels, line = g->width * g->channels, end = k0 + count,
                 step = g->step_h * line;
    at += k0 / run * line;
    for (size_t k = k0, next; k < end; k = next, at += line) {
        next = (k / run + 1) * run < end ? (k / run + 1) * run : end;
        for (size_t i = 0; i < GRID_TILE; i++)
            for (size_t j = 0; j < GRID_TILE; j++)
                copy_floats(at + i * step + j * run + k % run,
                            places + (i * GRID_TILE + j) * row + (k - k0), next - k);
    }
}

/* A tile of 4x4 places into a frame: `count` of their channels, from channel k0 on, out of
 * places[(i*4 + j)*row]. */
OUT_OF_LINE void put_places(const convlstm__grid *g, float *frame, size_t i0, size_t j0, size_t k0,
                            size_t count, const float *places, size_t row)
{
    const size_t run = g->step_w * g->channels, first_row = k0 / run,
                 last_row = (k0 + count - 1) / run;
    if (lies_inside(g, i0, j0, GRID_TILE)) {
        put_inside(g, frame + first_pixel(g, i0, j0), k0, count, places, row);
        return;
    }
    for (size_t i = 0; i < GRID_TILE; i++)
        for (size_t j = 0; j < GRID_TILE; j++, places += row)
            for (size_t ry = first_row; ry <= last_row; ry++) {
                const grid_run r = run_of(g, i0 + i, j0 + j, ry);
                size_t first = r.first, end = r.end, begin = ry * run;
                if (begin + first < k0) first = k0 - begin;
                if (begin + end > k0 + count) end = k0 + count - begin;
                if (first < end)
                    copy_at_edge(frame + r.pixels + (first - r.first), places + begin + first - k0,
                                 end - first);
            }
}

#endif
