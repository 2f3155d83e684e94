/* worker.h - the threads that judge what waits in the queue, several sequences at a time where that
 * is cheaper. */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "job.h"
#include "workbench.h"

typedef struct worker worker; /* one thread */

typedef struct worker_pool {
    job_queue *queue;
    work_settings settings;
    size_t max_batch; /* sequences judged in one call, 1 to SERVE_MAX_BATCH */
    worker *workers;
    int count;
    _Atomic double pace; /* seconds of work for a job, of late; 0: not known yet */
    /* For worker_pool_join. */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int running; /* workers that have not ended */
} worker_pool;

/* Starts `count` workers; the caller has set the first three fields. False: the system refused a
 * thread; worker_pool_join ends those that were started. */
bool worker_pool_start(worker_pool *pool, int count);

/* Whether every worker has been busy with the same work for more than `seconds`: then nobody takes
 * what waits in the queue. Any thread may ask while the pool runs. */
bool worker_pool_stuck(const worker_pool *pool, double seconds);

/* Estimated seconds in which the pool gets one more job done. Any thread may ask. */
double worker_pool_pace(const worker_pool *pool);

/* Waits until the closed queue is empty and all workers are done, at most `seconds`. False if some
 * worker is still busy then; the pool must then be left as it is. */
bool worker_pool_join(worker_pool *pool, double seconds);

#endif
