/* raster.h - from surfaces in space to what each sample of the picture sees. */
#ifndef SYNTH_RASTER_H
#define SYNTH_RASTER_H

#include "surface.h"

/* Per sample: depth (smaller is nearer), index of the surface + 1 (0: nothing), and where on its
 * grid (in points). For a shadow map only z is kept: u, v, id null. */
typedef struct raster {
    int width, height;
    float *z, *u, *v;
    uint8_t *id;
} raster;

bool raster_create(raster *r, int width, int height, bool depth_only);
void raster_free(raster *r);

/* Sets the picture's size to width x height samples (not more than it was created with) and clears
 * it. */
void raster_clear(raster *r, int width, int height);

/* Draws the mesh of `s`. `points`: (mesh rows, mesh columns, 3) x, y in samples (y down) and depth,
 * for every s->step-th grid point; only every `skip`-th of these is used. Points must be in front
 * of the viewer. */
void raster_draw(raster *r, const surface *s, uint8_t id, const float *points, int skip);

static inline int surface_mesh_width(const surface *s) { return (s->width - 1) / s->step + 1; }
static inline int surface_mesh_height(const surface *s) { return (s->height - 1) / s->step + 1; }

#endif
