#include "arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "ranks/ranks_gather.h"

void arrival_free(arrival *a)
{
    free(a->p.mask);
    free(a->p.crops);
    a->p.mask = a->p.crops = NULL;
}

/* ---- one person ---- */

static void pack(parcel *to, const arrival *a)
{
    const size_t numbers[] = {a->p.frames, a->p.valid, a->p.side};
    parcel_put(to, &a->taken, sizeof a->taken);
    parcel_put(to, &a->err.status, sizeof a->err.status);
    parcel_put_text(to, a->taken == TAKEN ? "" : a->err.text);
    parcel_put(to, numbers, sizeof numbers);
    parcel_put(to, &a->p.colours, sizeof a->p.colours);
    parcel_put(to, a->digest, sizeof a->digest);
    if (a->taken == TAKEN) parcel_put(to, a->p.mask, a->p.frames);
}

static bool unpack(parcel *from, const data_user *user, arrival *a, nbase_error *err)
{
    size_t numbers[3];
    *a = (arrival){.p = {.id = user->id, .label = {!user->label, user->label}}};
    parcel_take(from, &a->taken, sizeof a->taken);
    nbase_status status = NBASE_OK;
    parcel_take(from, &status, sizeof status);
    const char *text = parcel_take_text(from);
    if (a->taken != TAKEN && text) tool_fail(&a->err, status, "%s", text);
    parcel_take(from, numbers, sizeof numbers);
    parcel_take(from, &a->p.colours, sizeof a->p.colours);
    parcel_take(from, a->digest, sizeof a->digest);
    a->p.frames = numbers[0];
    a->p.valid = numbers[1];
    a->p.side = numbers[2];
    if (parcel_failed(from) || a->taken != TAKEN) return !parcel_failed(from);
    a->p.mask = malloc(a->p.frames);
    if (!a->p.mask) return tool_no_memory(err);
    parcel_take(from, a->p.mask, a->p.frames);
    return !parcel_failed(from);
}

/* ---- fingerprints ---- */

/* A user and its place in the list. */
typedef struct user_place {
    const void *user;
    size_t place;
} user_place;

static int by_address(const void *a, const void *b)
{
    const char *x = ((const user_place *)a)->user, *y = ((const user_place *)b)->user;
    return (x > y) - (x < y);
}

/* The rows with places in the list in place of addresses. */
static bool pack_prints(parcel *to, data_user *const *users, size_t first, size_t end,
                        const fingerprints *prints, size_t before, nbase_error *err)
{
    size_t rows = prints ? prints->count - before : 0;
    user_place *places = malloc((end - first + 1) * sizeof *places);
    if (!places) return tool_no_memory(err);
    for (size_t i = first; i < end; i++) places[i - first] = (user_place){users[i], i};
    qsort(places, end - first, sizeof *places, by_address);
    parcel_put_size(to, rows);
    for (size_t i = 0; i < rows; i++) {
        const fingerprint_row *row = &prints->rows[before + i];
        const user_place key = {row->owner, 0},
                         *found = bsearch(&key, places, end - first, sizeof *places, by_address);
        parcel_put(to, &row->print, sizeof row->print);
        parcel_put_size(to, found->place);
    }
    free(places);
    return true;
}

static bool unpack_prints(parcel *from, data_user *const *users, size_t count, fingerprints *prints,
                          nbase_error *err)
{
    size_t rows = parcel_take_size(from);
    for (size_t i = 0; i < rows && !parcel_failed(from); i++) {
        uint64_t print = 0;
        parcel_take(from, &print, sizeof print);
        size_t place = parcel_take_size(from);
        if (prints && place < count && !fingerprints_put(prints, print, users[place]))
            return tool_no_memory(err);
    }
    return true;
}

/* ---- all of them ---- */

typedef struct taking {
    data_user *const *users;
    size_t count;
    arrival *own;
    size_t first, end;
    fingerprints *prints;
    bool (*take)(void *ctx, arrival *a, nbase_error *err);
    void *ctx;
} taking;

static bool take_one(const taking *t, parcel *from, size_t i, nbase_error *err)
{
    arrival other;
    bool mine = i >= t->first && i < t->end;
    bool ok = unpack(from, t->users[i], &other, err) &&
              t->take(t->ctx, mine ? &t->own[i - t->first] : &other, err);
    arrival_free(&other);
    return ok;
}

/* What one rank has put together: its people, and their fingerprints. */
static bool take_share(const taking *t, parcel *from, size_t first, size_t end, nbase_error *err)
{
    for (size_t i = first; i < end; i++)
        if (!take_one(t, from, i, err)) return false;
    return unpack_prints(from, t->users, t->count, t->prints, err);
}

bool arrivals_gather(ranks *r, data_user *const *users, size_t count, arrival *own,
                     fingerprints *prints, size_t before,
                     bool (*take)(void *ctx, arrival *a, nbase_error *err), void *ctx,
                     nbase_error *err)
{
    size_t size = (size_t)ranks_size(r), rank = (size_t)ranks_rank(r);
    const taking t = {
        users,  count, own, ranks_first(count, rank, size), ranks_first(count, rank + 1, size),
        prints, take,  ctx};
    parcel mine = {0}, all = {0};
    for (size_t i = t.first; i < t.end; i++) pack(&mine, &own[i - t.first]);
    bool ok = pack_prints(&mine, users, t.first, t.end, prints, before, err);
    ok = ranks_agree(r, ok, err) && ranks_gather_parcels(r, &mine, &all, err);
    if (prints) prints->count = before;
    for (size_t i = 0; ok && i < size; i++)
        ok =
            take_share(&t, &all, ranks_first(count, i, size), ranks_first(count, i + 1, size), err);
    if (ok && parcel_failed(&all)) ok = tool_no_memory(err);
    parcel_free(&mine);
    parcel_free(&all);
    return ranks_agree(r, ok, err);
}
