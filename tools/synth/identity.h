/* identity.h - who a simulated patient is: everything about head, skin and hair that does not
 * change from photo to photo. */
#ifndef SYNTH_IDENTITY_H
#define SYNTH_IDENTITY_H

#include "nbase.h"

typedef enum hair_style {
    HAIR_SHAVED,
    HAIR_SHORT,
    HAIR_TIED,
    HAIR_CURLY,
    HAIR_BOB,
    HAIR_LONG,
    HAIR_SCARF,
    HAIR_STYLES
} hair_style;
extern const char *const hair_style_names[HAIR_STYLES];

/* Lengths are in the unit of surface.h; factors stand around 1; "0..1" is a share. Colours are
 * linear RGB. */
typedef struct identity {
    uint32_t seed; /* of textures */
    float man;     /* 0..1 how male the features are */
    float age;     /* years */

    float length, jaw, chin_width, chin_length, cheek, forehead, depth; /* factors of the skull */
    float skew;                                                         /* asymmetry, about -1..1 */

    float eye_x, eye_width, eye_open, eye_tilt, eye_depth, lid_fold;
    float iris[3];
    float brow_y, brow_thick, brow_arch, brow_ridge;
    /* length is the height of the tip under the eyes */
    float nose_length, nose_width, nose_height, nose_bridge, nose_tip;
    float mouth_y, mouth_width, lip_upper, lip_lower;

    float tone;                   /* 0 fairest .. 1 darkest */
    float undertone;              /* -1 pink .. 1 olive */
    float ruddy;                  /* 0..1 lasting redness of cheeks and nose */
    float freckles, oil, stubble; /* 0..1 */
    int moles;

    hair_style hair;
    float hair_rgb[3], hair_thick, hair_curl, hairline, parting, fringe;
    float ear, cloth[3], neckline;
} identity;

void identity_draw(identity *id, nbase_rng *rng);

/* Converts sRGB 0..255 to linear 0..1. */
void linear_rgb(float out[3], int r, int g, int b);

#endif
