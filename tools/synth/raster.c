#include "raster.h"

#include <stdlib.h>

#define FAR 1e9f

bool raster_create(raster *r, int width, int height, bool depth_only)
{
    /* rows are read four samples at a time, also at the end of the last one */
    size_t n = (size_t)width * (size_t)height + 4;
    *r = (raster){.width = width, .height = height};
    r->z = calloc(n, sizeof(float));
    if (!depth_only) {
        r->u = calloc(n, sizeof(float));
        r->v = calloc(n, sizeof(float));
        r->id = calloc(n, 1);
    }
    if (r->z && (depth_only || (r->u && r->v && r->id))) return true;
    raster_free(r);
    return false;
}

void raster_free(raster *r)
{
    free(r->z);
    free(r->u);
    free(r->v);
    free(r->id);
    *r = (raster){0};
}

void raster_clear(raster *r, int width, int height)
{
    r->width = width;
    r->height = height;
    size_t n = (size_t)width * (size_t)height;
    for (size_t i = 0; i < n + 4; i++) r->z[i] = FAR;
    if (r->id) memset(r->id, 0, n);
}

typedef struct corner {
    float x, y, z, u, v;
} corner;

static inline int least(float a, float b, float c) { return (int)floorf(minf(a, minf(b, c))); }
static inline int most(float a, float b, float c) { return (int)floorf(maxf(a, maxf(b, c))) + 1; }

/* Four samples in a row. */
typedef float v4f __attribute__((vector_size(16)));
typedef int v4i __attribute__((vector_size(16)));

static inline v4f load4(const float *p)
{
    v4f v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store_where(float *p, v4i where, v4f v)
{
    v4f old = load4(p);
    v4i bits = ((v4i)v & where) | ((v4i)old & ~where);
    memcpy(p, &bits, sizeof bits);
}

static inline v4f spread(float x) { return (v4f){x, x, x, x}; }

/* Removes the samples that look through a hole. */
static v4i through(const surface *s, v4i where, v4f u, v4f v)
{
    for (int k = 0; k < 4; k++)
        if (where[k] && !s->cover[(size_t)(v[k] + 0.5f) * (size_t)s->width + (size_t)(u[k] + 0.5f)])
            where[k] = 0;
    return where;
}

static inline bool any(v4i where) { return (where[0] | where[1] | where[2] | where[3]) != 0; }

/* Draws the samples whose centre lies in the triangle, by barycentric coordinates. Edges belong to
 * both sides, so that no gap shows. */
static void triangle(raster *r, const surface *s, uint8_t id, const corner *a, const corner *b,
                     const corner *c)
{
    float area = (b->x - a->x) * (c->y - a->y) - (b->y - a->y) * (c->x - a->x);
    if (area == 0 || (area < 0 && !s->two_sided)) return;
    int x0 = least(a->x, b->x, c->x), x1 = most(a->x, b->x, c->x), y0 = least(a->y, b->y, c->y),
        y1 = most(a->y, b->y, c->y);
    if (x0 < 0) x0 = 0;
    if (y0 < 0) y0 = 0;
    if (x1 > r->width) x1 = r->width;
    if (y1 > r->height) y1 = r->height;
    float inverse = 1 / area;
    float bx = (c->y - a->y) * inverse, by = -(c->x - a->x) * inverse,
          cx = -(b->y - a->y) * inverse, cy = (b->x - a->x) * inverse;
    for (int y = y0; y < y1; y++) {
        float dy = (float)y + 0.5f - a->y;
        for (int x = x0; x < x1; x += 4) {
            v4f dx = spread((float)x + 0.5f - a->x) + (v4f){0, 1, 2, 3}, wb = dx * bx + dy * by,
                wc = dx * cx + dy * cy;
            v4i where = (wb >= -1e-4f) & (wc >= -1e-4f) & (wb + wc <= 1.0001f) &
                        ((v4i){0, 1, 2, 3} < x1 - x);
            size_t at = (size_t)y * (size_t)r->width + (size_t)x;
            v4f z = a->z + wb * (b->z - a->z) + wc * (c->z - a->z);
            where &= z < load4(r->z + at);
            if (!any(where)) continue;
            v4f u = a->u + wb * (b->u - a->u) + wc * (c->u - a->u),
                v = a->v + wb * (b->v - a->v) + wc * (c->v - a->v);
            if (s->cover) where = through(s, where, u, v);
            store_where(r->z + at, where, z);
            if (!r->id) continue;
            store_where(r->u + at, where, u);
            store_where(r->v + at, where, v);
            for (int k = 0; k < 4; k++)
                if (where[k]) r->id[at + (size_t)k] = id;
        }
    }
}

void raster_draw(raster *r, const surface *s, uint8_t id, const float *points, int skip)
{
    int w = surface_mesh_width(s), h = surface_mesh_height(s);
    float stride = (float)(s->step * skip);
    for (int j = 0; j + skip < h; j += skip) {
        const float *top = points + 3 * (size_t)j * (size_t)w,
                    *low = top + 3 * (size_t)skip * (size_t)w;
        float v = (float)(j * s->step);
        for (int i = 0; i + skip < w; i += skip) {
            const float *p = top + 3 * i, *q = top + 3 * (i + skip), *m = low + 3 * i,
                        *n = low + 3 * (i + skip);
            float u = (float)(i * s->step);
            corner a = {p[0], p[1], p[2], u, v}, b = {q[0], q[1], q[2], u + stride, v},
                   c = {m[0], m[1], m[2], u, v + stride},
                   d = {n[0], n[1], n[2], u + stride, v + stride};
            triangle(r, s, id, &a, &b, &c);
            triangle(r, s, id, &b, &d, &c);
        }
    }
}
