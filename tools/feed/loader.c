#include "loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "ranks/ranks_gather.h"
#include "system.h"

enum { SLOTS = 2, MAX_THREADS = 8 };

/* The slots take turns: the threads fill one while the caller uses the other. They take one item
 * after the other, whatever batch it belongs to; `begun` counts items taken, `used` batches that
 * the caller is done with. */
struct loader {
    loader_plan plan;
    size_t batches;
    batch slot[SLOTS];
    size_t missing[SLOTS]; /* items of the slot's batch that are not loaded yet */
    size_t begun, used;
    bool holding; /* the caller has slot used % SLOTS */
    bool failed, stopping;
    nbase_error failure; /* why */
    pthread_t threads[MAX_THREADS];
    size_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t change;
};

bool batch_item_valid(const batch *b, size_t i)
{
    return memchr(b->mask + i * b->frames, 1, b->frames) != NULL;
}

convlstm_batch loader_batch(const source *s, const batch *b)
{
    return (convlstm_batch){.img = b->img,
                            .mask = b->mask,
                            .batch = b->count,
                            .frames = b->frames,
                            .height = s->height,
                            .width = s->width};
}

static size_t batch_items(const loader *l, size_t number, const size_t **items)
{
    size_t first = number * l->plan.batch, left = l->plan.count - first;
    *items = l->plan.items + first;
    return left < l->plan.batch ? left : l->plan.batch;
}

/* The frames of a batch of these entries: the source's T, or those of the longest sequence. */
static size_t frames_of(const loader_plan *p, const size_t *entries, size_t n)
{
    size_t longest = p->source->frames, pair = p->augment & AUGMENT_REVERSE ? 2 : 1;
    for (size_t i = 0; !p->source->frames && i < n; i++)
        if (p->source->samples[entries[i] / pair].frames > longest)
            longest = p->source->samples[entries[i] / pair].frames;
    return longest;
}

/* Loads item i of batch b. */
static bool fill(const loader *l, const batch *b, size_t i, nbase_error *err)
{
    const loader_plan *p = &l->plan;
    const source *s = p->source;
    bool pairs = p->augment & AUGMENT_REVERSE;
    size_t values = b->frames * s->frame_floats, item = pairs ? b->items[i] / 2 : b->items[i];
    augmentation a;
    augment_draw(p->augment, p->seed, p->epoch, item, s->samples[item].side, &a);
    a.reverse = pairs && b->items[i] % 2;
    return source_load(s, item, p->augment ? &a : NULL, b->frames, b->img + i * values,
                       b->mask + i * b->frames, (target_place){b->targets, b->count, i}, err);
}

/* The place of the first item of batch `number` (counted from the plan's first) among all items. */
static size_t first_item(const loader *l, size_t number) { return number * l->plan.batch; }

/* All shares of a batch have the frames of the longest sequence of all of it. */
static void begin_batch(loader *l, size_t number, batch *b)
{
    const loader_plan *p = &l->plan;
    b->total = batch_items(l, p->first + number, &b->items);
    b->frames = frames_of(p, b->items, b->total);
    size_t first = ranks_first(b->total, p->rank, p->ranks);
    b->items += first;
    b->count = ranks_first(b->total, p->rank + 1, p->ranks) - first;
    l->missing[number % SLOTS] = b->count;
}

/* The batch of the next item, whose first item prepares the slot. Null: the slots are full, or all
 * items are begun. */
static batch *next_batch(loader *l, size_t *item)
{
    for (;;) {
        size_t number = l->begun / l->plan.batch;
        if (l->plan.first + number >= l->batches || number >= l->used + SLOTS) return NULL;
        batch *b = &l->slot[number % SLOTS];
        if (l->begun == first_item(l, number)) begin_batch(l, number, b);
        *item = l->begun - first_item(l, number);
        l->begun = *item + 1 < b->count ? l->begun + 1 : first_item(l, number + 1);
        if (b->count) return b;
        pthread_cond_broadcast(&l->change); /* an empty share is ready at once */
    }
}

/* Loads the next item, while others may hold the lock. False: there is none to load now, or loading
 * failed. */
static bool load_item(loader *l)
{
    size_t item;
    batch *b = next_batch(l, &item);
    if (!b) return false;
    pthread_mutex_unlock(&l->lock);
    nbase_error err;
    bool ok = fill(l, b, item, &err);
    pthread_mutex_lock(&l->lock);
    if (!ok && !l->failed) l->failure = err;
    if (!ok) l->failed = true;
    if (--l->missing[b - l->slot] == 0 || !ok) pthread_cond_broadcast(&l->change);
    return ok;
}

static bool all_begun(const loader *l)
{
    return l->plan.first + l->begun / l->plan.batch >= l->batches;
}

static void *load_items(void *arg)
{
    loader *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && !l->failed) {
        if (load_item(l)) continue;
        if (all_begun(l)) break;
        if (!l->stopping && !l->failed) pthread_cond_wait(&l->change, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static bool allocate(loader *l)
{
    const source *s = l->plan.source;
    size_t most = l->plan.batch < l->plan.count ? l->plan.batch : l->plan.count;
    most = (most + l->plan.ranks - 1) / l->plan.ranks;
    size_t frames = frames_of(&l->plan, l->plan.items, l->plan.count);
    for (int i = 0; i < SLOTS; i++) {
        batch *b = &l->slot[i];
        b->img = malloc(most * frames * s->frame_floats * sizeof *b->img);
        b->mask = malloc(most * frames);
        b->targets = malloc(most * s->target_values * sizeof *b->targets);
        if (!b->img || !b->mask || !b->targets) return false;
    }
    return true;
}

static void release(loader *l)
{
    for (int i = 0; i < SLOTS; i++) {
        free(l->slot[i].img);
        free(l->slot[i].mask);
        free(l->slot[i].targets);
    }
    free(l);
}

/* Decoding takes a small part of the time of training: one thread per eight processors keeps up. A
 * bucket wants as many threads as there are transfers. */
static size_t threads_for(const source *s)
{
    bool remote = s->faces && store_is_remote(store_place(s->faces));
    size_t n = remote ? MAX_THREADS : 1 + system_processors() / 8;
    return n < MAX_THREADS ? n : MAX_THREADS;
}

loader *loader_start(const loader_plan *plan, nbase_error *err)
{
    loader *l = calloc(1, sizeof *l);
    if (l) {
        l->plan = *plan;
        if (!plan->ranks) l->plan.ranks = 1;
        l->batches = (plan->count + plan->batch - 1) / plan->batch;
        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->change, NULL);
        bool ok = allocate(l);
        /* Where there are fewer threads than wanted, they do. Where there are none, the caller of
         * loader_next loads. */
        for (size_t wanted = ok ? threads_for(plan->source) : 0; l->thread_count < wanted;
             l->thread_count++)
            if (pthread_create(&l->threads[l->thread_count], NULL, load_items, l)) break;
        if (ok) return l;
        pthread_mutex_destroy(&l->lock);
        pthread_cond_destroy(&l->change);
        release(l);
    }
    tool_fail(err, NBASE_ERR_NOMEM,
              "no memory for batches of %zu sequences: choose a smaller --batch", plan->batch);
    return NULL;
}

/* Whether batch number `used` is whole in its slot. */
static bool ready(const loader *l)
{
    return l->begun > first_item(l, l->used) && !l->missing[l->used % SLOTS];
}

const batch *loader_next(loader *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->holding) {
        l->holding = false;
        l->used++;
        pthread_cond_broadcast(&l->change);
    }
    const batch *b = NULL;
    if (l->plan.first + l->used < l->batches) {
        while (!ready(l) && !l->failed)
            if (!l->thread_count)
                load_item(l);
            else
                pthread_cond_wait(&l->change, &l->lock);
        if (ready(l)) b = &l->slot[l->used % SLOTS];
    }
    l->holding = b != NULL;
    pthread_mutex_unlock(&l->lock);
    return b;
}

bool loader_failed(loader *l, nbase_error *err)
{
    pthread_mutex_lock(&l->lock);
    bool failed = l->failed;
    if (failed && err) *err = l->failure;
    pthread_mutex_unlock(&l->lock);
    return failed;
}

void loader_stop(loader *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->change);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->change);
    release(l);
}
