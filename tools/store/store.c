/* What is common to all kinds of store: the checks of names, and the ordered reader. */
#include "store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "fail.h"
#include "system.h"

struct store {
    const store_backend *backend;
    void *self;
    char *place;
};

bool store_is_remote(const char *place) { return strncmp(place, "s3://", 5) == 0; }

store *store_open(const char *place, nbase_error *err)
{
    store *s = calloc(1, sizeof *s);
    if (s) s->place = strdup(place);
    if (!s || !s->place) {
        tool_no_memory(err);
        free(s);
        return NULL;
    }
    s->backend = store_is_remote(place) ? &store_s3 : &store_folder;
    s->self = store_is_remote(place) ? store_s3_open(place, err) : store_folder_open(place, err);
    if (s->self) return s;
    free(s->place);
    free(s);
    return NULL;
}

void store_close(store *s)
{
    if (!s) return;
    s->backend->close(s->self);
    free(s->place);
    free(s);
}

const char *store_place(const store *s) { return s->place; }

/* Whether the object lies inside the place: no empty, "." or ".." part, and none that the system
 * takes for something else. */
static bool name_ok(const char *name, nbase_error *err)
{
    bool ok = *name != 0;
    for (const char *p = name; ok;) {
        size_t n = system_part(p);
        ok = n > 0 && !(n == 1 && p[0] == '.') && !(n == 2 && p[0] == '.' && p[1] == '.') &&
             system_part_ok(p, n);
        if (!p[n]) break;
        p += n + 1;
    }
    if (!ok) tool_fail(err, NBASE_ERR_IO, "'%s' is not a name within the folder", name);
    return ok;
}

char *store_read(store *s, const char *name, size_t max_bytes, size_t *size, bool *missing,
                 nbase_error *err)
{
    bool ignored;
    if (!missing) missing = &ignored;
    *missing = false;
    return name_ok(name, err) ? s->backend->read(s->self, name, max_bytes, size, missing, err)
                              : NULL;
}

bool store_write(store *s, const char *name, const void *data, size_t size, nbase_error *err)
{
    return name_ok(name, err) && s->backend->write(s->self, name, data, size, err);
}

int store_exists(store *s, const char *name, nbase_error *err)
{
    return name_ok(name, err) ? s->backend->exists(s->self, name, err) : -1;
}

bool store_list(store *s, const char *folder,
                bool (*each)(void *ctx, const char *name, size_t size), void *ctx, nbase_error *err)
{
    return (!*folder || name_ok(folder, err)) && s->backend->list(s->self, folder, each, ctx, err);
}

/* ---- many in order ---- */

typedef struct arrival {
    char *data; /* null: see err */
    nbase_error err;
    size_t size;
    bool missing, done;
} arrival;

struct store_batch {
    store *s;
    const char *const *names;
    size_t count, max_bytes;
    size_t taken, started; /* objects handed out, transfers begun */
    size_t window;         /* length of the ring */
    arrival *ring;         /* object i at i % window */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t *threads;
    size_t thread_count;
    bool stop;
};

static arrival fetch(store_batch *b, size_t i)
{
    arrival a = {.done = true};
    a.data = store_read(b->s, b->names[i], b->max_bytes, &a.size, &a.missing, &a.err);
    return a;
}

static void *transfer(void *ctx)
{
    store_batch *b = ctx;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (!b->stop && b->started < b->count && b->started >= b->taken + b->window)
            pthread_cond_wait(&b->changed, &b->lock);
        if (b->stop || b->started == b->count) break;
        size_t i = b->started++;
        pthread_mutex_unlock(&b->lock);
        arrival a = fetch(b, i);
        pthread_mutex_lock(&b->lock);
        b->ring[i % b->window] = a;
        pthread_cond_broadcast(&b->changed);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

store_batch *store_batch_begin(store *s, const char *const *names, size_t count, size_t max_bytes)
{
    store_batch *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    size_t window = s->backend->window < count ? s->backend->window : count;
    *b = (store_batch){
        .s = s, .names = names, .count = count, .max_bytes = max_bytes, .window = window};
    if (!window) return b;
    b->ring = calloc(window, sizeof *b->ring);
    b->threads = calloc(window, sizeof *b->threads);
    if (!b->ring || !b->threads) {
        free(b->ring);
        free(b->threads);
        free(b);
        return NULL;
    }
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    while (b->thread_count < window &&
           pthread_create(&b->threads[b->thread_count], NULL, transfer, b) == 0)
        b->thread_count++;
    return b;
}

char *store_batch_next(store_batch *b, size_t *size, bool *missing, nbase_error *err)
{
    if (b->taken >= b->count) {
        tool_fail(err, NBASE_ERR_IO, "no more objects");
        return NULL;
    }
    arrival a;
    if (!b->thread_count) {
        a = fetch(b, b->taken++);
    } else {
        pthread_mutex_lock(&b->lock);
        arrival *slot = &b->ring[b->taken % b->window];
        while (!slot->done) pthread_cond_wait(&b->changed, &b->lock);
        a = *slot;
        *slot = (arrival){0};
        b->taken++;
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
    }
    if (!a.data && err) *err = a.err;
    *size = a.size;
    if (missing) *missing = a.missing;
    return a.data;
}

void store_batch_end(store_batch *b)
{
    if (!b) return;
    if (b->window) {
        pthread_mutex_lock(&b->lock);
        b->stop = true;
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
        for (size_t i = 0; i < b->thread_count; i++) pthread_join(b->threads[i], NULL);
        for (size_t i = 0; i < b->window; i++) free(b->ring[i].data);
        pthread_mutex_destroy(&b->lock);
        pthread_cond_destroy(&b->changed);
    }
    free(b->ring);
    free(b->threads);
    free(b);
}
