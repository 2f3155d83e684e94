/* background_none.c - background.h where there is one thread, make THREADS=none: the owner does the
 * work at once. */
#include "background.h"

#include "core.h"

struct nbase__background {
    nbase_env env;
};

nbase_status nbase__background_create(const nbase_env *env, nbase__background **out)
{
    nbase__background *b = *out = nbase__alloc(env, sizeof *b);
    if (!b) return NBASE_ERR_NOMEM;
    b->env = *env;
    return NBASE_OK;
}

void nbase__background_free(nbase__background *b)
{
    if (!b) return;
    nbase_env env = b->env;
    nbase__free(&env, b);
}

void nbase__background_start(nbase__background *b, void (*function)(void *ctx), void *ctx)
{
    (void)b;
    function(ctx);
}

void nbase__background_wait(nbase__background *b) { (void)b; }
