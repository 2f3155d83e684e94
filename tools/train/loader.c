#include "loader.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli.h"

enum { SLOTS = 2 };

/* Slots go round: the thread fills one while the caller uses the other. `filled` counts batches made, `used` those given back. */
struct loader {
    loader_plan plan;
    size_t batches;
    batch slot[SLOTS];
    size_t filled, used;
    bool holding; /* the caller has slot used % SLOTS */
    bool failed, stopping;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
};

static size_t batch_items(const loader *l, size_t number, const size_t **items)
{
    size_t first = number * l->plan.batch, left = l->plan.count - first;
    *items = l->plan.items + first;
    return left < l->plan.batch ? left : l->plan.batch;
}

/* Frames of a batch of these entries: the source's T, or its longest sequence. */
static size_t frames_of(const loader_plan *p, const size_t *entries, size_t n)
{
    size_t longest = p->source->frames, pair = p->augment & AUGMENT_REVERSE ? 2 : 1;
    for (size_t i = 0; !p->source->frames && i < n; i++)
        if (p->source->samples[entries[i] / pair].frames > longest) longest = p->source->samples[entries[i] / pair].frames;
    return longest;
}

static bool fill(loader *l, size_t number, batch *b)
{
    const loader_plan *p = &l->plan;
    const source *s = p->source;
    bool pairs = p->augment & AUGMENT_REVERSE;
    b->count = batch_items(l, number, &b->items);
    b->frames = frames_of(p, b->items, b->count);
    size_t values = b->frames * s->height * s->width * 3;
    for (size_t i = 0; i < b->count; i++) {
        size_t item = pairs ? b->items[i] / 2 : b->items[i];
        augmentation a;
        augment_draw(p->augment, p->seed, p->epoch, item, s->samples[item].side, &a);
        a.reverse = pairs && b->items[i] % 2;
        if (!source_load(s, item, p->augment ? &a : NULL, b->frames, b->img + i * values, b->mask + i * b->frames, b->labels + 2 * i)) return false;
    }
    return true;
}

static void *work(void *arg)
{
    loader *l = arg;
    pthread_mutex_lock(&l->lock);
    for (size_t number = l->plan.first; number < l->batches && !l->failed; number++) {
        while (l->filled - l->used == SLOTS && !l->stopping) pthread_cond_wait(&l->change, &l->lock);
        if (l->stopping) break;
        batch *b = &l->slot[l->filled % SLOTS];
        pthread_mutex_unlock(&l->lock);
        bool ok = fill(l, number, b);
        pthread_mutex_lock(&l->lock);
        if (ok) l->filled++;
        else l->failed = true;
        pthread_cond_broadcast(&l->change);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static bool allocate(loader *l)
{
    const source *s = l->plan.source;
    size_t most = l->plan.batch < l->plan.count ? l->plan.batch : l->plan.count;
    size_t frames = frames_of(&l->plan, l->plan.items, l->plan.count);
    for (int i = 0; i < SLOTS; i++) {
        batch *b = &l->slot[i];
        b->img = malloc(most * frames * s->height * s->width * 3 * sizeof *b->img);
        b->mask = malloc(most * frames);
        b->labels = malloc(most * 2 * sizeof *b->labels);
        if (!b->img || !b->mask || !b->labels) return false;
    }
    return true;
}

static void release(loader *l)
{
    for (int i = 0; i < SLOTS; i++) {
        free(l->slot[i].img);
        free(l->slot[i].mask);
        free(l->slot[i].labels);
    }
    free(l);
}

loader *loader_start(const loader_plan *plan)
{
    loader *l = calloc(1, sizeof *l);
    if (l) {
        l->plan = *plan;
        l->batches = (plan->count + plan->batch - 1) / plan->batch;
        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->change, NULL);
        if (allocate(l) && !pthread_create(&l->thread, NULL, work, l)) return l;
        pthread_mutex_destroy(&l->lock);
        pthread_cond_destroy(&l->change);
        release(l);
    }
    cli_error("no memory for batches of %zu sequences: choose a smaller --batch", plan->batch);
    return NULL;
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
        while (l->filled == l->used && !l->failed) pthread_cond_wait(&l->change, &l->lock);
        if (l->filled > l->used) b = &l->slot[l->used % SLOTS];
    }
    l->holding = b != NULL;
    pthread_mutex_unlock(&l->lock);
    return b;
}

bool loader_failed(loader *l)
{
    pthread_mutex_lock(&l->lock);
    bool failed = l->failed;
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
    pthread_join(l->thread, NULL);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->change);
    release(l);
}
