/* watch.h - watches the connections: cuts those whose client is too slow, and notices clients that
 * hang up, whatever the HTTP library sees.
 *
 * A phase of a connection may take `patience` seconds. The bytes of a body extend it as far as they
 * are progress (SERVE_MIN_RATE), a trickle does not; and the time while the client waits for us
 * does not count. */
#ifndef SERVE_WATCH_H
#define SERVE_WATCH_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One connection. */
typedef struct watched watched;

typedef enum watch_state {
    WATCH_IDLE,     /* we wait for a head */
    WATCH_READING,  /* we wait for a body */
    WATCH_WORKING,  /* the client waits for us */
    WATCH_ANSWERING /* we wait for the client to read the answer */
} watch_state;

typedef struct watch_list {
    pthread_mutex_t lock;
    watched *first;
    size_t count;
    double patience;
    _Atomic uint64_t *cut;  /* counts the connections that were cut because of slowness */
    struct pollfd *polled;  /* room for a round over all connections */
    watched **polled_order; /* whose they are */
    size_t room;
} watch_list;

void watch_init(watch_list *w, double patience, _Atomic uint64_t *cut);
void watch_free(watch_list *w);

/* One round over all connections. Called a few times a second. */
void watch_round(watch_list *w);

/* Adds a connection when it opens; null: out of memory, and it is not watched. watch_drop removes
 * it before its descriptor is closed. All functions below accept null. */
watched *watch_add(watch_list *w, int fd);
void watch_drop(watch_list *w, watched *c);

/* Cuts the connection that has been idle longest. False: none has been idle for half a second. */
bool watch_cut_idle(watch_list *w);

/* A phase begins. */
void watch_phase(watch_list *w, watched *c, watch_state state);

/* Bytes of a body have come. */
void watch_received(watch_list *w, watched *c, size_t bytes);

/* The client has announced that it sends nothing after this request ("Connection: close"). It may
 * then close its sending side and still wait for the answer. */
void watch_last_request(watch_list *w, watched *c);

/* Whether the client has hung up, as of the last round. One that has only closed its sending side
 * counts, unless it announced that. */
bool watch_gone(watch_list *w, watched *c);

#endif
