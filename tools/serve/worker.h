/* worker.h - threads that judge what waits in the queue, several sequences at a time where that is
 * cheaper. */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <pthread.h>

#include "job.h"
#include "modelslot.h"
#include "photos/extract.h"

typedef struct worker_pool {
    job_queue *queue;
    model_slot *models;
    const mtcnn_weights *weights; /* null: this server detects no faces */
    extract_options extract;      /* mtcnn.num_threads is set from `threads` */
    size_t max_pixels;            /* of a photo */
    size_t min_photos;            /* with a face, for an analysis */
    int threads;                  /* of one worker's arithmetic */
    size_t most_together;         /* sequences judged in one call */
    pthread_t *ids;
    int count;
} worker_pool;

/* Starts `count` workers; false with what was started left running (worker_pool_join ends it). */
bool worker_pool_start(worker_pool *pool, int count);
/* Waits until the closed queue is empty and all workers are done. */
void worker_pool_join(worker_pool *pool);

#endif
