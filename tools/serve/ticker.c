#include "ticker.h"

#include <time.h>

static void *ticker_main(void *arg)
{
    ticker *t = arg;
    pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(t->every * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&t->wake, &t->lock, &until);
        if (!t->stop) t->tick(t->ctx);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

bool ticker_start(ticker *t, double every, void (*tick)(void *ctx), void *ctx)
{
    pthread_condattr_t monotonic;
    *t = (ticker){.tick = tick, .ctx = ctx, .every = every};
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    t->running = pthread_create(&t->thread, NULL, ticker_main, t) == 0;
    return t->running;
}

void ticker_stop(ticker *t)
{
    if (!t->running) return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    t->running = false;
}
