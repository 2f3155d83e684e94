/* profile.h - how the published versions of the cascade differ: one row of a table each.
 * docs/mtcnn.md describes them and names the sources. */
#ifndef MTCNN_PROFILE_H
#define MTCNN_PROFILE_H

#include "boxes.h"
#include "resize.h"

/* The scales of the pyramid's levels. */
typedef enum mtcnn__scale_rule {
    /* base * factor^k, as long as the short side has 12 pixels. */
    MTCNN__SCALE_POWER,

    /* The same numbers multiplied up step by step, and so rounded each time. */
    MTCNN__SCALE_PRODUCT,

    /* base * factor^k; their number follows from the short side alone:
     * round(-(ln(side / 12) / ln(factor) + 1)). */
    MTCNN__SCALE_COUNT
} mtcnn__scale_rule;

/* The side of a level, from the picture's side times the scale. */
typedef enum mtcnn__size_rule {
    MTCNN__SIZE_CEIL,
    MTCNN__SIZE_FLOOR_PLUS_ONE,
    MTCNN__SIZE_FLOOR
} mtcnn__size_rule;

/* The pixels of a crop. */
typedef enum mtcnn__crop_rule {
    MTCNN__CROP_PADDED,  /* x1 - 1 .. x2 - 1, black outside the picture */
    MTCNN__CROP_CLAMPED, /* the same, cut at the picture's edges */

    /* Bilinear samples between the corners, mid-grey outside the picture (TensorFlow's
     * crop_and_resize). */
    MTCNN__CROP_SAMPLED
} mtcnn__crop_rule;

/* Whose offsets the only cell of a level gets: two versions read another cell's (docs/mtcnn.md). */
typedef enum mtcnn__single_rule {
    MTCNN__SINGLE_OWN,
    MTCNN__SINGLE_MIRRORED,  /* those of the cell mirrored in its row */
    MTCNN__SINGLE_TRANSPOSED /* of the cell with its number when counted in columns, not rows */
} mtcnn__single_rule;

/* Thresholds of suppression: within a level, and everywhere else. */
#define MTCNN__LEVEL_OVERLAP 0.5
#define MTCNN__MAX_OVERLAP 0.7

typedef struct mtcnn__profile {
    const char *name;
    double threshold[3]; /* of P-, R- and O-Net */
    mtcnn__scale_rule scale_rule;
    mtcnn__size_rule size_rule;
    mtcnn__filter filter; /* of levels; of crops too, unless they are sampled */
    mtcnn__crop_rule crop_rule;
    mtcnn__single_rule single_rule;

    /* P-Net: a score equal to the threshold passes. */
    bool at_least;

    /* P-Net: corners are divided by the scale in single precision. */
    bool single_corners;

    /* Offsets are added before suppression, not after; P-Net's to corners not yet scaled up. */
    bool offsets_first;

    /* Fractions of the corners are dropped before R- and O-Net. */
    bool whole_boxes;

    /* Suppression after P-, R- and O-Net. */
    mtcnn__nms_rule nms[3];
} mtcnn__profile;

/* The profile of this number (mtcnn_profile), or null. */
const mtcnn__profile *mtcnn__profile_of(int profile);

#endif
