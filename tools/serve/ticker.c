#include "ticker.h"

#include "monotonic.h"

static void *ticker_main(void *arg)
{
    ticker *t = arg;
    pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        monotonic_wait(&t->wake, &t->lock, monotonic_seconds() + t->every);
        if (!t->stop) t->tick(t->ctx);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

bool ticker_start(ticker *t, double every, void (*tick)(void *ctx), void *ctx)
{
    *t = (ticker){.tick = tick, .ctx = ctx, .every = every};
    pthread_mutex_init(&t->lock, NULL);
    monotonic_cond_init(&t->wake);
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
