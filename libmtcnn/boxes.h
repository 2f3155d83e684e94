/* boxes.h - boxes between the stages: regression, squaring, suppression.
 *
 * The formulas are those of the Python package mtcnn 0.1.x, which has them from facenet's
 * detect_face.py, and that from Zhang's MATLAB: a side is x2 - x1 + 1 in suppression and in the
 * regression after R- and O-Net, and x2 - x1 when squaring and in the regression after P-Net. */
#ifndef MTCNN_BOXES_H
#define MTCNN_BOXES_H

#include "internal.h"

typedef struct mtcnn__box {
    uint32_t view; /* number of the view in a batch */
    double x1, y1, x2, y2;
    float score;
    float reg[4];        /* offsets of x1, y1, x2, y2 in units of the sides */
    float landmarks[10]; /* x of the five points, then y; after O-Net only */
} mtcnn__box;

/* Adds reg times the sides to the corners. A side counts x2 - x1 + extra. */
void mtcnn__regress(mtcnn__box *box, double extra);

/* Makes the box square about its centre, with the longer side. */
void mtcnn__make_square(mtcnn__box *box);

/* Drops the fractions of the corners, towards zero. */
void mtcnn__truncate(mtcnn__box *box);

/* ---- suppression ---- */

/* How much two boxes share: their common area over that of their union, or of the smaller box. */
typedef enum mtcnn__overlap { MTCNN__UNION, MTCNN__SMALLER } mtcnn__overlap;

typedef struct mtcnn__nms_rule {
    mtcnn__overlap overlap;
    double extra; /* 0 or 1: a side counts x2 - x1 + extra */

    /* Of equal scores the earlier box in the list goes first; else the later one, as when a stable
     * rising sort is read from its end. */
    bool earlier_first;

    /* A box is suppressed by any box that goes before it, suppressed or not; else only by kept
     * ones. */
    bool by_all;
} mtcnn__nms_rule;

/* Scratch of mtcnn__suppress. Zero-initialise; end with mtcnn__suppressor_release. */
typedef struct mtcnn__suppressor {
    mtcnn__buffer keys, turns, cells;
} mtcnn__suppressor;

/* Non-maximum suppression: by falling score, a box is kept unless it shares more than `threshold`
 * with a box before it (see by_all).
 *
 * kept         room for `count` boxes, apart from `boxes`; gets the kept ones, by falling score
 * *kept_count  gets their number
 *
 * Memory grows linearly with count. So does the time, since only boxes near by are compared, except
 * where many boxes lie in one place but are not close by the rule, as thin ones. With a negative
 * threshold every pair is compared. */
nbase_status mtcnn__suppress(const nbase_env *env, mtcnn__suppressor *s,
                             const mtcnn__nms_rule *rule, double threshold, const mtcnn__box *boxes,
                             size_t count, mtcnn__box *kept, size_t *kept_count);

void mtcnn__suppressor_release(const nbase_env *env, mtcnn__suppressor *s);

#endif
