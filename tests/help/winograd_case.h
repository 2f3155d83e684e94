/* winograd_case.h - what a winograd_case of winograd_check.h holds, for winograd_check.c alone. */
#ifndef WINOGRAD_CASE_H
#define WINOGRAD_CASE_H

#include "winograd_check.h"

struct winograd_case {
    winograd_problem p;
    uint64_t seed;
    bool unscaled;
    nbase_rng rng;
    /* values in a frame x, a frame h, and the weights */
    size_t x_count, h_count, kernel_count, recurrent_count, bias_count;
    float *kernel, *recurrent, *bias;
    /* a frame a step; dh of the even steps is not given to the backend (null) and zero */
    float *x, *dh;
    float *h0, *c0; /* state before the first step */
    float *dc_last; /* gradient to the last c */
    double *h, *c;  /* a frame a step, h0 and c0 first */
    double *dx;     /* a frame a step */
    double *dh0, *dc0;
    double *dkernel, *drecurrent, *dbias;
};

/* p, or the end of the program where it is null. */
void *winograd_must(void *p);

#endif
