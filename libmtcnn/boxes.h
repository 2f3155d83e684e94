/* boxes.h - boxes between the stages: regression, squaring, suppression.
 *
 * The formulas are those of the Python package mtcnn 0.1.x, which has them from facenet's
 * detect_face.py, and that from Zhang's MATLAB: a side is x2 - x1 + 1 in suppression and in the
 * regression after R- and O-Net, and x2 - x1 when squaring and in the regression after P-Net. */
#ifndef MTCNN_BOXES_H
#define MTCNN_BOXES_H

#include "internal.h"

typedef struct mtcnn__box {
    uint32_t view; /* number of the picture in a batch */
    double x1, y1, x2, y2;
    float score;
    float reg[4];        /* offsets of x1, y1, x2, y2 in units of the sides */
    float landmarks[10]; /* x of the five points, then y; after O-Net only */
} mtcnn__box;

/* Adds reg times the sides, which are x2 - x1 + extra. */
void mtcnn__regress(mtcnn__box *box, double extra);
/* Makes the box square about its centre, with the longer side. */
void mtcnn__make_square(mtcnn__box *box);
/* Drops the fractions, towards zero. */
void mtcnn__truncate(mtcnn__box *box);

/* How much of two boxes is shared: over their union, or over the smaller one. */
typedef enum mtcnn__overlap { MTCNN__UNION, MTCNN__SMALLER } mtcnn__overlap;

typedef struct mtcnn__nms_rule {
    mtcnn__overlap overlap;
    double extra; /* 0 or 1: a side counts x2 - x1 + extra */
    /* of equal scores the earlier box in the list goes first; otherwise the later one (a stable
     * rising sort read from its end) */
    bool earlier_first;
    /* a box is suppressed by any box that goes before it, suppressed or not; otherwise by kept ones
     * only */
    bool by_all;
} mtcnn__nms_rule;

/* Scratch of mtcnn__suppress; zero-initialise, then release. */
typedef struct mtcnn__suppressor {
    mtcnn__buffer keys, turns, cells;
} mtcnn__suppressor;

/* Suppression: by falling score, a box is kept unless its overlap with one before it (see by_all)
 * is above `threshold`. Writes the kept boxes in that order to `kept` (room for count, apart from
 * `boxes`) and their number to *kept_count. Linear memory. Time is about linear too (many boxes in
 * one place that are not close by the rule, as thin ones, take longer): the boxes near by are found
 * through a hashed grid. `threshold` is 0 or more, or every box is tested. */
nbase_status mtcnn__suppress(const nbase_env *env, mtcnn__suppressor *s,
                             const mtcnn__nms_rule *rule, double threshold, const mtcnn__box *boxes,
                             size_t count, mtcnn__box *kept, size_t *kept_count);
void mtcnn__suppressor_release(const nbase_env *env, mtcnn__suppressor *s);

#endif
