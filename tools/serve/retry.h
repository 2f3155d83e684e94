/* retry.h - when a client that was refused should try again. */
#ifndef SERVE_RETRY_H
#define SERVE_RETRY_H

#include "problem.h"
#include "server.h"

/* Seconds for the header Retry-After, at least 1, estimated from the work that waits and the time
 * that jobs took of late. 0 for RETRY_NEVER. */
int retry_after(server *s, retry_hint hint);

#endif
