/* listener.h - the address at which the server listens. */
#ifndef SERVE_LISTENER_H
#define SERVE_LISTENER_H

#include <stdbool.h>

#include "nbase.h"

typedef struct listener {
    int fd;           /* -1: closed */
    char address[80]; /* as bound, for example "127.0.0.1:5000" or "[::1]:5000" */
} listener;

/* Binds and listens.
 *   text     HOST:PORT, for example "127.0.0.1:5000", "[::1]:5000", "localhost:0" (a free port),
 *            or ":80" for all addresses
 *   guarded  something keeps strangers out. Without it an address that can be reached from outside
 *            is refused
 * False on failure. */
bool listener_open(listener *l, const char *text, bool guarded, nbase_error *err);

/* Safe on a closed one. */
void listener_close(listener *l);

#endif
