#include "together.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "ranks/ranks_gather.h"

typedef struct together_person {
    float probs[2], targets[2];
    bool valid;
} person;

bool together_stop(ranks *r, bool *stop, nbase_error *err)
{
    *stop = cli_interrupted();
    if (!r) return true;
    size_t n = (size_t)ranks_size(r), *bytes = malloc(n * sizeof *bytes);
    unsigned char own = *stop, *all = calloc(n, 1);
    bool ok = ranks_agree(r, (bytes && all) || tool_no_memory(err), err);
    for (size_t i = 0; ok && i < n; i++) bytes[i] = 1;
    ok = ok && ranks_gather(r, &own, all, bytes, err);
    if (ok) *stop = memchr(all, 1, n) != NULL;
    free(all);
    free(bytes);
    return ok;
}

bool together_batch_init(together_batch *t, ranks *r, size_t room, nbase_error *err)
{
    *t = (together_batch){.ranks = r, .room = room};
    if (!r) return true;
    t->own = calloc(room, sizeof *t->own);
    t->all = calloc(room, sizeof *t->all);
    t->bytes = calloc((size_t)ranks_size(r), sizeof *t->bytes);
    t->probs = malloc(room * 2 * sizeof *t->probs);
    t->whole.targets = malloc(room * 2 * sizeof *t->whole.targets);
    t->whole.mask = malloc(room);
    t->whole.frames = 1;
    return (t->own && t->all && t->bytes && t->probs && t->whole.targets && t->whole.mask) ||
           tool_no_memory(err);
}

void together_batch_free(together_batch *t)
{
    free(t->own);
    free(t->all);
    free(t->bytes);
    free(t->probs);
    free(t->whole.targets);
    free(t->whole.mask);
    *t = (together_batch){0};
}

static void note_own(together_batch *t, const batch *b, const float *probs)
{
    for (size_t i = 0; i < b->count; i++) {
        person *p = &t->own[i];
        p->valid = batch_item_valid(b, i);
        memcpy(p->probs, probs + 2 * i, sizeof p->probs);
        memcpy(p->targets, b->targets + 2 * i, sizeof p->targets);
    }
}

bool together_batch_gather(together_batch *t, const batch *b, const float *probs, const batch **all,
                           const float **all_probs, nbase_error *err)
{
    *all = b;
    *all_probs = probs;
    if (!t->ranks) return true;
    size_t size = (size_t)ranks_size(t->ranks);
    note_own(t, b, probs);
    for (size_t r = 0; r < size; r++)
        t->bytes[r] =
            (ranks_first(b->total, r + 1, size) - ranks_first(b->total, r, size)) * sizeof *t->all;
    if (!ranks_gather(t->ranks, t->own, t->all, t->bytes, err)) return false;
    t->whole.count = t->whole.total = b->total;
    for (size_t i = 0; i < b->total; i++) {
        t->whole.mask[i] = t->all[i].valid;
        memcpy(t->probs + 2 * i, t->all[i].probs, sizeof t->all[i].probs);
        memcpy(t->whole.targets + 2 * i, t->all[i].targets, sizeof t->all[i].targets);
    }
    *all = &t->whole;
    *all_probs = t->probs;
    return true;
}

/* The ids point into each rank's own source. */
bool together_predictions(ranks *r, const source *s, prediction *p, nbase_error *err)
{
    if (!r) return true;
    size_t size = (size_t)ranks_size(r), rank = (size_t)ranks_rank(r), n = s->count,
           first = ranks_first(n, rank, size);
    size_t *bytes = malloc(size * sizeof *bytes);
    prediction *all = malloc((n ? n : 1) * sizeof *all);
    bool ok = ranks_agree(r, (bytes && all) || tool_no_memory(err), err);
    for (size_t i = 0; ok && i < size; i++)
        bytes[i] = (ranks_first(n, i + 1, size) - ranks_first(n, i, size)) * sizeof *p;
    ok = ok && ranks_gather(r, p + first, all, bytes, err);
    for (size_t i = 0; ok && i < n; i++) {
        p[i] = all[i];
        p[i].id = s->samples[i].id;
    }
    free(all);
    free(bytes);
    return ok;
}
