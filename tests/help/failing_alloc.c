#include "failing_alloc.h"

#include <stdlib.h>

static void *take(void *ctx, size_t bytes, size_t align)
{
    failing_alloc *f = ctx;
    f->requests++;
    if (f->fail_at && (f->requests == f->fail_at || (f->sticky && f->requests > f->fail_at)))
        return NULL;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    if (p) f->held++;
    return p;
}

static void give_back(void *ctx, void *ptr)
{
    failing_alloc *f = ctx;
    f->held--;
    free(ptr);
}

nbase_env failing_env(failing_alloc *f)
{
    nbase_env env = {.allocator = {take, give_back, f}};
    return env;
}
