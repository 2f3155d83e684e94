/* cascade.h - the detector's state and its three stages. */
#ifndef MTCNN_CASCADE_H
#define MTCNN_CASCADE_H

#include "bicubic.h"
#include "boxes.h"
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

struct mtcnn_detector {
    nbase_env env;
    const mtcnn__params *params;
    const mtcnn__kernels *kernels;
    mtcnn_options options;
    nbase_error error;
    mtcnn_stats stats;
    int threads;
    mtcnn__worker *workers; /* threads */
    mtcnn__pyramid pyramid;
    mtcnn__suppressor suppressor;
    mtcnn__bicubic bicubic;
    mtcnn__buffer bands, level_boxes, boxes, kept, faces;
};

/* Stage 1: P-Net over every level. Fills d->boxes with *count boxes of whole coordinates, best first. */
nbase_status mtcnn__propose(mtcnn_detector *d, const nbase_image *image, size_t *count);
/* Stages 2 and 3: R-Net, then O-Net, on crops of the boxes in d->boxes; changes them and *count. */
nbase_status mtcnn__refine(mtcnn_detector *d, const nbase_image *image, size_t *count);
nbase_status mtcnn__output(mtcnn_detector *d, const nbase_image *image, size_t *count);

/* Probability of a margin between two logits. */
float mtcnn__logistic(float margin);

#endif
