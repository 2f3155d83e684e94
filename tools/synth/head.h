/* head.h - the shape of a head: a lofted skull with the relief of a face on it. */
#ifndef SYNTH_HEAD_H
#define SYNTH_HEAD_H

#include "identity.h"
#include "surface.h"

enum { HEAD_WIDTH = 481, HEAD_HEIGHT = 481, HEAD_STEP = 3 };

typedef struct head {
    surface skin;
    /* (height,width,2): where a point would be on the skull without relief, seen from the front.
     * Features are placed, painted and found by these coordinates, so that paint and relief always
     * fit. x is never NaN, but has no meaning behind the ears. */
    float *face;
    /* (height,width,2) of the mesh points only (every step-th): how far a full smile moves a point
     * in x and y. */
    float *smile;
} head;

bool head_create(head *h);
void head_free(head *h);

/* Fills positions, normals, ambient occlusion and face coordinates for a person. */
void head_shape(head *h, const identity *id);

/* Azimuth of column i, -2.5..2.5 rad; columns are denser in front. */
float head_azimuth(int i);

static inline const float *head_face(const head *h, int i, int j)
{
    return h->face + 2 * ((size_t)j * HEAD_WIDTH + (size_t)i);
}

/* ---- the layout of the face, in face coordinates ---- */

/* Height of the lids over the line of the eye's corners at `out` from the eye's middle (positive
 * towards the temple); 0 outside of the eye. */
float face_upper_lid(const identity *id, float out);
float face_lower_lid(const identity *id, float out);

/* Height of that line. */
float face_eye_line(const identity *id, float out);

/* The line between the lips and the lips' outer borders at x; all are equal outside of the
 * mouth. */
float face_mouth_line(const identity *id, float x);
float face_lip_top(const identity *id, float x);
float face_lip_bottom(const identity *id, float x);

/* Middle height of the brow at |x| from the face's middle. */
float face_brow(const identity *id, float x);

#endif
