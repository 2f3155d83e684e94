/* budget.h - how much memory all requests together may hold. Any thread may take and return. */
#ifndef SERVE_BUDGET_H
#define SERVE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct budget {
    size_t limit; /* bytes */
    _Atomic size_t used;
} budget;

/* False, and nothing is taken, when the limit would be exceeded. */
static inline bool budget_take(budget *b, size_t bytes)
{
    size_t before = atomic_fetch_add(&b->used, bytes);
    if (before + bytes <= b->limit) return true;
    atomic_fetch_sub(&b->used, bytes);
    return false;
}

/* Returns what was taken. */
static inline void budget_return(budget *b, size_t bytes) { atomic_fetch_sub(&b->used, bytes); }

#endif
