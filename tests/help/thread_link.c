#include "thread_link.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer messages are not copied: they leave only when they are taken, as with MPI. */
enum { EAGER = 512, MAX_RANKS = 16 };

typedef struct message {
    struct message *next;
    int from, tag;
    const char *data;
    char *copy; /* or null */
    size_t size;
    bool taken;
} message;

typedef struct awaited {
    int from, tag;
    char *data;
} awaited;

typedef struct end_point {
    thread_hub *hub;
    ranks_link link;
    message *inbox;
    unsigned long calls;
} end_point;

struct thread_hub {
    pthread_mutex_t lock;
    int size, fail_rank;
    unsigned long fail_at;
    end_point ranks[MAX_RANKS];
};

/* Counts a call. False: this one fails. */
static bool passes(end_point *e, nbase_error *err)
{
    bool fails = ++e->calls == e->hub->fail_at && e->link.rank == e->hub->fail_rank;
    if (!fails) return true;
    err->status = NBASE_ERR_IO;
    snprintf(err->text, sizeof err->text, "the wire is cut");
    return false;
}

static bool send_message(void *ctx, int to, int tag, const void *data, size_t size,
                         link_request *request, nbase_error *err)
{
    end_point *e = ctx;
    pthread_mutex_lock(&e->hub->lock);
    bool ok = passes(e, err);
    message *m = ok ? calloc(1, sizeof *m) : NULL;
    if (m) {
        *m = (message){.from = e->link.rank, .tag = tag, .data = data, .size = size};
        if (size <= EAGER) {
            m->data = m->copy = malloc(size + 1);
            memcpy(m->copy, data, size);
        }
        message **at = &e->hub->ranks[to].inbox;
        while (*at) at = &(*at)->next;
        *at = m;
        *request = (link_request){.handle = m->copy ? 0 : (uint64_t)(uintptr_t)m, .size = size};
    }
    pthread_mutex_unlock(&e->hub->lock);
    return m != NULL;
}

static bool receive_message(void *ctx, int from, int tag, void *data, size_t size,
                            link_request *request, nbase_error *err)
{
    end_point *e = ctx;
    pthread_mutex_lock(&e->hub->lock);
    bool ok = passes(e, err);
    pthread_mutex_unlock(&e->hub->lock);
    awaited *a = ok ? malloc(sizeof *a) : NULL;
    if (!a) return false;
    *a = (awaited){from, tag, data};
    *request = (link_request){.handle = (uint64_t)(uintptr_t)a, .size = size, .receives = true};
    return true;
}

static message **find(end_point *e, int from, int tag)
{
    message **at = &e->inbox;
    while (*at && ((from >= 0 && (*at)->from != from) || (*at)->tag != tag)) at = &(*at)->next;
    return at;
}

/* A message that was awaited, if it is there: 1, 0 or -1. */
static int take(end_point *e, link_request *request, nbase_error *err)
{
    awaited *a = (awaited *)(uintptr_t)request->handle;
    message **at = find(e, a->from, a->tag), *m = *at;
    if (!m) return 0;
    bool fits = m->size == request->size;
    if (fits) memcpy(a->data, m->data, m->size);
    *at = m->next;
    m->taken = true;
    if (m->copy) {
        free(m->copy);
        free(m);
    }
    if (fits) free(a);
    if (fits) return 1;
    err->status = NBASE_ERR_FORMAT;
    snprintf(err->text, sizeof err->text, "a message of another size");
    return -1;
}

static int test(void *ctx, link_request *request, nbase_error *err)
{
    end_point *e = ctx;
    int result = -1;
    pthread_mutex_lock(&e->hub->lock);
    if (passes(e, err)) {
        message *m = (message *)(uintptr_t)request->handle;
        result = request->receives ? take(e, request, err) : !m || m->taken;
        if (!request->receives && m && m->taken) free(m);
    }
    pthread_mutex_unlock(&e->hub->lock);
    return result;
}

static void cancel(void *ctx, link_request *request)
{
    end_point *e = ctx;
    pthread_mutex_lock(&e->hub->lock);
    message *m = (message *)(uintptr_t)request->handle;
    if (request->receives) {
        free(m); /* what was awaited */
    } else if (m && m->taken) {
        free(m);
    } else if (m) {
        char *copy = malloc(m->size);
        memcpy(copy, m->data, m->size);
        m->data = m->copy = copy;
    }
    pthread_mutex_unlock(&e->hub->lock);
}

static int probe(void *ctx, int tag, int *from, size_t *size, nbase_error *err)
{
    end_point *e = ctx;
    pthread_mutex_lock(&e->hub->lock);
    int result = passes(e, err) ? 0 : -1;
    message *m = result ? NULL : *find(e, -1, tag);
    if (m) {
        *from = m->from;
        *size = m->size;
        result = 1;
    }
    pthread_mutex_unlock(&e->hub->lock);
    return result;
}

static void nothing(void *ctx) { (void)ctx; }

static void nothing_with(void *ctx, int status)
{
    (void)ctx;
    (void)status;
}

thread_hub *thread_hub_create(int size, int fail_rank, unsigned long fail_at)
{
    thread_hub *hub = calloc(1, sizeof *hub);
    if (!hub || size > MAX_RANKS) abort();
    hub->size = size;
    hub->fail_rank = fail_rank;
    hub->fail_at = fail_at;
    pthread_mutex_init(&hub->lock, NULL);
    for (int i = 0; i < size; i++) {
        hub->ranks[i].hub = hub;
        hub->ranks[i].link = (ranks_link){.ctx = &hub->ranks[i],
                                          .rank = i,
                                          .size = size,
                                          .send = send_message,
                                          .receive = receive_message,
                                          .test = test,
                                          .cancel = cancel,
                                          .probe = probe,
                                          .close = nothing,
                                          .abort = nothing_with};
    }
    return hub;
}

void thread_hub_free(thread_hub *hub)
{
    for (int i = 0; i < hub->size; i++)
        for (message *m = hub->ranks[i].inbox, *next; m; m = next) {
            next = m->next;
            free(m->copy);
            free(m);
        }
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

const ranks_link *thread_hub_link(thread_hub *hub, int rank) { return &hub->ranks[rank].link; }

unsigned long thread_hub_calls(const thread_hub *hub, int rank) { return hub->ranks[rank].calls; }
