/* background.h - internal: a thread that does one thing at a time while its owner goes on.
 *
 * Like the helpers of threads.h it takes no signals and has a stack of a fixed size. Where it
 * cannot be started, and in a child after fork, the owner does its work at once instead. */
#ifndef NBASE_BACKGROUND_H
#define NBASE_BACKGROUND_H

#include "nbase.h"

typedef struct nbase__background nbase__background;

/* The caller ends it with nbase__background_free. NBASE_ERR_NOMEM only. */
nbase_status nbase__background_create(const nbase_env *env, nbase__background **out);

/* Waits for what it does, and ends it. Null is allowed. */
void nbase__background_free(nbase__background *b);

/* Waits for what it does, and starts function(ctx), which must not use `b`. From the owner's thread
 * only, as all of these. */
void nbase__background_start(nbase__background *b, void (*function)(void *ctx), void *ctx);

/* Returns when it has nothing to do; what it wrote can be read then. */
void nbase__background_wait(nbase__background *b);

#endif
