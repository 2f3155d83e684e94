/* cascade.h - the detector's state and its three stages.
 *
 * A batch of pictures becomes views (views.h). Stage 1 runs per view, stages 2 and 3 on the boxes
 * of all views together. All boxes are in one list, d->boxes; each view has a range of it, and the
 * ranges follow each other in the order of the views. */
#ifndef MTCNN_CASCADE_H
#define MTCNN_CASCADE_H

#include "bicubic.h"
#include "kernels/net_kernels.h"
#include "pyramid.h"

/* A cell of a level that P-Net takes for a face. */
typedef struct mtcnn__cell {
    uint32_t level, x, y;
    float score;
    float reg[4]; /* offsets of x1, y1, x2, y2 in units of the sides */
} mtcnn__cell;

/* What belongs to one thread. */
typedef struct mtcnn__worker {
    mtcnn__buffer scratch; /* floats */
    mtcnn__buffer cells;   /* mtcnn__cell */
    size_t cell_count;
    bool failed; /* there was no memory for a cell */
} mtcnn__worker;

/* A picture of a batch as the cascade sees it. */
typedef struct mtcnn__view {
    nbase_image opened; /* the caller's picture, or a reduced copy */
    nbase_image image;  /* the same, or a copy turned clockwise by `turns` quarters */
    int turns;

    mtcnn__buffer reduced, turned; /* pixels of the copies */
    mtcnn__strips strips;          /* of `image`, in strip_data */
    mtcnn__buffer strip_data;

    uint32_t picture; /* its number in the batch */
    nbase_status status;
    size_t first, count; /* its boxes in d->boxes */
    mtcnn_stats stats;
} mtcnn__view;

struct mtcnn_detector {
    nbase_env env;
    const mtcnn__params *params;
    const mtcnn__kernels *kernels;
    const mtcnn__profile *profile;
    mtcnn_options options;

    nbase_error error;
    mtcnn_stats stats; /* of the last mtcnn_detect */

    int threads;
    mtcnn__worker *workers; /* one per thread */

    mtcnn__view *views; /* `view_room` of them, kept for their buffers */
    size_t view_room;

    mtcnn__pyramid pyramid;
    mtcnn__suppressor suppressor;
    mtcnn__bicubic bicubic;

    mtcnn__buffer bands, level_boxes, boxes, kept, faces, results, starts, crop;
};

/* Stage 1: runs P-Net on every level of the view, which is number `number` of its batch. Appends
 * the boxes, the best first, to d->boxes from v->first on, and sets v->count. */
nbase_status mtcnn__propose(mtcnn_detector *d, mtcnn__view *v, uint32_t number);

/* Stage 2: runs R-Net on crops of all boxes of the first `views` views. Changes the boxes and the
 * views' ranges. */
nbase_status mtcnn__refine(mtcnn_detector *d, size_t views);

/* Stage 3: the same with O-Net, which also gives the landmarks. */
nbase_status mtcnn__output(mtcnn_detector *d, size_t views);

/* The probability of a face, from the difference of the two logits. */
float mtcnn__logistic(float margin);

#endif
