/* cascade.h - the detector's state and its three stages. */
#ifndef MTCNN_CASCADE_H
#define MTCNN_CASCADE_H

#include "bicubic.h"
#include "kernels/net_kernels.h"
#include "pyramid.h"

/* A cell of a level that P-Net takes for a face. */
typedef struct mtcnn__cell {
    uint32_t level, x, y;
    float score, reg[4];
} mtcnn__cell;

/* What a thread works with. */
typedef struct mtcnn__worker {
    mtcnn__buffer scratch; /* floats */
    mtcnn__buffer cells;
    size_t cell_count;
    bool failed; /* no memory */
} mtcnn__worker;

/* A picture of a batch as the cascade sees it: the caller's, or a copy that is reduced or
 * turned. */
typedef struct mtcnn__view {
    nbase_image opened;            /* the caller's picture, or reduced */
    nbase_image image;             /* the same, or turned */
    int turns;                     /* quarter turns, clockwise, from opened to image */
    mtcnn__buffer reduced, turned; /* the copies' pixels */
    uint32_t picture;              /* number in the batch */
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
    mtcnn_stats stats;
    int threads;
    mtcnn__worker *workers; /* threads */
    mtcnn__view *views;     /* of the batch; `view_room` entries, kept for their buffers */
    size_t view_room;
    mtcnn__pyramid pyramid;
    mtcnn__suppressor suppressor;
    mtcnn__bicubic bicubic;
    mtcnn__buffer bands, level_boxes, boxes, kept, faces, results, starts, crop;
};

/* Stage 1: P-Net over every level of view `number`. Appends its boxes, best first, to d->boxes from
 * v->first on and sets v->count. */
nbase_status mtcnn__propose(mtcnn_detector *d, mtcnn__view *v, uint32_t number);
/* Stages 2 and 3: R-Net, then O-Net, on crops of all boxes of the first `views` views; changes the
 * boxes and the views' ranges. */
nbase_status mtcnn__refine(mtcnn_detector *d, size_t views);
nbase_status mtcnn__output(mtcnn_detector *d, size_t views);

/* Probability of a margin between two logits. */
float mtcnn__logistic(float margin);

#endif
