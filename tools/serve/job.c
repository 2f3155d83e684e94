#include "job.h"

#include "monotonic.h"

bool job_continue(job *j)
{
    if (j->problem.status) return false;
    if (monotonic_seconds() > j->deadline) {
        j->problem.retry_after = RETRY_LATE;
        return problem_set(&j->problem, 503, "DEADLINE",
                           "the request was not done in the time that this server gives to one; "
                           "try again");
    }
    switch (j->need(j)) {
    case JOB_CLIENT_GONE: return problem_set(&j->problem, 408, "CANCELLED", "the client went away");
    case JOB_SERVER_STOPS:
        j->problem.retry_after = RETRY_STOPPING;
        return problem_set(&j->problem, 503, "NOT_READY", "the server stops");
    default: return true;
    }
}

void job_refuse(job *j)
{
    if (!j->problem.status) j->problem.retry_after = RETRY_ROOM;
    problem_set(&j->problem, 429, "BUSY",
                "too many requests are waiting already, or too many of this address; try again");
}

bool job_queue_init(job_queue *q, size_t limit)
{
    *q = (job_queue){.limit = limit};
    return pthread_mutex_init(&q->lock, NULL) == 0 && pthread_cond_init(&q->filled, NULL) == 0;
}

/* ---- lanes, under the queue's lock ---- */

static job_lane *lane_of(job_queue *q, job *j) { return j->lane ? j->lane : &q->shared; }

/* The lane's turn comes after those of all others. */
static void enter_round(job_queue *q, job_lane *lane)
{
    lane->next = NULL;
    if (q->last)
        q->last->next = lane;
    else
        q->first = lane;
    q->last = lane;
    q->lanes++;
}

static job_lane *leave_round(job_queue *q)
{
    job_lane *lane = q->first;
    q->first = lane->next;
    if (!q->first) q->last = NULL;
    q->lanes--;
    return lane;
}

static void append(job_queue *q, job *j)
{
    job_lane *lane = lane_of(q, j);
    j->next = NULL;
    if (lane->last)
        lane->last->next = j;
    else
        lane->first = j;
    lane->last = j;
    q->count++;
    if (lane->count++ == 0) enter_round(q, lane);
}

/* The first job of the lane whose turn it is, which then waits for its next turn. */
static job *take_turn(job_queue *q)
{
    job_lane *lane = leave_round(q);
    job *j = lane->first;
    lane->first = j->next;
    if (!lane->first) lane->last = NULL;
    q->count--;
    if (--lane->count > 0) enter_round(q, lane);
    j->next = NULL;
    q->paused -= j->paused;
    j->paused = false;
    return j;
}

/* Removes the newest job of the longest lane, if that has more than `lane` would have. */
static job *drop_newest(job_queue *q, const job_lane *lane)
{
    job_lane *longest = q->first;
    for (job_lane *l = q->first; l; l = l->next)
        if (l->count > longest->count) longest = l;
    if (!longest || longest->count <= lane->count + 1) return NULL;
    job *before = longest->first, *newest = longest->last; /* it has at least two */
    while (before->next != newest) before = before->next;
    before->next = NULL;
    longest->last = before;
    longest->count--;
    q->count--;
    return newest;
}

/* Moves the jobs that are not to be continued to the end of a list. */
static job **expire_lane(job_queue *q, job_lane *lane, job **end)
{
    lane->last = NULL;
    for (job **at = &lane->first; *at;) {
        job *j = *at;
        if (job_continue(j)) {
            lane->last = j;
            at = &j->next;
            continue;
        }
        *at = j->next;
        *end = j;
        end = &j->next;
        lane->count--;
        q->count--;
        q->paused -= j->paused;
    }
    return end;
}

/* ---- the queue ---- */

bool job_queue_push(job_queue *q, job *j)
{
    job *dropped = NULL;
    pthread_mutex_lock(&q->lock);
    if (!q->closed && q->count >= q->limit) dropped = drop_newest(q, lane_of(q, j));
    bool ok = !q->closed && q->count < q->limit;
    if (ok) {
        j->queue = q;
        append(q, j);
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    if (dropped) {
        job_refuse(dropped);
        dropped->done(dropped);
    }
    return ok;
}

void job_queue_put_back(job_queue *q, job *j)
{
    job_lane *lane = lane_of(q, j);
    pthread_mutex_lock(&q->lock);
    j->next = lane->first;
    lane->first = j;
    if (!lane->last) lane->last = j;
    q->count++;
    q->paused++;
    j->paused = true;
    if (lane->count++ == 0) enter_round(q, lane);
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

job *job_queue_take(job_queue *q, size_t most)
{
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->closed) pthread_cond_wait(&q->filled, &q->lock);
    job *taken = q->first ? take_turn(q) : NULL;
    job *end = taken;
    for (size_t n = 1; n < most && taken && taken->joinable && q->first; n++) {
        if (!q->first->first->joinable) break;
        end->next = take_turn(q);
        end = end->next;
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

void job_queue_expire(job_queue *q)
{
    job *over = NULL, **end = &over;
    pthread_mutex_lock(&q->lock);
    for (size_t n = q->lanes; n > 0; n--) {
        job_lane *lane = leave_round(q);
        end = expire_lane(q, lane, end);
        if (lane->count > 0) enter_round(q, lane);
    }
    *end = NULL;
    pthread_mutex_unlock(&q->lock);
    for (job *next; over; over = next) {
        next = over->next; /* done() may free the job */
        over->done(over);
    }
}

bool job_should_pause(job *j)
{
    job_queue *q = j->queue;
    if (!q) return false;
    job_lane *lane = lane_of(q, j);
    pthread_mutex_lock(&q->lock);
    bool others = q->lanes > (lane->count > 0) && q->paused < JOB_PAUSED_MOST;
    pthread_mutex_unlock(&q->lock);
    return others;
}

size_t job_queue_lanes(job_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->lanes;
    pthread_mutex_unlock(&q->lock);
    return n;
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
