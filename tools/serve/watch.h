/* watch.h - watches the connections: cuts those whose client is too slow, and knows which clients
 * have gone. A phase of a connection (a head and body, the wait for us, the reading of an answer)
 * may take `patience` seconds, however many bytes trickle in meanwhile; only our own time does not
 * count. */
#ifndef SERVE_WATCH_H
#define SERVE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One connection. */
typedef struct watched watched;

typedef struct watch_list {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    watched *first;
    double patience;
    _Atomic uint64_t *cut; /* counts the connections that were cut */
    pthread_t thread;
    bool running, stop;
} watch_list;

/* Starts the thread that cuts. False: the system refused one. */
bool watch_start(watch_list *w, double patience, _Atomic uint64_t *cut);

/* Ends the thread. Safe if it never started. */
void watch_stop(watch_list *w);

/* Adds a connection when it opens; null: out of memory, and it is not watched. watch_drop removes
 * it before its descriptor is closed. All functions below accept null. */
watched *watch_add(watch_list *w, int fd);
void watch_drop(watch_list *w, watched *c);

/* A new phase begins. waiting_for_us: the client has done its part, and the time is ours. */
void watch_phase(watch_list *w, watched *c, bool waiting_for_us);

/* Whether the client has closed its side. */
bool watch_gone(watch_list *w, watched *c);

#endif
