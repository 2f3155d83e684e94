/* job.h - one sequence to be judged, and the bounded queue between the connections and the
 * workers. */
#ifndef SERVE_JOB_H
#define SERVE_JOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "analysis.h"
#include "framearray.h"
#include "problem.h"
#include "score/sequence.h"

typedef struct job job;
struct job {
    job *next;
    double deadline; /* monotonic seconds; what is not done by then is answered with DEADLINE */
    /* in: encoded photos to be analysed; or a finished array of frames, which with `detect` are
     * photos in which the face is looked for first */
    photo_list photos;
    frame_array frames;
    bool detect, explain;
    /* out */
    problem problem;
    verdict verdict;
    analysis analysis; /* of photos */
    /* of the model that judged: another may be in service when the answer is written */
    char model_id[17], label[64], note[240]; /* label: of verdict.prob_class */
    uint64_t model_generation;
    bool calibrated;
    /* Called once by a worker, or by job_queue_close for those still waiting. `gone` asks whether
     * anybody still waits for the answer. */
    void (*done)(job *j);
    bool (*gone)(const job *j);
    void *owner;
};

typedef struct job_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    job *first, *last;
    size_t count, limit;
    bool closed;
} job_queue;

double monotonic_seconds(void);

/* Whether the job is still worth working on; if not, its problem is set. */
bool job_go_on(job *j);

bool job_queue_init(job_queue *q, size_t limit);
/* False when the queue is full or closed. */
bool job_queue_push(job_queue *q, job *j);
/* Waits for work. A chain of up to `most` jobs in order of arrival: one, or several whose frames
 * are crops (no detection) and can be judged together. Null when closed and empty. */
job *job_queue_take(job_queue *q, size_t most);
size_t job_queue_length(job_queue *q);
/* No more jobs come in; those waiting are still taken. */
void job_queue_close(job_queue *q);
void job_queue_destroy(job_queue *q);

#endif
