/* budget.h - how much memory all requests together may hold, and how much of it those of one
 * address. Any thread may take and return. */
#ifndef SERVE_BUDGET_H
#define SERVE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* An address with several requests may hold so many times what it leaves free. */
enum { BUDGET_SHARE = 3 };

typedef struct budget {
    struct budget *whole;     /* of which this is the part of one address; null: it is the whole */
    size_t limit;             /* bytes; of the whole */
    _Atomic size_t used;      /* bytes */
    _Atomic size_t claimants; /* of a part: requests that may take from it */
} budget;

/* False, and nothing is taken, when the limit would be exceeded. */
static inline bool budget_take_whole(budget *b, size_t bytes)
{
    size_t before = atomic_fetch_add(&b->used, bytes);
    if (bytes <= b->limit && before <= b->limit - bytes) return true;
    atomic_fetch_sub(&b->used, bytes);
    return false;
}

/* Returns what was taken. */
static inline void budget_return(budget *b, size_t bytes)
{
    atomic_fetch_sub(&b->used, bytes);
    if (b->whole) atomic_fetch_sub(&b->whole->used, bytes);
}

/* False, and nothing is taken, when the limit would be exceeded. Of a part also when it would be
 * too large beside what is then left for other addresses. A single request may have all there is:
 * what one may hold is limited elsewhere. */
static inline bool budget_take(budget *b, size_t bytes)
{
    budget *whole = b->whole;
    if (!whole) return budget_take_whole(b, bytes);
    if (!budget_take_whole(whole, bytes)) return false;
    size_t mine = atomic_fetch_add(&b->used, bytes) + bytes, used = atomic_load(&whole->used),
           left = used < whole->limit ? whole->limit - used : 0;
    if (atomic_load(&b->claimants) <= 1 || mine / BUDGET_SHARE <= left) return true;
    budget_return(b, bytes);
    return false;
}

#endif
