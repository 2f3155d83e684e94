#include "job.h"

#include "monotonic.h"
#include "serve_limits.h"

bool job_continue(job *j)
{
    if (j->problem.status) return false;
    if (monotonic_seconds() > j->deadline) {
        j->problem.retry_after = SERVE_RETRY_LATE;
        return problem_set(&j->problem, 503, "DEADLINE",
                           "the request was not done in the time that this server gives to one; "
                           "try again");
    }
    switch (j->need(j)) {
    case JOB_CLIENT_GONE: return problem_set(&j->problem, 408, "CANCELLED", "the client went away");
    case JOB_SERVER_STOPS:
        j->problem.retry_after = SERVE_RETRY_STOPPING;
        return problem_set(&j->problem, 503, "NOT_READY", "the server stops");
    default: return true;
    }
}

bool job_queue_init(job_queue *q, size_t limit)
{
    *q = (job_queue){.limit = limit};
    return pthread_mutex_init(&q->lock, NULL) == 0 && pthread_cond_init(&q->filled, NULL) == 0;
}

bool job_queue_push(job_queue *q, job *j)
{
    pthread_mutex_lock(&q->lock);
    bool ok = !q->closed && q->count < q->limit;
    if (ok) {
        j->next = NULL;
        if (q->last)
            q->last->next = j;
        else
            q->first = j;
        q->last = j;
        q->count++;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return ok;
}

job *job_queue_take(job_queue *q, size_t most)
{
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->closed) pthread_cond_wait(&q->filled, &q->lock);
    job *taken = q->first, *end = taken;
    if (taken) {
        size_t n = 1;
        while (n < most && taken->joinable && end->next && end->next->joinable)
            end = end->next, n++;
        q->first = end->next;
        if (!q->first) q->last = NULL;
        end->next = NULL;
        q->count -= n;
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

void job_queue_expire(job_queue *q)
{
    job *over = NULL, **end = &over;
    pthread_mutex_lock(&q->lock);
    job *last = NULL;
    for (job **at = &q->first; *at;) {
        job *j = *at;
        if (job_continue(j)) {
            last = j;
            at = &j->next;
            continue;
        }
        *at = j->next;
        *end = j;
        end = &j->next;
        q->count--;
    }
    *end = NULL;
    q->last = last;
    pthread_mutex_unlock(&q->lock);
    for (job *next; over; over = next) {
        next = over->next; /* done() may free the job */
        over->done(over);
    }
}

size_t job_queue_length(job_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void job_queue_close(job_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

void job_queue_destroy(job_queue *q)
{
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->filled);
}
