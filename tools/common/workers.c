#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cli.h"
#include "nbase.h"

enum { MAX_WORKERS = 256 };

typedef struct job {
    size_t count;
    atomic_size_t next;
    void (*work)(void *ctx, int worker, size_t item);
    void *ctx;
} job;

typedef struct hand {
    job *job;
    int worker;
    pthread_t thread;
} hand;

static void *run(void *argument)
{
    hand *h = argument;
    for (size_t item;
         !cli_interrupted() && (item = atomic_fetch_add(&h->job->next, 1)) < h->job->count;)
        h->job->work(h->job->ctx, h->worker, item);
    return NULL;
}

int workers_count(size_t count, int threads)
{
    if (threads <= 0) threads = nbase_cpu_count();
    if (threads > MAX_WORKERS) threads = MAX_WORKERS;
    if ((size_t)threads > count) threads = (int)count;
    return threads < 1 ? 1 : threads;
}

void workers_run(size_t count, int threads, void (*work)(void *ctx, int worker, size_t item),
                 void *ctx)
{
    job j = {.count = count, .work = work, .ctx = ctx};
    hand hands[MAX_WORKERS];
    int wanted = workers_count(count, threads), started = 1;
    hands[0] = (hand){.job = &j, .worker = 0};
    for (; started < wanted; started++) {
        hands[started] = (hand){.job = &j, .worker = started};
        if (pthread_create(&hands[started].thread, NULL, run, &hands[started])) break;
    }
    run(&hands[0]); /* the calling thread works too */
    for (int i = 1; i < started; i++) pthread_join(hands[i].thread, NULL);
}
