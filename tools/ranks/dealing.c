/* dealing.c - ranks_deal: items dealt out as ranks become free.
 *
 * On every rank threads of its own do the blocks that lie in a queue, and the calling thread does
 * the rest, since only it may send and receive: it moves blocks into the queue and results out of
 * it. Rank 0 is the dealer. It knows what each rank has in hand, and gives it a block as soon as
 * that is less than its threads and one more, so that no thread waits for a message; near the end
 * nobody gets one more, so that no block waits while another rank has nothing to do.
 *
 * Where the system allows no further thread the calling thread does the blocks, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "ranks_own.h"
#include "system_wait.h"

enum {
    TICK = 1000 * 1000,       /* nanoseconds between looks for messages */
    ALONE = 100 * 1000 * 1000 /* the same without other ranks: for Ctrl-C */
};

/* Messages of WIRE_EVENT. */
typedef enum event_kind {
    EVENT_READY = 1, /* to rank 0: how many threads there are */
    EVENT_LINE,      /* to rank 0: a line for stderr */
    EVENT_RESULT,    /* to rank 0: of a block */
    EVENT_UNDONE,    /* to rank 0: a block that was not done, after a signal */
    EVENT_FAILED,    /* to rank 0: a block that ends the job */
    EVENT_SIGNAL,    /* to rank 0: this rank had one. From rank 0: one of the ranks had one */
    EVENT_BLOCK,     /* from rank 0 */
    EVENT_OVER       /* from rank 0: no more will come */
} event_kind;

/* Some items, on their way to a thread, or with their result on the way back. */
typedef struct block {
    struct block *next;
    size_t first, count;
    event_kind kind; /* RESULT, UNDONE or FAILED */
    parcel result;
    nbase_error err;
} block;

typedef struct block_queue {
    block *first, **end;
} block_queue;

typedef struct dealing {
    ranks *r; /* null: alone */
    const deal_job *job;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t to_do_there, done_there;
    block_queue to_do, done;
    bool closed; /* threads end when to_do is empty */

    /* ---- the calling thread's own ---- */
    bool single;      /* there are no threads but this one */
    bool over;        /* no more blocks will come */
    bool told_signal; /* this rank has told the others of a signal */
    bool failed;      /* *err is filled */
    nbase_error *err;

    /* ---- the dealer's own ---- */
    size_t next;       /* first item that nobody has */
    size_t *in_hand;   /* (ranks) blocks */
    size_t *threads;   /* (ranks); 0: the rank has not been heard of yet */
    uint8_t *finished; /* (count) */
    size_t settled;    /* items before the first one that is not finished */
} dealing;

typedef struct deal_thread {
    dealing *d;
    int worker;
    pthread_t thread;
} deal_thread;

static void push(block_queue *q, block *b)
{
    b->next = NULL;
    *q->end = b;
    q->end = &b->next;
}

static block *pop(block_queue *q)
{
    block *b = q->first;
    if (b && !(q->first = b->next)) q->end = &q->first;
    return b;
}

static block *new_block(size_t first, size_t count)
{
    block *b = calloc(1, sizeof *b);
    if (b) *b = (block){.first = first, .count = count};
    return b;
}

static void free_block(block *b)
{
    parcel_free(&b->result);
    free(b);
}

/* ---- threads ---- */

static void do_block(dealing *d, int worker, block *b)
{
    const deal_job *job = d->job;
    b->kind = EVENT_UNDONE;
    if (cli_interrupted()) return;
    bool ok = job->work(job->ctx, worker, b->first, b->count, &b->result, &b->err);
    if (ok && parcel_failed(&b->result)) ok = tool_no_memory(&b->err);
    bool cancelled = !ok && b->err.status == NBASE_ERR_CANCELLED && cli_interrupted();
    b->kind = ok ? EVENT_RESULT : cancelled ? EVENT_UNDONE : EVENT_FAILED;
}

static void *thread_main(void *argument)
{
    deal_thread *self = argument;
    dealing *d = self->d;
    pthread_mutex_lock(&d->lock);
    for (;;) {
        block *b = pop(&d->to_do);
        if (!b && d->closed) break;
        if (!b) {
            pthread_cond_wait(&d->to_do_there, &d->lock);
            continue;
        }
        pthread_mutex_unlock(&d->lock);
        do_block(d, self->worker, b);
        pthread_mutex_lock(&d->lock);
        push(&d->done, b);
        pthread_cond_signal(&d->done_there);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* Does a block on the calling thread. False: there is none to do. */
static bool do_here(dealing *d)
{
    block *b = pop(&d->to_do);
    if (!b) return false;
    do_block(d, 0, b);
    push(&d->done, b);
    return true;
}

static void add_to_do(dealing *d, block *b)
{
    pthread_mutex_lock(&d->lock);
    push(&d->to_do, b);
    pthread_cond_signal(&d->to_do_there);
    pthread_mutex_unlock(&d->lock);
}

static block *take_done(dealing *d)
{
    pthread_mutex_lock(&d->lock);
    block *b = pop(&d->done);
    pthread_mutex_unlock(&d->lock);
    return b;
}

/* Waits until a thread is done with a block, but not for long. */
static void await_done(dealing *d)
{
    if (d->single && do_here(d)) return;
    pthread_mutex_lock(&d->lock);
    if (!d->done.first) system_wait(&d->done_there, &d->lock, d->r ? TICK : ALONE);
    pthread_mutex_unlock(&d->lock);
}

/* ---- messages ---- */

static bool post(dealing *d, int to, event_kind kind, size_t first, size_t count,
                 const parcel *more)
{
    parcel p = {0};
    parcel_put_size(&p, kind);
    parcel_put_size(&p, first);
    parcel_put_size(&p, count);
    if (more) parcel_put(&p, more->data, more->size);
    return wire_post(&d->r->wire, to, WIRE_EVENT, &p, d->err);
}

/* Takes the lines that threads have printed. */
static ranks_line *take_lines(ranks *r)
{
    pthread_mutex_lock(&r->lock);
    ranks_line *first = r->lines;
    r->lines = NULL;
    r->lines_end = &r->lines;
    pthread_mutex_unlock(&r->lock);
    return first;
}

static bool post_lines(dealing *d)
{
    bool ok = true;
    for (ranks_line *l = take_lines(d->r), *next; l; l = next) {
        next = l->next;
        parcel text = {0};
        parcel_put_text(&text, l->text);
        ok = ok && post(d, 0, EVENT_LINE, 0, 0, &text);
        parcel_free(&text);
        free(l);
    }
    return ok;
}

/* ---- the dealer ---- */

/* A block has come back from a rank: notes that, and hands a result to the job. */
static bool settle(dealing *d, int rank, event_kind kind, size_t first, size_t count,
                   parcel *result)
{
    d->in_hand[rank]--;
    if (kind != EVENT_RESULT) return true;
    memset(d->finished + first, 1, count);
    while (d->settled < d->job->count && d->finished[d->settled]) d->settled++;
    if (d->failed) return true;
    d->failed = !d->job->collect(d->job->ctx, first, count, result, d->err);
    if (!d->failed && parcel_failed(result))
        d->failed = !tool_fail(d->err, NBASE_ERR_FORMAT, "rank %d sent half a result", rank);
    return true;
}

/* A block on whose account the job ends, for the first of such reasons. */
static void note_failure(dealing *d, int rank, const char *text, nbase_status status)
{
    if (d->failed) return;
    d->failed = true;
    if (rank)
        tool_fail(d->err, status, "rank %d on %s: %s", rank, d->r->all[rank].host, text);
    else
        tool_fail(d->err, status, "%s", text);
}

/* The dealer's answer to a message of another rank. */
static bool hear_rank(dealing *d, int from, parcel *p)
{
    size_t kind = parcel_take_size(p), first = parcel_take_size(p), count = parcel_take_size(p);
    char who[120];
    const char *text;
    bool items = kind == EVENT_RESULT || kind == EVENT_UNDONE || kind == EVENT_FAILED;
    if (parcel_failed(p) || (items && (first > d->job->count || count > d->job->count - first)))
        return tool_fail(d->err, NBASE_ERR_FORMAT, "rank %d sent a message without sense", from);
    switch (kind) {
    case EVENT_READY: d->threads[from] = count; return true;
    case EVENT_LINE:
        if ((text = parcel_take_text(p))) cli_print_line(text);
        return true;
    case EVENT_SIGNAL:
        snprintf(who, sizeof who, "rank %d on %s", from, d->r->all[from].host);
        ranks_note_interrupt(d->r, who);
        return true;
    case EVENT_FAILED:
        text = parcel_take_text(p);
        note_failure(d, from, text ? text : "failed", NBASE_ERR_IO);
        return settle(d, from, EVENT_FAILED, first, count, p);
    default: return settle(d, from, (event_kind)kind, first, count, p);
    }
}

/* Gives the next block to a rank. */
static bool give_block(dealing *d, int rank)
{
    const deal_job *job = d->job;
    size_t left = job->count - d->next, count = left < job->block ? left : job->block;
    size_t first = d->next;
    d->next += count;
    d->in_hand[rank]++;
    if (rank) return post(d, rank, EVENT_BLOCK, first, count, NULL);
    block *b = new_block(first, count);
    if (!b) return tool_no_memory(d->err);
    add_to_do(d, b);
    return true;
}

/* Gives every rank blocks, one each in turn, until each has one per thread and, while there are
 * many left, one more; but none that is job->ahead of the first item that is not finished. */
static bool deal_out(dealing *d)
{
    const deal_job *job = d->job;
    size_t all = 0, size = (size_t)ranks_size(d->r);
    for (size_t rank = 0; rank < size; rank++) all += d->threads[rank];
    for (bool given = true; given;) {
        given = false;
        for (size_t rank = 0; rank < size; rank++) {
            size_t left = (job->count - d->next + job->block - 1) / job->block;
            bool more = left > 2 * all, open = !job->ahead || d->next < d->settled + job->ahead;
            if (!left || !open || !d->threads[rank] || d->in_hand[rank] >= d->threads[rank] + more)
                continue;
            if (!give_block(d, (int)rank)) return false;
            given = true;
        }
    }
    return true;
}

/* Handles all messages that have come. */
static bool hear(dealing *d, bool (*handle)(dealing *d, int from, parcel *p))
{
    parcel p;
    int from, there;
    while ((there = wire_poll(&d->r->wire, WIRE_EVENT, &from, &p, d->err)) == 1) {
        bool ok = handle(d, from, &p);
        parcel_free(&p);
        if (!ok) return false;
    }
    return there == 0;
}

/* Settles what the threads of rank 0 have done. */
static bool collect_own(dealing *d)
{
    for (block *b; (b = take_done(d));) {
        if (b->kind == EVENT_FAILED) note_failure(d, 0, b->err.text, b->err.status);
        bool ok = settle(d, 0, b->kind, b->first, b->count, &b->result);
        free_block(b);
        if (!ok) return false;
    }
    return true;
}

static bool tell_all(dealing *d, event_kind kind)
{
    for (int to = 1; to < ranks_size(d->r); to++)
        if (!post(d, to, kind, 0, 0, NULL)) return false;
    return true;
}

/* Whether no rank has a block in hand, and none will get one. Every rank must have been heard of,
 * so that none is told that the job is over before it has begun. */
static bool dealt(const dealing *d)
{
    bool last = d->next == d->job->count || d->failed || cli_interrupted();
    for (int rank = 0; rank < ranks_size(d->r); rank++)
        last &= !d->in_hand[rank] && d->threads[rank];
    return last;
}

static bool run_dealer(dealing *d)
{
    size_t size = (size_t)ranks_size(d->r), items = d->job->count;
    d->in_hand = calloc(size, sizeof *d->in_hand);
    d->threads = calloc(size, sizeof *d->threads);
    d->finished = calloc(items ? items : 1, 1);
    if (!d->in_hand || !d->threads || !d->finished) return tool_no_memory(d->err);
    d->threads[0] = (size_t)d->job->threads;
    while (!dealt(d)) {
        if (d->r && !hear(d, hear_rank)) return false;
        if (!collect_own(d)) return false;
        if (d->r && cli_interrupted() && !d->told_signal && !tell_all(d, EVENT_SIGNAL))
            return false;
        d->told_signal = cli_interrupted();
        if (!d->failed && !d->told_signal && !deal_out(d)) return false;
        if (!dealt(d)) await_done(d);
    }
    return !d->r || (tell_all(d, EVENT_OVER) && wire_flush(&d->r->wire, d->err));
}

/* ---- the other ranks ---- */

/* Another rank's answer to a message of the dealer. */
static bool hear_dealer(dealing *d, int from, parcel *p)
{
    size_t kind = parcel_take_size(p), first = parcel_take_size(p), count = parcel_take_size(p);
    char who[120];
    block *b;
    if (parcel_failed(p) || from)
        return tool_fail(d->err, NBASE_ERR_FORMAT, "rank %d sent a message without sense", from);
    switch (kind) {
    case EVENT_OVER: d->over = true; return true;
    case EVENT_SIGNAL:
        snprintf(who, sizeof who, "rank 0 on %s", d->r->all[0].host);
        ranks_note_interrupt(d->r, who);
        return true;
    default:
        if (!(b = new_block(first, count))) return tool_no_memory(d->err);
        add_to_do(d, b);
        return true;
    }
}

static bool post_done(dealing *d)
{
    for (block *b; (b = take_done(d));) {
        if (b->kind == EVENT_FAILED) {
            parcel_free(&b->result);
            parcel_put_text(&b->result, b->err.text);
        }
        /* lines that were printed before come before */
        bool ok = post_lines(d) && post(d, 0, b->kind, b->first, b->count, &b->result);
        free_block(b);
        if (!ok) return false;
    }
    return true;
}

static bool run_worker(dealing *d)
{
    if (!post(d, 0, EVENT_READY, 0, (size_t)d->job->threads, NULL)) return false;
    while (!d->over) {
        if (!hear(d, hear_dealer) || !post_done(d) || !post_lines(d)) return false;
        if (cli_interrupted() && !d->told_signal && !post(d, 0, EVENT_SIGNAL, 0, 0, NULL))
            return false;
        d->told_signal = cli_interrupted();
        if (!d->over) await_done(d);
    }
    return post_lines(d) && wire_flush(&d->r->wire, d->err);
}

/* ---- both ---- */

static void start(dealing *d)
{
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->to_do_there, NULL);
    system_condition(&d->done_there);
    d->to_do.end = &d->to_do.first;
    d->done.end = &d->done.first;
}

/* Ends the threads; what they have not begun is left undone. */
static void finish(dealing *d, deal_thread *team, int started)
{
    pthread_mutex_lock(&d->lock);
    d->closed = true;
    for (block *b; (b = pop(&d->to_do));) free_block(b);
    pthread_cond_broadcast(&d->to_do_there);
    pthread_mutex_unlock(&d->lock);
    for (int i = 0; i < started; i++) pthread_join(team[i].thread, NULL);
    for (block *b; (b = pop(&d->done));) free_block(b);
    pthread_cond_destroy(&d->to_do_there);
    pthread_cond_destroy(&d->done_there);
    pthread_mutex_destroy(&d->lock);
    free(d->in_hand);
    free(d->threads);
    free(d->finished);
    free(team);
}

static void forward_lines(ranks *r, bool on)
{
    if (!r) return;
    pthread_mutex_lock(&r->lock);
    r->forwards = on && ranks_rank(r);
    pthread_mutex_unlock(&r->lock);
}

bool ranks_deal(ranks *r, const deal_job *job, nbase_error *err)
{
    nbase_error own = {0};
    deal_job actual = *job;
    dealing d = {.r = r, .job = &actual, .err = &own};
    int started = 0;
    deal_thread *team = calloc((size_t)job->threads, sizeof *team);
    start(&d);
    for (; team && started < job->threads; started++) {
        team[started] = (deal_thread){.d = &d, .worker = started};
        if (pthread_create(&team[started].thread, NULL, thread_main, &team[started])) break;
    }
    d.single = started == 0;
    actual.threads = started ? started : 1; /* where the system has fewer, fewer are used */
    bool ok = team || tool_no_memory(&own);
    ok = ranks_agree(r, ok, &own);
    forward_lines(r, true);
    ok = ok && (ranks_rank(r) ? run_worker(&d) : run_dealer(&d)) && !d.failed;
    forward_lines(r, false);
    finish(&d, team, started);
    if (r && !ok && !r->wire.stopped && !d.failed && own.status) wire_stop(&r->wire, &own);
    ok = ranks_agree(r, ok, &own);
    return ok || tool_fail(err, own.status, "%s", own.text);
}
