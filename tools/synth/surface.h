/* surface.h - a piece of the scene: a grid of points in space, and at each point how the surface
 * looks there.
 *
 * Every part of a person is such a grid: the head, the hair, two ears, neck and shoulders. The grid
 * is mesh and texture in one: the rasteriser draws the quads between every `step`-th point, the
 * shader reads the texels between all of them.
 *
 * Space: x to the viewer's right, y up, z towards the viewer; the unit is half the breadth of an
 * average face (about 70 mm); the origin lies between the ears at the height of the eyes. */
#ifndef SYNTH_SURFACE_H
#define SYNTH_SURFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "approx.h"

/* What a texel holds: linear albedo, gloss (0 matt .. 1 oily; EYE_GLOSS and more: wet eyeball),
 * unit normal, ambient light that gets there. */
enum { TEX_R, TEX_G, TEX_B, TEX_GLOSS, TEX_NX, TEX_NY, TEX_NZ, TEX_AMBIENT, TEXEL };
#define EYE_GLOSS 2.0f

typedef enum material { MATERIAL_SKIN = 1, MATERIAL_HAIR, MATERIAL_CLOTH } material;

typedef struct surface {
    int width, height; /* points */
    int step;          /* mesh: every step-th point; divides width-1 and height-1 */
    float *pos;        /* (height,width,3) */
    float *tex;        /* (height,width,TEXEL) */
    uint8_t *cover;    /* (height,width) 0: a hole; null: none */
    material material;
    bool two_sided;
} surface;

/* All arrays cleared. False without memory (nothing is kept). */
bool surface_create(surface *s, int width, int height, int step, bool with_holes);
void surface_free(surface *s);

static inline float *surface_pos(const surface *s, int i, int j)
{
    return s->pos + 3 * ((size_t)j * (size_t)s->width + (size_t)i);
}
static inline float *surface_tex(const surface *s, int i, int j)
{
    return s->tex + TEXEL * ((size_t)j * (size_t)s->width + (size_t)i);
}

/* Normals of all texels from the points around them, pointing to the side from which i runs right
 * and j down. */
void surface_normals(surface *s);

/* One row of a flattened body of revolution: the half-ellipse at height y. */
typedef struct loft_row {
    float y;     /* height at the middle of the front */
    float front; /* depth from the axis to the front */
    float width; /* half width */
    float back;  /* depth from the axis to the back */
    float lift;  /* how much higher the sides are than the middle of the front */
    float flat;  /* exponent of the front's curve: 1 ellipse, less is flatter */
} loft_row;

/* Row at parameter t in 0..count-1: Catmull-Rom between the control rows. */
loft_row loft_at(const loft_row *rows, int count, float t);

/* Point of that row at azimuth a (0 front, positive to the viewer's right), the axis at depth z. */
vec3 loft_point(const loft_row *r, float a, float z);

#endif
