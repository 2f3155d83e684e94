/* acceptor.h - the thread that accepts connections and hands them to the HTTP library. The library
 * has no listening socket of its own: at the limit of connections, and when the server stops, it
 * would change that socket while its threads use it.
 *
 * Who may stay is decided elsewhere (watch.h). The limit here is one on descriptors. */
#ifndef SERVE_ACCEPTOR_H
#define SERVE_ACCEPTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "listener.h"

typedef struct acceptor {
    /* Takes over an accepted socket. False: it was refused, and is closed already. */
    bool (*take)(void *ctx, int fd, const struct sockaddr *peer, socklen_t size);
    void *ctx;
    listener *listener;
    size_t limit;        /* connections that may be open at a time */
    _Atomic size_t open; /* accepted and not yet closed */
    _Atomic bool stop;
    int wake; /* eventfd, or 0 */
    pthread_t thread;
    bool running;
} acceptor;

/* Starts the thread; the caller has set the fields up to limit. False on failure. */
bool acceptor_start(acceptor *a, nbase_error *err);

/* A connection was closed: there is room for another. Any thread may call it. */
void acceptor_closed(acceptor *a);

/* Hands over whoever is in the backlog, even beyond the limit, closes the listening socket and ends
 * the thread. Nobody who was connected by then is lost. Safe if it never started. */
void acceptor_stop(acceptor *a);

/* Frees the rest, when no connection is left that could call acceptor_closed. Safe if it never
 * started. */
void acceptor_free(acceptor *a);

#endif
