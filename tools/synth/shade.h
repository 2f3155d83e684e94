/* shade.h - light on a person, and the person in a picture. */
#ifndef SYNTH_SHADE_H
#define SYNTH_SHADE_H

#include "person.h"
#include "raster.h"

typedef struct pose {
    float yaw, pitch, roll; /* radians: to the viewer's right, up, clockwise as seen */
    float distance;         /* of the camera from the head's middle, units */
    float scale;            /* pixels per unit at that distance */
    float x, y;             /* pixel of the head's middle */
    float smile;            /* 0..1 */
    float tan, flush;       /* pigment and blood that the skin has more than usual today */
} pose;

/* Coordinates as seen from the camera: x right, y up, z towards it. Directions point to the light.
 * Colours are linear. */
typedef struct lighting {
    vec3 key, fill;
    float key_rgb[3], fill_rgb[3], sky_rgb[3], ground_rgb[3];
    float softness; /* 0 hard .. 1 soft shadows */
} lighting;

/* Buffers for pictures up to max_width x max_height. */
typedef struct renderer {
    int max_width, max_height;
    raster samples; /* 2 x 2 a pixel */
    raster shadow;
    /* mesh points in camera space, on the screen, and seen from the key light */
    float *camera[PARTS], *screen[PARTS], *lit[PARTS];
} renderer;

bool renderer_create(renderer *r, person *sizes, int max_width, int max_height);
void renderer_free(renderer *r);

typedef struct face_box {
    float x, y, width, height; /* pixels; width 0: no face in the picture */
} face_box;

typedef struct rendered_face {
    /* from the upper forehead to the chin, between the cheeks, as far as it is in the picture */
    face_box box;
    float mean_green; /* of the face's pixels, for metering */
} rendered_face;

/* Renders the person over the picture in `rgb` (height,width,3; linear). */
rendered_face render_person(renderer *r, person *p, const pose *at, const lighting *light,
                            int width, int height, float *rgb);

#endif
