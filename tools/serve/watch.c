#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "monotonic.h"

/* Seconds between two rounds over all connections. */
#define WATCH_EVERY 0.25

struct watched {
    watched *next, *before;
    int fd;
    double since; /* monotonic seconds: when the phase began */
    bool ours;    /* the client waits for us */
    bool cut;
};

static void cut_slow(watch_list *w)
{
    double now = monotonic_seconds();
    for (watched *c = w->first; c; c = c->next) {
        if (c->ours || c->cut || now - c->since < w->patience) continue;
        c->cut = true;
        shutdown(c->fd, SHUT_RDWR); /* the HTTP library sees the end and cleans up */
        atomic_fetch_add(w->cut, 1);
    }
}

static void *watch_main(void *arg)
{
    watch_list *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += (long)(WATCH_EVERY * 1e9);
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->wake, &w->lock, &t);
        cut_slow(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

bool watch_start(watch_list *w, double patience, _Atomic uint64_t *cut)
{
    pthread_condattr_t monotonic;
    *w = (watch_list){.patience = patience, .cut = cut};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->running = pthread_create(&w->thread, NULL, watch_main, w) == 0;
    return w->running;
}

void watch_stop(watch_list *w)
{
    if (!w->running) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->running = false;
}

watched *watch_add(watch_list *w, int fd)
{
    watched *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->fd = fd;
    c->since = monotonic_seconds();
    pthread_mutex_lock(&w->lock);
    c->next = w->first;
    if (c->next) c->next->before = c;
    w->first = c;
    pthread_mutex_unlock(&w->lock);
    return c;
}

void watch_drop(watch_list *w, watched *c)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    if (c->before)
        c->before->next = c->next;
    else
        w->first = c->next;
    if (c->next) c->next->before = c->before;
    pthread_mutex_unlock(&w->lock);
    free(c);
}

void watch_phase(watch_list *w, watched *c, bool waiting_for_us)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    c->since = monotonic_seconds();
    c->ours = waiting_for_us;
    pthread_mutex_unlock(&w->lock);
}

bool watch_gone(watch_list *w, watched *c)
{
    if (!c) return false;
    char byte;
    pthread_mutex_lock(&w->lock); /* the descriptor is closed only after watch_drop */
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    bool gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    pthread_mutex_unlock(&w->lock);
    return gone;
}
