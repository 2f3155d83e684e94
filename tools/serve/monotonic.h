/* monotonic.h - the clock for every deadline: it never jumps when somebody sets the date. */
#ifndef SERVE_MONOTONIC_H
#define SERVE_MONOTONIC_H

#include <pthread.h>
#include <time.h>

/* Seconds since some fixed moment in the past. */
static inline double monotonic_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Waits at a condition until this moment of monotonic_seconds at most. The condition is one of
 * monotonic_cond_init. 0, or ETIMEDOUT. */
static inline int monotonic_wait(pthread_cond_t *c, pthread_mutex_t *lock, double until)
{
    struct timespec t = {.tv_sec = (time_t)until};
    t.tv_nsec = (long)((until - (double)t.tv_sec) * 1e9);
    return pthread_cond_timedwait(c, lock, &t);
}

static inline void monotonic_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

#endif
