/* profile.h - how the published versions of the cascade differ: one row of a table each.
 * docs/mtcnn.md describes them and names the sources. */
#ifndef MTCNN_PROFILE_H
#define MTCNN_PROFILE_H

#include "boxes.h"
#include "resize.h"

typedef enum mtcnn__scale_rule {
    MTCNN__SCALE_POWER,   /* base * factor^k, as long as the short side has 12 pixels */
    MTCNN__SCALE_PRODUCT, /* the same numbers multiplied up step by step, rounded each time */
    /* base * factor^k, their number from the short side alone: round(-(ln(side / 12) / ln(factor) +
     * 1)) */
    MTCNN__SCALE_COUNT
} mtcnn__scale_rule;

typedef enum mtcnn__size_rule {
    MTCNN__SIZE_CEIL,
    MTCNN__SIZE_FLOOR_PLUS_ONE,
    MTCNN__SIZE_FLOOR
} mtcnn__size_rule;

typedef enum mtcnn__crop_rule {
    MTCNN__CROP_PADDED,  /* pixels x1 - 1 .. x2 - 1, black outside the picture */
    MTCNN__CROP_CLAMPED, /* the same, cut at the picture's edges */
    /* bilinear samples between the corners, mid-grey outside (TensorFlow's crop_and_resize) */
    MTCNN__CROP_SAMPLED
} mtcnn__crop_rule;

/* What happens to the offsets of a level's only cell: two versions read another cell's, each in its
 * way (docs/mtcnn.md). */
typedef enum mtcnn__single_rule {
    MTCNN__SINGLE_OWN,
    MTCNN__SINGLE_MIRRORED, /* of the cell mirrored in its row */
    /* of the cell with the same number when columns are counted instead of rows */
    MTCNN__SINGLE_TRANSPOSED
} mtcnn__single_rule;

typedef struct mtcnn__profile {
    const char *name;
    double threshold[3];
    mtcnn__scale_rule scale_rule;
    mtcnn__size_rule size_rule;
    mtcnn__filter filter; /* of levels; of crops too unless they are sampled */
    mtcnn__crop_rule crop_rule;
    mtcnn__single_rule single_rule;
    bool at_least;       /* P-Net: a score equal to the threshold passes */
    bool single_corners; /* P-Net: corners are divided by the scale in single precision */
    /* offsets are added before suppression, not after; P-Net's to corners not yet scaled up */
    bool offsets_first;
    bool whole_boxes; /* fractions are dropped before R- and O-Net */
    /* after P-, R- and O-Net; thresholds are 0.5 within a level, else 0.7 */
    mtcnn__nms_rule nms[3];
} mtcnn__profile;

/* By number (mtcnn_profile), or null. */
const mtcnn__profile *mtcnn__profile_of(int profile);

#endif
