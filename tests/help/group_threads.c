#include "group_threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE 60 /* seconds */

typedef enum call_kind { BROADCAST = 1, GATHER, SUM } call_kind;

/* What a rank brings to a call. */
typedef struct place {
    help_group *home;
    convlstm_group group;
    pthread_t thread;
    size_t calls, fail_at;
    bool busy; /* in a call */
    call_kind kind;
    size_t count;       /* root and bytes, sum of bytes, or values */
    const void *mine;   /* BROADCAST, GATHER */
    float *sum;         /* SUM */
    size_t bytes, done; /* GATHER; SUM: values that have this rank's share */
} place;

struct help_group {
    pthread_mutex_t lock;
    pthread_cond_t change;
    size_t ranks, stretch;
    size_t arrived, turn; /* at the barrier */
    bool broken;
    char complaint[200];
    void (*body)(const convlstm_group *group, void *ctx);
    void *ctx;
    place places[];
};

/* ---- waiting; the lock is held ---- */

static void complain(help_group *g, const char *text)
{
    if (!g->complaint[0]) snprintf(g->complaint, sizeof g->complaint, "%s", text);
    g->broken = true;
    pthread_cond_broadcast(&g->change);
}

/* Waits for a change. */
static void wait_change(help_group *g)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    if (pthread_cond_timedwait(&g->change, &g->lock, &until) == ETIMEDOUT)
        complain(g, "a rank waited for a minute");
}

/* Returns when all ranks are here. */
static void meet(help_group *g)
{
    size_t turn = g->turn;
    if (++g->arrived == g->ranks) {
        g->arrived = 0;
        g->turn++;
        pthread_cond_broadcast(&g->change);
    }
    while (!g->broken && g->turn == turn) wait_change(g);
}

/* All ranks must have come for the same. */
static void compare(help_group *g)
{
    for (size_t r = 1; r < g->ranks && !g->broken; r++)
        if (g->places[r].kind != g->places[0].kind || g->places[r].count != g->places[0].count)
            complain(g, "ranks differ in a call or its sizes");
}

/* Takes the lock and begins a call; false: it fails. */
static bool begin(place *p, call_kind kind, size_t count)
{
    help_group *g = p->home;
    pthread_mutex_lock(&g->lock);
    if (p->busy) complain(g, "a rank calls twice at once");
    p->busy = true;
    p->kind = kind;
    p->count = count;
    p->done = 0;
    if (++p->calls == p->fail_at) {
        g->broken = true;
        pthread_cond_broadcast(&g->change);
    }
    return !g->broken;
}

static nbase_status end(place *p)
{
    bool broken = p->home->broken;
    p->busy = false;
    pthread_mutex_unlock(&p->home->lock);
    return broken ? NBASE_ERR_IO : NBASE_OK;
}

/* ---- the functions of a group ---- */

static nbase_status broadcast(void *context, size_t root, void *data, size_t bytes)
{
    place *p = context;
    help_group *g = p->home;
    if (!begin(p, BROADCAST, root * 1000003 + bytes)) return end(p);
    p->mine = data;
    meet(g);
    compare(g);
    if (!g->broken && p != &g->places[root]) memcpy(data, g->places[root].mine, bytes);
    if (!g->broken) meet(g);
    return end(p);
}

static nbase_status gather(void *context, const void *mine, void *all, const size_t *bytes)
{
    place *p = context;
    help_group *g = p->home;
    size_t total = 0;
    for (size_t r = 0; r < g->ranks; r++) total += bytes[r];
    if (!begin(p, GATHER, total)) return end(p);
    p->mine = mine;
    p->bytes = bytes[p->group.rank];
    meet(g);
    compare(g);
    char *to = all;
    for (size_t r = 0; r < g->ranks && !g->broken; to += bytes[r++]) {
        if (bytes[r] != g->places[r].bytes) complain(g, "ranks differ in the sizes of a gather");
        if (bytes[r] && !g->broken) memcpy(to, g->places[r].mine, bytes[r]);
    }
    if (!g->broken) meet(g);
    return end(p);
}

/* Waits until rank r is done with values up to `end`, and copies its values. */
static void take(help_group *g, size_t r, place *p, size_t first, size_t end)
{
    while (!g->broken && g->places[r].done < end) wait_change(g);
    if (!g->broken && g->places[r].sum != p->sum)
        memcpy(p->sum + first, g->places[r].sum + first, (end - first) * sizeof *p->sum);
}

static nbase_status sum(void *context, float *sum, size_t count,
                        void (*add)(void *adder, size_t first, size_t n), void *adder)
{
    place *p = context;
    help_group *g = p->home;
    size_t rank = p->group.rank;
    if (!begin(p, SUM, count)) return end(p);
    p->sum = sum;
    meet(g);
    compare(g);
    for (size_t first = 0; first < count && !g->broken; first += g->stretch) {
        size_t left = count - first, n = left < g->stretch ? left : g->stretch;
        if (rank) take(g, rank - 1, p, first, first + n);
        if (g->broken) break;
        pthread_mutex_unlock(&g->lock);
        add(adder, first, n);
        pthread_mutex_lock(&g->lock);
        p->done = first + n;
        pthread_cond_broadcast(&g->change);
    }
    if (!g->broken) meet(g); /* nobody takes from this one's sum any more but for the result */
    if (!g->broken) take(g, g->ranks - 1, p, 0, count);
    if (!g->broken) meet(g);
    return end(p);
}

static const char *error(void *context)
{
    place *p = context;
    return p->calls == p->fail_at ? "a test's failure" : "another rank has failed";
}

/* ---- groups ---- */

help_group *help_group_create(size_t ranks, size_t stretch)
{
    help_group *g = calloc(1, sizeof *g + ranks * sizeof *g->places);
    g->ranks = ranks;
    g->stretch = stretch;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->change, NULL);
    for (size_t r = 0; r < ranks; r++) {
        place *p = &g->places[r];
        p->home = g;
        p->group = (convlstm_group){r, ranks, p, broadcast, gather, sum, error};
    }
    return g;
}

void help_group_free(help_group *g)
{
    pthread_cond_destroy(&g->change);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void help_group_fail(help_group *g, size_t rank, size_t call) { g->places[rank].fail_at = call; }

static void *run(void *arg)
{
    place *p = arg;
    p->home->body(&p->group, p->home->ctx);
    return NULL;
}

void help_group_run(help_group *g, void (*body)(const convlstm_group *group, void *ctx), void *ctx)
{
    g->body = body;
    g->ctx = ctx;
    for (size_t r = 0; r < g->ranks; r++)
        if (pthread_create(&g->places[r].thread, NULL, run, &g->places[r])) abort();
    for (size_t r = 0; r < g->ranks; r++) pthread_join(g->places[r].thread, NULL);
}

size_t help_group_calls(const help_group *g) { return g->places[0].calls; }
const char *help_group_complaint(const help_group *g) { return g->complaint; }
