/* naive_cell.h - a ConvLSTM step in double precision, straight from the formulas of cell.h: stride
 * 1, 'same'. What the kernels are measured against. All arrays are NHWC as Keras has them: x
 * (H,W,C), h and c (H,W,F), gates (H,W,4F) in the order i, f, g, o. */
#ifndef NAIVE_CELL_H
#define NAIVE_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include "cells/cell.h"

typedef struct naive_cell {
    size_t height, width, channels, filters;
    convlstm__activation recurrent_activation;
    size_t taps;                            /* of the kernels, odd */
    bool rectified;                         /* relu in place of tanh */
    const float *kernel, *recurrent, *bias; /* (taps,taps,C,4F), (taps,taps,F,4F), (4F) */
} naive_cell;

typedef struct naive_gradients {
    double *kernel, *recurrent, *bias; /* added to */
} naive_gradients;

/* c and h may not be c_prev and h_prev. */
void naive_forward(const naive_cell *n, const double *x, const double *h_prev, const double *c_prev,
                   double *h, double *c, double *gates);
/* dh: the whole gradient to h. dc: in from step t+1, out for t-1. dx and dh_prev are
 * overwritten. */
void naive_backward(const naive_cell *n, const double *x, const double *h_prev,
                    const double *c_prev, const double *c, const double *gates, const double *dh,
                    double *dc, double *dx, double *dh_prev, const naive_gradients *grad);

#endif
