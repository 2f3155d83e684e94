/* monotonic.h - the clock for every deadline: it never jumps when somebody sets the date. */
#ifndef SERVE_MONOTONIC_H
#define SERVE_MONOTONIC_H

#include <time.h>

/* Seconds since some fixed moment in the past. */
static inline double monotonic_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
