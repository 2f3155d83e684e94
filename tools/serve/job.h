/* job.h - work that a request hands to the workers, and the bounded queue in between.
 *
 * A job is the part of a route's own state that the queue and the workers see: the route embeds it
 * in a struct with its input and its results (frames_job.h, photos_job.h). Everything else about
 * the work is behind the job's methods.
 *
 * Life of a job: the route fills it and pushes it; a worker takes it, calls prepare, judges the
 * sequence, calls conclude, and last of all calls done. From push to done it belongs to the queue
 * or to one worker; before and after, to the thread of its connection. */
#ifndef SERVE_JOB_H
#define SERVE_JOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "problem.h"
#include "score/sequence.h"
#include "workbench.h"

typedef struct job job;

typedef enum job_progress {
    JOB_PREPARED,
    JOB_FAILED, /* its problem is set */
    JOB_PAUSED  /* others wait: it is to be prepared further when its turn comes again */
} job_progress;

/* What a kind of job does on a worker's thread. */
typedef struct job_methods {
    /* Turns the input into the sequence that the model takes, and frees the input. If it did not
     * end with JOB_PREPARED, *out is empty or freed by sequence_free. One that was paused is called
     * again, perhaps by another worker. */
    job_progress (*prepare)(job *j, workbench *bench, sequence *out);
    /* Keeps what the route wants to answer besides the verdict. Called after prepare succeeded,
     * with a problem if there was no verdict. */
    void (*conclude)(job *j, workbench *bench, const sequence *judged);
} job_methods;

typedef enum job_need {
    JOB_NEEDED,
    JOB_CLIENT_GONE,
    JOB_SERVER_STOPS /* the server has given up what it had begun */
} job_need;

/* The waiting jobs of one address, in order of arrival. All zeros is an empty one. */
typedef struct job_lane {
    struct job_lane *next; /* in the queue's round */
    job *first, *last;
    size_t count;
} job_lane;

typedef struct job_queue job_queue;

struct job {
    job *next;        /* in its lane, or in the chain that a worker took */
    job_lane *lane;   /* that of the client's address; null: it shares one with others */
    job_queue *queue; /* where it was pushed */
    bool paused;      /* waits for another turn */
    double spent;     /* seconds of work on it so far */
    const job_methods *methods;
    /* May be judged in one call with other jobs that say the same: preparing it is quick. */
    bool joinable;
    double deadline; /* monotonic seconds: a job that is not done by then ends with DEADLINE */
    problem problem; /* out: status 0 if there is a verdict */
    verdict verdict; /* out */
    /* Called exactly once, when the job is over: by a worker, or by job_queue_expire. */
    void (*done)(job *j);
    /* Whether anybody waits for the answer. Any thread may ask between push and done. */
    job_need (*need)(const job *j);
    void *owner; /* for done and need */
};

/* Whether the job is still worth working on. If not, its problem is set: it had one already, its
 * time is over, or nobody needs it. Long work asks between two of its steps. */
bool job_continue(job *j);

/* A paused job holds the crops of its frames or photos, so there are only a few at a time. */
enum { JOB_PAUSED_MOST = 4 };

/* Whether long work should pause (JOB_PAUSED): jobs of other addresses wait. */
bool job_should_pause(job *j);

/* The addresses with waiting jobs take turns. */
struct job_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    job_lane *first, *last; /* the lanes that have jobs, whose turn it is first */
    job_lane shared;        /* of jobs without a lane */
    size_t lanes, count, limit;
    size_t paused; /* jobs that wait for another turn */
    bool closed;
};

/* A queue for at most `limit` waiting jobs. False: the system refused a lock. */
bool job_queue_init(job_queue *q, size_t limit);

/* Appends. A full queue makes room for an address that has fewer jobs in it than the one with the
 * most: that loses its newest, which ends with BUSY. False when there is no room, or the queue is
 * closed; then the job is still the caller's. */
bool job_queue_push(job_queue *q, job *j);

/* Puts a paused job back, before the others of its address, even if the queue is full or closed. */
void job_queue_put_back(job_queue *q, job *j);

/* Sets the problem of a job for which there is no room. */
void job_refuse(job *j);

/* Waits for work and takes it, from each address in turn and of one address in order of arrival:
 * one job, or a chain of up to `most` joinable ones. Null when the queue is closed and empty. */
job *job_queue_take(job_queue *q, size_t most);

/* Ends the jobs that have waited too long or that nobody needs, without waiting for a worker: sets
 * their problem and calls done. */
void job_queue_expire(job_queue *q);

/* Jobs that wait, and addresses that have any. */
size_t job_queue_length(job_queue *q);
size_t job_queue_lanes(job_queue *q);

/* Accepts no more jobs. Those that wait are still taken. */
void job_queue_close(job_queue *q);

/* The queue must be closed and empty, and no thread may use it any more. */
void job_queue_destroy(job_queue *q);

#endif
