/* ticker.h - a thread that does nothing but call a function again and again, so that what must
 * happen in time does not depend on threads that may be busy. It waits on the monotonic clock. */
#ifndef SERVE_TICKER_H
#define SERVE_TICKER_H

#include <pthread.h>
#include <stdbool.h>

typedef struct ticker {
    void (*tick)(void *ctx);
    void *ctx;
    double every; /* seconds between two calls */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stop;
} ticker;

/* Starts to call tick(ctx) every `every` seconds. False: the system refused a thread. */
bool ticker_start(ticker *t, double every, void (*tick)(void *ctx), void *ctx);

/* Ends the thread; afterwards there are no more calls. Safe if it never started. */
void ticker_stop(ticker *t);

#endif
