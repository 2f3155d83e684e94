#include "threads_together.h"

#include "threads.h"

typedef struct loop {
    void (*body)(void *ctx, size_t i, int thread);
    void *ctx;
    size_t n;
    _Atomic size_t next;
} loop;

static void prepare_loop(void *context, int threads)
{
    (void)context;
    (void)threads;
}

static void take_items(void *context, int thread)
{
    loop *l = context;
    for (size_t i; (i = atomic_fetch_add(&l->next, 1)) < l->n;) l->body(l->ctx, i, thread);
}

void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx)
{
    if (!n) return;
    loop l = {.body = body, .ctx = ctx, .n = n};
    int useful = threads > 1 && n < (size_t)threads ? (int)n : threads;
    nbase__run_together(useful, prepare_loop, take_items, &l);
}

typedef struct gathering {
    void (*body)(void *ctx, nbase__team *team, int thread);
    void *ctx;
    nbase__team team;
} gathering;

static void prepare_team(void *context, int threads)
{
    ((gathering *)context)->team.threads = threads;
}

static void join_team(void *context, int thread)
{
    gathering *g = context;
    g->body(g->ctx, &g->team, thread);
}

void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx)
{
    gathering g = {.body = body, .ctx = ctx};
    nbase__run_together(threads, prepare_team, join_team, &g);
}
