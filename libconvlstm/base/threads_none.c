/* Loops and teams where there is one thread: make THREADS=none. */
#include "threads.h"

void nbase__parallel_for(int threads, size_t n, void (*body)(void *ctx, size_t i, int thread),
                         void *ctx)
{
    (void)threads;
    for (size_t i = 0; i < n; i++) body(ctx, i, 0);
}

void nbase__parallel_team(int threads, void (*body)(void *ctx, nbase__team *team, int thread),
                          void *ctx)
{
    (void)threads;
    nbase__team team = {.threads = 1};
    body(ctx, &team, 0);
}
