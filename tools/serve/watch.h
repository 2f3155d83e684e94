/* watch.h - cuts connections that dawdle: a head, body or reading of an answer that takes longer
 * than allowed, whatever trickles in meanwhile. */
#ifndef SERVE_WATCH_H
#define SERVE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct watched watched;

typedef struct watch_list {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    watched *first;
    double patience; /* seconds for one phase */
    _Atomic uint64_t *cut;
    pthread_t thread;
    bool running, stop;
} watch_list;

bool watch_start(watch_list *w, double patience, _Atomic uint64_t *cut);
void watch_stop(watch_list *w);

/* One a connection, made when it opens and dropped when it closes. */
watched *watch_add(watch_list *w, int fd);
void watch_drop(watch_list *w, watched *c);
/* A phase begins anew; `waiting_for_us`: the client does what it can, the time is ours. */
void watch_phase(watch_list *w, watched *c, bool waiting_for_us);
/* Whether the client has closed its side. */
bool watch_gone(watch_list *w, watched *c);

#endif
