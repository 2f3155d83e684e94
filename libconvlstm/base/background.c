#include "background.h"

#include <pthread.h>
#include <stdbool.h>

#include "core.h"
#include "os.h"

#define STACK ((size_t)1 << 20) /* bytes, as for the helpers of threads_pool.c */

struct nbase__background {
    nbase_env env;
    uint64_t process; /* that has the thread; 0: there is none */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    void (*function)(void *ctx); /* what it is to do, or does; null: nothing */
    void *ctx;
    bool ending;
};

static void *serve(void *arg)
{
    nbase__background *b = arg;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (!b->function && !b->ending) pthread_cond_wait(&b->change, &b->lock);
        if (!b->function) break;
        pthread_mutex_unlock(&b->lock);
        b->function(b->ctx);
        pthread_mutex_lock(&b->lock);
        b->function = NULL;
        pthread_cond_broadcast(&b->change);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static bool has_thread(const nbase__background *b) { return b->process == nbase__os_process(); }

nbase_status nbase__background_create(const nbase_env *env, nbase__background **out)
{
    nbase__background *b = nbase__calloc(env, 1, sizeof *b);
    *out = b;
    if (!b) return NBASE_ERR_NOMEM;
    b->env = *env;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->change, NULL);
    if (nbase__os_thread_start(&b->thread, STACK, serve, b)) b->process = nbase__os_process();
    return NBASE_OK;
}

void nbase__background_free(nbase__background *b)
{
    if (!b) return;
    if (has_thread(b)) {
        pthread_mutex_lock(&b->lock);
        b->ending = true;
        pthread_cond_broadcast(&b->change);
        pthread_mutex_unlock(&b->lock);
        pthread_join(b->thread, NULL);
        pthread_cond_destroy(&b->change);
        pthread_mutex_destroy(&b->lock);
    }
    nbase_env env = b->env;
    nbase__free(&env, b);
}

void nbase__background_start(nbase__background *b, void (*function)(void *ctx), void *ctx)
{
    if (!has_thread(b)) {
        function(ctx);
        return;
    }
    nbase__background_wait(b);
    pthread_mutex_lock(&b->lock);
    b->function = function;
    b->ctx = ctx;
    pthread_cond_broadcast(&b->change);
    pthread_mutex_unlock(&b->lock);
}

void nbase__background_wait(nbase__background *b)
{
    if (!has_thread(b)) return;
    pthread_mutex_lock(&b->lock);
    while (b->function) pthread_cond_wait(&b->change, &b->lock);
    pthread_mutex_unlock(&b->lock);
}
