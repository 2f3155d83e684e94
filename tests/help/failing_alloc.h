/* failing_alloc.h - an allocator that counts what is held, and can refuse the Nth request: for
 * tests that every failure is clean. */
#ifndef TEST_FAILING_ALLOC_H
#define TEST_FAILING_ALLOC_H

#include "nbase.h"

typedef struct failing_alloc {
    size_t requests; /* made so far */
    /* the request that is refused, from 1, and every later one if `sticky`; 0: none */
    size_t fail_at;
    int sticky;
    size_t held; /* pieces not yet released */
} failing_alloc;

/* Counts into *f, which must outlive what is made with it. One thread at a time. */
nbase_env failing_env(failing_alloc *f);

#endif
