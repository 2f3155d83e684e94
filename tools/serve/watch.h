/* watch.h - watches the connections: admits them, cuts those whose client is too slow, and notices
 * clients that hang up, whatever the HTTP library sees.
 *
 * Of `limit` ordinary connections one address may have `per_address`. At the limit an idle one is
 * cut for a newcomer, or one of the address that has most, if that has more than the newcomer's.
 * Whoever then finds no place gets one of the reserve: there only vital routes are answered, until
 * an ordinary place is free. Of the reserve the oldest is cut for a newcomer.
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

#include "peer.h"

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
    size_t limit, per_address;    /* set after watch_init */
    size_t connections, reserved; /* that were not cut */
    double patience;
    /* Sends an interim answer (HTTP 100), set after watch_init; null: it is never sent. */
    void (*send_interim)(void *connection, int fd);
    _Atomic uint64_t *cut;  /* counts the connections that were cut because of slowness */
    struct pollfd *polled;  /* room for a round over all connections */
    watched **polled_order; /* whose they are */
    size_t room;
} watch_list;

void watch_init(watch_list *w, double patience, _Atomic uint64_t *cut);
void watch_free(watch_list *w);

/* One round over all connections. Called a few times a second. */
void watch_round(watch_list *w);

/* Adds a connection that was accepted, and decides on its place. Null: out of memory; then it must
 * be refused. The peer must outlive it. */
watched *watch_admit(watch_list *w, int fd, peer *p);

/* The HTTP library has this connection now, and will say when it closes it: only from here on it is
 * watched. connection: for send_interim. Null: it was not admitted. */
watched *watch_begin(watch_list *w, int fd, void *connection);

/* Removes a connection before its descriptor is closed, or one that never began. Returns its peer.
 * All functions below accept null. */
peer *watch_drop(watch_list *w, watched *c);

peer *watch_peer(const watched *c);

/* Whether a request that is not vital may be answered: the connection has an ordinary place, or
 * gets one now. */
bool watch_has_place(watch_list *w, watched *c);

/* A phase begins. */
void watch_phase(watch_list *w, watched *c, watch_state state);

/* Bytes of a body have come. False: the connection was cut, and the rest of it is not worth
 * reading, of which the HTTP library may still have a part. */
bool watch_received(watch_list *w, watched *c, size_t bytes);

/* The client has announced that it sends nothing after this request ("Connection: close"). It may
 * then close its sending side and still wait for the answer. */
void watch_last_request(watch_list *w, watched *c);

/* Whether an interim answer may be sent while the state is `from` or a later one: the client knows
 * HTTP 1.1, and nothing else is sent to it until then. WATCH_IDLE: never. */
void watch_may_probe(watch_list *w, watched *c, watch_state from);

/* Whether the client has hung up, as of the last round. One that has closed its sending side may
 * still read the answer: an interim answer is sent to it, and if nobody is there, its system says
 * so. Where that is not possible it counts as gone, unless it announced it. */
bool watch_gone(watch_list *w, watched *c);

#endif
