#include "worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "monotonic.h"
#include "serve_limits.h"

struct worker {
    worker_pool *pool;
    pthread_t thread;
    _Atomic double busy_since; /* monotonic seconds; 0: idle */
};

/* Jobs that are worked on together, and what became of their input. */
typedef struct batch {
    job *jobs[SERVE_MAX_BATCH];
    sequence sequences[SERVE_MAX_BATCH]; /* empty where the job has a problem */
    size_t count;
} batch;

/* Jobs of a batch whose sequences have one size. */
typedef struct group {
    job *jobs[SERVE_MAX_BATCH];
    const sequence *parts[SERVE_MAX_BATCH];
    size_t count;
} group;

/* Several sequences of one size as one batch. The shorter ones are padded with masked frames, which
 * changes no bit of their answers. */
static bool join(const group *g, sequence *out)
{
    const sequence *first = g->parts[0];
    size_t frames = 0, values = first->height * first->width * 3;
    for (size_t i = 0; i < g->count; i++)
        if (g->parts[i]->frames > frames) frames = g->parts[i]->frames;
    *out = (sequence){
        .batch = g->count, .frames = frames, .height = first->height, .width = first->width};
    out->img = calloc(g->count * frames * values, sizeof *out->img);
    out->mask = calloc(g->count * frames, 1);
    if (!out->img || !out->mask) {
        sequence_free(out);
        return false;
    }
    for (size_t i = 0; i < g->count; i++) {
        const sequence *part = g->parts[i];
        memcpy(out->img + i * frames * values, part->img, part->frames * values * sizeof *out->img);
        memcpy(out->mask + i * frames, part->mask, part->frames);
    }
    return true;
}

static void set_verdict(job *j, const verdict *v)
{
    j->verdict = *v;
    if (v->status == NBASE_ERR_NO_VALID_FRAMES)
        problem_set(&j->problem, 422, "NO_VALID_FRAMES",
                    "every frame is empty: there is nothing to judge");
    else if (v->status)
        problem_set(&j->problem, 500, "INTERNAL", "the model gave no number (%s)",
                    nbase_status_name(v->status));
}

static void set_failure(job *j, nbase_status status, convlstm_session *session)
{
    if (status == NBASE_ERR_NOMEM)
        problem_memory(&j->problem);
    else
        problem_set(&j->problem, 500, "INTERNAL", "%s", convlstm_session_error(session));
}

static void judge(workbench *bench, const group *g)
{
    sequence joined = {0};
    verdict verdicts[SERVE_MAX_BATCH];
    const sequence *all = g->parts[0];
    if (g->count > 1) all = join(g, &joined) ? &joined : NULL;
    nbase_status status = all ? sequence_judge(bench->session, all, verdicts) : NBASE_ERR_NOMEM;
    sequence_free(&joined);
    for (size_t i = 0; i < g->count; i++) {
        job *j = g->jobs[i];
        if (status == NBASE_OK)
            set_verdict(j, &verdicts[i]);
        else
            set_failure(j, status, bench->session);
        j->methods->conclude(j, bench, g->parts[i]);
    }
}

/* Judges jobs of one size together, in order of arrival. */
static void judge_groups(workbench *bench, const batch *b)
{
    bool taken[SERVE_MAX_BATCH] = {false};
    for (size_t i = 0; i < b->count; i++) {
        group g = {.count = 0};
        for (size_t k = i; k < b->count; k++) {
            const sequence *s = &b->sequences[k];
            bool fits = s->height == b->sequences[i].height && s->width == b->sequences[i].width;
            if (taken[k] || b->jobs[k]->problem.status || !fits) continue;
            taken[k] = true;
            g.jobs[g.count] = b->jobs[k];
            g.parts[g.count++] = s;
        }
        if (g.count) judge(bench, &g);
    }
}

/* Prepares a chain. Jobs that pause go back to the queue. */
static void prepare_all(worker_pool *pool, workbench *bench, job *chain, batch *b)
{
    problem no_model = {0};
    /* Once: one model judges the whole chain, whatever is put into service meanwhile. */
    workbench_follow_model(bench, &no_model);
    for (job *j = chain, *next; j; j = next) {
        double begin = monotonic_seconds();
        job_progress progress = JOB_FAILED;
        next = j->next;
        b->sequences[b->count] = (sequence){0};
        if (no_model.status) j->problem = no_model;
        if (job_continue(j)) {
            progress = j->methods->prepare(j, bench, &b->sequences[b->count]);
            j->spent += monotonic_seconds() - begin;
        }
        if (progress == JOB_PAUSED)
            job_queue_put_back(pool->queue, j); /* another worker may have it now */
        else
            b->jobs[b->count++] = j;
    }
}

/* Moves the mean a little towards what one job took. Some steps of several workers may be lost. */
static void note_pace(worker_pool *pool, double seconds)
{
    double mean = atomic_load(&pool->pace);
    atomic_store(&pool->pace, mean > 0 ? mean + 0.2 * (seconds - mean) : seconds);
}

static void work_on(worker_pool *pool, workbench *bench, job *chain)
{
    batch b = {.count = 0};
    prepare_all(pool, bench, chain, &b);
    double begin = monotonic_seconds();
    judge_groups(bench, &b);
    double judged = monotonic_seconds() - begin;
    for (size_t i = 0; i < b.count; i++) {
        job *j = b.jobs[i];
        sequence_free(&b.sequences[i]);
        if (j->spent > 0) note_pace(pool, j->spent + judged / (double)b.count);
        j->done(j);
    }
}

double worker_pool_pace(const worker_pool *pool)
{
    double now = monotonic_seconds(), most = atomic_load(&pool->pace);
    for (int i = 0; i < pool->count; i++) {
        double since = atomic_load(&pool->workers[i].busy_since);
        if (since > 0 && now - since > most) most = now - since;
    }
    return most / (pool->count > 0 ? pool->count : 1);
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    worker_pool *pool = w->pool;
    workbench bench;
    workbench_init(&bench, &pool->settings);
    /* Below the threads that answer, so that health, refusals and uploads are quick at full load.
     * The threads of the arithmetic inherit it. It does no harm if it is not allowed. */
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5);
    for (job *chain; (chain = job_queue_take(pool->queue, pool->max_batch));) {
        atomic_store(&w->busy_since, monotonic_seconds());
        work_on(pool, &bench, chain);
        atomic_store(&w->busy_since, 0);
    }
    workbench_free(&bench);
    pthread_mutex_lock(&pool->lock);
    if (--pool->running == 0) pthread_cond_signal(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

bool worker_pool_start(worker_pool *pool, int count)
{
    pool->settings.extract.mtcnn.num_threads = pool->settings.threads;
    pthread_mutex_init(&pool->lock, NULL);
    monotonic_cond_init(&pool->ended);
    pool->workers = calloc((size_t)count, sizeof *pool->workers);
    if (!pool->workers) return false;
    pthread_mutex_lock(&pool->lock);
    while (pool->count < count) {
        worker *w = &pool->workers[pool->count];
        w->pool = pool;
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) break;
        pool->count++;
        pool->running++;
    }
    pthread_mutex_unlock(&pool->lock);
    return pool->count == count;
}

bool worker_pool_stuck(const worker_pool *pool, double seconds)
{
    double latest = monotonic_seconds() - seconds;
    for (int i = 0; i < pool->count; i++) {
        double since = atomic_load(&pool->workers[i].busy_since);
        if (since == 0 || since > latest) return false;
    }
    return pool->count > 0;
}

/* Waits until no worker is running. False after `seconds`. */
static bool wait_for_workers(worker_pool *pool, double seconds)
{
    double until = monotonic_seconds() + seconds;
    int code = 0;
    pthread_mutex_lock(&pool->lock);
    while (pool->running > 0 && code == 0) code = monotonic_wait(&pool->ended, &pool->lock, until);
    bool ended = pool->running == 0;
    pthread_mutex_unlock(&pool->lock);
    return ended;
}

bool worker_pool_join(worker_pool *pool, double seconds)
{
    if (pool->count > 0 && !wait_for_workers(pool, seconds)) return false;
    for (int i = 0; i < pool->count; i++) pthread_join(pool->workers[i].thread, NULL);
    free(pool->workers);
    pool->workers = NULL;
    pool->count = 0;
    return true;
}
