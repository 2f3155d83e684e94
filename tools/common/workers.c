#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cli.h"
#include "nbase.h"

enum { MAX_WORKERS = 256 };

typedef struct worker_job {
    size_t count;
    atomic_size_t next;
    void (*work)(void *ctx, int worker, size_t item);
    void *ctx;
} worker_job;

typedef struct worker_thread {
    worker_job *job;
    int worker;
    pthread_t thread;
} worker_thread;

static void *worker_main(void *argument)
{
    worker_thread *self = argument;
    for (size_t item;
         !cli_interrupted() && (item = atomic_fetch_add(&self->job->next, 1)) < self->job->count;)
        self->job->work(self->job->ctx, self->worker, item);
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
    worker_job j = {.count = count, .work = work, .ctx = ctx};
    worker_thread team[MAX_WORKERS];
    int wanted = workers_count(count, threads), started = 1;
    team[0] = (worker_thread){.job = &j, .worker = 0};
    for (; started < wanted; started++) {
        team[started] = (worker_thread){.job = &j, .worker = started};
        if (pthread_create(&team[started].thread, NULL, worker_main, &team[started])) break;
    }
    worker_main(&team[0]); /* the calling thread works too */
    for (int i = 1; i < started; i++) pthread_join(team[i].thread, NULL);
}
