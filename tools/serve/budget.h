/* budget.h - how much memory all requests together may hold. */
#ifndef SERVE_BUDGET_H
#define SERVE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct budget {
    size_t limit;
    _Atomic size_t used;
} budget;

static inline bool budget_take(budget *b, size_t bytes)
{
    size_t before = atomic_fetch_add(&b->used, bytes);
    if (before + bytes <= b->limit) return true;
    atomic_fetch_sub(&b->used, bytes);
    return false;
}

static inline void budget_give(budget *b, size_t bytes) { atomic_fetch_sub(&b->used, bytes); }

#endif
