#include "ranks_gather.h"

#include <stdlib.h>

#include "fail.h"

size_t ranks_first(size_t count, size_t rank, size_t size) { return count * rank / size; }

bool ranks_gather(ranks *r, const void *mine, void *all, const size_t *bytes, nbase_error *err)
{
    const convlstm_group *g = ranks_group(r);
    nbase_status status = g->gather(g->context, mine, all, bytes);
    if (!status) return true;
    const char *text = g->error ? g->error(g->context) : NULL;
    return tool_fail(err, status, "%s", text ? text : nbase_status_name(status));
}

/* The sizes of all parcels. */
static bool gather_sizes(ranks *r, const parcel *mine, size_t *sizes, size_t *bytes,
                         nbase_error *err)
{
    for (int i = 0; i < ranks_size(r); i++) bytes[i] = sizeof *sizes;
    return ranks_gather(r, &mine->size, sizes, bytes, err);
}

bool ranks_gather_parcels(ranks *r, const parcel *mine, parcel *all, nbase_error *err)
{
    size_t n = (size_t)ranks_size(r), total = 0, *sizes = calloc(n, sizeof *sizes),
           *bytes = calloc(n, sizeof *bytes);
    bool ok = (sizes && bytes && !parcel_failed(mine)) || tool_no_memory(err);
    ok = ranks_agree(r, ok, err) && gather_sizes(r, mine, sizes, bytes, err);
    for (size_t i = 0; ok && i < n; i++) total += sizes[i];
    if (ok) all->data = malloc(total ? total : 1);
    ok = ok && ranks_agree(r, all->data || tool_no_memory(err), err);
    if (ok) all->size = all->room = total;
    ok = ok && ranks_gather(r, mine->data, all->data, sizes, err);
    free(sizes);
    free(bytes);
    return ok;
}
