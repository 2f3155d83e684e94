#include "surface.h"

#include <stdlib.h>

bool surface_create(surface *s, int width, int height, int step, bool with_holes)
{
    size_t n = (size_t)width * (size_t)height;
    *s = (surface){.width = width, .height = height, .step = step};
    s->pos = calloc(n, 3 * sizeof(float));
    s->tex = calloc(n, TEXEL * sizeof(float));
    if (with_holes) s->cover = calloc(n, 1);
    if (s->pos && s->tex && (s->cover || !with_holes)) return true;
    surface_free(s);
    return false;
}

void surface_free(surface *s)
{
    free(s->pos);
    free(s->tex);
    free(s->cover);
    *s = (surface){0};
}

static vec3 point(const surface *s, int i, int j)
{
    const float *p = surface_pos(s, i, j);
    return (vec3){p[0], p[1], p[2]};
}

void surface_normals(surface *s)
{
    for (int j = 0; j < s->height; j++) {
        int up = j > 0 ? j - 1 : j, down = j < s->height - 1 ? j + 1 : j;
        for (int i = 0; i < s->width; i++) {
            int left = i > 0 ? i - 1 : i, right = i < s->width - 1 ? i + 1 : i;
            vec3 across = v_sub(point(s, right, j), point(s, left, j)),
                 along = v_sub(point(s, i, up), point(s, i, down));
            vec3 n = v_unit(v_cross(across, along));
            float *t = surface_tex(s, i, j);
            t[TEX_NX] = n.x;
            t[TEX_NY] = n.y;
            t[TEX_NZ] = n.z;
        }
    }
}

static float catmull_rom(float a, float b, float c, float d, float t)
{
    return b + 0.5f * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

loft_row loft_at(const loft_row *rows, int count, float t)
{
    t = clampf(t, 0, (float)(count - 1));
    int k = (int)t < count - 2 ? (int)t : count - 2;
    const loft_row *b = &rows[k], *c = &rows[k + 1], *a = k > 0 ? b - 1 : b,
                   *d = k < count - 2 ? c + 1 : c;
    float f = t - (float)k;
    return (loft_row){
        .y = catmull_rom(a->y, b->y, c->y, d->y, f),
        .front = catmull_rom(a->front, b->front, c->front, d->front, f),
        .width = catmull_rom(a->width, b->width, c->width, d->width, f),
        .back = catmull_rom(a->back, b->back, c->back, d->back, f),
        .lift = catmull_rom(a->lift, b->lift, c->lift, d->lift, f),
        .flat = mixf(b->flat, c->flat, f),
    };
}

vec3 loft_point(const loft_row *r, float a, float z)
{
    float c = approx_cos(a), s = approx_sin(a);
    float depth = c >= 0 ? r->front * approx_pow(c, r->flat) : -r->back * approx_pow(-c, 0.9f);
    return (vec3){r->width * s, r->y + r->lift * (1 - maxf(c, 0)), z + depth};
}
